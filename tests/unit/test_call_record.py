"""The call record: a fold of its facts."""

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.calls.kinds import Kind
from switchboard.calls.record import Call, call_from_item

T = 1_785_862_800_000
WHO = {"createdAt": T, "direction": "inbound", "customer": "+12025550123", "ours": "+14155550100"}
ENDED = {"at": T + 65_000, "reason": "customer-ended-call"}
REPORT = {**ENDED, "at": T + 70_000, "startedAt": T + 2300, "endedAt": T + 64_900, "cost": Decimal("10.12")}


def item(**facts: dict[str, Any]) -> dict[str, Any]:
    made = {kind: {"at": T, **WHO, **fact} for kind, fact in facts.items()}
    return {"callId": "c1", "numberId": "pn_1", "business": "acme", "rev": 1, **made}


def call(**facts: dict[str, Any]) -> Call:
    return call_from_item(item(**facts))


def test_a_call_that_rings_is_ringing() -> None:
    ringing = call(decision={"action": "assistant", "reason": "default", "id": "a1"})
    assert (ringing.status, ringing.outcome, ringing.started_at, ringing.ended_at) == ("ringing", None, None, None)
    assert ringing.decision is not None
    assert ringing.decision["action"] == "assistant"


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"dialling": {}}, "ringing"),
        ({"decision": {}, "inProgress": {}}, "in-progress"),
        ({"inProgress": {}, "forwarding": {}}, "forwarding"),
        ({"inProgress": {}, "forwarding": {}, "ended": {}}, "ended"),
        ({"report": {}}, "ended"),
        ({"listed": {}}, "ringing"),
        ({"listed": {"ended": True}, "inProgress": {}}, "ended"),
    ],
)
def test_a_call_never_goes_back(facts: dict[str, Any], status: str) -> None:
    assert call(**facts).status == status


def test_the_reports_facts_win() -> None:
    told = call(inProgress={"at": T + 2400}, ended=ENDED, report=REPORT)
    assert (told.started_at, told.ended_at) == (T + 2300, T + 64_900)
    assert (told.duration, told.cost, told.outcome) == (Decimal("62.6"), Decimal("10.12"), "answered")


def test_without_a_report_the_messages_own_instants_stand() -> None:
    told = call(inProgress={"at": T + 2400}, ended=ENDED)
    assert (told.started_at, told.ended_at, told.duration) == (T + 2400, T + 65_000, Decimal("62.6"))
    assert told.outcome == "answered"


def test_an_end_without_a_report_leaves_the_outcome_open_until_it_is_settled() -> None:
    assert call(ended=ENDED).outcome is None
    assert call(ended=ENDED, settled={}).outcome == "missed"
    assert call(ended=ENDED, settled={}, report=REPORT).outcome == "answered"


def test_an_end_that_leaves_no_doubt_decides_at_once() -> None:
    assert call(ended={"reason": "customer-busy"}).outcome == "missed"


def test_a_call_that_goes_on_has_no_outcome() -> None:
    assert call(inProgress={}, forwarding={"destination": "+14155550199"}).outcome is None


def test_vapis_list_stands_in_for_a_report_and_yields_to_it() -> None:
    listed = {**REPORT, "at": T + 90_000, "ended": True, "cost": Decimal(11)}
    assert call(listed=listed).outcome == "answered"
    assert call(listed=listed).cost == Decimal(11)
    assert call(listed=listed, report=REPORT).cost == Decimal("10.12")


def test_a_free_call_costs_nothing_whatever_the_list_says_later() -> None:
    assert call(report={**REPORT, "cost": Decimal(0)}, listed={"cost": Decimal(5), "ended": True}).cost == 0


def test_a_decision_that_arrives_last_still_decides_what_a_rejection_was() -> None:
    rejected: dict[str, Any] = {"ended": {"reason": "assistant-request-returned-error"}, "report": {}}
    assert call(**rejected).outcome == "rejected"
    assert call(**rejected, decision={"reason": "fallback"}).outcome == "missed"


def test_an_end_before_the_start_lasts_no_time() -> None:
    assert call(report={**REPORT, "endedAt": T}).duration == 0


def test_a_withheld_caller_is_none() -> None:
    stored = item(decision={})
    del stored["decision"]["customer"]
    assert call_from_item(stored).customer is None


@pytest.mark.parametrize("customer", ["anonymous", "Restricted", "+266696687", "sip:anonymous@anonymous.invalid"])
def test_so_is_one_of_whom_vapi_only_says_that_they_are_withheld(customer: str) -> None:
    assert call(decision={"customer": customer}, report=REPORT | {"customer": customer}).customer is None


def test_a_caller_with_an_address_of_another_form_is_named() -> None:
    assert call(decision={"customer": "sip:ann@a.example"}).customer == "sip:ann@a.example"


def test_a_call_without_a_birth_is_as_old_as_its_first_fact() -> None:
    stored = item(inProgress={"at": T + 7}, ended={"at": T + 9})
    del stored["inProgress"]["createdAt"], stored["ended"]["createdAt"]
    assert call_from_item(stored).created_at == T + 7


HEAD = {"callId": "c1", "numberId": "pn_1", "business": "acme"}
instants = st.integers(T, T + 600_000)
some_facts = st.dictionaries(
    st.sampled_from([kind.value for kind in Kind]),
    st.fixed_dictionaries(
        {"at": instants},
        optional={
            "reason": st.sampled_from(["customer-ended-call", "customer-busy", "voicemail", "worker-shutdown", "x"]),
            "startedAt": instants,
            "endedAt": instants,
            "cost": st.decimals(0, 1000, places=4),
            "direction": st.sampled_from(["inbound", "outbound"]),
            "ended": st.just(value=True),
        },
    ),
    min_size=1,
)


@given(some_facts, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_are_stored_does_not_matter(facts: dict[str, Any], order: random.Random) -> None:
    shuffled = dict(order.sample(list(facts.items()), len(facts)))
    assert call_from_item(HEAD | shuffled) == call_from_item(HEAD | facts)


@given(some_facts)
def test_only_a_call_that_is_over_has_an_outcome_and_a_length(facts: dict[str, Any]) -> None:
    told = call_from_item(HEAD | facts)
    assert told.duration >= 0
    if told.status != "ended":
        assert (told.outcome, told.ended_at, told.duration) == (None, None, Decimal(0))
