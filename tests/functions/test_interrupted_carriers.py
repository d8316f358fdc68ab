"""Purchase, release and schedule of a carrier's numbers, interrupted anywhere: none is paid twice, lost, or left."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.faults import Fault
from switchboard.carriers.carrier import TAG_PREFIX
from switchboard.errors import InvalidRequest, NumberNotFound, ProviderError, StatusConflict
from switchboard.model.number import PhoneNumberRequest
from switchboard.model.record import NumberRecord, number_id
from switchboard.provisioning import connected
from switchboard.provisioning.steps import NOT_BOUGHT
from tests.functions.conftest import DEPLOYMENT, Deployment
from tests.functions.interruptions import clear_faults, dying_at_every_step, others_work_at_every_step
from tests.functions.outside import cold, outside
from tests.functions.sellers import Seller
from tests.support.invoking import Answer

PROVIDERS = ["twilio", "vonage", "bandwidth"]
EXACT = "+14155550142"
OWN_ID = number_id(DEPLOYMENT, "acme", "k1", 0, b"")
IMPORT = ("POST", "/phone-number")

WANTED: dict[str, dict[str, Any]] = {
    "searched": {"areaCode": "415", "name": "Front desk", "forwardingNumber": "+14155550199"},
    "exact": {"phoneNumber": EXACT},
    "added": {"phoneNumber": EXACT, "purchase": False},
}


@pytest.fixture(params=PROVIDERS)
def seller(request: pytest.FixtureRequest, aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> Seller:
    """A carrier, with budgets that bear what is bought of it."""
    listed = {"bandwidth": {"US": {"local": {"monthlyFee": 35, "setupFee": 10, "perMinuteCost": "0.55"}}}}
    monkeypatch.setenv("PRICE_TABLE", json.dumps(listed))
    monkeypatch.setenv("MONTHLY_BUDGET_CENTS", "1000")
    monkeypatch.setenv("BUSINESS_MONTHLY_BUDGET_CENTS", "500")
    seller = aws.configure(request.param)
    with outside():  # what an instance asks for once, it has asked for
        aws.api("GET", "/available-phone-numbers", query={"provider": seller.provider, "areaCode": "415"})
    return seller


def request_of(seller: Seller, kind: str = "searched", **wanted: Any) -> dict[str, Any]:
    return {"provider": seller.provider, **WANTED[kind], **wanted}


def buy(aws: Deployment, seller: Seller, kind: str = "searched", key: str = "k1", **wanted: Any) -> Answer:
    asked = request_of(seller, kind, **wanted)
    return aws.api("POST", "/phone-numbers", body=asked, headers={"Idempotency-Key": key})


def again(seller: Seller, kind: str = "searched", key: str = "k1") -> NumberRecord:
    """The same request, without its HTTP: Powertools bears one event at a time in a process."""
    request = PhoneNumberRequest.model_validate(request_of(seller, kind))
    base_url = "https://switchboard.example"
    return connected.lifecycle().create(request, business="acme", idempotency_key=key, base_url=base_url)[0]


def finish(aws: Deployment) -> None:
    """The schedule's turns, until nothing can be left to wait for; then the comparison."""
    for later in (0, 100, 200, 800, 1500, 1600):
        aws.check(later)
    aws.reconcile(later=1700)


def only_number(aws: Deployment, seller: Seller) -> dict[str, Any]:
    """The one number that there is, having asserted that table, Vapi and carrier agree on it."""
    (item,) = aws.items("NUMBER#")
    assert_settled(aws, seller, item["id"])
    number: dict[str, Any] = aws.api("GET", f"/phone-numbers/{item['id']}").body
    return number


def committed(aws: Deployment) -> list[Decimal]:
    """What the budgets bear: the deployment's, and the business's."""
    return [item.get("committed", Decimal(0)) for item in aws.items("BUDGET#")]


