"""POST /phone-numbers/{id}/usage-analyses: from messages of Vapi's to the figures, over the stream."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from local.simulators.vapi.clock import iso
from switchboard.store import dynamo, keys
from switchboard.store.calls import calls as ledger
from tests.functions.conftest import Deployment
from tests.functions.ringing import CALLER, message
from tests.support.invoking import Answer
from tests.support.streams import stream_as_dynamodb_does

HOURS = {"timezone": "Asia/Kathmandu", "openingHoursSpecification": []}
MONDAY = 1_785_715_200
"""2026-08-03T00:00:00Z, in Unix seconds."""

DAY = 86_400
HOUR = 3600


@pytest.fixture(autouse=True)
def _stream(monkeypatch: pytest.MonkeyPatch) -> None:
    stream_as_dynamodb_does(monkeypatch)


def analyse(aws: Deployment, number: dict[str, Any], business: str = "acme", **body: Any) -> Answer:
    asked = {"from": MONDAY, "to": MONDAY + 7 * DAY, **body}
    return aws.api("POST", f"/phone-numbers/{number['id']}/usage-analyses", business, body=asked)


def at(told: dict[str, Any], instant: int, after: int) -> dict[str, Any]:
    """The same message of a call that came to be at this instant (Unix seconds)."""
    told["message"] |= {"timestamp": (instant + after) * 1000}
    told["message"]["call"] |= {"createdAt": iso(instant * 1000)}
    return told


def talks(
    aws: Deployment, number: dict[str, Any], call_id: str, instant: int, seconds: int | None, caller: str = CALLER
) -> None:
    """A caller who is answered, or given up on if seconds is None."""
    asked = at(message(call_id, "assistant-request", caller=caller), instant, 0)
    assert aws.tell(number, asked).status == 200
    facts: dict[str, Any] = {"endedReason": "customer-did-not-answer", "endedAt": iso((instant + 20) * 1000), "cost": 0}
    if seconds is not None:
        facts = {
            "endedReason": "customer-ended-call",
            "startedAt": iso((instant + 2) * 1000),
            "endedAt": iso((instant + 2 + seconds) * 1000),
            "cost": 0.25,
        }
    over = at(message(call_id, "end-of-call-report", caller=caller, **facts), instant, 30 + (seconds or 0))
    assert aws.tell(number, over).status == 200


def test_callers_are_ranked_as_long_as_calls_are_kept(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    assistant = aws.at_vapi("assistant", name="a")
    number = aws.bought(assistant={"id": assistant["id"]})
    talks(aws, number, "c1", MONDAY + 10 * HOUR, 120, CALLER)
    aws.deliver_stream()
    found = analyse(aws, number).body
    assert (found["topCallers"], found["topCallersFrom"]) == ([{"caller": CALLER, "calls": 1}], found["from"])
    monkeypatch.setenv("CALL_RETENTION_DAYS", "30")
    ledger.cache_clear()
    found = analyse(aws, number).body
    assert (found["totals"]["calls"], found["topCallers"], found["topCallersFrom"]) == (1, None, None)


def test_calls_are_analysed_as_they_were(aws: Deployment) -> None:
    assistant = aws.at_vapi("assistant", name="a")
    rules = [{"id": "vip", "priority": 1, "when": {"callerNumbers": [CALLER]}, "then": {"action": "reject"}}]
    number = aws.bought(assistant={"id": assistant["id"]}, callRoutingRules=rules, businessHours=HOURS)
    other = "+12025550199"
    talks(aws, number, "c1", MONDAY + 10 * HOUR, 120, other)
    talks(aws, number, "c2", MONDAY + 10 * HOUR + 60, 60, other)
    talks(aws, number, "c3", MONDAY + 20 * HOUR, None, "+12025550100")
    rejected = at(message("c4", "assistant-request"), MONDAY + 2 * DAY, 0)
    aws.tell(number, rejected)
    aws.deliver_stream()
    found = analyse(aws, number).body
    shown = {name: found["totals"][name] for name in ("calls", "inboundCalls", "answered", "missed", "undecided")}
    assert shown == {"calls": 4, "inboundCalls": 4, "answered": 2, "missed": 1, "undecided": 1}
    rates = {name: found["totals"][name] for name in ("answerRate", "missedRate", "minutes", "cost", "carrierCost")}
    assert rates == {"answerRate": 0.6667, "missedRate": 0.3333, "minutes": 3.0, "cost": 50.0, "carrierCost": 0.0}
    assert found["duration"]["average"] == 90.0
    assert found["peakConcurrency"] == {"calls": 2, "at": MONDAY + 10 * HOUR + 60}
    assert found["topCallers"] == [
        {"caller": other, "calls": 2},
        {"caller": "+12025550100", "calls": 1},
        {"caller": CALLER, "calls": 1},
    ]
    assert {"reason": "customer-ended-call", "calls": 2} in found["endedReasons"]
    assert found["assistants"] == [{"id": assistant["id"], "calls": 3}]
    assert found["rules"] == [{"id": "vip", "calls": 1}]
    assert (found["timezone"], found["groupBy"], found["previous"]) == ("Asia/Kathmandu", "day", None)
    # 20:00 in UTC is a quarter to two of the next day in Kathmandu.
    assert [(entry["startLocal"][:10], entry["calls"]) for entry in found["series"] if entry["calls"]] == [
        ("2026-08-03", 2),
        ("2026-08-04", 1),
        ("2026-08-05", 1),
    ]
    assert [entry["hourOfWeek"] for entry in found["byHourOfWeek"] if entry["calls"]] == [15, 24 + 1, 48 + 5]


def test_the_time_before_is_compared(aws: Deployment) -> None:
    number = aws.bought()
    for index, instant in enumerate([MONDAY - 7 * DAY, MONDAY - 7 * DAY - 60, MONDAY, MONDAY + 60, MONDAY + 120]):
        talks(aws, number, f"c{index}", instant, None)
    aws.deliver_stream()
    previous = analyse(aws, number, compareWithPrevious=True).body["previous"]
    assert (previous["from"], previous["to"], previous["totals"]["calls"]) == (MONDAY - 7 * DAY, MONDAY, 1)
    assert (previous["change"]["calls"], previous["change"]["answered"]) == (2.0, None)


@pytest.mark.parametrize(
    ("hours", "asked", "zone"),
    [
        pytest.param({}, {}, "UTC", id="the deployment's"),
        pytest.param({"businessHours": HOURS}, {}, "Asia/Kathmandu", id="its hours'"),
        pytest.param({"businessHours": HOURS}, {"timezone": "Australia/Lord_Howe"}, "Australia/Lord_Howe", id="asked"),
    ],
)
def test_days_are_those_of_the_zone(aws: Deployment, hours: dict[str, Any], asked: dict[str, Any], zone: str) -> None:
    found = analyse(aws, aws.bought(**hours), **asked).body
    assert found["timezone"] == zone
    begins = [datetime.fromtimestamp(entry["start"], ZoneInfo(zone)) for entry in found["series"][1:]]
    assert {(each.hour, each.minute) for each in begins} == {(0, 0)}


def test_the_answer_says_what_it_covers(aws: Deployment) -> None:
    found = analyse(aws, aws.bought(), **{"from": MONDAY + 1, "to": MONDAY + 2, "groupBy": "hour"}).body
    assert (found["from"], found["to"]) == (MONDAY, MONDAY + 900)
    assert [entry["startLocal"] for entry in found["series"]] == ["2026-08-03T00:00:00+00:00"]
    assert found["peakConcurrency"] == {"calls": 0, "at": None}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"to": MONDAY}, "to"),
        ({"to": MONDAY + 401 * DAY}, "to"),
        ({"to": MONDAY + 32 * DAY, "groupBy": "hour"}, "groupBy"),
        ({"groupBy": "year"}, "groupBy"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"from": -1}, "from"),
        ({"to": 10**15}, "to"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_analysed_is_refused(aws: Deployment, body: dict[str, Any], path: str) -> None:
    refused = analyse(aws, aws.bought(), **body)
    assert (refused.status, [error["path"] for error in refused.body["errors"]]) == (422, [path])


def test_the_longest_ranges_are_answered(aws: Deployment) -> None:
    number = aws.bought()
    assert len(analyse(aws, number, to=MONDAY + 400 * DAY).body["series"]) == 400
    assert len(analyse(aws, number, to=MONDAY + 31 * DAY, groupBy="hour").body["series"]) == 31 * 24
    assert len(analyse(aws, number, to=MONDAY + 366 * DAY, groupBy="hourOfWeek").body["series"]) == 168


def test_another_businesss_number_does_not_exist(aws: Deployment) -> None:
    answer = analyse(aws, aws.bought(), "globex")
    assert (answer.status, answer.body["code"]) == (404, "number_not_found")


@contextmanager
def queries() -> Iterator[list[Any]]:
    """What is asked by Query meanwhile."""
    asked: list[Any] = []

    def note(params: Any, **_: Any) -> None:
        asked.append(params)

    events = dynamo.bulk_table().client.meta.events
    events.register("before-call.dynamodb.Query", note)
    yield asked
    events.unregister("before-call.dynamodb.Query", note)


def test_a_year_is_read_to_its_end_and_ten_times_the_calls_cost_no_more_reads(aws: Deployment) -> None:
    number = aws.bought()
    hours = [f"{datetime.fromtimestamp(MONDAY + n * 6 * DAY, UTC):%Y-%m-%dT%H}" for n in range(60)]
    counts = []
    for calls in (1, 10):
        outcomes = {f"{q}.{name}": Decimal(calls) for q in range(4) for name in ("calls", "inbound", "missed")}
        reasons = {f"0.reason.{'x' * 7000}{n}": Decimal(calls) for n in range(3)}
        callers = {f"{q}.+1202555{n:04}": Decimal(calls) for q in range(4) for n in range(5)}
        for hour in hours:
            aws.table.put_item(Item=keys.hour(number["id"], hour) | outcomes | reasons)
            aws.table.put_item(Item=keys.callers(number["id"], hour, "3") | callers | {"expiresAt": 1820422800})
        with queries() as asked:
            found = analyse(aws, number, to=MONDAY + 365 * DAY).body
        assert found["totals"]["calls"] == 60 * 4 * calls
        assert found["topCallers"][0] == {"caller": "+12025550000", "calls": 60 * 4 * calls}
        counts.append(len(asked))
    assert counts == [3, 3], "hours of 1.3 MB, callers of less than 1 MB"
