"""What a verdict has to be, computed here anew from the counts that were sent: with
scipy's tests, and with the rules of docs/monitoring.md in as few lines as they need."""

from dataclasses import dataclass, replace
from math import asin, exp, inf, log, log1p, sqrt

import numpy as np
from scipy import stats
from steward.v1 import evaluation_pb2 as pb
from steward.v1 import monitor_pb2

NOT_ENOUGH, OK = monitor_pb2.VERDICT_LEVEL_NOT_ENOUGH_DATA, monitor_pb2.VERDICT_LEVEL_OK
WATCH, ALARM = monitor_pb2.VERDICT_LEVEL_WATCH, monitor_pb2.VERDICT_LEVEL_ALARM
FACTORS = (1.2, 1.4, 1.6, 2, 3, 4, 6)
MINIMUM_GROUP = 30


@dataclass(frozen=True)
class Expected:
    """Level, effect, significance and sizes."""

    level: int
    effect: float | None
    p: float | None
    sizes: tuple[int, int]


def psi(reference: np.ndarray, current: np.ndarray) -> float:
    """Population stability index; an empty bin has a share of 1e-4, or a millionth of the
    smallest where that is smaller."""
    shares = [counts / counts.sum() for counts in (reference, current)]
    used = (reference > 0) | (current > 0)
    least = [share[share > 0].min() for share in shares]
    fills = [small / 1e6 if small <= 1e-4 else 1e-4 for small in least]
    p, q = (np.where(share == 0, fill, share)[used] for share, fill in zip(shares, fills, strict=True))
    return float(((p - q) * np.log(p / q)).sum())


def chi_square(reference: np.ndarray, current: np.ndarray) -> float:
    """The probability that a contingency table is chance: what others alarm on."""
    used = reference + current > 0
    if used.sum() < 2:
        return 1.0
    return float(stats.chi2_contingency(np.array([reference[used], current[used]]), correction=False).pvalue)


def merged(reference: list[int], current: list[int], ordered: bool) -> tuple[np.ndarray, np.ndarray]:
    """Bins joined until the smaller sample expects ten in each."""
    bins = [list(pair) for pair in zip(reference, current, strict=True)]
    sizes = sum(reference), sum(current)
    least = 10 * sum(sizes) / min(sizes)
    while len(bins) > 1:
        if not ordered:
            bins.sort(key=sum)
        at = min(range(len(bins)), key=lambda at: sum(bins[at]))
        if sum(bins[at]) >= least:
            break
        small = bins.pop(at)
        near = [to for to in (at - 1, at) if 0 <= to < len(bins)] if ordered else [0]
        to = min(near, key=lambda to: sum(bins[to]))
        bins[to] = [bins[to][0] + small[0], bins[to][1] + small[1]]
    return np.array([pair[0] for pair in bins]), np.array([pair[1] for pair in bins])


def of_histogram(reference: pb.HistogramPoint, current: pb.HistogramPoint) -> Expected:
    """The population stability index, and what chance reaches in 99 of 100 healthy samples."""
    counts = aligned(reference, current)
    then, now = merged(*counts, ordered=reference.HasField("numeric"))
    sizes = sum(counts[0]), sum(counts[1])
    index, chance = psi(then, now), stats.chi2.ppf(0.99, max(len(then) - 1, 0)) * sum(1 / n for n in sizes)
    if len(then) == 1:
        level = NOT_ENOUGH
    elif index >= max(0.1, chance):
        level = ALARM if index >= max(0.25, chance) else WATCH
    else:
        level = NOT_ENOUGH if chance > 0.25 else OK
    return Expected(level, index, chi_square(then, now), sizes)


def aligned(reference: pb.HistogramPoint, current: pb.HistogramPoint) -> tuple[list[int], list[int]]:
    """Both counts, with an empty OTHER where only one of them needed it."""
    then, now = list(reference.counts), list(current.counts)
    most = max(len(then), len(now))
    return then + [0] * (most - len(then)), now + [0] * (most - len(now))


def of_rate(baseline: pb.RatePoint, now: pb.RatePoint, direction: int, alarm: bool | None) -> Expected:
    """Cohen's h and the two-proportion test; `alarm` is what a detector says, if one follows the rate."""
    (a, n), (b, m) = (baseline.k, baseline.n), (now.k, now.n)
    test = two_proportions(a, n, b, m)
    h = 2 * asin(sqrt(b / m)) - 2 * asin(sqrt(a / n))
    worse = {pb.DIRECTION_HIGHER_IS_BETTER: b * n < a * m, pb.DIRECTION_LOWER_IS_BETTER: b * n > a * m}
    counts = worse.get(direction, True) and abs(h) >= 0.1
    level = OK
    if counts and test < 0.01:
        level = ALARM if test < 0.001 and alarm is None else WATCH
    return Expected(ALARM if alarm else level, h, test, (n, m))


