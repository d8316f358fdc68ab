"""Local days and months of any zone are made of UTC quarters of an hour, held against a plain count of the calls."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.calls.periods import QUARTER, Window, day_window, hour_of, month_window, utc_month
from switchboard.calls.record import Call
from switchboard.calls.usage import contribution, month_sums, window_sums
from tests.unit.test_usage import CALL

ZONES = (
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/New_York",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
    "Pacific/Chatham",
    "Europe/London",
    "Atlantic/Azores",
    "America/Havana",
    "Africa/Cairo",
    "UTC",
)
"""With half hours and three quarters, clocks changed by half an hour and at midnight, and the furthest from UTC."""

MOMENTS = st.integers(1_325_376_000, 2_114_380_800)
"""Unix seconds, of the years 2012 to 2036; until 2011 some clocks were put back from one minute past midnight."""

zones = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"})).map(ZoneInfo)


def local(zone: ZoneInfo, reading: str) -> int:
    """The instant (Unix seconds) of what a clock reads, in ISO 8601."""
    return int(datetime.fromisoformat(reading).replace(tzinfo=zone).timestamp())


def local_day(zone: ZoneInfo, at: int) -> Any:
    return datetime.fromtimestamp(at, zone).date()


@given(zones, MOMENTS)
def test_a_local_day_is_all_quarters_of_its_date_and_no_other(zone: ZoneInfo, at: int) -> None:
    window, day = day_window(zone, at), local_day(zone, at)
    assert window.start <= at < window.end
    assert window.start % QUARTER == window.end % QUARTER == 0
    assert {local_day(zone, quarter) for quarter in range(window.start, window.end, QUARTER)} == {day}
    assert local_day(zone, window.start - 1) < day < local_day(zone, window.end)


@given(zones, MOMENTS)
def test_a_local_month_is_all_quarters_of_its_month_and_no_other(zone: ZoneInfo, at: int) -> None:
    window, day = month_window(zone, at), local_day(zone, at)
    assert window.start <= at < window.end
    inside = {local_day(zone, at) for at in (window.start, window.end - 1, *range(window.start, window.end, 86_400))}
    assert {(each.year, each.month) for each in inside} == {(day.year, day.month)}
    outside = {local_day(zone, window.start - 1), local_day(zone, window.end)}
    assert not {(each.year, each.month) for each in outside} & {(day.year, day.month)}


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("America/Havana", "2026-03-08", 23),
        ("America/Havana", "2026-11-01", 25),
        ("Pacific/Apia", "2011-12-29", 24),
        ("Pacific/Apia", "2011-12-31", 24),
        ("America/Toronto", "1919-03-31", 23.5),
        ("Asia/Kathmandu", "2026-11-23", 24),
    ],
)
def test_a_day_is_as_long_as_its_clock_makes_it(zone: str, day: str, hours: float) -> None:
    """In Toronto of 1919 the clock was put forward from half past eleven in the evening."""
    window = day_window(ZoneInfo(zone), local(ZoneInfo(zone), f"{day}T12:00"))
    assert window.end - window.start == hours * 3600


@given(MOMENTS, st.integers(0, 300))
def test_a_window_names_the_hours_months_and_quarters_that_it_has(at: int, quarters: int) -> None:
    start = at // QUARTER * QUARTER
    window = Window(start, start + (quarters + 1) * QUARTER)
    instants = range(window.start, window.end, QUARTER)
    hours = sorted({hour_of(each * 1000) for each in instants})
    assert window.hours == (hours[0], hours[-1])
    assert list(window.months) == sorted({hour[:7] for hour in hours})
    inside = [(hour_of(each * 1000), each // QUARTER % 4) for each in instants]
    assert [(hour, quarter) for hour in hours for quarter in window.quarters(hour)] == inside
    assert all(each // QUARTER in window for each in instants)
    assert (window.start - 1) // QUARTER not in window
    assert window.end // QUARTER not in window


@pytest.mark.parametrize("hour", ["2026-11-23T06", "2026-11-23T09"])
def test_an_hour_outside_has_no_quarter_in_a_window(hour: str) -> None:
    start = int(datetime(2026, 11, 23, 7, 45, tzinfo=UTC).timestamp())
    assert list(Window(start, start + 1800).quarters(hour)) == []


def test_a_utc_month_is_from_its_first_day_to_the_next_ones() -> None:
    window = utc_month("2026-12")
    assert window.start == datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    assert window.end == datetime(2027, 1, 1, tzinfo=UTC).timestamp()


# ---- what is made of buckets, beside a plain count of the calls


def buckets_of(calls: list[Call]) -> dict[tuple[str, ...], dict[str, Decimal]]:
    added: dict[tuple[str, ...], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for call in calls:
        for bucket, sums in contribution(call).items():
            for name, value in sums.items():
                added[bucket][name] += value
    return added


def counted(calls: list[Call]) -> dict[str, Decimal]:
    """A month's sums, by going through its calls."""
    real = [call for call in calls if not call.test]
    tests = [call for call in calls if call.test]
    turned_away = ("blocked", "spam", "rejected")
    inbound = [call for call in real if call.direction == "inbound" and call.outcome not in (None, *turned_away)]
    sums = {
        "calls": len(real),
        "inbound": sum(call.direction == "inbound" for call in real),
        "missed": sum(call.outcome == "missed" for call in real),
        "settled": len(inbound),
        "turnedAway": sum(call.outcome in turned_away for call in real),
        "inboundMissed": sum(call.outcome == "missed" for call in inbound),
        "seconds": sum(call.duration for call in real),
        "cost": sum(call.cost for call in real),
        "test.calls": len(tests),
        "test.seconds": sum(call.duration for call in tests),
        "test.cost": sum(call.cost for call in tests),
    }
    return {name: Decimal(value) for name, value in sums.items() if value}


