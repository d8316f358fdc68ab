"""A recount finds whatever the buckets hold that the calls do not come to, and only that."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from local.recounting import DAY, Recount, recounted, report
from switchboard.calls.periods import instant_of
from switchboard.calls.record import call_from_item
from switchboard.calls.usage import Bucket, contribution
from switchboard.store.usage import Receipt

T = 1_785_862_800
"""17:00 of 4 August 2026 in UTC, Unix seconds."""
HOUR = ("HOUR", "2026-08-04T17")
Buckets = dict[Bucket, dict[str, Decimal]]


def call(call_id: str, at: int = T, **more: Any) -> dict[str, Any]:
    """A call that was answered for a minute."""
    who = {"createdAt": at * 1000, "direction": "inbound", "customer": "+12025550123"}
    report = {"at": (at + 70) * 1000, "reason": "customer-ended-call", "cost": Decimal("10.12"), **who}
    report |= {"startedAt": at * 1000, "endedAt": (at + 60) * 1000}
    return {"callId": call_id, "numberId": "pn_1", "business": "acme", "rev": 3, "report": report, **more}


CALLS = [call("c1"), call("c2", T + 3_600), call("c3", T + 2 * DAY)]


def receipt(item: dict[str, Any]) -> tuple[str, Receipt]:
    return item["callId"], Receipt(int(item["rev"]), contribution(call_from_item(item)))


def counted(calls: list[dict[str, Any]] = CALLS) -> Buckets:
    buckets: Buckets = {}
    for item in calls:
        for bucket, sums in contribution(call_from_item(item)).items():
            held = buckets.setdefault(bucket, {})
            for name, value in sums.items():
                held[name] = held.get(name, Decimal(0)) + value
    return buckets


def compared(
    buckets: Buckets | None = None,
    calls: list[dict[str, Any]] | None = None,
    receipts: list[tuple[str, Receipt]] | None = None,
    *,
    age: int = 10,
    retention_days: int = 400,
) -> Recount:
    """age: of the number in days, as the recount is made three days after the first call."""
    return recounted(
        CALLS if calls is None else calls,
        list(map(receipt, CALLS)) if receipts is None else receipts,
        (counted() if buckets is None else buckets).items(),
        created=T + 3 * DAY - age * DAY,
        now=T + 3 * DAY,
        retention_days=retention_days,
    )


def found(result: Recount) -> list[tuple[str, str, Decimal, Decimal]]:
    return [(each.where, each.sum, each.held, each.due) for each in result.differences]


def test_where_all_is_counted_there_is_no_difference() -> None:
    assert compared() == Recount(compared_from=None, calls=3)


def test_a_sum_that_became_zero_is_no_difference() -> None:
    buckets = counted() | {("HOUR", "2026-08-05T05"): {"end.0": Decimal(0)}}
    assert found(compared(buckets)) == []


@pytest.mark.parametrize("bucket", counted(), ids=" ".join)
def test_each_sum_that_is_off_is_named_with_both_values(bucket: Bucket) -> None:
    for name, value in counted()[bucket].items():
        buckets = counted()
        buckets[bucket][name] += 1
        assert found(compared(buckets)) == [(" ".join(bucket), name, value + 1, value)]


def test_a_bucket_that_should_not_be_or_is_not_there_is_a_difference() -> None:
    stray = ("HOUR", "2026-08-03T00")
    assert found(compared(counted() | {stray: {"0.calls": Decimal(1)}})) == [("HOUR 2026-08-03T00", "0.calls", 1, 0)]
    buckets = counted()
    lost = buckets.pop(HOUR)
    assert found(compared(buckets)) == [("HOUR 2026-08-04T17", name, 0, value) for name, value in sorted(lost.items())]


def test_a_call_that_was_never_counted_shows_in_its_receipt_and_in_the_buckets() -> None:
    result = compared(counted(CALLS[:2]), receipts=[receipt(item) for item in CALLS[:2]])
    assert (result.calls, len(result.behind)) == (3, 1)
    assert ("receipt of c3", "TOTAL totalCalls", 0, 1) in found(result)
    assert ("TOTAL", "totalCalls", 2, 3) in found(result)


def test_a_call_that_changed_since_it_was_counted_is_told_apart() -> None:
    older = receipt(CALLS[0])[1]
    result = compared(receipts=[("c1", replace(older, revision=2)), *map(receipt, CALLS[1:])])
    assert (len(result.behind), found(result)) == (1, [])


def test_a_receipt_that_says_another_amount_is_a_difference() -> None:
    call_id, right = receipt(CALLS[0])
    wrong = {**right.counted, ("TOTAL",): {**right.counted["TOTAL",], "cost": Decimal(5)}}
    result = compared(receipts=[(call_id, replace(right, counted=wrong)), *map(receipt, CALLS[1:])])
    assert found(result) == [("receipt of c1", "TOTAL cost", 5, Decimal("10.12"))]


def test_an_erased_call_counts_as_its_receipt_says_without_its_caller() -> None:
    call_id, whole = receipt(CALLS[0])
    nameless = {bucket: sums for bucket, sums in whole.counted.items() if bucket[0] != "CALLERS"}
    tombstone = {"callId": "c1", "numberId": "pn_1", "business": "acme", "rev": 4, "erased": True}
    buckets = {bucket: sums for bucket, sums in counted().items() if bucket[:2] != ("CALLERS", "2026-08-04T17")}
    receipts = [(call_id, replace(whole, counted=nameless)), *map(receipt, CALLS[1:])]
    result = compared(buckets, [tombstone, *CALLS[1:]], receipts)
    assert (result.calls, result.erased, found(result)) == (2, 1, [])


def test_a_call_that_is_gone_before_its_receipt_counts_as_that_says() -> None:
    assert found(compared(calls=CALLS[1:])) == []


def test_a_call_that_is_gone_and_ended_within_the_hours_that_are_compared_is_no_difference() -> None:
    """It came to be half an hour before the first call that is kept, and lasted for two."""
    gone = call("c0", T + DAY - 1_800)
    gone["report"]["endedAt"] += 7_200_000
    kept = [call("c2", T + DAY + 60), CALLS[2]]
    result = compared(counted([gone, *kept]), kept, list(map(receipt, kept)), retention_days=2)
    assert (result.compared_from, found(result)) == (T + DAY, [])


def test_of_a_number_that_outlived_its_calls_only_whole_hours_are_compared() -> None:
    """Two days are kept, and of those the calls' starts and ends of the first are not certain."""
    kept = CALLS[1:]
    result = compared(calls=kept, receipts=list(map(receipt, kept)), retention_days=2)
    assert (result.compared_from, result.calls) == (T + DAY, 2)
    assert found(result) == []
    buckets = counted()
    for names in (("TOTAL",), ("MONTH", "2026-08"), HOUR):
        buckets[names] = {"0.calls": Decimal(99)}
    buckets["HOUR", "2026-08-06T17"]["0.calls"] += 1
    assert found(compared(buckets, kept, list(map(receipt, kept)), retention_days=2)) == [
        ("HOUR 2026-08-06T17", "0.calls", 2, 1)
    ]


