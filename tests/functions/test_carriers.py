"""A number's life at each carrier: searched, bought, imported into Vapi, kept in step, given back."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from local.simulators.faults import Fault
from local.simulators.twilio import TwilioSimulator
from switchboard.carriers.carrier import TAG_PREFIX
from switchboard.errors import BudgetExceeded
from switchboard.model.number import PhoneNumberRequest
from switchboard.model.record import number_id
from switchboard.provisioning import connected
from switchboard.store import dynamo, secrets
from switchboard.store.budgets import set_limit
from tests.functions.conftest import DEPLOYMENT, Deployment
from tests.functions.interruptions import clear_faults
from tests.functions.outside import cold, outside
from tests.functions.sellers import Seller
from tests.support.invoking import Answer

PROVIDERS = ["twilio", "vonage", "bandwidth"]
IMPORT = ("POST", "/phone-number")
EXACT = "+14155550142"
OWN_ID = number_id(DEPLOYMENT, "acme", "k1", 0, b"")
PRICES = json.dumps({"bandwidth": {"US": {"local": {"monthlyFee": 35, "setupFee": 10, "perMinuteCost": 0.55}}}})


@pytest.fixture(params=PROVIDERS)
def seller(request: pytest.FixtureRequest, aws: Deployment) -> Seller:
    return aws.configure(request.param)


def buy(aws: Deployment, seller: Seller, key: str = "k1", **wanted: Any) -> Answer:
    asked = {"provider": seller.provider, **({} if "phoneNumber" in wanted else {"areaCode": "415"}), **wanted}
    asked = {name: value for name, value in asked.items() if value is not None}
    return aws.api("POST", "/phone-numbers", body=asked, headers={"Idempotency-Key": key})


def active(aws: Deployment, seller: Seller, key: str = "k1", **wanted: Any) -> dict[str, Any]:
    """A number in service."""
    bought = buy(aws, seller, key, **wanted)
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


# ---- what becomes of a purchase --------------------------------------------------------------------------------------


def asked(seller: Seller) -> list[dict[str, Any]]:
    """The requests to sell a number."""
    return seller.simulator.requests_to(*seller.purchase)


def number_at(aws: Deployment, answer: Answer) -> dict[str, Any]:
    number: dict[str, Any] = aws.api("GET", f"/phone-numbers/{answer.body['id']}").body
    return number


def check_all(aws: Deployment, *instants: float) -> None:
    for later in instants:
        aws.check(later)


def committed(aws: Deployment) -> set[Decimal]:
    """What the budgets bear."""
    return {item.get("committed", Decimal(0)) for item in aws.items("BUDGET#")}


def nothing_is_left(aws: Deployment, seller: Seller) -> bool:
    """Nobody holds a number, neither here nor at Vapi nor at the carrier, and no budget bears one."""
    held = [*aws.items("E164#"), *aws.items("VAPI#"), *aws.rows(), *seller.owned()]
    return held == [] and committed(aws) <= {Decimal(0)} and aws.check(100_000) == 0


def while_buying(aws: Deployment, seller: Seller, others: Callable[[], object], **wanted: Any) -> Answer:
    """A create, during which others do something after the search, right before the carrier is asked to sell."""
    with cold(), outside() as taken:
        buy(aws, seller, **wanted)
    aws.empty()
    method, path = seller.purchase
    at = next(at for at, step in enumerate(taken) if step.startswith(method) and step.endswith(path))
    with cold(), outside(at, others):
        return buy(aws, seller, **wanted)


def test_a_purchase_whose_answer_was_lost_is_found_and_paid_once(aws: Deployment, seller: Seller) -> None:
    seller.simulator.fault(Fault(*seller.purchase, cut="after"))
    bought = buy(aws, seller)
    check_all(aws, 0, 10)
    assert number_at(aws, bought)["status"] == "active"
    assert (len(asked(seller)), len(seller.paid())) == (1, 1)


def test_a_purchase_that_was_not_made_is_asked_for_again_after_90_seconds_once(aws: Deployment, seller: Seller) -> None:
    seller.simulator.fault(Fault(*seller.purchase, cut="before"))
    bought = buy(aws, seller, phoneNumber=EXACT)
    check_all(aws, 0, 60)
    assert len(asked(seller)) == 1
    check_all(aws, 95, 100, 110)
    assert (number_at(aws, bought)["status"], seller.owned()) == ("active", [EXACT])
    assert (len(asked(seller)), len(seller.paid())) == (2, 1)


def test_a_purchase_that_is_sent_twice_on_the_way_pays_once(aws: Deployment, seller: Seller) -> None:
    seller.simulator.fault(Fault(*seller.purchase, twice=True))
    number = active(aws, seller)
    assert seller.owned() == [number["phoneNumber"]]


def test_a_number_that_is_delivered_after_the_next_was_bought_is_an_orphan(aws: Deployment, seller: Seller) -> None:
    """It has our tag, so it is given back a day later; where there are no tags, it is reported."""
    seller.simulator.fault(Fault(*seller.purchase, cut="before", times=None))
    bought = buy(aws, seller)
    (item,) = aws.items("E164#")
    first = item["PK"].removeprefix("E164#")
    check_all(aws, 100, 300)
    assert {item["PK"] for item in aws.items("E164#")} == {f"E164#{first}"}
    aws.check(650)
    clear_faults(aws)
    check_all(aws, 750, 850)
    number = number_at(aws, bought)
    assert number["status"] == "active"
    assert number["phoneNumber"] != first
    seller.hand_over(first, TAG_PREFIX + number["id"].removeprefix("pn_"))
    assert seller.owned() == sorted([first, number["phoneNumber"]])
    aws.reconcile(later=3600)
    assert len(seller.owned()) == 2
    report = aws.reconcile(later=90_000)
    if seller.provider == "vonage":
        assert report["classes"]["unknown-at-carrier"] == {"found": 1, "done": 0}
    else:
        assert seller.owned() == [number["phoneNumber"]]


def test_a_number_that_was_sold_meanwhile_is_passed_over_for_the_next(aws: Deployment, seller: Seller) -> None:
    taken: list[str] = []

    def others() -> None:
        (item,) = aws.items("E164#")
        taken.append(item["PK"].removeprefix("E164#"))
        seller.take(taken[0])

    answer = while_buying(aws, seller, others)
    assert answer.status == 201
    check_all(aws, 0, 100)
    number = number_at(aws, answer)
    assert (number["status"], seller.owned()) == ("active", [number["phoneNumber"]])
    assert number["phoneNumber"] != taken[0]
    assert {item["PK"] for item in aws.items("E164#")} == {f"E164#{number['phoneNumber']}"}


def test_when_all_candidates_were_sold_meanwhile_the_request_is_refused_and_nothing_is_left(
    aws: Deployment, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONTHLY_BUDGET_CENTS", "1000")
    monkeypatch.setenv("PRICE_TABLE", PRICES)

    def others() -> None:
        for line in range(100, 200):
            seller.take(f"+14155550{line}")

    refused = while_buying(aws, seller, others)
    assert (refused.status, refused.body["code"]) == (409, "number_not_available")
    assert (again := buy(aws, seller)).status == 409
    assert again.body["code"] == "number_not_available"
    assert nothing_is_left(aws, seller)
    assert aws.events() == []


def test_what_the_carrier_demands_first_is_named_and_nothing_is_left(aws: Deployment) -> None:
    seller = aws.configure("twilio")
    asked_for: dict[str, Any] = {"areaCode": None, "country": "GB", "type": "mobile"}
    for _ in range(2):
        refused = buy(aws, seller, **asked_for)
        assert (refused.status, refused.body["code"]) == (409, "requirement_missing")
        assert "Bundle" in refused.body["detail"]
    assert nothing_is_left(aws, seller)


def test_a_carrier_that_asks_to_slow_down_is_asked_more_and_more_rarely_and_pays_once(
    aws: Deployment, seller: Seller
) -> None:
    seller.simulator.fault(Fault(*seller.purchase, cut="before"))
    bought = buy(aws, seller, phoneNumber=EXACT)
    seller.simulator.fault(Fault(*seller.purchase, status=429, times=3))
    at = []
    for later in range(100, 700, 30):
        before = len(asked(seller))
        aws.check(later)
        at += [later] * (len(asked(seller)) - before)
    assert at == [100, 190, 310, 550]  # when nobody can be asking any more, then two minutes later, then four
    aws.check(720)
    assert number_at(aws, bought)["status"] == "active"
    assert (seller.owned(), len(seller.paid())) == ([EXACT], 1)


def test_a_carrier_that_is_down_sells_nothing_and_nothing_is_left(aws: Deployment, seller: Seller) -> None:
    seller.simulator.fault(Fault(status=503, times=None))
    refused = buy(aws, seller)
    assert refused.status in (502, 503)
    assert aws.items() == []


def test_a_carrier_that_is_down_for_an_hour_ends_no_purchase(aws: Deployment, seller: Seller) -> None:
    seller.simulator.fault(Fault(*seller.purchase, cut="before"))
    bought = buy(aws, seller, phoneNumber=EXACT)
    seller.simulator.fault(Fault(status=503, times=None))
    check_all(aws, *range(60, 3600, 300))
    clear_faults(aws)
    check_all(aws, 7300, 7400, 7500)
    assert (number_at(aws, bought)["status"], seller.owned()) == ("active", [EXACT])
    assert len(seller.paid()) == 1


def test_a_number_that_its_carrier_does_not_list_yet_is_waited_for(aws: Deployment, seller: Seller) -> None:
    of_twilio = "/2010-04-01/*/IncomingPhoneNumbers.json"
    none: dict[str, Any] = {"incoming_phone_numbers": []}
    unlisted = {
        "twilio": Fault("GET", of_twilio, status=200, body=none, skip=1, times=2),
        "vonage": Fault("GET", "/account/numbers", status=200, body={}, times=2),
        "bandwidth": Fault("GET", "/api/v2/tns/*", status=404, times=2),
    }
    seller.simulator.fault(unlisted[seller.provider])
    bought = buy(aws, seller)
    assert bought.body["provisioning"]["state"] == "importing"
    deleted = aws.api("DELETE", f"/phone-numbers/{bought.body['id']}")
    assert (deleted.status, len(seller.owned())) == (200, 1)
    check_all(aws, 0, 60, 700)
    assert nothing_is_left(aws, seller)


# ---- what becomes of the import --------------------------------------------------------------------------------------


def test_a_number_that_vapi_will_not_import_goes_back(
    aws: Deployment, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONTHLY_BUDGET_CENTS", "1000")
    monkeypatch.setenv("PRICE_TABLE", PRICES)
    aws.vapi.fault(Fault(*IMPORT, status=400, body={"message": "Number Not Found on Twilio."}, times=5))
    bought = buy(aws, seller)
    assert (bought.status, len(seller.owned())) == (201, 1)
    check_all(aws, 100, 300, 600, 1200, 1300)
    number = number_at(aws, bought)
    assert (number["status"], number["provisioning"]["state"]) == ("cancelled", "failed")
    assert number["provisioning"]["error"]["code"] == "import_refused"
    assert "Number Not Found" in number["provisioning"]["error"]["detail"]
    assert len(aws.vapi.requests_to(*IMPORT)) == 5
    assert nothing_is_left(aws, seller)
    assert [event["detail-type"] for event in aws.events()] == ["created", "deleted"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(*IMPORT, cut="after"),
        Fault(*IMPORT, status=400, twice=True, body={"message": "Number already exists."}),
        Fault(*IMPORT, status=429),
    ],
    ids=["answer lost", "sent twice", "busy"],
)
def test_a_number_is_never_at_vapi_twice(aws: Deployment, fault: Fault) -> None:
    seller = aws.configure("twilio")
    aws.vapi.fault(fault)
    number = active(aws, seller)
    (row,) = aws.rows()
    assert row["number"] == number["phoneNumber"]


def test_a_number_that_was_in_service_is_never_given_away_whatever_vapi_says(aws: Deployment, seller: Seller) -> None:
    """Somebody deletes it at Vapi, which then will not have it; its owner has suspended it meanwhile."""
    number = active(aws, seller)
    path = f"/phone-numbers/{number['id']}"
    aws.api("PATCH", path, body={"status": "suspended"})
    (row,) = aws.rows()
    aws.vapi.store.delete("phone-number", row["id"])
    aws.vapi.fault(Fault(*IMPORT, status=400, times=9))
    aws.reconcile()
    check_all(aws, *range(0, 40_000, 1000))
    assert (seller.owned(), aws.check(40_000)) == ([number["phoneNumber"]], 0)
    (row,) = aws.rows()
    assert row["number"].lstrip("+") == number["phoneNumber"].lstrip("+")
    assert aws.api("GET", path).body["status"] == "suspended"


# ---- deleting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["purchasing", "importing"])
def test_a_number_is_deleted_wherever_its_purchase_stands(aws: Deployment, seller: Seller, state: str) -> None:
    if state == "purchasing":
        seller.simulator.fault(Fault(*seller.purchase, cut="before"))
    else:
        aws.vapi.fault(Fault(*IMPORT, cut="before"))
    bought = buy(aws, seller)
    assert bought.body["provisioning"]["state"] == state
    deleted = aws.api("DELETE", f"/phone-numbers/{bought.body['id']}")
    assert (deleted.status, deleted.body["status"]) == (200, "cancelled")
    check_all(aws, 100, 700, 1400)
    assert nothing_is_left(aws, seller)
    assert len(asked(seller)) == 1


def test_a_number_that_is_deleted_before_it_is_asked_for_is_never_paid(aws: Deployment) -> None:
    seller = aws.configure("twilio")
    with cold(), outside() as taken:
        buy(aws, seller)
    bought = next(at for at, step in enumerate(taken) if step.endswith(seller.purchase[1]) and step.startswith("POST"))
    claimed = max(at for at, step in enumerate(taken[:bought]) if step.endswith("TransactWriteItems"))

    def cancel() -> None:
        """As a delete whose process ends right after its first write."""
        lifecycle = connected.lifecycle()
        lifecycle._change(OWN_ID, "acme", None, lambda record: record.cancelled(lifecycle.now()))

    for at in (claimed - 1, claimed):  # before what is claimed is read, and between that and the claim
        aws.empty()
        with cold(), outside(at, cancel):
            answer = buy(aws, seller)
        assert (answer.status, answer.body["status"]) == (201, "cancelled"), taken[at]
        assert asked(seller) == []
        assert nothing_is_left(aws, seller)


def test_the_delete_of_a_number_that_nobody_sells_any_more_is_no_refusal(aws: Deployment) -> None:
    seller = aws.configure("twilio")
    seller.simulator.fault(Fault(*seller.purchase, cut="before", times=2))
    bought = buy(aws, seller, phoneNumber=EXACT)
    aws.check(100)
    seller.take(EXACT)
    lifecycle = connected.lifecycle(lambda: bought.body["created"] + 800)
    deleted = lifecycle.release(bought.body["id"], "acme", None)
    assert deleted.number.provisioning.state == "failed"
    assert nothing_is_left(aws, seller)


@pytest.mark.parametrize("who", ["vapi", "carrier"])
@pytest.mark.parametrize("trouble", ["down", "gone already"])
def test_a_release_is_finished_whoever_fails_or_has_it_no_more(
    aws: Deployment, seller: Seller, who: str, trouble: str
) -> None:
    number = active(aws, seller)
    if trouble == "down":
        (aws.vapi if who == "vapi" else seller.simulator).fault(Fault(status=503, times=None))
    elif who == "vapi":
        aws.vapi.store.delete("phone-number", aws.rows()[0]["id"])
    else:
        seller.simulator.clear()
    deleted = aws.api("DELETE", f"/phone-numbers/{number['id']}")
    assert (deleted.status, deleted.body["status"]) == (200, "cancelled")
    if trouble == "down":
        assert seller.owned() == [number["phoneNumber"]]
        assert len(aws.rows()) == (1 if who == "vapi" else 0)
    clear_faults(aws)
    check_all(aws, 0, 700)
    assert nothing_is_left(aws, seller)


def test_a_number_in_a_call_is_released_when_that_has_ended_or_by_force(aws: Deployment, seller: Seller) -> None:
    number = active(aws, seller)
    path = f"/phone-numbers/{number['id']}"
    (row,) = aws.rows()
    call = aws.vapi.store.insert("call", {"phoneNumberId": row["id"], "status": "in-progress"})
    deleted = aws.api("DELETE", path)
    assert (deleted.body["status"], deleted.body["provisioning"]["state"]) == ("cancelled", "releasing")
    check_all(aws, 0, 60)
    assert aws.api("DELETE", path).status == 200
    assert (seller.owned(), len(aws.rows())) == ([number["phoneNumber"]], 1)
    if seller.provider == "twilio":
        aws.api("DELETE", path, query={"force": "true"})
    else:
        aws.vapi.store.update("call", call["id"], {"status": "ended"})
    check_all(aws, 120, 700)
    assert aws.api("DELETE", path).body["provisioning"]["state"] == "released"
    assert nothing_is_left(aws, seller)


def test_a_disconnect_is_followed_until_it_is_carried_out(aws: Deployment) -> None:
    seller = aws.configure("bandwidth")
    number = active(aws, seller)
    seller.simulator.hold_orders()  # type: ignore[attr-defined]
    deleted = aws.api("DELETE", f"/phone-numbers/{number['id']}")
    check_all(aws, 0, 60)
    assert deleted.body["provisioning"]["state"] == "releasing"
    assert len(seller.simulator.requests_to(*seller.release)) == 1
    seller.simulator.proceed()  # type: ignore[attr-defined]
    check_all(aws, 200, 300, 900)
    assert nothing_is_left(aws, seller)


def test_a_failed_disconnect_is_ordered_again(aws: Deployment) -> None:
    seller = aws.configure("bandwidth")
    number = active(aws, seller)
    failed = "<R><ErrorList><Error><Code>5999</Code><Description>No.</Description></Error></ErrorList>"
    failed += "<orderRequest><id>d-1</id></orderRequest><OrderStatus>FAILED</OrderStatus></R>"
    seller.simulator.fault(Fault(*seller.release, status=201, body=failed))
    seller.simulator.fault(Fault("GET", "*/disconnects/*", status=200, body=failed))
    aws.api("DELETE", f"/phone-numbers/{number['id']}")
    check_all(aws, 0, 100, 200)
    assert len(seller.simulator.requests_to(*seller.release)) == 2
    assert nothing_is_left(aws, seller)


def test_an_emergency_address_is_taken_away_before_the_number(aws: Deployment) -> None:
    seller = aws.configure("twilio")
    number = active(aws, seller)
    twilio = seller.simulator
    assert isinstance(twilio, TwilioSimulator)
    (row,) = twilio.store.numbers()
    twilio.store.edit(row["sid"], {"emergency_address_sid": "AD1", "emergency_address_status": "registered"})
    deleted = aws.api("DELETE", f"/phone-numbers/{number['id']}")
    assert (deleted.body["provisioning"]["state"], len(seller.owned())) == ("releasing", 1)
    twilio.store.edit(row["sid"], {"emergency_address_status": "unregistered"})
    check_all(aws, 60)
    assert nothing_is_left(aws, seller)


def test_a_number_that_was_added_stays_with_its_carrier(aws: Deployment, seller: Seller) -> None:
    seller.hand_over(EXACT, "")
    number = active(aws, seller, phoneNumber=EXACT, purchase=False)
    assert committed(aws) <= {Decimal(0)}
    aws.api("DELETE", f"/phone-numbers/{number['id']}")
    aws.check()
    assert (seller.owned(), aws.rows(), aws.items("E164#")) == ([EXACT], [], [])
    assert seller.simulator.requests_to(*seller.release) == []


def test_only_a_number_of_the_account_can_be_added_and_only_once(aws: Deployment, seller: Seller) -> None:
    refused = buy(aws, seller, phoneNumber=EXACT, purchase=False)
    assert (refused.status, [error["path"] for error in refused.body["errors"]]) == (422, ["phoneNumber"])
    seller.hand_over(EXACT, "")
    active(aws, seller, "k2", phoneNumber=EXACT, purchase=False)
    for wanted in ({"purchase": False}, {}):
        refused = buy(aws, seller, f"k3{wanted}", phoneNumber=EXACT, **wanted)
        assert refused.body["code"] == ("number_taken" if wanted else "invalid_request")
    assert len([item for item in aws.items("NUMBER#") if item["status"] == "active"]) == 1


# ---- budgets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "limits", "own", "bought"),
    [
        ("twilio", ("115", ""), None, True),
        ("twilio", ("114.9999", ""), None, False),
        ("twilio", ("", "115"), None, True),
        ("twilio", ("", "114"), None, False),
        ("twilio", ("", "114"), 115, True),
        ("twilio", ("", "115"), 114, False),
        ("twilio", ("114", ""), 115, False),
        ("vonage", ("384", ""), None, False),
        ("vonage", ("385", ""), None, True),
        ("bandwidth", ("44", ""), None, False),
        ("bandwidth", ("45", ""), None, True),
    ],
)
def test_a_number_is_bought_only_if_all_budgets_bear_it(
    aws: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    provider: str,
    limits: tuple[str, str],
    own: int | None,
    bought: bool,
) -> None:
    """Twilio: 1.15 USD. Vonage, in France: 1.00 EUR and once 2.50, at 1.10. Bandwidth, by the table: 35 and once 10."""
    monkeypatch.setenv("MONTHLY_BUDGET_CENTS", limits[0])
    monkeypatch.setenv("BUSINESS_MONTHLY_BUDGET_CENTS", limits[1])
    monkeypatch.setenv("PRICE_TABLE", PRICES)
    seller = aws.configure(provider)
    if own is not None:
        set_limit(connected.lifecycle().numbers.table, "acme", Decimal(own))
    wanted: dict[str, Any] = {"areaCode": None, "country": "FR"} if provider == "vonage" else {}
    answer = buy(aws, seller, **wanted)
    if bought:
        assert answer.status == 201
        fee = {"twilio": "115", "vonage": "110", "bandwidth": "35"}[provider]
        assert committed(aws) == {Decimal(fee)}
        aws.check()
        aws.api("DELETE", f"/phone-numbers/{answer.body['id']}")
        check_all(aws, 0, 700)
        assert nothing_is_left(aws, seller)
    else:
        assert (answer.status, answer.body["code"]) == (409, "budget_exceeded")
        assert (asked(seller), aws.items("NUMBER#"), committed(aws) <= {Decimal(0)}) == ([], [], True)


def test_of_two_purchases_at_once_the_budget_bears_one(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONTHLY_BUDGET_CENTS", "200")
    seller = aws.configure("twilio")

    def bought(key: str) -> bool:
        request = PhoneNumberRequest.model_validate({"provider": "twilio", "areaCode": "415"})
        try:
            connected.lifecycle().create(request, business="acme", idempotency_key=key, base_url="https://s.example")
        except BudgetExceeded:
            return False
        return True

    connected.lifecycle()
    with outside(), ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(bought, ("k1", "k2"))) == [False, True]
    assert (len(seller.paid()), committed(aws)) == (1, {Decimal(115)})


def test_a_purchase_that_meets_another_one_at_the_budget_is_written_again(aws: Deployment) -> None:
    seller = aws.configure("twilio")
    conflicts = iter(range(2))
    refused = {
        "Error": {"Code": "TransactionCanceledException", "Message": "conflict"},
        "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}, {"Code": "None"}],
    }

    def conflict(**_: Any) -> tuple[Any, dict[str, Any]] | None:
        """As DynamoDB answers while another transaction is at the same item."""
        return None if next(conflicts, None) is None else (SimpleNamespace(status_code=400), refused)

    events = dynamo.table().client.meta.events
    events.register("before-call.dynamodb.TransactWriteItems", conflict)
    assert buy(aws, seller).status == 201
    events.unregister("before-call.dynamodb.TransactWriteItems", conflict)
    assert next(conflicts, None) is None
    assert len(seller.paid()) == 1


def test_a_price_that_nobody_tells_fits_no_budget(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    seller = aws.configure("bandwidth")
    assert buy(aws, seller).status == 201
    monkeypatch.setenv("BUSINESS_MONTHLY_BUDGET_CENTS", "100000")
    refused = buy(aws, seller, "k2")
    assert (refused.status, refused.body["code"]) == (422, "provider_not_configured")
    assert "PriceTable" in refused.body["detail"]


# ---- facts and fees --------------------------------------------------------------------------------------------------


FACTS = ("type", "country", "region", "city", "areaCode", "monthlyFee", "setupFee", "perMinuteCost")


@pytest.mark.parametrize(
    ("provider", "wanted", "facts"),
    [
        ("twilio", {}, ("local", "US", "CA", "San Francisco", "415", 115, None, 0.85)),
        (
            "twilio",
            {"areaCode": None, "type": "toll-free"},
            ("toll-free", "US", None, None, "800", 215, None, 2.2),
        ),
        (
            "twilio",
            {"areaCode": None, "type": "international", "country": "GB"},
            ("international", "GB", "London", None, "20", 115, None, 1),
        ),
        ("vonage", {}, ("local", "US", "CA", "San Francisco", "415", 99, 0, None)),
        (
            "vonage",
            {"areaCode": None, "type": "international", "country": "FR"},
            ("international", "FR", None, None, "1", 110, 275, None),
        ),
        ("bandwidth", {}, ("local", "US", "CA", "SAN FRANCISCO", "415", 35, 10, 0.55)),
        ("bandwidth", {"areaCode": "701"}, ("local", "US", "ND", "FARGO", "701", 35, 10, 0.55)),
    ],
)
def test_facts_and_fees_are_those_that_the_carrier_tells(
    aws: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    provider: str,
    wanted: dict[str, Any],
    facts: tuple[Any, ...],
) -> None:
    """Fees in cents of the deployment's currency; what the carrier leaves open is known from the digits."""
    monkeypatch.setenv("PRICE_TABLE", PRICES)
    number = active(aws, aws.configure(provider), **wanted)
    assert tuple(number[name] for name in FACTS) == facts


