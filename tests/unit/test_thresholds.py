"""Usage thresholds: what may be set, and when one has been reached."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from switchboard.calls.costs import Tariff
from switchboard.calls.periods import Window, hour_of, instant_of
from switchboard.calls.thresholds import in_progress, period_window, reached, windows_to_look_at
from switchboard.errors import InvalidRequest
from switchboard.model.number import NumberConfiguration, contradictions
from switchboard.model.record import AssistantProfile
from switchboard.model.thresholds import UsageThreshold
from switchboard.routing.thresholds import METRICS, PERIODS, Threshold, compile_thresholds, limit_text
from switchboard.store.numbers import _item
from tests.unit.made import AT, active, shown, thresholds

LATER = AT + 60
NEW_YORK = ZoneInfo("America/New_York")


def wanted(**changes: Any) -> dict[str, Any]:
    return {"period": "day", "metric": "calls", "limit": 100, **changes}


def made(**changes: Any) -> UsageThreshold:
    return UsageThreshold.model_validate(wanted(**changes))


# ---- what may be set ----

NAMES = [
    pytest.param({}, "calls-day-100", id="a whole limit"),
    pytest.param({"limit": 100.0}, "calls-day-100", id="written with decimals"),
    pytest.param({"metric": "missedRate", "period": "month", "limit": 0.25}, "missedRate-month-0_25", id="a fraction"),
    pytest.param({"id": None}, "calls-day-100", id="null is none"),
    pytest.param({"id": "mine"}, "mine", id="its own"),
]


@pytest.mark.parametrize(("changes", "name"), NAMES)
def test_a_threshold_has_an_id_of_what_it_is_unless_it_was_given_one(changes: dict[str, Any], name: str) -> None:
    assert made(**changes).id == name


UNFIT = [
    pytest.param({"id": "a b"}, "id", id="an id with a space"),
    pytest.param({"period": "week"}, "period", id="a week"),
    pytest.param({"metric": "laughs"}, "metric", id="a metric that nobody measures"),
    pytest.param({"limit": 0}, "limit", id="a limit of nothing"),
    pytest.param({"limit": -1}, "limit", id="a negative limit"),
    pytest.param({"limit": 1_000_000_001}, "limit", id="a limit that is never reached"),
    pytest.param({"limit": 0.00001}, "limit", id="a limit of five decimals"),
    pytest.param({"limit": float("nan")}, "limit", id="a limit that is no number"),
    pytest.param({"limit": "many"}, "limit", id="a limit that is a word"),
    pytest.param({"limit": None}, "limit", id="no limit"),
    pytest.param({"action": "dance"}, "action", id="an unknown action"),
    pytest.param({"action": "assistant", "assistantId": "a/b"}, "assistantId", id="an id that would walk paths"),
    pytest.param({"action": "reject", "message": ""}, "message", id="an empty message"),
    pytest.param({"holds": True}, "holds", id="a field nobody knows"),
]


@pytest.mark.parametrize(("changes", "path"), UNFIT)
def test_a_threshold_that_cannot_be_is_refused_by_its_path(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(ValidationError) as refused:
        NumberConfiguration.model_validate({"usageThresholds": [wanted(**changes)]})
    assert [error["loc"] for error in refused.value.errors()] == [("usageThresholds", 0, path)]


def test_a_number_has_at_most_20_thresholds() -> None:
    listed = [wanted(limit=limit) for limit in range(1, 22)]
    NumberConfiguration.model_validate({"usageThresholds": listed[:20]})
    with pytest.raises(ValidationError, match="at most 20"):
        NumberConfiguration.model_validate({"usageThresholds": listed})


CONTRADICTIONS = [
    pytest.param([wanted(), wanted(action="reject")], "1.id", id="the same twice"),
    pytest.param([wanted(id="a"), wanted(id="a", limit=9)], "1.id", id="two of one id"),
    pytest.param([wanted(metric="missedRate", limit=1.5)], "0.limit", id="more missed than there were"),
    pytest.param([wanted(action="voicemail")], "0.action", id="voicemail that is off"),
    pytest.param([wanted(action="assistant")], "0.assistantId", id="an assistant that is not named"),
    pytest.param([wanted(assistantId="a")], "0.assistantId", id="an assistant for nothing"),
    pytest.param([wanted(message="Hi")], "0.message", id="words that nobody hears"),
    pytest.param([wanted(action="assistant", assistantId="a", message="Hi")], "0.message", id="words for an assistant"),
]


@pytest.mark.parametrize(("listed", "path"), CONTRADICTIONS)
def test_thresholds_that_contradict_themselves_are_told_by_path(listed: list[dict[str, Any]], path: str) -> None:
    configuration = NumberConfiguration.model_validate({"usageThresholds": listed})
    assert [error.path for error in contradictions(configuration, "vapi")] == [f"usageThresholds.{path}"]


def test_thresholds_that_agree_are_not_complained_of() -> None:
    listed = [
        wanted(),
        wanted(limit=101),
        wanted(metric="missedRate", limit=1),
        wanted(id="v", action="voicemail", message="Full."),
        wanted(id="a", action="assistant", assistantId="a-1"),
    ]
    configuration = NumberConfiguration.model_validate({"voicemailEnabled": True, "usageThresholds": listed})
    assert list(contradictions(configuration, "vapi")) == []


def test_an_update_may_not_take_away_the_voicemail_that_a_threshold_needs() -> None:
    record = active(voicemailEnabled=True, usageThresholds=[wanted(action="voicemail")])
    with pytest.raises(InvalidRequest) as refused:
        record.updated({"voicemailEnabled": False}, LATER)
    assert [error.path for error in refused.value.errors] == ["usageThresholds.0.action"]


def test_thresholds_are_set_replaced_and_taken_away_by_an_update() -> None:
    record = active().updated({"usageThresholds": [wanted()]}, LATER)
    assert [each["id"] for each in shown(record)["usageThresholds"]] == ["calls-day-100"]
    assert record.updated({"usageThresholds": [wanted(limit=100.0)]}, LATER + 1) is record
    assert shown(record.updated({"usageThresholds": None}, LATER + 1))["usageThresholds"] == []


def test_a_number_knows_since_when_it_has_its_thresholds() -> None:
    bought = active(usageThresholds=[wanted()])
    changed = bought.updated({"usageThresholds": [wanted(limit=7)]}, LATER)
    renamed = changed.updated({"name": "Renamed"}, LATER + 1)
    without = renamed.updated({"usageThresholds": []}, LATER + 2)
    assert [each.thresholds_since for each in (bought, changed, renamed, without)] == [AT, LATER, LATER, None]


def test_a_number_without_thresholds_is_kept_as_before_there_were_any() -> None:
    assert not {"usageThresholds", "thresholdsSince"} & _item(active()).keys()


def test_the_profile_of_a_thresholds_assistant_is_kept_as_long_as_it_is_named() -> None:
    profiles = {"a-1": AssistantProfile(own_server=True), "other": AssistantProfile()}
    record = active(usageThresholds=[wanted(action="assistant", assistantId="a-1")]).with_profiles(None, profiles)
    assert record.rule_profiles.keys() == {"a-1"}
    (warning,) = record.shown().warnings
    assert warning.startswith("a-1, which a usage threshold names: ")
    without = record.updated({"usageThresholds": []}, LATER).with_profiles(None, record.rule_profiles)
    assert without.rule_profiles == {}


# ---- what the decision and the tally make of what is stored ----


@given(st.lists(thresholds, max_size=5, unique_by=lambda threshold: threshold["id"]))
def test_every_threshold_that_may_be_set_is_read_back(listed: list[dict[str, Any]]) -> None:
    stored = _item(active(usageThresholds=listed)).get("usageThresholds")
    compiled = {threshold.id: threshold for threshold in compile_thresholds(stored)}
    assert {
        each["id"]: (each["metric"], each["period"], Decimal(str(each["limit"])), each.get("action", "notify"))
        for each in listed
    } == {name: (each.metric, each.period, each.limit, each.action) for name, each in compiled.items()}


@given(st.decimals(min_value=Decimal("0.0001"), max_value=10**9, places=4), st.integers(0, 5))
def test_a_limit_is_named_the_same_however_it_is_written(limit: Decimal, zeros: int) -> None:
    assert limit_text(limit) == limit_text(limit.normalize()) == limit_text(Decimal(f"{limit:f}" + "0" * zeros))
    assert Decimal(limit_text(limit)) == limit
    assert "E" not in limit_text(limit)


# ---- when one has been reached ----

DAY = Window(1_764_565_200, 1_764_565_200 + 86_400)


def threshold(metric: str = "calls", limit: Any = 100, period: str = "day") -> Threshold:
    (compiled,) = compile_thresholds([wanted(id="t", metric=metric, limit=limit, period=period)])
    return compiled


def looked_at(metric: str, limit: Any, sums: dict[str, Any], per_minute: Any = None, at: int = DAY.end) -> Any:
    """The value with which it fires; None if it does not."""
    plain = {name: Decimal(str(value)) for name, value in sums.items()}
    found = reached(threshold(metric, Decimal(str(limit))), DAY, plain, Tariff(per_minute, Decimal(1)), at)
    return None if found is None else found.value


REACHED = [
    pytest.param("calls", 100, {"calls": 99}, None, id="one call less"),
    pytest.param("calls", 100, {"calls": 100}, 100, id="at the limit"),
    pytest.param("calls", 100, {"calls": 107}, 107, id="beyond it"),
    pytest.param("calls", 2.5, {"calls": 3}, 3, id="a limit between two calls"),
    pytest.param("calls", 1, {}, None, id="no call at all"),
    pytest.param("calls", 1, {"test.calls": 5}, None, id="tests are no calls"),
    pytest.param("calls", 3, {"calls": 5, "turnedAway": 3}, None, id="who is turned away uses up none"),
    pytest.param("calls", 3, {"calls": 5, "turnedAway": 2}, 3, id="three who were let in"),
    pytest.param("minutes", 10, {"seconds": "599.999"}, None, id="a millisecond less"),
    pytest.param("minutes", 10, {"seconds": 600}, 10, id="ten minutes"),
    pytest.param("minutes", 10, {"seconds": 599, "test.seconds": 60}, None, id="tests are no minutes"),
    pytest.param("cost", 50, {"cost": "49.9999"}, None, id="a hundredth of a hundredth of a cent less"),
    pytest.param("cost", 50, {"cost": 50}, 50, id="fifty cents"),
    pytest.param("cost", 50, {"cost": 20, "test.cost": 30}, 50, id="tests cost money"),
    pytest.param("concurrentCalls", 3, {"concurrentCalls": 2}, None, id="two at once"),
    pytest.param("concurrentCalls", 3, {"concurrentCalls": 3}, 3, id="three at once"),
    pytest.param("missedRate", 0.1, {"settled": 9, "inboundMissed": 9}, None, id="nine calls say nothing"),
    pytest.param("missedRate", 0.1, {"settled": 10, "inboundMissed": 1}, Decimal("0.1"), id="one of ten"),
    pytest.param("missedRate", 0.1, {"settled": 11, "inboundMissed": 1}, None, id="one of eleven"),
    pytest.param("missedRate", 0.1, {"settled": 30, "inboundMissed": 10}, Decimal("0.3333"), id="a third"),
    pytest.param("missedRate", 1, {"settled": 10, "inboundMissed": 10}, 1, id="all of them"),
    pytest.param(
        "missedRate", 0.5, {"settled": 10, "missed": 8, "inboundMissed": 2}, None, id="outbound is not missed"
    ),
]


@pytest.mark.parametrize(("metric", "limit", "sums", "value"), REACHED)
def test_a_threshold_is_reached_at_its_limit(metric: str, limit: Any, sums: dict[str, Any], value: Any) -> None:
    assert looked_at(metric, limit, sums) == value


def test_a_carriers_minutes_cost_what_the_number_says() -> None:
    sums = {"cost": 10, "seconds": 600, "test.seconds": 300}
    assert looked_at("cost", 22.75, sums, Decimal("0.85")) == Decimal("22.75")
    assert looked_at("cost", 22.76, sums, Decimal("0.85")) is None


def test_every_metric_and_every_period_can_be_set_and_has_a_case() -> None:
    fields = UsageThreshold.model_json_schema()["properties"]
    assert [*METRICS] == fields["metric"]["enum"]
    assert [*PERIODS] == fields["period"]["enum"]
    assert {each.values[0] for each in REACHED} == {*METRICS}


FORECASTS = [
    pytest.param("calls", DAY.start + 21_600, 400, id="a quarter of the day, four times as much"),
    pytest.param("calls", DAY.start + 43_200, 200, id="half of it"),
    pytest.param("calls", DAY.start + 50_400, Decimal("171.4286"), id="seven twelfths"),
    pytest.param("calls", DAY.end, 100, id="a day that is over"),
    pytest.param("calls", DAY.end + 3_600, 100, id="for an hour"),
    pytest.param("calls", DAY.start, None, id="a day that has only begun"),
    pytest.param("calls", DAY.start - 1, None, id="or not yet, by our clock"),
    pytest.param("concurrentCalls", DAY.start + 43_200, 100, id="calls in progress do not add up: the most so far"),
    pytest.param("missedRate", DAY.start + 43_200, 1, id="nor does a rate: as it is so far"),
]


@pytest.mark.parametrize(("metric", "at", "forecast"), FORECASTS)
def test_the_forecast_is_the_same_rate_for_the_whole_period(metric: str, at: int, forecast: Any) -> None:
    sums = {
        "calls": Decimal(100),
        "concurrentCalls": Decimal(100),
        "settled": Decimal(10),
        "inboundMissed": Decimal(10),
    }
    found = reached(threshold(metric, Decimal(1)), DAY, sums, Tariff(None, Decimal(1)), at)
    assert found is not None
    assert found.forecast == forecast


# ---- which periods are looked at ----


def instant(local: str, zone: str) -> int:
    return int(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp())


WINDOWS = [
    pytest.param(
        "day", "America/New_York", "2026-03-08T12:00", "2026-03-08T00:00", "2026-03-09T00:00", 23, id="spring"
    ),
    pytest.param(
        "day", "America/New_York", "2026-11-01T12:00", "2026-11-01T00:00", "2026-11-02T00:00", 25, id="autumn"
    ),
    pytest.param("day", "Asia/Kathmandu", "2026-11-23T00:00", "2026-11-23T00:00", "2026-11-24T00:00", 24, id="5:45"),
    pytest.param(
        "day",
        "Australia/Lord_Howe",
        "2026-10-04T12:00",
        "2026-10-04T00:00",
        "2026-10-05T00:00",
        23.5,
        id="half an hour",
    ),
    pytest.param(
        "month", "America/New_York", "2026-11-30T23:59", "2026-11-01T00:00", "2026-12-01T00:00", 721, id="a month"
    ),
    pytest.param(
        "month", "Pacific/Kiritimati", "2026-12-31T23:59", "2026-12-01T00:00", "2027-01-01T00:00", 744, id="the last"
    ),
]


@pytest.mark.parametrize(("period", "zone", "at", "start", "end", "hours"), WINDOWS)
def test_a_period_is_the_local_day_or_month(
    period: str, zone: str, at: str, start: str, end: str, hours: float
) -> None:
    window = period_window(period, ZoneInfo(zone), instant(at, zone))
    assert window == Window(instant(start, zone), instant(end, zone))
    assert (window.end - window.start) / 3600 == hours


NOON = instant("2026-11-23T12:00", "America/New_York")


def starts_looked_at(*instants: int, since: int = 0, at: int = NOON, period: str = "day") -> set[str]:
    windows = windows_to_look_at([threshold(period=period)], NEW_YORK, instants, since=since, at=at)
    return {datetime.fromtimestamp(window.start, NEW_YORK).strftime("%m-%d") for _, window in windows}


def test_the_periods_of_the_calls_that_changed_are_looked_at() -> None:
    assert starts_looked_at(NOON, NOON + 60) == {"11-23"}
    assert starts_looked_at(NOON, NOON - 86_400) == {"11-23", "11-22"}
    assert starts_looked_at(NOON, NOON - 86_400, period="month") == {"11-01"}


def test_a_period_that_was_over_when_the_thresholds_were_set_is_not_theirs() -> None:
    midnight = instant("2026-11-23T00:00", "America/New_York")
    assert starts_looked_at(NOON - 86_400, since=midnight) == set()
    assert starts_looked_at(NOON - 86_400, since=midnight - 1) == {"11-22"}


def test_a_period_that_has_long_been_over_is_not_looked_at() -> None:
    assert starts_looked_at(NOON, at=NOON + 2 * 86_400) == {"11-23"}
    assert starts_looked_at(NOON, at=NOON + 3 * 86_400) == set()


# ---- calls in progress ----


def buckets(*talks: tuple[int, int]) -> list[tuple[str, dict[str, Decimal]]]:
    """The hours of calls in progress, each from and until an instant (Unix seconds), as the tally keeps them."""
    kept: dict[str, dict[str, Decimal]] = {}
    for start, end in talks:
        for name, at in (("start", start), ("end", end)):
            hour = kept.setdefault(hour_of(at * 1000), {})
            attribute = f"{name}.{at // 60 % 60}"
            hour[attribute] = hour.get(attribute, Decimal(0)) + 1
    return sorted(kept.items())


LONGEST = 43_200
AT_MINUTE = NOON // 60 * 60


@given(
    st.lists(
        st.tuples(st.integers(-3 * LONGEST // 60, 0), st.none() | st.integers(0, LONGEST // 60)),
        max_size=20,
    )
)
def test_the_calls_in_progress_are_those_that_began_and_have_not_ended(talks: list[tuple[int, int | None]]) -> None:
    """Each began so many minutes ago and lasted so many, or is not known to have ended and is given up in the end."""
    held = [
        (AT_MINUTE + 60 * began, AT_MINUTE + 60 * (began + (720 if took is None else took))) for began, took in talks
    ]
    ended = [(start, end) for start, end in held if end <= AT_MINUTE]
    going_on = [(start, start + LONGEST) for start, end in held if end > AT_MINUTE]
    known = buckets(*ended, *going_on)
    hours = [(hour, sums) for hour, sums in known if hour >= hour_of(AT_MINUTE * 1000)]
    expected = sum(start + LONGEST > AT_MINUTE for start, _ in going_on)
    assert in_progress(hours, {AT_MINUTE}) == {AT_MINUTE: expected}


MINUTES = st.integers(0, 2 * LONGEST // 60)


@given(st.lists(st.tuples(MINUTES, st.integers(0, LONGEST // 60)), max_size=20), st.sets(MINUTES, max_size=5))
def test_the_calls_that_were_in_progress_earlier_are_told_too(talks: list[tuple[int, int]], minutes: set[int]) -> None:
    """Of the hours from the earliest instant on, whatever has ended since and whatever began before them."""
    held = [(AT_MINUTE + 60 * began, AT_MINUTE + 60 * (began + took)) for began, took in talks]
    instants = {AT_MINUTE + 60 * minute for minute in minutes}
    first = hour_of(min(instants, default=0) * 1000)
    hours = [(hour, sums) for hour, sums in buckets(*held) if hour >= first]
    expected = {at: sum(start <= at < end for start, end in held) for at in instants}
    assert in_progress(hours, instants) == expected


def test_what_else_an_hour_holds_is_neither_start_nor_end() -> None:
    hour = hour_of(NOON * 1000)
    at = instant_of(hour)
    sums = {"0.calls": Decimal(7), "0.reason.end.59": Decimal(7), "ago.1": Decimal(7), "end.59": Decimal(2)}
    assert in_progress([(hour, sums)], {at}) == {at: 2}
