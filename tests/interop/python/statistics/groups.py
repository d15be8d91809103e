"""Fairness by every attribute of the census that names groups, as fairlearn computes it."""

import census
from fairlearn import metrics
from sklearn.metrics import accuracy_score

MINIMUM = 30
ATTRIBUTES = ("SEX", "RAC1P", "MAR", "DIS", "NATIVITY", "CIT")


def counts(rows, attribute):
    """Confusion counts of each group: name, tp, fp, tn, fn."""
    for group, part in rows.groupby(attribute, observed=True):
        truth, found = part["employed"].astype(bool), part["prediction"].astype(bool)
        cells = (found & truth, found & ~truth, ~found & ~truth, ~found & truth)
        yield [str(group), *[int(cell.sum()) for cell in cells]]


def fairness(rows, attribute):
    """What fairlearn makes of these rows."""
    truth, found = rows["employed"].astype(int), rows["prediction"].astype(int)
    features = {"sensitive_features": rows[attribute]}
    expected = {
        "parity_difference": metrics.demographic_parity_difference(truth, found, **features),
        "parity_ratio": metrics.demographic_parity_ratio(truth, found, **features),
        "opportunity_difference": metrics.equal_opportunity_difference(truth, found, **features),
        "opportunity_ratio": metrics.equal_opportunity_ratio(truth, found, **features),
        "odds_difference": metrics.equalized_odds_difference(truth, found, **features),
        "odds_ratio": metrics.equalized_odds_ratio(truth, found, **features),
    }
    return {name: float(value) for name, value in expected.items()}


def cases():
    """A case for each year and attribute: all rows, and those of groups that are large enough. Where a
    group has nobody of one truth, fairlearn takes its rate for 0; we do not compare it."""
    for year in (census.REFERENCE, *census.YEARS):
        rows = census.year(year)
        for attribute in ATTRIBUTES:
            sizes = rows.groupby(attribute, observed=True)["employed"].agg(["size", "nunique"])
            large = rows[rows[attribute].isin(sizes.index[sizes["size"] >= MINIMUM])].copy()
            if hasattr(large[attribute], "cat"):
                large[attribute] = large[attribute].cat.remove_unused_categories()
            assert (sizes["nunique"][sizes["size"] >= MINIMUM] == 2).all()
            everybody = fairness(rows, attribute)
            if not (sizes["nunique"] == 2).all():
                everybody = {name: value for name, value in everybody.items() if name.startswith("parity")}
            yield {
                "name": f"groups of {attribute} {year}",
                "kind": "groups",
                "groups": list(counts(rows, attribute)),
                "minimum": MINIMUM,
                "expected": fairness(large, attribute),
                "expected_of_everybody": everybody,
                "accuracy": float(accuracy_score(rows["employed"].astype(int), rows["prediction"].astype(int))),
            }
