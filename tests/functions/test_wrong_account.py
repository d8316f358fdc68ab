"""A secret of another account than the one that numbers are in gives none of them up, nor anything that returns."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.simulators.bandwidth import BandwidthSimulator
from local.simulators.server import Simulator
from local.simulators.twilio import TwilioSimulator
from local.simulators.vapi import VapiSimulator
from local.simulators.vonage import VonageSimulator
from switchboard.provisioning import carriers, connected
from tests.functions.conftest import Deployment
from tests.functions.sellers import Seller
from tests.functions.test_carriers import PROVIDERS, active
from tests.functions.test_reconcile import DAY, found, left_behind

OTHERS = {
    "twilio": TwilioSimulator,
    "vonage": lambda: VonageSimulator(api_key="b2c3d4e5"),
    "bandwidth": lambda: BandwidthSimulator(account="5500043", order_seconds=0),
}


@pytest.fixture(params=PROVIDERS)
def seller(request: pytest.FixtureRequest, aws: Deployment) -> Seller:
    return aws.configure(request.param)


@contextmanager
def another_account(aws: Deployment, seller: Seller) -> Iterator[Simulator]:
    """While the block lasts, the carrier's secret is of an account that has none of our numbers."""
    with OTHERS[seller.provider]() as other, pytest.MonkeyPatch.context() as environment:
        for name in seller.base_urls:
            environment.setenv(name, other.url)
        aws.put_credentials(seller.provider, {**seller.credentials, **other.credentials})
        forget_clients()
        yield other
    aws.put_credentials(seller.provider, seller.credentials)
    forget_clients()


def forget_clients() -> None:
    for client in (carriers._twilio, carriers._vonage, carriers._bandwidth):
        client.cache_clear()


@contextmanager
def another_organisation(*rows: dict[str, Any]) -> Iterator[None]:
    """While the block lasts, Vapi's key is of an organisation that has these numbers only."""
    with VapiSimulator(api_key="vapi-key") as other, pytest.MonkeyPatch.context() as environment:
        for row in rows:
            other.store.insert("phone-number", row)
        environment.setenv("VAPI_BASE_URL", other.url)
        yield


def as_before_accounts_were_kept(aws: Deployment) -> None:
    for item in aws.items("NUMBER#"):
        key = {"PK": item["PK"], "SK": item["SK"]}
        aws.table.update_item(Key=key, UpdateExpression="REMOVE vapiOrgId")
        if "carrier" in item:
            aws.table.update_item(Key=key, UpdateExpression="REMOVE carrier.account")


def statuses(aws: Deployment) -> set[str]:
    return {item["status"] for item in aws.items("NUMBER#")}


def give_up(seller: Seller, phone_number: str) -> None:
    """The carrier has the number no more."""
    client = carriers.carrier(seller.provider)  # type: ignore[arg-type]
    client.release(next(held for held in client.owned() if held.number == phone_number))


# ---- at the carriers -------------------------------------------------------------------------------------------------


def test_a_number_of_another_account_is_not_compared(aws: Deployment, seller: Seller) -> None:
    active(aws, seller)
    with another_account(aws, seller):
        report = aws.reconcile()
        assert found(report) == {"not-compared": (1, 0)}
        assert report["findings"][0]["subject"] == seller.provider
        assert "another account" in report["findings"][0]["detail"]
    assert (statuses(aws), len(aws.rows())) == ({"active"}, 1)
    assert aws.reconcile(DAY + 60)["findings"] == []


def test_numbers_that_are_all_missing_at_once_are_not_given_up(aws: Deployment, seller: Seller) -> None:
    active(aws, seller)
    active(aws, seller, "k2")
    as_before_accounts_were_kept(aws)
    with another_account(aws, seller):
        report = aws.reconcile()
        assert found(report) == {"not-compared": (1, 0)}
        assert "none of our 2 numbers" in report["findings"][0]["detail"]
    assert (statuses(aws), len(aws.rows())) == ({"active"}, 2)
    assert aws.reconcile(DAY + 60)["findings"] == []


