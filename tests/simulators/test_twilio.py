"""Twilio's client against its simulator. Every request is held to Twilio's published documents."""

import traceback
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from local.simulators.faults import Fault
from local.simulators.twilio import TwilioSimulator
from switchboard.carriers.carrier import TAG_PREFIX, Carrier, Offer, Order, Owned, Prices, Wanted
from switchboard.carriers.http import Refused
from switchboard.carriers.twilio import Twilio
from switchboard.errors import (
    InvalidRequest,
    NotAvailable,
    OutcomeUnknown,
    ProviderBusy,
    ProviderCredentialsRejected,
    ProviderError,
    ProviderFailed,
    ProviderNotConfigured,
    ProviderUnreachable,
    RequirementMissing,
)
from switchboard.model.number import Capabilities
from tests.simulators.twilio_published import twilio as published

NUMBER = "+14155550100"
TAG = f"{TAG_PREFIX}01JD0EFD1XH5QY5J1GGQKK8NG3"
ADDRESS = {
    "CustomerName": "Acme",
    "Street": "1 Main St",
    "City": "Hilo",
    "Region": "HI",
    "PostalCode": "96720",
    "IsoCountry": "US",
}


@pytest.fixture
def clock() -> list[float]:
    """A clock's reading that a test sets, in seconds."""
    return [0.0]


@pytest.fixture
def twilio(clock: list[float]) -> Iterator[TwilioSimulator]:
    """A simulator; a test fails at its end if Twilio's documents do not have the requests that came."""
    with TwilioSimulator(clock=lambda: clock[0]) as simulator:
        yield simulator
        judge = published()
        for seen in simulator.requests:
            judge.judge_request(seen)
        assert judge.mistakes == []


@pytest.fixture
def carrier(twilio: TwilioSimulator) -> Twilio:
    return Twilio.connect(twilio.credentials, twilio.url, twilio.url)


def purchases(twilio: TwilioSimulator) -> list[dict[str, str]]:
    """The bodies of all purchases that were sent."""
    path = f"/2010-04-01/Accounts/{twilio.account_sid}/IncomingPhoneNumbers.json"
    return [seen["body"] for seen in twilio.requests_to("POST", path)]


def bought(carrier: Twilio, number: str = NUMBER, tag: str = TAG) -> Owned:
    """A number of the account."""
    carrier.buy(number, "US", tag)
    held = carrier.find(number, "US", tag)
    assert held is not None
    return held


def with_emergency_address(twilio: TwilioSimulator, owned: Owned) -> None:
    address = twilio.store.add_address(ADDRESS)
    twilio.store.change(str(owned.reference), {"EmergencyAddressSid": address["sid"]})


def test_twilio_is_a_carrier(carrier: Twilio) -> None:
    one: Carrier = carrier
    assert (one.name, one.asynchronous, one.tags_numbers, one.sets_caller_id_name) == ("twilio", False, True, False)


