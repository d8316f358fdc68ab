"""What a call adds to the usage of its number, and what is made of the sums.

Usage is kept in buckets of UTC, each of which follows from the call alone: for ever, by month, by hour, and by the
callers of an hour. Within an hour sums are kept by quarter, of which any zone's days and months can be made.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from switchboard.calls.costs import Tariff
from switchboard.calls.outcome import TURNED_AWAY
from switchboard.calls.periods import (
    FURTHEST,
    Window,
    hour_of,
    minute_of,
    month_of,
    month_window,
    quarter_of,
    utc_month,
)
from switchboard.calls.record import Call
from switchboard.calls.sketch import bin_of
from switchboard.routing.caller import caller_of

Bucket: TypeAlias = tuple[str, ...]
"""("TOTAL",), ("MONTH", "2026-11"), ("HOUR", "2026-11-23T07") or ("CALLERS", "2026-11-23T07", "3")."""

TOTAL: Bucket = ("TOTAL",)

LONGEST_CALL_MS = 43_200_000
"""Vapi's longest call. So long a call is taken to be in progress whose end is not known."""

_HOUR_MS = 3_600_000

CALLER_SHARDS = 8

_ONE = Decimal(1)


def contribution(call: Call) -> dict[Bucket, dict[str, Decimal]]:
    """Counts, seconds and US cents of one call by bucket and name; usage is the sum of these over all calls.

    A test call is no usage but for `test.calls`, `test.seconds` and `test.cost`, and for the line that it occupies.

    TOTAL: totalCalls, inboundCalls, outboundCalls, answeredCalls and so on by outcome, answeredSeconds, seconds, cost.
    MONTH: calls, turnedAway (whom the number rejected), inbound, missed, seconds, cost; of inbound calls settled (they
    have an outcome, and it is none of TURNED_AWAY) and inboundMissed; and near the month's bounds the same once more by
    the quarter since the epoch: `q1985000.calls`.
    HOUR: by quarter of the hour, `0.calls` to `3.calls`: calls, turnedAway, inbound, outbound, each outcome, seconds,
    answeredSeconds, cost, settled, inboundAnswered, inboundMissed, duration.<bin>, reason.<endedReason>,
    assistant.<id>, rule.<id>; and by minute `start.0` to `start.59`, `end.0` to `end.59` of calls that got through,
    and of those that ended in this hour and started in an earlier one how many hours earlier: `ago.1` to `ago.12`.
    CALLERS: by quarter of the hour and E.164 the inbound calls: `0.+12025550123`.
    """
    created, quarter = call.created_at, quarter_of(call.created_at)
    hour, month = hour_of(created), month_of(created)
    added: defaultdict[Bucket, dict[str, Decimal]] = defaultdict(dict)
    sums = {"test.calls": _ONE, "test.seconds": call.duration, "test.cost": call.cost} if call.test else _sums(call)
    of_hour = sums if call.test else sums | _of_hour(call)
    of_month = {name: value for name, value in sums.items() if name in MONTH_SUMS}
    added["HOUR", hour] |= {f"{quarter % 4}.{name}": value for name, value in of_hour.items()}
    added["MONTH", month] |= of_month
    bounds = utc_month(month)
    if min(created - bounds.start * 1000, bounds.end * 1000 - 1 - created) < FURTHEST * 1000:
        added["MONTH", month] |= {f"q{quarter}.{name}": value for name, value in of_month.items()}
    if not call.test:
        added[TOTAL] |= _totals(call)
        caller = caller_of(call.customer).e164
        if caller is not None and call.direction == "inbound":
            added["CALLERS", hour, shard_of(caller)] |= {f"{quarter % 4}.{caller}": _ONE}
    for name, instant in _in_progress(call).items():
        added["HOUR", hour_of(instant)] |= {f"{name}.{minute_of(instant)}": _ONE}
    ago = _hours_before_its_end(call)
    if ago:
        added["HOUR", hour_of(_in_progress(call)["end"])] |= {f"ago.{ago}": _ONE}
    kept = {bucket: {name: value for name, value in sums.items() if value} for bucket, sums in added.items()}
    return {bucket: sums for bucket, sums in kept.items() if sums}


_TESTS = ("test.calls", "test.seconds", "test.cost")

MONTH_SUMS = frozenset(
    {"calls", "turnedAway", "inbound", "missed", "settled", "inboundMissed", "seconds", "cost", *_TESTS}
)
"""What is summed by month."""


def shard_of(caller: str) -> str:
    """Which of the items of an hour's callers one caller is counted in."""
    return str(sha256(caller.encode()).digest()[0] % CALLER_SHARDS)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Decimal]:
    """What has to be added to sums that hold `before` so that they hold `after`."""
    names = before.keys() | after.keys()
    changes = {name: Decimal(after.get(name, 0)) - Decimal(before.get(name, 0)) for name in sorted(names)}
    return {name: change for name, change in changes.items() if change}


def differences(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Decimal]]:
    """The same by bucket; only buckets that change."""
    buckets = before.keys() | after.keys()
    changes = {bucket: difference(before.get(bucket, {}), after.get(bucket, {})) for bucket in sorted(buckets)}
    return {bucket: change for bucket, change in changes.items() if change}


