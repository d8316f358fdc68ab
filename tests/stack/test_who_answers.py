"""Each reason of the decision reached by a real rung call: what Vapi is told, what it does, and what is recorded."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from local.events import BusEvents
from local.eventually import eventually
from local.simulators.vapi import Delivery, Ring
from local.stack import Stack
from tests.stack.acting import active_number, events_by_kind, made_at_vapi, settled_counters, stored_call
from tests.support.zones import at_noon

Api = Callable[..., httpx.Client]

CALLER = "+12025550123"
DESK = "+14155550199"
NEVER_OPEN = {
    "timezone": "America/New_York",
    "openingHoursSpecification": [],
    "specialOpeningHoursSpecification": [],
}


@pytest.fixture(scope="module")
def assistants(stack: Stack) -> dict[str, str]:
    """Ids of two assistants at Vapi."""
    return {name: made_at_vapi(stack, "assistant", name=name)["id"] for name in ("Front desk", "Night desk")}


def ring_configured(
    stack: Stack, acme: httpx.Client, configured: dict[str, Any], caller: str | None = CALLER, **how: Any
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A number so configured, what became of a call of it, and the call's stored decision."""
    number = active_number(acme)
    if configured:
        changed = acme.patch(f"/phone-numbers/{number['id']}", json=configured)
        assert changed.status_code == 200, changed.text
    story = stack.vapi.ring(number["phoneNumber"], caller, **how)
    stored = eventually(lambda: stored_call(stack, number["id"], story["callId"]), what="the call")
    return number, story, stored["decision"]


def told_once(bus_events: BusEvents, number_id: str, kind: str) -> bool:
    return events_by_kind(bus_events, number_id)[kind] == 1


def reported(stack: Stack, number_id: str, call_id: str) -> bool:
    return "report" in stored_call(stack, number_id, call_id)


def rule(action: str, **then: Any) -> dict[str, Any]:
    return {"callRoutingRules": [{"id": "r_1", "priority": 1, "then": {"action": action, **then}}]}


REJECTED = [
    pytest.param({"status": "inactive"}, CALLER, "inactive", id="a number out of service"),
    pytest.param({"direction": "outbound"}, CALLER, "direction", id="a number for outbound calls"),
    pytest.param({"inboundSettings": {"allowListOnly": True}}, CALLER, "not-allowed", id="nobody is on the list"),
    pytest.param({"blockedNumbers": [CALLER]}, CALLER, "blocked", id="a blocked caller"),
    pytest.param({"blockedNumbers": ["+1202*"]}, CALLER, "blocked", id="a blocked prefix"),
    pytest.param({"inboundSettings": {"rejectAnonymous": True}}, None, "anonymous", id="a withheld caller id"),
    pytest.param({"businessHours": NEVER_OPEN, "afterHoursAction": "reject"}, CALLER, "after-hours", id="closed"),
    pytest.param(rule("reject", message="Not today."), CALLER, "rule", id="a rule that rejects"),
    pytest.param({}, CALLER, "fallback", id="nobody assigned"),
]


@pytest.mark.parametrize(("configured", "caller", "reason"), REJECTED)
def test_a_caller_is_turned_away_with_words(
    stack: Stack, api: Api, configured: dict[str, Any], caller: str | None, reason: str
) -> None:
    _, story, decision = ring_configured(stack, api("acme"), configured, caller)
    assert (decision["action"], decision["reason"]) == ("reject", reason)
    assert story["outcome"]["endedReason"] == "assistant-request-returned-error"
    assert story["outcome"]["spoken"]


FORWARDED = [
    pytest.param({"forwardingEnabled": True, "forwardingNumber": DESK}, "forwarding", id="forwarding of all calls"),
    pytest.param({"forwardingNumber": DESK}, "fallback", id="nobody assigned, but a number to fall back on"),
    pytest.param(rule("forward", number=DESK), "rule", id="a rule that forwards"),
    pytest.param(
        {"businessHours": NEVER_OPEN, "afterHoursAction": "forward", "forwardingNumber": DESK},
        "after-hours",
        id="forwarded when closed",
    ),
]


