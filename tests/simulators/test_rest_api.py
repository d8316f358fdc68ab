"""Vapi's REST API: numbers, assistants, squads and calls as rows (vapi.md 1 and 5)."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import phonenumbers
import pytest

from local.simulators.vapi import VapiSimulator
from tests.simulators.conftest import ASSISTANT, Connect, Json

UNKNOWN = "00000000-0000-4000-8000-000000000000"
SERVER = {
    "url": "https://hooks.example.com/vapi",
    "headers": {"X-Token": "t"},
    "backoffPlan": {"type": "exponential", "maxRetries": 3, "baseDelaySeconds": 1, "excludedStatusCodes": [400]},
}


def buy(client: httpx.Client, **fields: Any) -> Json:
    answer = client.post("/phone-number", json={"provider": "vapi", **fields})
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


def until(condition: Callable[[], Any], seconds: float = 5.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)
    return found


def test_a_bought_number_is_activating_without_a_number_and_then_active_with_one(client: httpx.Client) -> None:
    bought = buy(client, numberDesiredAreaCode="415", name="Main line", server=SERVER)
    assert (bought["status"], "number" in bought, bought["server"]) == ("activating", False, SERVER)

    active = client.get(f"/phone-number/{bought['id']}").json()
    assert (active["status"], active["number"][:5], active["server"]) == ("active", "+1415", SERVER)
    assert phonenumbers.is_valid_number(phonenumbers.parse(active["number"]))


def test_activation_takes_its_time(connect: Connect) -> None:
    with VapiSimulator(api_key="key", activation_seconds=0.2) as vapi:
        client = connect(vapi)
        path = f"/phone-number/{buy(client)['id']}"
        assert client.get(path).json()["status"] == "activating"
        assert until(lambda: client.get(path).json().get("number"))


def test_two_hundred_numbers_of_one_area_code_are_all_different_and_valid(client: httpx.Client) -> None:
    for _ in range(200):
        buy(client, numberDesiredAreaCode="415")
    numbers = {row["number"] for row in client.get("/phone-number?limit=1000").json()}
    assert len(numbers) == 200
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(each)) for each in numbers)


def test_an_unavailable_area_code_comes_with_a_hint(client: httpx.Client) -> None:
    answer = client.post("/phone-number", json={"provider": "vapi", "numberDesiredAreaCode": "000"})
    assert answer.status_code == 400
    assert answer.json()["message"] == "This area code is currently not available. Hint: Try one of 701, 279, 406."
    assert client.get("/phone-number").json() == []


def test_the_number_limit_counts_bought_numbers_only(connect: Connect) -> None:
    with VapiSimulator(api_key="key", number_limit=1) as vapi:
        client = connect(vapi)
        twilio = {"provider": "twilio", "number": "+14155550101", "twilioAccountSid": "AC1", "twilioAuthToken": "x"}
        buy(client, **twilio)
        first = buy(client)
        assert client.post("/phone-number", json={"provider": "vapi"}).status_code == 400
        client.delete(f"/phone-number/{first['id']}")
        buy(client)


def owned(number: str) -> bool:
    return number == "+14155550100"


def test_a_number_that_its_carrier_does_not_have_is_not_imported(connect: Connect) -> None:
    credential = {"credentialId": UNKNOWN}
    with VapiSimulator(api_key="key", owners={"vonage": owned}) as vapi:
        client = connect(vapi)
        buy(client, provider="vonage", number="14155550100", **credential)
        refused = client.post("/phone-number", json={"provider": "vonage", "number": "14155550101", **credential})
        assert (refused.status_code, refused.json()["message"]) == (400, "Number Not Found on Vonage")
        buy(client, provider="byo-phone-number", number="+14155550101", **credential)
        assert len(client.get("/phone-number").json()) == 2


def test_a_number_that_a_carrier_has_sold_is_not_sold_by_vapi_too(connect: Connect) -> None:
    with VapiSimulator(api_key="key", activation_seconds=0, owners={"vonage": owned}) as vapi:
        client = connect(vapi)
        for _ in range(2):
            buy(client, numberDesiredAreaCode="415")
        assert {row["number"] for row in client.get("/phone-number").json()} == {"+14155550101", "+14155550102"}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "provider must be one of the following values: vapi, twilio, vonage, telnyx, byo-phone-number"),
        ({"provider": "vapi", "name": "x" * 41}, "name must be shorter than or equal to 40 characters"),
        (
            {"provider": "vapi", "numberDesiredAreaCode": "41"},
            "numberDesiredAreaCode must be longer than or equal to 3 characters",
        ),
        ({"provider": "vapi", "tags": []}, "property tags should not exist"),
        ({"provider": "twilio", "twilioAccountSid": "AC1"}, "number must be a string"),
        ({"provider": "vonage", "number": "+14155550101"}, "credentialId must be a UUID"),
        ({"provider": "vapi", "assistantId": "a"}, "assistantId must be a UUID"),
        (
            {"provider": "vapi", "server": {"url": "https://x", "timeoutSeconds": 301}},
            "server.timeoutSeconds must not be greater than 300",
        ),
        (
            {
                "provider": "vapi",
                "server": {"url": "https://x", "backoffPlan": {"type": "fixed", "baseDelaySeconds": 1}},
            },
            "server.backoffPlan.maxRetries must be a number conforming to the specified constraints",
        ),
        (
            {"provider": "vapi", "fallbackDestination": {"type": "number", "number": "1"}},
            "fallbackDestination.number must be longer than or equal to 3 characters",
        ),
        (
            {"provider": "vapi", "hooks": [{"on": "call.ringing", "do": {"type": "say", "exact": "No."}}]},
            "hooks.0.do must be an array",
        ),
    ],
)
def test_a_wrong_body_is_a_400_with_a_list_of_messages(client: httpx.Client, body: Json, complaint: str) -> None:
    answer = client.post("/phone-number", json=body)
    assert answer.status_code == 400
    assert complaint in answer.json()["message"]
    assert answer.json()["error"] == "Bad Request"
    assert client.get("/phone-number").json() == []


def test_an_update_leaves_omitted_keys_replaces_objects_whole_and_unassigns_by_null(
    client: httpx.Client, assistant: Json
) -> None:
    hooks = [{"on": "call.ringing", "do": [{"type": "say", "exact": "Closed."}]}]
    path = f"/phone-number/{buy(client, name='Main line', server=SERVER, hooks=hooks)['id']}"
    before = client.get(path).json()

    client.patch(path, json={"provider": "vapi", "assistantId": assistant["id"]})
    assigned = client.get(path).json()
    assert {**assigned, "assistantId": None, "updatedAt": before["updatedAt"]} == before
    assert assigned["updatedAt"] > before["updatedAt"]

    changed = client.patch(
        path, json={"server": {"url": "https://other.example.com"}, "hooks": [], "assistantId": None}
    )
    assert changed.json()["server"] == {"url": "https://other.example.com"}
    assert (changed.json()["hooks"], changed.json()["assistantId"]) == ([], None)


def test_an_area_code_an_unknown_assistant_and_another_provider_are_refused_in_an_update(client: httpx.Client) -> None:
    path = f"/phone-number/{buy(client)['id']}"
    for body in ({"numberDesiredAreaCode": "415"}, {"assistantId": UNKNOWN}, {"provider": "twilio"}):
        assert client.patch(path, json=body).status_code == 400


def test_a_deleted_number_is_returned_and_gone(client: httpx.Client) -> None:
    path = f"/phone-number/{buy(client, name='Main line')['id']}"
    assert client.delete(path).json()["name"] == "Main line"
    for answer in (client.get(path), client.delete(path), client.patch(path, json={"name": "x"})):
        assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")


def test_a_twilio_number_is_active_at_once_and_shows_its_secrets(client: httpx.Client) -> None:
    row = buy(client, provider="twilio", number="+14155550101", twilioAccountSid="AC1", twilioAuthToken="secret")
    assert (row["status"], row["number"], row["twilioAuthToken"]) == ("active", "+14155550101", "secret")


def test_a_wrong_key_a_wrong_path_and_the_default_agent_of_urllib_are_refused(
    client: httpx.Client, vapi: VapiSimulator
) -> None:
    wrong = client.get("/phone-number", headers={"Authorization": "Bearer wrong"})
    assert (wrong.status_code, wrong.json()["message"][:12]) == (401, "Invalid Key.")
    assert httpx.get(f"{vapi.url}/phone-number").status_code == 401
    assert client.get("/phone-number/buy/now").status_code == 404

    headers = {"Authorization": f"Bearer {vapi.api_key}", "User-Agent": "Python-urllib/3.13"}
    blocked = httpx.get(f"{vapi.url}/phone-number", headers=headers)
    assert (blocked.status_code, blocked.text) == (403, "error code: 1010")


def test_lists_are_newest_first_and_page_by_creation(client: httpx.Client, vapi: VapiSimulator) -> None:
    for day in range(1, 6):
        created = f"2026-08-0{day}T00:00:00.000Z"
        vapi.store.insert("assistant", {**ASSISTANT, "name": str(day), "createdAt": created, "updatedAt": created})

    def names(query: str) -> str:
        return "".join(row["name"] for row in client.get(f"/assistant?{query}").json())

    assert names("") == "54321"
    assert names("limit=2") == "54"
    assert names("limit=2&createdAtLt=2026-08-04T00:00:00.000Z") == "32"
    assert names("createdAtLe=2026-08-04T00:00:00Z&createdAtGt=2026-08-02T02:00:00%2B02:00") == "43"
    assert names("updatedAtGe=2026-08-05T00:00:00.000Z") == "5"
    assert names("limit=0") == ""


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("limit=1001", "limit must not be greater than 1000"),
        ("limit=-1", "limit must not be less than 0"),
        ("limit=many", "limit must be a number conforming to the specified constraints"),
        ("createdAtGt=yesterday", "createdAtGt must be a valid ISO 8601 date string"),
    ],
)
def test_wrong_filters_are_a_400(client: httpx.Client, query: str, complaint: str) -> None:
    answer = client.get(f"/call?{query}")
    assert (answer.status_code, answer.json()["message"]) == (400, [complaint])


def test_the_second_version_of_the_list_pages_searches_and_sorts(client: httpx.Client) -> None:
    for name in ("one", "two", "three"):
        buy(client, name=name)
    first = client.get("/v2/phone-number?limit=2&sortOrder=ASC").json()
    assert [row["name"] for row in first["results"]] == ["one", "two"]
    metadata = {
        "itemsPerPage": 2,
        "totalItems": 3,
        "currentPage": 1,
        "totalPages": 2,
        "hasNextPage": True,
        "sortOrder": "ASC",
    }
    assert first["metadata"] == metadata
    assert [row["name"] for row in client.get("/v2/phone-number?limit=2&page=2&sortOrder=ASC").json()["results"]] == [
        "three"
    ]
    assert [row["name"] for row in client.get("/v2/phone-number?search=THR").json()["results"]] == ["three"]


@pytest.mark.parametrize("kind", ["assistant", "squad"])
def test_assistants_and_squads_live_and_die(client: httpx.Client, assistant: Json, kind: str) -> None:
    body = ASSISTANT if kind == "assistant" else {"name": "Front desk", "members": [{"assistantId": assistant["id"]}]}
    made = client.post(f"/{kind}", json=body)
    assert made.status_code == 201
    path = f"/{kind}/{made.json()['id']}"
    assert client.get(path).json() == made.json()
    assert client.patch(path, json={"name": "Back office"}).json()["name"] == "Back office"
    assert made.json()["id"] in [row["id"] for row in client.get(f"/{kind}").json()]
    assert client.patch(path, json={"name": 1}).json()["message"] == ["name must be a string"]
    assert client.delete(path).json()["name"] == "Back office"
    assert client.get(path).status_code == 404


def test_an_outbound_call_is_refused_without_someone_to_talk_and_someone_to_reach(
    client: httpx.Client, assistant: Json, number: Json
) -> None:
    complete = {"phoneNumberId": number["id"], "assistantId": assistant["id"], "customer": {"number": "+12025550123"}}
    for missing in complete:
        rest = {key: value for key, value in complete.items() if key != missing}
        assert client.post("/call", json=rest).status_code == 400
    for wrong in (
        {"assistantId": UNKNOWN},
        {"phoneNumberId": UNKNOWN},
        {"customer": {"number": "2025550123"}},
        {"name": "x" * 41},
    ):
        assert client.post("/call", json={**complete, **wrong}).status_code == 400
    assert client.get("/call").json() == []


def test_the_simulator_can_be_steered_by_http_and_reset(vapi: VapiSimulator, client: httpx.Client) -> None:
    bought = buy(client)
    edited = client.patch(f"/_simulator/phone-number/{bought['id']}", json={"status": "blocked"})
    assert (edited.status_code, client.get(f"/phone-number/{bought['id']}").json()["status"]) == (200, "blocked")
    seen = client.get("/_simulator/requests").json()
    assert (seen[0]["method"], seen[0]["path"], seen[0]["status"]) == ("POST", "/phone-number", 201)
    assert seen[0]["body"] == {"provider": "vapi"}
    assert seen[0]["userAgent"].startswith("python-httpx")
    assert [row["id"] for row in client.get("/_simulator/state").json()["numbers"]] == [bought["id"]]

    assert client.post("/_simulator/reset").status_code == 200
    assert vapi.requests == []
    assert client.get("/phone-number").json() == []
    assert client.post("/_simulator/ring", json={"to": "+17015550100"}).status_code == 400
    assert client.post("/_simulator/ring", json={"to": "+17015550100", "from": None}).status_code == 404
    assert client.post("/_simulator/faults", json=[{"pth": "/call"}]).status_code == 400
