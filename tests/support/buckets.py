"""What the table holds of a number's usage, and what it shall hold: the sum over the calls."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from switchboard.calls.record import call_from_item
from switchboard.calls.usage import contribution

Sums = dict[str, dict[str, Any]]


def held(items: Iterable[Mapping[str, Any]]) -> Sums:
    """The buckets among stored items by their sort keys, without sums that are zero."""
    buckets = {
        str(item["SK"]): {
            name: value for name, value in item.items() if value and name not in ("PK", "SK", "expiresAt")
        }
        for item in items
        if item["SK"].startswith("USAGE#")
    }
    return {sort: sums for sort, sums in buckets.items() if sums}


def due(calls: Iterable[Mapping[str, Any]]) -> Sums:
    """What the buckets hold once these calls are counted as they are stored."""
    buckets: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for call in calls:
        for names, sums in contribution(call_from_item(call)).items():
            for name, value in sums.items():
                buckets["#".join(("USAGE", *names))][name] += value
    return {sort: dict(sums) for sort, sums in buckets.items()}