@pytest.mark.parametrize(("configured", "reason"), FORWARDED)
def test_a_caller_is_forwarded(stack: Stack, api: Api, configured: dict[str, Any], reason: str) -> None:
    _, story, decision = ring_configured(stack, api("acme"), configured)
    assert (decision["action"], decision["reason"]) == ("forward", reason)
    assert story["outcome"]["forwardedTo"] == DESK


def test_a_rule_sends_its_callers_to_another_assistant(stack: Stack, api: Api, assistants: dict[str, str]) -> None:
    acme = api("acme")
    number = active_number(acme)
    path = f"/phone-numbers/{number['id']}"
    acme.put(f"{path}/assistant", json={"id": assistants["Front desk"]}).raise_for_status()
    night = {
        "priority": 10,
        "when": {"callerPrefixes": ["+1202"]},
        "then": {"action": "assistant", "id": assistants["Night desk"]},
    }
    added = acme.post(f"{path}/routing-rules", json=night)
    assert added.status_code == 201, added.text
    (kept,) = added.json()["callRoutingRules"]

    by_rule = stack.vapi.ring(number["phoneNumber"], "+12025550123")
    by_default = stack.vapi.ring(number["phoneNumber"], "+13035550123")

    assert by_rule["answered"]["body"]["assistantId"] == assistants["Night desk"]
    assert by_default["answered"]["body"]["assistantId"] == assistants["Front desk"]
    told = acme.post(f"{path}/route-explanations", json={"caller": "+12025550123"}).json()
    assert (told["reason"], told["ruleId"], told["id"]) == ("rule", kept["id"], assistants["Night desk"])
    call = eventually(lambda: _ended(acme, path, by_rule["callId"]), what="the call's record")
    assert (call["outcome"], call["decision"]["reason"]) == ("answered", "rule")
    removed = acme.delete(f"{path}/routing-rules/{kept['id']}")
    assert removed.json()["callRoutingRules"] == []


def _ended(acme: httpx.Client, path: str, call_id: str) -> dict[str, Any]:
    call: dict[str, Any] = acme.get(f"{path}/calls/{call_id}").json()
    return call if call.get("outcome") else {}


def test_a_message_left_after_hours_is_told_and_silence_is_a_missed_call(
    stack: Stack, api: Api, bus_events: BusEvents
) -> None:
    acme = api("acme")
    closed = {
        "voicemailEnabled": True,
        "businessHours": NEVER_OPEN,
        "afterHoursAction": "voicemail",
        "afterHoursMessage": "We are closed. Please leave a message.",
    }
    number, story, decision = ring_configured(stack, acme, closed)
    assert (decision["action"], decision["reason"]) == ("voicemail", "after-hours")
    assert story["answered"]["body"]["assistant"]["firstMessage"] == closed["afterHoursMessage"]
    stack.vapi.ring(number["phoneNumber"], "+12025550187", "hang-up-before-answer")
    for kind in ("Voicemail.received", "Call.missed"):
        eventually(partial(told_once, bus_events, number["id"], kind), what=f"one {kind}")


def test_a_blocked_number_is_told_on_the_bus_and_unblocked_again(stack: Stack, api: Api, bus_events: BusEvents) -> None:
    acme = api("acme")
    number = active_number(acme)
    path = f"/phone-numbers/{number['id']}/blocked-numbers"
    blocked = acme.post(path, json={"phoneNumber": CALLER, "reason": "abuse"})
    assert (blocked.status_code, blocked.json()["blockedNumbers"]) == (200, [CALLER])
    assert (
        stack.vapi.ring(number["phoneNumber"], CALLER)["outcome"]["endedReason"] == "assistant-request-returned-error"
    )
    eventually(lambda: events_by_kind(bus_events, number["id"])["Number.blocked"] == 1, what="Number.blocked")
    unblocked = acme.delete(f"{path}/{CALLER.replace('+', '%2B')}")
    assert unblocked.json()["blockedNumbers"] == []


