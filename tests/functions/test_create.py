"""POST /phone-numbers: what is bought, what is refused, and what is left behind of a purchase that fails."""

import json
import os
import socket
from typing import Any

import boto3
import pytest

from local.simulators.vapi import Fault
from switchboard.webhook_token import TOKEN_HEADER, make_token
from tests.functions.conftest import REGION, WEBHOOK_KEYS, Deployment
from tests.support.invoking import Answer

SEED = """
    id phoneNumber business assistant name description status type provider country region city areaCode capabilities
    direction purchaseDate activationDate monthlyFee perMinuteCost setupFee inboundSettings outboundSettings
    voicemailEnabled voicemailUrl recordingEnabled transcriptionEnabled callerIdName forwardingEnabled forwardingNumber
    businessHours afterHoursAction afterHoursMessage blockedNumbers allowedNumbers spamFilter maxConcurrentCalls
    callRoutingRules webhookUrl webhookSecret totalCalls inboundCalls outboundCalls averageCallDuration totalMinutes
    monthlyCost tags metadata created updated
"""
PROPERTIES = frozenset(SEED.split())

PURCHASE = ("POST", "/phone-number")


def buy(aws: Deployment, business: str = "acme", key: str | None = None, **wanted: Any) -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    return aws.api("POST", "/phone-numbers", business, body={"provider": "vapi", **wanted}, headers=headers)


def rule(**settings: Any) -> dict[str, Any]:
    return {"id": "r1", "priority": 1, "when": {}, "then": {"action": "reject"}, **settings}


def test_the_answer_is_the_whole_number_with_its_address_and_version(aws: Deployment) -> None:
    bought = buy(aws, areaCode="415", name="Main")
    assert bought.status == 201
    assert len(PROPERTIES) == 49
    assert bought.body.keys() >= PROPERTIES
    assert bought.headers["location"] == f"/phone-numbers/{bought.body['id']}"
    assert bought.headers["etag"] == f'"{bought.body["version"]}"'
    read = aws.api("GET", bought.headers["location"])
    assert (read.body, read.headers["etag"]) == (bought.body, bought.headers["etag"])


def test_the_number_is_inactive_until_its_provider_has_activated_it(aws: Deployment) -> None:
    bought = buy(aws).body
    assert bought["status"] == "inactive"
    assert bought["provisioning"]["state"] == "activating"
    assert (bought["phoneNumber"], bought["activationDate"]) == (None, None)
    assert bought["purchaseDate"] >= bought["created"]


def test_the_number_is_active_at_once_if_the_provider_says_so(aws: Deployment) -> None:
    row = {"id": "11111111-1111-4111-8111-111111111111", "number": "+14155550142", "status": "active"}
    aws.vapi.fault(Fault(*PURCHASE, status=201, body={**row, "createdAt": "2026-08-04T17:00:00.000Z"}))
    bought = buy(aws).body
    assert (bought["status"], bought["provisioning"]["state"]) == ("active", "ready")
    assert bought["phoneNumber"] == "+14155550142"


def test_the_number_is_registered_bare_with_our_server_and_its_token(aws: Deployment) -> None:
    assistant = aws.at_vapi("assistant", name="Front desk")
    bought = buy(
        aws, areaCode="415", name="Main", assistant={"id": assistant["id"]}, forwardingNumber="+14155550199"
    ).body
    (sent,) = aws.purchases()
    server = sent.pop("server")
    assert sent == {
        "provider": "vapi",
        "name": "Main",
        "numberDesiredAreaCode": "415",
        "fallbackDestination": {"type": "number", "number": "+14155550199", "message": ""},
    }
    assert server["url"] == f"https://switchboard.example/vapi/{bought['id']}"
    assert server["headers"] == {TOKEN_HEADER: make_token(WEBHOOK_KEYS, bought["id"], "acme")}
    assert {400, 401, 403, 404} <= set(server["backoffPlan"]["excludedStatusCodes"])


