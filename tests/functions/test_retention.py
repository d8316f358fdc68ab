"""How long things are kept: what belongs to one call expires with it, sums and configuration never."""

from typing import Any

import pytest

from switchboard.store import keys
from switchboard.store.stream import BY_TTL
from tests.functions.conftest import Deployment
from tests.functions.ringing import CALLER, ends, rings
from tests.support.invoking import invoke
from tests.support.streams import batch, changed, stream_as_dynamodb_does
from tests.support.template import resources

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
