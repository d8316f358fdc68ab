"""The figures of a range of time, held against a recount that goes through the calls one by one, without any bucket."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.calls.analysis import (
    analysis,
    compared,
    covering,
    figures,
    hours_of_calls,
    summary,
    window_before,
    with_callers,
)
from switchboard.calls.costs import Tariff
from switchboard.calls.outcome import OUTCOMES
from switchboard.calls.periods import Window
from switchboard.calls.record import Call
from switchboard.calls.usage import contribution
from switchboard.model.analysis import PhoneAnalytics

PER_MINUTE = Decimal("0.85")
TARIFF = Tariff(PER_MINUTE, Decimal(1))
QUARTER = 900
MINUTE = 60
HOUR = 3600
DAY = 86_400

CALL = Call(
    id="c1",
    number_id="pn_1",
    business="acme",
    direction="inbound",
    customer="+12025550123",
    ours="+14155550100",
    created_at=1_785_862_800_000,
    status="ended",
    outcome="answered",
    started_at=None,
    ended_at=None,
    duration=Decimal(0),
    cost=Decimal(0),
    ended_reason=None,
    forwarded_to=None,
    test=False,
    decision=None,
    recording_url=None,
    summary=None,
)

AROUND = {
    "America/New_York, spring": ("America/New_York", "2026-03-08T07:00"),
    "America/New_York, autumn": ("America/New_York", "2026-11-01T06:00"),
    "Australia/Lord_Howe, autumn": ("Australia/Lord_Howe", "2026-04-04T15:00"),
    "Australia/Lord_Howe, spring": ("Australia/Lord_Howe", "2026-10-03T15:30"),
    "Asia/Kathmandu": ("Asia/Kathmandu", "2026-08-01T00:00"),
    "Pacific/Chatham": ("Pacific/Chatham", "2026-04-04T14:00"),
    "Pacific/Apia, without a day": ("Pacific/Apia", "2011-12-30T10:00"),
    "Africa/Cairo, twice an hour before midnight": ("Africa/Cairo", "2026-10-29T21:00"),
    "UTC": ("UTC", "2026-12-31T00:00"),
}
"""A zone, and an instant about which something happens to its clocks."""


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def buckets_of(calls: Iterable[Call]) -> tuple[dict[str, Any], dict[tuple[str, str], Any]]:
    """The sums of all contributions: by hour, and by hour and shard of the callers."""
    hours: defaultdict[str, Counter[str]] = defaultdict(Counter)
    callers: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for call in calls:
        for (kind, *names), sums in contribution(call).items():
            if kind == "HOUR":
                hours[names[0]].update(sums)  # type: ignore[arg-type]
            elif kind == "CALLERS":
                callers[names[0], names[1]].update(sums)  # type: ignore[arg-type]
    return hours, callers


def between(buckets: dict[Any, Any], first: str, last: str) -> Iterator[tuple[str, Any]]:
    """As the table has them: in order, from the first to the last hour."""
    for key in sorted(buckets):
        hour = key if isinstance(key, str) else key[0]
        if first <= hour <= last:
            yield hour, buckets[key]


def analysed(calls: Iterable[Call], window: Window, zone: str = "UTC", group_by: str = "day") -> dict[str, Any]:
    """The analysis as it is shown, in JSON."""
    hours, callers = buckets_of(calls)
    found = analysis(
        window,
        ZoneInfo(zone),
        group_by,
        between(hours, *hours_of_calls(window)),
        window,
        between(callers, *window.hours),
        TARIFF,
    )
    return PhoneAnalytics.model_validate(found).model_dump(mode="json")


def label(group_by: str, local: datetime) -> Any:
    """What all instants of one period have in common, by their local reading."""
    return {
        "hour": f"{local:%Y-%m-%d %H %z}",
        "day": f"{local:%Y-%m-%d}",
        "week": f"{local:%G-%V}",
        "month": f"{local:%Y-%m}",
    }[group_by]


def recount(calls: Iterable[Call]) -> dict[str, Any]:
    """What is shown of these calls."""
    counted = [call for call in calls if not call.test]
    turned_away = (None, "blocked", "spam", "rejected")
    settled = [call for call in counted if call.direction == "inbound" and call.outcome not in turned_away]
    seconds = sum(call.duration for call in counted)
    rates = {
        name: round(sum(call.outcome == outcome for call in settled) / len(settled), 4) if settled else None
        for name, outcome in (("answerRate", "answered"), ("missedRate", "missed"))
    }
    return {
        "calls": len(counted),
        "inboundCalls": sum(call.direction == "inbound" for call in counted),
        "outboundCalls": sum(call.direction == "outbound" for call in counted),
        **{outcome: sum(call.outcome == outcome for call in counted) for outcome in OUTCOMES},
        "undecided": sum(call.outcome is None for call in counted),
        **rates,
        "minutes": float(round(Decimal(seconds) / 60, 4)),
        "cost": float(sum(call.cost for call in counted)),
        "carrierCost": float(round(PER_MINUTE * seconds / 60, 4)),
    }


def within(calls: Iterable[Call], window: Window) -> list[Call]:
    return [call for call in calls if window.start <= call.created_at / 1000 < window.end]


def local_of(call: Call, zone: str) -> datetime:
    return datetime.fromtimestamp(call.created_at // 1000, ZoneInfo(zone))


@st.composite
def calls_about(draw: st.DrawFn, first: int, last: int) -> Call:
    """Any call that came to be between two instants."""
    created = draw(st.integers(first * 1000, last * 1000))
    started = draw(st.none() | st.integers(0, 90_000).map(lambda later: created + later))
    length = draw(st.integers(0, 300_000) | st.integers(0, 43_200_000))
    ended = draw(st.booleans())
    return replace(
        CALL,
        direction=draw(st.sampled_from(["inbound", "inbound", "outbound"])),
        customer=draw(st.sampled_from([None, "+12025550101", "+12025550102", "+442071838750"])),
        created_at=created,
        status="ended" if ended else "in-progress",
        outcome=draw(st.none() | st.sampled_from(OUTCOMES)) if ended else None,
        started_at=started,
        ended_at=created + length if ended and started is None else started + length if ended and started else None,
        duration=Decimal(length) / 1000 if ended and started is not None else Decimal(0),
        cost=Decimal(draw(st.integers(0, 99_999))) / 1000,
        ended_reason=draw(st.sampled_from([None, "customer-ended-call", "call.in-progress.error-vapifault"])),
        test=draw(st.sampled_from([False, False, False, True])),
        decision=draw(st.sampled_from([None, {"action": "assistant", "id": "a1", "ruleId": "r1"}])),
        assistant=draw(st.sampled_from([None, "a1", "a2"])),
    )


@st.composite
def histories(draw: st.DrawFn, longest: int = 8 * DAY) -> tuple[list[Call], Window, str]:
    """Calls, a range among them, and a zone."""
    zone, about = AROUND[draw(st.sampled_from(sorted(AROUND)))]
    start = instant(about) + draw(st.integers(-3 * DAY, 2 * HOUR))
    window = covering(start, start + draw(st.integers(1, 4 * HOUR) | st.integers(1, longest)))
    calls = draw(st.lists(calls_about(window.start - 14 * HOUR, window.end + HOUR), max_size=12))
    return calls, window, zone


@pytest.mark.parametrize("group_by", ["hour", "day", "week", "month"])
@settings(max_examples=40, deadline=None)
@given(histories())
def test_a_period_has_the_calls_of_its_own_local_time(group_by: str, history: tuple[list[Call], Window, str]) -> None:
    calls, window, zone = history
    series = analysed(calls, window, zone, group_by)["series"]
    counted = within(calls, window)
    for entry in series:
        own = label(group_by, datetime.fromtimestamp(entry["start"], ZoneInfo(zone)))
        theirs = [call for call in counted if label(group_by, local_of(call, zone)) == own]
        shown = {name: value for name, value in entry.items() if name not in ("start", "startLocal")}
        assert shown == pytest.approx(recount(theirs), abs=1e-9)


@pytest.mark.parametrize("group_by", ["hour", "day", "week", "month"])
@settings(max_examples=40, deadline=None)
@given(histories())
def test_every_period_of_the_range_is_there_once_and_begins_where_the_clocks_say(
    group_by: str, history: tuple[list[Call], Window, str]
) -> None:
    _, window, zone = history
    expected = {}
    for at in range(window.start, window.end, 5 * MINUTE):
        expected.setdefault(label(group_by, datetime.fromtimestamp(at, ZoneInfo(zone))), at)
    series = analysed([], window, zone, group_by)["series"]
    assert [entry["start"] for entry in series] == list(expected.values())
    for entry in series:
        local = datetime.fromisoformat(entry["startLocal"])
        assert local.timestamp() == entry["start"]
        assert local.utcoffset() == datetime.fromtimestamp(entry["start"], ZoneInfo(zone)).utcoffset()


@settings(max_examples=40, deadline=None)
@given(histories())
def test_totals_are_the_sum_of_the_series_and_of_the_hours_of_the_week(
    history: tuple[list[Call], Window, str],
) -> None:
    calls, window, zone = history
    found = analysed(calls, window, zone)
    assert found["totals"] == pytest.approx(recount(within(calls, window)), abs=1e-9)
    for name in ("calls", "inboundCalls", "outboundCalls", *OUTCOMES, "undecided", "minutes", "cost", "carrierCost"):
        for parts in (found["series"], found["byHourOfWeek"]):
            assert sum(part[name] for part in parts) == pytest.approx(found["totals"][name], abs=0.01)


@settings(max_examples=40, deadline=None)
@given(histories())
def test_an_hour_of_the_week_has_the_calls_of_its_readings(history: tuple[list[Call], Window, str]) -> None:
    calls, window, zone = history
    found = analysed(calls, window, zone, "hourOfWeek")
    assert found["series"] == found["byHourOfWeek"]
    assert [entry["hourOfWeek"] for entry in found["byHourOfWeek"]] == list(range(168))
    for hour, entry in enumerate(found["byHourOfWeek"]):
        day, reading = divmod(hour, 24)
        own = [
            call
            for call in within(calls, window)
            if (local_of(call, zone).weekday(), local_of(call, zone).hour) == (day, reading)
        ]
        assert entry == pytest.approx({"hourOfWeek": hour, **recount(own)}, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(histories())
def test_tests_are_apart_and_names_are_counted(history: tuple[list[Call], Window, str]) -> None:
    calls, window, zone = history
    found = analysed(calls, window, zone)
    tests = [call for call in within(calls, window) if call.test]
    assert found["tests"] == pytest.approx(
        {
            "calls": len(tests),
            "minutes": float(sum(call.duration for call in tests)) / 60,
            "cost": float(sum(call.cost for call in tests)),
        },
        abs=1e-4,
    )
    counted = [call for call in within(calls, window) if not call.test]
    for listed, what, names in (
        ("topCallers", "caller", [call.customer for call in counted if call.direction == "inbound"]),
        ("endedReasons", "reason", [call.ended_reason for call in counted]),
        ("assistants", "id", [call.assistant for call in counted]),
        ("rules", "id", [(call.decision or {}).get("ruleId") for call in counted]),
    ):
        expected = Counter(name for name in names if name is not None)
        assert [(entry[what], entry["calls"]) for entry in found[listed]] == sorted(
            expected.items(), key=lambda pair: (-pair[1], pair[0])
        )


def test_the_twenty_who_called_most_are_named_ties_by_their_numbers() -> None:
    at = instant("2026-08-04T12:00")
    callers = [f"+1202555{1000 + index}" for index in range(30)]
    often = callers[25:]
    calls = [replace(CALL, customer=caller, created_at=at * 1000) for caller in [*reversed(callers), *often]]
    named = analysed(calls, covering(at, at + 1))["topCallers"]
    assert [(entry["caller"], entry["calls"]) for entry in named] == [
        *((caller, 2) for caller in often),
        *((caller, 1) for caller in callers[:15]),
    ]


def test_a_name_whose_calls_were_all_taken_back_is_not_listed() -> None:
    at = instant("2026-08-04T12:00")
    hours = [("2026-08-04T12", {"0.reason.pipeline-error": Decimal(0), "0.duration.10": Decimal(0)})]
    found = analysis(covering(at, at + 1), ZoneInfo("UTC"), "day", hours, None, [], TARIFF)
    assert found["ended_reasons"] == []
    assert found["duration"] == {"average": None, "p50": None, "p90": None, "p99": None}


def talk(start: int, seconds: int, **own: Any) -> Call:
    """A call that was in progress from an instant on."""
    own = {"outcome": "answered", "duration": Decimal(seconds)} | own
    return replace(CALL, created_at=start * 1000, started_at=start * 1000, ended_at=(start + seconds) * 1000, **own)


def busiest(calls: list[Call], window: Window) -> tuple[int, int | None]:
    """Goes through the window minute by minute: who was in progress when it began, or began within it."""
    found: tuple[int, int | None] = (0, None)
    for minute in range(window.start, window.end, MINUTE):
        there = 0
        for call in calls:
            if call.started_at is None:
                continue
            longest = call.started_at + 12 * HOUR * 1000
            ended = longest if call.status != "ended" else min(longest, max(call.started_at, call.ended_at or 0))
            there += call.started_at // 60_000 * 60 <= minute <= ended // 60_000 * 60
        if there > found[0]:
            found = there, minute
    return found


@settings(max_examples=100, deadline=None)
@given(histories(longest=20 * HOUR))
def test_the_peak_is_that_of_the_busiest_minute(history: tuple[list[Call], Window, str]) -> None:
    calls, window, zone = history
    peak = analysed(calls, window, zone)["peakConcurrency"]
    assert (peak["calls"], peak["at"]) == busiest(calls, window)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_number_that_is_never_quiet_has_its_true_peak(data: st.DataObject) -> None:
    """Calls that began before the range, and before any hour that is read, are known by their ends."""
    start = instant("2026-08-04T12:00")
    window = covering(start, start + data.draw(st.integers(1, 3 * HOUR)))
    begins = st.integers(window.start - 24 * HOUR, window.end)
    calls = [
        talk(at, seconds)
        for at, seconds in data.draw(st.lists(st.tuples(begins, st.integers(0, 12 * HOUR)), max_size=60))
    ]
    peak = analysed(calls, window)["peakConcurrency"]
    assert (peak["calls"], peak["at"]) == busiest(calls, window)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(50, 10_000_000), min_size=1, max_size=80))
def test_percentiles_are_those_of_the_answered_calls_within_two_percent(lengths: list[int]) -> None:
    at = instant("2026-08-04T12:00")
    calls = [replace(talk(at, 0), duration=Decimal(length) / 1000) for length in lengths]
    others = [talk(at, 600, outcome="voicemail"), talk(at, 600, test=True)]
    found = analysed([*calls, *others], covering(at, at + 1))["duration"]
    for percent in (50, 90, 99):
        exact = sorted(lengths)[math.ceil(percent * len(lengths) / 100) - 1] / 1000
        assert found[f"p{percent}"] == pytest.approx(exact, rel=0.02, abs=0.001)
    assert found["average"] == pytest.approx(sum(lengths) / len(lengths) / 1000, abs=0.001)


def starts(zone: str, begins: str, ends: str, group_by: str) -> list[str]:
    """The series' local starts for a range in local time without offsets."""
    first, last = (
        int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) for text in (begins, ends)
    )
    return [entry["startLocal"] for entry in analysed([], Window(first, last), zone, group_by)["series"]]


