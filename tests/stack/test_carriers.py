"""A carrier's number on the deployed template, over HTTP: searched, bought, kept in step, answered, given back."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.events import BusEvents
from local.eventually import eventually
from local.stack import Stack
from tests.stack.acting import active_number, events_by_kind, made_at_vapi, settled_counters

Api = Callable[..., httpx.Client]

FORWARD = "+14155550199"


@pytest.mark.parametrize(
    ("provider", "area_code", "monthly_fee"),
    [
        ("twilio", "212", 115),  # from its price list, in dollars
        ("vonage", "646", 97.2),  # from its search: 0.90 EUR
        ("bandwidth", "919", 35),  # from the deployment's price table
    ],
)
def test_a_carriers_number_lives_from_its_search_to_its_release(
    stack: Stack, api: Api, bus_events: BusEvents, provider: str, area_code: str, monthly_fee: float
) -> None:
    acme = api("acme")
    owns = stack.carriers.owners[provider]

    found = acme.get("/available-phone-numbers", params={"provider": provider, "areaCode": area_code, "limit": 3})
    assert found.status_code == 200, found.text
    offer = found.json()["items"][0]
    phone_number = offer["phoneNumber"]
    assert phone_number.startswith(f"+1{area_code}")
    assert offer["monthlyFee"] == monthly_fee

    number = active_number(acme, provider=provider, areaCode=None, phoneNumber=phone_number)
    path = f"/phone-numbers/{number['id']}"
    assert (number["phoneNumber"], number["type"], number["country"]) == (phone_number, "local", "US")
    assert number["monthlyFee"] == monthly_fee
    assert owns(phone_number)

    changed = acme.patch(path, json={"name": "Branch", "forwardingNumber": FORWARD})
    assert changed.status_code == 200, changed.text
    row = _row(stack, number["id"])
    assert (row["name"], row["fallbackDestination"]["number"]) == ("Branch", FORWARD)

    assistant = made_at_vapi(stack, "assistant", name="Branch desk")
    acme.put(f"{path}/assistant", json={"id": assistant["id"]}).raise_for_status()
    answered = stack.vapi.ring(phone_number, "+12025550123", talk_seconds=60)
    assert answered["answered"]["body"]["assistantId"] == assistant["id"]
    settled_counters(acme, number["id"], totalCalls=1, inboundCalls=1, averageCallDuration=60.0)

    placed = acme.post(f"{path}/test-calls", json={"to": "+12025550123"}, headers={"Idempotency-Key": provider})
    assert (placed.status_code, placed.json()["test"]) == (201, True), placed.text
    test_call = f"{path}/calls/{placed.json()['id']}"
    eventually(lambda: acme.get(test_call).json()["outcome"] == "answered", timeout=60, what="an answered test call")

    released = acme.delete(path)
    assert (released.status_code, released.json()["status"]) == (200, "cancelled")
    wanted = {"created": 1, "activated": 1, "updated": 2, "Call.inbound": 1, "Call.outbound": 1}
    wanted |= {"deactivated": 1, "deleted": 1}
    eventually(lambda: events_by_kind(bus_events, number["id"]) == wanted, timeout=60, what=f"the events {wanted}")
    assert not owns(phone_number)
    assert _row(stack, number["id"]) == {}


def _row(stack: Stack, number_id: str) -> dict[str, Any]:
    """The number as Vapi has it; nothing if it has not."""
    rows = stack.vapi.state()["numbers"]
    return next((row for row in rows if row.get("server", {}).get("url", "").endswith(number_id)), {})
