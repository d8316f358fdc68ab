"""Purchase, release and schedule, interrupted anywhere: no number is paid twice, none is lost, none is left."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from local.simulators.vapi import Fault
from switchboard.errors import NumberNotFound, ProviderBusy, PurchaseRefused, StatusConflict
from switchboard.model.number import PhoneNumberRequest
from switchboard.model.record import NumberRecord, number_id
from switchboard.provisioning import connected
from switchboard.provisioning.steps import UNSURE_SECONDS
from tests.functions.conftest import DEPLOYMENT, Deployment
from tests.functions.interruptions import dying_at_every_step, others_work_at_every_step
from tests.functions.outside import cold, outside
from tests.support.invoking import Answer, invoke

PURCHASE = ("POST", "/phone-number")
TOO_LATE = UNSURE_SECONDS + 1

CUT_AFTER = Fault(*PURCHASE, cut="after")
CUT_BEFORE = Fault(*PURCHASE, cut="before")
COMMITS_SOON = Fault(*PURCHASE, cut="before", commit_after_seconds=0.05)
FAILED = Fault(*PURCHASE, status=502)


def buy(aws: Deployment, key: str = "k1", **wanted: Any) -> Answer:
    return aws.api("POST", "/phone-numbers", body={"provider": "vapi", **wanted}, headers={"Idempotency-Key": key})


def again(**wanted: Any) -> NumberRecord:
    """The same request, without its HTTP: Powertools bears one event at a time in a process."""
    request = PhoneNumberRequest.model_validate({"provider": "vapi", **wanted})
    base_url = "https://switchboard.example"
    return connected.lifecycle().create(request, business="acme", idempotency_key="k1", base_url=base_url)[0]


def four_at_once() -> list[NumberRecord]:
    connected.lifecycle()
    with outside(), ThreadPoolExecutor(4) as threads:
        return list(threads.map(lambda _: again(), range(4)))


def only_number(aws: Deployment) -> dict[str, Any]:
    """The one number that there is, having asserted that table and Vapi agree on it."""
    (item,) = aws.items("NUMBER#")
    assert_settled(aws, item["id"])
    number: dict[str, Any] = aws.api("GET", f"/phone-numbers/{item['id']}").body
    return number


def assert_settled(aws: Deployment, number_id: str) -> None:
    """Nothing is left to do for a number; Vapi holds it if and only if it is active, and it was never paid twice."""
    (item,) = aws.items(f"NUMBER#{number_id}")
    rows = aws.rows(number_id)
    paid = [
        seen
        for seen in aws.vapi.requests_to(*PURCHASE)
        if seen["body"]["server"]["url"].endswith(number_id) and seen["status"] == 201
    ]
    beside = [kept for kept in aws.items() if kept.get("numberId") == number_id]
    assert "unfinished" not in item, item
    assert len(paid) <= 1
    if item["status"] == "active":
        assert [row["id"] for row in rows] == [item["vapiId"]]
        assert {kept["PK"] for kept in beside} == {f"VAPI#{item['vapiId']}", f"E164#{item['phoneNumber']}"}
    else:
        assert item["status"] == "cancelled", item
        assert (rows, beside) == ([], [])


@pytest.mark.parametrize("fault", [CUT_AFTER, COMMITS_SOON])
def test_a_purchase_whose_answer_was_lost_is_found_and_never_repeated(aws: Deployment, fault: Fault) -> None:
    aws.vapi.fault(fault)
    first = buy(aws)
    aws.vapi.settle()
    second = buy(aws)
    assert (first.status, second.status) == (201, 201)
    assert first.body["id"] == second.body["id"]
    assert second.body["status"] == "active"
    aws.check()
    assert only_number(aws)["status"] == "active"
    assert len(aws.purchases()) == 1


@pytest.mark.parametrize("fault", [CUT_BEFORE, FAILED], ids=["cut", "failed"])
def test_a_purchase_that_commits_late_is_found_by_the_schedule(aws: Deployment, fault: Fault) -> None:
    aws.vapi.fault(fault)
    first = buy(aws)
    assert (first.status, first.body["provisioning"]["state"]) == (201, "purchasing")
    assert {record.number.id for record in four_at_once()} == {first.body["id"]}
    aws.commit_late()
    aws.check()
    assert only_number(aws)["status"] == "active"
    assert len(aws.purchases()) == 1


def test_a_purchase_that_commits_late_is_found_by_a_retry(aws: Deployment) -> None:
    aws.vapi.fault(CUT_BEFORE)
    buy(aws)
    aws.commit_late()
    assert buy(aws).body["status"] == "active"
    assert only_number(aws)["status"] == "active"
    assert len(aws.purchases()) == 1


@pytest.mark.parametrize(
    "faults",
    [(), (CUT_AFTER,), (COMMITS_SOON,), (Fault(*PURCHASE, delay_seconds=0.1),)],
    ids=["", "cut", "late", "slow"],
)
def test_four_first_requests_at_once_buy_one_number(aws: Deployment, faults: tuple[Fault, ...]) -> None:
    aws.vapi.fault(*faults)
    asked = four_at_once()
    assert len({record.number.id for record in asked}) == 1
    aws.vapi.settle()
    aws.check()
    assert only_number(aws)["status"] == "active"
    assert len(aws.purchases()) == 1


def test_a_purchase_that_vapi_never_confirms_ends_cancelled_after_ten_minutes_and_says_so(aws: Deployment) -> None:
    aws.vapi.fault(CUT_BEFORE)
    assert buy(aws).body["provisioning"]["state"] == "purchasing"
    aws.check(later=UNSURE_SECONDS - 60)
    assert buy(aws).body["provisioning"]["state"] == "purchasing"
    aws.check(later=TOO_LATE)
    number = only_number(aws)
    assert (number["status"], number["provisioning"]["state"]) == ("cancelled", "failed")
    refused = buy(aws)
    assert (refused.status, refused.body["code"]) == (409, "purchase_refused")
    assert "nothing was bought" in refused.body["detail"]
    assert len(aws.purchases()) == 1
    assert aws.events() == []


def test_a_purchase_that_is_found_has_its_events_once(aws: Deployment) -> None:
    aws.vapi.fault(CUT_AFTER)
    buy(aws)
    buy(aws)
    aws.check()
    assert [event["detail-type"] for event in aws.events()] == ["created", "activated"]


BUYING: dict[str, tuple[Fault | None, dict[str, Any]]] = {
    "undisturbed": (None, {"forwardingNumber": "+14155550199", "webhookUrl": "https://acme.example/hook"}),
    "answer lost": (CUT_AFTER, {}),
    "committed late": (CUT_BEFORE, {}),
    "never done": (CUT_BEFORE, {}),
    "refused": (None, {"areaCode": "000"}),
    "busy": (Fault(*PURCHASE, status=429), {}),
    "key rejected": (Fault(*PURCHASE, status=401), {}),
}
STARTS: dict[str, tuple[Fault | None, bool]] = {
    "active": (None, True),
    "activating": (None, False),
    "purchasing and bought": (CUT_BEFORE, False),
    "purchasing and not bought": (CUT_BEFORE, False),
}
"""How a number came to where it is: what became of the purchase, and whether the schedule has had a turn since."""


def finish(aws: Deployment) -> None:
    """The schedule's turns, until nothing can be left to wait for; then the comparison, which finds nothing to do."""
    aws.check()
    aws.check(later=TOO_LATE)
    assert aws.reconcile(later=TOO_LATE)["findings"] == []