def test_the_hours_of_a_day_on_which_clocks_are_changed() -> None:
    spring = starts("America/New_York", "2026-03-08", "2026-03-09", "hour")
    assert (len(spring), spring[1:3]) == (23, ["2026-03-08T01:00:00-05:00", "2026-03-08T03:00:00-04:00"])
    autumn = starts("America/New_York", "2026-11-01", "2026-11-02", "hour")
    assert (len(autumn), autumn[1:3]) == (25, ["2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00"])
    half_back = starts("Australia/Lord_Howe", "2026-04-05", "2026-04-06", "hour")
    assert half_back[1:4] == ["2026-04-05T01:00:00+11:00", "2026-04-05T01:30:00+10:30", "2026-04-05T02:00:00+10:30"]
    half_on = starts("Australia/Lord_Howe", "2026-10-04", "2026-10-05", "hour")
    assert half_on[1:4] == ["2026-10-04T01:00:00+10:30", "2026-10-04T02:30:00+11:00", "2026-10-04T03:00:00+11:00"]


def test_days_are_the_zones_own() -> None:
    assert starts("Asia/Kathmandu", "2026-08-03T12:00", "2026-08-05T01:00", "day") == [
        "2026-08-03T12:00:00+05:45",
        "2026-08-04T00:00:00+05:45",
        "2026-08-05T00:00:00+05:45",
    ]
    assert starts("Pacific/Apia", "2011-12-29", "2012-01-01", "day") == [
        "2011-12-29T00:00:00-10:00",
        "2011-12-31T00:00:00+14:00",
    ]


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    assert starts("UTC", "2026-12-30", "2027-01-06", "week") == [
        "2026-12-30T00:00:00+00:00",
        "2027-01-04T00:00:00+00:00",
    ]
    assert starts("UTC", "2026-12-30", "2027-02-02", "month") == [
        "2026-12-30T00:00:00+00:00",
        "2027-01-01T00:00:00+00:00",
        "2027-02-01T00:00:00+00:00",
    ]


