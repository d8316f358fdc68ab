"""A number's life at each carrier: searched, bought, imported into Vapi, kept in step, given back."""

from typing import Any

import pytest

from tests.functions.conftest import Deployment
from tests.functions.sellers import Seller
from tests.support.invoking import Answer

PROVIDERS = ["twilio", "vonage", "bandwidth"]


@pytest.fixture(params=PROVIDERS)
def seller(request: pytest.FixtureRequest, aws: Deployment) -> Seller:
    return aws.configure(request.param)


def buy(aws: Deployment, seller: Seller, key: str = "k1", **wanted: Any) -> Answer:
    asked = {"provider": seller.provider, **({} if "phoneNumber" in wanted else {"areaCode": "415"}), **wanted}
    return aws.api("POST", "/phone-numbers", body=asked, headers={"Idempotency-Key": key})


def active(aws: Deployment, seller: Seller, **wanted: Any) -> dict[str, Any]:
    """A number in service."""
    bought = buy(aws, seller, **wanted)
    assert bought.status == 201, bought
    for later in (0, 0, 100, 200):
        aws.check(later)
    number: dict[str, Any] = aws.api("GET", f"/phone-numbers/{bought.body['id']}").body
    assert number["status"] == "active", number
    return number


def test_a_number_is_bought_imported_and_in_service_with_its_facts_and_fees(aws: Deployment, seller: Seller) -> None:
    number = active(aws, seller, name="Front desk", forwardingNumber="+14155550199")
    (row,) = aws.vapi.state()["numbers"]
    assert seller.owned() == [number["phoneNumber"]]
    assert len(seller.paid()) == 1
    assert number["phoneNumber"].startswith("+1415")
    assert (number["type"], number["country"], number["areaCode"]) == ("local", "US", "415")
    assert number["capabilities"]["voice"] is True
    assert number["purchaseDate"] is not None
    assert number["activationDate"] is not None
    assert (row["name"], row["fallbackDestination"]["number"]) == ("Front desk", "+14155550199")
    assert row["server"]["url"].endswith(number["id"])
    assert [row.get(name) for name in ("assistantId", "squadId", "workflowId")] == [None, None, None]
    assert [event["detail-type"] for event in aws.events()] == ["created", "activated"]


def test_exactly_the_number_is_bought_that_a_search_has_shown(aws: Deployment, seller: Seller) -> None:
    query = {"provider": seller.provider, "areaCode": "415", "limit": "3"}
    shown = aws.api("GET", "/available-phone-numbers", query=query).body["items"][2]["phoneNumber"]
    assert active(aws, seller, phoneNumber=shown)["phoneNumber"] == shown
    assert seller.owned() == [shown]


def test_a_number_is_given_back_at_vapi_first_and_then_at_its_carrier(aws: Deployment, seller: Seller) -> None:
    number = active(aws, seller)
    path = f"/phone-numbers/{number['id']}"
    deleted = aws.api("DELETE", path)
    assert (deleted.status, deleted.body["status"]) == (200, "cancelled")
    for later in (0, 0, 100):
        aws.check(later)
    assert aws.api("DELETE", path).body["provisioning"]["state"] == "released"
    assert (seller.owned(), aws.vapi.state()["numbers"]) == ([], [])
    assert aws.items("E164#") == aws.items("VAPI#") == []
    (item,) = aws.items("NUMBER#")
    assert "unfinished" not in item
    assert "inventory" not in item
