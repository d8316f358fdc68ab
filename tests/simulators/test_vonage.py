"""Vonage's client against its simulator. Every request is held to Vonage's published document, and every answer."""

import socket
from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest

from local.simulators.faults import Fault
from local.simulators.vonage import VonageSimulator
from switchboard.carriers.carrier import Offer, Order, Wanted
from switchboard.carriers.http import Refused
from switchboard.carriers.vonage import Vonage
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
)
from switchboard.model.number import Capabilities
from tests.simulators.published import vonage as published

NUMBER, MSISDN = "+14155550100", "14155550100"
TAG = "op-01JD"
KEY, SECRET = "a1b2c3d4", "hush-hush-secret"
OWN = {"method": "GET", "path": "/account/numbers"}


@pytest.fixture
def vonage() -> Iterator[VonageSimulator]:
    """A simulator; a test fails at its end if Vonage's document does not have the requests that came."""
    with VonageSimulator(KEY, SECRET) as simulator:
        yield simulator
        judge = published()
        for seen in simulator.requests:
            judge.judge_request(seen)
        assert judge.mistakes == []


@pytest.fixture
def carrier(vonage: VonageSimulator) -> Vonage:
    return connected(vonage.url)


def connected(url: str) -> Vonage:
    return Vonage.connect({"apiKey": KEY, "apiSecret": SECRET, "vapiCredentialId": "cred-1"}, url)


def numbers(offers: list[Offer]) -> list[str]:
    return [offer.number for offer in offers]


class TestSearch:
    def test_an_area_code_is_searched_as_the_beginning_of_the_number(
        self, vonage: VonageSimulator, carrier: Vonage
    ) -> None:
        assert numbers(carrier.search(Wanted(area_code="415", limit=2))) == ["+14155550100", "+14155550101"]
        (seen,) = vonage.requests
        assert (seen["query"]["pattern"], seen["query"]["search_pattern"]) == ("1415", "0")

    def test_an_offer_has_both_fees_in_the_currency_of_the_account(self, carrier: Vonage) -> None:
        (offer,) = carrier.search(Wanted(country="FR", limit=1))
        assert offer == Offer(
            number="+33199000100",
            country="FR",
            type="local",
            capabilities=Capabilities(voice=True),
            monthly_fee=Decimal("1.00"),
            setup_fee=Decimal("2.50"),
            currency="EUR",
        )

    def test_no_match_is_an_empty_list_though_count_and_numbers_are_missing(self, carrier: Vonage) -> None:
        assert carrier.search(Wanted(area_code="999")) == []

    def test_digits_anywhere_are_those_of_the_national_number(self, carrier: Vonage) -> None:
        found = numbers(carrier.search(Wanted(contains="5550142")))
        assert found == sorted(found)
        assert {number[-7:] for number in found} == {"5550142"}
        assert carrier.search(Wanted(contains="14155")) == []

    def test_an_area_code_and_digits_with_gaps_are_narrowed_here(self, carrier: Vonage) -> None:
        assert numbers(carrier.search(Wanted(area_code="415", contains="01*7", limit=2))) == [
            "+14155550107",
            "+14155550117",
        ]

    @pytest.mark.parametrize(
        ("wanted", "first"),
        [
            (Wanted(type="toll-free", limit=1), "+18005550100"),
            (Wanted(country="GB", limit=1), "+442079460100"),
            (Wanted(country="GB", type="mobile", limit=1), "+447700900100"),
        ],
    )
    def test_types_are_vonages(self, carrier: Vonage, wanted: Wanted, first: str) -> None:
        (offer,) = carrier.search(wanted)
        assert (offer.number, offer.type) == (first, wanted.type)

    def test_a_local_number_of_north_america_is_never_toll_free(self, carrier: Vonage) -> None:
        assert carrier.search(Wanted(area_code="800")) == []

    @pytest.mark.parametrize(
        ("wanted", "spelling"),
        [
            (("voice",), "VOICE"),
            (("voice", "sms"), "SMS,VOICE"),
            (("mms", "voice"), "VOICE,MMS"),
            (("voice", "mms", "sms"), "SMS,MMS,VOICE"),
        ],
    )
    def test_features_are_spelt_as_the_document_allows(
        self, vonage: VonageSimulator, carrier: Vonage, wanted: tuple, spelling: str
    ) -> None:
        (offer,) = carrier.search(Wanted(area_code="415", capabilities=wanted, limit=1))
        assert offer.capabilities == Capabilities(voice=True, sms=True, mms=True)
        assert vonage.requests[0]["query"]["features"] == spelling

    def test_nobody_sells_fax(self, vonage: VonageSimulator, carrier: Vonage) -> None:
        assert carrier.search(Wanted(capabilities=("fax",))) == []
        assert vonage.requests == []