@given(st.integers(10**9, 2 * 10**9), st.integers(1, 10**6))
def test_a_range_is_widened_to_quarters_of_an_hour_and_no_further(start: int, length: int) -> None:
    window = covering(start, start + length)
    assert window.start % QUARTER == window.end % QUARTER == 0
    assert start - QUARTER < window.start <= start < start + length <= window.end < start + length + QUARTER


@pytest.mark.parametrize(
    ("zone", "start", "end", "before"),
    [
        pytest.param("UTC", "2026-08-04T12:00", "2026-08-04T13:00", "2026-08-04T11:00", id="an hour"),
        pytest.param("America/New_York", "2026-03-08", "2026-03-09", "2026-03-07", id="a day of 23 hours"),
        pytest.param("America/New_York", "2026-03-09", "2026-03-10", "2026-03-08", id="the day after"),
        pytest.param("America/New_York", "2026-10-26", "2026-11-02", "2026-10-19", id="a week of 169 hours"),
        pytest.param("Australia/Lord_Howe", "2026-04-05", "2026-04-06", "2026-04-04", id="a day of 24 and a half"),
        pytest.param("Pacific/Apia", "2011-12-31", "2012-01-01", "2011-12-29", id="the day after no day"),
    ],
)
def test_the_time_before_is_as_long_by_the_clocks(zone: str, start: str, end: str, before: str) -> None:
    first, last, expected = (
        int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) for text in (start, end, before)
    )
    assert window_before(Window(first, last), ZoneInfo(zone)) == Window(expected, first)


