"""Ten thousand donors who do not exist, through steward_frame into a registry; then
the search for any of their names, addresses, cards, numbers and amounts in
everything that the registry keeps, tells and writes."""

import argparse
import random
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import numpy as np
import pandas as pd
from steward.v1 import audit_pb2, evaluation_pb2, model_pb2, version_pb2

from checks import Checks
from client import DEADLINE, Steward, read_refusal, refused, request_id
from follower import Follower
from steward_frame import OTHER, Frame, TooFewRows

DONORS = 10_000
NAMESPACE = "namespaces/default"
MODEL = f"{NAMESPACE}/models/donor-value"
REGIONS = ("north", "south", "east", "west", "isles")
DIMENSIONS = {"region": REGIONS, "age_band": ("18-34", "35-64", "65+")}
AMOUNT_EDGES = (25.0, 50.0, 100.0, 250.0, 1000.0)
SYLLABLES = ("vo", "kre", "lun", "tas", "mir", "dov", "zel", "bru", "nok", "fah", "gri", "sul", "pem", "rax")


def card_number(random_source: random.Random) -> str:
    """Sixteen digits that satisfy Luhn's check."""
    digits = [4, *(random_source.randrange(10) for _ in range(14))]
    doubled = [2 * digit - 9 * (digit > 4) if at % 2 == 0 else digit for at, digit in enumerate(digits)]
    return "".join(map(str, digits)) + str(-sum(doubled) % 10)


def donors() -> pd.DataFrame:
    """The same donors in every run. Three live on the isles; one region is a name."""
    source = random.Random(20260301)
    rows = []
    for number in range(DONORS):
        surname = "".join(source.choice(SYLLABLES) for _ in range(5)).capitalize()
        first = "".join(source.choice(SYLLABLES) for _ in range(4)).capitalize()
        cents = source.randrange(1, 100)
        amount = round(10 + source.paretovariate(1.3) * 15) % 5_000 + 10 + cents / 100
        region = "isles" if number < 3 else source.choice(REGIONS[:4])
        rows.append(
            {
                "name": f"{first} {surname}",
                "surname": surname,
                "email": f"{first.lower()}.{surname.lower()}@{source.choice(SYLLABLES)}mail.example",
                "card": card_number(source),
                "phone": f"+49 30 {source.randrange(10**7, 10**8)}",
                "region": surname if number == 7 else region,
                "age_band": source.choice(DIMENSIONS["age_band"]),
                "amount": amount,
                "gave_again": source.random() < 0.4,
                "predicted": source.random() < 0.5,
            }
        )
    return pd.DataFrame(rows)