class TestCredentials:
    @pytest.mark.parametrize("missing", ["accountSid", "apiKeySid", "apiKeySecret"])
    def test_without_one_of_them_twilio_is_not_configured(self, twilio: TwilioSimulator, missing: str) -> None:
        with pytest.raises(ProviderNotConfigured):
            Twilio.connect({name: value for name, value in twilio.credentials.items() if name != missing})

    def test_an_auth_token_does_as_well(self, twilio: TwilioSimulator) -> None:
        credentials = {"accountSid": twilio.account_sid, "authToken": twilio.auth_token}
        carrier = Twilio.connect(credentials, twilio.url, twilio.url)
        assert carrier.buy(NUMBER, "US", TAG).state == "done"
        assert carrier.registration(NUMBER)["twilioAuthToken"] == twilio.auth_token

    def test_an_api_key_is_preferred_and_is_what_vapi_gets(self, twilio: TwilioSimulator) -> None:
        carrier = Twilio.connect({**twilio.credentials, "authToken": twilio.auth_token}, twilio.url, twilio.url)
        assert carrier.registration(NUMBER) == {
            "provider": "twilio",
            "number": NUMBER,
            "twilioAccountSid": twilio.account_sid,
            "twilioApiKey": twilio.api_key_sid,
            "twilioApiSecret": twilio.api_key_secret,
            "smsEnabled": False,
        }

    @pytest.mark.parametrize("wrong", ["apiKeySecret", "accountSid"])
    def test_wrong_ones_are_rejected_and_not_repeated(self, twilio: TwilioSimulator, wrong: str) -> None:
        credentials = {**twilio.credentials, wrong: "AC" + "9" * 32}
        with pytest.raises(ProviderCredentialsRejected) as error:
            Twilio.connect(credentials, twilio.url, twilio.url).search(Wanted())
        assert "9" * 32 not in str(error.value)

    def test_a_suspended_account_may_do_nothing(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        twilio.suspended = True
        with pytest.raises(ProviderCredentialsRejected, match="not active"):
            carrier.buy(NUMBER, "US", TAG)

    def test_they_are_in_no_representation(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        assert twilio.api_key_secret not in repr(carrier)


class TestSearch:
    def test_an_offer_has_what_twilio_tells_of_a_number(self, carrier: Twilio) -> None:
        (offer,) = carrier.search(Wanted(area_code="808", limit=1))
        assert offer == Offer(
            number="+18085550100",
            country="US",
            type="local",
            region="HI",
            city="Hilo",
            area_code="808",
            capabilities=Capabilities(voice=True, sms=True, mms=True, fax=False),
        )

    def test_it_asks_for_voice_and_for_no_number_that_needs_an_address(
        self, twilio: TwilioSimulator, carrier: Twilio
    ) -> None:
        carrier.search(Wanted(area_code="415", contains="*42", limit=3))
        assert twilio.requests[0]["query"] == {
            "VoiceEnabled": "true",
            "ExcludeAllAddressRequired": "true",
            "PageSize": "3",
            "AreaCode": "415",
            "Contains": "*42",
        }

    def test_where_twilio_cannot_narrow_a_search_it_is_asked_for_all_it_gives(
        self, twilio: TwilioSimulator, carrier: Twilio
    ) -> None:
        offers = carrier.search(Wanted(country="GB", area_code="207", contains="0142", limit=3))
        assert [offer.number for offer in offers] == ["+442079460142"]
        assert (twilio.requests[0]["query"]["PageSize"], twilio.requests[0]["query"]["Contains"]) == ("1000", "0142")

    @pytest.mark.parametrize(
        ("wanted", "first"),
        [
            pytest.param(Wanted(area_code="415"), "+14155550100", id="area code"),
            pytest.param(Wanted(area_code="415", contains="0142"), "+14155550142", id="digits"),
            pytest.param(Wanted(type="toll-free"), "+18005550100", id="toll-free"),
            pytest.param(Wanted(type="toll-free", area_code="888"), "+18885550100", id="toll-free 888"),
            pytest.param(Wanted(country="CA", area_code="416"), "+14165550100", id="Canada"),
            pytest.param(Wanted(country="GB", area_code="20"), "+442079460000", id="London"),
            pytest.param(Wanted(country="GB", type="mobile"), "+447700900000", id="a mobile"),
        ],
    )
    def test_what_is_wanted_is_found(self, carrier: Twilio, wanted: Wanted, first: str) -> None:
        offers = carrier.search(replace(wanted, limit=2))
        assert offers[0].number == first
        assert {offer.type for offer in offers} == {wanted.type}

    @pytest.mark.parametrize(
        "wanted",
        [
            pytest.param(Wanted(area_code="000"), id="no such area code"),
            pytest.param(Wanted(country="US", type="mobile"), id="no such type there, a 404"),
            pytest.param(Wanted(country="FR"), id="nothing there, a 404"),
            pytest.param(Wanted(country="DE"), id="only numbers that need an address"),
            pytest.param(Wanted(country="GB", area_code="161"), id="elsewhere in the country"),
            pytest.param(Wanted(country="GB", area_code="161", contains="79460"), id="the digits, elsewhere"),
            pytest.param(Wanted(country="GB", capabilities=("voice", "sms")), id="no such capability"),
        ],
    )
    def test_nothing_found_is_no_error(self, carrier: Twilio, wanted: Wanted) -> None:
        assert carrier.search(wanted) == []

    def test_it_offers_at_most_the_limit(self, carrier: Twilio) -> None:
        assert len(carrier.search(Wanted(limit=7))) == 7

    def test_a_pattern_that_twilio_does_not_take_is_refused_with_its_code(self, carrier: Twilio) -> None:
        with pytest.raises(Refused) as refused:
            carrier.search(Wanted(contains="1"))
        assert refused.value.code == "20001"


class TestPurchase:
    def test_it_buys_exactly_the_number_and_tags_it(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        order = carrier.buy(NUMBER, "US", TAG)
        assert purchases(twilio) == [{"PhoneNumber": NUMBER, "FriendlyName": TAG}]
        (row,) = twilio.state()["numbers"]
        assert order == Order(state="done", reference=row["sid"])
        assert carrier.order(str(order.reference)) == order

    def test_it_is_found_again_with_its_tag(self, carrier: Twilio) -> None:
        order = carrier.buy(NUMBER, "US", TAG)
        held = carrier.find(NUMBER, "US", TAG)
        assert held is not None
        assert (held.number, held.country, held.type, held.reference, held.tag) == (
            NUMBER,
            None,
            "local",
            order.reference,
            TAG,
        )
        assert held.capabilities == Capabilities(voice=True, sms=True, mms=True, fax=False)
        assert held.settings["voice_url"] is None
        assert held.since is not None

    def test_a_number_that_somebody_else_took_is_not_available(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        (offer,) = carrier.search(Wanted(area_code="415", limit=1))
        twilio.take(offer.number)
        with pytest.raises(NotAvailable):
            carrier.buy(offer.number, "US", TAG)
        assert carrier.find(offer.number, "US", TAG) is None

    def test_one_that_the_account_uses_otherwise_is_not_made_ours(
        self, twilio: TwilioSimulator, carrier: Twilio
    ) -> None:
        before = twilio.store.buy(NUMBER, {"FriendlyName": "Head office"}, only_one=False)
        with pytest.raises(NotAvailable):
            carrier.buy(NUMBER, "US", TAG)
        assert twilio.state()["numbers"] == [before]
        held = carrier.find(NUMBER, "US", TAG)
        assert held is not None
        assert held.tag is None

    def test_one_that_another_operation_of_ours_bought_is_not_available(self, carrier: Twilio) -> None:
        bought(carrier)
        with pytest.raises(NotAvailable):
            carrier.buy(NUMBER, "US", f"{TAG_PREFIX}another")

    def test_asking_again_by_the_same_tag_buys_nothing_more(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        assert carrier.buy(NUMBER, "US", TAG) == carrier.buy(NUMBER, "US", TAG)
        assert len(purchases(twilio)) == 1

    @pytest.mark.parametrize(
        ("number", "country", "code"), [("+493023125001", "DE", "21631"), ("+447700900001", "GB", "21649")]
    )
    def test_an_address_or_a_bundle_that_is_missing_is_named_with_twilios_code(
        self, carrier: Twilio, number: str, country: str, code: str
    ) -> None:
        with pytest.raises(RequirementMissing, match=code):
            carrier.buy(number, country, TAG)

    def test_a_trial_account_buys_one_number(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        twilio.trial = True
        bought(carrier)
        with pytest.raises(Refused) as refused:
            carrier.buy("+14155550101", "US", TAG)
        assert refused.value.code == "21404"

    def test_what_is_no_number_is_refused_with_its_code(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        with pytest.raises(Refused) as refused:
            carrier.buy("+1", "US", TAG)
        assert refused.value.code == "21421"
        assert twilio.state()["numbers"] == []

    @pytest.mark.parametrize(
        ("fault", "error", "owned"),
        [
            pytest.param(Fault("POST", cut="after"), OutcomeUnknown, True, id="cut off after the work"),
            pytest.param(Fault("POST", cut="before"), OutcomeUnknown, False, id="cut off before"),
            pytest.param(Fault("POST", status=500), ProviderFailed, False, id="failed"),
            pytest.param(Fault("POST", status=503), ProviderFailed, False, id="down"),
            pytest.param(Fault("POST", status=429), ProviderBusy, False, id="too much at once"),
        ],
    )
    def test_it_is_sent_once_and_looked_up_if_it_was_not_heard(
        self, twilio: TwilioSimulator, carrier: Twilio, fault: Fault, error: type[ProviderError], owned: bool
    ) -> None:
        twilio.fault(fault)
        with pytest.raises(error):
            carrier.buy(NUMBER, "US", TAG)
        assert len(purchases(twilio)) == 1
        assert (carrier.find(NUMBER, "US", TAG) is not None) == owned

    def test_one_that_commits_late_is_found_later(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        twilio.fault(Fault("POST", cut="before", commit_after_seconds=0.1))
        with pytest.raises(OutcomeUnknown):
            carrier.buy(NUMBER, "US", TAG)
        twilio.settle()
        held = carrier.find(NUMBER, "US", TAG)
        assert held is not None
        assert held.tag == TAG

    def test_one_that_something_on_the_way_sends_again_buys_one_number(
        self, twilio: TwilioSimulator, carrier: Twilio
    ) -> None:
        twilio.fault(Fault("POST", twice=True))
        order = carrier.buy(NUMBER, "US", TAG)
        assert [row["sid"] for row in twilio.state()["numbers"]] == [order.reference]

    def test_a_twilio_that_is_not_there_was_sent_nothing(self, twilio: TwilioSimulator) -> None:
        with pytest.raises(ProviderUnreachable):
            Twilio.connect(twilio.credentials, "http://127.0.0.1:1").buy(NUMBER, "US", TAG)

    def test_a_storm_of_429_is_sat_out_by_reads_only(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        twilio.fault(Fault("GET", status=429, times=2), Fault("POST", status=429, headers={"Retry-After": "3"}))
        with pytest.raises(ProviderBusy) as busy:
            carrier.buy(NUMBER, "US", TAG)
        assert busy.value.retry_after == 3
        assert carrier.buy(NUMBER, "US", TAG).state == "done"


class TestInventory:
    def test_every_number_of_every_page_is_owned(
        self, twilio: TwilioSimulator, carrier: Twilio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("switchboard.carriers.twilio.PAGE", 2)
        numbers = [f"+1415555010{last}" for last in range(5)]
        for number in numbers:
            twilio.store.buy(number, {"FriendlyName": TAG}, only_one=False)
        assert sorted(held.number for held in carrier.owned()) == numbers
        assert len(twilio.requests) == 3

    def test_an_empty_account_owns_nothing(self, carrier: Twilio) -> None:
        assert list(carrier.owned()) == []

    def test_a_label_of_somebody_else_is_no_tag(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        twilio.store.buy(NUMBER, {}, only_one=False)
        assert [held.tag for held in carrier.owned()] == [None]

    def test_a_number_that_only_contains_the_digits_is_not_the_one(
        self, twilio: TwilioSimulator, carrier: Twilio
    ) -> None:
        twilio.store.buy(NUMBER, {}, only_one=False)
        assert carrier.find(NUMBER[:-1], "US", TAG) is None

    def test_a_page_elsewhere_is_not_followed(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        page = {"incoming_phone_numbers": [], "next_page_uri": "/2010-04-01/Accounts/AC0/IncomingPhoneNumbers.json"}
        twilio.fault(Fault("GET", status=200, body=page))
        with pytest.raises(OutcomeUnknown):
            list(carrier.owned())


class TestConfiguration:
    def test_a_trunk_or_an_application_would_keep_calls_from_vapi(
        self, twilio: TwilioSimulator, carrier: Twilio
    ) -> None:
        row = twilio.store.buy(NUMBER, {"TrunkSid": "TK" + "0" * 32}, only_one=False)
        twilio.store.edit(row["sid"], {"voice_application_sid": "AP" + "0" * 32})
        held = carrier.find(NUMBER, "US", TAG)
        assert held is not None
        carrier.configure(held, tag=TAG)
        (changed,) = twilio.state()["numbers"]
        assert (changed["trunk_sid"], changed["voice_application_sid"]) == (None, None)
        assert changed["friendly_name"] == TAG

    def test_what_is_right_already_is_not_written(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        held = bought(carrier)
        twilio.requests.clear()
        carrier.configure(held, tag=TAG)
        carrier.configure(held)
        assert twilio.requests == []

    def test_twilio_has_no_caller_id_name(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        held = bought(carrier)
        twilio.requests.clear()
        with pytest.raises(InvalidRequest, match="callerIdName"):
            carrier.configure(held, caller_id_name="ACME")
        assert twilio.requests == []


class TestRelease:
    def test_a_released_number_is_gone(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        held = bought(carrier)
        assert carrier.release(held) == Order(state="done", reference=held.reference)
        assert twilio.state()["numbers"] == []

    def test_one_that_is_gone_already_is_done(self, carrier: Twilio) -> None:
        held = bought(carrier)
        carrier.release(held)
        assert carrier.release(held).state == "done"
        assert carrier.release_order(str(held.reference)).state == "done"

    def test_one_that_goes_meanwhile_is_done(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        held = bought(carrier)
        twilio.fault(Fault("DELETE", status=404))
        assert carrier.release(held).state == "done"

    def test_one_that_twilio_does_not_find_but_lists_is_not_gone(
        self, twilio: TwilioSimulator, carrier: Twilio
    ) -> None:
        held = bought(carrier)
        twilio.fault(Fault("GET", f"*/{held.reference}.json", status=404))
        assert carrier.release(held) == Order(state="pending", reference=held.reference)
        assert carrier.release_order(str(held.reference)).state == "done"
        assert twilio.state()["numbers"] == []

    def test_an_emergency_address_is_unregistered_first(
        self, twilio: TwilioSimulator, carrier: Twilio, clock: list[float]
    ) -> None:
        held = bought(carrier)
        with_emergency_address(twilio, held)
        clock[0] += 1
        assert carrier.release(held) == Order(state="pending", reference=held.reference)
        assert carrier.release_order(str(held.reference)).state == "pending"
        assert carrier.release(held).state == "pending"
        assert [row["phone_number"] for row in twilio.state()["numbers"]] == [NUMBER]
        clock[0] += 1
        assert carrier.release_order(str(held.reference)).state == "done"
        assert twilio.state()["numbers"] == []
        assert [seen["body"] for seen in twilio.requests if seen["method"] == "POST"][1:] == [
            {"EmergencyAddressSid": ""}
        ]

    def test_an_address_that_cannot_be_unregistered_fails_and_a_new_release_tries_again(
        self, twilio: TwilioSimulator, carrier: Twilio, clock: list[float]
    ) -> None:
        held = bought(carrier)
        with_emergency_address(twilio, held)
        carrier.release(held)
        twilio.store.edit(str(held.reference), {"emergency_address_status": "unregistration-failure"})
        failed = carrier.release_order(str(held.reference))
        assert (failed.state, failed.code) == ("failed", "unregistration-failure")
        assert carrier.release(held).state == "pending"
        clock[0] += 1
        assert carrier.release(held).state == "done"

    def test_one_that_was_not_heard_can_be_asked_again(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        held = bought(carrier)
        twilio.fault(Fault("DELETE", cut="after"))
        with pytest.raises(OutcomeUnknown):
            carrier.release(held)
        assert carrier.release(held).state == "done"


class TestPrices:
    @pytest.mark.parametrize(
        ("country", "kind", "prices"),
        [
            ("US", "local", Prices(monthly_fee=Decimal("1.15"), per_minute=Decimal("0.0085"), currency="USD")),
            ("US", "toll-free", Prices(monthly_fee=Decimal("2.15"), per_minute=Decimal("0.0220"), currency="USD")),
            ("GB", "mobile", Prices(monthly_fee=Decimal("1.15"), per_minute=Decimal("0.0100"), currency="USD")),
            ("US", "mobile", Prices(currency="USD")),
            ("FR", "local", Prices()),
        ],
    )
    def test_they_are_the_accounts_own(self, carrier: Twilio, country: str, kind: str, prices: Prices) -> None:
        assert carrier.prices(country, kind) == prices  # type: ignore[arg-type]

    def test_a_minute_in_another_currency_has_no_price(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        voice = {"price_unit": "EUR", "inbound_call_prices": [{"number_type": "local", "current_price": "0.01"}]}
        twilio.fault(Fault("GET", "/v1/Voice/*", status=200, body=voice))
        assert carrier.prices("US", "local").per_minute is None


class TestReading:
    def test_capabilities_in_capitals_are_the_same(self, twilio: TwilioSimulator, carrier: Twilio) -> None:
        row = {"phone_number": NUMBER, "iso_country": "US", "capabilities": {"voice": True, "SMS": True, "MMS": False}}
        twilio.fault(Fault("GET", status=200, body={"available_phone_numbers": [row]}))
        (offer,) = carrier.search(Wanted())
        assert offer.capabilities == Capabilities(voice=True, sms=True, mms=False, fax=False)

    @pytest.mark.parametrize(
        ("body", "code", "message"),
        [
            ({"code": 21421, "message": "No.", "more_info": "https://", "status": 400}, "21421", "No."),
            (
                {"type": "https://", "title": "No", "status": 400, "code": 20001, "detail": "Not so."},
                "20001",
                "Not so.",
            ),
            ({"title": "No", "status": 400}, None, "No"),
            ({}, None, ""),
        ],
    )
    def test_a_refusal_in_either_form_is_understood(
        self, twilio: TwilioSimulator, carrier: Twilio, body: dict[str, object], code: str | None, message: str
    ) -> None:
        twilio.fault(Fault("POST", status=400, body=body))
        with pytest.raises(Refused) as refused:
            carrier.buy(NUMBER, "US", TAG)
        assert (refused.value.code, refused.value.message) == (code, message)

    @pytest.mark.parametrize("code", [21613, 21615, 21631, 21649, 21650, 21651])
    def test_every_requirement_of_twilios_dictionary_is_one(
        self, twilio: TwilioSimulator, carrier: Twilio, code: int
    ) -> None:
        twilio.fault(Fault("POST", status=400, body={"code": code, "message": "More.", "status": 400}))
        with pytest.raises(RequirementMissing, match=f"More.*{code}"):
            carrier.buy(NUMBER, "US", TAG)

    @pytest.mark.parametrize("status", [400, 401, 429, 500])
    def test_no_error_repeats_the_accounts_secrets(self, twilio: TwilioSimulator, carrier: Twilio, status: int) -> None:
        secrets = (twilio.account_sid, twilio.api_key_sid, twilio.api_key_secret)
        twilio.fault(Fault("POST", status=status, body={"code": 1, "message": " ".join(secrets), "status": status}))
        with pytest.raises((Refused, ProviderError)) as error:
            carrier.buy(NUMBER, "US", TAG)
        for secret in secrets:
            assert secret not in "".join(traceback.format_exception(error.value))