@pytest.mark.parametrize(("name", "is_compared"), [("start.0", False), ("end.59", False), ("0.calls", True)])
def test_starts_and_ends_are_compared_from_the_second_day_on(name: str, is_compared: bool) -> None:
    """A call that came to be before the first may have begun in it."""
    first = ("HOUR", "2026-08-05T17")
    assert instant_of(first[1]) == T + DAY
    buckets = counted() | {first: {name: Decimal(1)}}
    assert bool(found(compared(buckets, retention_days=2))) == is_compared


def test_a_month_is_compared_once_it_is_kept_from_its_first_day() -> None:
    for days, is_compared in ((7, True), (6, False)):
        buckets = counted()
        buckets["MONTH", "2026-08"]["calls"] += 1
        assert bool(found(compared(buckets, retention_days=days))) == is_compared


def test_the_report_says_what_was_read_and_each_difference() -> None:
    buckets = counted()
    buckets[HOUR]["0.cost"] += Decimal("0.5")
    assert report("pn_1 +14155550100", compared(buckets)).splitlines() == [
        "pn_1 +14155550100: 3 calls read, 0 erased, 0 not counted yet; compared: all; differences: 1",
        "  where               sum     held   due",
        "  HOUR 2026-08-04T17  0.cost  10.62  10.12",
    ]
    assert "compared: 2026-08-05 17:00 UTC on" in report("pn_1", compared(retention_days=2))
