"""Turns the counts of a year into the evaluation that Steward keeps."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from steward.v1 import evaluation_pb2 as pb
from steward.v1 import version_pb2

from dataset import AGE_EDGES, MARITAL_CODES, Confusion, Year

SOURCE = "https://www.census.gov/programs-surveys/acs"


def evaluation(year: Year, reference: Year | None) -> pb.Evaluation:
    """One year's evaluation; histograms stand beside those of the reference."""
    higher, lower = pb.DIRECTION_HIGHER_IS_BETTER, pb.DIRECTION_LOWER_IS_BETTER
    return pb.Evaluation(
        window_start_time=_new_year(year.year),
        window_end_time=_new_year(year.year + 1),
        dataset=version_pb2.DatasetReference(uri=f"{SOURCE}/{year.year}/MA", row_count=year.n),
        evaluator=pb.Evaluator(name="census-interop", version="1.0.0"),
        points=[
            _rate("accuracy", year.correct, year.n, higher),
            _rate("error_rate", year.n - year.correct, year.n, lower),
            _rate("positive_prediction_rate", year.predicted_positive, year.n, pb.DIRECTION_UNSPECIFIED),
            _confusion("confusion/sex", "SEX", year.by_sex),
            _confusion("confusion/race", "RAC1P", year.by_race),
            pb.MetricPoint(metric="input/agep", histogram=_age(year, reference)),
            pb.MetricPoint(metric="input/mar", histogram=_marital(year, reference)),
        ],
        note=f"American Community Survey {year.year}, Massachusetts",
    )


def point(kept: pb.Evaluation, metric: str) -> pb.MetricPoint:
    """The one point of a metric in an evaluation that was read back."""
    [found] = [point for point in kept.points if point.metric == metric]
    return found


def confusion(kept: pb.Evaluation, metric: str) -> dict[str, tuple[int, int, int, int]]:
    """Confusion counts (tp, fp, tn, fn) of each group, as read back."""
    return {
        group.group: (
            group.true_positives,
            group.false_positives,
            group.true_negatives,
            group.false_negatives,
        )
        for group in point(kept, metric).confusion.groups
    }


def _new_year(year: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime(year, 1, 1, tzinfo=UTC))
    return stamp


def _rate(metric: str, k: int, n: int, direction: "pb.Direction") -> pb.MetricPoint:
    return pb.MetricPoint(metric=metric, direction=direction, rate=pb.RatePoint(k=k, n=n))


def _confusion(metric: str, attribute: str, groups: dict[str, Confusion]) -> pb.MetricPoint:
    counts = [
        pb.ConfusionCounts(
            group=group,
            true_positives=cells.tp,
            false_positives=cells.fp,
            true_negatives=cells.tn,
            false_negatives=cells.fn,
        )
        for group, cells in groups.items()
    ]
    return pb.MetricPoint(metric=metric, confusion=pb.ConfusionPoint(attribute=attribute, groups=counts))


def _age(year: Year, reference: Year | None) -> pb.HistogramPoint:
    bins = pb.NumericBins(edges=AGE_EDGES)
    return pb.HistogramPoint(
        numeric=bins, counts=year.age, reference_counts=reference.age if reference else ()
    )


def _marital(year: Year, reference: Year | None) -> pb.HistogramPoint:
    bins = pb.CategoricalBins(attribute="MAR", categories=MARITAL_CODES)
    counts = reference.marital if reference else ()
    return pb.HistogramPoint(categorical=bins, counts=year.marital, reference_counts=counts)
