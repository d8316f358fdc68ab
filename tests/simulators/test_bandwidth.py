"""Bandwidth's client against its simulator. Every request is held to Bandwidth's published document.

Bandwidth's own Python package has no numbers API at all, so the document and its examples are all there is to go by.
"""

from collections.abc import Iterator
from xml.etree import ElementTree as ET

import httpx
import pytest

from local.simulators.bandwidth import BandwidthSimulator
from local.simulators.faults import Fault
from switchboard.carriers.bandwidth import Bandwidth
from switchboard.carriers.carrier import LineType, Offer, Order, Owned, Prices, Wanted
from switchboard.carriers.http import Refused
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
from tests.simulators.published import ACCOUNT, element_paths, parsed
from tests.simulators.published import bandwidth as published

NUMBER, OTHER = "+19195550100", "+19195550101"
TAG = "switchboard-01JD3Q6Z8K4T7V2N5M9X1B0C"
CLIENT, SECRET, TOKEN = "client-0042", "hush-hush-secret", "/api/v1/oauth2/token"
OURS, SITE = "5500042", "743"
CREDENTIALS = {
    "clientId": CLIENT,
    "clientSecret": SECRET,
    "accountId": OURS,
    "siteId": SITE,
    "vapiCredentialId": "cred-1",
}
BASE = f"/api/v2/accounts/{OURS}"
PACKAGE = f"/v2/accounts/{OURS}/voiceConfigurationPackages/vcp-1/phoneNumbers/bulk"
ACTIVATION = f"{BASE}/serviceActivation"
UNDOCUMENTED = (TOKEN, PACKAGE, ACTIVATION)
"""No document of these is at hand; they are as Bandwidth's own command-line tool has them."""

ORDERS, DISCONNECTS = f"{BASE}/orders", f"{BASE}/disconnects"


@pytest.fixture
def bandwidth() -> Iterator[BandwidthSimulator]:
    """A simulator; a test fails at its end if Bandwidth's document does not have the requests that came."""
    with BandwidthSimulator(CLIENT, SECRET, account=OURS, sites=frozenset({SITE}), order_seconds=0) as simulator:
        yield simulator
        judge = published()
        for seen in simulator.requests:
            if seen["path"] not in UNDOCUMENTED:
                judge.judge_request(seen)
        assert judge.mistakes == []


@pytest.fixture
def carrier(bandwidth: BandwidthSimulator) -> Bandwidth:
    return connected(bandwidth)


def connected(bandwidth: BandwidthSimulator, **other: str) -> Bandwidth:
    return Bandwidth.connect({**bandwidth.credentials, "vapiCredentialId": "cred-1", **other}, bandwidth.url)


def bought(carrier: Bandwidth, number: str = NUMBER, tag: str = TAG) -> Owned:
    """A number of the account."""
    order = carrier.buy(number, "US", tag)
    assert carrier.order(str(order.reference)).state == "done"
    found = carrier.find(number, "US", tag)
    assert isinstance(found, Owned)
    return found


def posted(bandwidth: BandwidthSimulator, path: str) -> list[ET.Element]:
    """The documents that were posted there."""
    return [parsed(seen["body"]) for seen in bandwidth.requests_to("POST", path)]


