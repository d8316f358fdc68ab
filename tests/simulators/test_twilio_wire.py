"""What the simulator of Twilio answers is what Twilio publishes: rows, pages, prices and the form of its errors."""

from collections.abc import Iterator

import httpx
import pytest

from local.simulators.twilio import TwilioSimulator
from tests.simulators.twilio_published import twilio as published

NUMBER = "+14155550100"
ADDRESS = {"Street": "1 Main St", "City": "Hilo", "Region": "HI", "PostalCode": "96720", "IsoCountry": "US"}


@pytest.fixture
def twilio() -> Iterator[TwilioSimulator]:
    with TwilioSimulator(emergency_seconds=0) as simulator:
        yield simulator


@pytest.fixture
def client(twilio: TwilioSimulator) -> Iterator[httpx.Client]:
    """A client of the account; a test fails at its end if an answer was not as published."""
    judge = published()
    with httpx.Client(
        base_url=f"{twilio.url}/2010-04-01/Accounts/{twilio.account_sid}",
        auth=(twilio.account_sid, twilio.auth_token),
        event_hooks={"response": [judge.judge_answer]},
    ) as connected:
        yield connected
    assert judge.mistakes == []


@pytest.fixture
def sid(client: httpx.Client) -> str:
    """A number of the account, by its id."""
    bought: dict[str, str] = client.post("/IncomingPhoneNumbers.json", data={"PhoneNumber": NUMBER}).json()
    return bought["sid"]


@pytest.mark.parametrize(
    "path", ["US/Local", "US/TollFree", "CA/Local", "CA/TollFree", "GB/Local", "GB/Mobile", "DE/Local"]
)
def test_offers(client: httpx.Client, path: str) -> None:
    found = client.get(f"/AvailablePhoneNumbers/{path}.json", params={"PageSize": 2}).json()
    assert len(found["available_phone_numbers"]) == 2


def test_numbers_and_their_pages(client: httpx.Client, sid: str) -> None:
    for last in range(1, 3):
        client.post("/IncomingPhoneNumbers.json", data={"PhoneNumber": NUMBER[:-1] + str(last), "FriendlyName": "desk"})
    first = client.get("/IncomingPhoneNumbers.json", params={"PageSize": 2}).json()
    assert (first["page"], first["start"], first["end"], first["previous_page_uri"]) == (0, 0, 1, None)
    second = client.get(str(client.base_url.join(first["next_page_uri"]))).json()
    assert (second["page"], second["start"], second["end"], second["next_page_uri"]) == (1, 2, 2, None)
    assert [row["sid"] for row in second["incoming_phone_numbers"]] == [sid]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"PhoneNumber": NUMBER}, 1),
        ({"PhoneNumber": "415555"}, 1),
        ({"PhoneNumber": "+1415***0100"}, 1),
        ({"PhoneNumber": "+1212"}, 0),
        ({"FriendlyName": "(415) 555-0100"}, 1),
        ({"FriendlyName": "desk"}, 0),
        ({"Origin": "twilio"}, 1),
        ({"Origin": "hosted"}, 0),
    ],
)
def test_the_account_is_searched(client: httpx.Client, sid: str, query: dict[str, str], found: int) -> None:
    rows = client.get("/IncomingPhoneNumbers.json", params=query).json()["incoming_phone_numbers"]
    assert [row["sid"] for row in rows] == [sid] * found


def test_a_number_that_the_account_has_is_updated_by_a_second_purchase(client: httpx.Client, sid: str) -> None:
    again = client.post("/IncomingPhoneNumbers.json", data={"PhoneNumber": NUMBER, "FriendlyName": "desk"})
    assert again.status_code == 201
    assert (again.json()["sid"], again.json()["friendly_name"]) == (sid, "desk")


def test_a_trunk_and_an_application_exclude_each_other(client: httpx.Client, sid: str) -> None:
    trunk, application = "TK" + "0" * 32, "AP" + "0" * 32
    path = f"/IncomingPhoneNumbers/{sid}.json"
    client.post(path, data={"TrunkSid": trunk})
    changed = client.post(path, data={"VoiceApplicationSid": application}).json()
    assert (changed["trunk_sid"], changed["voice_application_sid"]) == (None, application)
    assert client.post(path, data={"VoiceApplicationSid": ""}).json()["voice_application_sid"] is None


def test_an_emergency_address_is_registered_and_unregistered(client: httpx.Client, sid: str) -> None:
    path = f"/IncomingPhoneNumbers/{sid}.json"
    address = client.post("/Addresses.json", data={"CustomerName": "Acme", **ADDRESS}).json()
    statuses = [
        answer.json()["emergency_address_status"]
        for answer in (
            client.post(path, data={"EmergencyAddressSid": address["sid"]}),
            client.get(path),
            client.post(path, data={"EmergencyAddressSid": ""}),
            client.get(path),
        )
    ]
    assert statuses == ["pending-registration", "registered", "pending-unregistration", "unregistered"]


def test_a_release_has_no_body_and_happens_once(client: httpx.Client, sid: str) -> None:
    path = f"/IncomingPhoneNumbers/{sid}.json"
    assert [client.delete(path).status_code for _ in range(2)] == [204, 404]


def test_prices(twilio: TwilioSimulator, client: httpx.Client) -> None:
    for path in ("PhoneNumbers", "Voice"):
        assert client.get(f"{twilio.url}/v1/{path}/Countries/US").json()["price_unit"] == "USD"
        assert client.get(f"{twilio.url}/v1/{path}/Countries/XX").status_code == 404


@pytest.mark.parametrize(
    ("path", "form", "code"),
    [
        ("/IncomingPhoneNumbers.json", {}, 21421),
        ("/IncomingPhoneNumbers.json", {"PhoneNumber": NUMBER, "FriendlyName": "a" * 65}, 20001),
        ("/IncomingPhoneNumbers.json", {"AreaCode": "099"}, 21452),
        ("/IncomingPhoneNumbers/PN0.json", {}, 20404),
        ("/Addresses.json", {"CustomerName": "Acme"}, 20001),
        ("/Unknown.json", {}, 20404),
    ],
)
def test_refusals(client: httpx.Client, path: str, form: dict[str, str], code: int) -> None:
    assert client.post(path, data=form).json()["code"] == code


def test_another_accounts_path_is_nobodys(twilio: TwilioSimulator, client: httpx.Client) -> None:
    other = f"{twilio.url}/2010-04-01/Accounts/AC{'0' * 32}/IncomingPhoneNumbers.json"
    assert client.get(other).json()["code"] == 20003


def test_what_others_do_is_told_by_http(twilio: TwilioSimulator, client: httpx.Client, sid: str) -> None:
    client.post(f"{twilio.url}/_simulator/taken", json={"phoneNumber": "+14155550101"})
    assert client.post("/IncomingPhoneNumbers.json", data={"PhoneNumber": "+14155550101"}).json()["code"] == 21422
    client.patch(f"{twilio.url}/_simulator/numbers/{sid}", json={"voice_url": "https://elsewhere.example"})
    state = client.get(f"{twilio.url}/_simulator/state").json()
    assert [row["voice_url"] for row in state["numbers"]] == ["https://elsewhere.example"]
    client.post(f"{twilio.url}/_simulator/reset")
    assert twilio.state() == {"numbers": [], "addresses": []}
