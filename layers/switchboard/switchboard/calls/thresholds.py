"""Whether usage has reached a threshold within a period, and where it is going."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from switchboard.calls.costs import Tariff
from switchboard.calls.periods import Window, day_window, instant_of, month_window
from switchboard.calls.usage import month_cost
from switchboard.routing.thresholds import Threshold

LATE_SECONDS = 2 * 86_400
"""A period that has been over for so long fires no more: what ends a call comes within a day, as does the stream."""

FEWEST = 10
"""Of fewer inbound calls that were let in the rate of the missed ones says nothing."""

CONCURRENT = "concurrentCalls"
_RUNNING = ("calls", "minutes", "cost")
"""Metrics that grow with the period."""

_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Reached:
    """A threshold that its metric has reached.

    value: calls, minutes, cents, the most calls in progress, or a fraction, by the metric. forecast: what calls,
    minutes and cents of the whole period come to at the same rate, None before any of it is over; the others do not
    add up, so that the value so far is the best guess.
    """

    threshold: Threshold
    window: Window
    value: Decimal
    forecast: Decimal | None


def period_window(period: str, zone: ZoneInfo, at: int) -> Window:
    """The local day or month of an instant (Unix seconds)."""
    return (day_window if period == "day" else month_window)(zone, at)


def windows_to_look_at(
    thresholds: Iterable[Threshold], zone: ZoneInfo, instants: Iterable[int], *, since: int, at: int
) -> set[tuple[str, Window]]:
    """The periods, each with its window, in which something has changed that the thresholds look at.

    instants: when the calls came to be that changed. since: when the thresholds were set; a period that was over by
    then is not theirs. at: now. All in Unix seconds.
    """
    periods = {threshold.period for threshold in thresholds}
    found = {(period, period_window(period, zone, instant)) for period in periods for instant in {*instants}}
    return {(period, window) for period, window in found if window.end > max(since, at - LATE_SECONDS)}


def reached(threshold: Threshold, window: Window, sums: Mapping[str, Any], tariff: Tariff, at: int) -> Reached | None:
    """The threshold with what its metric has come to; None if that is less than the limit.

    sums: of the window, by their names in the buckets; of concurrentCalls the most in progress, under that name.
    tariff: where it does not know what Vapi's cents are worth, no cost is reached. at: now, in Unix seconds.
    """
    value = _value(threshold.metric, sums, tariff)
    if value is None or value < threshold.limit:
        return None
    so_far = round(value, _DECIMALS)
    forecast = _forecast(value, window, at) if threshold.metric in _RUNNING else so_far
    return Reached(threshold, window, so_far, forecast)


def in_progress(hours: Iterable[tuple[str, Mapping[str, Any]]], instants: Iterable[int]) -> dict[int, Decimal]:
    """The calls in progress at each of the instants (Unix seconds), to the minute.

    hours: the UTC hours from that of the first instant on, as far as a call can last. A call whose end is not known has
    one at its latest. So whatever ends after an instant is in progress then, unless it begins after it too.
    """
    changes: defaultdict[int, Decimal] = defaultdict(Decimal)
    for hour, attributes in hours:
        for name, value in attributes.items():
            kind, _, minute = name.partition(".")
            if kind in ("start", "end"):
                changes[instant_of(hour) // 60 + int(minute)] += value if kind == "end" else -value
    left, level = sorted(changes), Decimal(0)
    found: dict[int, Decimal] = {}
    for at in sorted(instants, reverse=True):
        while left and left[-1] > at // 60:
            level += changes[left.pop()]
        found[at] = level
    return found


def peaks(
    period: str, zone: ZoneInfo, calls: Mapping[int, Decimal], *, since: int, at: int
) -> list[tuple[Window, Decimal]]:
    """The most calls in progress within each period, the earliest first, of those at some instants (Unix seconds).

    since: when the threshold was set. at: now. Instants before that, or long over, are left out.
    """
    most: dict[Window, Decimal] = {}
    for instant, value in calls.items():
        if instant >= since and instant > at - LATE_SECONDS:
            window = period_window(period, zone, instant)
            most[window] = max(value, most.get(window, value))
    return sorted(most.items(), key=lambda each: each[0].start)


def _value(metric: str, sums: Mapping[str, Any], tariff: Tariff) -> Decimal | None:
    match metric:
        case "calls":
            return Decimal(sums.get("calls", 0)) - Decimal(sums.get("turnedAway", 0))
        case "minutes":
            return Decimal(sums.get("seconds", 0)) / 60
        case "cost":
            return month_cost(sums, tariff, None)
        case "missedRate":
            settled = Decimal(sums.get("settled", 0))
            return Decimal(sums.get("inboundMissed", 0)) / settled if settled >= FEWEST else None
    return Decimal(sums.get(metric, 0))


def _forecast(value: Decimal, window: Window, at: int) -> Decimal | None:
    """At the run rate: the value by the share of the period that is over; None before any of it is."""
    if at <= window.start:
        return None
    elapsed = Decimal(min(at, window.end) - window.start) / (window.end - window.start)
    return round(value / elapsed, _DECIMALS)