def test_a_currency_without_a_rate_is_named_with_its_remedy(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURRENCY_RATES", "")
    refused = buy(aws, aws.configure("vonage"))
    assert (refused.status, refused.body["code"]) == (422, "provider_not_configured")
    assert "EUR=" in refused.body["detail"]
    assert aws.items() == []


def test_a_caller_id_name_that_the_carrier_refuses_does_not_hold_the_number_up(aws: Deployment) -> None:
    seller = aws.configure("bandwidth")
    refusal = "<R><ErrorList><Error><Code>11001</Code><Description>No.</Description></Error></ErrorList></R>"
    seller.simulator.fault(Fault("POST", "*/lidbs", status=400, body=refusal, times=None))
    number = active(aws, seller, callerIdName="ACME DENTAL")
    clear_faults(aws)
    check_all(aws, 4000, 8000)
    assert aws.check(8000) == 0
    assert caller_id_name(seller, number) == "ACME DENTAL"


def caller_id_name(seller: Seller, number: dict[str, Any]) -> str | None:
    """As Bandwidth shows it to those who are called."""
    (held,) = [row for row in seller.simulator.state()["numbers"] if row["number"] == number["phoneNumber"]]
    shown: str | None = held["caller_id_name"]
    return shown


def test_a_caller_id_name_is_followed_until_the_carrier_shows_it(aws: Deployment) -> None:
    seller = aws.configure("bandwidth")
    number = active(aws, seller)
    seller.simulator.hold_orders()  # type: ignore[attr-defined]
    path = f"/phone-numbers/{number['id']}"
    assert aws.api("PATCH", path, body={"callerIdName": "ACME DENTAL"}).status == 200
    assert [aws.check(later) for later in (0, 100, 300, 4000)] == [1, 1, 1, 1]
    assert [order["kind"] for order in seller.simulator.state()["orders"]].count("lidb") == 1
    assert aws.api("PATCH", path, body={"name": "Told at once"}).status == 200
    assert aws.rows()[0]["name"] == "Told at once"
    seller.simulator.proceed()  # type: ignore[attr-defined]
    check_all(aws, 8000, 8000)
    assert (aws.check(8000), caller_id_name(seller, number)) == (0, "ACME DENTAL")


def test_a_caller_id_name_can_be_replaced_and_not_taken_away(aws: Deployment) -> None:
    seller = aws.configure("bandwidth")
    number = active(aws, seller, callerIdName="ACME DENTAL")
    path = f"/phone-numbers/{number['id']}"
    refused = aws.api("PATCH", path, body={"callerIdName": None})
    assert (refused.status, [error["path"] for error in refused.body["errors"]]) == (422, ["callerIdName"])
    assert aws.api("PATCH", path, body={"callerIdName": "ACME"}).status == 200
    check_all(aws, 0, 400)
    assert (aws.check(400), caller_id_name(seller, number)) == (0, "ACME")


# ---- searching -------------------------------------------------------------------------------------------------------


def found(aws: Deployment, **query: str) -> Answer:
    return aws.api("GET", "/available-phone-numbers", query=query)


def test_a_search_shows_what_would_be_bought_at_its_price(
    aws: Deployment, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRICE_TABLE", PRICES)
    answer = found(aws, provider=seller.provider, areaCode="415", limit="3")
    assert (answer.status, len(answer.body["items"])) == (200, 3)
    offer = answer.body["items"][0]
    assert (offer["provider"], offer["country"], offer["type"]) == (seller.provider, "US", "local")
    number = active(aws, seller, phoneNumber=offer["phoneNumber"])
    assert {name: number[name] for name in ("phoneNumber", "monthlyFee", "setupFee", "perMinuteCost")} == {
        name: offer.get(name) for name in ("phoneNumber", "monthlyFee", "setupFee", "perMinuteCost")
    }
    assert aws.items("BUDGET#") == [] or committed(aws) == {Decimal(str(number["monthlyFee"]))}


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"provider": "telnyx"}, "provider"),
        ({}, "provider"),
        ({"provider": "vapi"}, "provider"),
        ({"provider": "twilio", "country": "us"}, "country"),
        ({"provider": "twilio", "areaCode": "41a"}, "areaCode"),
        ({"provider": "twilio", "type": "premium"}, "type"),
        ({"provider": "twilio", "type": "international"}, "type"),
        ({"provider": "twilio", "contains": "1"}, "contains"),
        ({"provider": "twilio", "capability": "telex"}, "capability.0"),
        ({"provider": "twilio", "limit": "51"}, "limit"),
        ({"provider": "bandwidth"}, "areaCode"),
    ],
)
def test_a_wrong_search_is_refused_by_its_field(aws: Deployment, query: dict[str, str], path: str) -> None:
    aws.configure("twilio")
    aws.configure("bandwidth")
    refused = found(aws, **query)
    assert (refused.status, [error["path"] for error in refused.body["errors"]]) == (422, [path])


