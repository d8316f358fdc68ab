"""Businesses that cannot see each other, scopes, forged webhooks, and roles that hold what the template says."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.stack import Stack
from switchboard.webhook_token import TOKEN_HEADER
from tests.stack.acting import active_number

Api = Callable[..., httpx.Client]

OF_ONE_NUMBER = [
    pytest.param("GET", "", None, id="get"),
    pytest.param("PATCH", "", {"name": "Mine now"}, id="update"),
    pytest.param("DELETE", "", None, id="delete"),
    pytest.param("PUT", "/assistant", {"id": "5b0a4a08-0000-4000-8000-0000008c6be8"}, id="assignAssistant"),
    pytest.param("POST", "/routing-rules", {"priority": 1, "then": {"action": "reject"}}, id="addRoutingRule"),
    pytest.param("DELETE", "/routing-rules/r_1", None, id="removeRoutingRule"),
    pytest.param(
        "PUT", "/business-hours", {"timezone": "UTC", "openingHoursSpecification": []}, id="updateBusinessHours"
    ),
    pytest.param("GET", "/blocked-numbers", None, id="list blocked numbers"),
    pytest.param("POST", "/blocked-numbers", {"phoneNumber": "+12025550123"}, id="blockNumber"),
    pytest.param("DELETE", "/blocked-numbers/%2B12025550123", None, id="unblockNumber"),
    pytest.param("POST", "/route-explanations", {"caller": None}, id="explain"),
    pytest.param("POST", "/usage-analyses", {"from": 1785862800, "to": 1785866400}, id="analyzeUsage"),
    pytest.param("GET", "/active-calls", None, id="active calls"),
    pytest.param("GET", "/calls/c_1", None, id="a call"),
]
WRITES = [
    pytest.param("POST", "/phone-numbers", {"provider": "vapi"}, id="create"),
    pytest.param("PATCH", "/phone-numbers/{id}", {"name": "x"}, id="update"),
    pytest.param("DELETE", "/phone-numbers/{id}", None, id="delete"),
    pytest.param("PUT", "/phone-numbers/{id}/assistant", {"id": "x"}, id="assignAssistant"),
    pytest.param("POST", "/phone-numbers/{id}/routing-rules", {}, id="addRoutingRule"),
    pytest.param("DELETE", "/phone-numbers/{id}/routing-rules/r_1", None, id="removeRoutingRule"),
    pytest.param("PUT", "/phone-numbers/{id}/business-hours", {}, id="updateBusinessHours"),
    pytest.param("POST", "/phone-numbers/{id}/blocked-numbers", {}, id="blockNumber"),
    pytest.param("DELETE", "/phone-numbers/{id}/blocked-numbers/x", None, id="unblockNumber"),
]


@pytest.fixture(scope="module")
def acmes(api: Api) -> dict[str, str]:
    """A number of acme's."""
    return active_number(api("acme"), name="Acme's")


@pytest.mark.parametrize(("method", "beneath", "body"), OF_ONE_NUMBER)
def test_another_businesss_number_does_not_exist(
    api: Api, acmes: dict[str, str], method: str, beneath: str, body: object
) -> None:
    answer = api("globex").request(method, f"/phone-numbers/{acmes['id']}{beneath}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "number_not_found")
    assert api("acme").get(f"/phone-numbers/{acmes['id']}").json()["name"] == "Acme's"


def test_a_list_holds_the_businesss_own_numbers_alone(api: Api, acmes: dict[str, str]) -> None:
    globex = active_number(api("globex"))
    listed = {
        name: [item["id"] for item in api(name).get("/phone-numbers").json()["items"]] for name in ("acme", "globex")
    }
    assert acmes["id"] in listed["acme"]
    assert globex["id"] in listed["globex"]
    assert not set(listed["acme"]) & set(listed["globex"])


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
@pytest.mark.parametrize("scope", ["phone-numbers/read", "phone-numbers/call"])
def test_a_token_without_the_write_scope_changes_nothing(
    api: Api, acmes: dict[str, str], scope: str, method: str, path: str, body: object
) -> None:
    answer = api("acme", scope).request(method, path.format(id=acmes["id"]), json=body)
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/phone-numbers", "/phone-numbers/{id}"])
def test_a_token_without_the_read_scope_sees_nothing(api: Api, acmes: dict[str, str], path: str) -> None:
    assert api("acme", "phone-numbers/write").get(path.format(id=acmes["id"])).status_code == 403
    assert api("acme", "phone-numbers/read").get(path.format(id=acmes["id"])).status_code == 200


def test_a_forged_webhook_is_refused_and_leaves_nothing(stack: Stack, api: Api, acmes: dict[str, str]) -> None:
    other = active_number(api("acme"))
    rows = {row.get("number"): row for row in stack.vapi.state()["numbers"]}
    tokens = {
        "none": {},
        "wrong": {TOKEN_HEADER: "acme.0000"},
        "another number's": {TOKEN_HEADER: rows[other["phoneNumber"]]["server"]["headers"][TOKEN_HEADER]},
    }
    message = {
        "type": "end-of-call-report",
        "endedReason": "customer-ended-call",
        "call": {"id": "forged", "type": "inboundPhoneCall", "createdAt": "2026-08-04T17:00:00.000Z"},
    }
    for headers in tokens.values():
        answer = httpx.post(f"{stack.api_url}/vapi/{acmes['id']}", json={"message": message}, headers=headers)
        assert answer.status_code == 401
    assert api("acme").get(f"/phone-numbers/{acmes['id']}").json()["totalCalls"] == 0
    unknown = httpx.post(f"{stack.api_url}/vapi/pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD", json={"message": message})
    assert unknown.status_code == 404


def test_a_role_that_lacks_one_permission_fails_its_action(stack: Stack, api: Api) -> None:
    iam = stack.aws.session.client("iam", endpoint_url=stack.aws.endpoint_url)
    role = stack.physical_id("ListFunctionRole")
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    allowed: Any = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    lacking = json.dumps(allowed).replace("dynamodb:Query", "dynamodb:GetItem")
    assert lacking != json.dumps(allowed)
    assert api("acme").get("/phone-numbers").status_code == 200
    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=lacking)
    try:
        assert api("acme").get("/phone-numbers").status_code == 502
        assert api("acme").get("/phone-numbers/pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD").status_code == 404
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(allowed))
    assert api("acme").get("/phone-numbers").status_code == 200
