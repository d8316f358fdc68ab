"""Buying, where the request, the carrier or the deployment's own settings are not as they should be."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import boto3
import pytest

from local.simulators.bandwidth import BandwidthSimulator
from local.simulators.faults import Fault
from local.simulators.vonage import VonageSimulator
from switchboard.carriers import twilio
from switchboard.provisioning import carriers, connected
from switchboard.store import secrets
from tests.functions.conftest import Deployment
from tests.functions.sellers import Seller
from tests.support.invoking import Answer, invoke

SEARCHES = {
    "twilio": "*/AvailablePhoneNumbers/*",
    "vonage": "/number/search",
    "bandwidth": "*/availableNumbers",
}


@pytest.fixture(params=sorted(SEARCHES))
def seller(request: pytest.FixtureRequest, aws: Deployment) -> Seller:
    return aws.configure(request.param)


def buy(aws: Deployment, key: str = "k1", seconds: float = 10, **wanted: Any) -> Answer:
    """seconds: what is left of the function's time."""
    headers = {"Idempotency-Key": key}
    return aws.api("POST", "/phone-numbers", body=wanted, headers=headers, seconds=seconds)


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


# ---- one exact number ------------------------------------------------------------------------------------------------

FACTS = ("type", "country", "monthlyFee")


def told(aws: Deployment, answer: Answer) -> tuple[Any, ...]:
    """What the number is, once it is bought."""
    assert answer.status == 201, answer
    aws.check()
    number = aws.api("GET", f"/phone-numbers/{answer.body['id']}").body
    return tuple(number[name] for name in FACTS)


@pytest.mark.parametrize(
    ("provider", "home", "query", "facts"),
    [
        ("twilio", "US", {"country": "GB", "type": "international"}, ("international", "GB", 115)),
        ("twilio", "US", {"type": "toll-free"}, ("toll-free", "US", 215)),
        ("twilio", "CA", {"type": "toll-free"}, ("toll-free", "CA", 215)),
        ("vonage", "US", {"country": "GB", "type": "mobile"}, ("international", "GB", 137.5)),
        ("vonage", "GB", {"country": "GB", "type": "mobile"}, ("mobile", "GB", 137.5)),
        ("bandwidth", "US", {"type": "toll-free"}, ("toll-free", "US", 75)),
        ("bandwidth", "US", {"country": "GB"}, ("international", "GB", 90)),
    ],
)
def test_what_a_search_has_shown_is_bought_exactly_as_what_it_was_shown(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch, provider: str, home: str, query: dict[str, str], facts: tuple[Any]
) -> None:
    monkeypatch.setenv("HOME_COUNTRY", home)
    table = {"US": {"toll-free": {"monthlyFee": 75}}, "GB": {"local": {"monthlyFee": 90}}}
    monkeypatch.setenv("PRICE_TABLE", json.dumps({"bandwidth": table}))
    aws.configure(provider)
    (offer,) = found(aws, provider=provider, limit="1", **query).body["items"]
    assert tuple(offer[name] for name in FACTS) == facts
    assert told(aws, buy(aws, provider=provider, phoneNumber=offer["phoneNumber"])) == facts


def test_a_mobile_number_that_a_search_has_shown_is_asked_for_exactly(aws: Deployment) -> None:
    """Twilio wants a regulatory bundle before it sells it, and is asked to."""
    aws.configure("twilio")
    (offer,) = found(aws, provider="twilio", country="GB", type="mobile", limit="1").body["items"]
    assert offer["type"] == "international"
    for key, wanted in {"k1": {}, "k2": {"country": "GB", "type": "mobile"}}.items():
        refused = buy(aws, key, provider="twilio", phoneNumber=offer["phoneNumber"], **wanted)
        assert (refused.status, refused.body["code"]) == (409, "requirement_missing")


