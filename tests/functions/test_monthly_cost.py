"""monthlyCost: what the calls of the number's own month cost, on every answer that shows the number."""

import time
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from switchboard.api import representation
from switchboard.store import dynamo, usage
from tests.functions.conftest import Deployment
from tests.support.invoking import invoke
from tests.support.streams import batch, changed

KATHMANDU = {"timezone": "Asia/Kathmandu", "openingHoursSpecification": []}
"""Three quarters of an hour off: its November begins at 18:15 of 31 October in UTC."""


def instant(reading: str, zone: str = "Asia/Kathmandu") -> int:
    """Unix seconds of what a clock reads in a zone."""
    return int(datetime.fromisoformat(reading).replace(tzinfo=ZoneInfo(zone)).timestamp())


NOW = instant("2026-11-23T12:00")


@pytest.fixture(autouse=True)
def _in_november(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(representation, "time", SimpleNamespace(time=lambda: NOW + 0.5))


def called(number: dict[str, Any], call_id: str, at: int, cents: str, *, seconds: int = 60, test: bool = False) -> None:
    """A call that came to be at this instant (Unix seconds) is counted."""
    who = {"createdAt": at * 1000, "direction": "inbound", "customer": "+12025550123", "test": test}
    ended = {"reason": "customer-ended-call", "startedAt": at * 1000, "endedAt": (at + seconds) * 1000}
    item = {
        "PK": f"NUMBER#{number['id']}",
        "SK": f"CALL#{call_id}",
        "callId": call_id,
        "numberId": number["id"],
        "business": "acme",
        "rev": 1,
        "report": {"at": (at + seconds + 5) * 1000, "cost": Decimal(cents), **who, **ended},
    }
    assert invoke("tally_usage", batch(changed(None, item))) == {"batchItemFailures": []}


def shown(aws: Deployment, number: dict[str, Any]) -> Any:
    return aws.api("GET", f"/phone-numbers/{number['id']}").body["monthlyCost"]


def priced(aws: Deployment, number: dict[str, Any], **cents: str) -> None:
    """What the number's carrier asks for it."""
    aws.table.update_item(
        Key={"PK": f"NUMBER#{number['id']}", "SK": "NUMBER"},
        UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in cents),
        ExpressionAttributeValues={f":{name}": Decimal(value) for name, value in cents.items()},
    )


def test_the_month_is_that_of_the_business_hours_zone(aws: Deployment) -> None:
    number = aws.bought(businessHours=KATHMANDU)
    for call_id, at, cents in (
        ("c1", "2026-10-31T23:59:59", "1"),
        ("c2", "2026-11-01T00:00:00", "10"),
        ("c3", "2026-11-23T11:00:00", "100"),
        ("c4", "2026-11-30T23:59:59", "1000"),
        ("c5", "2026-12-01T00:00:00", "10000"),
    ):
        called(number, call_id, instant(at), cents)
    assert shown(aws, number) == 1110
    assert aws.api("PATCH", f"/phone-numbers/{number['id']}", body={"businessHours": None}).body["monthlyCost"] == 11100


