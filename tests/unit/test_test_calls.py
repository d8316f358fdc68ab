"""Test calls: what forbids one, what Vapi is told, and that the record of one is a test's whatever Vapi says of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from switchboard.calls.kinds import Kind
from switchboard.calls.messages import read_call_row, read_message, read_placed
from switchboard.calls.record import call_from_item
from switchboard.calls.usage import contribution
from switchboard.errors import InvalidRequest, OutboundForbidden, StatusConflict, SwitchboardError
from switchboard.model.record import NumberRecord
from switchboard.model.test_call import TestCallRequest, id_of_test, longest_seconds, refuse
from switchboard.routing.number import Answerer, Number
from switchboard.routing.outbound import body_of_test
from tests.unit.made import AT, NUMBER, active, requested, texts

TO = "+12025550123"
TEST_ID = "tc_01K9Z3V7Q8M4X2C6B5N1T0R8WD"
NUMBER_ID = "pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD"
ASSISTANT = {"id": "assistant-1"}


def asked(**fields: Any) -> TestCallRequest:
    return TestCallRequest.model_validate({"to": TO, **fields})


def assigned(**wanted: Any) -> NumberRecord:
    return active(assistant=ASSISTANT, **wanted)


def paths(record: NumberRecord, request: TestCallRequest, country: str | None = None) -> list[str]:
    """The fields that are refused."""
    with pytest.raises(InvalidRequest) as refused:
        refuse(record, request, country)
    return [error.path for error in refused.value.errors]


def body(number: Number, kind: str = "assistant", target: str = "assistant-1", **given: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"vapi_id": "vapi-1", "test_id": TEST_ID, "to": TO, "seconds": 60, "message": None, "at": AT}
    return body_of_test(number, kind, target, **(told | given))


def number(**own: Any) -> Number:
    return Number(NUMBER_ID, "acme", NUMBER, "active", "both", **own)


@pytest.mark.parametrize(
    ("record", "error"),
    [
        pytest.param(requested(assistant=ASSISTANT), StatusConflict, id="not bought yet"),
        pytest.param(assigned().updated({"status": "suspended"}, AT), StatusConflict, id="suspended"),
        pytest.param(assigned().cancelled(AT), StatusConflict, id="cancelled"),
        pytest.param(assigned().lost_at_vapi(AT), StatusConflict, id="imported anew"),
        pytest.param(assigned(direction="inbound"), OutboundForbidden, id="inbound"),
    ],
)
def test_a_number_that_cannot_call_refuses(record: NumberRecord, error: type[SwitchboardError]) -> None:
    with pytest.raises(error):
        refuse(record, asked(), None)


@pytest.mark.parametrize("direction", ["outbound", "both"])
def test_a_number_calls_by_its_own_assistant_or_the_one_that_is_named(direction: str) -> None:
    assert refuse(assigned(direction=direction), asked(), None).id == "assistant-1"
    other = asked(assistant={"id": "squad-1", "type": "squad"})
    assert refuse(assigned(), other, None).type == "squad"


@pytest.mark.parametrize(
    ("countries", "country", "refused"),
    [(None, None, False), (["US"], "US", False), (["US"], "GB", True), (["US"], None, True), ([], "US", True)],
)
def test_only_allowed_countries_are_called(countries: list[str] | None, country: str | None, *, refused: bool) -> None:
    record = assigned(outboundSettings={"allowedCountries": countries})
    if refused:
        assert paths(record, asked(), country) == ["to"]
    else:
        assert refuse(record, asked(), country).id == "assistant-1"


def test_a_number_does_not_call_itself() -> None:
    assert paths(assigned(), asked(to=NUMBER)) == ["to"]


def test_somebody_has_to_talk() -> None:
    assert paths(active(), asked()) == ["assistant"]


def test_only_an_assistant_is_told_what_to_say_and_no_workflow_how_long_it_may_last() -> None:
    def of(kind: str, **more: Any) -> TestCallRequest:
        return asked(assistant={"id": "x", "type": kind}, **more)

    assert paths(active(), of("squad", message="Hello")) == ["message"]
    assert paths(active(), of("workflow", message="Hello", maxDurationSeconds=30)) == ["message", "maxDurationSeconds"]
    assert refuse(active(), of("workflow"), None).id == "x"
    assert refuse(active(), of("assistant", message="Hello", maxDurationSeconds=30), None).id == "x"


@pytest.mark.parametrize("seconds", [9, 601])
def test_a_test_call_lasts_ten_seconds_to_ten_minutes(seconds: int) -> None:
    with pytest.raises(ValidationError):
        asked(maxDurationSeconds=seconds)


@pytest.mark.parametrize(("allowed", "wanted", "longest"), [(None, 300, 300), (30, 300, 30), (400, 300, 300)])
def test_a_call_lasts_as_asked_for_unless_the_number_allows_less(
    allowed: int | None, wanted: int, longest: int
) -> None:
    record = assigned(outboundSettings={"maxDurationSeconds": allowed})
    assert longest_seconds(record, asked(maxDurationSeconds=wanted)) == longest
    assert longest_seconds(assigned(), asked()) == 60


@given(texts(20), st.none() | texts(255), st.integers(0, 2**47), st.binary(min_size=10, max_size=10))
def test_an_id_is_a_name_that_vapi_takes_and_by_a_key_always_the_same(
    business: str, key: str | None, at_ms: int, entropy: bytes
) -> None:
    made = id_of_test(business, NUMBER_ID, key, at_ms, entropy)
    assert made.startswith("tc_")
    assert len(made) <= 40
    if key is not None:
        assert made == id_of_test(business, NUMBER_ID, key, 0, bytes(10))
        assert made != id_of_test(business, "pn_other", key, 0, bytes(10))


def test_vapi_is_told_whom_to_call_who_talks_and_by_which_name_the_call_is_found() -> None:
    own = Answerer(
        "assistant-1", "assistant", server_messages=("tool-calls",), metadata={"mine": 1}, artifact_plan={"a": 1}
    )
    told = body(number(answerer=own, name="Main line", recording_enabled=True), seconds=30, message="Hello")
    assert told == {
        "name": TEST_ID,
        "phoneNumberId": "vapi-1",
        "customer": {"number": TO},
        "assistantId": "assistant-1",
        "assistantOverrides": {
            "metadata": {
                "mine": 1,
                "numberId": NUMBER_ID,
                "keep": {"recording": True, "transcript": False},
                "testCall": True,
                "testId": TEST_ID,
            },
            "variableValues": {"businessName": "Main line", "isOpen": True},
            "serverMessages": ["tool-calls", "status-update", "end-of-call-report"],
            "artifactPlan": {"a": 1, "recordingEnabled": True},
            "maxDurationSeconds": 30,
            "firstMessage": "Hello",
            "firstMessageMode": "assistant-speaks-first",
        },
    }


def test_an_assistants_own_server_is_left_alone() -> None:
    own = Answerer("assistant-1", "assistant", own_server=True, server_messages=("tool-calls",))
    told = body(number(answerer=own))["assistantOverrides"]
    assert not told.keys() & {"server", "serverMessages", "firstMessage"}


def test_the_numbers_limit_on_calls_that_come_in_is_no_limit_on_a_test() -> None:
    told = body(number(max_duration_seconds=7200, max_concurrent_calls=1), seconds=45)
    assert told["assistantOverrides"]["maxDurationSeconds"] == 45


def test_a_squad_and_a_workflow_are_marked_in_their_own_way() -> None:
    squad = body(number(), "squad", "squad-1")
    assert squad["squadId"] == "squad-1"
    assert squad["squadOverrides"]["variableValues"]["switchboard"]["testCall"] is True
    assert "metadata" not in squad["squadOverrides"]
    workflow = body(number(), "workflow", "flow-1")
    assert workflow["workflowOverrides"] == {
        "variableValues": {
            "businessName": "acme",
            "isOpen": True,
            "numberId": NUMBER_ID,
            "testCall": True,
            "testId": TEST_ID,
        }
    }


ROW = {"id": "call-1", "type": "outboundPhoneCall", "status": "queued", "createdAt": "2026-08-04T17:00:00.500Z"}
HEAD = {"callId": "call-1", "numberId": NUMBER_ID, "business": "acme"}


def placed(row: dict[str, Any] = ROW) -> dict[str, Any]:
    """What is kept of a call that was placed, as the call's item has it."""
    fact = read_placed(row, to=TO, ours=NUMBER, asked_at=AT * 1000)
    assert fact is not None
    assert fact.kind == Kind.PLACED
    return {"placed": {"at": fact.at, **fact.facts}}