def assert_settled(aws: Deployment, seller: Seller, number_id: str) -> None:
    """Nothing is left to do for the number; Vapi and carrier hold it if and only if it is in service."""
    (item,) = aws.items(f"NUMBER#{number_id}")
    rows = aws.rows(number_id)
    beside = {kept["PK"] for kept in aws.items() if kept.get("numberId") == number_id}
    is_added = item["carrier"]["isAdded"]
    assert "unfinished" not in item, item
    assert len(seller.paid()) <= 1
    if item["status"] == "active":
        assert [row["id"] for row in rows] == [item["vapiId"]]
        assert beside == {f"VAPI#{item['vapiId']}", f"E164#{item['phoneNumber']}"}
        assert seller.owned() == [item["phoneNumber"]]
        assert set(committed(aws)) <= {Decimal(0) if is_added else item["monthlyFee"]}
    else:
        assert item["status"] == "cancelled", item
        assert (rows, beside) == ([], set())
        assert seller.owned() == ([EXACT] if is_added else [])
        assert set(committed(aws)) <= {0}


# ---- a process that ends ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", WANTED)
def test_a_create_that_dies_at_any_step_is_finished_by_a_retry_and_the_schedule(
    aws: Deployment, seller: Seller, kind: str
) -> None:
    def prepare() -> None:
        if kind == "added":
            seller.hand_over(EXACT, "")

    for _ in dying_at_every_step(aws, prepare, lambda _: buy(aws, seller, kind)):
        first = buy(aws, seller, kind)
        finish(aws)
        last = buy(aws, seller, kind)
        number = only_number(aws, seller)
        assert number["status"] == "active"
        assert (first.status, first.body["id"]) == (201, number["id"])
        assert (last.status, last.body) == (201, number)


@pytest.mark.parametrize(
    ("seller", "status"), [("twilio", 429), ("vonage", 502), ("bandwidth", 401)], indirect=["seller"]
)
def test_a_create_that_dies_while_its_carrier_turns_it_away_is_finished_all_the_same(
    aws: Deployment, seller: Seller, status: int
) -> None:
    def prepare() -> None:
        times = 2 if status == 401 else 1  # a token that is rejected is fetched anew, and tried again
        seller.simulator.fault(Fault(*seller.purchase, status=status, times=times))

    for _ in dying_at_every_step(aws, prepare, lambda _: buy(aws, seller)):
        assert buy(aws, seller).status == 201
        finish(aws)
        assert only_number(aws, seller)["status"] == "active"


STARTS: dict[str, Callable[[Seller], Fault] | None] = {
    "active": None,
    "importing": lambda _: Fault(*IMPORT, status=429),
    "imported and not heard": lambda _: Fault(*IMPORT, cut="after"),
    "purchasing and bought": lambda seller: Fault(*seller.purchase, cut="before"),
    "purchasing and not bought": lambda seller: Fault(*seller.purchase, cut="before"),
}
"""How a number came to where it is."""


def started(aws: Deployment, seller: Seller, start: str, kind: str = "searched") -> str:
    """The path of a number that has come to one of `STARTS`."""
    if kind == "added":
        seller.hand_over(EXACT, "")
    trouble = STARTS[start]
    if trouble is not None:
        fault = trouble(seller)
        (aws.vapi if fault.path == IMPORT[1] else seller.simulator).fault(fault)
    path = f"/phone-numbers/{buy(aws, seller, kind).body['id']}"
    clear_faults(aws)
    if start == "purchasing and bought":
        (item,) = aws.items("NUMBER#")
        seller.hand_over(item["carrier"]["candidates"][0]["number"], TAG_PREFIX + item["id"].removeprefix("pn_"))
    if trouble is None:
        aws.check()
    return path


@pytest.mark.parametrize("start", STARTS)
def test_a_delete_that_dies_at_any_step_is_finished_by_the_schedule(
    aws: Deployment, seller: Seller, start: str
) -> None:
    for path in dying_at_every_step(aws, lambda: started(aws, seller, start), lambda path: aws.api("DELETE", path)):
        was_cancelled = aws.api("GET", path).body["status"] == "cancelled"
        finish(aws)
        assert (only_number(aws, seller)["status"] == "cancelled") == was_cancelled
        assert aws.api("DELETE", path).status == 200
        finish(aws)
        assert only_number(aws, seller)["status"] == "cancelled"


def test_the_delete_of_a_number_that_was_added_dies_and_leaves_it_at_its_carrier(
    aws: Deployment, seller: Seller
) -> None:
    for path in dying_at_every_step(
        aws, lambda: started(aws, seller, "active", "added"), lambda path: aws.api("DELETE", path)
    ):
        assert aws.api("DELETE", path).status == 200
        finish(aws)
        assert only_number(aws, seller)["status"] == "cancelled"