def started(aws: Deployment, start: str) -> str:
    """The path of a number that has come to one of `STARTS`."""
    fault, checked = STARTS[start]
    if fault is not None:
        aws.vapi.fault(fault)
    path = f"/phone-numbers/{buy(aws).body['id']}"
    if start == "purchasing and bought":
        aws.commit_late()
    if checked:
        aws.check()
    return path


@pytest.mark.parametrize("scenario", BUYING)
def test_a_create_that_dies_at_any_step_is_finished_by_a_retry_and_the_schedule(aws: Deployment, scenario: str) -> None:
    fault, wanted = BUYING[scenario]

    def prepare() -> dict[str, Any]:
        if fault is not None:
            aws.vapi.fault(fault)
        return {"assistant": {"id": aws.at_vapi("assistant", name="Front desk")["id"]}, **wanted}

    for request in dying_at_every_step(aws, prepare, lambda request: buy(aws, **request)):
        first = buy(aws, **request)
        if scenario == "committed late":
            aws.commit_late()
        finish(aws)
        last = buy(aws, **request)
        number = only_number(aws)
        if number["status"] == "active":
            assert (first.status, last.status, last.body) == (201, 201, number)
        else:
            assert (last.status, last.body["code"]) == (409, "purchase_refused")
            assert first.status in (201, 409)


