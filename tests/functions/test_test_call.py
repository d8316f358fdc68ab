"""testCall: a real call, dialled once whatever happens on the way, within the number's limits, and counted apart."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from local.eventually import eventually
from local.simulators.vapi import Callee, Delivery, Fault
from local.simulators.vapi.clock import iso
from local.simulators.vapi.schema import SERVER_MESSAGES
from switchboard.calls.kinds import Kind
from switchboard.calls.messages import Fact
from switchboard.carriers.http import Api, bearer
from switchboard.carriers.vapi import Vapi
from switchboard.errors import CallNotPlaced, DailyCallLimitReached, OutcomeUnknown, SwitchboardError
from switchboard.model.call import Call
from switchboard.model.test_call import TestCallRequest
from switchboard.placing import PAUSES, placing
from switchboard.provisioning.steps import UNSURE_SECONDS
from switchboard.store.calls import calls
from tests.functions.conftest import Deployment
from tests.functions.outside import Killed, cold, dies, outside
from tests.support.invoking import Answer
from tests.support.streams import stream_as_dynamodb_does

TO = "+12025550123"
DIAL = ("POST", "/call")
CUT_AFTER = Fault(*DIAL, cut="after")
CUT_BEFORE = Fault(*DIAL, cut="before")
FAILED = Fault(*DIAL, status=502)


@pytest.fixture
def number(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """An active number with an assistant."""
    stream_as_dynamodb_does(monkeypatch)
    monkeypatch.setattr("switchboard.placing.PAUSES", tuple(0.0 for _ in PAUSES))
    return assigned(aws)


def assigned(aws: Deployment, **wanted: Any) -> dict[str, Any]:
    """A number with an assistant, of whose calls we hear nothing by ourselves."""
    aws.vapi.callee = Callee(ring_seconds=0, talk_seconds=0.01)
    aws.vapi.delivery = Delivery(drop=frozenset(SERVER_MESSAGES))
    assistant = aws.at_vapi("assistant", name="Front desk", metadata={"mine": 1}, serverMessages=["tool-calls"])
    return aws.bought(assistant={"id": assistant["id"]}, **wanted)


def change(aws: Deployment, number: dict[str, Any], **patch: Any) -> None:
    assert aws.api("PATCH", f"/phone-numbers/{number['id']}", body=patch).status == 200


def call(aws: Deployment, number: dict[str, Any], key: str | None = "k1", **fields: Any) -> Answer:
    headers = {} if key is None else {"Idempotency-Key": key}
    path = f"/phone-numbers/{number['id']}/test-calls"
    return aws.api("POST", path, body={"to": TO, **fields}, headers=headers)


def asked(
    number: dict[str, Any],
    key: str | None = "k1",
    later: float = 0,
    pause: Callable[[float], object] = lambda _: None,
    **fields: Any,
) -> Call:
    """The same without its HTTP, so many seconds from now: Powertools bears one event at a time in a process."""
    request = TestCallRequest.model_validate({"to": TO, **fields})
    at_work = placing(lambda: time.time() + later, pause)
    return at_work.test_call(number["id"], number["business"], request, key)


def dialled(aws: Deployment) -> list[dict[str, Any]]:
    """What we asked Vapi to dial, in order."""
    return [seen["body"] for seen in aws.vapi.requests_to(*DIAL) if seen["userAgent"] != "tests"]


def rows(aws: Deployment) -> list[dict[str, Any]]:
    """The calls that Vapi has."""
    return aws.vapi.store.rows("call")


def counted(aws: Deployment) -> int:
    """How many calls the number's days have."""
    return sum(int(item["dialled"]) for item in aws.items("NUMBER#") if item["SK"].startswith("DIALLED#"))


def kept(aws: Deployment, kind: str) -> list[dict[str, Any]]:
    return [item for item in aws.items("NUMBER#") if item["SK"].startswith(kind)]


def commit_late(aws: Deployment) -> None:
    """Vapi does only now what it was asked to do by a request whose connection it cut before."""
    for body in dialled(aws):
        aws.at_vapi("call", **body)


