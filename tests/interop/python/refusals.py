"""What Steward refuses, and how well it says so: every refusal is a rich error,
decoded as any caller would, and none of them changes anything."""

import re
from collections.abc import Callable

import grpc
from google.protobuf.message import Message
from steward.v1 import (
    audit_pb2,
    evaluation_pb2,
    lifecycle_pb2,
    model_pb2,
    namespace_pb2,
    version_pb2,
)

from checks import Checks
from client import DEADLINE, Refusal, Steward, refused, request_id

CODE = grpc.StatusCode
REASON = re.compile(r"[A-Z][A-Z0-9_]*[A-Z0-9]")


class Court:
    """Makes calls that have to be refused, and reads the answers."""

    def __init__(self, checks: Checks, head: Callable[[], audit_pb2.AuditHead]) -> None:
        self.checks = checks
        self.head = head

    def refuses(
        self, call: Callable[..., Message], request: Message, code: grpc.StatusCode, what: str
    ) -> Refusal | None:
        """Checks code, reason word and domain, and that nothing was written."""
        before = self.head()
        refusal = refused(call, request)
        after = self.head()
        rich = (
            refusal is not None
            and refusal.code == code
            and REASON.fullmatch(refusal.reason) is not None
            and refusal.domain == "steward"
            and before.root_hash == after.root_hash
        )
        told = f"{code.name} {refusal.reason}" if refusal else code.name
        self.checks.that(rich, f"{what} is refused with {told} and changes nothing", refusal)
        return refusal


def check_all(
    checks: Checks,
    steward: Steward,
    head: Callable[[], audit_pb2.AuditHead],
    namespace: str,
    model: str,
    version: str,
) -> None:
    """All refusals, one after the other."""
    checks.heading("What is wrong is refused in words, and changes nothing.")
    court = Court(checks, head)
    _bad_input(court, steward, version)
    _bad_state(court, steward, model, version)
    _bad_repeats(court, steward, namespace, model)
    _only_tried(court, steward, namespace, head)
    _bad_positions(court, steward, namespace, head)


def _bad_input(court: Court, steward: Steward, version: str) -> None:
    points = {
        "a NaN": evaluation_pb2.MetricPoint(
            metric="x", plain=evaluation_pb2.PlainPoint(value=float("nan"), n=1)
        ),
        "7 of 5": evaluation_pb2.MetricPoint(metric="x", rate=evaluation_pb2.RatePoint(k=7, n=5)),
    }
    for what, bad in points.items():
        request = evaluation_pb2.RecordEvaluationRequest(
            parent=version, evaluation=evaluation_pb2.Evaluation(points=[bad])
        )
        request.evaluation.evaluator.name = "census-interop"
        request.evaluation.window_start_time.seconds = 1
        request.evaluation.window_end_time.seconds = 2
        refusal = court.refuses(steward.evaluations.RecordEvaluation, request, CODE.INVALID_ARGUMENT, what)
        fields = refusal.fields if refusal else []
        court.checks.that(
            any("points[0]" in field for field in fields), f"the field is named: {fields}", refusal
        )


def _bad_state(court: Court, steward: Steward, model: str, version: str) -> None:
    update = version_pb2.UpdateVersionRequest(version=version_pb2.Version(name=version, label="2015.2"))
    update.update_mask.paths.append("label")
    refusal = court.refuses(
        steward.versions.UpdateVersion, update, CODE.FAILED_PRECONDITION, "a change of frozen content"
    )
    guards = refusal.guards if refusal else []
    court.checks.that(bool(guards), f"the guard is named: {guards}", refusal)
    submit = lifecycle_pb2.SubmitVersionRequest(name=version, reason="Again")
    court.refuses(steward.lifecycle.SubmitVersion, submit, CODE.FAILED_PRECONDITION, "a second submission")
    delete = model_pb2.DeleteModelRequest(name=model)
    court.refuses(
        steward.models.DeleteModel,
        delete,
        CODE.FAILED_PRECONDITION,
        "deleting a model that `production` points into",
    )
    nobody = version_pb2.ResolveVersionRequest(model=model, alias="canary", consumer="benefits-office")
    court.refuses(steward.versions.ResolveVersion, nobody, CODE.NOT_FOUND, "an alias that is not there")
    early = version_pb2.ResolveVersionRequest(model=model, alias="production", read_position=1)
    court.refuses(
        steward.versions.ResolveVersion, early, CODE.NOT_FOUND, "`production` at a time before it was set"
    )


def _bad_repeats(court: Court, steward: Steward, namespace: str, model: str) -> None:
    stale = model_pb2.UpdateModelRequest(model=model_pb2.Model(name=model, owner="Nobody", etag='"0"'))
    stale.update_mask.paths.append("owner")
    court.refuses(steward.models.UpdateModel, stale, CODE.ABORTED, "a stale etag")
    used = request_id()
    other = model_pb2.Model(kind=model_pb2.MODEL_KIND_OWN)
    create = model_pb2.CreateModelRequest(parent=namespace, model_id="second", model=other, request_id=used)
    steward.models.CreateModel(create, timeout=DEADLINE)
    create.model_id = "third"
    court.refuses(
        steward.models.CreateModel, create, CODE.ALREADY_EXISTS, "a request id used before for something else"
    )
    create.request_id = ""
    create.model_id = "second"
    court.refuses(steward.models.CreateModel, create, CODE.ALREADY_EXISTS, "a model id that is taken")


def _only_tried(
    court: Court, steward: Steward, namespace: str, head: Callable[[], audit_pb2.AuditHead]
) -> None:
    before = head()
    trial = model_pb2.CreateModelRequest(parent=namespace, model_id="trial", validate_only=True)
    trial.model.kind = model_pb2.MODEL_KIND_OWN
    answer = steward.models.CreateModel(trial, timeout=DEADLINE)
    same = before.root_hash == head().root_hash and answer.name.endswith("/models/trial")
    court.checks.that(same, "validate_only answers with the model as it would be, and writes nothing")
    get = model_pb2.GetModelRequest(name=f"{namespace}/models/trial")
    refusal = court.refuses(steward.models.GetModel, get, CODE.NOT_FOUND, "reading what was only tried")
    court.checks.equal(refusal.resource if refusal else "", get.name, "the error names the resource")


def _bad_positions(
    court: Court, steward: Steward, namespace: str, head: Callable[[], audit_pb2.AuditHead]
) -> None:
    def first(request: Message, timeout: float) -> object:
        return next(iter(steward.audit.SubscribeAuditEvents(request, timeout=timeout)))

    beyond = audit_pb2.SubscribeAuditEventsRequest(parent=namespace, start_position=head().size + 1)
    court.refuses(first, beyond, CODE.OUT_OF_RANGE, "a start beyond the head")
    create = namespace_pb2.CreateNamespaceRequest(namespace_id="elsewhere")
    steward.namespaces.CreateNamespace(create, timeout=DEADLINE)
    other = audit_pb2.GetAuditHeadRequest(parent="namespaces/elsewhere")
    token = steward.audit.GetAuditHead(other, timeout=DEADLINE).resume_token
    foreign = audit_pb2.SubscribeAuditEventsRequest(parent=namespace, resume_token=token)
    refusal = court.refuses(first, foreign, CODE.INVALID_ARGUMENT, "a resume token of another log")
    court.checks.equal(refusal.fields if refusal else [], ["resume_token"], "the field is named")