class TestBuying:
    def test_a_purchase_is_done_at_once_and_found_without_a_tag(self, vonage: VonageSimulator, carrier: Vonage) -> None:
        assert carrier.find(NUMBER, "US", TAG) is None
        assert carrier.buy(NUMBER, "US", TAG) == Order(state="done")
        found = carrier.find(NUMBER, "US", TAG)
        assert found is not None
        assert (found.number, found.country, found.tag) == (NUMBER, "US", None)
        assert vonage.requests_to("POST", "/number/buy")[0]["body"] == {"country": "US", "msisdn": MSISDN}

    def test_420_on_a_number_that_is_ours_already_is_done(self, vonage: VonageSimulator, carrier: Vonage) -> None:
        carrier.buy(NUMBER, "US", TAG)
        assert carrier.buy(NUMBER, "US", TAG) == Order(state="done")
        assert len(vonage.state()["owned"]) == 1

    @pytest.mark.parametrize(
        "answer", [{"status": 420}, {"status": 404}, {"status": 200, "body": {"error-code": "420"}}]
    )
    def test_every_ambiguous_no_is_looked_into(self, vonage: VonageSimulator, carrier: Vonage, answer: dict) -> None:
        vonage.store.sell("US", MSISDN)
        vonage.fault(Fault("POST", "/number/buy", **answer))
        assert carrier.buy(NUMBER, "US", TAG) == Order(state="done")

    def test_a_number_that_somebody_else_has_is_not_available(self, vonage: VonageSimulator, carrier: Vonage) -> None:
        vonage.take(NUMBER)
        with pytest.raises(NotAvailable, match="method failed"):
            carrier.buy(NUMBER, "US", TAG)

    def test_what_is_missing_is_in_vonages_words(self, carrier: Vonage) -> None:
        (offer,) = carrier.search(Wanted(country="DE", limit=1))
        with pytest.raises(NotAvailable, match="valid local address"):
            carrier.buy(offer.number, "DE", TAG)

    @pytest.mark.parametrize(
        "trouble", [Fault(**OWN, status=500), Fault(**OWN, status=401), Fault(**OWN, times=None, status=429)]
    )
    def test_420_is_not_called_unavailable_while_nobody_can_say_whose_the_number_is(
        self, vonage: VonageSimulator, carrier: Vonage, trouble: Fault
    ) -> None:
        vonage.store.sell("US", MSISDN)
        vonage.fault(trouble)
        with pytest.raises(OutcomeUnknown):
            carrier.buy(NUMBER, "US", TAG)

    def test_a_purchase_whose_answer_is_lost_is_sent_once_and_found(
        self, vonage: VonageSimulator, carrier: Vonage
    ) -> None:
        vonage.fault(Fault("POST", "/number/buy", cut="after"))
        with pytest.raises(OutcomeUnknown):
            carrier.buy(NUMBER, "US", TAG)
        assert len(vonage.requests_to("POST", "/number/buy")) == 1
        found = carrier.find(NUMBER, "US", TAG)
        assert found is not None
        assert found.number == NUMBER

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            ({"status": 401}, ProviderCredentialsRejected),
            ({"status": 429}, ProviderBusy),
            ({"status": 500}, ProviderFailed),
            ({"status": 400, "body": {"country": "Is required."}}, Refused),
            ({"status": 200, "body": {"error-code": "401"}}, ProviderCredentialsRejected),
            ({"status": 200, "body": {"error-code": "429"}}, ProviderBusy),
            ({"status": 200, "body": {"error-code": "500"}}, ProviderFailed),
            ({"status": 200, "body": {"error-code": "402"}}, Refused),
            ({"status": 200, "body": {}}, OutcomeUnknown),
            ({"status": 200, "body": "<html>"}, OutcomeUnknown),
        ],
    )
    def test_each_answer_is_an_error_by_its_codes_and_is_not_asked_for_again(
        self, vonage: VonageSimulator, carrier: Vonage, answer: dict, error: type[Exception]
    ) -> None:
        vonage.fault(Fault("POST", "/number/buy", **answer))
        with pytest.raises(error):
            carrier.buy(NUMBER, "US", TAG)
        assert len(vonage.requests_to("POST", "/number/buy")) == 1

    def test_a_vonage_that_is_not_there_was_never_asked(self) -> None:
        with socket.socket() as deaf:  # it holds the port, which another process could take else, and never listens
            deaf.bind(("127.0.0.1", 0))
            carrier = connected(f"http://127.0.0.1:{deaf.getsockname()[1]}")
            with pytest.raises(ProviderUnreachable):
                carrier.buy(NUMBER, "US", TAG)


