"""How long things are kept: what belongs to one call expires with it, sums and configuration never."""

import time
from typing import Any

import boto3
import pytest

from local.simulators.vapi.clock import iso
from switchboard.calls.thresholds import LATE_SECONDS
from switchboard.ledger.learn import learn_call
from switchboard.store import calls, keys
from switchboard.store.numbers import numbers
from switchboard.store.stream import BY_TTL
from tests.functions.conftest import BUCKET, REGION, Deployment
from tests.functions.ringing import CALLER, T, ends, message, rings
from tests.support.invoking import invoke
from tests.support.streams import batch, changed, stream_as_dynamodb_does
from tests.support.template import resources, template

DAY = 86_400
DAYS = 36_500
"""Of the deployment under test."""

OF_ONE_CALL = ("CALL#", "TALLY#", "USAGE#CALLERS#", "WINDOW#")
FOR_EVER = ("NUMBER", "E164", "VAPI", "SCREENING", "LINES", "USAGE#TOTAL", "USAGE#MONTH#", "USAGE#HOUR#")


@pytest.fixture
def number(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A number with two calls and a list."""
    stream_as_dynamodb_does(monkeypatch)
    assistant = {"id": aws.at_vapi("assistant", name="Front desk")["id"]}
    bought = aws.bought(assistant=assistant, maxConcurrentCalls=2, allowedNumbers=["+12025550199"])
    for call_id in ("c1", "c2"):
        rings(aws, bought, call_id)
        ends(aws, bought, call_id)
    aws.deliver_stream()
    return bought


def kept(aws: Deployment, *kinds: str) -> list[dict[str, Any]]:
    return [item for item in aws.items() if item["SK"].startswith(kinds)]


def without_lines(aws: Deployment) -> list[dict[str, Any]]:
    """All items but the lines in use, which whoever rings takes."""
    return [item for item in aws.items() if item["SK"] != "LINES"]


@pytest.mark.usefixtures("number")
def test_what_belongs_to_a_call_expires_with_it_and_nothing_else_does(aws: Deployment) -> None:
    expires_at = {item["expiresAt"] for item in kept(aws, "CALL#")}
    for kind in OF_ONE_CALL:
        items = kept(aws, kind)
        assert items, kind
        assert all("expiresAt" in item for item in items), kind
    latest = max(expires_at)
    assert all(item["expiresAt"] <= latest for item in kept(aws, *OF_ONE_CALL))
    for kind in FOR_EVER:
        items = kept(aws, kind)
        assert items, kind
        assert not [item for item in items if "expiresAt" in item], kind
    assert len(kept(aws, *OF_ONE_CALL, *FOR_EVER, "ALLOW#")) == len(aws.items())


@pytest.mark.usefixtures("number")
def test_a_call_is_kept_so_long_from_when_it_came_to_be(aws: Deployment) -> None:
    """However late it is told."""
    for kind in ("CALL#", "TALLY#", "USAGE#CALLERS#"):
        assert {item["expiresAt"] for item in kept(aws, kind)} == {T // 1000 + DAYS * DAY}, kind


@pytest.mark.parametrize("is_erased", [False, True], ids=["", "erased"])
def test_a_call_that_is_told_again_after_its_time_is_not_counted_again_and_stays_away(
    aws: Deployment, number: dict[str, Any], monkeypatch: pytest.MonkeyPatch, *, is_erased: bool
) -> None:
    if is_erased:
        aws.api("DELETE", f"/callers/{CALLER.replace('+', '%2B')}")
        aws.deliver_stream()
    for item in kept(aws, *OF_ONE_CALL):
        aws.table.delete_item(Key={"PK": item["PK"], "SK": item["SK"]})
    before = without_lines(aws)
    monkeypatch.setenv("CALL_RETENTION_DAYS", "30")
    calls.calls.cache_clear()
    calls.answering_calls.cache_clear()
    aws.tell(number, message("c1", "status-update", after=2_000, status="in-progress"))
    said = {"transcript": "User: It is me.", "messages": [{"role": "user", "message": "It is me."}]}
    keep = {"metadata": {"numberId": number["id"], "keep": {"recording": True, "transcript": True}}}
    ends(aws, number, "c1", artifact=said, assistantOverrides=keep)
    row = {"id": "c1", "type": "inboundPhoneCall", "status": "ended", "createdAt": iso(T), "updatedAt": iso(T + DAY)}
    assert not learn_call(calls.calls(), numbers().get(number["id"], "acme"), row)
    rings(aws, number, "c1")
    aws.deliver_stream()
    assert without_lines(aws) == before
    assert boto3.client("s3", region_name=REGION).list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_what_the_stream_may_still_repeat_is_never_older_than_its_receipt() -> None:
    """It repeats for a day: so a call takes nothing more on its last day, and there are days before that."""
    assert calls.REPEATED_SECONDS == DAY
    assert template()["Parameters"]["CallRetentionDays"]["MinValue"] * DAY - calls.REPEATED_SECONDS >= LATE_SECONDS


def test_an_erased_call_expires_too(aws: Deployment, number: dict[str, Any]) -> None:
    before = {item["SK"]: item["expiresAt"] for item in kept(aws, "CALL#", "TALLY#")}
    aws.api("DELETE", f"/callers/{CALLER.replace('+', '%2B')}")
    assert {item["SK"]: item["expiresAt"] for item in kept(aws, "CALL#", "TALLY#")} == before
    assert aws.table.get_item(Key=keys.call(number["id"], "c1"))["Item"]["erased"] is True


def test_sums_are_the_same_when_their_calls_have_expired(aws: Deployment, number: dict[str, Any]) -> None:
    before = kept(aws, "USAGE#TOTAL", "USAGE#MONTH#", "USAGE#HOUR#")
    counters = aws.api("GET", f"/phone-numbers/{number['id']}").body
    expired = kept(aws, *OF_ONE_CALL)
    for item in expired:
        aws.table.delete_item(Key={"PK": item["PK"], "SK": item["SK"]})
    removals = batch(*(changed(item, None, by_ttl=True) for item in expired))
    assert removals["Records"][0]["userIdentity"]["principalId"] == BY_TTL
    for consumer in ("tally_usage", "publish_events"):
        assert invoke(consumer, removals) == {"batchItemFailures": []}
    assert kept(aws, "USAGE#TOTAL", "USAGE#MONTH#", "USAGE#HOUR#") == before
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body == counters
    assert kept(aws, *OF_ONE_CALL) == []


def test_the_bucket_keeps_what_was_said_as_long_as_calls_and_exports_for_a_week() -> None:
    (bucket,) = resources("AWS::S3::Bucket").values()
    rules = bucket["LifecycleConfiguration"]["Rules"]
    days = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    assert days == {"exports/": 7, "transcripts/": {"Ref": "CallRetentionDays"}}
    assert all(rule["Status"] == "Enabled" for rule in rules)


def test_a_call_whose_time_is_over_is_gone_before_dynamodb_takes_it_away(
    aws: Deployment, number: dict[str, Any]
) -> None:
    over = {":over": int(time.time()) - 1}
    ends_now = {"UpdateExpression": "SET expiresAt = :over", "ExpressionAttributeValues": over}
    aws.table.update_item(Key=keys.call(number["id"], "c1"), **ends_now)
    path = f"/phone-numbers/{number['id']}/calls"
    assert aws.api("GET", f"{path}/c1").status == 404
    for query in ({}, {"caller": CALLER}, {"outcome": "answered"}, {"limit": "1"}):
        page = aws.api("GET", path, query=query).body
        assert ([call["id"] for call in page["items"]], page["nextCursor"]) == (["c2"], None), query
    (page,) = calls.calls().outlines(number["id"], T, T + 1)
    assert [item["callId"] for item in page] == ["c2"]
    aws.table.update_item(Key=keys.call(number["id"], "c2"), **ends_now)
    assert list(calls.calls().outlines(number["id"], T, T + 1)) == []