class Needles:
    """What must not be found, as the tokens that a text would hold."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.words = {word.lower() for name in rows["name"] for word in name.split()}
        self.digits = set(rows["card"]) | {re.sub(r"\D", "", phone) for phone in rows["phone"]}
        self.digits |= {number[4:] for number in self.digits if len(number) < 16}
        self.amounts = {f"{amount:.2f}".rstrip("0") for amount in rows["amount"]}
        self.whole = [
            text.encode()
            for row in rows.iloc[:: DONORS // 200].itertuples()
            for text in (row.name, row.email, row.card, row.phone, " ".join(re.findall("....", row.card)))
        ]

    def found(self, hay: bytes) -> set[str]:
        """Which of them stand in some bytes."""
        # A word of the log may touch a byte that is no letter of any text.
        words = {word.decode().lower() for word in re.findall(rb"[A-Za-z]{6,}", hay)}
        digits = {run.decode() for run in re.findall(rb"\d{8,}", hay)}
        # Shares of groups, which verdicts tell in percent, are nobody's amount.
        amounts = re.findall(rb"(?<![\d.])\d{2,}\.\d{1,2}(?!\d| %)", hay)
        numbers = {number.decode() for number in amounts}
        whole = {needle.decode() for needle in self.whole if needle in hay}
        return (words & self.words) | (digits & self.digits) | (numbers & self.amounts) | whole


def points(frame: Frame) -> list[evaluation_pb2.MetricPoint]:
    """Everything that the module can make of a frame."""
    higher = evaluation_pb2.DIRECTION_HIGHER_IS_BETTER
    return [
        *frame.rate("gave_again", "gave_again", by="region", direction=higher),
        *frame.moments("amount", "amount", by="age_band"),
        frame.numeric("input/amount", "amount", AMOUNT_EDGES),
        frame.categorical("input/region", "region"),
        frame.confusion("confusion/region", "gave_again", "predicted", "region"),
        frame.sketch("amount/sketch", "amount", 0.02),
        frame.exponential("amount/exponential", "amount"),
    ]


def evaluation(rows: pd.DataFrame, number: int) -> evaluation_pb2.Evaluation:
    """The donors of one window."""
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
    measured = evaluation_pb2.Evaluation(
        evaluator=evaluation_pb2.Evaluator(name="steward-frame", version="1.0.0"),
        points=points(Frame(rows, DIMENSIONS)),
        note="Synthetic donors, aggregated where they are",
    )
    measured.window_start_time.FromDatetime(start)
    measured.window_end_time.FromDatetime(start + timedelta(days=1))
    return measured


def register(steward: Steward) -> str:
    """A model and its version 1, which declares what may be told."""
    model = model_pb2.Model(kind=model_pb2.MODEL_KIND_OWN, risk_tier=model_pb2.RISK_TIER_PREVIEW)
    create = model_pb2.CreateModelRequest(parent=NAMESPACE, model_id="donor-value", model=model)
    steward.models.CreateModel(create, timeout=DEADLINE)
    dimensions = {key: version_pb2.Dimension(codes=codes) for key, codes in DIMENSIONS.items()}
    version = version_pb2.Version(label="2026.1", dimensions=dimensions)
    create = version_pb2.CreateVersionRequest(parent=MODEL, version=version)
    return steward.versions.CreateVersion(create, timeout=DEADLINE).name


def record(checks: Checks, steward: Steward, version: str, rows: pd.DataFrame) -> None:
    """All donors at once and in ten windows of a thousand."""
    checks.heading(f"{len(rows):,} donors become measurements, on their own side.")
    windows = [rows, *(rows.iloc[first::10] for first in range(10))]
    requests = [
        evaluation_pb2.RecordEvaluationRequest(
            parent=version, evaluation_id=f"window-{number}", evaluation=evaluation(window, number)
        )
        for number, window in enumerate(windows)
    ]
    batch = evaluation_pb2.BatchRecordEvaluationsRequest(
        parent=MODEL, requests=requests, request_id=request_id()
    )
    kept = steward.evaluations.BatchRecordEvaluations(batch, timeout=DEADLINE).evaluations
    checks.equal(len(kept), len(windows), f"{len(kept)} evaluations are recorded")
    checks.equal(
        [one.folded_cell_count for one in kept], [0] * len(kept), "the server had nothing left to fold"
    )
    whole = {point.metric: point for point in kept[0].points if not point.slice}
    checks.equal(whole["gave_again"].rate.n, len(rows), "all donors are counted")
    regions = whole["input/region"].histogram
    counts = dict(zip(regions.categorical.categories, regions.counts, strict=True))
    checks.equal((counts["isles"], counts[OTHER]), (0, 4), "three islanders and a name are four in OTHER")
    moments = whole["amount"].moments
    checks.close(moments.mean, rows["amount"].mean(), 1e-9, f"the mean is {moments.mean:.4f}, exactly")
    bounds = moments.min <= rows["amount"].min() and rows["amount"].max() <= moments.max
    checks.that(bounds, f"amounts lie between {moments.min:g} and {moments.max:g}")
    _quantiles(checks, whole["amount/sketch"].sketch, rows["amount"])


def _quantiles(checks: Checks, sketch: evaluation_pb2.SketchPoint, amounts: pd.Series) -> None:
    gamma = (1 + sketch.relative_accuracy) / (1 - sketch.relative_accuracy)
    cumulated = np.cumsum(sketch.positive.counts)
    for share in (0.5, 0.95, 0.99):
        at = int(np.searchsorted(cumulated, share * (cumulated[-1] - 1), side="right"))
        told = 2 * gamma ** (sketch.positive.offset + at) / (gamma + 1)
        true = amounts.quantile(share, interpolation="lower")
        checks.close(told / true, 1, sketch.relative_accuracy, f"p{100 * share:g} of the sketch is {told:.1f}")


def refusals(checks: Checks, steward: Steward, version: str, rows: pd.DataFrame) -> None:
    """What a careless client could try all the same."""
    checks.heading("Rows do not fit through the door, even by mistake.")
    row = rows.iloc[11]
    for what, change in {
        "an e-mail address in a note": lambda e: setattr(e, "note", f"ask {row['email']}"),
        "a card in a note": lambda e: setattr(e, "note", f"card {row['card']}"),
        "a telephone number as evaluator": lambda e: setattr(e.evaluator, "name", row["phone"]),
        "a name as a slice": lambda e: e.points[0].slice.update({"region": row["surname"]}),
        "a name as a key": lambda e: e.points[0].slice.update({row["surname"]: "north"}),
    }.items():
        measured = evaluation(rows, 99)
        change(measured)
        request = evaluation_pb2.RecordEvaluationRequest(parent=version, evaluation=measured)
        refusal = refused(steward.evaluations.RecordEvaluation, request)
        told = refusal.reason if refusal else ""
        checks.that(refusal is not None, f"{what} is refused with {told}")
        if "note" in what or "evaluator" in what:
            kept_quiet = refusal is not None and not any(
                text in refusal.message for text in (row["email"], row["card"], row["phone"])
            )
            checks.that(kept_quiet, "the refusal does not repeat it", refusal)
    try:
        Frame(rows.head(4), DIMENSIONS).moments("amount", "amount")
        checks.that(False, "four rows are not measured")
    except TooFewRows:
        checks.that(True, "four rows are not measured at all")


def search(
    checks: Checks, needles: Needles, follower: Follower, arguments: argparse.Namespace, control: str
) -> None:
    """The store's files, the log, the stream and an export."""
    checks.heading("None of it is anywhere.")
    export = arguments.work / "export.jsonl"
    server = f"http://{arguments.address}"
    subprocess.run(
        [arguments.steward, "--server", server, "export", "--file", export], check=True, capture_output=True
    )
    files = [path for path in arguments.store.rglob("*") if path.is_file()]
    places = {
        f"the store ({len(files)} files)": b"\0".join(path.read_bytes() for path in files),
        "the stream": b"\n".join(event.leaf for event in follower.events),
        "the export": export.read_bytes(),
    }
    for place, hay in places.items():
        checks.that(control.encode() in hay, f"{place}: the search finds what is there, {control!r}")
        found = needles.found(hay)
        checks.equal(found, set(), f"{place}, {len(hay):,} bytes: nothing of any donor")
    log = arguments.log.read_bytes()
    checks.that(b"call ended" in log, f"the log tells of the calls that were refused, {len(log):,} bytes")
    checks.equal(needles.found(log), set(), "the log: nothing of any donor")


