"""One number's whole life on the deployed template, over HTTP, as a user would."""

import os
import subprocess
import sys
from collections.abc import Callable

import httpx
import pytest

from local.events import BusEvents
from local.eventually import eventually
from local.stack import Stack
from tests.stack.acting import active_number, events_by_kind, made_at_vapi, settled_counters, stored_call

Api = Callable[..., httpx.Client]


def test_a_number_lives_from_its_purchase_to_its_release(stack: Stack, api: Api, bus_events: BusEvents) -> None:
    acme = api("acme")
    assistant = made_at_vapi(stack, "assistant", name="Front desk", serverMessages=["tool-calls"])

    number = active_number(acme, name="Main line", tags=["demo"], recordingEnabled=False)
    assert number["phoneNumber"].startswith("+1415")
    assert (number["type"], number["country"], number["areaCode"]) == ("local", "US", "415")

    assigned = acme.put(f"/phone-numbers/{number['id']}/assistant", json={"id": assistant["id"]})
    assert assigned.json()["assistant"] == {"id": assistant["id"], "type": "assistant", "name": "Front desk"}

    answered = stack.vapi.ring(number["phoneNumber"], "+12025550123", talk_seconds=60)
    overrides = answered["answered"]["body"]["assistantOverrides"]
    assert overrides["serverMessages"] == ["tool-calls", "status-update", "end-of-call-report"]
    assert overrides["artifactPlan"] == {"recordingEnabled": False}
    assert "server" not in overrides
    missed = stack.vapi.ring(number["phoneNumber"], "+12025550187", "hang-up-before-answer")
    assert missed["answered"]["status"] == 200

    settled = settled_counters(acme, number["id"], totalCalls=2, inboundCalls=2, averageCallDuration=60.0)
    assert settled["totalMinutes"] == 1.0
    cents = 100 * sum(call["outcome"]["cost"] for call in (answered, missed))
    assert settled["monthlyCost"] == pytest.approx(cents, abs=1e-4) != 0
    recount = [sys.executable, "-m", "local.recount", "--number", number["id"]]
    held = subprocess.run(recount, env=os.environ | stack.aws.environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert (held.returncode, held.stdout.rpartition("; ")[2]) == (0, "differences: 0\n"), held
    assert stored_call(stack, number["id"], answered["callId"])["report"]["reason"] == "customer-ended-call"

    released = acme.delete(f"/phone-numbers/{number['id']}")
    assert (released.status_code, released.json()["status"]) == (200, "cancelled")
    wanted = {
        "created": 1,
        "activated": 1,
        "updated": 1,
        "Call.inbound": 2,
        "Call.missed": 1,
        "deactivated": 1,
        "deleted": 1,
    }
    eventually(lambda: events_by_kind(bus_events, number["id"]) == wanted, what=f"the events {wanted}")
    assert acme.get(f"/phone-numbers/{number['id']}").json()["totalCalls"] == 2
    assert number["phoneNumber"] not in [row.get("number") for row in stack.vapi.state()["numbers"]]


def test_an_outbound_call_is_counted_and_told(stack: Stack, api: Api, bus_events: BusEvents) -> None:
    acme = api("acme")
    assistant = made_at_vapi(stack, "assistant", name="Caller")
    number = active_number(acme)
    at_vapi = next(row for row in stack.vapi.state()["numbers"] if row.get("number") == number["phoneNumber"])
    made_at_vapi(
        stack,
        "call",
        phoneNumberId=at_vapi["id"],
        assistantId=assistant["id"],
        customer={"number": "+12025550123"},
    )
    settled_counters(acme, number["id"], totalCalls=1, outboundCalls=1, inboundCalls=0)
    eventually(lambda: events_by_kind(bus_events, number["id"])["Call.outbound"] == 1, what="Call.outbound")


def test_the_calls_of_an_assistant_with_its_own_server_are_learnt_from_vapis_list(
    stack: Stack, api: Api, bus_events: BusEvents
) -> None:
    acme = api("acme")
    own = {"url": "http://127.0.0.1:9/own", "timeoutSeconds": 1}
    tool = {"type": "function", "function": {"name": "lookupOrder"}}
    model = {"provider": "openai", "model": "gpt-4o", "tools": [tool]}
    assistant = made_at_vapi(stack, "assistant", name="Own server", server=own, model=model)
    number = active_number(acme)
    assigned = acme.put(f"/phone-numbers/{number['id']}/assistant", json={"id": assistant["id"]})
    assert len(assigned.json()["warnings"]) == 1

    story = stack.vapi.ring(number["phoneNumber"], "+12025550123", talk_seconds=30)

    assert "serverMessages" not in story["answered"]["body"]["assistantOverrides"]
    told_us = [message for message in story["messages"] if number["id"] in str(message["deliveredTo"])]
    assert told_us == []
    assert [m["deliveredTo"] for m in story["messages"] if m["type"] == "tool-calls"] == [own["url"]]
    settled_counters(acme, number["id"], totalCalls=1, averageCallDuration=30.0)
    eventually(lambda: events_by_kind(bus_events, number["id"])["Call.inbound"] == 1, what="Call.inbound")


def test_a_number_out_of_service_turns_callers_away(stack: Stack, api: Api) -> None:
    acme = api("acme")
    number = active_number(acme, inboundSettings={"rejectMessage": "This line is closed."})
    suspended = acme.patch(f"/phone-numbers/{number['id']}", json={"status": "suspended"})
    assert suspended.json()["status"] == "suspended"
    story = stack.vapi.ring(number["phoneNumber"], "+12025550123")
    assert story["answered"]["body"] == {"error": "This line is closed."}
    stored = eventually(lambda: stored_call(stack, number["id"], story["callId"]), what="the call")
    assert (stored["decision"]["action"], stored["decision"]["reason"]) == ("reject", "inactive")