def test_a_number_calls_by_its_own_assistant(aws: Deployment, number: dict[str, Any]) -> None:
    answer = call(aws, number, message="Hello")
    assert answer.status == 201
    (row,) = rows(aws)
    told = answer.body
    assert (told["id"], told["phoneNumberId"], told["direction"]) == (row["id"], number["id"], "outbound")
    assert (told["caller"], told["called"], told["test"]) == (number["phoneNumber"], TO, True)
    (body,) = dialled(aws)
    assert body["name"].startswith("tc_")
    assert (body["assistantId"], body["customer"]) == (number["assistant"]["id"], {"number": TO})
    overrides = body["assistantOverrides"]
    assert overrides["metadata"] == {
        "mine": 1,
        "numberId": number["id"],
        "keep": {"recording": False, "transcript": False},
        "testCall": True,
        "testId": body["name"],
    }
    assert overrides["serverMessages"] == ["tool-calls", "status-update", "end-of-call-report"]
    assert (overrides["maxDurationSeconds"], overrides["firstMessage"]) == (60, "Hello")
    assert aws.api("GET", f"/phone-numbers/{number['id']}/calls/{row['id']}").body["test"] is True


def test_another_assistant_is_checked_at_vapi(aws: Deployment, number: dict[str, Any]) -> None:
    other = aws.at_vapi("assistant", name="Other")
    assert call(aws, number, assistant={"id": other["id"]}).status == 201
    (body,) = dialled(aws)
    assert body["assistantId"] == other["id"]
    missing = call(aws, number, "k2", assistant={"id": "5b0a4a08-0000-4000-8000-0000008c6be8"})
    assert (missing.status, [error["path"] for error in missing.body["errors"]]) == (422, ["assistant.id"])
    assert len(dialled(aws)) == 1


def test_a_squad_and_a_workflow_call_too(aws: Deployment, number: dict[str, Any]) -> None:
    member = aws.at_vapi("assistant", name="Member")
    squad = aws.at_vapi("squad", members=[{"assistantId": member["id"]}])
    assert call(aws, number, "k1", assistant={"id": squad["id"], "type": "squad"}).body["test"] is True
    flow = {"id": "5b0a4a08-0000-4000-8000-0000008c6be8", "type": "workflow"}
    assert call(aws, number, "k2", assistant=flow).body["test"] is True
    assert [max(body) for body in dialled(aws)] == ["squadOverrides", "workflowOverrides"]


def test_a_test_is_counted_and_told_apart_though_vapi_does_not_say_that_it_is_one(
    aws: Deployment, number: dict[str, Any]
) -> None:
    call_id = call(aws, number).body["id"]
    (row,) = rows(aws)
    silent = {key: row[key] for key in ("id", "type", "createdAt", "phoneNumberId", "customer")}
    began = calls().find(number["id"], call_id)
    assert began is not None
    at = int(began["placed"]["at"])
    report = {
        "type": "end-of-call-report",
        "timestamp": at + 70_000,
        "endedReason": "customer-ended-call",
        "startedAt": iso(at + 1_000),
        "endedAt": iso(at + 61_000),
        "cost": 0.12,
        "call": silent,
    }
    queued = {"type": "status-update", "status": "queued", "timestamp": at - 5, "call": silent}
    for message in (queued, report):
        assert aws.tell(number, {"message": message}).status == 200
    told = [event["detail"]["data"] for event in aws.events() if event["detail-type"] == "Call.outbound"]
    assert [(event["callId"], event["test"]) for event in told] == [(call_id, True)]
    shown = aws.api("GET", f"/phone-numbers/{number['id']}").body
    assert (shown["totalCalls"], shown["outboundCalls"], shown["totalMinutes"]) == (0, 0, 0)
    assert shown["monthlyCost"] == 12
    sums = [item for item in aws.items("NUMBER#") if item["SK"].startswith("USAGE#")]
    assert {item["SK"].split("#")[1] for item in sums} == {"HOUR", "MONTH"}
    (month,) = [item for item in sums if item["SK"].startswith("USAGE#MONTH")]
    assert (month["test.calls"], month["test.seconds"], month["test.cost"]) == (1, 60, 12)


def test_a_key_calls_once(aws: Deployment, number: dict[str, Any]) -> None:
    first, second = call(aws, number), call(aws, number)
    assert (first.status, second.status) == (201, 201)
    assert first.body["id"] == second.body["id"]
    assert (len(dialled(aws)), counted(aws)) == (1, 1)
    reused = call(aws, number, to="+12025550199")
    assert (reused.status, reused.body["code"]) == (422, "idempotency_key_reused")
    assert call(aws, number, "k2").body["id"] != first.body["id"]
    assert len({call(aws, number, None).body["id"] for _ in range(2)}) == 2
    assert (len(dialled(aws)), counted(aws)) == (4, 4)


