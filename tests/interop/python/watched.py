"""A version in service, watched over every column of a table, its performance and its
groups: what Steward says of each period, beside what scipy and the rules say, and beside
what Evidently and fairlearn said of the same data. Prints a table for each period."""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

import grpc
import numpy as np
import pandas as pd
from steward.v1 import alias_pb2, evaluation_pb2, lifecycle_pb2, metric_pb2, model_pb2, monitor_pb2, version_pb2

import documented
import expected
import few
import periods
from checks import Checks
from client import DEADLINE, Steward, read_refusal, request_id
from steward_frame import Frame

NAMESPACE = "namespaces/default"
HIGHER, LOWER = evaluation_pb2.DIRECTION_HIGHER_IS_BETTER, evaluation_pb2.DIRECTION_LOWER_IS_BETTER
EITHER = evaluation_pb2.DIRECTION_UNSPECIFIED
# Rates of predictions: which way each may not go, and among whom it is counted.
PERFORMANCE = {
    "accuracy": (HIGHER, lambda truth, guess: truth == guess, lambda truth, guess: truth | ~truth),
    "true_positive_rate": (HIGHER, lambda truth, guess: guess, lambda truth, guess: truth),
    "false_positive_rate": (LOWER, lambda truth, guess: guess, lambda truth, guess: ~truth),
    "precision": (HIGHER, lambda truth, guess: truth, lambda truth, guess: guess),
    "positive_rate": (EITHER, lambda truth, guess: guess, lambda truth, guess: truth | ~truth),
}
EFFECTS = {
    monitor_pb2.EFFECT_KIND_PSI: "PSI",
    monitor_pb2.EFFECT_KIND_COHENS_H: "h",
    monitor_pb2.EFFECT_KIND_RATIO_OF_RATES: "ratio",
}
HEAD = ["what", "verdict", "effect", "p", "n then", "n now", "beside the period before", "candidate", "in words"]
Points = dict[str, evaluation_pb2.MetricPoint]