class TestOwned:
    def test_all_pages_come_each_number_once(self, vonage: VonageSimulator, carrier: Vonage) -> None:
        for row in vonage.store.for_sale()[:205]:
            vonage.store.sell(row["country"], row["msisdn"])
        found = [owned.number for owned in carrier.owned()]
        assert len(found) == len(set(found)) == 205
        assert len(vonage.requests) == 3

    def test_an_account_without_numbers_has_none(self, carrier: Vonage) -> None:
        assert list(carrier.owned()) == []

    def test_find_is_not_misled_by_a_longer_number(self, vonage: VonageSimulator, carrier: Vonage) -> None:
        vonage.store.sell("US", MSISDN)
        assert carrier.find("+1415555010", "US", TAG) is None


class TestConfigure:
    def test_a_forward_is_taken_away_and_everything_else_stays(self, vonage: VonageSimulator, carrier: Vonage) -> None:
        vonage.store.sell("US", MSISDN)
        kept = {"app_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab", "moHttpUrl": "https://example.com/sms"}
        forward = {"voiceCallbackType": "tel", "voiceCallbackValue": "447700900000"}
        vonage.store.configure("US", MSISDN, kept | forward)
        (owned,) = carrier.owned()
        carrier.configure(owned)
        (after,) = carrier.owned()
        assert after.settings == kept | {"type": "mobile-lvn"}

    def test_a_number_without_a_forward_is_left_alone(self, vonage: VonageSimulator, carrier: Vonage) -> None:
        vonage.store.sell("US", MSISDN)
        (owned,) = carrier.owned()
        carrier.configure(owned, tag=TAG)
        assert vonage.requests_to("POST", "/number/update") == []

    def test_a_caller_id_name_is_refused(self, vonage: VonageSimulator, carrier: Vonage) -> None:
        vonage.store.sell("US", MSISDN)
        (owned,) = carrier.owned()
        with pytest.raises(InvalidRequest, match="callerIdName"):
            carrier.configure(owned, caller_id_name="ACME")


class TestRelease:
    def test_a_release_is_done_at_once_and_may_be_repeated(self, vonage: VonageSimulator, carrier: Vonage) -> None:
        vonage.store.sell("US", MSISDN)
        (owned,) = carrier.owned()
        assert carrier.release(owned) == Order(state="done")
        assert carrier.release(owned) == Order(state="done")
        assert vonage.state()["owned"] == []
        assert len(vonage.requests_to("POST", "/number/cancel")) == 1

    def test_one_that_worked_unheard_is_done_the_next_time(self, vonage: VonageSimulator, carrier: Vonage) -> None:
        vonage.store.sell("US", MSISDN)
        (owned,) = carrier.owned()
        vonage.fault(Fault("POST", "/number/cancel", cut="after"))
        with pytest.raises(OutcomeUnknown):
            carrier.release(owned)
        assert carrier.release(owned) == Order(state="done")

    def test_420_on_a_number_that_went_meanwhile_is_done(self, vonage: VonageSimulator, carrier: Vonage) -> None:
        vonage.store.sell("US", MSISDN)
        (owned,) = carrier.owned()
        vonage.fault(Fault("POST", "/number/cancel", twice=True))
        assert carrier.release(owned) == Order(state="done")

    def test_420_on_a_number_that_stays_is_refused(self, vonage: VonageSimulator, carrier: Vonage) -> None:
        vonage.store.sell("US", MSISDN)
        (owned,) = carrier.owned()
        vonage.fault(Fault("POST", "/number/cancel", status=420))
        with pytest.raises(Refused):
            carrier.release(owned)


