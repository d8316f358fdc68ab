"""Buying, where the request, the carrier or the deployment's own settings are not as they should be."""

import json
import os
from typing import Any

import boto3
import pytest

from local.simulators.faults import Fault
from switchboard.store import secrets
from tests.functions.conftest import Deployment
from tests.functions.sellers import Seller
from tests.support.invoking import Answer

SEARCHES = {
    "twilio": "*/AvailablePhoneNumbers/*",
    "vonage": "/number/search",
    "bandwidth": "*/availableNumbers",
}


@pytest.fixture(params=sorted(SEARCHES))
def seller(request: pytest.FixtureRequest, aws: Deployment) -> Seller:
    return aws.configure(request.param)


def buy(aws: Deployment, key: str = "k1", **wanted: Any) -> Answer:
    return aws.api("POST", "/phone-numbers", body=wanted, headers={"Idempotency-Key": key})


def found(aws: Deployment, **query: str) -> Answer:
    return aws.api("GET", "/available-phone-numbers", query=query)


def paths(refused: Answer) -> tuple[int, list[str]]:
    return refused.status, [error["path"] for error in refused.body.get("errors", [])]


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purchase", [True, False])
@pytest.mark.parametrize("phone_number", ["+9991234567", "+21012345678", "+80012345678"])
def test_a_number_of_no_country_is_refused_by_its_field(
    aws: Deployment, seller: Seller, phone_number: str, purchase: bool
) -> None:
    refused = buy(aws, provider=seller.provider, phoneNumber=phone_number, purchase=purchase)
    assert paths(refused) == (422, ["phoneNumber"])
    assert aws.items() == []


@pytest.mark.parametrize("area_code", ["41", "4155"])
def test_an_area_code_of_north_america_has_three_digits(aws: Deployment, seller: Seller, area_code: str) -> None:
    assert paths(found(aws, provider=seller.provider, areaCode=area_code)) == (422, ["areaCode"])
    assert paths(buy(aws, provider=seller.provider, areaCode=area_code)) == (422, ["areaCode"])


def test_a_search_that_the_carrier_refuses_is_told_so(aws: Deployment, seller: Seller) -> None:
    seller.simulator.fault(Fault("GET", SEARCHES[seller.provider], status=400, times=None))
    for refused in (
        found(aws, provider=seller.provider, areaCode="415"),
        buy(aws, provider=seller.provider, areaCode="415"),
    ):
        assert (refused.status, refused.body["code"]) == (502, "provider_refused")
    assert aws.items() == []


@pytest.mark.parametrize("text", ["AC0123:token", '["a"]', '"text"', '{"accountSid": "AC1", "authToken": 5}', ""])
def test_a_secret_that_is_no_object_of_texts_is_named_with_its_remedy(
    aws: Deployment, seller: Seller, text: str
) -> None:
    manager = boto3.client("secretsmanager", region_name="us-east-1")
    written = {"SecretString": text} if text else {"SecretBinary": b"binary"}
    manager.put_secret_value(SecretId=os.environ[f"{seller.provider.upper()}_SECRET_ARN"], **written)
    secrets._values.clear()
    for refused in (
        found(aws, provider=seller.provider, areaCode="415"),
        buy(aws, provider=seller.provider, areaCode="415"),
    ):
        assert (refused.status, refused.body["code"]) == (422, "provider_not_configured")
        assert "into its secret" in refused.body["detail"]
    assert aws.reconcile()["findings"] == []


def test_a_key_of_vapi_that_is_no_text_is_named_with_its_remedy(aws: Deployment) -> None:
    manager = boto3.client("secretsmanager", region_name="us-east-1")
    manager.put_secret_value(SecretId=os.environ["VAPI_SECRET_ARN"], SecretString=json.dumps({"apiKey": 5}))
    secrets._values.clear()
    refused = buy(aws, provider="vapi")
    assert (refused.status, refused.body["code"]) == (422, "provider_not_configured")