@pytest.mark.parametrize(
    ("provider", "wanted", "facts"),
    [
        ("vonage", {"phoneNumber": "+447400123456"}, ("international", "GB", 900)),
        ("vonage", {"phoneNumber": "+447911123456"}, ("international", "GB", 900)),
        ("vonage", {"phoneNumber": "+447911123456", "country": "GB"}, ("international", "GB", 900)),
        ("vonage", {"phoneNumber": "+447700900555", "type": "mobile"}, ("international", "GB", 900)),
        ("twilio", {"phoneNumber": "+18005550142", "country": "CA"}, ("international", "CA", 215)),
        ("twilio", {"phoneNumber": "+18005550142"}, ("toll-free", "US", 215)),
    ],
)
def test_a_number_that_is_added_is_priced_as_what_it_is(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch, provider: str, wanted: dict[str, Any], facts: tuple[Any, ...]
) -> None:
    table = {"vonage": {"GB": {"local": {"monthlyFee": 100}, "mobile": {"monthlyFee": 900}}}}
    monkeypatch.setenv("PRICE_TABLE", json.dumps(table))
    seller = aws.configure(provider)
    if isinstance(seller.simulator, VonageSimulator):
        seller.simulator.store.offer("GB", wanted["phoneNumber"].removeprefix("+"), "mobile-lvn")
        seller.simulator.store.sell("GB", wanted["phoneNumber"].removeprefix("+"))
    else:
        seller.hand_over(wanted["phoneNumber"], "")
    assert told(aws, buy(aws, provider=provider, purchase=False, **wanted)) == facts


@pytest.mark.parametrize("purchase", [True, False])
@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ({"phoneNumber": "+14155550142", "type": "toll-free"}, "type"),
        ({"phoneNumber": "+18005550142", "type": "local"}, "type"),
        ({"phoneNumber": "+14155550142", "type": "international"}, "type"),
        ({"phoneNumber": "+442079460142", "type": "mobile"}, "type"),
        ({"phoneNumber": "+14155550142", "country": "GB"}, "country"),
        ({"phoneNumber": "+14155550142", "country": "CA"}, "country"),
        ({"phoneNumber": "+14155550142", "country": "FR", "type": "mobile"}, "country"),
        ({"phoneNumber": "+442079460142", "country": "GG"}, "country"),
    ],
)
def test_a_number_that_cannot_be_what_is_asked_for_beside_it_is_refused(
    aws: Deployment, seller: Seller, wanted: dict[str, Any], path: str, purchase: bool
) -> None:
    if wanted["phoneNumber"].startswith("+1"):
        seller.hand_over(wanted["phoneNumber"], "")
    assert paths(buy(aws, provider=seller.provider, purchase=purchase, **wanted)) == (422, [path])
    assert aws.items() == []


def test_a_country_that_the_carrier_does_not_bear_out_is_refused(aws: Deployment) -> None:
    seller = aws.configure("vonage")
    assert isinstance(seller.simulator, VonageSimulator)
    seller.simulator.store.offer("GB", "447911123456", "mobile-lvn")
    seller.simulator.store.sell("GB", "447911123456")
    refused = buy(aws, provider="vonage", phoneNumber="+447911123456", country="GG", purchase=False)
    assert paths(refused) == (422, ["country"])


# ---- what a search was for -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "home", "wanted", "facts"),
    [
        ("twilio", "CA", {"type": "toll-free"}, ("toll-free", "CA")),
        ("vonage", "US", {"country": "GB", "type": "mobile"}, ("international", "GB")),
        ("vonage", "GB", {"type": "mobile"}, ("mobile", "GB")),
    ],
)
def test_a_number_is_of_the_type_that_its_carrier_sold_it_as(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch, provider: str, home: str, wanted: dict[str, Any], facts: Any
) -> None:
    monkeypatch.setenv("HOME_COUNTRY", home)
    aws.configure(provider)
    assert told(aws, buy(aws, provider=provider, **wanted))[:2] == facts


# ---- a provider that hangs, or asks to wait --------------------------------------------------------------------------

SHORT = 7.5
"""Seconds of a function's time in which a provider can be waited for just once."""


@contextmanager
def hanging(monkeypatch: pytest.MonkeyPatch, *names: str) -> Iterator[list[str]]:
    """A server that takes every connection and never answers stands where providers are; the connections it has had."""
    taken: list[str] = []
    held: list[socket.socket] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def take() -> None:
        with suppress(OSError):
            while True:
                held.append(listening.accept()[0])
                taken.append("connection")

    threading.Thread(target=take, daemon=True).start()
    with monkeypatch.context() as patched:
        for name in names:
            patched.setenv(name, f"http://127.0.0.1:{listening.getsockname()[1]}")
        forget_clients()
        yield taken
    forget_clients()
    for connection in held:
        connection.close()
    listening.close()


