"""Durations in bins: what is read from them is within 2 % of what the durations themselves say."""

import math
import random
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.calls.sketch import bin_of, quantile, value_of

SHARES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)
durations = st.decimals(Decimal("0.05"), 43_200, places=3)


def exact(seconds: list[Decimal], share: float) -> Decimal:
    """The lowest duration that a share of all do not exceed."""
    return sorted(seconds)[max(1, math.ceil(round(share * len(seconds), 6))) - 1]


def in_ms(seconds: float) -> Decimal:
    return Decimal(round(min(max(seconds, 0.05), 43_200) * 1000)) / 1000


def drawn(kind: str) -> list[Decimal]:
    """Ten thousand durations, the same each time."""
    chance = random.Random(kind)  # noqa: S311 - the same numbers each time are what is wanted
    draw = {
        "lognormal": lambda: chance.lognormvariate(4, 1.5),
        "pareto": lambda: 3 * chance.paretovariate(1.1),
        "constant": lambda: 62.7,
        "two points": lambda: 2.0 if chance.random() < 0.9 else 3600.0,
        "exponential": lambda: chance.expovariate(1 / 90),
    }[kind]
    return [in_ms(draw()) for _ in range(10_000)]


@pytest.mark.parametrize("kind", ["lognormal", "pareto", "constant", "two points", "exponential"])
@pytest.mark.parametrize("share", SHARES)
def test_percentiles_of_skewed_durations_are_within_two_percent(kind: str, share: float) -> None:
    seconds = drawn(kind)
    assert quantile(Counter(map(bin_of, seconds)), share) == pytest.approx(float(exact(seconds, share)), rel=0.02)


@given(st.lists(durations, min_size=1, max_size=50), st.sampled_from(SHARES))
def test_a_percentile_of_any_durations_is_within_two_percent(seconds: list[Decimal], share: float) -> None:
    assert quantile(Counter(map(bin_of, seconds)), share) == pytest.approx(float(exact(seconds, share)), rel=0.02)


@given(durations)
def test_a_bin_stands_for_what_lies_in_it(seconds: Decimal) -> None:
    assert value_of(bin_of(seconds)) == pytest.approx(float(seconds), rel=0.01)


@given(durations, durations)
def test_a_longer_duration_is_in_no_lower_bin(one: Decimal, other: Decimal) -> None:
    assert bin_of(min(one, other)) <= bin_of(max(one, other))


@pytest.mark.parametrize("seconds", ["0", "0.001", "0.05"])
def test_what_is_shorter_than_a_moment_counts_as_a_moment(seconds: str) -> None:
    assert value_of(bin_of(Decimal(seconds))) == pytest.approx(0.05, rel=0.01)


@given(st.lists(st.lists(durations, max_size=9), max_size=5), st.sampled_from(SHARES))
def test_sketches_added_up_are_the_sketch_of_all(parts: list[list[Decimal]], share: float) -> None:
    added = sum((Counter(map(bin_of, part)) for part in parts), Counter[int]())
    assert quantile(added, share) == quantile(Counter(bin_of(each) for part in parts for each in part), share)


@pytest.mark.parametrize("bins", [{}, {5: 0}])
def test_of_no_durations_there_is_no_percentile(bins: dict[int, int]) -> None:
    assert quantile(bins, 0.5) is None


def test_a_bin_that_was_emptied_again_is_none() -> None:
    assert quantile({100: 0, 200: 1, 300: 0}, 1) == quantile({100: 0, 200: 1}, 0) == value_of(200)
