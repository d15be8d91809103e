"""What a few people do to a ratio of rates, if no group is too small to be compared."""

from collections.abc import Iterator

import pandas as pd

from expected import MINIMUM_GROUP

FOUR_FIFTHS = 0.8


def lines(attributes: list[str], rows: pd.DataFrame, prediction: str) -> list[str]:
    """A sentence for each small group of each attribute."""
    told = [sentence for attribute in attributes for sentence in _of(attribute, rows, prediction)]
    return ["", *told] if told else []


def _of(attribute: str, rows: pd.DataFrame, prediction: str) -> Iterator[str]:
    groups = rows.groupby(rows[attribute])[prediction].agg([lambda answers: (answers == "1").sum(), "size"])
    groups.columns = ["yes", "n"]
    small = groups[groups["n"] < MINIMUM_GROUP]
    if small.empty:
        return
    rates = groups["yes"] / groups["n"]
    large = rates[groups["n"] >= MINIMUM_GROUP]
    yield (
        f"{attribute}, lowest rate over highest: {large.min() / large.max():.3f} among groups of at least "
        f"{MINIMUM_GROUP} people, {rates.min() / rates.max():.3f} among all."
    )
    largest = groups["n"].idxmax()
    for code, group in small.iterrows():
        yield _sentence(f"{attribute} {code}", int(group["yes"]), int(group["n"]), rates[largest], largest)


def _sentence(what: str, yes: int, n: int, rate: float, largest: str) -> str:
    now = _ratio(yes / n, rate)
    begin = f"- {what}, {n} {'person' if n == 1 else 'people'}, {yes} with yes: {now:.3f} beside group {largest}; "
    for people in range(1, n + 1):
        for changed in (yes - people, yes + people):
            if 0 <= changed <= n and (_ratio(changed / n, rate) < FOUR_FIFTHS) != (now < FOUR_FIFTHS):
                word = "person" if people == 1 else "people"
                return f"{begin}{people} {word} answered otherwise would make it {_ratio(changed / n, rate):.3f}."
    return f"{begin}no answer would bring it across {FOUR_FIFTHS}."


def _ratio(one: float, other: float) -> float:
    return min(one, other) / max(one, other)
