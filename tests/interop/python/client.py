"""The generated client, in one place: a stub for each service, and what every
caller of Steward needs to know about deadlines, request ids and errors."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from steward.v1 import (
    alias_pb2_grpc,
    audit_pb2_grpc,
    evaluation_pb2_grpc,
    lifecycle_pb2_grpc,
    metric_pb2_grpc,
    model_pb2_grpc,
    monitor_pb2_grpc,
    namespace_pb2_grpc,
    version_pb2_grpc,
)

DEADLINE = 20.0  # seconds for each call that is not a stream


class Steward:
    """A connection to one server."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.channel = grpc.insecure_channel(address)
        self.namespaces = namespace_pb2_grpc.NamespaceServiceStub(self.channel)
        self.models = model_pb2_grpc.ModelServiceStub(self.channel)
        self.versions = version_pb2_grpc.VersionServiceStub(self.channel)
        self.aliases = alias_pb2_grpc.AliasServiceStub(self.channel)
        self.lifecycle = lifecycle_pb2_grpc.LifecycleServiceStub(self.channel)
        self.evaluations = evaluation_pb2_grpc.EvaluationServiceStub(self.channel)
        self.audit = audit_pb2_grpc.AuditServiceStub(self.channel)
        self.metrics = metric_pb2_grpc.MetricServiceStub(self.channel)
        self.monitors = monitor_pb2_grpc.MonitorServiceStub(self.channel)


def request_id() -> str:
    """A new id, which makes repeating the call safe."""
    return str(uuid.uuid4())


@dataclass
class Refusal:
    """A rich error, taken apart."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    domain: str = ""
    fields: list[str] = field(default_factory=list)
    guards: list[str] = field(default_factory=list)
    resource: str = ""

    def __str__(self) -> str:
        return f"{self.code.name} {self.reason}: {self.message}"


def refused(call: Callable[..., object], request: Message) -> Refusal | None:
    """Makes a call that should be refused; None when it was not."""
    try:
        call(request, timeout=DEADLINE)
    except grpc.RpcError as error:
        return read_refusal(error)
    return None


def read_refusal(error: grpc.RpcError) -> Refusal:
    """Decodes the details of google.rpc.Status that come with an error."""
    refusal = Refusal(error.code(), error.details() or "")
    status = rpc_status.from_call(error)
    for detail in status.details if status is not None else ():
        info = error_details_pb2.ErrorInfo()
        fields = error_details_pb2.BadRequest()
        guards = error_details_pb2.PreconditionFailure()
        resource = error_details_pb2.ResourceInfo()
        if detail.Unpack(info):
            refusal.reason, refusal.domain = info.reason, info.domain
        elif detail.Unpack(fields):
            refusal.fields = [violation.field for violation in fields.field_violations]
        elif detail.Unpack(guards):
            refusal.guards = [violation.type for violation in guards.violations]
        elif detail.Unpack(resource):
            refusal.resource = resource.resource_name
    return refusal