@settings(deadline=None)
@given(histories())
def test_the_time_before_touches_the_range_and_is_not_empty(history: tuple[list[Call], Window, str]) -> None:
    _, window, zone = history
    earlier = window_before(window, ZoneInfo(zone))
    assert earlier.start < earlier.end == window.start
    assert earlier.start % QUARTER == 0


KEPT = [
    pytest.param(-3600, -3600, id="all of it"),
    pytest.param(0, 3600, id="the hour that began with it may have gone"),
    pytest.param(7199, 7200, id="but for the first two hours"),
    pytest.param(7200, 10_800, id="but for three"),
    pytest.param(86_399 - 3600, 86_400 - 3600, id="its last hour"),
    pytest.param(86_400 - 3600, None, id="none of it"),
    pytest.param(10 * 86_400, None, id="long ago"),
]


@pytest.mark.parametrize(("gone_before", "begins"), KEPT)
def test_callers_are_ranked_from_when_on_all_of_them_are_kept(gone_before: int, begins: int | None) -> None:
    """The callers of an hour go together, when the retention of one of its calls is over."""
    start = instant("2026-08-04T00:00")
    window = Window(start, start + 86_400)
    found = with_callers(window, now=start + gone_before + 30 * 86_400, retention_days=30)
    assert found == (None if begins is None else Window(max(start, start + begins), window.end))