def around(window: Window) -> Iterator[int]:
    """Instants (Unix seconds) from 40 hours before a month until 40 hours after it, dense at both ends."""
    for bound in (window.start, window.end):
        yield from range(bound - 40 * 3600, bound + 40 * 3600, 7 * 60)
    yield from range(window.start, window.end, 90_000)


@pytest.mark.parametrize("month", ["2026-11", "2026-03", "2026-04", "2026-10", "2027-02"])
@pytest.mark.parametrize("name", ZONES)
def test_a_local_months_sums_are_those_of_its_calls(name: str, month: str) -> None:
    """In all months but the last some of the clocks are changed."""
    zone = ZoneInfo(name)
    outcomes = ("answered", "missed", None, "missed", "forwarded")
    calls = [
        replace(
            CALL,
            created_at=at * 1000 + 59_999 * (position % 2),
            direction="outbound" if position % 3 == 0 else "inbound",
            outcome=outcomes[position % 5],
            test=position % 7 == 0,
            duration=Decimal(position) / 8,
            cost=Decimal(position) / 16,
        )
        for position, at in enumerate(around(month_window(zone, local(zone, f"{month}-15T12:00"))))
    ]
    items = {names[1]: sums for names, sums in buckets_of(calls).items() if names[0] == "MONTH"}
    of_month = [call for call in calls if f"{local_day(zone, call.created_at // 1000):%Y-%m}" == month]
    assert 0 < len(of_month) < len(calls)
    for day in ("01T00:00", "15T12:00", "28T23:59"):
        assert month_sums(zone, local(zone, f"{month}-{day}"), items) == counted(of_month)


@given(st.sampled_from(ZONES).map(ZoneInfo), st.lists(MOMENTS, min_size=1, max_size=30), st.integers(-86_400, 86_400))
def test_a_local_days_sums_are_those_of_its_calls(zone: ZoneInfo, moments: list[int], shift: int) -> None:
    at = moments[0]
    near = [at + (moment - at) % 172_800 - 86_400 for moment in moments]
    calls = [replace(CALL, created_at=moment * 1000, cost=Decimal(1)) for moment in near]
    window = day_window(zone, at + shift)
    hours = [(names[1], sums) for names, sums in buckets_of(calls).items() if names[0] == "HOUR"]
    same_day = [moment for moment in near if local_day(zone, moment) == local_day(zone, at + shift)]
    assert window_sums(window, hours).get("calls", 0) == len(same_day)
    assert window_sums(window, hours).get("cost", 0) == len(same_day)
    assert not [name for name in window_sums(window, hours) if name.startswith(("start", "end", "."))]


def test_a_month_without_buckets_has_no_sums() -> None:
    assert month_sums(ZoneInfo("Asia/Kathmandu"), CALL.created_at // 1000, {}) == {}


def test_a_month_is_made_of_two_utc_months_at_most_and_of_one_in_utc() -> None:
    for name in ZONES:
        windows = [
            month_window(ZoneInfo(name), int(datetime(2026, month, 15, tzinfo=UTC).timestamp()))
            for month in range(1, 13)
        ]
        most = max(len(list(window.months)) for window in windows)
        assert most == (1 if name == "UTC" else 2)
