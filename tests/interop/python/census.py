"""The census model's way through the registry, told and checked step by step.

2015 is the reference; 2016-2018 are production. A subscriber follows the audit
log all the while, loses its connection in the middle, and resumes.
"""

import argparse
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import grpc
from google.protobuf.message import Message
from steward.v1 import alias_pb2, audit_pb2, evaluation_pb2, lifecycle_pb2, model_pb2, version_pb2

import dataset
import judgement
import refusals
from checks import Checks
from client import DEADLINE, Steward, read_refusal, request_id
from follower import Follower
from measured import evaluation

NAMESPACE = "namespaces/default"
MODEL = f"{NAMESPACE}/models/employment-ma"
CONSUMER = "benefits-office"

STORY = [
    "ModelCreated",
    "VersionCreated",
    "EvaluationRecorded",
    "VersionSubmitted",
    "VersionApproved",
    "MetricsJudged",
    "AliasSet",
    "EvaluationRecorded",
    "MetricsJudged",
    "MetricAlarmRaised",
    "EvaluationRecorded",
    "EvaluationRecorded",
    "MetricsJudged",
]


class Story:
    """One run against one server."""

    def __init__(self, address: str, years: dict[int, dataset.Year]) -> None:
        self.checks = Checks()
        self.steward = Steward(address)
        self.years = years
        self.follower = Follower(address, NAMESPACE)
        self.version = ""

    def head(self) -> audit_pb2.AuditHead:
        """Size and root of the log."""
        return self.steward.audit.GetAuditHead(
            audit_pb2.GetAuditHeadRequest(parent=NAMESPACE), timeout=DEADLINE
        )

    def twice(self, call: Callable[..., Message], request: Message, what: str) -> Message:
        """Makes a call, and again with the same request id: nothing may change."""
        request.request_id = request_id()
        first = call(request, timeout=DEADLINE)
        before = self.head()
        again = call(request, timeout=DEADLINE)
        after = self.head()
        same = first == again and (before.size, before.root_hash) == (after.size, after.root_hash)
        self.checks.that(same, f"{what}; the same request again gave the same answer and wrote nothing")
        return first

    def tell(self) -> int:
        """Runs all parts; returns the exit code. A call that fails although it
        should not ends the story and counts as one failure."""
        try:
            self._parts()
        except grpc.RpcError as error:
            traceback.print_exc()
            self.checks.that(False, "every call that should succeed does", read_refusal(error))
        return self.checks.summary()

    def _parts(self) -> None:
        start = self.head().size
        self.checks.heading("The server presents itself.")
        judgement.presents_itself(self.checks, self.steward)
        self.checks.heading("A subscriber follows the log from its beginning.")
        self.follower.connect()
        self.register()
        self.record_reference()
        self.put_into_production()
        self.record_in_production()
        judgement.figures(self.checks, self.steward, self.version)
        judgement.log_is_whole(self.checks, self.steward, self.follower, NAMESPACE, start, STORY)
        refusals.check_all(self.checks, self.steward, self.head, NAMESPACE, MODEL, self.version)
        self.follower.disconnect()

    def register(self) -> None:
        """Registers the model and its first version."""
        self.checks.heading("The team registers its model.")
        model = model_pb2.Model(
            display_name="Employment in Massachusetts",
            description="Predicts from census answers whether a person is employed.",
            owner="Statistics team",
            contacts=[model_pb2.Contact(display_name="Desk", address="desk@example.org")],
            kind=model_pb2.MODEL_KIND_OWN,
            # A trial: the census is too old to be evidence for more.
            risk_tier=model_pb2.RISK_TIER_PREVIEW,
            data_categories=["census"],
            processes_personal_data=True,
            labels={"team": "statistics"},
        )
        create = model_pb2.CreateModelRequest(parent=NAMESPACE, model_id="employment-ma", model=model)
        kept = self.twice(self.steward.models.CreateModel, create, f"model {MODEL} is registered")
        self.checks.equal(kept.name, MODEL, f"its name is {MODEL}")
        version = version_pb2.Version(
            label="2015.1",
            description="A gradient-boosted classifier, trained on 2014.",
            artifacts=[
                version_pb2.Artifact(uri="s3://models/employment-ma/1.onnx", digest="sha256:" + "5a" * 32)
            ],
            sources=[version_pb2.Source(run_uri="https://tracking.example.org/runs/7")],
            dimensions={
                key: version_pb2.Dimension(codes=codes) for key, codes in dataset.DECLARED_CODES.items()
            },
        )
        create = version_pb2.CreateVersionRequest(parent=MODEL, version=version)
        kept = self.twice(self.steward.versions.CreateVersion, create, "its version 1 is a DRAFT")
        self.version = kept.name
        self.checks.equal(kept.name, f"{MODEL}/versions/1", "the first version has the number 1")
        self.checks.equal(kept.state, version_pb2.VERSION_STATE_DRAFT, "it is a DRAFT")

    def record_reference(self) -> None:
        """Records 2015."""
        year = self.years[dataset.REFERENCE_YEAR]
        self.checks.heading(f"The reference, {year.year}: {year.n:,} people.")
        request = evaluation_pb2.RecordEvaluationRequest(
            parent=self.version, evaluation_id=f"census-{year.year}", evaluation=evaluation(year, None)
        )
        sentence = f"{year.correct:,} of {year.n:,} right ({year.correct / year.n:.2%}) is recorded"
        self.twice(self.steward.evaluations.RecordEvaluation, request, sentence)

    def put_into_production(self) -> None:
        """Submits, approves, points `production` to the version, resolves it."""
        self.checks.heading("The version goes into production.")
        lifecycle, version = self.steward.lifecycle, self.version
        submit = lifecycle_pb2.SubmitVersionRequest(name=version, reason="Evaluated on 2015")
        kept = self.twice(lifecycle.SubmitVersion, submit, "it is submitted")
        self.checks.equal(kept.state, version_pb2.VERSION_STATE_CANDIDATE, "it is a CANDIDATE")
        self.checks.that(
            kept.content_digest.startswith("sha256:"), f"its content is frozen as {kept.content_digest[:23]}…"
        )
        approve = lifecycle_pb2.ApproveVersionRequest(name=version, reason="Accuracy above 82 %")
        by_another = partial(lifecycle.ApproveVersion, metadata=(("steward-actor", "reviewer"),))
        kept = self.twice(by_another, approve, "somebody else approves it")
        self.checks.equal(kept.state, version_pb2.VERSION_STATE_APPROVED, "it is APPROVED")
        alias = alias_pb2.Alias(name=f"{MODEL}/aliases/production", version=version)
        request = alias_pb2.SetAliasRequest(alias=alias, reason="First release")
        set_alias = self.twice(self.steward.aliases.SetAlias, request, "`production` points to it")
        resolve = version_pb2.ResolveVersionRequest(model=MODEL, alias="production", consumer=CONSUMER)
        answer = self.steward.versions.ResolveVersion(resolve, timeout=DEADLINE)
        self.checks.equal(answer.version.name, version, f"{CONSUMER} resolves `production` to version 1")
        self.checks.equal(answer.alias, set_alias.name, "the answer names the alias it was found by")
        warnings = [warning.code for warning in answer.warnings]
        self.checks.equal(warnings, ["CONSUMER_NOT_REGISTERED"], "it is warned that nobody knows of it")
        resolve.read_position = set_alias.audit_position
        answer = self.steward.versions.ResolveVersion(resolve, timeout=DEADLINE)
        self.checks.equal(answer.version.name, version, f"so it was at position {set_alias.audit_position}")
        self.checks.that(self.follower.reaches(set_alias.audit_position), "the subscriber has seen it all")

    def record_in_production(self) -> None:
        """Records 2016 alone and 2017-2018 in a batch, the subscriber being
        away for part of the time."""
        self.checks.heading("Three years in production; the subscriber loses its connection.")
        self.follower.disconnect()
        seen = len(self.follower.events)
        reference = self.years[dataset.REFERENCE_YEAR]
        requests = [
            evaluation_pb2.RecordEvaluationRequest(
                parent=self.version,
                evaluation_id=f"census-{year}",
                evaluation=evaluation(self.years[year], reference),
            )
            for year in dataset.PRODUCTION_YEARS
        ]
        single, batched = requests[0], requests[1:]
        first = self.years[dataset.PRODUCTION_YEARS[0]]
        share = f"{first.correct:,} of {first.n:,} right ({first.correct / first.n:.2%})"
        self.twice(self.steward.evaluations.RecordEvaluation, single, f"{first.year}: {share} is recorded")
        self.checks.equal(len(self.follower.events), seen, f"the subscriber, away, still has {seen} events")
        self.follower.connect()
        batch = evaluation_pb2.BatchRecordEvaluationsRequest(parent=MODEL, requests=batched)
        answer = self.twice(
            self.steward.evaluations.BatchRecordEvaluations, batch, "2017 and 2018 are recorded as one batch"
        )
        last = answer.evaluations[-1].audit_position
        self.checks.that(self.follower.reaches(last), f"the subscriber resumed and is at position {last}")
        holding = [events for events in self.follower.batches if last in (event.position for event in events)]
        sizes = [len(events) for events in holding]
        self.checks.equal(sizes, [3], "the events of the batch, and what its monitors say, came together")


def main() -> int:
    """Reads the arguments and the data, then tells the story."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True, help="host:port of a running steward")
    parser.add_argument("--data", required=True, type=Path, help="folder of the employment_MA parquet files")
    arguments = parser.parse_args()
    return Story(arguments.address, dataset.read(arguments.data)).tell()


if __name__ == "__main__":
    sys.exit(main())
