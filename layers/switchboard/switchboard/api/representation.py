"""Numbers as their owner sees them: the record, its lists of callers and its counters."""

import time
from collections.abc import Sequence
from typing import Any

from switchboard.calls.costs import Tariff
from switchboard.calls.periods import month_window
from switchboard.calls.usage import counters, month_cost, month_sums
from switchboard.currency import dollar
from switchboard.model.number import VapiPhoneNumber
from switchboard.model.record import NumberRecord
from switchboard.store.screening import screening
from switchboard.store.usage import usage
from switchboard.zones import zone_of


def shown(record: NumberRecord, *, told_secret: bool = False) -> VapiPhoneNumber:
    """told_secret: this answer is the one that tells the webhook secret."""
    (counted,) = counters_of([record], int(time.time()))
    (loaded,) = screening().loaded([record])
    return loaded.shown(counters=counted, told_secret=told_secret)


def shown_all(records: Sequence[NumberRecord]) -> list[VapiPhoneNumber]:
    counted = counters_of(records, int(time.time()))
    loaded = screening().loaded(records)
    return [record.shown(counters=counters) for record, counters in zip(loaded, counted, strict=True)]


def counters_of(records: Sequence[NumberRecord], at: int) -> list[dict[str, Any]]:
    """Each number's counters by their names in Python, the month's cost as of an instant (Unix seconds)."""
    zones = [zone_of(hours.timezone if (hours := record.number.business_hours) else None) for record in records]
    windows = [month_window(zone, at) for zone in zones]
    months = {record.number.id: tuple(window.months) for record, window in zip(records, windows, strict=True)}
    read = usage().with_months(months)
    counted = []
    for record, zone, window in zip(records, zones, windows, strict=True):
        totals, items = read[record.number.id]
        fee = record.monthly_fee_from(window.start)
        tariff = Tariff(record.number.per_minute_cost, dollar())
        cost = month_cost(month_sums(zone, at, items), tariff, fee)
        counted.append(counters(totals) | {"monthly_cost": cost})
    return counted