def test_a_search_finds_nothing_where_there_is_nothing(aws: Deployment, seller: Seller) -> None:
    answer = found(aws, provider=seller.provider, areaCode="100")
    assert (answer.status, answer.body) == (200, {"items": []})


# ---- credentials -----------------------------------------------------------------------------------------------------


def test_without_credentials_the_answer_says_what_to_set(aws: Deployment, seller: Seller) -> None:
    aws.put_credentials(seller.provider, {})
    for refused in (buy(aws, seller), found(aws, provider=seller.provider, areaCode="415")):
        assert (refused.status, refused.body["code"]) == (422, "provider_not_configured")
        assert "into its secret" in refused.body["detail"]
    assert aws.items() == []


def test_rotated_credentials_are_used_without_a_restart(
    aws: Deployment, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret_name = {"twilio": "apiKeySecret", "vonage": "apiSecret", "bandwidth": "clientSecret"}[seller.provider]
    aws.put_credentials(seller.provider, {**seller.credentials, secret_name: "rotated-away"})
    refused = found(aws, provider=seller.provider, areaCode="415")
    assert (refused.status, refused.body["code"]) == (502, "provider_credentials_rejected")
    held = dict(secrets._values)
    aws.put_credentials(seller.provider, seller.credentials)
    secrets._values.update(held)  # as an instance that does not know of the rotation
    assert found(aws, provider=seller.provider, areaCode="415").status == 502
    monkeypatch.setattr(secrets, "FRESH_SECONDS", -1)
    monkeypatch.setattr(secrets.secret, "__kwdefaults__", {**(secrets.secret.__kwdefaults__ or {}), "older_than": -1})
    assert found(aws, provider=seller.provider, areaCode="415").status == 200
