"""A sketch of durations: how many lie in each of the bins whose borders grow by 2 %.

Sketches of any stretches of time are added bin by bin, and each quantile of the sum is within 1 % of the exact one.
"""

import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

GAMMA = 1.02
"""What the upper border of a bin is times its lower border."""

SHORTEST = Decimal("0.05")
"""Seconds; what is shorter counts as this long."""


def bin_of(seconds: Decimal) -> int:
    """The bin of a duration: above GAMMA ** (bin - 1) seconds, up to GAMMA ** bin."""
    return math.ceil(math.log(max(seconds, SHORTEST)) / math.log(GAMMA))


def value_of(number: int) -> float:
    """The seconds that stand for a bin, so that the lowest and the highest in it are equally far from them."""
    return float(2 * GAMMA**number / (GAMMA + 1))


def quantile(bins: Mapping[int, int], q: float) -> float | None:
    """Seconds that a share q (0 to 1) of the durations does not exceed; None of none.

    The value of the lowest bin up to which at least q of all lie, so that it is always one that occurred.
    """
    rank = max(1, math.ceil(Fraction(str(q)) * sum(bins.values())))
    reached = 0
    for number in sorted(bins):
        reached += bins[number]
        if reached >= rank:
            return value_of(number)
    return None