def counters(totals: Mapping[str, Any]) -> dict[str, Any]:
    """The number's counters, by their names in Python, from its sums."""
    answered, seconds = Decimal(totals.get("answeredCalls", 0)), Decimal(totals.get("answeredSeconds", 0))
    return {
        "total_calls": int(totals.get("totalCalls", 0)),
        "inbound_calls": int(totals.get("inboundCalls", 0)),
        "outbound_calls": int(totals.get("outboundCalls", 0)),
        "average_call_duration": float(round(seconds / answered, 3)) if answered else 0.0,
        "total_minutes": float(round(Decimal(totals.get("seconds", 0)) / 60, 4)),
    }


def month_sums(zone: ZoneInfo, at: int, items: Mapping[str, Mapping[str, Any]]) -> dict[str, Decimal]:
    """The sums (MONTH_SUMS) of the local month of an instant (Unix seconds); what is zero is left out.

    items: attributes of the MONTH buckets by UTC month, of all of `month_window(zone, at).months`; one that is absent
    has nothing.
    """
    window = month_window(zone, at)
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for month in window.months:
        bounds = utc_month(month)
        # Either what it has of the month lies near the month's bounds, or all but what lies there.
        few = window.end <= bounds.start + FURTHEST or window.start >= bounds.end - FURTHEST
        for name, value in items.get(month, {}).items():
            quarter, _, of_quarter = name.partition(".")
            if name in MONTH_SUMS:
                if not few:
                    sums[name] += value
            elif quarter[:1] == "q" and quarter[1:].isdecimal() and (int(quarter[1:]) in window) == few:
                sums[of_quarter] += value if few else -value
    return {name: value for name, value in sums.items() if value}


def window_sums(window: Window, hours: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Decimal]:
    """The sums of all quarters that lie in a window, by their names in the HOUR buckets; what is zero is left out.

    hours: UTC hours with their attributes. Starts and ends, which are kept by minute, are no part of it.
    """
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for hour, attributes in hours:
        inside = window.quarters(hour)
        for name, value in attributes.items():
            quarter, _, of_quarter = name.partition(".")
            if quarter.isdecimal() and int(quarter) in inside:
                sums[of_quarter] += value
    return {name: value for name, value in sums.items() if value}


def month_cost(sums: Mapping[str, Any], tariff: Tariff, fee: Decimal | None) -> Decimal | None:
    """Cents of a month: what Vapi charged, tests too, the carrier's minutes and the monthly fee.

    sums: of `month_sums`. fee: cents of the deployment's currency; None where the number has none. None where nobody
    knows what Vapi's cents are worth in that currency.
    """
    seconds = Decimal(sums.get("seconds", 0)) + Decimal(sums.get("test.seconds", 0))
    cost = tariff.vapis(Decimal(sums.get("cost", 0)) + Decimal(sums.get("test.cost", 0)))
    return None if cost is None else round(cost + tariff.carriers(seconds) + (fee or 0), 4)


def _sums(call: Call) -> dict[str, Decimal]:
    """What is summed of a call by quarter and by month."""
    sums = {"calls": _ONE, call.direction: _ONE, "seconds": call.duration, "cost": call.cost}
    if call.outcome in TURNED_AWAY or (call.decision or {}).get("action") == "reject":
        sums["turnedAway"] = _ONE
    if call.outcome is not None:
        sums[call.outcome] = _ONE
        if call.direction == "inbound" and call.outcome not in TURNED_AWAY:
            sums["settled"] = _ONE
            if call.outcome in ("answered", "missed"):
                sums[f"inbound{call.outcome.capitalize()}"] = _ONE
    return sums


def _of_hour(call: Call) -> dict[str, Decimal]:
    """What is summed of a call by quarter alone."""
    rule = (call.decision or {}).get("ruleId")
    named = {"reason": call.ended_reason, "assistant": call.assistant, "rule": rule}
    sums = {f"{kind}.{name}": _ONE for kind, name in named.items() if name}
    if call.outcome == "answered":
        sums |= {"answeredSeconds": call.duration, f"duration.{bin_of(call.duration)}": _ONE}
    return sums


def _totals(call: Call) -> dict[str, Decimal]:
    """What is summed of a call for ever."""
    added = {"totalCalls": _ONE, f"{call.direction}Calls": _ONE, "seconds": call.duration, "cost": call.cost}
    if call.outcome is not None:
        added[f"{call.outcome}Calls"] = _ONE
    if call.outcome == "answered":
        added["answeredSeconds"] = call.duration
    return added


def _hours_before_its_end(call: Call) -> int:
    """How many hours before that of its end a call started, as UTC's clock counts them.

    How many calls were in progress as an hour began cannot be told from starts and ends, unless all are read that ever
    were. Of the ends after it those count that say a call started before.
    """
    progress = _in_progress(call)
    return (progress["end"] // _HOUR_MS - progress["start"] // _HOUR_MS) if progress else 0


def _in_progress(call: Call) -> dict[str, int]:
    """When a call began to be in progress, and when it was not any more, in Unix milliseconds; empty if it never was.

    No call is in progress for longer than Vapi's longest, so that looking so far back finds every one.
    """
    if call.started_at is None:
        return {}
    latest = call.started_at + LONGEST_CALL_MS
    if call.status != "ended":
        return {"start": call.started_at, "end": latest}
    return {"start": call.started_at, "end": min(latest, max(call.started_at, call.ended_at or 0))}
