"""Distances and tests between two samples in the same bins: every column of the census,
each year against 2015, and made samples with rare and empty bins."""

import census
import numpy as np
import pandas as pd
from evidently.legacy.calculations.stattests import (
    chisquare_stattest,
    hellinger_distance,
    jensenshannon,
    kl_div,
    psi,
    tvd_stattest,
    wasserstein_distance_norm,
)
from evidently.legacy.core import ColumnType
from nannyml.chunk import DefaultChunker
from nannyml.drift.univariate import methods
from nannyml.thresholds import ConstantThreshold
from scipy import stats

CATEGORICAL = ColumnType.Categorical


def nannyml(method, reference, current):
    """What one of NannyML's methods makes of two columns."""
    method = method(chunker=DefaultChunker(), threshold=ConstantThreshold())
    reference, current = reference.rename("x"), current.rename("x")
    method.fit(reference)
    return method.calculate(current)


def evidently(function, reference, current, kind=CATEGORICAL):
    """What one of Evidently's functions makes of two columns, which it may change."""
    return float(function(reference.copy(), current.copy(), kind, 0.1)[0])


def by_libraries(reference, current):
    """Values from the raw columns, each by the library that defines it."""
    table = pd.concat([reference.value_counts(), current.value_counts()], axis=1).fillna(0)
    contingency = stats.chi2_contingency(table.to_numpy().T, correction=False)
    expected = {
        "population_stability_index": evidently(psi._psi, reference, current),
        "kullback_leibler": evidently(kl_div._kl_div, reference, current),
        "jensen_shannon_e": evidently(jensenshannon._jensenshannon, reference, current),
        "jensen_shannon_2": nannyml(methods.CategoricalJensenShannonDistance, reference, current),
        "hellinger": nannyml(methods.CategoricalHellingerDistance, reference, current),
        "total_variation": float(tvd_stattest._total_variation_distance(reference, current)),
        "l_infinity": float(nannyml(methods.LInfinityDistance, reference, current)),
        "chi_square": float(contingency.statistic),
        "chi_square_p": float(contingency.pvalue),
    }
    # The second opinion, where it is precise enough to be one.
    other = evidently(hellinger_distance._hellinger_distance, reference, current)
    assert abs(other - expected["hellinger"]) < 1e-7 or expected["hellinger"] < 1e-3
    if len(table) > 2:
        # NannyML corrects tables of two categories as Yates did; the contract does not.
        found = float(nannyml(methods.Chi2Statistic, reference, current))
        assert abs(found / expected["chi_square"] - 1) < 1e-12
    if set(current.unique()) <= set(reference.unique()):
        expected["goodness_of_fit_p"] = evidently(chisquare_stattest._chi_stat_test, reference, current)
    return expected


def by_category(name, reference, current):
    """A case of codes in bins."""
    codes = sorted(set(reference.unique()) | set(current.unique()))
    counts = [[int((column == code).sum()) for code in codes] for column in (reference, current)]
    return {
        "name": name,
        "kind": "pair",
        "reference": counts[0],
        "current": counts[1],
        "expected": by_libraries(reference, current),
    }


def in_bins(name, reference, current, edges):
    """A case of numbers in bins, whose raw values are the lower edges of their bins: so the
    functions for raw data tell what those on bins have to give."""
    edges = np.asarray(edges, dtype=float)
    bins = [np.searchsorted(edges, column, side="right") for column in (reference, current)]
    counts = [np.bincount(column, minlength=len(edges) + 1).tolist() for column in bins]
    expected = by_libraries(*[pd.Series(column) for column in bins])
    ks = stats.ks_2samp(*bins, method="asymp")
    expected["kolmogorov"], expected["kolmogorov_p"] = float(ks.statistic), float(ks.pvalue)
    case = {"name": name, "kind": "pair", "reference": counts[0], "current": counts[1], "expected": expected}
    if all(column.min() > 0 for column in bins):
        lower = [edges[column - 1] for column in bins]
        expected["wasserstein"] = float(stats.wasserstein_distance(*lower))
        case["edges"] = edges.tolist()
    return case


def by_evidently_bins(name, reference, current):
    """A number in Evidently's own bins, by its call on the raw columns."""
    edges = np.histogram_bin_edges(np.concatenate([reference, current]), bins="sturges")
    counts = [np.histogram(column, edges)[0].tolist() for column in (reference, current)]
    kind = ColumnType.Numerical
    expected = {
        "population_stability_index": evidently(psi._psi, reference, current, kind),
        "kullback_leibler": evidently(kl_div._kl_div, reference, current, kind),
        "jensen_shannon_e": evidently(jensenshannon._jensenshannon, reference, current, kind),
    }
    return {"name": name, "kind": "pair", "reference": counts[0], "current": counts[1], "expected": expected}


def normalised(name, reference, current):
    """Evidently's normalised Wasserstein distance of raw whole numbers, which bins of width 1 have, too."""
    edges = np.arange(min(reference.min(), current.min()), max(reference.max(), current.max()) + 2)
    case = in_bins(name, reference, current, edges)
    call = wasserstein_distance_norm._wasserstein_distance_norm
    case["expected"]["wasserstein_normalised"] = evidently(call, reference, current, ColumnType.Numerical)
    case["deviation"] = float(np.std(reference))
    return case


def made():
    """Samples with rare, empty and missing bins, drawn with fixed seeds."""
    for seed in range(24):
        draw = np.random.default_rng(seed)
        bins = int(draw.integers(2, 30))
        shares = draw.dirichlet(np.full(bins, 0.3), size=2)
        sizes = draw.integers(20, 3000, size=2)
        columns = [pd.Series(draw.choice(bins, size=size, p=share)) for size, share in zip(sizes, shares)]
        yield in_bins(f"made {seed}", *columns, range(bins + 1))


def kolmogorov():
    """The distribution of the two-sided statistic, where its formulas meet and between."""
    for n in (1, 2, 5, 12, 50, 139, 140, 141, 200, 1_000, 7_919, 34_726, 99_999, 100_001, 400_000, 5_000_000):
        grid = np.sqrt(np.array([0.05, 0.2, 0.5, 0.75, 0.76, 1.2, 2.1, 2.3, 3.9, 4.1, 8.0, 17.9, 18.1, 60.0]) / n)
        for d in [*grid, 0.7 / n, 1.4 * n ** (-2 / 3) * 0.7]:
            if d < 1:
                yield [n, float(d), float(stats.kstwo.sf(d, n))]


def cases():
    """All cases of two samples."""
    reference = census.year(census.REFERENCE)
    for year in census.YEARS:
        current = census.year(year)
        for column in census.columns():
            name, raw = f"{column} {year}", (reference[column], current[column])
            if column == "predicted_probability":
                edges = np.unique(np.quantile(raw[0], np.arange(0.1, 1, 0.1)))
                yield in_bins(f"{name} in deciles", *raw, edges)
                yield by_evidently_bins(f"{name} in Evidently's bins", *raw)
            elif column == "AGEP":
                yield in_bins(f"{name} in deciles", *raw, np.quantile(raw[0], np.arange(0.1, 1, 0.1)))
                yield by_evidently_bins(f"{name} in Evidently's bins", *raw)
                yield normalised(f"{name} by years", *raw)
            else:
                yield by_category(name, *raw)
    yield from made()
    yield {"name": "kolmogorov", "kind": "kolmogorov", "rows": list(kolmogorov())}


