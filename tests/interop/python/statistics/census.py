"""The census data set as it lies in NannyML's package: US Census ACS, Massachusetts,
2015 as the reference, 2016 to 2018 beside it."""

from functools import cache
from pathlib import Path

import nannyml
import pandas as pd

REFERENCE = 2015
YEARS = (2016, 2017, 2018)


@cache
def frame():
    """All rows of all years, with their targets."""
    folder = Path(nannyml.__file__).parent / "datasets" / "data"
    reference = pd.read_parquet(folder / "employment_MA_reference.pq")
    analysis = pd.read_parquet(folder / "employment_MA_analysis.pq")
    target = pd.read_parquet(folder / "employment_MA_analysis_target.pq")
    analysis = analysis.merge(target, on="id", validate="one_to_one")
    both = pd.concat([reference, analysis], ignore_index=True)
    assert len(both) == 277_677 and not both.drop(columns="id").isna().any().any()
    return both


def year(which):
    """The rows of one year."""
    rows = frame()
    return rows[rows["year"] == which].reset_index(drop=True)


def columns():
    """Every column but the row's number and its year."""
    return [column for column in frame().columns if column not in ("id", "year")]