def test_a_key_answers_though_the_number_is_out_of_service_by_now(aws: Deployment, number: dict[str, Any]) -> None:
    first = call(aws, number)
    change(aws, number, status="suspended")
    assert call(aws, number).body["id"] == first.body["id"]
    assert call(aws, number, "k2").body["code"] == "status_conflict"


REFUSED = [
    pytest.param({"status": "suspended"}, {}, 409, "status_conflict", [], id="suspended"),
    pytest.param({"direction": "inbound"}, {}, 409, "outbound_forbidden", [], id="inbound"),
    pytest.param({"assistant": None}, {}, 422, "invalid_request", ["assistant"], id="no assistant"),
    pytest.param(
        {"outboundSettings": {"allowedCountries": ["US", "CA"]}},
        {"to": "+442071838750"},
        422,
        "invalid_request",
        ["to"],
        id="country",
    ),
    pytest.param({}, {"to": "2025550123"}, 422, "invalid_request", ["to"], id="no E.164"),
    pytest.param({}, {"colour": "red"}, 422, "invalid_request", ["colour"], id="unknown field"),
    pytest.param(
        {"outboundSettings": {"dailyCallLimit": 0}}, {}, 429, "daily_call_limit_reached", [], id="no call a day"
    ),
]


@pytest.mark.parametrize(("patch", "fields", "status", "code", "paths"), REFUSED)
def test_what_forbids_a_call_is_said_before_anything_is_dialled(
    aws: Deployment,
    number: dict[str, Any],
    patch: dict[str, Any],
    fields: dict[str, Any],
    status: int,
    code: str,
    paths: list[str],
) -> None:
    if patch:
        change(aws, number, **patch)
    refused = call(aws, number, **fields)
    assert (refused.status, refused.body["code"]) == (status, code)
    assert [error["path"] for error in refused.body.get("errors", [])] == paths
    assert (dialled(aws), kept(aws, "TESTCALL#"), counted(aws)) == ([], [], 0)


def test_a_number_does_not_call_itself_and_another_businesss_number_is_none(
    aws: Deployment, number: dict[str, Any]
) -> None:
    assert call(aws, number, to=number["phoneNumber"]).body["errors"][0]["path"] == "to"
    strange = aws.api("POST", f"/phone-numbers/{number['id']}/test-calls", "globex", body={"to": TO})
    assert (strange.status, strange.body["code"]) == (404, "number_not_found")
    assert dialled(aws) == []


def test_an_allowed_country_is_called_for_as_long_as_the_number_allows(aws: Deployment, number: dict[str, Any]) -> None:
    change(aws, number, outboundSettings={"allowedCountries": ["GB"], "maxDurationSeconds": 20})
    assert call(aws, number, to="+442071838750").status == 201
    (body,) = dialled(aws)
    assert body["assistantOverrides"]["maxDurationSeconds"] == 20


def test_a_day_has_its_limit_and_the_next_one_too(aws: Deployment, number: dict[str, Any]) -> None:
    change(aws, number, outboundSettings={"dailyCallLimit": 2})
    assert [call(aws, number, key).status for key in ("k1", "k2", "k3", "k2")] == [201, 201, 429, 201]
    refused = call(aws, number, "k3")
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert asked(number, "k3", later=86_400).test
    assert len(dialled(aws)) == 3


def test_calls_that_were_placed_elsewhere_use_the_limit_up(aws: Deployment, number: dict[str, Any]) -> None:
    change(aws, number, outboundSettings={"dailyCallLimit": 2})
    now = int(time.time() * 1000)
    elsewhere = {"createdAt": now, "direction": "outbound", "customer": TO}
    assert calls().record(number["id"], "acme", Fact("c1", Kind.DIALLING, now, elsewhere))
    aws.deliver_stream()
    assert [call(aws, number, key).status for key in ("k1", "k2")] == [201, 429]


@pytest.mark.parametrize("key", ["k1", None])
def test_a_call_whose_answer_was_lost_is_found(aws: Deployment, number: dict[str, Any], key: str | None) -> None:
    aws.vapi.fault(CUT_AFTER)
    found = call(aws, number, key)
    (row,) = rows(aws)
    assert (found.status, found.body["id"], found.body["test"]) == (201, row["id"], True)
    assert (len(dialled(aws)), counted(aws)) == (1, 1)