def forget_clients() -> None:
    for cached in (connected._vapi, carriers._twilio, carriers._vonage, carriers._bandwidth):
        cached.cache_clear()


URLS = {"twilio": "TWILIO_BASE_URL", "vonage": "VONAGE_BASE_URL", "bandwidth": "BANDWIDTH_BASE_URL"}


def test_while_its_carrier_hangs_a_create_is_answered_in_time_and_nothing_is_left(
    aws: Deployment, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hanging(monkeypatch, URLS[seller.provider]) as taken:
        refused = buy(aws, provider=seller.provider, areaCode="415", seconds=SHORT)
    assert refused.body["code"] in ("provider_outcome_unknown", "provider_unreachable")
    assert (taken, aws.items()) == (["connection"], [])


def test_without_time_for_it_no_provider_is_asked(aws: Deployment, seller: Seller) -> None:
    refused = buy(aws, provider=seller.provider, areaCode="415", seconds=4.5)
    assert (refused.status, refused.body["code"]) == (503, "provider_unreachable")
    assert (list(seller.simulator.requests), aws.items()) == ([], [])


def test_while_vapi_hangs_a_delete_is_answered_in_time_and_done_later(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = aws.bought()
    with hanging(monkeypatch, "VAPI_BASE_URL") as taken:
        deleted = aws.api("DELETE", f"/phone-numbers/{number['id']}", seconds=SHORT)
    assert (deleted.status, deleted.body["status"]) == (200, "cancelled")
    assert taken == ["connection"]
    aws.check(100)
    assert aws.rows() == []


def test_a_carrier_that_hangs_is_asked_once_in_a_turn_and_holds_up_nobody_elses_number(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller = aws.configure("twilio")
    waiting = []
    for key in ("k1", "k2", "k3"):
        seller.simulator.fault(Fault(*seller.purchase, cut="before"))
        waiting.append(buy(aws, key, provider="twilio", areaCode="415").body["id"])
    aws.vapi.fault(Fault("POST", "/phone-number", cut="before"))
    healthy = buy(aws, "k4", provider="vapi").body
    aws.commit_late()
    monkeypatch.setattr(twilio, "READ_TIMEOUT", 0.2)
    with hanging(monkeypatch, "TWILIO_BASE_URL") as taken:
        aws.check()
        assert taken == ["connection"]
        assert aws.api("GET", f"/phone-numbers/{healthy['id']}").body["status"] == "active"
        for later in range(60, 3600, 300):
            aws.check(later)
    assert len(taken) < 12
    for later in (7300, 7400, 7500):
        aws.check(later)
    assert [aws.api("GET", f"/phone-numbers/{each}").body["status"] for each in waiting] == ["active"] * 3
    assert len(seller.paid()) == 3


def test_a_turn_that_has_no_time_left_leaves_the_rest_for_the_next(aws: Deployment) -> None:
    for key in ("k1", "k2"):
        aws.vapi.fault(Fault("POST", "/phone-number", cut="before"))
        buy(aws, key, provider="vapi")
    assert invoke("check_numbers", {}, seconds=4) == {"checked": 0}
    assert invoke("check_numbers", {}) == {"checked": 2}


def test_a_provider_that_asks_to_wait_is_not_asked_before(aws: Deployment) -> None:
    seller = aws.configure("twilio")
    bought = buy(aws, provider="twilio", areaCode="415").body
    aws.check()
    seller.simulator.fault(Fault(status=429, headers={"Retry-After": "600"}, times=None))
    before = len(seller.simulator.requests)
    aws.api("DELETE", f"/phone-numbers/{bought['id']}")
    asked_at = {"delete": len(seller.simulator.requests) - before}
    for later in range(0, 900, 100):
        before = len(seller.simulator.requests)
        aws.check(later)
        asked_at |= {later: asked} if (asked := len(seller.simulator.requests) - before) else {}
    assert asked_at == {"delete": 1, 600: 1}


# ---- a number whose calls do not arrive yet --------------------------------------------------------------------------

PACKAGE = "vcp-1"


def test_a_number_is_active_once_its_calls_arrive_and_a_failed_activation_is_told_and_ordered_again(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def order(status: str, http_status: int = 200, times: int = 1, **more: Any) -> Fault:
        method, path = ("GET", "*/serviceActivation/*") if http_status == 200 else ("POST", "*/serviceActivation")
        body = {"data": {"orderId": "a-1", "orderStatus": status}, **more}
        return Fault(method, path, status=http_status, body=body, times=times)

    def number() -> dict[str, Any]:
        shown: dict[str, Any] = aws.api("GET", f"/phone-numbers/{bought.body['id']}").body
        return shown

    with BandwidthSimulator(order_seconds=0, voice_packages=frozenset({PACKAGE})) as bandwidth:
        monkeypatch.setenv("BANDWIDTH_BASE_URL", bandwidth.url)
        forget_clients()
        vapi_credential = aws.sellers["bandwidth"].credentials["vapiCredentialId"]
        held = {**bandwidth.credentials, "vapiCredentialId": vapi_credential, "vcpId": PACKAGE}
        aws.put_credentials("bandwidth", held)
        bandwidth.fault(order("RECEIVED", 201), order("PROCESSING", times=2))
        bandwidth.fault(order("FAILED", errors=[{"description": "No route."}]))
        bought = buy(aws, provider="bandwidth", areaCode="415")
        for later in (0, 60, 120):
            aws.check(later)
        assert (number()["status"], number()["provisioning"]["state"], aws.rows()) == ("inactive", "importing", [])
        aws.check(180)
        error = number()["provisioning"]["error"]
        assert (error["code"], "No route." in error["detail"], aws.rows()) == ("activation_failed", True, [])
        again = buy(aws, provider="bandwidth", areaCode="415")
        assert (again.status, again.body["id"]) == (201, bought.body["id"])
        assert [event["detail-type"] for event in aws.events()] == ["created"]
        for later in (300, 400):
            aws.check(later)
        assert (number()["status"], number()["provisioning"].get("error")) == ("active", None)
        assert len([seen for seen in bandwidth.requests if seen["path"].endswith("/serviceActivation")]) == 2
    forget_clients()


# ---- what it costs ---------------------------------------------------------------------------------------------------


def committed(aws: Deployment) -> set[Any]:
    """What the budgets bear."""
    return {item.get("committed", 0) for item in aws.items("BUDGET#")}


def test_vapis_own_numbers_cost_what_the_price_table_says_and_budgets_bear_it(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    fees = {"monthlyFee": 200, "setupFee": 50, "perMinuteCost": 1}
    monkeypatch.setenv("PRICE_TABLE", json.dumps({"vapi": {"US": {"local": fees}}}))
    monkeypatch.setenv("MONTHLY_BUDGET_CENTS", "249")
    refused = buy(aws, provider="vapi")
    assert (refused.status, refused.body["code"]) == (409, "budget_exceeded")
    assert (aws.purchases(), aws.items("NUMBER#")) == ([], [])
    monkeypatch.setenv("MONTHLY_BUDGET_CENTS", "250")
    bought = buy(aws, provider="vapi").body
    aws.check()
    number = aws.api("GET", f"/phone-numbers/{bought['id']}").body
    assert {name: number[name] for name in fees} == fees
    assert committed(aws) == {200}
    aws.api("DELETE", f"/phone-numbers/{bought['id']}")
    aws.check()
    assert committed(aws) == {0}


def test_vapis_own_numbers_without_a_price_cost_nothing(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vapi gives some away, and tells no price of others."""
    monkeypatch.setenv("MONTHLY_BUDGET_CENTS", "0")
    assert aws.bought()["monthlyFee"] is None
    assert aws.items("BUDGET#") == []


def test_a_candidate_that_no_budget_bears_is_passed_over(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """France: 1.00 EUR a month and once 2.50; two numbers, found last and first, cost less."""
    seller = aws.configure("vonage")
    assert isinstance(seller.simulator, VonageSimulator)
    for msisdn, cost in {"33199000000": "0.50", "33199000001": "0.10"}.items():
        seller.simulator.store.offer("FR", msisdn, "landline", cost)
    monkeypatch.setenv("MONTHLY_BUDGET_CENTS", "54")
    answer = buy(aws, provider="vonage", country="FR")
    assert told(aws, answer) == ("international", "FR", 11)
    assert (seller.owned(), committed(aws)) == (["+33199000001"], {11})
    refused = buy(aws, "k2", provider="vonage", country="FR")
    assert (refused.status, refused.body["code"], committed(aws)) == (409, "budget_exceeded", {11})
