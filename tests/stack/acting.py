"""What the stack tests do over and over: buy a number, make an assistant at Vapi, wait for counters and events."""

from collections import Counter
from typing import Any
from uuid import uuid4

import httpx

from local.events import BusEvents
from local.eventually import eventually
from local.stack import VAPI_API_KEY, Stack


def made_at_vapi(stack: Stack, kind: str, **settings: Any) -> dict[str, Any]:
    """An assistant or squad, made as its owner makes it at Vapi. kind: `assistant` or `squad`."""
    headers = {"Authorization": f"Bearer {VAPI_API_KEY}"}
    made: dict[str, Any] = (
        httpx.post(f"{stack.vapi.url}/{kind}", json=settings, headers=headers).raise_for_status().json()
    )
    return made


def active_number(api: httpx.Client, **wanted: Any) -> dict[str, Any]:
    """Bought over HTTP, and waited for until the schedule has activated it."""
    request = {"provider": "vapi", "areaCode": "415", **wanted}
    bought = api.post("/phone-numbers", json=request, headers={"Idempotency-Key": str(uuid4())})
    assert bought.status_code == 201, bought.text
    path = f"/phone-numbers/{bought.json()['id']}"
    return eventually(lambda: _if_active(api.get(path).json()), what="an active number")


def _if_active(number: dict[str, Any]) -> dict[str, Any]:
    return number if number["status"] == "active" else {}


def settled_counters(api: httpx.Client, number_id: str, **expected: Any) -> dict[str, Any]:
    """The number once its counters are as expected."""

    def look() -> dict[str, Any]:
        number: dict[str, Any] = api.get(f"/phone-numbers/{number_id}").json()
        return number if {name: number[name] for name in expected} == expected else {}

    return eventually(look, timeout=60, what=f"counters {expected} of {number_id}")


def events_by_kind(bus_events: BusEvents, number_id: str) -> Counter[str]:
    """How many different events of each detail-type; a repeated delivery has the same eventId and counts once."""
    seen = {event["detail"]["eventId"]: event["detail-type"] for event in bus_events.of(number_id)}
    return Counter(seen.values())


def stored_call(stack: Stack, number_id: str, call_id: str) -> dict[str, Any]:
    """The call's item as it is kept."""
    table = stack.aws.session.resource("dynamodb", endpoint_url=stack.aws.endpoint_url).Table(
        stack.outputs["TableName"]
    )
    item: dict[str, Any] = table.get_item(Key={"PK": f"NUMBER#{number_id}", "SK": f"CALL#{call_id}"}).get("Item", {})
    return item