def test_of_several_numbers_the_one_that_is_missing_is_gone(aws: Deployment, seller: Seller) -> None:
    kept, gone = active(aws, seller), active(aws, seller, "k2")
    give_up(seller, gone["phoneNumber"])
    assert found(aws.reconcile()) == {"gone-at-carrier": (1, 1)}
    assert aws.api("GET", f"/phone-numbers/{kept['id']}").body["status"] == "active"
    assert aws.api("GET", f"/phone-numbers/{gone['id']}").body["status"] == "cancelled"


def test_a_number_that_was_taken_for_gone_is_never_given_back_by_itself(aws: Deployment, seller: Seller) -> None:
    number = active(aws, seller)
    as_before_accounts_were_kept(aws)
    with another_account(aws, seller):
        assert found(aws.reconcile()) == {"gone-at-carrier": (1, 1)}
        for later in (0, 100):
            aws.check(later)
    assert statuses(aws) == {"cancelled"}
    kind = "unknown-at-carrier" if seller.provider == "vonage" else "orphan-at-carrier"
    assert found(aws.reconcile(2 * DAY)) == {kind: (1, 0)}
    assert seller.owned() == [number["phoneNumber"]]


def test_a_number_that_returns_before_it_has_left_vapi_stays_at_its_carrier(aws: Deployment, seller: Seller) -> None:
    number = active(aws, seller)
    (row,) = aws.rows()
    talk = aws.vapi.store.insert("call", {"phoneNumberId": row["id"], "status": "in-progress"})
    as_before_accounts_were_kept(aws)
    with another_account(aws, seller):
        assert found(aws.reconcile()) == {"gone-at-carrier": (1, 1)}
    aws.vapi.store.update("call", talk["id"], {"status": "ended"})
    for later in (0, 100):
        aws.check(later)
    gone = aws.api("GET", f"/phone-numbers/{number['id']}").body
    assert (gone["provisioning"]["state"], aws.rows()) == ("failed", [])
    assert seller.owned() == [number["phoneNumber"]]


def test_an_orphan_is_as_old_as_the_end_of_the_number_that_it_was_bought_for(aws: Deployment, seller: Seller) -> None:
    if seller.provider == "vonage":
        return  # keeps no tag, so nothing there is known to be an orphan
    number = active(aws, seller)
    orphan = left_behind(aws, seller, number["id"])
    later = connected.lifecycle(lambda: time.time() + 2 * DAY)
    later.release(number["id"], "acme", None)
    aws.check(2 * DAY)
    assert found(aws.reconcile(2 * DAY + 60)) == {"orphan-at-carrier": (1, 0)}
    assert seller.owned() == [orphan]
    assert found(aws.reconcile(3 * DAY + 60)) == {"orphan-at-carrier": (1, 1)}
    assert seller.owned() == []


def test_a_number_is_imported_anew_only_from_the_account_that_it_is_in(aws: Deployment, seller: Seller) -> None:
    number = active(aws, seller)
    with another_account(aws, seller):
        aws.vapi.store.delete("phone-number", aws.rows()[0]["id"])
        aws.reconcile()
        for later in (700, 1500, 10_000):
            aws.check(later)
        assert aws.api("GET", f"/phone-numbers/{number['id']}").body["provisioning"]["state"] == "importing"
    for later in (20_000, 20_100):
        aws.check(later)
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body["provisioning"]["state"] == "ready"


def test_a_deleted_number_is_given_back_to_the_account_that_it_is_in(aws: Deployment, seller: Seller) -> None:
    number = active(aws, seller)
    path = f"/phone-numbers/{number['id']}"
    with another_account(aws, seller):
        assert aws.api("DELETE", path).body["status"] == "cancelled"
        aws.check(700)
        assert aws.api("GET", path).body["provisioning"]["state"] == "releasing"
    for later in (10_000, 10_100, 10_200):
        aws.check(later)
    assert aws.api("GET", path).body["provisioning"]["state"] == "released"
    assert seller.owned() == []