class Watched:
    """One table against one server."""

    def __init__(self, address: str, table: periods.Table, others: list[dict]) -> None:
        self.checks = Checks()
        self.steward = Steward(address)
        self.table = table
        self.others = {case["name"]: case for case in others}
        self.model = f"{NAMESPACE}/models/{table.name}"
        self.sent: dict[str, Points] = {}
        self.detectors: dict[str, expected.Detector] = {}
        self.compared = 0

    def points(self, rows: pd.DataFrame, prediction: pd.Series) -> Points:
        """All that is measured of some rows, by its name."""
        table = self.table
        rows = rows.assign(**{table.prediction: prediction})
        truth, guess = rows[table.truth] == "1", prediction == "1"
        for name, (_, counted, among) in PERFORMANCE.items():
            rows[f"performance/{name}"] = counted(truth, guess).astype("boolean").mask(~among(truth, guess))
        frame = Frame(rows, table.codes)
        found = [
            frame.numeric(f"column/{column.lower()}", column, table.edges[column])
            if column in table.edges
            else frame.categorical(f"column/{column.lower()}", column)
            for column in table.columns()
        ]
        for name, (direction, *_) in PERFORMANCE.items():
            found += frame.rate(f"performance/{name}", f"performance/{name}", direction=direction)
        right = Frame(rows.assign(truth=truth, guess=guess), table.codes)
        found += [right.confusion(f"groups/{key.lower()}", "truth", "guess", key) for key in table.groups]
        return {point.metric: point for point in found}

    def register(self) -> None:
        """A model with two versions: what is in service, and a candidate."""
        model = model_pb2.Model(kind=model_pb2.MODEL_KIND_OWN, risk_tier=model_pb2.RISK_TIER_PREVIEW)
        create = model_pb2.CreateModelRequest(parent=NAMESPACE, model_id=self.table.name, model=model)
        self.steward.models.CreateModel(create, timeout=DEADLINE)
        declared = {key: version_pb2.Dimension(codes=codes) for key, codes in self.table.codes.items()}
        for label in ("in service", "candidate"):
            artifact = version_pb2.Artifact(uri="s3://models/watched.onnx", digest="sha256:" + "5a" * 32)
            version = version_pb2.Version(label=label, artifacts=[artifact], dimensions=declared)
            create = version_pb2.CreateVersionRequest(parent=self.model, version=version)
            self.steward.versions.CreateVersion(create, timeout=DEADLINE)

    def record(self, number: int, period: periods.Period, points: Points) -> None:
        """One period's evaluation of a version."""
        evaluation = evaluation_pb2.Evaluation(
            evaluator=evaluation_pb2.Evaluator(name="steward-frame", version="1.0.0"), points=points.values()
        )
        evaluation.window_start_time.FromDatetime(period.start)
        evaluation.window_end_time.FromDatetime(period.end)
        parent = f"{self.model}/versions/{number}"
        request = evaluation_pb2.RecordEvaluationRequest(parent=parent, evaluation=evaluation)
        kept = self.steward.evaluations.RecordEvaluation(request, timeout=DEADLINE)
        if kept.folded_cell_count or len(kept.points) != len(points):
            self.checks.that(False, f"{period.label}: the server kept what was sent", kept.folded_cell_count)

    def approve(self) -> None:
        """Version 1 goes into service, with what was measured of it as its baseline."""
        version = f"{self.model}/versions/1"
        submit = lifecycle_pb2.SubmitVersionRequest(name=version, reason="Evaluated on the reference")
        self.steward.lifecycle.SubmitVersion(submit, timeout=DEADLINE)
        approve = lifecycle_pb2.ApproveVersionRequest(name=version, reason="Good enough")
        by_another = partial(self.steward.lifecycle.ApproveVersion, metadata=(("steward-actor", "reviewer"),))
        by_another(approve, timeout=DEADLINE)
        alias = alias_pb2.Alias(name=f"{self.model}/aliases/production", version=version)
        request = alias_pb2.SetAliasRequest(alias=alias, reason="First", request_id=request_id())
        self.steward.aliases.SetAlias(request, timeout=DEADLINE)

    def verdicts(self, number: int, comparison: int) -> dict[str, monitor_pb2.Verdict]:
        """What Steward says of a version's newest points, by metric."""
        name = f"{self.model}/versions/{number}"
        request = monitor_pb2.JudgeVersionRequest(name=name, comparison=comparison, page_size=1000)
        answer = self.steward.monitors.JudgeVersion(request, timeout=DEADLINE)
        return {one.point.metric: one.verdict for one in answer.verdicts}

    def tell(self, candidate: str | None, threshold: float) -> dict[str, list[str]]:
        """Everything, period by period; the lines of each period's table."""
        self.checks.heading(f"{self.table.name}: {len(list(self.table.columns()))} columns are watched.")
        self.register()
        tables, before = {}, None
        for period in self.table.periods:
            rows = period.rows
            points = self.points(rows, rows[self.table.prediction])
            scored = rows[candidate] >= threshold if candidate else None
            other = points if scored is None else self.points(rows, scored.astype(int).astype("string"))
            self.record(1, period, points)
            self.record(2, period, other)
            self.sent[period.label] = points
            if before is None:
                self.approve()
                self.detectors = {
                    name: expected.Detector(point.rate, point.direction)
                    for name, point in points.items()
                    if point.HasField("rate") and point.direction != EITHER
                }
            else:
                tables[period.label] = self.judge(period, points, before, other)
            before = points
        self.joined()
        return tables

    def joined(self) -> None:
        """Every series is one: no period breaks it, whatever had to be folded in it."""
        broken = {}
        for name in self.sent[self.table.reference.label]:
            request = metric_pb2.QueryMetricSeriesRequest(parent=f"{self.model}/versions/1", metric=name)
            answer = self.steward.metrics.QueryMetricSeries(request, timeout=DEADLINE)
            steps = [len(segment.steps) for segment in answer.segments]
            if steps != [len(self.table.periods)]:
                broken[name] = steps
        self.checks.equal(broken, {}, "each column, rate and group is one series over all periods")

    def judge(self, period: periods.Period, points: Points, before: Points, other: Points) -> list[str]:
        """Compares what Steward says of one period with what it has to say; the lines of its table."""
        reference = self.sent[self.table.reference.label]
        told = {
            "the baseline": self.verdicts(1, monitor_pb2.COMPARISON_BASELINE),
            "the period before": self.verdicts(1, monitor_pb2.COMPARISON_PREVIOUS),
            "production, the candidate": self.verdicts(2, monitor_pb2.COMPARISON_PRODUCTION),
        }
        beside = [(reference, points), (before, points), (points, other)]
        for (what, verdicts), (then, now) in zip(told.items(), beside, strict=True):
            detectors = self.detectors if what == "the baseline" else {}
            wrong = {
                name: difference
                for name, point in now.items()
                for computed in [expected.of_point(then[name], point, detectors.get(name))]
                for difference in [differs_or_missing(verdicts.get(name), computed)]
                if difference
            }
            self.checks.equal(
                wrong, {}, f"{period.label} beside {what}: {len(now)} verdicts are those of scipy and the rules"
            )
        lines = [documented.line(HEAD), documented.line(["---"] * len(HEAD))]
        for name in points:
            lines.append(documented.line(self.row(name, *(verdicts.get(name) for verdicts in told.values()))))
        lines += ["", self.alone(period, reference, points, told["the baseline"])]
        lines += few.lines(self.table.groups, period.rows, self.table.prediction)
        self.beside_others(period, told["the baseline"], reference, points)
        print("\n".join([f"\n{self.table.name}, {period.label}", "", *lines, ""]), flush=True)
        return lines

    def row(self, name: str, *verdicts: monitor_pb2.Verdict | None) -> list[str]:
        """One line of a table."""
        baseline, previous, candidate = verdicts
        if baseline is None:
            return [name, *["not compared"] * (len(HEAD) - 1)]
        p = likely(baseline.p_value) if baseline.HasField("p_value") else "–"
        sizes = [f"{baseline.baseline_n:,}", f"{baseline.current_n:,}"]
        levels = [f"{level(one)}, {effect(one)}" if one else "–" for one in (previous, candidate)]
        return [name, f"**{level(baseline)}**", effect(baseline), p, *sizes, *levels, baseline.sentence]

    def alone(self, period: periods.Period, then: Points, now: Points, told: dict) -> str:
        """What chi-square by itself would do with the columns of a period."""
        columns = [name for name, point in now.items() if point.HasField("histogram")]
        counts = {name: expected.aligned(then[name].histogram, now[name].histogram) for name in columns}
        p = {name: expected.chi_square(*map(np.array, pair)) for name, pair in counts.items()}
        loud = [name for name in columns if p[name] < 0.05]
        raised = [name for name in columns if told[name].level >= monitor_pb2.VERDICT_LEVEL_WATCH]
        largest = max((told[name].effect for name in loud), default=0.0)
        return (
            f"Chi-square alone, at p < 0.05, would raise {len(loud)} of {len(columns)} columns in {period.label}, the "
            f"loudest with p = {likely(min(p.values()))}; the largest PSI among them is {largest:.4f}. "
            f"Steward raises {len(raised)}."
        )

    def beside_others(self, period: periods.Period, told: dict, then: Points, now: Points) -> None:
        """Where Evidently, scipy and fairlearn were asked about the same data, their numbers."""
        differences = {}
        for name, verdict in told.items():
            [column] = [c for c in [*self.table.columns(), *PERFORMANCE] if c.lower() == name.split("/")[1]]
            case = self.others.get(f"{column} {period.label}") or self.others.get(f"{column} {period.label} in deciles")
            if name.startswith("column/") and case:
                pair = then[name].histogram, now[name].histogram
                # Where a rare code was folded, or bins merged, Steward rightly compares other bins.
                same = [list(point.counts) for point in pair] == [case["reference"], case["current"]]
                if not same or len(expected.merged(*expected.aligned(*pair), pair[0].HasField("numeric"))[0]) < len(pair[0].counts):
                    continue
                wanted = case["expected"]["population_stability_index"], case["expected"]["chi_square_p"]
                found = verdict.effect, verdict.p_value
            elif name.startswith("groups/") and (case := self.others.get(f"groups of {column} {period.label}")):
                wanted, found = (case["expected"]["parity_ratio"],), (verdict.effect,)
            else:
                continue
            self.compared += 1
            if not all(abs(f - w) <= 1e-6 * w for f, w in zip(found, wanted, strict=True)):
                differences[name] = (found, wanted)
        if self.others:
            self.checks.equal(
                differences, {}, f"{period.label}: as far as Evidently and fairlearn saw the same bins, the same numbers"
            )


