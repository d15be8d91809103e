"""Judges the leaves of an audit log with other people's programs: the
CloudEvents SDK, a canonicaliser of RFC 8785, and RFC 6962 written down anew."""

import hashlib
import json

import rfc8785
from cloudevents.core.formats.json import JSONFormat
from steward.v1 import audit_pb2 as pb

MAX_LEAF = 65_535  # bytes
REQUIRED = {"specversion", "id", "source", "type"}


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 6962: SHA-256 of a zero byte and the leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def root(leaves: list[bytes]) -> bytes:
    """The tree's root by the recursive definition of RFC 6962, section 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:])).digest()


def faults(event: pb.AuditEvent) -> list[str]:
    """Everything that is wrong with one event; empty when nothing is."""
    try:
        raw = json.loads(event.leaf)
    except ValueError as error:
        return [f"position {event.position} is no JSON: {error}"]
    found = []
    if not isinstance(raw, dict) or not REQUIRED <= raw.keys():
        return [f"position {event.position} lacks one of {sorted(REQUIRED)}"]
    if raw["specversion"] != "1.0":
        found.append(f"specversion is {raw['specversion']}")
    found.extend(_unlike_cloudevents(event, raw))
    canonical = rfc8785.dumps(raw)
    if canonical != event.leaf:
        found.append("the bytes are not canonical")
    if len(event.leaf) > MAX_LEAF:
        found.append(f"{len(event.leaf)} bytes are too many")
    return [f"position {event.position}: {fault}" for fault in found]


def _unlike_cloudevents(event: pb.AuditEvent, raw: dict) -> list[str]:
    """Reads the leaf with the SDK and compares it with the message around it."""
    try:
        read = JSONFormat().read(None, event.leaf)
    except Exception as error:  # noqa: BLE001  Whatever the judge says is the finding.
        return [f"the CloudEvents SDK refuses it: {error}"]
    digits = f"{event.position:020}"
    expected = {
        "id": (read.get_id(), digits),
        "sequence": (read.get_extension("sequence"), digits),
        "type": (read.get_type(), event.type),
        "subject": (read.get_subject(), event.subject),
    }
    found = [f"{name} is {got!r}, not {want!r}" for name, (got, want) in expected.items() if got != want]
    if read.get_time() is None or read.get_time().utcoffset() is None or "time" not in raw:
        found.append("it has no time with a zone")
    return found
