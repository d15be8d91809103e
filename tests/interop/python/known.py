"""What others computed from the same data, to compare with what Steward kept.

The figures come from scipy, fairlearn, Evidently and NannyML run on the raw
columns; here they are recomputed from the stored counts alone.
"""

from math import log

SIZES = {2015: 68_785, 2018: 70_131}
ACCURACY = {2015: 0.82716, 2016: 0.82533, 2017: 0.82917, 2018: 0.82822}
MARITAL = {2015: [28206, 3555, 5434, 808, 30782], 2018: [28943, 3396, 5675, 833, 31284]}
AGE = {
    2015: [6504, 6313, 7399, 6852, 6857, 7083, 6227, 7031, 7325, 7194],
    2018: [6463, 6155, 7428, 7247, 7309, 6529, 5867, 7314, 8245, 7574],
}
# By SEX in 2018: tp, fp, tn, fn.
CONFUSION_BY_SEX_2018 = {"1": (15370, 2878, 13254, 2378), "2": (15120, 4237, 14340, 2554)}
# Population stability index of 2018 against 2015.
PSI_MARITAL = 0.000281363213621
PSI_AGE = 0.00338943341932
# By SEX in 2018: difference and ratio of the rates of positive predictions.
PARITY_DIFFERENCE = 0.00464
PARITY_RATIO = 0.99139


def psi(reference: list[int], current: list[int]) -> float:
    """Population stability index of two lists of counts without empty bins."""
    pairs = [(p / sum(reference), q / sum(current)) for p, q in zip(reference, current, strict=True)]
    return sum((p - q) * log(p / q) for p, q in pairs)


def positive_rate(tp: int, fp: int, tn: int, fn: int) -> float:
    """Share of positive predictions in one group."""
    return (tp + fp) / (tp + fp + tn + fn)