@pytest.mark.parametrize("start", [start for start in STARTS if start != "active"])
def test_a_turn_of_the_schedule_that_dies_at_any_step_is_made_up_for_by_the_next(
    aws: Deployment, seller: Seller, start: str
) -> None:
    for _ in dying_at_every_step(aws, lambda: started(aws, seller, start), lambda _: aws.check(100)):
        finish(aws)
        assert only_number(aws, seller)["status"] == "active"


@pytest.mark.parametrize(("seller", "action"), [("twilio", "create"), ("bandwidth", "delete")], indirect=["seller"])
def test_an_answer_of_aws_that_is_lost_changes_nothing(
    aws: Deployment, seller: Seller, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write was made, its answer is lost, and botocore asks again: the request ends as if nothing had happened."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)

    def prepared() -> str:
        return "" if action == "create" else started(aws, seller, "active")

    def act(path: str) -> Answer:
        return buy(aws, seller) if action == "create" else aws.api("DELETE", path)

    path = prepared()
    with cold(), outside() as taken:
        expected = act(path)
    for at in range(len(taken)):
        aws.empty()
        path = prepared()
        with cold(), outside(at, lost=True):
            answer = act(path)
        assert (answer.status, answer.body["status"]) == (expected.status, expected.body["status"]), taken[at]
        finish(aws)
        assert only_number(aws, seller)["status"] == ("active" if action == "create" else "cancelled")


# ---- others at the same time -----------------------------------------------------------------------------------------

OTHERS: dict[str, Callable[[Deployment, Seller, str], object]] = {
    "schedule": lambda aws, _, __: aws.check(),
    "retry": lambda _, seller, kind: again(seller, kind),
    "rename": lambda _, __, ___: connected.lifecycle().update(OWN_ID, "acme", {"name": "Renamed"}, None),
    "delete": lambda _, __, ___: connected.lifecycle().release(OWN_ID, "acme", None),
}
"""Work that others may do at the same time."""


@pytest.mark.parametrize(
    ("seller", "kind", "other"),
    [
        *(("twilio", "searched", other) for other in OTHERS),
        ("twilio", "exact", "retry"),
        ("vonage", "searched", "delete"),
        ("vonage", "added", "delete"),
        ("bandwidth", "searched", "schedule"),
        ("bandwidth", "searched", "delete"),
        ("bandwidth", "added", "retry"),
    ],
    indirect=["seller"],
)
def test_a_create_bears_the_work_of_others_between_its_steps(
    aws: Deployment, seller: Seller, kind: str, other: str
) -> None:
    def prepare() -> None:
        if kind == "added":
            seller.hand_over(EXACT, "")

    def others_work(_: None) -> None:
        with suppress(NumberNotFound, ProviderError, StatusConflict, *NOT_BOUGHT):
            OTHERS[other](aws, seller, kind)

    for answer in others_work_at_every_step(aws, prepare, lambda _: buy(aws, seller, kind), others_work):
        finish(aws)
        number = only_number(aws, seller)
        assert answer.status == 201, answer
        if other != "delete":
            assert number["status"] == "active"
        if number["status"] == "active":
            assert aws.rows()[0].get("name") == number["name"]


def test_four_first_requests_at_once_buy_one_number(aws: Deployment, seller: Seller) -> None:
    connected.lifecycle()
    with outside(), ThreadPoolExecutor(4) as threads:
        asked = list(threads.map(lambda _: again(seller), range(4)))
    assert len({record.number.id for record in asked}) == 1
    finish(aws)
    assert only_number(aws, seller)["status"] == "active"


def test_two_requests_for_the_same_exact_number_get_it_once(aws: Deployment, seller: Seller) -> None:
    def other_buys(_: None) -> None:
        with suppress(InvalidRequest, *NOT_BOUGHT):
            again(seller, "exact", key="k2")

    for answer in others_work_at_every_step(aws, lambda: None, lambda _: buy(aws, seller, "exact"), other_buys):
        finish(aws)
        got = [item for item in aws.items("NUMBER#") if item["status"] == "active"]
        assert [item["phoneNumber"] for item in got] == [EXACT] == seller.owned()
        assert len(seller.paid()) == 1
        assert set(committed(aws)) == {got[0]["monthlyFee"]}
        if answer.status != 201:
            assert (answer.status, answer.body["code"]) in {(409, "number_not_available"), (422, "invalid_request")}
