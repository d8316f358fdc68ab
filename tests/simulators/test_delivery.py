"""Messages that come twice, late, in another order or not at all, and retries by the backoff plan (vapi.md 4)."""

import httpx
import pytest

from local.eventually import eventually
from local.simulators.vapi import Delivery, VapiSimulator
from tests.simulators.conftest import ASSISTANT, Json, Receiver

CALLER = "+12025550123"
STORY = ["status-update in-progress", "status-update ended", "end-of-call-report"]


@pytest.fixture
def ready(receiver: Receiver, assistant: Json) -> None:
    messages = ["status-update", "end-of-call-report"]
    receiver.answer = {"assistantId": assistant["id"], "assistantOverrides": {"serverMessages": messages}}


@pytest.mark.usefixtures("ready")
def test_messages_can_come_twice(vapi: VapiSimulator, receiver: Receiver, number: Json) -> None:
    vapi.ring(number["number"], CALLER, delivery=Delivery(repeat=2, repeat_request=3))
    assert receiver.kinds() == ["assistant-request"] * 3 + [kind for kind in STORY for _ in range(2)]
    first, second = receiver.messages("end-of-call-report")
    assert first == second


@pytest.mark.usefixtures("ready")
def test_a_shuffle_is_the_same_for_the_same_seed(vapi: VapiSimulator, receiver: Receiver, number: Json) -> None:
    orders = set()
    for seed in [*range(12), *range(12)]:
        receiver.received.clear()
        vapi.ring(number["number"], CALLER, delivery=Delivery(shuffle=True, seed=seed))
        assert sorted(receiver.kinds()[1:]) == sorted(STORY)
        orders.add((seed, *receiver.kinds()))
    assert len(orders) == 12
    assert len({order[1:] for order in orders}) > 2


@pytest.mark.usefixtures("ready")
def test_messages_can_be_lost_and_the_call_list_still_knows(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json
) -> None:
    vapi.delivery = Delivery(drop=frozenset({"ended", "end-of-call-report"}))
    story = vapi.ring(number["number"], CALLER)
    assert receiver.kinds()[1:] == ["status-update in-progress"]
    assert [each.get("dropped", False) for each in story["messages"]] == [False, True, True]
    assert client.get(f"/call/{story['callId']}").json()["status"] == "ended"


@pytest.mark.usefixtures("ready")
def test_trouble_can_be_ordered_by_http(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json
) -> None:
    client.post("/_simulator/delivery", json={"drop": ["in-progress"], "delaySeconds": 0.001})
    assert vapi.delivery == Delivery(drop=frozenset({"in-progress"}), delay_seconds=0.001)
    ring = {"to": number["number"], "from": CALLER}
    client.post("/_simulator/ring", json=ring)
    assert receiver.kinds()[1:] == STORY[1:]
    receiver.received.clear()
    client.post("/_simulator/ring", json={**ring, "delivery": {"drop": ["ended"]}})
    assert receiver.kinds()[1:] == [STORY[0], STORY[2]]


@pytest.mark.parametrize(
    ("plan", "statuses", "attempts", "http_status"),
    [
        (None, [500, 500], 1, 500),
        ({"type": "fixed", "maxRetries": 0, "baseDelaySeconds": 0}, [500], 1, 500),
        ({"type": "fixed", "maxRetries": 3, "baseDelaySeconds": 1}, [500, 503], 3, 200),
        ({"type": "exponential", "maxRetries": 1, "baseDelaySeconds": 1}, [500, 503, 500], 2, 503),
        (
            {"type": "exponential", "maxRetries": 3, "baseDelaySeconds": 1, "excludedStatusCodes": [404]},
            [500, 404],
            2,
            404,
        ),
    ],
)
@pytest.mark.usefixtures("ready")
def test_a_backoff_plan_is_obeyed(
    vapi: VapiSimulator,
    client: httpx.Client,
    receiver: Receiver,
    number: Json,
    plan: Json | None,
    statuses: list[int],
    attempts: int,
    http_status: int,
) -> None:
    server = {"url": f"{receiver.url}/number", **({"backoffPlan": plan} if plan else {})}
    client.patch(f"/phone-number/{number['id']}", json={"provider": "vapi", "server": server})
    receiver.statuses = [200, *statuses]
    delivery = Delivery(drop=frozenset({"ended", "end-of-call-report"}), retry_delay_scale=0)
    sent = vapi.ring(number["number"], CALLER, delivery=delivery)["messages"][0]
    assert (sent["attempts"], sent["httpStatus"]) == (attempts, http_status)
    assert receiver.kinds()[1:] == ["status-update in-progress"] * attempts


def test_a_reset_forgets_what_is_waiting_to_be_sent_again(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json
) -> None:
    patient = {"type": "fixed", "maxRetries": 10, "baseDelaySeconds": 10}
    server = {"url": f"{receiver.url}/number", "backoffPlan": patient}
    patch = {"provider": "vapi", "server": server}
    assert client.patch(f"/phone-number/{number['id']}", json=patch).status_code == 200
    receiver.statuses = [503]
    body = {"phoneNumberId": number["id"], "assistant": ASSISTANT, "customer": {"number": CALLER}}
    assert client.post("/call", json=body).status_code == 201
    eventually(lambda: receiver.received, 10, "the first message")
    vapi.reset()
    vapi.settle()
    assert len(receiver.received) == 1


@pytest.mark.usefixtures("ready")
def test_a_server_that_is_gone_is_reported_as_no_status(vapi: VapiSimulator, receiver: Receiver, number: Json) -> None:
    receiver.answer["assistantOverrides"]["server"] = {"url": "http://127.0.0.1:9/gone"}
    sent = vapi.ring(number["number"], CALLER)["messages"]
    assert [(each["httpStatus"], each["attempts"]) for each in sent] == [(None, 1)] * 3


@pytest.mark.usefixtures("ready")
def test_the_servers_headers_travel_and_the_secret_is_empty(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json
) -> None:
    vapi.ring(number["number"], CALLER)
    assert {each.headers["X-Vapi-Secret"] for each in receiver.received} == {""}
    receiver.received.clear()
    server = {"url": f"{receiver.url}/number", "headers": {"x-vapi-secret": "token", "X-Tenant": "acme"}}
    client.patch(f"/phone-number/{number['id']}", json={"provider": "vapi", "server": server})
    vapi.ring(number["number"], CALLER)
    assert {(each.headers["x-vapi-secret"], each.headers["X-Tenant"]) for each in receiver.received} == {
        ("token", "acme")
    }
    assert all("X-Vapi-Secret" not in each.headers for each in receiver.received)
