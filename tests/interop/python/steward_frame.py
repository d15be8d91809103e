"""Turns a pandas frame into measurements for Steward, on the side of whoever holds
the frame: counts, histograms over frozen bins, moments, confusion tables, DDSketches
and exponential histograms. No row, and no value of a single row, leaves it.

Three rules, the first two of which the server has as well:

- only keys and codes that the version declares are used; every other value, a
  missing one too, counts as ``OTHER``;
- a slice, category, group or bin of fewer than ``least`` rows is folded as the
  server would fold it (docs/evaluations.md), and a whole measurement of fewer is not
  made at all;
- ``min`` and ``max`` would be values of single rows, so they are coarsened to two
  significant digits, outwards; the ends of sketches are merged until each holds
  ``least`` rows; a mean of rows that are all alike is coarsened as well.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil, floor, log, log10

import numpy as np
import pandas as pd
from steward.v1 import evaluation_pb2 as pb

OTHER = "OTHER"
MOST_BUCKETS = 320
Dimensions = Mapping[str, Sequence[str]]


class TooFewRows(ValueError):
    """Fewer rows than may be measured at all."""


class Frame:
    """A frame with what may be told of it: ``dimensions`` are those of the version,
    key by key; a key is the name of a column."""

    def __init__(self, rows: pd.DataFrame, dimensions: Dimensions, least: int = 5) -> None:
        self._rows = rows
        self._least = least
        self._dimensions = {key: tuple(codes) for key, codes in dimensions.items()}

    def rate(self, metric: str, happened: str, *, by: str = "", direction: int = 0) -> list[pb.MetricPoint]:
        """How often a column is true, in all and for each code of ``by``."""

        def measure(rows: pd.DataFrame) -> dict:
            column = rows[happened].dropna().astype(bool)
            return {"rate": pb.RatePoint(k=int(column.sum()), n=len(column))}

        return self._sliced(metric, happened, by, direction, measure)

    def moments(self, metric: str, column: str, *, by: str = "", direction: int = 0) -> list[pb.MetricPoint]:
        """Count, mean and spread of a column, in all and for each code of ``by``."""
        return self._sliced(metric, column, by, direction, lambda rows: {"moments": _moments(rows[column])})

    def numeric(self, metric: str, column: str, edges: Sequence[float]) -> pb.MetricPoint:
        """A column over the bins that were frozen at the approval."""
        values = self._numbers(column)
        places = np.searchsorted(np.asarray(edges), values, side="right")
        counts = np.bincount(places, minlength=len(edges) + 1).tolist()
        bins = pb.NumericBins(edges=edges)
        folded = fold_bins(counts, self._least)
        return pb.MetricPoint(metric=metric, histogram=pb.HistogramPoint(numeric=bins, counts=folded))

    def categorical(self, metric: str, attribute: str) -> pb.MetricPoint:
        """How often each declared code of a column occurs."""
        self._enough(self._rows)
        counts = self._codes(attribute).value_counts()
        small = [code for code in self._dimensions[attribute] if 0 < counts.get(code, 0) < self._least]
        rest = int(counts.get(OTHER, 0)) + sum(int(counts[code]) for code in small)
        categories = [code for code in self._dimensions[attribute] if code != OTHER]
        kept = [0 if code in small else int(counts.get(code, 0)) for code in categories]
        if rest:
            categories, kept = [*categories, OTHER], [*kept, rest]
        bins = pb.CategoricalBins(attribute=attribute, categories=categories)
        return pb.MetricPoint(metric=metric, histogram=pb.HistogramPoint(categorical=bins, counts=kept))

    def confusion(self, metric: str, truth: str, prediction: str, attribute: str) -> pb.MetricPoint:
        """What was predicted against what is true, for each declared group."""
        self._enough(self._rows)
        groups = self._with_small_ones_together(self._codes(attribute))
        right, guess = self._rows[truth].astype(bool), self._rows[prediction].astype(bool)
        cells = [
            pb.ConfusionCounts(
                group=group,
                true_positives=int((own & right & guess).sum()),
                false_positives=int((own & ~right & guess).sum()),
                true_negatives=int((own & ~right & ~guess).sum()),
                false_negatives=int((own & right & ~guess).sum()),
            )
            for group in sorted(groups.unique())
            for own in [groups == group]
        ]
        return pb.MetricPoint(metric=metric, confusion=pb.ConfusionPoint(attribute=attribute, groups=cells))

    def sketch(self, metric: str, column: str, relative_accuracy: float = 0.01) -> pb.MetricPoint:
        """A DDSketch of a column, from which quantiles follow."""
        base = log((1 + relative_accuracy) / (1 - relative_accuracy))
        values = self._numbers(column)
        sides = self._buckets(values, lambda size: np.ceil(np.log(size) / base))
        summary = _summary(values)
        point = pb.SketchPoint(relative_accuracy=relative_accuracy, **sides, **summary)
        return pb.MetricPoint(metric=metric, sketch=point)

    def exponential(self, metric: str, column: str, scale: int = 5) -> pb.MetricPoint:
        """An exponential histogram of a column, as OpenTelemetry defines it."""
        values = self._numbers(column)
        sides = self._buckets(values, lambda size: np.ceil(np.log2(size) * 2.0**scale) - 1)
        point = pb.ExponentialHistogramPoint(scale=scale, **sides, **_summary(values))
        return pb.MetricPoint(metric=metric, exponential_histogram=point)

    def _enough(self, rows: Sequence) -> None:
        if len(rows) < self._least:
            raise TooFewRows(f"{len(rows)} rows are fewer than {self._least}")

    def _numbers(self, column: str) -> np.ndarray:
        values = self._rows[column].dropna().to_numpy(dtype=float)
        self._enough(values)
        return values

    def _codes(self, key: str) -> pd.Series:
        declared = self._dimensions.get(key)
        if declared is None:
            raise KeyError(f"{key!r} is not among the dimensions of the version: {sorted(self._dimensions)}")
        codes = self._rows[key].astype("string")
        return codes.where(codes.isin(declared), OTHER).fillna(OTHER)

    def _with_small_ones_together(self, codes: pd.Series) -> pd.Series:
        sizes = codes.value_counts()
        return codes.where(~codes.isin(sizes.index[sizes < self._least]), OTHER)

    def _sliced(
        self, metric: str, column: str, by: str, direction: int, measure: Callable[[pd.DataFrame], dict]
    ) -> list[pb.MetricPoint]:
        rows = self._rows[self._rows[column].notna()]
        self._enough(rows)
        points = [pb.MetricPoint(metric=metric, direction=direction, **measure(rows))]
        if by:
            codes = self._with_small_ones_together(self._codes(by)[rows.index])
            for code in sorted(codes.unique()):
                own = rows[codes == code]
                # What is left over may itself be too few to be measured.
                if len(own) >= self._least:
                    value = measure(own)
                    points.append(pb.MetricPoint(metric=metric, direction=direction, slice={by: code}, **value))
        return points

    def _buckets(self, values: np.ndarray, index_of: Callable[[np.ndarray], np.ndarray]) -> dict:
        sides = {}
        for side, own in (("positive", values[values > 0]), ("negative", -values[values < 0])):
            if len(own) == 0:
                continue
            indices = index_of(own).astype(int)
            offset = int(indices.min())
            counts = np.bincount(indices - offset).tolist()
            if len(counts) > MOST_BUCKETS:
                raise ValueError(f"{len(counts)} buckets are more than {MOST_BUCKETS}: choose a coarser scale")
            first, counts = merge_ends(counts, self._least)
            sides[side] = pb.ExponentialBuckets(offset=offset + first, counts=counts)
        return {"zero_count": int((values == 0).sum()), **sides}


def fold_bins(counts: Iterable[int], least: int) -> list[int]:
    """The content of each small bin in the nearest bin that is not empty, in the
    fuller of two that are as near; the bins stay."""
    counts = list(counts)
    while True:
        small = [(count, at) for at, count in enumerate(counts) if 0 < count < least]
        if not small:
            return counts
        count, at = min(small)
        below = next((to for to in range(at - 1, -1, -1) if counts[to]), None)
        above = next((to for to in range(at + 1, len(counts)) if counts[to]), None)
        near = [to for to in (below, above) if to is not None]
        if not near:
            return counts
        to = min(near, key=lambda to: (abs(to - at), -counts[to]))
        counts[to] += count
        counts[at] = 0


def merge_ends(counts: list[int], least: int) -> tuple[int, list[int]]:
    """Buckets whose first and last hold at least so many rows, or one bucket; and
    which of the given buckets is the first of them."""
    first, last = 0, len(counts) - 1
    counts = list(counts)
    while first < last and counts[first] < least:
        counts[first + 1] += counts[first]
        first += 1
    while last > first and counts[last] < least:
        counts[last - 1] += counts[last]
        last -= 1
    return first, counts[first : last + 1]


def coarse(value: float, round_to: Callable[[float], int], digits: int = 2) -> float:
    """A value rounded to so many significant digits, ``floor`` or ``ceil``."""
    if value == 0 or not np.isfinite(value):
        return value
    places = digits - 1 - floor(log10(abs(value)))
    return float(round_to(value * 10.0**places)) / 10.0**places


def _moments(column: pd.Series) -> pb.MomentsPoint:
    values = column.to_numpy(dtype=float)
    mean = float(values.mean())
    m2 = float(((values - mean) ** 2).sum())
    low, high = coarse(float(values.min()), floor), coarse(float(values.max()), ceil)
    if values.min() == values.max():
        mean, m2 = low, 0.0
    return pb.MomentsPoint(n=len(values), mean=mean, m2=m2, min=low, max=high)


def _summary(values: np.ndarray) -> dict[str, float]:
    low, high = float(values.min()), float(values.max())
    total = float(values.sum()) if low < high else coarse(low, floor) * len(values)
    return {"sum": total, "min": coarse(low, floor), "max": coarse(high, ceil)}