@pytest.mark.parametrize("scenario", ["undisturbed", "answer lost", "committed late", "never done"])
def test_a_create_that_dies_at_any_step_and_is_never_asked_for_again_is_finished_by_reconcile(
    aws: Deployment, scenario: str
) -> None:
    fault, wanted = BUYING[scenario]

    def prepare() -> None:
        if fault is not None:
            aws.vapi.fault(fault)

    for _ in dying_at_every_step(aws, prepare, lambda _: buy(aws, **wanted)):
        if scenario == "committed late":
            aws.commit_late()
        for later in (0, TOO_LATE):
            aws.reconcile(later)
        if aws.items("NUMBER#"):
            assert (only_number(aws)["status"] == "active") == bool(aws.rows())
        else:
            assert aws.rows() == []
        assert aws.reconcile(later=TOO_LATE)["findings"] == []


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("helper", ["schedule", "reconcile"])
def test_a_delete_that_dies_at_any_step_is_finished_by_whoever_comes(aws: Deployment, start: str, helper: str) -> None:
    for path in dying_at_every_step(aws, lambda: started(aws, start), lambda path: aws.api("DELETE", path)):
        cancelled = aws.api("GET", path).body["status"] == "cancelled"
        if helper == "reconcile":
            aws.reconcile()
            aws.reconcile(later=TOO_LATE)
        else:
            finish(aws)
        assert only_number(aws)["status"] == "cancelled" or not cancelled
        assert aws.api("DELETE", path).body["status"] == "cancelled"
        assert only_number(aws)["status"] == "cancelled"


def test_an_update_that_dies_at_any_step_leaves_vapi_in_step(aws: Deployment) -> None:
    def rename(path: str) -> Answer:
        return aws.api("PATCH", path, body={"name": "Renamed"})

    for _ in dying_at_every_step(aws, lambda: started(aws, "active"), rename):
        aws.check()
        (row,) = aws.rows()
        assert row.get("name") == only_number(aws)["name"]


def unfinished(aws: Deployment, work: str) -> str:
    """A number of which the schedule has something to do."""
    if work in ("find", "activate"):
        return started(aws, "purchasing and bought" if work == "find" else "activating")
    path = started(aws, "active")
    aws.vapi.fault(Fault("*", "/phone-number/*", cut="before"))
    if work == "release":
        aws.api("DELETE", path)
    else:
        aws.api("PATCH", path, body={"name": "Renamed"})
    return path


@pytest.mark.parametrize("work", ["find", "activate", "bring in step", "release"])
def test_a_turn_of_the_schedule_that_dies_at_any_step_is_made_up_for_by_the_next(aws: Deployment, work: str) -> None:
    for _ in dying_at_every_step(aws, lambda: unfinished(aws, work), lambda _: invoke("check_numbers", {})):
        aws.check()
        number = only_number(aws)
        assert number["status"] == ("cancelled" if work == "release" else "active")
        if work == "bring in step":
            assert aws.rows()[0]["name"] == "Renamed"


OTHERS: dict[str, Callable[[Deployment, str], object]] = {
    "schedule": lambda aws, _: aws.check(),
    "retry": lambda _, __: again(),
    "retry of a refusal": lambda _, __: again(areaCode="000"),
    "rename": lambda _, number_id: connected.lifecycle().update(number_id, "acme", {"name": "Renamed"}, None),
    "delete": lambda _, number_id: connected.lifecycle().release(number_id, "acme", None),
}
"""Work that others may do at the same time."""


