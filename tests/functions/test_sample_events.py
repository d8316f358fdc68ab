"""The sample events for `sam local invoke`: each is invoked here, so that none goes stale."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.functions.conftest import Deployment
from tests.functions.ringing import rings
from tests.support.invoking import http_event, invoke
from tests.support.streams import stream_as_dynamodb_does
from tests.support.template import ROOT, functions

HTTP = sorted((ROOT / "events" / "http").glob("*.json"))
QUEUE = sorted((ROOT / "events" / "queue").glob("*.json"))
STREAM = sorted((ROOT / "events" / "stream").glob("*.json"))
OF_NO_NUMBER = {
    "explain_route": ["action", "reason", "trace"],
    "get_call": ["id", "status", "decision"],
    "test_call": ["id", "status", "direction", "test"],
    "erase_caller": ["phoneNumber", "calls", "complete"],
    "analyze_usage": ["totals", "series", "byHourOfWeek", "previous"],
    "export_calls": ["exportId", "status"],
    "get_export": ["url"],
}
"""Actions that answer something else than a number, and what it has."""

SUCCESS = {"create": 201, "add_routing_rule": 201, "test_call": 201, "export_calls": 202}
"""What is answered where it is not 200."""

ASSISTANT = "5b0a4a08-0000-4000-8000-0000008c6be8"


def sample(path: Path) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(path.read_text())
    return event


def triggered_by(kind: str) -> set[str]:
    """Folders of the functions that have an event of that type."""
    wired = functions().items()
    return {folder for folder, function in wired if kind in {event["Type"] for event in function["Events"].values()}}


def test_every_action_and_every_consumer_has_a_sample() -> None:
    assert {path.stem for path in HTTP} == triggered_by("HttpApi") - {"vapi"}
    assert {path.stem for path in STREAM} == triggered_by("DynamoDB")
    assert {path.stem for path in QUEUE} == triggered_by("SQS")


@pytest.mark.parametrize("path", HTTP, ids=lambda path: path.stem)
def test_every_http_sample_is_answered(aws: Deployment, path: Path) -> None:
    aws.vapi.store.insert("assistant", {"id": ASSISTANT, "name": "Front desk"})
    aws.configure("twilio")
    created = invoke("create", sample(ROOT / "events" / "http" / "create.json"))
    aws.check()
    if path.stem == "remove_routing_rule":
        invoke("add_routing_rule", sample(path.with_stem("add_routing_rule")))
    if path.stem == "get_call":
        rings(aws, json.loads(created["body"]), sample(path)["pathParameters"]["callId"])
    if path.stem == "get_export":
        invoke("export_calls", sample(path.with_stem("export_calls")))
        assert invoke("write_exports", sample(*QUEUE)) == {"batchItemFailures": []}
    answer = created if path.stem == "create" else invoke(path.stem, sample(path))
    assert answer["statusCode"] == SUCCESS.get(path.stem, 200), answer
    body = json.loads(answer["body"])
    if path.stem in OF_NO_NUMBER:
        assert set(OF_NO_NUMBER[path.stem]) <= body.keys()
        return
    if path.stem in ("list_blocked_numbers", "active_calls", "list_calls"):
        assert body["items"] == []
        return
    if path.stem == "search_available_numbers":
        assert body["items"][0]["phoneNumber"].startswith("+1415")
        return
    number = body["items"][0] if path.stem == "list" else body
    assert number["id"] == json.loads(created["body"])["id"]


@pytest.mark.parametrize("path", HTTP, ids=lambda path: path.stem)
def test_every_http_sample_reaches_the_function_that_it_is_named_after(path: Path) -> None:
    event = sample(path)
    http = event["requestContext"]["http"]
    folder, wired = http_event(http["method"], http["path"])
    assert folder == path.stem
    assert (event["routeKey"], event.get("pathParameters")) == (wired["routeKey"], wired["pathParameters"])
    (route,) = (event["Properties"] for event in functions()[folder]["Events"].values())
    assert event["requestContext"]["authorizer"]["jwt"]["claims"]["scope"] in route["Auth"]["AuthorizationScopes"]


def test_the_samples_of_the_stream_are_taken(aws: Deployment) -> None:
    for path in STREAM:
        assert invoke(path.stem, sample(path)) == {"batchItemFailures": []}
    told = [event["detail-type"] for event in aws.events()]
    assert told == ["created", "activated", "Call.inbound", "Call.missed"]
    (sums,) = [item for item in aws.items("NUMBER#") if item["SK"] == "USAGE#TOTAL"]
    assert (sums["totalCalls"], sums["missedCalls"]) == (1, 1)


def test_the_samples_of_the_stream_have_the_attributes_that_are_stored(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream_as_dynamodb_does(monkeypatch)
    created = json.loads(invoke("create", sample(ROOT / "events" / "http" / "create.json"))["body"])
    aws.check()
    for name in ("assistant-request.vapi-number", "end-of-call-report.rejected-by-error-response"):
        aws.tell(created, sample(ROOT / "events" / "vapi" / f"{name}.json"))
    stored = {item["SK"]: item for item in aws.items("NUMBER#")}
    images = {}
    for record in sample(ROOT / "events" / "stream" / "publish_events.json")["Records"]:
        change = record["dynamodb"]
        images[change["Keys"]["SK"]["S"]] = change["NewImage"]
    for key, image in images.items():
        assert image.keys() - {"ended", "unfinished", "unfinishedSince"} == stored[key].keys(), key