@pytest.mark.parametrize("missing", ["apiKey", "apiSecret", "vapiCredentialId"])
def test_it_is_not_configured_without_all_credentials(missing: str) -> None:
    credentials = {"apiKey": KEY, "apiSecret": SECRET, "vapiCredentialId": "cred-1"}
    del credentials[missing]
    with pytest.raises(ProviderNotConfigured, match="vapiCredentialId"):
        Vonage.connect(credentials)


def test_vapi_is_given_the_digits_that_vonage_has_and_no_secret() -> None:
    assert connected("http://127.0.0.1:1").registration(NUMBER) == {
        "provider": "vonage",
        "number": MSISDN,
        "credentialId": "cred-1",
    }


def test_no_error_holds_key_or_secret(vonage: VonageSimulator, carrier: Vonage) -> None:
    words = f"api_key {KEY}, api_secret={SECRET}"
    for status, code in (
        (400, "400"),
        (420, "420"),
        (500, "500"),
        (429, "429"),
        (200, "402"),
        (200, "500"),
        (200, "0"),
    ):
        vonage.fault(Fault("POST", "/number/buy", status=status, body={"error-code": code, "error-code-label": words}))
        with pytest.raises((ProviderError, Refused, NotAvailable)) as caught:
            carrier.buy(NUMBER, "US", TAG)
        error: BaseException | None = caught.value
        while error is not None:
            assert SECRET not in repr(error) + str(error)
            assert KEY not in repr(error) + str(error)
            error = error.__cause__
    assert SECRET not in repr(carrier)


class TestTheSimulator:
    def test_answers_have_the_published_shapes(self, vonage: VonageSimulator) -> None:
        judge = published()

        def ask(method: str, path: str, status: int, *, secret: str = SECRET, **given: object) -> None:
            answer = httpx.request(method, vonage.url + path, auth=(KEY, secret), **given)
            assert answer.status_code == status
            schema = judge.document["paths"][path][method.lower()]["responses"][str(status)]
            judge.judge_json(
                f"{method} {path} {status}", answer.json(), schema["content"]["application/json"]["schema"]
            )

        one = {"country": "US", "msisdn": MSISDN}
        ask("GET", "/number/search", 200, params={"country": "US"})
        ask("GET", "/number/search", 200, params={"country": "AQ"})
        ask("GET", "/account/numbers", 200)
        ask("POST", "/number/buy", 200, data=one)
        ask("POST", "/number/buy", 420, data=one)
        ask("GET", "/account/numbers", 200)
        ask("POST", "/number/update", 200, data={**one, "app_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"})
        ask("POST", "/number/cancel", 200, data=one)
        ask("POST", "/number/cancel", 401, secret="wrong", data=one)
        assert judge.mistakes == []

    def test_missing_fields_are_named(self, vonage: VonageSimulator) -> None:
        answer = httpx.post(f"{vonage.url}/number/buy", auth=(KEY, SECRET))
        assert (answer.status_code, answer.json()) == (400, {"country": "Is required.", "msisdn": "Is required."})
        vonage.requests.clear()

    def test_an_update_clears_what_it_does_not_name(self, vonage: VonageSimulator) -> None:
        one = {"country": "US", "msisdn": MSISDN}
        for fields in ({}, {"moHttpUrl": "https://example.com"}, {"app_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"}):
            path = "/number/update" if fields else "/number/buy"
            httpx.post(vonage.url + path, auth=(KEY, SECRET), data=one | fields).raise_for_status()
        (row,) = vonage.state()["owned"]
        assert "moHttpUrl" not in row
        assert row["app_id"] == "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"

    def test_key_and_secret_may_stand_in_the_query(self, vonage: VonageSimulator) -> None:
        known = {"api_key": KEY, "api_secret": SECRET}
        assert httpx.get(f"{vonage.url}/account/numbers", params=known).status_code == 200
        vonage.requests.clear()

    def test_it_is_steered_over_http_as_well(self, vonage: VonageSimulator, carrier: Vonage) -> None:
        taken = {"phoneNumber": NUMBER, "shown": True}
        httpx.post(f"{vonage.url}/_simulator/taken", json=taken).raise_for_status()
        assert carrier.search(Wanted(area_code="415", limit=1))[0].number == NUMBER
        with pytest.raises(NotAvailable):
            carrier.buy(NUMBER, "US", TAG)