def test_a_number_without_hours_has_the_deployments_month(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    number = aws.bought()
    called(number, "c1", instant("2026-10-31T23:59:59", "UTC"), "1")
    called(number, "c2", instant("2026-11-01T00:00:00", "UTC"), "10")
    assert shown(aws, number) == 10
    monkeypatch.setenv("TIME_ZONE", "America/New_York")
    assert shown(aws, number) == 0
    monkeypatch.setenv("TIME_ZONE", "Asia/Tokyo")
    assert shown(aws, number) == 11


def test_it_is_calls_and_tests_and_the_carriers_minutes_and_its_fee(aws: Deployment) -> None:
    number = aws.bought()
    called(number, "c1", NOW - 3600, "10.12", seconds=90)
    called(number, "c2", NOW - 1800, "0.5", seconds=30, test=True)
    assert shown(aws, number) == 10.62
    priced(aws, number, monthlyFee="115", perMinuteCost="0.85")
    assert shown(aws, number) == 127.32


def analysed(aws: Deployment, number: dict[str, Any]) -> dict[str, Any]:
    wanted = {"from": NOW - 86_400, "to": NOW, "groupBy": "day", "timezone": "UTC"}
    answer = aws.api("POST", f"/phone-numbers/{number['id']}/usage-analyses", body=wanted)
    assert answer.status == 200, answer.body
    return dict(answer.body)


def test_vapis_us_cents_are_counted_in_the_deployments_currency(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = aws.bought()
    called(number, "c1", NOW - 3600, "100", seconds=90)
    called(number, "c2", NOW - 1800, "50.5", seconds=30, test=True)
    priced(aws, number, monthlyFee="115", perMinuteCost="0.85")
    monkeypatch.setenv("CURRENCY", "EUR")
    monkeypatch.setenv("CURRENCY_RATES", "GBP=1.15,USD=0.92")
    assert shown(aws, number) == pytest.approx(92 + 46.46 + 2 * 0.85 + 115)
    found = analysed(aws, number)
    assert (found["totals"]["cost"], found["totals"]["carrierCost"], found["tests"]["cost"]) == (92, 1.275, 46.46)
    monkeypatch.setenv("CURRENCY_RATES", "USD=0.5")
    assert shown(aws, number) == pytest.approx(50 + 25.25 + 2 * 0.85 + 115), "what is kept is what Vapi said"


def test_without_a_rate_for_the_us_dollar_no_sum_is_told_but_the_carriers(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = aws.bought()
    called(number, "c1", NOW - 3600, "100")
    priced(aws, number, perMinuteCost="0.85")
    monkeypatch.setenv("CURRENCY", "EUR")
    monkeypatch.setenv("CURRENCY_RATES", "GBP=1.15")
    assert shown(aws, number) is None
    found = analysed(aws, number)
    assert (found["totals"]["cost"], found["totals"]["carrierCost"], found["tests"]["cost"]) == (None, 0.85, None)


def test_a_threshold_of_cost_is_of_the_deployments_currency(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURRENCY", "EUR")
    number = aws.bought(usageThresholds=[{"metric": "cost", "period": "month", "limit": 95}])
    at = int(time.time())

    def fired() -> bool:
        return any(item["SK"].startswith("THRESHOLD#") for item in aws.items(f"NUMBER#{number['id']}"))

    monkeypatch.setenv("CURRENCY_RATES", "GBP=1.15")
    called(number, "c1", at, "100")
    assert not fired(), "nobody knows what it cost"
    monkeypatch.setenv("CURRENCY_RATES", "USD=0.92")
    called(number, "c2", at, "3")
    assert not fired(), "94.76 cents"
    called(number, "c3", at, "1")
    assert fired(), "95.68 cents"


def test_a_number_that_was_released_in_an_earlier_month_has_no_fee(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = aws.bought()
    priced(aws, number, monthlyFee="115")
    released = aws.api("DELETE", f"/phone-numbers/{number['id']}").body
    since = released["provisioning"]["since"]
    for at, cents in ((since, 115), (since + 32 * 86_400, 0)):
        monkeypatch.setattr(representation, "time", SimpleNamespace(time=lambda at=at: at))
        assert shown(aws, number) == cents


def test_every_answer_has_it_and_no_call_moves_the_version(aws: Deployment) -> None:
    number = aws.bought(businessHours=KATHMANDU)
    path = f"/phone-numbers/{number['id']}"
    before = aws.api("GET", path)
    called(number, "c1", NOW - 3600, "10.12")
    after = aws.api("GET", path)
    assert (before.body["monthlyCost"], after.body["monthlyCost"]) == (0, 10.12)
    assert before.headers["etag"] == after.headers["etag"]
    (listed,) = aws.api("GET", "/phone-numbers").body["items"]
    hours = aws.api("PUT", f"{path}/business-hours", body=KATHMANDU).body
    blocked = aws.api("POST", f"{path}/blocked-numbers", body={"phoneNumber": "+12025550187"}).body
    changed = aws.api("PATCH", path, body={"description": "Sales", "monthlyCost": 7}).body
    assert [each["monthlyCost"] for each in (listed, hours, blocked, changed)] == [10.12] * 4
    assert aws.api("DELETE", path).body["monthlyCost"] == 10.12


@pytest.mark.usefixtures("aws")
def test_a_page_of_a_hundred_numbers_is_read_by_the_hundred_buckets() -> None:
    asked: list[str] = []

    def note(model: Any, **_: Any) -> None:
        asked.append(model.name)

    for number_id in ("pn_0", "pn_99"):
        called({"id": number_id}, "c1", NOW, "10")
    dynamo.table().client.meta.events.register("before-call.dynamodb", note)
    wanted = {f"pn_{position}": ("2026-10", "2026-11") for position in range(100)}
    read = usage.usage().with_months(wanted)
    assert asked == ["BatchGetItem"] * 3
    assert {number_id for number_id, (totals, _) in read.items() if totals} == {"pn_0", "pn_99"}
    assert read["pn_99"][1]["2026-11"]["cost"] == 10
    assert read["pn_99"][1]["2026-10"] == {}
    assert usage.usage().months([("pn_0", "2026-11"), ("pn_1", "2026-11")])["pn_0", "2026-11"]["cost"] == 10


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("consistent", [False, True])
def test_hours_are_read_in_their_order_and_with_their_bounds(consistent: bool) -> None:
    number = {"id": "pn_1"}
    for hour in (9, 7, 8, 10):
        called(number, f"c{hour}", instant(f"2026-11-23T{hour:02}:20", "UTC"), "1")
    hours = list(usage.usage().hours("pn_1", "2026-11-23T07", "2026-11-23T09", consistent=consistent))
    assert [(hour, sums["1.calls"]) for hour, sums in hours] == [(f"2026-11-23T{hour:02}", 1) for hour in (7, 8, 9)]
    callers = list(usage.usage().callers("pn_1", "2026-11-23T08", "2026-11-23T09"))
    assert callers == [("2026-11-23T08", {"1.+12025550123": 1}), ("2026-11-23T09", {"1.+12025550123": 1})]
