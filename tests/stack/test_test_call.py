"""Test calls on the deployed template, over HTTP: placed once for a key, answered, counted apart."""

from collections.abc import Callable
from typing import Any

import httpx

from local.events import BusEvents
from local.eventually import eventually
from local.stack import Stack
from tests.stack.acting import active_number, events_by_kind, made_at_vapi

Api = Callable[..., httpx.Client]

TO = "+12025550123"


def test_a_test_call_is_answered_and_counted_apart(stack: Stack, api: Api, bus_events: BusEvents) -> None:
    acme = api("acme")
    assistant = made_at_vapi(stack, "assistant", name="Tester", serverMessages=["tool-calls"])
    number = active_number(acme, assistant={"id": assistant["id"]})
    path, key = f"/phone-numbers/{number['id']}/test-calls", {"Idempotency-Key": "once"}
    placed = [acme.post(path, json={"to": TO}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in placed] == [201, 201], placed[0].text
    (call_id,) = {answer.json()["id"] for answer in placed}
    path = f"/phone-numbers/{number['id']}/calls/{call_id}"

    def answered() -> dict[str, Any]:
        call: dict[str, Any] = acme.get(path).json()
        return call if call["outcome"] == "answered" else {}

    call = eventually(answered, what="an answered call")
    assert (call["test"], call["direction"], call["called"]) == (True, "outbound", TO)
    assert call["duration"] > 0
    eventually(lambda: events_by_kind(bus_events, number["id"])["Call.outbound"] == 1, what="Call.outbound")

    def paid() -> dict[str, Any]:
        shown: dict[str, Any] = acme.get(f"/phone-numbers/{number['id']}").json()
        return shown if shown["monthlyCost"] > 0 else {}

    shown = eventually(paid, what="the test's cost")
    assert (shown["totalCalls"], shown["outboundCalls"], shown["totalMinutes"]) == (0, 0, 0)


def test_a_call_that_costs_money_needs_its_own_scope(api: Api) -> None:
    may_all_but_call = api("acme", "phone-numbers/read phone-numbers/write")
    refused = may_all_but_call.post("/phone-numbers/pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD/test-calls", json={"to": TO})
    assert refused.status_code == 403
