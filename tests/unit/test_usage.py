"""What a call adds to the usage of its number, and how sums follow a call that changes."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.calls.costs import Tariff
from switchboard.calls.outcome import OUTCOME_OF_REJECTION, OUTCOMES
from switchboard.calls.record import Call
from switchboard.calls.usage import TOTAL, contribution, counters, difference, month_cost, shard_of

Sums: TypeAlias = dict[tuple[str, ...], dict[str, Decimal]]

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
    started_at=1_785_862_802_300,
    ended_at=1_785_862_865_000,
    duration=Decimal("62.7"),
    cost=Decimal("10.12"),
    ended_reason="customer-ended-call",
    forwarded_to=None,
    test=False,
    decision=None,
    recording_url=None,
    summary=None,
)


HOUR = ("HOUR", "2026-08-04T17")
MONTH = ("MONTH", "2026-08")


def sums(**changed: Any) -> Sums:
    """What the call adds when it is changed so."""
    return contribution(replace(CALL, **changed))


def test_an_answered_call_counts_with_its_length_and_cost() -> None:
    assert sums() == {
        ("TOTAL",): {
            "totalCalls": 1,
            "inboundCalls": 1,
            "answeredCalls": 1,
            "answeredSeconds": Decimal("62.7"),
            "seconds": Decimal("62.7"),
            "cost": Decimal("10.12"),
        },
        MONTH: {"calls": 1, "inbound": 1, "settled": 1, "seconds": Decimal("62.7"), "cost": Decimal("10.12")},
        HOUR: {
            "0.calls": 1,
            "0.inbound": 1,
            "0.answered": 1,
            "0.settled": 1,
            "0.inboundAnswered": 1,
            "0.seconds": Decimal("62.7"),
            "0.answeredSeconds": Decimal("62.7"),
            "0.cost": Decimal("10.12"),
            "0.duration.209": 1,
            "0.reason.customer-ended-call": 1,
            "start.0": 1,
            "end.1": 1,
        },
        ("CALLERS", "2026-08-04T17", "5"): {"0.+12025550123": 1},
    }


def test_a_call_that_rings_counts_already_without_an_outcome() -> None:
    ringing = sums(
        outcome=None, duration=Decimal(0), cost=Decimal(0), direction="outbound", started_at=None, ended_reason=None
    )
    assert ringing == {
        ("TOTAL",): {"totalCalls": 1, "outboundCalls": 1},
        MONTH: {"calls": 1},
        HOUR: {"0.calls": 1, "0.outbound": 1},
    }


@pytest.mark.parametrize("outcome", [outcome for outcome in OUTCOMES if outcome != "answered"])
def test_only_answered_calls_count_in_the_average_and_among_the_durations(outcome: str) -> None:
    added = sums(outcome=outcome)
    assert "answeredSeconds" not in added[TOTAL]
    assert added[TOTAL][f"{outcome}Calls"] == added[HOUR][f"0.{outcome}"] == 1
    assert not [name for name in added[HOUR] if "duration" in name or "answered" in name]


@pytest.mark.parametrize(("direction", "counted"), [("inbound", 1), ("outbound", 0)])
def test_rates_are_of_inbound_calls_alone(direction: str, counted: int) -> None:
    missed = sums(direction=direction, outcome="missed")
    assert missed[MONTH].get("inboundMissed", 0) == missed[MONTH].get("settled", 0) == counted
    assert missed[HOUR].get("0.inboundMissed", 0) == missed[HOUR].get("0.settled", 0) == counted
    assert missed[MONTH]["missed"] == missed[HOUR]["0.missed"] == 1
    assert "settled" not in sums(direction=direction, outcome=None)[MONTH]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_rates_are_of_calls_that_were_let_in(outcome: str) -> None:
    counted = 0 if outcome in ("blocked", "spam", "rejected") else 1
    added = sums(outcome=outcome)
    assert added[MONTH].get("settled", 0) == added[HOUR].get("0.settled", 0) == counted
    assert added[MONTH].get("turnedAway", 0) == added[HOUR].get("0.turnedAway", 0) == 1 - counted


def turned_away(reason: str, outcome: str | None) -> Sums:
    return sums(decision={"action": "reject", "reason": reason}, outcome=outcome)


@pytest.mark.parametrize(("reason", "outcome"), OUTCOME_OF_REJECTION.items())
def test_a_call_that_we_turn_away_is_so_from_its_decision_on(reason: str, outcome: str) -> None:
    for known in (None, outcome):
        assert turned_away(reason, known)[MONTH]["turnedAway"] == turned_away(reason, known)[HOUR]["0.turnedAway"] == 1
    assert turned_away(reason, outcome)[MONTH].get("settled", 0) == (outcome == "missed")


@pytest.mark.parametrize("minute", [0, 14, 15, 29, 30, 44, 45, 59])
def test_a_call_belongs_to_the_quarter_in_which_it_came_to_be(minute: int) -> None:
    last_moment = CALL.created_at + minute * 60_000 + 59_999
    added = sums(created_at=last_moment)
    assert {name[0] for name in added[HOUR] if name[0].isdigit()} == {str(minute // 15)}
    assert added["CALLERS", "2026-08-04T17", "5"] == {f"{minute // 15}.+12025550123": 1}


def test_who_was_to_talk_and_by_which_rule_is_counted() -> None:
    added = sums(assistant="assistant-1", decision={"ruleId": "rule_1", "action": "assistant"})
    assert added[HOUR]["0.assistant.assistant-1"] == added[HOUR]["0.rule.rule_1"] == 1


@pytest.mark.parametrize(
    ("changed", "is_counted"),
    [
        ({"customer": "sip:+12025550123@example.com"}, True),
        ({"customer": None}, False),
        ({"customer": "anonymous"}, False),
        ({"customer": "sip:alice@example.com"}, False),
        ({"direction": "outbound"}, False),
        ({"test": True}, False),
    ],
)
def test_callers_are_counted_who_have_a_number(changed: dict[str, Any], is_counted: bool) -> None:
    callers = [added for (kind, *_), added in sums(**changed).items() if kind == "CALLERS"]
    assert callers == ([{"0.+12025550123": 1}] if is_counted else [])


@given(st.integers(1_000_000, 10**15 - 1))
def test_a_caller_is_counted_in_one_of_eight_parts(digits: int) -> None:
    assert shard_of(f"+{digits}") in "01234567"


def test_a_test_call_is_no_usage_but_costs_and_occupies_a_line() -> None:
    money = {"calls": 1, "seconds": Decimal("62.7"), "cost": Decimal("10.12")}
    assert sums(test=True) == {
        MONTH: {f"test.{name}": value for name, value in money.items()},
        HOUR: {f"0.test.{name}": value for name, value in money.items()} | {"start.0": 1, "end.1": 1},
    }


def in_progress(**changed: Any) -> dict[str, set[str]]:
    """Starts and ends by their minutes, by hour."""
    return {
        names[1]: {name for name in added if name.startswith(("start.", "end."))}
        for names, added in sums(**changed).items()
        if names[0] == "HOUR"
    }


def test_a_call_in_progress_is_taken_to_end_after_the_longest_time_until_its_end_is_known() -> None:
    assert in_progress(status="in-progress", ended_at=None, outcome=None) == {
        "2026-08-04T17": {"start.0"},
        "2026-08-05T05": {"end.0"},
    }
    assert in_progress() == {"2026-08-04T17": {"start.0", "end.1"}}


@pytest.mark.parametrize(
    ("changed", "ends"),
    [
        ({"started_at": None}, {"2026-08-04T17": set()}),
        ({"ended_at": None}, {"2026-08-04T17": {"start.0", "end.0"}}),
        ({"ended_at": CALL.created_at - 600_000}, {"2026-08-04T17": {"start.0", "end.0"}}),
        ({"ended_at": CALL.created_at + 90_000_000}, {"2026-08-04T17": {"start.0"}, "2026-08-05T05": {"end.0"}}),
        (
            {"started_at": CALL.created_at + 3_600_000, "ended_at": CALL.created_at + 3_661_000},
            {"2026-08-04T17": set(), "2026-08-04T18": {"start.0", "end.1"}},
        ),
    ],
    ids=["never got through", "over without an end", "ended before it began", "longer than a call can be", "later"],
)
def test_a_call_is_in_progress_for_so_long_as_one_can_be(changed: dict[str, Any], ends: dict[str, set[str]]) -> None:
    assert in_progress(**changed) == ends


@pytest.mark.parametrize(
    ("started", "ended", "ago"),
    [
        pytest.param("17:00:00", "17:59:59", {}, id="within an hour"),
        pytest.param("17:59:59", "18:00:00", {"2026-08-04T18": {"ago.1"}}, id="over an hour's end"),
        pytest.param("17:59:59", "20:01:00", {"2026-08-04T20": {"ago.3"}}, id="over three"),
        pytest.param("17:30:00", None, {"2026-08-05T05": {"ago.12"}}, id="in progress"),
    ],
)
def test_a_call_that_ends_in_a_later_hour_says_how_many_hours_ago_it_started(
    started: str, ended: str | None, ago: dict[str, set[str]]
) -> None:
    instants = [
        None if text is None else int(datetime.fromisoformat(f"2026-08-04T{text}+00:00").timestamp() * 1000)
        for text in (started, ended)
    ]
    call = {"started_at": instants[0], "ended_at": instants[1], "status": "ended" if ended else "in-progress"}
    said = {
        names[1]: {name: value for name, value in added.items() if name.startswith("ago.")}
        for names, added in sums(**call).items()
        if names[0] == "HOUR"
    }
    assert {hour: names.keys() for hour, names in said.items() if names} == ago
    assert {value for names in said.values() for value in names.values()} <= {1}


HOUR_MS = 3_600_000
AUGUST, SEPTEMBER = 1_785_542_400_000, 1_788_220_800_000


@pytest.mark.parametrize(
    ("created", "also_by_quarter"),
    [
        (AUGUST, True),
        (AUGUST + 14 * HOUR_MS - 1, True),
        (AUGUST + 14 * HOUR_MS, False),
        (SEPTEMBER - 14 * HOUR_MS - 1, False),
        (SEPTEMBER - 14 * HOUR_MS, True),
        (SEPTEMBER - 1, True),
    ],
)
def test_near_the_months_bounds_its_sums_are_kept_by_quarter_too(created: int, also_by_quarter: bool) -> None:
    month = sums(created_at=created)[MONTH]
    whole = {name: value for name, value in month.items() if not name.startswith("q")}
    again = {f"q{created // 900_000}.{name}": value for name, value in whole.items()}
    assert whole == sums()[MONTH]
    assert month == (whole | again if also_by_quarter else whole)


def test_counters_are_made_of_the_sums() -> None:
    twice = {name: value * 2 for name, value in contribution(CALL)[TOTAL].items()}
    assert counters(twice) == {
        "total_calls": 2,
        "inbound_calls": 2,
        "outbound_calls": 0,
        "average_call_duration": 62.7,
        "total_minutes": 2.09,
    }


def test_a_number_without_calls_has_zeros() -> None:
    assert set(counters({}).values()) == {0}


some_sums = st.dictionaries(
    st.sampled_from(["totalCalls", "inboundCalls", "missedCalls", "seconds", "cost"]),
    st.decimals(-(10**6), 10**6, places=4),
)


@given(some_sums, some_sums)
def test_a_difference_takes_sums_from_what_they_hold_to_what_they_shall(
    before: dict[str, Decimal], after: dict[str, Decimal]
) -> None:
    changes = difference(before, after)
    reached = {name: before.get(name, Decimal(0)) + changes.get(name, Decimal(0)) for name in before | after}
    assert {name: value for name, value in reached.items() if value} == {k: v for k, v in after.items() if v}
    assert all(changes.values())


@given(some_sums)
def test_nothing_is_to_be_added_for_what_is_held_already(held: dict[str, Decimal]) -> None:
    assert difference(held, held) == {}


@pytest.mark.parametrize(
    ("sums", "per_minute", "fee", "cents"),
    [
        ({}, None, None, "0"),
        ({}, None, Decimal(115), "115"),
        ({"cost": Decimal("10.12"), "test.cost": Decimal("0.5")}, None, None, "10.62"),
        ({"seconds": Decimal(90), "test.seconds": Decimal(30)}, Decimal("0.85"), None, "1.7"),
        ({"seconds": Decimal(100), "cost": Decimal(1)}, Decimal("0.85"), Decimal(115), "117.4167"),
    ],
)
def test_a_months_cost_is_vapis_the_carriers_minutes_and_the_fee(
    sums: dict[str, Decimal], per_minute: Decimal | None, fee: Decimal | None, cents: str
) -> None:
    assert month_cost(sums, Tariff(per_minute, Decimal(1)), fee) == Decimal(cents)


def test_vapis_part_of_a_months_cost_is_reckoned_in_the_deployments_currency() -> None:
    sums = {"seconds": Decimal(60), "cost": Decimal(10), "test.cost": Decimal(2)}
    assert month_cost(sums, Tariff(Decimal(3), Decimal("0.92")), Decimal(100)) == Decimal("114.04")
    assert month_cost(sums, Tariff(Decimal(3), None), Decimal(100)) is None