def test_a_dialler_is_scored_and_turned_away_as_spam(stack: Stack, api: Api, bus_events: BusEvents) -> None:
    acme = api("acme")
    numbers = [active_number(acme, spamFilter=True, inboundSettings={"spamThreshold": 40}) for _ in range(4)]
    dialler = "+13125550142"
    stories = [stack.vapi.ring(n["phoneNumber"], dialler, "hang-up-before-answer") for n in numbers[:3]]
    for number, story in zip(numbers, stories, strict=False):
        eventually(partial(reported, stack, number["id"], story["callId"]), what="the report")
    last = numbers[3]

    def detected() -> dict[str, Any]:
        story = stack.vapi.ring(last["phoneNumber"], dialler)
        decision: dict[str, Any] = stored_call(stack, last["id"], story["callId"])["decision"]
        return decision if decision["reason"] == "spam" else {}

    decision = eventually(detected, what="a call decided as spam")
    assert decision["action"] == "reject"
    eventually(lambda: events_by_kind(bus_events, last["id"])["Spam.detected"] >= 1, what="Spam.detected")


def of_one_call_a_day(action: str, **then: Any) -> dict[str, Any]:
    return {"id": "busy", "period": "day", "metric": "calls", "limit": 1, "action": action, **then}


@pytest.mark.parametrize("action", ["reject", "voicemail", "assistant"])
def test_a_call_beyond_a_usage_threshold_is_held_and_the_threshold_told_once(
    stack: Stack, api: Api, bus_events: BusEvents, assistants: dict[str, str], action: str
) -> None:
    acme, friend, words = api("acme"), "+12025550199", "We are full today."
    then = {"assistantId": assistants["Night desk"]} if action == "assistant" else {"message": words}
    number = active_number(acme, voicemailEnabled=True, allowedNumbers=[friend])
    path = f"/phone-numbers/{number['id']}"
    limited = {"usageThresholds": [of_one_call_a_day(action, **then)], "businessHours": at_noon(number["created"])}
    acme.patch(path, json=limited).raise_for_status()
    acme.put(f"{path}/assistant", json={"id": assistants["Front desk"]}).raise_for_status()

    taken = stack.vapi.ring(number["phoneNumber"], CALLER)
    eventually(partial(told_once, bus_events, number["id"], "Threshold.exceeded"), what="one Threshold.exceeded")
    held = stack.vapi.ring(number["phoneNumber"], CALLER)
    spared = stack.vapi.ring(number["phoneNumber"], friend)

    assert taken["answered"]["body"]["assistantId"] == assistants["Front desk"]
    assert spared["answered"]["body"]["assistantId"] == assistants["Front desk"]
    decision = stored_call(stack, number["id"], held["callId"])["decision"]
    assert (decision["action"], decision["reason"]) == (action, "threshold")
    told = held["answered"]["body"]
    if action == "reject":
        assert (told, held["outcome"]["spoken"]) == ({"error": words}, words)
    elif action == "voicemail":
        assert told["assistant"]["firstMessage"] == words
    else:
        assert told["assistantId"] == assistants["Night desk"]
    settled_counters(acme, number["id"], inboundCalls=3)
    assert told_once(bus_events, number["id"], "Threshold.exceeded")


def test_a_usage_threshold_that_is_reached_when_it_is_set_is_told_and_lifted_again(
    stack: Stack, api: Api, bus_events: BusEvents, assistants: dict[str, str]
) -> None:
    acme = api("acme")
    number = active_number(acme)
    path = f"/phone-numbers/{number['id']}"
    acme.patch(path, json={"businessHours": at_noon(number["created"])}).raise_for_status()
    acme.put(f"{path}/assistant", json={"id": assistants["Front desk"]}).raise_for_status()
    stack.vapi.ring(number["phoneNumber"], CALLER)
    settled_counters(acme, number["id"], inboundCalls=1)
    acme.patch(path, json={"usageThresholds": [of_one_call_a_day("reject")]}).raise_for_status()
    eventually(partial(told_once, bus_events, number["id"], "Threshold.exceeded"), what="one Threshold.exceeded")
    assert "error" in stack.vapi.ring(number["phoneNumber"], CALLER)["answered"]["body"]
    acme.patch(path, json={"usageThresholds": []}).raise_for_status()
    assert "assistantId" in stack.vapi.ring(number["phoneNumber"], CALLER)["answered"]["body"]