def two_proportions(a: int, n: int, b: int, m: int) -> float:
    """The probability of such a difference of two shares by chance."""
    if a + b in (0, n + m):
        return 1.0
    table = np.array([[a, n - a], [b, m - b]])
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def of_groups(now: pb.ConfusionPoint, minimum: int = MINIMUM_GROUP) -> Expected:
    """The lowest rate of positive answers over the highest, of groups that are large enough."""
    groups = [(g.true_positives + g.false_positives, size(g)) for g in now.groups if size(g) >= minimum]
    everybody = sum(size(g) for g in now.groups)
    if len(groups) < 2:
        return Expected(NOT_ENOUGH, None, None, (everybody, min(map(size, now.groups))))
    (a, n), *_, (b, m) = sorted(groups, key=lambda group: group[0] / group[1])
    ratio = a / n / (b / m) if b else 1.0
    p = min(1.0, two_proportions(a, n, b, m) * len(groups) * (len(groups) - 1) / 2)
    level = (ALARM if ratio < 0.8 else WATCH if ratio < 0.9 else OK) if p < 0.05 else OK
    if p >= 0.05 and ratio < 0.8:
        level = NOT_ENOUGH
    return Expected(level, ratio, p, (sum(n for _, n in groups), min(n, m)))


def size(group: pb.ConfusionCounts) -> int:
    """People in a group."""
    return group.true_positives + group.false_positives + group.true_negatives + group.false_negatives


class Detector:
    """The Shiryaev-Roberts e-detector of a rate, by its definition and in doubles."""

    def __init__(self, baseline: pb.RatePoint, direction: int, between: int = 1_000) -> None:
        self._between = between
        wilson = stats.binomtest(baseline.k, baseline.n).proportion_ci(0.95, "wilson")
        # What should be rare: failures where higher is better.
        self._fails = direction == pb.DIRECTION_HIGHER_IS_BETTER
        self._limit = 1 - wilson.low if self._fails else wilson.high
        self._mirrored = self._fails and self._limit > 0.5
        self._evidence = [0.0] * len(FACTORS)

    def takes(self, now: pb.RatePoint) -> bool:
        """Whether it says ALARM, after which it begins anew."""
        hits, misses = (now.n - now.k, now.k) if self._fails else (now.k, now.n - now.k)
        for at, factor in enumerate(FACTORS):
            if self._mirrored:
                other = 1 - (1 - self._limit) / factor
            else:
                other = min(self._limit * factor, max(0.99, self._limit))
            ratio = hits * log(other / self._limit) + misses * log1p((self._limit - other) / (1 - self._limit))
            before = self._evidence[at]
            self._evidence[at] = exp(min(700.0, ratio + log1p(before))) if ratio > -inf else 0.0
        alarm = sum(self._evidence) / len(FACTORS) >= self._between
        if alarm:
            self._evidence = [0.0] * len(FACTORS)
        return alarm


def of_point(baseline: pb.MetricPoint, now: pb.MetricPoint, detector: Detector | None) -> Expected:
    """What is expected of any point of these types."""
    if now.HasField("histogram"):
        return of_histogram(baseline.histogram, now.histogram)
    if now.HasField("confusion"):
        return of_groups(now.confusion)
    return of_rate(baseline.rate, now.rate, now.direction, detector.takes(now.rate) if detector else None)


def differs(found: monitor_pb2.Verdict, expected: Expected) -> str:
    """How a verdict is another than expected; empty when it is the same."""
    told = Expected(
        found.level,
        found.effect if found.HasField("effect") else None,
        found.p_value if found.HasField("p_value") else None,
        (found.baseline_n, found.current_n),
    )
    near = _close(told.effect, expected.effect, 1e-9) and _close(told.p, expected.p, 1e-6)
    same = near and replace(told, effect=None, p=None) == replace(expected, effect=None, p=None)
    return "" if same else f"{told} instead of {expected}"


def _close(found: float | None, expected: float | None, relative: float) -> bool:
    if found is None or expected is None:
        return found is expected
    # A probability below 1e-300 is nobody's concern.
    return abs(found - expected) <= relative * abs(expected) + (1e-12 if relative < 1e-6 else 1e-300)
