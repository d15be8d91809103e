"""Reads the census data set and counts what a registry may know of it.

Only counts leave this file: no row, and so no person, ever reaches Steward.
"""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

REFERENCE_YEAR = 2015
PRODUCTION_YEARS = (2016, 2017, 2018)

# Deciles of AGEP (age in years) in 2015. A bin holds its lower edge.
AGE_EDGES = (10.0, 18.0, 25.0, 33.0, 42.0, 50.0, 56.0, 63.0, 72.0)
# MAR: married, widowed, divorced, separated, never married.
MARITAL_CODES = ("1", "2", "3", "4", "5")

# What evaluations are broken down by, as the version declares it: marital status, sex,
# and race (nine groups, some of them of very few people).
DECLARED_CODES = {"MAR": MARITAL_CODES, "SEX": ("1", "2"), "RAC1P": tuple("123456789")}


@dataclass(frozen=True)
class Confusion:
    """Confusion counts of one group: predicted against truly employed."""

    tp: int
    fp: int
    tn: int
    fn: int


@dataclass(frozen=True)
class Year:
    """Everything that is counted of one year."""

    year: int
    n: int
    correct: int
    predicted_positive: int
    age: tuple[int, ...]
    marital: tuple[int, ...]
    by_sex: dict[str, Confusion]
    by_race: dict[str, Confusion]


def read(folder: Path) -> dict[int, Year]:
    """Reads all years from the three parquet files."""
    reference = pq.read_table(folder / "employment_MA_reference.pq")
    analysis = pq.read_table(folder / "employment_MA_analysis.pq")
    target = pq.read_table(folder / "employment_MA_analysis_target.pq")
    if not analysis.column("id").equals(target.column("id")):
        raise ValueError("the labels of 2016-2018 do not stand beside their rows")
    analysis = analysis.append_column("employed", target.column("employed"))
    years = {}
    for table in (reference, analysis):
        columns = _columns(table)
        for year in sorted(set(columns["year"])):
            rows = [at for at, value in enumerate(columns["year"]) if value == year]
            years[year] = _count(
                year, {name: [values[at] for at in rows] for name, values in columns.items()}
            )
    return years


def _columns(table: pa.Table) -> dict[str, list]:
    names = ("year", "AGEP", "MAR", "SEX", "RAC1P", "employed", "prediction")
    return {name: table.column(name).to_pylist() for name in names}


def _count(year: int, rows: dict[str, list]) -> Year:
    pairs = list(zip(rows["employed"], rows["prediction"], strict=True))
    ages = Counter(bisect_right(AGE_EDGES, age) for age in rows["AGEP"])
    codes = Counter(rows["MAR"])
    return Year(
        year=year,
        n=len(pairs),
        correct=sum(truth == guess for truth, guess in pairs),
        predicted_positive=sum(guess for _, guess in pairs),
        age=tuple(ages[bin] for bin in range(len(AGE_EDGES) + 1)),
        marital=tuple(codes[code] for code in MARITAL_CODES),
        by_sex=_confusion(rows["SEX"], pairs),
        by_race=_confusion(rows["RAC1P"], pairs),
    )


def _confusion(groups: list[str], pairs: list[tuple[int, int]]) -> dict[str, Confusion]:
    cells = Counter((group, truth, guess) for group, (truth, guess) in zip(groups, pairs, strict=True))
    return {
        group: Confusion(
            tp=cells[group, 1, 1], fp=cells[group, 0, 1], tn=cells[group, 0, 0], fn=cells[group, 1, 0]
        )
        for group in sorted(set(groups))
    }
