"""Rates, means, trends, evidence and charts: scipy, statsmodels and river on the census and
on made series."""

import census
import numpy as np
from river import drift
from scipy import special, stats
from statsmodels.stats.proportion import proportions_ztest

RATES = [(6, 200), (0, 30), (12, 168), (30, 30), (1, 1), (52, 1000), (30, 1000), (4_990, 5_000), (123_456, 9_876_543)]


def rates():
    """Wilson's interval of each, and the test of each against each."""
    for level in (0.9, 0.95, 0.999):
        for k, n in RATES:
            found = stats.binomtest(k, n).proportion_ci(level, "wilson")
            yield {
                "name": f"wilson {k} of {n} at {level}",
                "kind": "wilson",
                "k": k,
                "n": n,
                "level": level,
                "expected": [float(found.low), float(found.high)],
            }
    for a in RATES:
        for b in RATES:
            if 0 < a[0] + b[0] < a[1] + b[1]:
                z, p = proportions_ztest([b[0], a[0]], [b[1], a[1]])
                name = f"rates {a} and {b}"
                yield {"name": name, "kind": "rates", "a": a, "b": b, "z": float(z), "p": float(p)}


def evidence():
    """The e-value by its formula with scipy's functions, where that does not cancel."""
    for k, n, limit in [(18, 200, 0.05), (0, 30, 0.1), (5, 30, 0.1), (12, 168, 0.05), (40, 200, 0.1), (3, 500, 0.02)]:
        log = special.betaln(k + 1, n - k + 1) + np.log(special.betaincc(k + 1, n - k + 1, limit))
        log -= np.log1p(-limit) + k * np.log(limit) + (n - k) * np.log1p(-limit)
        yield {"name": f"evidence {k} of {n} over {limit}", "kind": "evidence", "k": k, "n": n, "limit": limit,
               "expected": float(np.exp(log))}


def moments(values):
    """Count, mean, squared differences, smallest and largest."""
    values = np.asarray(values, dtype=float)
    mean = values.mean()
    m2 = float(((values - mean) ** 2).sum()) if len(values) > 1 else 0.0
    return [len(values), float(mean), m2, float(values.min()), float(values.max())]


def means(name, windows):
    """Welch's test of the first against the last, the merge of all, and the line through them."""
    test = stats.ttest_ind(windows[-1], windows[0], equal_var=False)
    low, high = test.confidence_interval(0.95)
    times = np.repeat(np.arange(len(windows)), [len(window) for window in windows])
    rows = np.concatenate(windows)
    line = stats.linregress(times, rows)
    return {
        "name": name,
        "kind": "means",
        "windows": [moments(window) for window in windows],
        "merged": moments(rows),
        "welch": [float(test.statistic), float(test.df), float(test.pvalue)],
        "interval": [float(low), float(high)],
        "trend": [float(line.slope), float(line.stderr), float(line.pvalue)],
    }


def page_hinkley(name, values, **settings):
    """Where river signals a change."""
    test = drift.PageHinkley(**settings)
    signals = []
    for index, value in enumerate(values):
        test.update(value)
        if test.drift_detected:
            signals.append(index)
    return {"name": name, "kind": "page_hinkley", "settings": settings, "values": list(values), "signals": signals}


def cases():
    """All cases of single series."""
    yield from rates()
    yield from evidence()
    for column in ("AGEP", "predicted_probability"):
        years = [census.year(year)[column].to_numpy(dtype=float) for year in (2015, *census.YEARS)]
        yield means(f"means of {column}", years)
    draw = np.random.default_rng(7)
    for number, (size, base) in enumerate([(3, 0.0), (20, 1e6), (500, -5.0), (40, 1e-6)]):
        windows = [base + draw.normal(0.1 * step, 1 + step, size=size + 7 * step) for step in range(4)]
        yield means(f"made means {number}", windows)
    steps = [round(float(value), 6) for value in np.concatenate([draw.normal(0, 1, 150), draw.normal(2, 1, 150)])]
    for mode in ("both", "up", "down"):
        yield page_hinkley(f"page-hinkley {mode}", steps, mode=mode, threshold=10.0, min_instances=20, delta=0.05)
        yield page_hinkley(f"page-hinkley back {mode}", steps[::-1], mode=mode, threshold=8.0)
    yield page_hinkley("page-hinkley as it is", [value * 10 for value in steps])