class TestTokens:
    def test_one_token_serves_all_requests(self, bandwidth: BandwidthSimulator, carrier: Bandwidth) -> None:
        carrier.search(Wanted(area_code="919"))
        list(carrier.owned())
        (seen,) = bandwidth.requests_to("POST", TOKEN)
        assert seen["body"] == {"grant_type": "client_credentials"}

    def test_a_token_that_is_good_for_no_more_than_a_minute_is_renewed(self, bandwidth: BandwidthSimulator) -> None:
        bandwidth.tokens.seconds = 59
        carrier = connected(bandwidth)
        list(carrier.owned())
        list(carrier.owned())
        assert len(bandwidth.requests_to("POST", TOKEN)) == 2

    def test_a_rejected_token_is_renewed_once_and_the_purchase_made_once(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        list(carrier.owned())
        bandwidth.tokens.revoke()
        carrier.buy(NUMBER, "US", TAG)
        assert [seen["status"] for seen in bandwidth.requests_to("POST", ORDERS)] == [401, 201]
        bandwidth.fault(Fault("POST", ORDERS, times=None, status=401))
        with pytest.raises(ProviderCredentialsRejected):
            carrier.buy(OTHER, "US", TAG)
        assert len(bandwidth.requests_to("POST", TOKEN)) == 3

    def test_wrong_credentials_are_named_as_such(self, bandwidth: BandwidthSimulator) -> None:
        with pytest.raises(ProviderCredentialsRejected):
            connected(bandwidth, clientSecret="wrong").search(Wanted(area_code="919"))

    @pytest.mark.parametrize("trouble", [{"cut": "before"}, {"cut": "after"}, {"status": 200, "body": "<html>"}])
    def test_a_purchase_without_a_token_was_certainly_not_made(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth, trouble: dict
    ) -> None:
        bandwidth.fault(Fault("POST", TOKEN, **trouble))
        with pytest.raises(ProviderUnreachable):
            carrier.buy(NUMBER, "US", TAG)
        assert bandwidth.requests_to("POST", ORDERS) == []


class TestSearch:
    def test_an_area_code_brings_its_numbers_and_never_its_neighbours(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        offers = carrier.search(Wanted(area_code="279", limit=150))
        assert {offer.area_code for offer in offers} == {"279"}
        assert offers[0] == Offer(
            number="+12795550100",
            country="US",
            type="local",
            region="CA",
            city="SACRAMENTO",
            area_code="279",
            capabilities=Capabilities(voice=True),
        )
        assert bandwidth.requests[-1]["query"] == {
            "countryCodeA3": "USA",
            "areaCode": "279",
            "LCA": "false",
            "quantity": "150",
            "enableTNDetail": "true",
        }

    @pytest.mark.parametrize("empty", ["count", "nothing"])
    def test_no_match_is_an_empty_list(self, bandwidth: BandwidthSimulator, carrier: Bandwidth, empty: str) -> None:
        bandwidth.settings.empty = empty
        assert carrier.search(Wanted(area_code="999")) == []

    def test_digits_are_a_vanity_search_if_bandwidth_takes_them_for_one(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        found = [offer.number for offer in carrier.search(Wanted(contains="0142"))]
        assert len(found) == 6
        assert {number[-4:] for number in found} == {"0142"}
        assert bandwidth.requests[-1]["query"]["localVanity"] == "0142"

    def test_digits_with_gaps_are_narrowed_here(self, carrier: Bandwidth) -> None:
        found = [offer.number for offer in carrier.search(Wanted(area_code="919", contains="01*7", limit=2))]
        assert found == ["+19195550107", "+19195550117"]

    @pytest.mark.parametrize(("number", "kind"), [("+19195550142", "local"), ("+18005550142", "toll-free")])
    def test_one_exact_number_is_found_by_all_its_digits(self, carrier: Bandwidth, number: str, kind: LineType) -> None:
        found = carrier.search(Wanted(type=kind, contains=number.removeprefix("+1")))
        assert [offer.number for offer in found] == [number]

    @pytest.mark.parametrize(
        ("wanted", "criteria"),
        [
            (Wanted(type="toll-free", contains="8005550142"), {"tollFreeVanity": "5550142"}),
            (Wanted(contains="9195550142"), {"areaCode": "919", "localVanity": "5550142"}),
            (Wanted(country="GB", contains="2079460142"), {"areaCode": "20", "quantity": "5000"}),
        ],
    )
    def test_one_exact_number_is_searched_as_narrowly_as_can_be(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth, wanted: Wanted, criteria: dict[str, str]
    ) -> None:
        (offer,) = carrier.search(wanted)
        assert offer.number.endswith(str(wanted.contains))
        (asked,) = [seen["query"] for seen in bandwidth.requests if seen["path"].endswith("/availableNumbers")]
        assert asked | criteria == asked

    def test_toll_free_numbers_are_searched_by_pattern(self, carrier: Bandwidth) -> None:
        assert [offer.number for offer in carrier.search(Wanted(type="toll-free", limit=1))] == ["+18005550100"]
        assert carrier.search(Wanted(type="toll-free", area_code="800", limit=1))[0].type == "toll-free"
        assert carrier.search(Wanted(type="toll-free", area_code="888")) == []

    def test_another_country_is_searched_by_type_and_features(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        (offer,) = carrier.search(Wanted(country="GB", area_code="20", limit=1))
        assert (offer.number, offer.city, offer.country) == ("+442079460100", "LONDON", "GB")
        assert bandwidth.requests[-1]["query"]["phoneNumberType"] == "GEOGRAPHIC"

    @pytest.mark.parametrize(
        "wanted",
        [
            Wanted(type="mobile"),
            Wanted(area_code="919", capabilities=("voice", "sms")),
            Wanted(country="AQ"),
            Wanted(country="GB", capabilities=("fax",)),
        ],
    )
    def test_what_bandwidth_does_not_sell_is_not_asked_for(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth, wanted: Wanted
    ) -> None:
        assert carrier.search(wanted) == []
        assert bandwidth.requests == []

    @pytest.mark.parametrize("contains", [None, "55*1", "123"])
    def test_north_america_has_no_search_without_criteria(self, carrier: Bandwidth, contains: str | None) -> None:
        with pytest.raises(InvalidRequest, match="areaCode"):
            carrier.search(Wanted(contains=contains))

    def test_bandwidths_own_refusal_comes_with_its_code(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        (example,) = published().examples("get", f"{ACCOUNT}/availableNumbers", 400)
        bandwidth.fault(Fault("GET", f"{BASE}/availableNumbers", status=400, body=example.decode()))
        with pytest.raises(Refused) as refused:
            carrier.search(Wanted(area_code="919"))
        assert refused.value.code == "4010"


class TestBuying:
    def test_an_order_is_pending_until_bandwidth_has_carried_it_out(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        bandwidth.hold_orders()
        order = carrier.buy(NUMBER, "US", TAG)
        assert order == Order(state="pending", reference=order.reference)
        assert carrier.order(str(order.reference)) == order
        assert carrier.find(NUMBER, "US", TAG) == order
        bandwidth.proceed()
        assert carrier.order(str(order.reference)) == Order(state="done", reference=order.reference)
        found = carrier.find(NUMBER, "US", TAG)
        assert isinstance(found, Owned)
        assert (found.number, found.reference, found.tag) == (NUMBER, order.reference, TAG)
        assert found.settings == {"status": "Inservice", "siteId": SITE}

    def test_it_orders_one_exact_number_for_a_site_and_a_location(self, bandwidth: BandwidthSimulator) -> None:
        connected(bandwidth, peerId="500014").buy(NUMBER, "US", TAG)
        (order,) = posted(bandwidth, ORDERS)
        said = {each.tag: each.text for each in order if each.text}
        assert said == {
            "CustomerOrderId": TAG,
            "SiteId": SITE,
            "PeerId": "500014",
            "PartialAllowed": "false",
            "BackOrderRequested": "false",
        }
        assert [each.text for each in order.iter("TelephoneNumber")] == [NUMBER]

    def test_a_number_that_went_meanwhile_fails_only_later(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        bandwidth.take(NUMBER)
        order = carrier.buy(NUMBER, "US", TAG)
        ended = carrier.order(str(order.reference))
        assert (ended.state, ended.code) == ("failed", NotAvailable.code)
        assert "not available on the system" in str(ended.detail)
        assert carrier.find(NUMBER, "US", TAG) is None

    def test_or_at_once(self, bandwidth: BandwidthSimulator, carrier: Bandwidth) -> None:
        bandwidth.settings.errors_at_once = True
        bandwidth.take(NUMBER)
        with pytest.raises(NotAvailable, match="5071"):
            carrier.buy(NUMBER, "US", TAG)

    @pytest.mark.parametrize("at_once", [True, False])
    def test_a_second_order_of_the_same_purchase_comes_to_the_first_one(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth, at_once: bool
    ) -> None:
        """5124, exists: by our own earlier order."""
        first = bought(carrier)
        bandwidth.settings.errors_at_once = at_once
        again = carrier.buy(NUMBER, "US", TAG)
        if not at_once:
            again = carrier.order(str(again.reference))
        assert again == Order(state="done", reference=first.reference)

    def test_and_waits_for_it_while_it_is_being_processed(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        """5218, processing on another order: our own earlier one."""
        bandwidth.hold_orders()
        first = carrier.buy(NUMBER, "US", TAG)
        bandwidth.settings.errors_at_once = True
        assert carrier.buy(NUMBER, "US", TAG) == first
        bandwidth.proceed()
        assert carrier.order(str(first.reference)).state == "done"

    @pytest.mark.parametrize("at_once", [True, False])
    def test_a_number_that_another_purchase_of_ours_has_is_not_available(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth, at_once: bool
    ) -> None:
        bought(carrier, tag="switchboard-another")
        bandwidth.settings.errors_at_once = at_once
        if at_once:
            with pytest.raises(NotAvailable):
                carrier.buy(NUMBER, "US", TAG)
        else:
            order = carrier.buy(NUMBER, "US", TAG)
            assert carrier.order(str(order.reference)).code == NotAvailable.code

    @pytest.mark.parametrize(
        "trouble",
        [
            Fault("GET", f"{BASE}/orders", status=500),
            Fault("GET", "/api/v2/tns/*", status=500),
            Fault("GET", "/api/v2/tns/*", cut="before", times=3),
        ],
    )
    def test_a_refusal_is_not_called_unavailable_while_nobody_can_say_whose_the_number_is(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth, trouble: Fault
    ) -> None:
        bought(carrier)
        bandwidth.settings.errors_at_once = True
        bandwidth.fault(trouble)
        with pytest.raises(OutcomeUnknown):
            carrier.buy(NUMBER, "US", TAG)

    def test_an_order_whose_answer_is_lost_is_sent_once_and_found_by_its_tag(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        bandwidth.hold_orders()
        bandwidth.fault(Fault("POST", ORDERS, cut="after"))
        with pytest.raises(OutcomeUnknown):
            carrier.buy(NUMBER, "US", TAG)
        assert len(bandwidth.requests_to("POST", ORDERS)) == 1
        pending = carrier.find(NUMBER, "US", TAG)
        assert isinstance(pending, Order)
        assert pending.state == "pending"
        bandwidth.proceed()
        assert carrier.order(str(pending.reference)).state == "done"

    def test_an_order_that_bandwidth_does_not_show_yet_is_pending(self, carrier: Bandwidth) -> None:
        assert carrier.order("not-yet") == Order(state="pending", reference="not-yet")
        assert carrier.release_order("not-yet") == Order(state="pending", reference="not-yet")

    def test_an_order_without_a_number_is_of_unknown_outcome(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        bandwidth.fault(Fault("POST", ORDERS, status=201, body="<OrderResponse/>"))
        with pytest.raises(OutcomeUnknown):
            carrier.buy(NUMBER, "US", TAG)

    @pytest.mark.parametrize(
        ("other", "tag", "code"),
        [({"siteId": "1"}, TAG, "5016"), ({}, "no_such_tag", "5052"), ({}, "x" * 41, "5052")],
    )
    def test_what_is_wrong_with_the_order_itself_is_refused_with_its_code(
        self, bandwidth: BandwidthSimulator, other: dict, tag: str, code: str
    ) -> None:
        with pytest.raises(Refused) as refused:
            connected(bandwidth, **other).buy(NUMBER, "US", tag)
        assert refused.value.code == code

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            ({"status": 403}, ProviderCredentialsRejected),
            ({"status": 429, "headers": {"Retry-After": "7"}}, ProviderBusy),
            ({"status": 500}, ProviderFailed),
            ({"status": 201, "body": "not XML"}, OutcomeUnknown),
            ({"status": 201, "body": "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"}, OutcomeUnknown),
        ],
    )
    def test_each_answer_is_an_error_by_its_status_and_is_not_asked_for_again(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth, answer: dict, error: type[Exception]
    ) -> None:
        bandwidth.fault(Fault("POST", ORDERS, **answer))
        with pytest.raises(error):
            carrier.buy(NUMBER, "US", TAG)
        assert len(bandwidth.requests_to("POST", ORDERS)) == 1


class TestFind:
    def test_the_tag_is_that_of_the_purchase_that_the_number_came_by(self, carrier: Bandwidth) -> None:
        bought(carrier)
        found = carrier.find(NUMBER, "US", "switchboard-another")
        assert isinstance(found, Owned)
        assert found.tag == TAG

    def test_a_number_that_came_by_no_purchase_that_can_be_found_has_no_tag(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        order = carrier.buy(NUMBER, "US", TAG)
        bandwidth.fault(Fault("GET", f"{ORDERS}/{order.reference}", status=404))
        found = carrier.find(NUMBER, "US", "switchboard-another")
        assert isinstance(found, Owned)
        assert (found.tag, found.reference) == (None, None)

    def test_an_order_for_another_number_is_none_for_this_one(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        bandwidth.hold_orders()
        carrier.buy(OTHER, "US", TAG)
        assert carrier.find(NUMBER, "US", TAG) is None

    def test_a_number_that_nobody_knows_is_not_there(self, carrier: Bandwidth) -> None:
        assert carrier.find("+19195559999", "US", TAG) is None

    def test_a_released_number_is_not_there(self, bandwidth: BandwidthSimulator, carrier: Bandwidth) -> None:
        carrier.release(bought(carrier))
        assert bandwidth.state()["numbers"][0]["status"] == "Aging"
        assert carrier.find(NUMBER, "US", TAG) is None


class TestOwned:
    def test_all_pages_come_each_number_once_and_released_ones_not(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        numbers = [number.number for number in bandwidth.store.numbers()]
        bandwidth.store.put("purchase", numbers, None, {"SiteId": SITE})
        bandwidth.store.put("disconnect", numbers[:3], None, {})
        assert len(numbers) > 500
        assert [owned.number for owned in carrier.owned()] == numbers[3:]
        assert len(bandwidth.requests_to("GET", "/api/v2/tns")) == 2

    def test_a_number_tells_since_when_and_where_it_is_routed(self, bandwidth: BandwidthSimulator) -> None:
        carrier = connected(bandwidth, peerId="500014")
        carrier.buy(NUMBER, "US", TAG)
        (owned,) = carrier.owned()
        assert owned.settings == {"status": "Inservice", "siteId": SITE, "peerId": "500014"}
        assert owned.since is not None

    def test_an_account_without_numbers_has_none(self, carrier: Bandwidth) -> None:
        assert list(carrier.owned()) == []


class TestConfigure:
    def test_the_name_that_called_people_see_is_ordered_once(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        owned = bought(carrier)
        bandwidth.hold_orders()
        assert not carrier.configure(owned, caller_id_name="ACME DENTAL")
        assert not carrier.configure(owned, caller_id_name="ACME DENTAL")
        bandwidth.proceed()
        assert carrier.configure(owned, caller_id_name="ACME DENTAL")
        (order,) = posted(bandwidth, f"{BASE}/lidbs")
        assert {each.tag: each.text for each in order.iter() if each.text} == {
            "TelephoneNumber": NUMBER,
            "SubscriberInformation": "ACME DENTAL",
            "UseType": "BUSINESS",
            "Visibility": "PUBLIC",
        }
        (number,) = bandwidth.state()["numbers"]
        assert number["caller_id_name"] == "ACME DENTAL"

    def test_another_name_is_ordered_when_the_order_of_the_one_before_has_been_carried_out(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        owned = bought(carrier)
        bandwidth.hold_orders()
        carrier.configure(owned, caller_id_name="ACME")
        assert not carrier.configure(owned, caller_id_name="ACME DENTAL")
        assert len(posted(bandwidth, f"{BASE}/lidbs")) == 1
        bandwidth.proceed()
        assert not carrier.configure(owned, caller_id_name="ACME DENTAL")
        assert carrier.configure(owned, caller_id_name="ACME DENTAL")
        (number,) = bandwidth.state()["numbers"]
        assert number["caller_id_name"] == "ACME DENTAL"

    def test_a_refusal_inside_the_accepted_order_is_one(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        owned = bought(carrier)
        (example,) = published().examples("post", f"{ACCOUNT}/lidbs", 201)
        bandwidth.fault(Fault("POST", f"{BASE}/lidbs", status=201, body=example.decode()))
        with pytest.raises(Refused) as refused:
            carrier.configure(owned, caller_id_name="ACME")
        assert refused.value.code == "11020"

    def test_on_the_universal_platform_a_number_is_put_into_its_package_and_activated(self) -> None:
        with BandwidthSimulator(
            CLIENT, SECRET, account=OURS, voice_packages=frozenset({"vcp-1"}), order_seconds=0
        ) as bandwidth:
            carrier = connected(bandwidth, vcpId="vcp-1")
            owned = bought(carrier)
            assert owned.settings["status"] == "InAccount"
            carrier.configure(owned)
            order = carrier.put_in_service(owned, None)
            assert order.state == "pending"
            assert carrier.put_in_service(owned, order.reference) == order
            found = carrier.find(NUMBER, "US", TAG)
            assert isinstance(found, Owned)
            assert found.settings["status"] == "Inservice"
            assert carrier.put_in_service(found, order.reference).state == "done"
            assert carrier.put_in_service(owned, "0f2e").state == "failed"
            carrier.configure(owned)
            assert len(bandwidth.requests_to("POST", PACKAGE)) == 2
            (activation,) = bandwidth.requests_to("POST", ACTIVATION)
            assert activation["body"]["services"] == {"voice": ["INBOUND"]}
            with pytest.raises(Refused, match="package does not exist"):
                connected(bandwidth, vcpId="vcp-2").configure(owned)

    def test_an_account_of_the_older_platform_has_no_packages(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        owned = bought(carrier)
        with pytest.raises(ProviderCredentialsRejected):
            connected(bandwidth, vcpId="vcp-1").configure(owned)

    def test_no_name_is_no_request(self, bandwidth: BandwidthSimulator, carrier: Bandwidth) -> None:
        owned = bought(carrier)
        bandwidth.requests.clear()
        carrier.configure(owned, tag=TAG)
        assert bandwidth.requests == []

    def test_a_name_outside_north_america_is_refused(self, carrier: Bandwidth) -> None:
        owned = Owned(number="+442079460100", country="GB", capabilities=Capabilities())
        with pytest.raises(InvalidRequest, match="callerIdName"):
            carrier.configure(owned, caller_id_name="ACME")


class TestRelease:
    def test_a_release_is_pending_until_bandwidth_has_carried_it_out(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        owned = bought(carrier)
        bandwidth.hold_orders()
        order = carrier.release(owned)
        assert order.state == "pending"
        assert carrier.release_order(str(order.reference)) == order
        bandwidth.proceed()
        assert carrier.release_order(str(order.reference)).state == "done"
        assert list(carrier.owned()) == []
        (document,) = posted(bandwidth, DISCONNECTS)
        assert [each.text for each in document.iter("CustomerOrderId")] == [TAG]

    @pytest.mark.parametrize("at_once", [True, False])
    def test_one_that_is_gone_already_is_done(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth, at_once: bool
    ) -> None:
        """5074, not in service."""
        owned = bought(carrier)
        first = carrier.release(owned)
        assert carrier.release_order(str(first.reference)).state == "done"
        bandwidth.settings.errors_at_once = at_once
        again = carrier.release(owned)
        assert (again if at_once else carrier.release_order(str(again.reference))).state == "done"

    @pytest.mark.parametrize("at_once", [True, False])
    def test_one_that_never_was_ours_is_done(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth, at_once: bool
    ) -> None:
        """5076, not on this account."""
        bandwidth.settings.errors_at_once = at_once
        order = carrier.release(Owned(number=NUMBER, country="US", capabilities=Capabilities()))
        assert (order if at_once else carrier.release_order(str(order.reference))).state == "done"

    def test_one_that_fails_for_another_reason_has_failed(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        order = carrier.release(bought(carrier))
        failed = (
            "<DisconnectTelephoneNumberOrderResponse><ErrorList><Error><Code>5006</Code><Description>No.</Description>"
            "</Error></ErrorList><OrderStatus>FAILED</OrderStatus></DisconnectTelephoneNumberOrderResponse>"
        )
        bandwidth.fault(Fault("GET", f"{DISCONNECTS}/*", status=200, body=failed))
        reference = str(order.reference)
        assert carrier.release_order(reference) == Order(state="failed", reference=reference, code="5006", detail="No.")

    def test_any_other_refusal_is_one(self, bandwidth: BandwidthSimulator, carrier: Bandwidth) -> None:
        owned = bought(carrier)
        (example,) = published().examples("post", f"{ACCOUNT}/disconnects", 400)
        bandwidth.fault(Fault("POST", DISCONNECTS, status=400, body=example.decode()))
        with pytest.raises(Refused) as refused:
            carrier.release(owned)
        assert refused.value.code == "54321"


@pytest.mark.parametrize("missing", sorted(CREDENTIALS))
def test_it_is_not_configured_without_all_credentials(missing: str) -> None:
    with pytest.raises(ProviderNotConfigured, match=missing):
        Bandwidth.connect({name: value for name, value in CREDENTIALS.items() if name != missing})


def test_it_tells_no_prices() -> None:
    assert Bandwidth.connect(CREDENTIALS).prices("US", "local") == Prices()


def test_vapi_is_told_of_a_number_of_a_trunk() -> None:
    assert Bandwidth.connect(CREDENTIALS).registration(NUMBER) == {
        "provider": "byo-phone-number",
        "number": NUMBER,
        "numberE164CheckEnabled": False,
        "credentialId": "cred-1",
    }


class TestSecrets:
    def test_no_error_and_no_order_holds_credentials_or_token(
        self, bandwidth: BandwidthSimulator, carrier: Bandwidth
    ) -> None:
        order = carrier.buy(NUMBER, "US", TAG)
        (token,) = bandwidth.tokens._good_until
        words = f"{CLIENT}:{SECRET} {token}"
        error_list = f"<ErrorList><Error><Code>%s</Code><Description>{words}</Description></Error></ErrorList>"
        body = f"<OrderResponse>{error_list}%s</OrderResponse>"
        for status, code in ((400, 5016), (400, 5071), (500, 1), (429, 1)):
            bandwidth.fault(Fault("POST", ORDERS, status=status, body=body % (code, "")))
            with pytest.raises((ProviderError, Refused, NotAvailable)) as caught:
                carrier.buy(OTHER, "US", TAG)
            error: BaseException | None = caught.value
            while error is not None:
                assert not any(secret in repr(error) + str(error) for secret in (CLIENT, SECRET, token))
                error = error.__cause__
        failed = body % (5001, "<OrderStatus>FAILED</OrderStatus>")
        bandwidth.fault(Fault("GET", f"{ORDERS}/*", status=200, body=failed))
        assert carrier.order(str(order.reference)).detail == "***:*** ***"

    def test_nor_does_a_refused_token(self, bandwidth: BandwidthSimulator, carrier: Bandwidth) -> None:
        body = {"error": "invalid_client", "message": f"{CLIENT}:{SECRET}"}
        bandwidth.fault(Fault("POST", TOKEN, status=400, body=body))
        with pytest.raises(ProviderCredentialsRejected) as caught:
            carrier.search(Wanted(area_code="919"))
        assert SECRET not in repr(caught.value)


class TestPublishedExamples:
    """What the document shows as answers, read by the client."""

    def show(self, bandwidth: BandwidthSimulator, method: str, template: str, path: str, status: int = 200) -> None:
        example = published().examples(method, template, status)[0]
        bandwidth.fault(Fault(method, path, status=status, body=example.decode()))

    def test_of_a_search(self, bandwidth: BandwidthSimulator, carrier: Bandwidth) -> None:
        self.show(bandwidth, "get", f"{ACCOUNT}/availableNumbers", f"{BASE}/availableNumbers")
        first, second = carrier.search(Wanted(area_code="919"))
        assert (first.number, first.region, first.city) == ("+19193716651", "NC", "CARY-RESEARCH TRIANGLE PARK")
        assert second.number == "+19193716675"

    def test_of_an_order_that_was_taken(self, bandwidth: BandwidthSimulator, carrier: Bandwidth) -> None:
        self.show(bandwidth, "post", f"{ACCOUNT}/orders", ORDERS, 201)
        order = carrier.buy(NUMBER, "US", TAG)
        assert order == Order(state="pending", reference="34adcd9f-2c4a-4631-9dae-d1f318ed57bc")

    def test_of_an_order_that_was_refused(self, bandwidth: BandwidthSimulator, carrier: Bandwidth) -> None:
        self.show(bandwidth, "post", f"{ACCOUNT}/orders", ORDERS, 400)
        with pytest.raises(Refused) as refused:
            carrier.buy(NUMBER, "US", TAG)
        assert (refused.value.code, refused.value.message) == ("5016", "The SiteId submitted is invalid.")

    def test_of_a_finished_order(self, bandwidth: BandwidthSimulator, carrier: Bandwidth) -> None:
        self.show(bandwidth, "get", f"{ACCOUNT}/orders/{{orderId}}", f"{ORDERS}/*")
        assert carrier.order("any").state == "done"

    def test_of_the_orders_of_a_tag(self, bandwidth: BandwidthSimulator, carrier: Bandwidth) -> None:
        self.show(bandwidth, "get", f"{ACCOUNT}/orders", ORDERS)
        states = dict(carrier._tagged(TAG))
        assert states["c5d8d076-345c-45d7-87b3-803a35cca89b"] == "COMPLETE"
        assert states["27da9f39-81f3-44ed-80ce-05ddf2db612d"] == "FAILED"

    def test_of_a_number(self, bandwidth: BandwidthSimulator) -> None:
        carrier = connected(bandwidth, accountId="8000273")
        self.show(bandwidth, "get", "/tns/{tn}", "/api/v2/tns/*")
        bandwidth.fault(Fault("GET", "/api/v2/accounts/8000273/orders*", times=None, status=404))
        found = carrier.find("+12012035013", "US", TAG)
        assert isinstance(found, Owned)
        assert found.settings == {"status": "Inservice", "siteId": "2409"}
        assert found.since == 1395752111

    def test_of_the_inventory_and_its_next_page(self, bandwidth: BandwidthSimulator) -> None:
        carrier = connected(bandwidth, accountId="9900000")
        self.show(bandwidth, "get", "/tns", "/api/v2/tns")
        bandwidth.fault(Fault("GET", "/api/v2/tns", status=200, body="<TelephoneNumbersResponse/>"))
        assert next(iter(carrier.owned())).number == "+19192381139"
        bandwidth.reset()
        self.show(bandwidth, "get", "/tns", "/api/v2/tns")
        bandwidth.fault(Fault("GET", "/api/v2/tns", status=200, body="<TelephoneNumbersResponse/>"))
        assert list(carrier.owned())
        assert [seen["query"]["page"] for seen in bandwidth.requests_to("GET", "/api/v2/tns")] == ["1", "+12012082912"]

    def test_of_a_calling_name(self, bandwidth: BandwidthSimulator, carrier: Bandwidth) -> None:
        owned = bought(carrier)
        self.show(bandwidth, "get", "/tns/{tn}/tndetails", "/api/v2/tns/*/tndetails")
        assert not carrier.configure(owned, caller_id_name="Fred")  # is pending
        assert posted(bandwidth, f"{BASE}/lidbs") == []

    def test_of_a_disconnect(self, bandwidth: BandwidthSimulator, carrier: Bandwidth) -> None:
        owned = bought(carrier)
        self.show(bandwidth, "post", f"{ACCOUNT}/disconnects", DISCONNECTS, 201)
        order = carrier.release(owned)
        assert order == Order(state="pending", reference="ba05e04b-192a-47cb-b182-b1bf6cfef0d7")
        self.show(bandwidth, "get", f"{ACCOUNT}/disconnects/{{disconnectId}}", f"{DISCONNECTS}/*")
        assert carrier.release_order(str(order.reference)).state == "done"


class TestTheSimulator:
    UNPUBLISHED = frozenset(
        [
            # The schemas have these, the examples have not.
            "OrderResponse/OrderStatus",
            "ResponseSelectWrapper/ListOrderIdUserIdDate/OrderIdUserIdDate/CustomerOrderId",
            "TelephoneNumbersResponse/TelephoneNumbers/TelephoneNumber/Site",
            "TelephoneNumbersResponse/TelephoneNumbers/TelephoneNumber/Site/Id",
            # How errors of a finished order look is not published at all (carriers.md 3.2).
            "OrderResponse/ErrorList/Error/TelephoneNumber",
        ]
    )

    def test_its_answers_have_only_published_elements(self, bandwidth: BandwidthSimulator) -> None:
        judge = published()
        numbers = f"<TelephoneNumberList><TelephoneNumber>{NUMBER}</TelephoneNumber></TelephoneNumberList>"
        ordered = f"<ExistingTelephoneNumberOrderType>{numbers}</ExistingTelephoneNumberOrderType>"
        order = f"<Order><CustomerOrderId>{TAG}</CustomerOrderId><Name>a</Name>{{}}{ordered}</Order>"
        lidb = (
            f"<LidbOrder><LidbTnGroups><LidbTnGroup><TelephoneNumbers><TelephoneNumber>{NUMBER}</TelephoneNumber>"
            "</TelephoneNumbers><SubscriberInformation>A</SubscriberInformation><UseType>BUSINESS</UseType>{}"
            "</LidbTnGroup></LidbTnGroups></LidbOrder>"
        )
        token = httpx.post(
            bandwidth.url + TOKEN, auth=(CLIENT, SECRET), data={"grant_type": "client_credentials"}
        ).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/xml"}
        posted_order = published().examples("post", f"{ACCOUNT}/orders", 201)
        allowed = frozenset().union(*map(element_paths, posted_order)) | self.UNPUBLISHED
        allowed |= element_paths(f"<OrderResponse><Order>{ordered}</Order></OrderResponse>".encode())

        def ask(method: str, path: str, status: int, template: str, body: str | None = None) -> ET.Element:
            url = f"{bandwidth.url}/api/v2{path.format(accountId=OURS)}"
            answer = httpx.request(method, url, headers=headers, content=body)
            assert answer.status_code == status
            examples = judge.examples(method.lower(), template, status)
            known = allowed.union(*map(element_paths, examples))
            assert element_paths(answer.content) - known == set()
            return parsed(answer.content)

        search = f"{ACCOUNT}/availableNumbers"
        ask("GET", f"{search}?areaCode=919&enableTNDetail=true", 200, search)
        ask("GET", f"{search}?areaCode=919", 200, search)
        ask("GET", f"{search}?areaCode=999", 200, search)
        ask("GET", search, 400, search)
        taken = ask("POST", f"{ACCOUNT}/orders", 201, f"{ACCOUNT}/orders", order.format("<SiteId>743</SiteId>"))
        ask("POST", f"{ACCOUNT}/orders", 400, f"{ACCOUNT}/orders", order.format(""))
        ask("POST", f"{ACCOUNT}/orders", 400, f"{ACCOUNT}/orders", order.format("<SiteId>1</SiteId>"))
        ask("GET", f"{ACCOUNT}/orders?customerOrderId={TAG}", 200, f"{ACCOUNT}/orders")
        ask("GET", f"{ACCOUNT}/orders/{taken.findtext('Order/id')}", 200, f"{ACCOUNT}/orders/{{orderId}}")
        ask("POST", f"{ACCOUNT}/lidbs", 400, f"{ACCOUNT}/lidbs", lidb.format(""))
        ask("POST", f"{ACCOUNT}/lidbs", 201, f"{ACCOUNT}/lidbs", lidb.format("<Visibility>PUBLIC</Visibility>"))
        ask("GET", f"/tns?accountId={OURS}", 200, "/tns")
        ask("GET", f"/tns?accountId={OURS}&size=2501", 400, "/tns")
        ask("GET", f"/tns/{NUMBER}", 200, "/tns/{tn}")
        ask("GET", f"/tns/{NUMBER}/tndetails", 200, "/tns/{tn}/tndetails")
        bandwidth.requests.clear()

    def test_it_is_steered_over_http_as_well(self, bandwidth: BandwidthSimulator, carrier: Bandwidth) -> None:
        def steer(path: str, **body: str) -> None:
            httpx.post(f"{bandwidth.url}/_simulator/{path}", json=body).raise_for_status()

        steer("orders/hold")
        reference = str(carrier.buy(NUMBER, "US", TAG).reference)
        assert carrier.order(reference).state == "pending"
        steer("taken", phoneNumber=NUMBER)
        steer("orders/proceed")
        assert carrier.order(reference).code == NotAvailable.code