def main() -> int:
    """Reads the arguments, then tells the story."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True, help="host:port of a running steward")
    parser.add_argument("--steward", required=True, type=Path, help="the binary, for an export")
    parser.add_argument("--store", required=True, type=Path, help="the server's data directory")
    parser.add_argument("--log", required=True, type=Path, help="the server's log")
    parser.add_argument("--work", required=True, type=Path, help="a folder for the export")
    arguments = parser.parse_args()
    checks, steward, rows = Checks(), Steward(arguments.address), donors()
    follower = Follower(arguments.address, NAMESPACE)
    try:
        follower.connect()
        version = register(steward)
        record(checks, steward, version, rows)
        refusals(checks, steward, version, rows)
        head = steward.audit.GetAuditHead(audit_pb2.GetAuditHeadRequest(parent=NAMESPACE), timeout=DEADLINE)
        checks.that(follower.reaches(head.size - 1), f"a subscriber has seen all {head.size} events")
        needles = Needles(rows)
        told = f"{rows.iloc[0]['name']} {rows.iloc[0]['card']} {rows.iloc[0]['amount']:.2f}".encode()
        checks.equal(len(needles.found(told)) >= 4, True, "the search would find a row that leaked")
        search(checks, needles, follower, arguments, "window-10")
    except grpc.RpcError as error:
        checks.that(False, "every call that should succeed does", read_refusal(error))
    return checks.summary()


if __name__ == "__main__":
    sys.exit(main())