def test_callers_who_are_not_kept_are_not_ranked() -> None:
    start = instant("2026-08-04T00:00")
    window, later = covering(start, start + 86_400), covering(start + 7200, start + 86_400)
    callers = [("2026-08-04T00", {"0.+12025550123": Decimal(9)}), ("2026-08-04T02", {"0.+12025550199": Decimal(1)})]
    for ranked, expected, since in (
        (window, ["+12025550123", "+12025550199"], start),
        (later, ["+12025550199"], start + 7200),
        (None, None, None),
    ):
        found = analysis(window, ZoneInfo("UTC"), "day", [], ranked, callers, TARIFF)
        shown = PhoneAnalytics.model_validate(found).model_dump(mode="json")
        named = None if shown["topCallers"] is None else [each["caller"] for each in shown["topCallers"]]
        assert (named, shown["topCallersFrom"]) == (expected, since)


@settings(max_examples=40, deadline=None)
@given(histories())
def test_a_summary_has_the_totals_and_durations_of_the_analysis(history: tuple[list[Call], Window, str]) -> None:
    calls, window, zone = history
    hours, callers = buckets_of(calls)
    whole = analysis(
        window,
        ZoneInfo(zone),
        "day",
        between(hours, *hours_of_calls(window)),
        window,
        between(callers, *window.hours),
        TARIFF,
    )
    short = summary(window, between(hours, *window.hours), TARIFF)
    assert short == {name: whole[name] for name in ("from_", "to", "totals", "duration")}