@pytest.mark.parametrize(
    ("scenario", "other"),
    [
        *(("undisturbed", other) for other in ("schedule", "retry", "rename", "delete")),
        *(("answer lost", other) for other in ("schedule", "delete")),
        *(("refused", other) for other in ("retry of a refusal", "rename", "delete")),
        *(("busy", other) for other in ("retry", "rename", "delete")),
    ],
)
def test_a_create_bears_the_work_of_others_between_its_steps(aws: Deployment, scenario: str, other: str) -> None:
    fault, _ = BUYING[scenario]
    wanted = {"areaCode": "000"} if scenario == "refused" else {}

    def prepare() -> str:
        if fault is not None:
            aws.vapi.fault(fault)
        return number_id(DEPLOYMENT, "acme", "k1", 0, b"")

    def others_work(wanted_id: str) -> None:
        with suppress(NumberNotFound, ProviderBusy, PurchaseRefused, StatusConflict):
            OTHERS[other](aws, wanted_id)

    for answer in others_work_at_every_step(aws, prepare, lambda _: buy(aws, **wanted), others_work):
        finish(aws)
        codes: set[str | None] = {{"refused": "purchase_refused", "busy": "provider_busy"}.get(scenario)}
        if (scenario, other) == ("busy", "retry"):
            codes = {"provider_busy", None}  # the provider was busy for one of the two
        assert answer.body.get("code") in codes
        if aws.items("NUMBER#"):
            number = only_number(aws)
            if number["status"] == "active":
                assert aws.rows()[0].get("name") == number["name"]
        else:
            assert (answer.status, aws.rows()) == (503, [])


@pytest.mark.parametrize(
    ("action", "other"),
    [
        ("update", "schedule"),
        ("update", "rename"),
        ("update", "delete"),
        ("delete", "schedule"),
        ("delete", "rename"),
        ("check", "rename"),
        ("check", "delete"),
    ],
)
def test_a_change_bears_the_work_of_others_between_its_steps(aws: Deployment, action: str, other: str) -> None:
    def prepare() -> str:
        return started(aws, "activating" if action == "check" else "active")

    def act(path: str) -> Answer:
        if action == "check":
            aws.check()
        elif action == "delete":
            return aws.api("DELETE", path)
        else:
            changes = {"description": "Changed", "forwardingNumber": "+14155550199"}
            return aws.api("PATCH", path, body=changes)
        return aws.api("GET", path)

    def others_work(path: str) -> None:
        with suppress(StatusConflict):
            OTHERS[other](aws, path.rpartition("/")[2])

    for answer in others_work_at_every_step(aws, prepare, act, others_work):
        finish(aws)
        number = only_number(aws)
        if "delete" in (action, other):
            assert number["status"] == "cancelled"
            assert answer.body.get("code") in ({None, "status_conflict"} if action == "update" else {None})
            continue
        assert answer.status == 200
        (row,) = aws.rows()
        assert row.get("name") == number["name"]
        assert number["name"] == ("Renamed" if other == "rename" else None)
        if action == "update":
            assert number["description"] == "Changed"
            assert row["fallbackDestination"]["number"] == "+14155550199"


@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_an_answer_of_aws_that_is_lost_changes_nothing(
    aws: Deployment, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write was made, its answer is lost, and botocore asks again: the request ends as if nothing had happened."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)

    def prepared() -> str:
        return "" if action == "create" else started(aws, "active")

    def act(path: str) -> Answer:
        if action == "create":
            return buy(aws)
        if action == "update":
            return aws.api("PATCH", path, body={"name": "Renamed"})
        return aws.api("DELETE", path)

    path = prepared()
    with cold(), outside() as taken:
        expected = act(path)
    for at in range(len(taken)):
        aws.empty()
        path = prepared()
        with cold(), outside(at, lost=True):
            answer = act(path)
        assert answer.status == expected.status
        assert answer.body["provisioning"]["state"] == expected.body["provisioning"]["state"], taken[at]
        assert answer.body["version"] == expected.body["version"]
        aws.check()
        only_number(aws)


def test_a_refusal_is_told_though_the_answer_to_taking_the_intent_back_is_lost(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    aws.vapi.fault(Fault(*PURCHASE, status=429, times=2))
    with cold(), outside() as taken:
        buy(aws)
    assert "DeleteItem" in taken[-1]
    with cold(), outside(len(taken) - 1, lost=True):
        refused = buy(aws)
    assert (refused.status, refused.body["code"]) == (503, "provider_busy")
    assert aws.items() == []
