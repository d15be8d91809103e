"""A program that calls a model and exports what OpenTelemetry's own SDK measures of it,
by OpenTelemetry's own exporter. Content is captured on purpose, wherever the SDK takes it:
in attributes of points, resource and scope, in exemplars and in descriptions. The numbers
have to arrive, and nothing of the content may be anywhere."""

import argparse
import subprocess
import sys
from pathlib import Path

import grpc
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, Counter, Histogram, Meter, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from steward.v1 import evaluation_pb2, model_pb2, version_pb2

from checks import Checks
from client import DEADLINE, Steward, read_refusal
from steward_frame import fold_bins

NAMESPACE = "namespaces/default"
MODEL = f"{NAMESPACE}/models/donor-answers"
PROMPT = "Quillfeather Zebediah asks whether 4929 1573 0284 6617 was charged twice"
WORDS = (b"Quillfeather", b"Zebediah", b"4929", b"6617", b"charged twice", b"Brontoglyph", b"zq-8812")
CONTENT = {
    "gen_ai.input.messages": PROMPT,
    "gen_ai.output.messages": "Dear Zebediah, it was charged twice",
    "gen_ai.system_instructions": "You are Brontoglyph",
    "gen_ai.conversation.id": "zq-8812",
    "enduser.id": "zebediah.quillfeather@example.org",
}
EDGES = (0.5, 1.0, 2.0, 4.0)
SECONDS = [0.2, 0.3, 0.4, 0.6, 0.7, 0.9, 1.1, 1.2, 1.3, 1.5, 1.6, 1.8, 2.5, 2.6, 2.7, 3.0, 3.5]
TOKENS = {"input": [40, 44, 52, 61, 75, 80, 96, 130], "output": [300, 310, 420, 500, 512, 700]}


def register(steward: Steward) -> str:
    """A model whose version 1 declares one attribute, and two of its codes."""
    model = model_pb2.Model(kind=model_pb2.MODEL_KIND_RENTED_API, risk_tier=model_pb2.RISK_TIER_PREVIEW)
    create = model_pb2.CreateModelRequest(parent=NAMESPACE, model_id="donor-answers", model=model)
    steward.models.CreateModel(create, timeout=DEADLINE)
    declared = {"gen_ai.operation.name": version_pb2.Dimension(codes=["chat", "embeddings"])}
    create = version_pb2.CreateVersionRequest(parent=MODEL, version=version_pb2.Version(dimensions=declared))
    return steward.versions.CreateVersion(create, timeout=DEADLINE).name


def provider(address: str) -> MeterProvider:
    """What a program sets up: the exporter, delta temporality, and its model as resource."""
    delta = dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA)
    exporter = OTLPMetricExporter(endpoint=address, insecure=True, preferred_temporality=delta, timeout=DEADLINE)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    about = {"steward.model": "donor-answers", "steward.version": 1, "service.name": PROMPT, **CONTENT}
    tokens = View(
        instrument_name="gen_ai.client.token.usage",
        aggregation=ExponentialBucketHistogramAggregation(max_size=160, max_scale=5),
    )
    return MeterProvider(
        [reader], resource=Resource(about), views=[tokens], exemplar_filter=AlwaysOnExemplarFilter()
    )


def measure(meter: Meter) -> None:
    """What such a program measures while it works."""
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-x", **CONTENT}
    duration = meter.create_histogram(
        "gen_ai.client.operation.duration", "s", PROMPT, explicit_bucket_boundaries_advisory=EDGES
    )
    for seconds in SECONDS:
        duration.record(seconds, chat)
    # Nobody declared this operation, whose name is somebody's.
    for _ in range(6):
        duration.record(0.1, {**chat, "gen_ai.operation.name": "Zebediah"})
    usage = meter.create_histogram("gen_ai.client.token.usage", "{token}", PROMPT)
    for kind, counts in TOKENS.items():
        for tokens in counts:
            usage.record(tokens, {**chat, "gen_ai.token.type": kind})
    results = meter.create_counter("gen_ai.evaluation.result", "{evaluation}", PROMPT)
    results.add(19, {**chat, "gen_ai.evaluation.name": "relevance"})
    # No metric of the conventions: it is not taken.
    meter.create_counter("http.client.requests").add(3, chat)