def test_a_call_whose_answer_comes_too_late_is_found(aws: Deployment, number: dict[str, Any]) -> None:
    aws.vapi.fault(Fault(*DIAL, delay_seconds=0.3))
    hasty = Vapi(Api("Vapi", aws.vapi.url, bearer(aws.vapi.api_key), read_timeout=0.1, reads_again=False))
    at_work = replace(placing(pause=lambda _: eventually(lambda: rows(aws), what="the call")), dialling=hasty)
    found = at_work.test_call(number["id"], "acme", TestCallRequest(to=TO), "k1")
    assert [row["id"] for row in rows(aws)] == [found.id]


def test_a_call_that_vapi_places_while_we_look_for_it_is_found(aws: Deployment, number: dict[str, Any]) -> None:
    aws.vapi.fault(CUT_BEFORE)
    looks: list[float] = []

    def pause(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            commit_late(aws)

    assert asked(number, pause=pause).id == rows(aws)[0]["id"]
    assert len(dialled(aws)) == 1


@pytest.mark.parametrize("fault", [CUT_BEFORE, FAILED], ids=["cut", "failed"])
def test_a_call_of_which_nothing_is_heard_is_found_by_a_retry(
    aws: Deployment, number: dict[str, Any], fault: Fault
) -> None:
    aws.vapi.fault(fault)
    unknown = call(aws, number)
    assert (unknown.status, unknown.body["code"]) == (504, "provider_outcome_unknown")
    assert "same Idempotency-Key" in unknown.body["detail"]
    assert dialled(aws)[0]["name"] in unknown.body["detail"]
    commit_late(aws)
    assert call(aws, number).body["id"] == rows(aws)[0]["id"]
    assert (len(dialled(aws)), counted(aws)) == (1, 1)


def test_a_call_that_was_never_placed_is_said_to_be_none_after_ten_minutes_and_counts_no_more(
    aws: Deployment, number: dict[str, Any]
) -> None:
    aws.vapi.fault(CUT_BEFORE)
    for later in (0, UNSURE_SECONDS - 60):
        with pytest.raises(OutcomeUnknown):
            asked(number, later=later)
        assert counted(aws) == 1
    for later in (UNSURE_SECONDS + 1, 0, UNSURE_SECONDS + 1):
        with pytest.raises(CallNotPlaced):
            asked(number, later=later)
        assert counted(aws) == 0
    assert len(dialled(aws)) == 1


def test_while_vapi_cannot_be_asked_nothing_is_given_up(aws: Deployment, number: dict[str, Any]) -> None:
    aws.vapi.fault(CUT_BEFORE)
    with pytest.raises(OutcomeUnknown):
        asked(number)
    aws.vapi.fault(Fault("GET", "/call", status=503, times=None))
    with pytest.raises(OutcomeUnknown):
        asked(number, later=UNSURE_SECONDS + 1)
    assert counted(aws) == 1


NOT_PLACED = [
    pytest.param(
        Fault(*DIAL, status=400, body={"message": ["Over Concurrency Limit."], "statusCode": 400}),
        (409, "call_not_placed"),
        id="refused",
    ),
    pytest.param(Fault(*DIAL, status=429), (503, "provider_busy"), id="busy"),
    pytest.param(Fault(*DIAL, status=401), (502, "provider_credentials_rejected"), id="key rejected"),
]


@pytest.mark.parametrize(("fault", "told"), NOT_PLACED)
def test_a_call_that_was_surely_not_placed_gives_its_count_and_its_key_back(
    aws: Deployment, number: dict[str, Any], fault: Fault, told: tuple[int, str]
) -> None:
    change(aws, number, outboundSettings={"dailyCallLimit": 1})
    aws.vapi.fault(fault)
    refused = call(aws, number)
    assert (refused.status, refused.body["code"]) == told
    if fault.status == 400:
        assert "Over Concurrency Limit." in refused.body["detail"]
    assert (counted(aws), kept(aws, "TESTCALL#")) == (0, [])
    assert call(aws, number).status == 201
    assert (len(rows(aws)), counted(aws)) == (1, 1)


def test_vapis_words_never_hold_our_key(aws: Deployment, number: dict[str, Any]) -> None:
    aws.vapi.fault(Fault(*DIAL, status=400, body={"message": f"Bad key {aws.vapi.api_key}"}))
    assert aws.vapi.api_key not in str(call(aws, number).body)


def test_an_erased_test_call_is_not_found_by_its_key(aws: Deployment, number: dict[str, Any]) -> None:
    call(aws, number)
    assert aws.api("DELETE", f"/callers/{TO}".replace("+", "%2B")).status == 200
    again = call(aws, number)
    assert (again.status, again.body["code"]) == (404, "call_not_found")
    assert len(dialled(aws)) == 1
    assert TO not in str(kept(aws, "TESTCALL#"))


OUTCOMES: dict[str, Fault | None] = {
    "undisturbed": None,
    "answer lost": CUT_AFTER,
    "never done": CUT_BEFORE,
    "refused": Fault(*DIAL, status=400),
}


def settled(number: dict[str, Any]) -> Call | None:
    """What a retry is told in the end."""
    for later in (0, UNSURE_SECONDS + 1):
        with suppress(OutcomeUnknown):
            return asked(number, later=later)
    return None


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("lost", [False, True], ids=["dies", "answer of AWS lost"])
def test_interrupted_anywhere_it_calls_at_most_once_and_counts_what_it_called(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch, outcome: str, *, lost: bool
) -> None:
    stream_as_dynamodb_does(monkeypatch)
    fault = OUTCOMES[outcome]
    for at in steps(aws, fault):
        aws.empty()
        number = assigned(aws, outboundSettings={"dailyCallLimit": 1})
        if fault is not None:
            aws.vapi.fault(fault)
        with cold(), suppress(Killed, SwitchboardError), outside(at, None if lost else dies, lost=lost):
            asked(number)
        aws.vapi.faults.clear()
        try:
            found = settled(number)
        except CallNotPlaced:
            found = None
        assert [row["id"] for row in rows(aws)] == ([] if found is None else [found.id]), at
        assert counted(aws) == len(rows(aws)), at
        if found is not None:
            assert found.test
            assert len({body["name"] for body in dialled(aws)}) == 1


def steps(aws: Deployment, fault: Fault | None) -> Iterator[int]:
    """The positions of all requests that an undisturbed piece of work makes, and the one after the last."""
    number = assigned(aws, outboundSettings={"dailyCallLimit": 1})
    if fault is not None:
        aws.vapi.fault(fault)
    with cold(), outside() as taken, suppress(SwitchboardError):
        asked(number)
    aws.vapi.faults.clear()
    assert any(step.startswith("POST ") for step in taken)
    yield from range(len(taken) + 1)


def test_a_number_that_is_changed_at_any_step_calls_once(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    stream_as_dynamodb_does(monkeypatch)
    for at in steps(aws, None):
        aws.empty()
        number = assigned(aws, outboundSettings={"dailyCallLimit": 1})
        with outside(at, lambda: change(aws, number, name=f"Changed at {at}")):  # noqa: B023 - called at once
            asked(number)
        assert (len(rows(aws)), counted(aws)) == (1, 1), at


def test_whoever_comes_between_any_two_steps_takes_the_last_call_of_the_day_or_leaves_it(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream_as_dynamodb_does(monkeypatch)
    for at in steps(aws, None):
        aws.empty()
        number = assigned(aws, outboundSettings={"dailyCallLimit": 1})
        placed: list[Call | None] = []
        with outside(at, lambda: placed.append(placed_or_none(number, "theirs"))):  # noqa: B023 - called at once
            placed.append(placed_or_none(number, "ours"))
        (row,) = rows(aws)
        assert {each.id for each in placed if each is not None} == {row["id"]}, at
        assert (len(dialled(aws)), counted(aws)) == (1, 1), at


def placed_or_none(number: dict[str, Any], key: str) -> Call | None:
    """The call, or None where the day has no call left."""
    try:
        return asked(number, key)
    except DailyCallLimitReached:
        return None


def test_whoever_asks_with_the_same_key_between_any_two_steps_is_told_of_the_same_call(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream_as_dynamodb_does(monkeypatch)
    for at in steps(aws, None):
        aws.empty()
        number = assigned(aws)
        others: list[Call] = []
        with outside(at, lambda: theirs(number, others)):  # noqa: B023 - called at once
            ours = asked(number)
        (row,) = rows(aws)
        assert {ours.id, *(other.id for other in others)} == {row["id"]}, at
        assert (len(dialled(aws)), counted(aws)) == (1, 1), at


def theirs(number: dict[str, Any], told: list[Call]) -> None:
    """Asks with the same key; while nobody has dialled yet, it is told that nothing is known."""
    with suppress(OutcomeUnknown):
        told.append(asked(number))