def differs_or_missing(found: monitor_pb2.Verdict | None, computed: expected.Expected) -> str:
    """How a verdict is another than expected, or that there is none."""
    return "no verdict" if found is None else expected.differs(found, computed)


def likely(p: float) -> str:
    """A probability, as far as a double tells it from 0."""
    return f"{p:.2g}" if p else "0 (below 1e-300)"


def level(verdict: monitor_pb2.Verdict) -> str:
    """The word of a level."""
    return monitor_pb2.VerdictLevel.Name(verdict.level).removeprefix("VERDICT_LEVEL_")


def effect(verdict: monitor_pb2.Verdict) -> str:
    """The size of an effect with its scale."""
    return f"{EFFECTS[verdict.effect_kind]} {verdict.effect:.4f}" if verdict.HasField("effect") else "–"


def main() -> int:
    """Reads the arguments and the table, then watches it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True, help="host:port of a running steward")
    periods.arguments(parser)
    parser.add_argument("--score", help="a column of scores: the candidate answers yes from --threshold on")
    parser.add_argument("--threshold", type=float, default=0.4)
    parser.add_argument("--others", type=Path, help="what other programs found, as tests/data/statistics.json")
    parser.add_argument("--document", type=Path, help="the document whose tables have to be these")
    parser.add_argument("--keep", action="store_true", help="write them into it instead")
    given = parser.parse_args()
    others = json.loads(given.others.read_text(encoding="utf-8")) if given.others else []
    watched = Watched(given.address, periods.read(given), others)
    try:
        tables = watched.tell(given.score, given.threshold)
        if given.others:
            watched.checks.that(watched.compared > 0, f"{watched.compared} verdicts stand beside theirs")
        if given.document:
            documented.check(watched.checks, given.document, tables, given.keep)
    except grpc.RpcError as error:
        watched.checks.that(False, "every call that should succeed does", read_refusal(error))
    return watched.checks.summary()


if __name__ == "__main__":
    sys.exit(main())
