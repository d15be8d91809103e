"""Any table as periods: a reference and what came after it, with the codes of its
columns. Nothing here knows a column's name; the roles of columns are arguments."""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

# A number with more values than this has deciles as its bins, any other column codes.
MOST_CODES = 60


@dataclass(frozen=True)
class Period:
    """The rows of one window of time."""

    label: str
    start: datetime
    end: datetime
    rows: pd.DataFrame


@dataclass
class Table:
    """Rows with what their columns are."""

    name: str
    truth: str
    prediction: str
    groups: list[str]
    periods: list[Period]
    codes: dict[str, list[str]] = field(default_factory=dict)
    edges: dict[str, list[float]] = field(default_factory=dict)

    @property
    def reference(self) -> Period:
        """What all others are compared with."""
        return self.periods[0]

    def columns(self) -> Iterator[str]:
        """Every column that is measured, in the order of the table."""
        return (column for column in self.reference.rows if column in self.codes or column in self.edges)


def arguments(parser: argparse.ArgumentParser) -> None:
    """What a table is, on the command line."""
    parser.add_argument("--name", required=True, help="what to call it: the id of its model")
    parser.add_argument("--reference", required=True, type=Path, help="parquet or CSV")
    parser.add_argument("--current", required=True, type=Path, help="parquet or CSV, with the same columns")
    parser.add_argument("--targets", type=Path, help="the truth of --current, where it is a file of its own")
    parser.add_argument("--key", default="id", help="the column that joins them")
    parser.add_argument("--truth", required=True, help="the column of what is true, 0 or 1")
    parser.add_argument("--prediction", required=True, help="the column of what was predicted, 0 or 1")
    parser.add_argument("--year", help="the column of the year; without it --current becomes three parts")
    parser.add_argument("--groups", nargs="*", default=[], help="columns of which groups are compared")
    parser.add_argument("--leave-out", nargs="*", default=[], help="columns that are not measured")


def read(given: argparse.Namespace) -> Table:
    """Reads the files, cuts them into periods and finds what each column is."""
    reference, current = _rows(given.reference), _rows(given.current)
    if given.targets:
        targets = _rows(given.targets)
        current = current.merge(targets, on=given.key, validate="one_to_one")
    skipped = {given.key, *given.leave_out} - {given.year}
    shared = [column for column in reference if column in set(current) - skipped]
    reference, current = reference[shared].copy(), current[shared].copy()
    table = Table(given.name, given.truth, given.prediction, given.groups, [])
    for column in shared:
        if column != given.year:
            _learn(table, column, reference, current)
    table.periods = _periods(given.year, reference, current)
    return table


def _rows(file: Path) -> pd.DataFrame:
    return pd.read_csv(file) if file.suffix == ".csv" else pd.read_parquet(file)


def _learn(table: Table, column: str, reference: pd.DataFrame, current: pd.DataFrame) -> None:
    """Bins from the reference alone, codes from both; and the codes take the place of the values."""
    values = reference[column]
    if pd.api.types.is_float_dtype(values) and values.nunique() > MOST_CODES:
        edges = np.unique(np.nanquantile(values, np.arange(0.1, 1, 0.1)))
        table.edges[column] = edges.tolist()
        return
    texts = [_texts(values), _texts(current[column])]
    named = {value: _code(value) for value in pd.concat(texts).dropna().unique()}
    if len(named) > MOST_CODES or len(set(named.values())) < len(named):
        raise ValueError(f"{column} has {len(named)} values that are no codes: leave it out")
    for rows, text in zip((reference, current), texts, strict=True):
        rows[column] = text.map(named)
    table.codes[column] = sorted(named.values(), key=lambda code: (len(code), code))


def _texts(values: pd.Series) -> pd.Series:
    """Values as texts: 1.0 in one file is 1 in another."""
    whole = pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all()
    return values.astype("Int64" if whole else values.dtype).astype("string")


def _code(value: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", value.replace("%", "pct")).strip("_") or "none"


def _periods(year: str | None, reference: pd.DataFrame, current: pd.DataFrame) -> list[Period]:
    if year:
        both = pd.concat([reference, current])
        return [
            Period(str(which), datetime(which, 1, 1, tzinfo=UTC), datetime(which + 1, 1, 1, tzinfo=UTC), rows)
            for which, rows in ((int(which), rows) for which, rows in both.groupby(year))
        ]
    parts = [reference, *(current.iloc[part] for part in np.array_split(np.arange(len(current)), 3))]
    first, day = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=1)
    labels = ["the reference", "part 1", "part 2", "part 3"]
    return [
        Period(label, first + at * day, first + (at + 1) * day, rows)
        for at, (label, rows) in enumerate(zip(labels, parts, strict=True))
    ]