def test_a_call_that_was_placed_is_a_test_though_vapi_says_nothing_of_it() -> None:
    silent = {"at": AT * 1000 - 5, "direction": "outbound", "customer": TO}
    call = call_from_item({**HEAD, **placed(), "dialling": silent, "report": {**silent, "cost": 2}})
    assert (call.test, call.direction, call.customer, call.ours) == (True, "outbound", TO, NUMBER)
    sums = contribution(call)
    assert ("TOTAL",) not in sums
    assert sums["MONTH", "2026-08"]["test.cost"] == 2


def test_a_call_that_was_placed_rings() -> None:
    call = call_from_item({**HEAD, **placed()})
    assert (call.status, call.outcome, call.created_at) == ("ringing", None, AT * 1000 + 500)


def test_a_row_without_its_creation_was_created_when_it_was_asked_for() -> None:
    assert placed({"id": "call-1"})["placed"]["createdAt"] == AT * 1000


@pytest.mark.parametrize("row", [{}, {"id": None}, {"id": "no id!"}])
def test_an_answer_that_names_no_call_is_none(row: dict[str, Any]) -> None:
    assert read_placed(row, to=TO, ours=None, asked_at=0) is None


MARKS = {"testCall": True, "numberId": NUMBER_ID}
MARKED = {
    "an assistant": {"assistantOverrides": {"metadata": MARKS}},
    "a squad": {"squadOverrides": {"variableValues": {"switchboard": MARKS}}},
    "a squad before its marks were among the values": {"squadOverrides": {"metadata": MARKS}},
    "a workflow": {"workflowOverrides": {"variableValues": MARKS}},
    "the call": {"metadata": MARKS},
}


@pytest.mark.parametrize("marked", MARKED.values(), ids=MARKED)
def test_a_call_that_says_it_is_a_test_is_one(marked: dict[str, Any]) -> None:
    row = {**ROW, **marked}
    message = read_message({"message": {"type": "status-update", "status": "queued", "call": row}}, AT * 1000)
    listed = read_call_row({**row, "updatedAt": ROW["createdAt"]})
    assert message is not None
    assert listed is not None
    assert message.facts["test"] is True
    assert listed.facts["test"] is True


def test_what_an_assistant_says_of_itself_makes_no_test() -> None:
    row = {**ROW, "assistant": {"metadata": {"testCall": True}}, "updatedAt": ROW["createdAt"]}
    listed = read_call_row(row)
    assert listed is not None
    assert "test" not in listed.facts
