"""What a call adds to the usage of its number, and how sums follow a call that changes."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.calls.outcome import OUTCOMES
from switchboard.calls.record import Call
from switchboard.calls.usage import contribution, counters, difference

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


def test_an_answered_call_counts_with_its_length_and_cost() -> None:
    assert contribution(CALL) == {
        "totalCalls": 1,
        "inboundCalls": 1,
        "answeredCalls": 1,
        "answeredSeconds": Decimal("62.7"),
        "seconds": Decimal("62.7"),
        "cost": Decimal("10.12"),
    }


def test_a_call_that_rings_counts_already_without_an_outcome() -> None:
    ringing = replace(CALL, outcome=None, duration=Decimal(0), cost=Decimal(0), direction="outbound")
    assert contribution(ringing) == {"totalCalls": 1, "outboundCalls": 1}


@pytest.mark.parametrize("outcome", [outcome for outcome in OUTCOMES if outcome != "answered"])
def test_only_answered_calls_count_in_the_average(outcome: str) -> None:
    assert "answeredSeconds" not in contribution(replace(CALL, outcome=outcome))
    assert contribution(replace(CALL, outcome=outcome))[f"{outcome}Calls"] == 1


def test_a_test_call_is_no_usage() -> None:
    assert contribution(replace(CALL, test=True)) == {}


def test_counters_are_made_of_the_sums() -> None:
    twice = {name: value * 2 for name, value in contribution(CALL).items()}
    assert counters(twice) == {
        "total_calls": 2,
        "inbound_calls": 2,
        "outbound_calls": 0,
        "average_call_duration": 62.7,
        "total_minutes": 2.09,
    }


def test_a_number_without_calls_has_zeros() -> None:
    assert set(counters({}).values()) == {0}


sums = st.dictionaries(
    st.sampled_from(["totalCalls", "inboundCalls", "missedCalls", "seconds", "cost"]),
    st.decimals(-(10**6), 10**6, places=4),
)


@given(sums, sums)
def test_a_difference_takes_sums_from_what_they_hold_to_what_they_shall(
    before: dict[str, Decimal], after: dict[str, Decimal]
) -> None:
    changes = difference(before, after)
    reached = {name: before.get(name, Decimal(0)) + changes.get(name, Decimal(0)) for name in before | after}
    assert {name: value for name, value in reached.items() if value} == {k: v for k, v in after.items() if v}
    assert all(changes.values())


@given(sums)
def test_nothing_is_to_be_added_for_what_is_held_already(held: dict[str, Decimal]) -> None:
    assert difference(held, held) == {}
