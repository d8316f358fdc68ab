"""What the calls of a number come to, beside what its buckets of usage hold. Pure: only what is given counts."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from heapq import merge
from itertools import groupby
from typing import Any

from switchboard.calls.periods import instant_of, utc_month
from switchboard.calls.record import call_from_item
from switchboard.calls.usage import Bucket, contribution, difference
from switchboard.store.calls import is_erased
from switchboard.store.usage import Receipt

DAY = 86_400


@dataclass(frozen=True)
class Difference:
    """held: what the table says. due: what the calls come to."""

    where: str
    sum: str
    held: Decimal
    due: Decimal


@dataclass
class Recount:
    """compared_from: Unix seconds; None where everything was compared.

    behind: calls of which the stream has yet to bring the last change, or never will.
    """

    compared_from: int | None
    calls: int = 0
    erased: int = 0
    behind: list[Mapping[str, Any]] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)


def recounted(
    calls: Iterable[Mapping[str, Any]],
    receipts: Iterable[tuple[str, Receipt]],
    buckets: Iterable[tuple[Bucket, Mapping[str, Any]]],
    *,
    created: int,
    now: int,
    retention_days: int,
) -> Recount:
    """Compares buckets and receipts with the calls, both of them given in the order of the calls' ids.

    created: of the number, now: both Unix seconds. Calls are kept for so many days, so that of a number that is older
    only those hours and months are compared of which no call is gone, and the totals not at all; after the retention
    was raised that is so many days later. A call that was erased, or whose time is over, counts as its receipt says,
    and not where that is gone: they expire together, and DynamoDB removes them in any order, days later.
    """
    kept_since = now - retention_days * DAY
    result = Recount(None if created >= kept_since else kept_since)
    due: defaultdict[Bucket, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for call_id, call, receipt in _paired(calls, receipts):
        counted = receipt.counted if receipt is not None else {}
        if call is None or is_erased(call) or _is_over(call, now):
            result.erased += call is not None and is_erased(call)
            sums = counted
        else:
            result.calls += 1
            sums = contribution(call_from_item(call))
            if receipt is None or receipt.revision < int(call["rev"]):
                result.behind.append(call)
            result.differences += _between(f"receipt of {call_id}", counted, sums)
        for bucket, added in sums.items():
            for name, value in added.items():
                due[bucket][name] += value
    held = dict(buckets)
    for bucket in sorted(held.keys() | due.keys()):
        names = difference(held.get(bucket, {}), due.get(bucket, {}))
        for name in names:
            if _is_whole(bucket, name, result.compared_from):
                held_value = held.get(bucket, {}).get(name, Decimal(0))
                result.differences.append(Difference(" ".join(bucket), name, held_value, due[bucket][name]))
    return result


def _is_over(call: Mapping[str, Any], now: int) -> bool:
    return "expiresAt" in call and int(call["expiresAt"]) <= now


def report(name: str, result: Recount) -> str:
    """The comparison of a number in words, for people."""
    since = result.compared_from
    reach = "all" if since is None else f"{datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M} UTC on"
    read = f"{result.calls} calls read, {result.erased} erased, {len(result.behind)} not counted yet"
    lines = [f"{name}: {read}; compared: {reach}; differences: {len(result.differences)}"]
    if result.differences:
        rows = [("where", "sum", "held", "due")]
        rows += [(each.where, each.sum, f"{each.held:f}", f"{each.due:f}") for each in result.differences]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines += ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(lines)


def _paired(
    calls: Iterable[Mapping[str, Any]], receipts: Iterable[tuple[str, Receipt]]
) -> Iterator[tuple[str, Mapping[str, Any] | None, Receipt | None]]:
    """Calls and receipts by the calls' ids; None for what there is not."""
    one: Iterator[tuple[str, Any]] = ((str(call["callId"]), call) for call in calls)
    both = merge(one, receipts, key=lambda each: each[0])
    for call_id, found in groupby(both, key=lambda each: each[0]):
        pair = [each for _, each in found]
        receipt = next((each for each in pair if isinstance(each, Receipt)), None)
        yield call_id, next((each for each in pair if not isinstance(each, Receipt)), None), receipt


def _between(
    where: str, held: Mapping[Bucket, Mapping[str, Any]], due: Mapping[Bucket, Mapping[str, Decimal]]
) -> Iterator[Difference]:
    for bucket in sorted(held.keys() | due.keys()):
        of_held, of_due = held.get(bucket, {}), due.get(bucket, {})
        for name in difference(of_held, of_due):
            sum_ = f"{' '.join(bucket)} {name}"
            yield Difference(where, sum_, of_held.get(name, Decimal(0)), of_due.get(name, Decimal(0)))


def _is_whole(bucket: Bucket, name: str, since: int | None) -> bool:
    """Whether all calls that count in a sum are still there. since: None if none is gone.

    A call begins and ends later than it came to be: at most a day, unless it was scheduled for later than that.
    """
    if since is None:
        return True
    match bucket:
        case ("MONTH", month):
            return utc_month(month).start >= since
        case (_, hour, *_):
            is_of_progress = name.startswith(("start.", "end.", "ago."))
            return instant_of(hour) >= since + (DAY if is_of_progress else 0)
    return False