# ---- at Vapi ---------------------------------------------------------------------------------------------------------

ELSEWHERE = {"orgId": "11111111-0000-4000-8000-0000000000bb", "provider": "vapi", "number": "+14155550111"}


def test_a_number_of_another_organisation_of_vapis_is_not_compared(aws: Deployment) -> None:
    aws.bought()
    with another_organisation(ELSEWHERE):
        report = aws.reconcile()
        assert found(report) == {"not-compared": (1, 0)}
        assert report["findings"][0]["subject"] == "vapi"
        assert "another account" in report["findings"][0]["detail"]
    assert statuses(aws) == {"active"}
    assert aws.reconcile(DAY + 60)["findings"] == []


def test_numbers_that_are_all_missing_at_vapi_at_once_are_not_given_up(aws: Deployment) -> None:
    aws.bought()
    aws.bought()
    with another_organisation():
        report = aws.reconcile()
        assert found(report) == {"not-compared": (1, 0)}
        assert "none of our 2 numbers" in report["findings"][0]["detail"]
    assert statuses(aws) == {"active"}
    assert aws.reconcile(DAY + 60)["findings"] == []


def test_a_number_from_before_accounts_were_kept_is_compared_as_any(aws: Deployment) -> None:
    aws.bought()
    as_before_accounts_were_kept(aws)
    with another_organisation(ELSEWHERE):
        assert found(aws.reconcile()) == {"gone-at-vapi": (1, 1)}


def test_a_number_of_vapis_own_that_was_taken_for_gone_is_never_released_by_itself(aws: Deployment) -> None:
    aws.bought()
    with another_organisation():
        assert found(aws.reconcile()) == {"gone-at-vapi": (1, 1)}
    assert found(aws.reconcile(30 * DAY)) == {"orphan-at-vapi": (1, 0)}
    assert len(aws.rows()) == 1


def test_an_orphan_at_vapi_is_as_old_as_the_end_of_the_number_that_it_was_bought_for(aws: Deployment) -> None:
    number = aws.bought()
    aws.at_vapi("phone-number", provider="vapi", server=aws.rows()[0]["server"])
    later = connected.lifecycle(lambda: time.time() + 2 * DAY)
    later.release(number["id"], "acme", None)
    assert found(aws.reconcile(2 * DAY + 60)) == {"orphan-at-vapi": (1, 0)}
    assert found(aws.reconcile(3 * DAY + 60)) == {"orphan-at-vapi": (1, 1)}
    assert aws.rows() == []


@pytest.fixture(params=["vapi", *PROVIDERS])
def number(request: pytest.FixtureRequest, aws: Deployment) -> dict[str, Any]:
    """One in service, of each provider."""
    return aws.bought() if request.param == "vapi" else active(aws, aws.configure(request.param))


def test_what_another_organisation_of_vapis_does_not_have_is_told_to_the_right_one_later(
    aws: Deployment, number: dict[str, Any]
) -> None:
    path = f"/phone-numbers/{number['id']}"
    with another_organisation(ELSEWHERE):
        assert aws.api("PATCH", path, body={"name": "Renamed"}).status == 200
        aws.check(100)
        assert aws.api("GET", path).body["provisioning"]["state"] == "ready"
    for later in (1000, 1000):
        aws.check(later)
    (row,) = aws.rows()
    assert (row["name"], aws.check(1000)) == ("Renamed", 0)


def test_a_number_is_released_at_the_organisation_of_vapis_that_it_is_in(
    aws: Deployment, number: dict[str, Any]
) -> None:
    path = f"/phone-numbers/{number['id']}"
    with another_organisation(ELSEWHERE):
        assert aws.api("DELETE", path).body["provisioning"]["state"] == "releasing"
        aws.check(100)
        assert aws.api("GET", path).body["provisioning"]["state"] == "releasing"
    for later in (1000, 1000, 2000):
        aws.check(later)
    assert (aws.api("GET", path).body["provisioning"]["state"], aws.rows()) == ("released", [])
