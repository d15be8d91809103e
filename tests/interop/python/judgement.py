"""Compares what Steward kept with what is known: the figures of the data set,
the log against RFC 6962, the server's own description of itself."""

import itertools

from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from steward.v1 import audit_pb2, evaluation_pb2

import known
import leaves
from checks import Checks
from client import DEADLINE, Steward
from follower import Follower
from measured import confusion, point

SERVICES = [
    f"steward.v1.{noun}Service"
    for noun in ("Alias", "Audit", "Evaluation", "Lifecycle", "Model", "Namespace", "Version")
]


def presents_itself(checks: Checks, steward: Steward) -> None:
    """Health of each service, and reflection."""
    health = health_pb2_grpc.HealthStub(steward.channel)
    serving = health_pb2.HealthCheckResponse.SERVING
    states = {
        name: health.Check(
            health_pb2.HealthCheckRequest(service=name), timeout=DEADLINE, wait_for_ready=True
        ).status
        for name in ["", *SERVICES]
    }
    well = all(state == serving for state in states.values())
    checks.that(well, f"the server and each of its {len(SERVICES)} services say SERVING", states)
    reflection = ProtoReflectionDescriptorDatabase(steward.channel)
    listed = set(reflection.get_services())
    checks.that(set(SERVICES) <= listed, f"reflection lists all {len(SERVICES)} services", sorted(listed))
    service = DescriptorPool(reflection).FindServiceByName("steward.v1.VersionService")
    answer = service.methods_by_name["ResolveVersion"].output_type.name
    checks.equal(answer, "ResolveVersionResponse", "reflection describes ResolveVersion")


def figures(checks: Checks, steward: Steward, version: str) -> None:
    """Reads all evaluations back and compares them with the known values."""
    checks.heading("What the registry kept is what others computed from the raw data.")
    request = evaluation_pb2.ListEvaluationsRequest(parent=version, page_size=3)
    kept = {}
    while True:
        page = steward.evaluations.ListEvaluations(request, timeout=DEADLINE)
        kept.update({one.window_start_time.ToDatetime().year: one for one in page.evaluations})
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    checks.equal(
        list(kept), [2015, 2016, 2017, 2018], "four evaluations are listed in pages, by their windows"
    )
    for year, accuracy in known.ACCURACY.items():
        rate = point(kept[year], "accuracy").rate
        checks.close(
            rate.k / rate.n,
            accuracy,
            5e-6,
            f"accuracy {year} is {rate.k / rate.n:.5f} ({rate.k:,} of {rate.n:,})",
        )
    for year, size in known.SIZES.items():
        checks.equal(point(kept[year], "accuracy").rate.n, size, f"{year} has {size:,} people")
        marital = list(point(kept[year], "input/mar").histogram.counts)
        checks.equal(marital, known.MARITAL[year], f"MAR {year} is {marital}")
        age = list(point(kept[year], "input/agep").histogram.counts)
        checks.equal(age, known.AGE[year], f"AGEP {year} is {age}")
    _drift(checks, kept[2018])
    _fairness(checks, kept[2018])


def _drift(checks: Checks, latest: evaluation_pb2.Evaluation) -> None:
    for metric, expected in (("input/mar", known.PSI_MARITAL), ("input/agep", known.PSI_AGE)):
        pair = point(latest, metric).histogram
        found = known.psi(list(pair.reference_counts), list(pair.counts))
        checks.close(found, expected, 1e-12, f"PSI of {metric} from the stored counts alone is {found:.9f}")


def _fairness(checks: Checks, latest: evaluation_pb2.Evaluation) -> None:
    by_sex = confusion(latest, "confusion/sex")
    checks.equal(
        by_sex, known.CONFUSION_BY_SEX_2018, f"confusion by SEX in 2018 (tp, fp, tn, fn) is {by_sex}"
    )
    low, high = sorted(known.positive_rate(*cells) for cells in by_sex.values())
    checks.close(high - low, known.PARITY_DIFFERENCE, 5e-6, f"parity difference by SEX is {high - low:.5f}")
    checks.close(low / high, known.PARITY_RATIO, 5e-6, f"parity ratio by SEX is {low / high:.5f}")
    by_race = {group: sum(cells) for group, cells in confusion(latest, "confusion/race").items()}
    small = [group for group, size in by_race.items() if size < 5 and group != "OTHER"]
    checks.equal(small, [], f"no group of RAC1P has fewer than five people: {by_race}")
    people = sum(by_race.values())
    checks.equal(people, known.SIZES[2018], f"the groups of RAC1P hold all {people:,} people")


def log_is_whole(
    checks: Checks, steward: Steward, follower: Follower, parent: str, start: int, story: list[str]
) -> None:
    """Density, no repeats, order of the story, leaves, root."""
    checks.heading("The subscriber's log is the whole log.")
    head = steward.audit.GetAuditHead(audit_pb2.GetAuditHeadRequest(parent=parent), timeout=DEADLINE)
    checks.that(
        follower.reaches(head.size - 1),
        f"the subscriber reached the head, {head.size} events",
        follower.error,
    )
    events = follower.events
    positions = [event.position for event in events]
    checks.equal(
        positions, list(range(head.size)), f"positions are 0 to {head.size - 1}: none lost, none twice"
    )
    types = [event.type.removeprefix("steward.v1.") for event in events[start:]]
    checks.equal(
        types, story, f"the story is told in order: {', '.join(kind for kind, _ in itertools.groupby(types))}"
    )
    faults = [fault for event in events for fault in leaves.faults(event)]
    checks.equal(
        faults, [], f"each of the {len(events)} leaves is a CloudEvents 1.0 object in canonical JSON"
    )
    reasons = [b"Evaluated on 2015", b"Accuracy above 82 %", b"First release"]
    missing = [reason for reason in reasons if not any(reason in event.leaf for event in events)]
    checks.equal(missing, [], "every reason that was given stands in its leaf")
    root = leaves.root([event.leaf for event in events])
    checks.equal(
        head.root_hash.hex(),
        root.hex(),
        f"the RFC 6962 root computed here is the server's, {root.hex()[:16]}…",
    )
    listed = _listed(steward, parent)
    same = [(event.position, event.leaf) for event in events] == [
        (event.position, event.leaf) for event in listed
    ]
    checks.that(same, "ListAuditEvents gives the same bytes in pages")


def _listed(steward: Steward, parent: str) -> list[audit_pb2.AuditEvent]:
    request = audit_pb2.ListAuditEventsRequest(parent=parent, page_size=4)
    found = []
    while True:
        page = steward.audit.ListAuditEvents(request, timeout=DEADLINE)
        found.extend(page.audit_events)
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token