def points(steward: Steward, version: str) -> dict[tuple[str, str], evaluation_pb2.MetricPoint]:
    """What was recorded, by metric and operation."""
    request = evaluation_pb2.ListEvaluationsRequest(parent=version)
    kept = steward.evaluations.ListEvaluations(request, timeout=DEADLINE).evaluations
    return {
        (point.metric, point.slice.get("gen_ai.operation.name", "")): point
        for evaluation in kept
        for point in evaluation.points
    }


def numbers(checks: Checks, found: dict[tuple[str, str], evaluation_pb2.MetricPoint]) -> None:
    """Each point has the numbers that were measured."""
    duration, usage, result = "gen_ai.client.operation.duration", "gen_ai.client.token.usage", "gen_ai.evaluation.result"
    wanted = {(duration, "chat"), (duration, "OTHER"), (f"{result}/relevance", "chat")}
    wanted |= {(f"{usage}/{kind}", "chat") for kind in TOKENS}
    checks.equal(set(found), wanted, f"{len(wanted)} points of the conventions arrived, and no other")
    histogram = found[duration, "chat"].histogram
    # None lies on an edge, where OpenTelemetry counts below and Steward above.
    counts = [sum(low < s <= high for s in SECONDS) for low, high in zip((0, *EDGES), (*EDGES, 99), strict=True)]
    checks.equal(list(histogram.numeric.edges), list(EDGES), f"the bins are those of the program, {list(EDGES)}")
    folded = fold_bins(counts, 5)
    checks.equal(sum(folded), len(SECONDS), f"{len(SECONDS)} calls were measured, {counts}")
    checks.equal(list(histogram.counts), folded, f"they stand in bins of at least five, {folded}")
    checks.equal(sum(found[duration, "OTHER"].histogram.counts), 6, "an operation that nobody declared is OTHER")
    for kind, counts in TOKENS.items():
        sketch = found[f"{usage}/{kind}", "chat"].exponential_histogram
        kept = sum(sketch.positive.counts)
        checks.equal((kept, sketch.sum), (len(counts), sum(counts)), f"{kind}: {kept} calls of {sketch.sum:g} tokens")
        near = sketch.min <= min(counts) and max(counts) <= sketch.max
        checks.that(near, f"{kind}: between {sketch.min:.1f} and {sketch.max:.1f}, which are edges of bins")
    checks.equal(found[f"{result}/relevance", "chat"].plain.value, 19, "19 answers were evaluated")


def search(checks: Checks, arguments: argparse.Namespace) -> None:
    """The store, an export and the log: the model is there, and nothing of the content."""
    export = arguments.work / "otlp.jsonl"
    command = [arguments.steward, "--server", f"http://{arguments.address}", "export", "--file", export]
    subprocess.run(command, check=True, capture_output=True)
    files = [path for path in arguments.store.rglob("*") if path.is_file()]
    places = {
        "the export": export.read_bytes(),
        "the store": b"\0".join(path.read_bytes() for path in files),
    }
    for place, hay in places.items():
        checks.that(b"donor-answers" in hay, f"{place}: the search finds what is there, {len(hay):,} bytes")
    places["the log"] = arguments.log.read_bytes()
    for place, hay in places.items():
        checks.equal([word for word in WORDS if word in hay], [], f"{place}: nothing of the content")


def main() -> int:
    """Reads the arguments, exports, and looks at what arrived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True, help="host:port of a running steward")
    parser.add_argument("--steward", required=True, type=Path, help="the binary, for an export")
    parser.add_argument("--store", required=True, type=Path, help="the server's data directory")
    parser.add_argument("--log", required=True, type=Path, help="the server's log")
    parser.add_argument("--work", required=True, type=Path, help="a folder for the export")
    arguments = parser.parse_args()
    checks, steward = Checks(), Steward(arguments.address)
    checks.heading("A program with OpenTelemetry's SDK exports to Steward, and captures content.")
    try:
        version = register(steward)
        meters = provider(arguments.address)
        measure(meters.get_meter(PROMPT))
        checks.that(meters.force_flush(), "the exporter says that its export succeeded")
        numbers(checks, points(steward, version))
        search(checks, arguments)
        meters.shutdown()
    except grpc.RpcError as error:
        checks.that(False, "every call that should succeed does", read_refusal(error))
    return checks.summary()


if __name__ == "__main__":
    sys.exit(main())
