"""Twilio's own Python package works against the simulator: what it sends is accepted, what it gets it can read."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from local.simulators.faults import Fault
from local.simulators.twilio import TwilioSimulator
from tests.simulators.twilio_published import twilio as published

NUMBER = "+14155550100"


@pytest.fixture
def twilio() -> Iterator[TwilioSimulator]:
    with TwilioSimulator(emergency_seconds=0) as simulator:
        yield simulator
        judge = published()
        for seen in simulator.requests:
            judge.judge_request(seen)
        assert judge.mistakes == []


@pytest.fixture
def sdk(twilio: TwilioSimulator) -> Iterator[Client]:
    http = TwilioHttpClient(timeout=10)
    client = Client(twilio.api_key_sid, twilio.api_key_secret, twilio.account_sid, http_client=http)
    client.api.base_url = client.pricing.base_url = twilio.url
    yield client
    assert http.session is not None
    http.session.close()


def test_a_number_is_searched_bought_listed_changed_and_released(twilio: TwilioSimulator, sdk: Client) -> None:
    found = sdk.available_phone_numbers("US").local.list(area_code=415, voice_enabled=True, limit=3)
    assert [offer.phone_number for offer in found] == [NUMBER, "+14155550101", "+14155550102"]
    assert (found[0].locality, found[0].capabilities["voice"]) == ("San Francisco", True)

    bought = sdk.incoming_phone_numbers.create(phone_number=NUMBER, friendly_name="Front desk")
    assert (bought.status, bought.emergency_address_status) == ("in-use", "unregistered")
    assert bought.date_created is not None
    assert [row.sid for row in sdk.incoming_phone_numbers.list(phone_number=NUMBER)] == [bought.sid]

    number = sdk.incoming_phone_numbers(bought.sid)
    assert number.update(voice_url="https://api.vapi.ai/twilio/inbound_call").voice_url.endswith("inbound_call")
    assert number.fetch().friendly_name == "Front desk"
    assert number.delete()
    assert twilio.state()["numbers"] == []


def test_every_page_is_listed(twilio: TwilioSimulator, sdk: Client) -> None:
    numbers = [f"+1415555010{last}" for last in range(5)]
    for number in numbers:
        sdk.incoming_phone_numbers.create(phone_number=number)
    listed = sdk.incoming_phone_numbers.list(page_size=2)
    assert [row.phone_number for row in listed] == numbers[::-1]
    path = f"/2010-04-01/Accounts/{twilio.account_sid}/IncomingPhoneNumbers.json"
    assert len(twilio.requests_to("GET", path)) == 3


def test_an_emergency_address_stands_against_the_release(sdk: Client) -> None:
    address = sdk.api.v2010.account.addresses.create(
        customer_name="Acme", street="1 Main St", city="Hilo", region="HI", postal_code="96720", iso_country="US"
    )
    bought = sdk.incoming_phone_numbers.create(phone_number=NUMBER, emergency_address_sid=address.sid)
    number = sdk.incoming_phone_numbers(bought.sid)
    assert number.fetch().emergency_address_status == "registered"
    with pytest.raises(TwilioRestException, match="emergency address"):
        number.delete()
    number.update(emergency_address_sid="")
    assert number.fetch().emergency_address_status == "unregistered"
    assert number.delete()


def test_prices(sdk: Client) -> None:
    month = sdk.pricing.v1.phone_numbers.countries("US").fetch()
    assert month.price_unit == "USD"
    assert {row["number_type"]: Decimal(row["current_price"]) for row in month.phone_number_prices} == {
        "local": Decimal("1.15"),
        "toll free": Decimal("2.15"),
    }
    minute = sdk.pricing.v1.voice.countries("US").fetch()
    assert minute.inbound_call_prices[0] == {
        "number_type": "local",
        "base_price": "0.0085",
        "current_price": "0.0085",
    }


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        pytest.param("+1", 400, 21421, id="no number"),
        pytest.param("+14155559999", 400, 21422, id="not to be had"),
        pytest.param("+493023125000", 400, 21631, id="needs an address"),
        pytest.param("+447700900000", 400, 21649, id="needs a bundle"),
    ],
)
def test_a_refusal_is_the_packages_own_error(sdk: Client, number: str, status: int, code: int) -> None:
    with pytest.raises(TwilioRestException) as caught:
        sdk.incoming_phone_numbers.create(phone_number=number)
    assert (caught.value.status, caught.value.code) == (status, code)


def test_a_purchase_by_area_code_takes_any_number_of_it(sdk: Client) -> None:
    assert sdk.incoming_phone_numbers.create(area_code="701").phone_number == "+17015550100"
    with pytest.raises(TwilioRestException) as caught:
        sdk.incoming_phone_numbers.create(area_code="000")
    assert caught.value.code == 21452


def test_a_planned_429_is_twilios(twilio: TwilioSimulator, sdk: Client) -> None:
    twilio.fault(Fault("POST", status=429))
    with pytest.raises(TwilioRestException) as caught:
        sdk.incoming_phone_numbers.create(phone_number=NUMBER)
    assert (caught.value.status, caught.value.code) == (429, 20429)
    assert twilio.state()["numbers"] == []


def test_a_wrong_secret_authenticates_nobody(twilio: TwilioSimulator) -> None:
    client = Client(twilio.api_key_sid, "wrong", twilio.account_sid)
    client.api.base_url = twilio.url
    with pytest.raises(TwilioRestException) as caught:
        client.incoming_phone_numbers.create(phone_number=NUMBER)
    assert (caught.value.status, caught.value.code) == (401, 20003)
