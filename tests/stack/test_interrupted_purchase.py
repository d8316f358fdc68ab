"""A purchase whose answer is lost and which commits late is one purchase, however often it is asked for."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx

from local.eventually import eventually
from local.simulators.vapi import Fault
from local.stack import Stack

Api = Callable[..., httpx.Client]


def test_retries_of_an_interrupted_create_buy_one_number(stack: Stack, api: Api) -> None:
    acme = api("acme")
    stack.warm_up(4, "POST /phone-numbers")
    name = f"Interrupted {uuid4().hex[:8]}"
    key = {"Idempotency-Key": str(uuid4())}
    wanted = {"provider": "vapi", "areaCode": "415", "name": name}
    stack.vapi.fault(Fault("POST", "/phone-number", cut="before", commit_after_seconds=3))

    first = acme.post("/phone-numbers", json=wanted, headers=key)
    with ThreadPoolExecutor(4) as pool:
        retries = list(pool.map(lambda _: acme.post("/phone-numbers", json=wanted, headers=key), range(4)))

    answers = [first, *retries]
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["status"] for answer in answers} == {"inactive"}
    (number_id,) = {answer.json()["id"] for answer in answers}
    path = f"/phone-numbers/{number_id}"
    eventually(lambda: acme.get(path).json()["status"] == "active", timeout=60, what="the late purchase")
    stack.vapi.settle()
    assert len([row for row in stack.vapi.state()["numbers"] if row.get("name") == name]) == 1
    purchases = [seen for seen in stack.vapi.requests_to("POST", "/phone-number") if seen["body"].get("name") == name]
    assert len(purchases) == 1
    again = acme.post("/phone-numbers", json=wanted, headers=key)
    assert (again.status_code, again.json()["id"], again.json()["status"]) == (201, number_id, "active")