def test_fifty_callers_for_five_lines_get_five_and_lost_ends_keep_theirs(
    stack: Stack, api: Api, assistants: dict[str, str]
) -> None:
    acme = api("acme")
    number = active_number(acme, maxConcurrentCalls=5)
    path = f"/phone-numbers/{number['id']}"
    acme.put(f"{path}/assistant", json={"id": assistants["Front desk"]}).raise_for_status()
    stack.warm_up(4, "POST /vapi/{id}")
    lost = Delivery(drop=frozenset({"ended", "end-of-call-report"}))
    rings = [Ring(number["phoneNumber"], f"+1303555{1000 + i}", hold=True, delivery=lost) for i in range(50)]

    stories = stack.vapi.ring_many(rings, concurrency=4)

    answered = [story for story in stories if "assistantId" in story["answered"]["body"]]
    turned_away = [story for story in stories if "error" in story["answered"]["body"]]
    assert (len(answered), len(turned_away)) == (5, 45)
    held = acme.get(f"{path}/active-calls").json()["items"]
    assert {line["callId"] for line in held} == {story["callId"] for story in answered}
    assert all(line["since"] <= time.time() < line["until"] for line in held)
    for story in answered[:2]:  # their ends are lost: the lines stay taken
        stack.vapi.hang_up(story["callId"])
    assert "error" in stack.vapi.ring(number["phoneNumber"], CALLER)["answered"]["body"]
    settled_counters(acme, number["id"], inboundCalls=51)
    decisions = [stored_call(stack, number["id"], story["callId"])["decision"] for story in turned_away]
    assert {(decision["action"], decision["reason"]) for decision in decisions} == {("reject", "capacity")}


def test_a_line_is_given_back_at_the_end_of_its_call(stack: Stack, api: Api, assistants: dict[str, str]) -> None:
    acme = api("acme")
    number = active_number(acme, maxConcurrentCalls=1)
    path = f"/phone-numbers/{number['id']}"
    acme.put(f"{path}/assistant", json={"id": assistants["Front desk"]}).raise_for_status()
    first = stack.vapi.ring(number["phoneNumber"], CALLER, hold=True)
    assert "error" in stack.vapi.ring(number["phoneNumber"], "+12025550187")["answered"]["body"]
    stack.vapi.hang_up(first["callId"])
    eventually(lambda: acme.get(f"{path}/active-calls").json()["items"] == [], what="no line in use")
    again = stack.vapi.ring(number["phoneNumber"], "+12025550187")
    assert again["answered"]["body"]["assistantId"] == assistants["Front desk"]


def test_a_squad_with_one_member_that_has_a_server_is_left_alone(stack: Stack, api: Api) -> None:
    acme = api("acme")
    own = {"url": "http://127.0.0.1:9/own", "timeoutSeconds": 1}
    plain = made_at_vapi(stack, "assistant", name="Plain", serverMessages=["tool-calls"])
    served = made_at_vapi(stack, "assistant", name="Served", server=own)
    squad = made_at_vapi(
        stack, "squad", name="Team", members=[{"assistantId": plain["id"]}, {"assistantId": served["id"]}]
    )
    number = active_number(acme)
    assigned = acme.put(f"/phone-numbers/{number['id']}/assistant", json={"id": squad["id"], "type": "squad"})
    assert len(assigned.json()["warnings"]) == 1
    story = stack.vapi.ring(number["phoneNumber"], CALLER, talk_seconds=20)
    overrides = story["answered"]["body"]["squadOverrides"]
    assert "server" not in overrides
    assert "serverMessages" not in overrides
    settled_counters(acme, number["id"], totalCalls=1, averageCallDuration=20.0)
