"""What a call adds to the usage of its number."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from switchboard.calls.record import Call


def contribution(call: Call) -> dict[str, Decimal]:
    """Counts, seconds and cents of one call; usage is the sum of these over all calls. Test calls are not usage."""
    if call.test:
        return {}
    added = {"totalCalls": Decimal(1), f"{call.direction}Calls": Decimal(1)}
    if call.outcome is not None:
        added[f"{call.outcome}Calls"] = Decimal(1)
    if call.outcome == "answered":
        added["answeredSeconds"] = call.duration
    added |= {"seconds": call.duration, "cost": call.cost}
    return {name: value for name, value in added.items() if value}


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Decimal]:
    """What has to be added to sums that hold `before` so that they hold `after`."""
    names = before.keys() | after.keys()
    changes = {name: Decimal(after.get(name, 0)) - Decimal(before.get(name, 0)) for name in sorted(names)}
    return {name: change for name, change in changes.items() if change}


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