def test_without_a_public_base_url_the_server_url_is_the_name_by_which_the_request_came(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLIC_BASE_URL", "")
    bought = buy(aws).body
    (sent,) = aws.purchases()
    assert sent["server"]["url"] == f"https://api.execute-api.us-east-1.amazonaws.com/vapi/{bought['id']}"


def test_the_assistant_is_shown_by_its_name_at_vapi(aws: Deployment) -> None:
    assistant = aws.at_vapi("assistant", name="Front desk")
    shown = buy(aws, assistant={"id": assistant["id"]}).body["assistant"]
    assert shown == {"id": assistant["id"], "type": "assistant", "name": "Front desk"}


def test_a_webhook_url_brings_a_secret_that_is_told_once(aws: Deployment) -> None:
    bought = buy(aws, webhookUrl="https://acme.example/hook").body
    assert bought["webhookSecret"].startswith("whsec_")
    assert "*" not in bought["webhookSecret"]
    assert aws.api("GET", f"/phone-numbers/{bought['id']}").body["webhookSecret"] == "whsec_********"
    assert buy(aws).body["webhookSecret"] is None


def test_the_same_key_buys_one_number_and_shows_it_again(aws: Deployment) -> None:
    first, second = (buy(aws, key="k1", name="Main") for _ in range(2))
    assert (first.status, second.status) == (201, 201)
    assert first.body["id"] == second.body["id"]
    assert first.headers["location"] == second.headers["location"]
    assert len(aws.purchases()) == 1
    assert len(aws.items("NUMBER#")) == 1


def test_a_key_is_not_good_for_another_request(aws: Deployment) -> None:
    bought = buy(aws, key="k1", name="Main").body
    refused = buy(aws, key="k1", name="Other")
    assert (refused.status, refused.body["code"]) == (422, "idempotency_key_reused")
    assert aws.api("GET", f"/phone-numbers/{bought['id']}").body["name"] == "Main"
    assert len(aws.purchases()) == 1


def test_the_same_key_of_two_businesses_buys_two_numbers(aws: Deployment) -> None:
    acme, globex = buy(aws, "acme", key="k1"), buy(aws, "globex", key="k1")
    assert (acme.body["business"], globex.body["business"]) == ("acme", "globex")
    assert acme.body["id"] != globex.body["id"]
    assert len(aws.purchases()) == 2


def test_without_a_key_every_request_buys(aws: Deployment) -> None:
    assert buy(aws).body["id"] != buy(aws).body["id"]
    assert len(aws.purchases()) == 2


CONTRADICTIONS: list[tuple[str, dict[str, Any]]] = [
    ("callerIdName", {"callerIdName": "ACME"}),
    ("forwardingEnabled", {"forwardingEnabled": True}),
    ("afterHoursAction", {"afterHoursAction": "forward"}),
    ("afterHoursAction", {"afterHoursAction": "voicemail"}),
    ("inboundSettings.whenBusy", {"inboundSettings": {"whenBusy": "forward"}}),
    ("inboundSettings.whenBusy", {"inboundSettings": {"whenBusy": "voicemail"}}),
    ("inboundSettings.spamAction", {"inboundSettings": {"spamAction": "voicemail"}}),
    ("callRoutingRules.1.priority", {"callRoutingRules": [rule(), rule(id="r2")]}),
    ("callRoutingRules.1.id", {"callRoutingRules": [rule(), rule(priority=2)]}),
]
NOT_AT_VAPI: list[tuple[str, dict[str, Any]]] = [
    ("country", {"country": "GB"}),
    ("type", {"type": "toll-free"}),
    ("phoneNumber", {"phoneNumber": "+14155550100"}),
    ("contains", {"contains": "555"}),
    ("purchase", {"purchase": False, "phoneNumber": "+14155550100"}),
    ("areaCode", {"areaCode": "4155"}),
]
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("colour", {"colour": "red"}),
    ("inboundSettings.colour", {"inboundSettings": {"colour": "red"}}),
    ("callRoutingRules.0.then.colour", {"callRoutingRules": [rule(then={"action": "reject", "colour": "red"})]}),
    ("name", {"name": "n" * 41}),
    ("business", {"business": "globex"}),
    ("status", {"status": "active"}),
    ("areaCode", {"areaCode": "four"}),
    ("webhookUrl", {"webhookUrl": "http://acme.example/hook"}),
    ("metadata", {"metadata": {"a": "x" * 16_400}}),
]


@pytest.mark.parametrize(("path", "wanted"), [*CONTRADICTIONS, *NOT_AT_VAPI, *WRONG], ids=lambda value: str(value)[:60])
def test_a_refused_field_is_named_by_its_path_and_nothing_is_written_or_bought(
    aws: Deployment, path: str, wanted: dict[str, Any]
) -> None:
    refused = aws.api("POST", "/phone-numbers", body={"provider": "vapi", **wanted})
    assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json")
    assert path in [error["path"] for error in refused.body["errors"]]
    assert (aws.items(), aws.purchases()) == ([], [])


def test_all_refused_fields_are_named_at_once(aws: Deployment) -> None:
    refused = buy(aws, colour="red", name="", areaCode="x")
    assert {error["path"] for error in refused.body["errors"]} == {"colour", "name", "areaCode"}