def test_a_change_is_relative_to_what_it_was() -> None:
    none = figures({}, TARIFF)
    some = figures(
        {"calls": Decimal(4), "cost": Decimal(10), "settled": Decimal(4), "inboundMissed": Decimal(1)}, TARIFF
    )
    more = figures(
        {"calls": Decimal(5), "cost": Decimal(5), "settled": Decimal(4), "inboundMissed": Decimal(2)}, TARIFF
    )
    changed = compared(more, some)
    assert changed.keys() == more.keys()
    assert {name: changed[name] for name in ("calls", "cost", "missed_rate", "spam", "answer_rate")} == {
        "calls": 0.25,
        "cost": -0.5,
        "missed_rate": 1.0,
        "spam": None,
        "answer_rate": None,
    }
    assert compared(none, some)["calls"] == -1.0
    assert compared(none, some)["missed_rate"] is None
    assert set(compared(some, none).values()) == {None}


def test_hours_are_read_as_far_as_a_call_can_last() -> None:
    start = instant("2026-08-04T12:45")
    assert hours_of_calls(covering(start, start + 1)) == ("2026-08-04T12", "2026-08-05T00")
    assert hours_of_calls(covering(start, start + 2 * DAY)) == ("2026-08-04T12", "2026-08-06T12")
    assert timedelta(hours=12).total_seconds() == 12 * HOUR
