"""`make recount` on a table: finds nothing where all is counted, and names what is off."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import boto3
import botocore.session
import pytest

from local import recount
from switchboard.store import calls, dynamo, usage
from tests.functions.conftest import REGION, Deployment
from tests.functions.ringing import CALLER, ends, rings
from tests.support.streams import stream_as_dynamodb_does

STACK = {
    "Parameters": {"CallRetentionDays": {"Type": "Number", "Default": 400}},
    "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
    "Outputs": {"TableName": {"Value": "table"}},
}
"""As much of a deployment as the tool asks CloudFormation for."""


Make: TypeAlias = Callable[..., tuple[int, str]]


@pytest.fixture
def make(aws: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Make:  # noqa: ARG001
    """Runs the tool with its arguments: how it ends, and what it prints."""
    with monkeypatch.context() as apart:  # moto makes sessions of its own here, which must not be the tests' one
        apart.setattr(botocore.session, "get_session", botocore.session.Session)
        cloudformation = boto3.client("cloudformation", region_name=REGION)
        cloudformation.create_stack(StackName="switchboard", TemplateBody=json.dumps(STACK))

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["recount", *arguments])
        with pytest.raises(SystemExit) as ended:
            recount.main()
        return int(ended.value.code or 0), capsys.readouterr().out

    return run


@pytest.fixture
def number(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """One that was called twice."""
    stream_as_dynamodb_does(monkeypatch)
    bought = aws.bought(assistant={"id": aws.at_vapi("assistant", name="Front desk")["id"]})
    for call_id, lasted in (("c1", 60_000), ("c2", None)):
        rings(aws, bought, call_id)
        ends(aws, bought, call_id, lasted=lasted, cost=0.1)
    aws.deliver_stream()
    return bought


def spoilt(aws: Deployment, number: dict[str, Any], sort: str, name: str, by: int) -> None:
    aws.table.update_item(
        Key={"PK": f"NUMBER#{number['id']}", "SK": sort},
        UpdateExpression="ADD #name :by",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":by": by},
    )


def test_usage_that_is_the_sum_of_its_calls_ends_well(make: Make, number: dict[str, Any]) -> None:
    told = "2 calls read, 0 erased, 0 not counted yet; compared: all; differences: 0"
    assert make("--number", number["id"]) == (0, f"{number['id']} {number['phoneNumber']}: {told}\n")


def test_each_sum_that_is_off_is_printed(aws: Deployment, make: Make, number: dict[str, Any]) -> None:
    spoilt(aws, number, "USAGE#TOTAL", "totalCalls", 1)
    spoilt(aws, number, "USAGE#CALLERS#2026-08-04T17#5", f"0.{CALLER}", -1)
    code, printed = make("--number", number["id"])
    first, heading, *differences = printed.splitlines()
    assert (code, first.rpartition(": ")[2], heading.split()) == (1, "2", ["where", "sum", "held", "due"])
    assert [line.split() for line in differences] == [
        ["CALLERS", "2026-08-04T17", "5", f"0.{CALLER}", "1", "2"],
        ["TOTAL", "totalCalls", "3", "2"],
    ]


def test_a_call_that_the_stream_has_not_brought_is_said_to_be_uncounted(
    aws: Deployment, make: Make, number: dict[str, Any]
) -> None:
    rings(aws, number, "c3")
    code, printed = make("--number", number["id"])
    assert (code, "3 calls read, 0 erased, 1 not counted yet" in printed) == (1, True)
    aws.deliver_stream()
    assert make("--number", number["id"])[0] == 0


def test_a_call_whose_last_change_the_stream_never_brought_is_counted_by_a_repair_once(
    aws: Deployment, make: Make, number: dict[str, Any]
) -> None:
    rings(aws, number, "c3")
    aws.deliver_stream()
    ends(aws, number, "c3", lasted=60_000, cost=0.2)  # counted as under way, and never as over
    rings(aws, number, "c4")  # never counted
    code, printed = make("--number", number["id"])
    assert (code, "2 not counted yet" in printed) == (1, True)
    before = aws.items(f"NUMBER#{number['id']}")
    code, printed = make("--number", number["id"], "--repair")
    first, second = printed.splitlines()
    assert (code, first) == (0, f"{number['id']} {number['phoneNumber']}: counted again: c3, c4")
    assert second.endswith("4 calls read, 0 erased, 0 not counted yet; compared: all; differences: 0")
    shown = aws.api("GET", f"/phone-numbers/{number['id']}").body
    assert (shown["totalCalls"], shown["totalMinutes"]) == (4, 2)
    repaired = aws.items(f"NUMBER#{number['id']}")
    assert repaired != before
    told = "4 calls read, 0 erased, 0 not counted yet; compared: all; differences: 0"
    assert make("--number", number["id"], "--repair") == (0, f"{number['id']} {number['phoneNumber']}: {told}\n")
    aws.deliver_stream()  # what comes late after all
    assert [item for item in aws.items(f"NUMBER#{number['id']}") if item["SK"].startswith(("USAGE#", "TALLY#"))] == [
        item for item in repaired if item["SK"].startswith(("USAGE#", "TALLY#"))
    ]


def test_a_repair_counts_no_call_whose_receipt_expired_before_it(
    aws: Deployment, make: Make, number: dict[str, Any]
) -> None:
    """They expire together, and DynamoDB removes what has expired in any order, days later."""
    before = aws.api("GET", f"/phone-numbers/{number['id']}").body["totalCalls"]
    aws.table.update_item(
        Key={"PK": f"NUMBER#{number['id']}", "SK": "CALL#c1"},
        UpdateExpression="SET expiresAt = :now",
        ExpressionAttributeValues={":now": int(time.time())},
    )
    aws.table.delete_item(Key={"PK": f"NUMBER#{number['id']}", "SK": "TALLY#c1"})
    _, printed = make("--number", number["id"], "--repair")
    assert "counted again" not in printed
    assert "1 calls read, 0 erased, 0 not counted yet" in printed
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body["totalCalls"] == before


def test_a_repair_leaves_sums_that_are_off_for_another_reason_as_they_are(
    aws: Deployment, make: Make, number: dict[str, Any]
) -> None:
    spoilt(aws, number, "USAGE#TOTAL", "totalCalls", 1)
    assert make("--number", number["id"], "--repair") == make("--number", number["id"])


def test_all_numbers_of_a_business_are_gone_through(aws: Deployment, make: Make, number: dict[str, Any]) -> None:
    other = aws.bought()
    aws.bought("globex")
    code, printed = make("--business", "acme")
    assert (code, {line.split()[0] for line in printed.splitlines()}) == (0, {number["id"], other["id"]})
    spoilt(aws, other, "USAGE#TOTAL", "totalCalls", 1)
    assert make("--business", "acme")[0] == 1
    assert make("--business", "globex")[0] == 0


def test_a_number_that_nobody_has_is_said_not_to_be(make: Make) -> None:
    assert make("--number", "pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD")[0] == 2


@pytest.mark.usefixtures("aws")
def test_what_is_more_than_a_page_is_read_to_its_end(aws: Deployment) -> None:
    """DynamoDB gives a megabyte at once."""
    reason = "x" * 40_000
    hours = [f"2026-11-23T{hour:02}" for hour in range(9)]
    with aws.table.batch_writer() as writer:
        for hour in hours:
            sums = {f"{quarter}.reason.{reason}{number}": 1 for quarter in range(4) for number in range(2)}
            writer.put_item(Item={"PK": "NUMBER#pn_1", "SK": f"USAGE#HOUR#{hour}", **sums})
            writer.put_item(Item={"PK": "NUMBER#pn_1", "SK": f"TALLY#{hour}", "rev": 1, "counted": {"a": sums}})
            writer.put_item(Item={"PK": "NUMBER#pn_1", "SK": f"CALL#{hour}", "callId": hour, "seen": sums})
    pages: list[str] = []
    client = dynamo.table().client

    def note(model: Any, **_: Any) -> None:
        pages.append(model.name)

    client.meta.events.register("before-call.dynamodb", note)
    assert [hour for hour, _ in usage.usage().hours("pn_1", hours[0], hours[-1])] == hours
    assert len(pages) > 1
    assert [names[1] for names, _ in usage.usage().buckets("pn_1")] == hours
    assert [call_id for call_id, _ in usage.usage().receipts("pn_1")] == hours
    assert [call["callId"] for call in calls.calls().of_number("pn_1")] == hours