@pytest.mark.parametrize("provider", ["twilio", "vonage", "bandwidth"])
def test_a_carrier_without_credentials_is_not_configured_and_says_what_to_set(aws: Deployment, provider: str) -> None:
    refused = buy(aws, provider=provider)
    assert (refused.status, refused.body["code"]) == (422, "provider_not_configured")
    assert provider in refused.body["detail"]
    assert "secret" in refused.body["detail"]
    assert (aws.items(), aws.purchases()) == ([], [])


def test_an_unknown_provider_is_a_refused_field(aws: Deployment) -> None:
    assert [error["path"] for error in buy(aws, provider="acme").body["errors"]] == ["provider"]


@pytest.mark.parametrize("kind", ["assistant", "squad"])
def test_an_assistant_that_vapi_does_not_have_is_refused_before_anything_is_bought(aws: Deployment, kind: str) -> None:
    refused = buy(aws, assistant={"id": "11111111-1111-4111-8111-111111111111", "type": kind})
    assert refused.status == 422
    assert [error["path"] for error in refused.body["errors"]] == ["assistant.id"]
    assert (aws.items(), aws.purchases()) == ([], [])


def test_a_purchase_that_vapi_refuses_ends_cancelled_and_tells_vapis_hint_every_time(aws: Deployment) -> None:
    first, again = (buy(aws, key="k1", areaCode="000") for _ in range(2))
    assert (first.status, first.body["code"]) == (409, "purchase_refused")
    assert "Try one of 701, 279, 406" in first.body["detail"]
    assert (again.status, again.body) == (first.status, first.body)
    assert len(aws.purchases()) == 1
    (number,) = aws.api("GET", "/phone-numbers").body["items"]
    assert (number["status"], number["provisioning"]["state"]) == ("cancelled", "failed")
    assert aws.events() == []


def test_a_rejected_key_is_a_bad_gateway_and_leaves_nothing(aws: Deployment) -> None:
    aws.vapi.fault(Fault(*PURCHASE, status=401))
    refused = buy(aws, key="k1")
    assert (refused.status, refused.body["code"]) == (502, "provider_credentials_rejected")
    assert (aws.items(), aws.rows()) == ([], [])


def test_a_busy_provider_leaves_nothing_and_the_retry_buys_one(aws: Deployment) -> None:
    aws.vapi.fault(Fault(*PURCHASE, status=429))
    refused = buy(aws, key="k1")
    assert (refused.status, refused.body["code"]) == (503, "provider_busy")
    assert int(refused.headers["retry-after"]) > 0
    assert (aws.items(), aws.rows()) == ([], [])
    assert buy(aws, key="k1").status == 201
    assert len(aws.rows()) == 1


def test_a_provider_that_cannot_be_reached_leaves_nothing(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("VAPI_BASE_URL", f"http://127.0.0.1:{port}")
    refused = buy(aws)
    assert (refused.status, refused.body["code"]) == (503, "provider_unreachable")
    assert int(refused.headers["retry-after"]) > 0
    assert aws.items() == []


def test_a_deployment_without_a_vapi_key_says_where_to_put_it(aws: Deployment) -> None:
    arn = os.environ["VAPI_SECRET_ARN"]
    boto3.client("secretsmanager", region_name=REGION).put_secret_value(
        SecretId=arn, SecretString=json.dumps({"apiKey": ""})
    )
    refused = buy(aws)
    assert (refused.status, refused.body["code"]) == (422, "provider_not_configured")
    assert arn in refused.body["detail"]
    assert '{"apiKey": "..."}' in refused.body["detail"]
    assert (aws.items(), aws.purchases()) == ([], [])


def test_a_body_that_is_no_json_is_a_bad_request(aws: Deployment) -> None:
    refused = aws.api("POST", "/phone-numbers", raw='{"provider": ')
    assert (refused.status, refused.body["code"]) == (400, "not_json")


def test_a_body_that_does_not_say_that_it_is_json_is_no_medium_of_ours(aws: Deployment) -> None:
    headers = {"Content-Type": "text/plain"}
    refused = aws.api("POST", "/phone-numbers", body={"provider": "vapi"}, headers=headers)
    assert (refused.status, refused.headers["content-type"]) == (415, "application/problem+json")
    assert refused.body["code"] == "not_json"
    assert aws.items() == []


@pytest.mark.parametrize("raw", ["", "null", "[]", '"vapi"', "7"])
def test_a_body_that_is_no_object_is_refused(aws: Deployment, raw: str) -> None:
    refused = aws.api("POST", "/phone-numbers", raw=raw)
    assert refused.status == 422
    assert refused.body["errors"]


def test_the_idempotency_key_has_bounds(aws: Deployment) -> None:
    assert [error["path"] for error in buy(aws, key="k" * 256).body["errors"]] == ["idempotency-key"]
    assert buy(aws, key="k" * 255).status == 201
