"""The call plane by its real handler: what Vapi asks is answered, what it tells is recorded, others are refused."""

import base64
import io
import json
from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest

from switchboard.calls.record import Call, call_from_item
from switchboard.store import secrets
from switchboard.webhook_token import TOKEN_HEADER, make_token
from tests.functions.conftest import WEBHOOK_KEYS, Deployment
from tests.support.invoking import invoke
from tests.support.streams import stream_as_dynamodb_does
from tests.support.template import ROOT

SAMPLES = sorted((ROOT / "events" / "vapi").glob("*.json"))
IN_CALL = "01990c1e-7a10-7bb4-9f0e-3d2f6a4b5c01"
OUT_CALL = "01990c1e-7a10-7bb4-9f0e-3d2f6a4b5c02"

RECORDED: dict[str, tuple[str, str | None]] = {
    "assistant-request.anonymous-caller": ("decision", None),
    "assistant-request.twilio-forwarded-from": ("decision", None),
    "assistant-request.vapi-number": ("decision", None),
    "end-of-call-report.assistant-request-failed": ("report", "failed"),
    "end-of-call-report.completed": ("report", "answered"),
    "end-of-call-report.concurrency-limit": ("report", "failed"),
    "end-of-call-report.forwarded": ("report", "forwarded"),
    "end-of-call-report.no-answer.outbound": ("report", "missed"),
    "end-of-call-report.rejected-by-error-response": ("report", "rejected"),
    "end-of-call-report.voicemail.outbound": ("report", "voicemail"),
    "status-update.ended.assistant-request-failed": ("ended", "failed"),
    "status-update.ended.concurrency-limit": ("ended", "failed"),
    "status-update.ended.customer-ended-call": ("ended", None),
    "status-update.ended.forwarded": ("ended", "forwarded"),
    "status-update.ended.no-answer.outbound": ("ended", "missed"),
    "status-update.ended.rejected-by-error-response": ("ended", "rejected"),
    "status-update.forwarding": ("forwarding", None),
    "status-update.in-progress": ("inProgress", None),
    "status-update.in-progress.outbound": ("inProgress", None),
    "status-update.queued.outbound": ("dialling", None),
    "status-update.ringing.outbound": ("dialling", None),
    "status-update.scheduled.outbound": ("dialling", None),
}
"""By sample: the attribute that it writes, and the outcome that the call then has. Other samples write nothing."""

KINDS = {"decision", "dialling", "inProgress", "forwarding", "ended", "report", "listed", "settled"}


def sample(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((ROOT / "events" / "vapi" / f"{name}.json").read_text())
    return body


def with_secrets(value: Any) -> Any:
    """The message as Vapi may send it: with secrets in every object, wherever an organisation has some."""
    if isinstance(value, list):
        return [with_secrets(each) for each in value]
    if not isinstance(value, dict):
        return value
    marked = {name: with_secrets(each) for name, each in value.items()}
    hidden = ("twilioAuthToken", "twilioApiSecret", "serverUrlSecret", "secret", "authorization", "password")
    return marked | dict.fromkeys(hidden, "EXAMPLE-NOT-A-TOKEN") | {"headers": {TOKEN_HEADER: "EXAMPLE-NOT-A-TOKEN"}}


def stored(aws: Deployment) -> list[dict[str, Any]]:
    """Everything that the table holds."""
    return aws.table.scan(ConsistentRead=True)["Items"]  # type: ignore[no-any-return]


def call_items(aws: Deployment) -> list[dict[str, Any]]:
    return [item for item in stored(aws) if item["SK"].startswith("CALL#")]


def record(aws: Deployment) -> Call:
    """The one call that the table holds."""
    (item,) = call_items(aws)
    return call_from_item(item)


@pytest.fixture
def number(aws: Deployment) -> dict[str, Any]:
    """An active number that an assistant answers."""
    return aws.bought(assistant={"id": aws.at_vapi("assistant", name="Front desk")["id"]})


@pytest.fixture
def log(aws: Deployment) -> Iterator[io.StringIO]:  # noqa: ARG001 - the function's environment
    """What the call plane writes into its log."""
    from switchboard.api.callplane import logger  # noqa: PLC0415 - reads its environment when it is imported

    written = io.StringIO()
    before = logger.registered_handler.setStream(written)  # type: ignore[attr-defined]
    yield written
    logger.registered_handler.setStream(before)  # type: ignore[attr-defined]


def test_every_record_that_is_promised_has_its_sample() -> None:
    assert RECORDED.keys() <= {path.stem for path in SAMPLES}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_is_taken_and_becomes_its_record(
    aws: Deployment, number: dict[str, Any], log: io.StringIO, path: Path
) -> None:
    answer = aws.tell(number, with_secrets(json.loads(path.read_text())))
    assert answer.status == 200
    if path.stem not in RECORDED:
        assert answer.body == {}
        assert call_items(aws) == []
    else:
        kind, outcome = RECORDED[path.stem]
        (item,) = call_items(aws)
        assert KINDS & item.keys() == {kind}
        call = call_from_item(item)
        assert (call.number_id, call.business, call.outcome) == (number["id"], "acme", outcome)
        direction, call_id = ("outbound", OUT_CALL) if "outbound" in path.stem else ("inbound", IN_CALL)
        assert (call.id, call.direction) == (call_id, direction)
    written = log.getvalue() + repr(stored(aws))
    assert "EXAMPLE-NOT-A-TOKEN" not in written
    assert TOKEN_HEADER not in written
    for digits in ("2025550123", "4155550150", "4155550199", number["phoneNumber"][2:]):
        assert digits not in log.getvalue()


def test_a_call_is_told_from_its_samples_whole(
    aws: Deployment, number: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream_as_dynamodb_does(monkeypatch)
    for name in (
        "assistant-request.vapi-number",
        "status-update.in-progress",
        "conversation-update",
        "status-update.ended.customer-ended-call",
        "end-of-call-report.completed",
        "call.artifact.upload",
    ):
        assert aws.tell(number, sample(name)).status == 200
    call = record(aws)
    assert (call.status, call.outcome, call.duration, call.cost) == (
        "ended",
        "answered",
        Decimal("62.7"),
        Decimal("10.12"),
    )
    assert (call.customer, call.ours) == ("+12025550123", number["phoneNumber"])
    assert call.decision is not None
    assert (call.decision["action"], call.decision["reason"]) == ("assistant", "default")
    assert [event["detail-type"] for event in aws.events()][-1] == "Call.inbound"


def test_a_number_with_an_assistant_answers_with_it_and_our_overrides(aws: Deployment) -> None:
    assistant = aws.at_vapi(
        "assistant",
        name="Front desk",
        serverMessages=["hang"],
        metadata={"team": "desk"},
        artifactPlan={"pcapEnabled": True},
    )
    number = aws.bought(
        assistant={"id": assistant["id"]},
        recordingEnabled=False,
        transcriptionEnabled=True,
        inboundSettings={"maxDurationSeconds": 120},
    )
    answer = aws.tell(number, sample("assistant-request.vapi-number"))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.body == {
        "assistantId": assistant["id"],
        "assistantOverrides": {
            "metadata": {
                "team": "desk",
                "numberId": number["id"],
                "keep": {"recording": False, "transcript": True},
            },
            "variableValues": {"businessName": "acme", "isOpen": True},
            "serverMessages": ["hang", "status-update", "end-of-call-report"],
            "artifactPlan": {"pcapEnabled": True, "recordingEnabled": False, "transcriptPlan": {"enabled": True}},
            "maxDurationSeconds": 120,
        },
    }


def test_an_assistant_with_a_server_of_its_own_keeps_it(aws: Deployment) -> None:
    own = aws.at_vapi(
        "assistant", name="Own", server={"url": "https://own.example/vapi"}, serverMessages=["tool-calls"]
    )
    number = aws.bought(assistant={"id": own["id"]})
    answer = aws.tell(number, sample("assistant-request.vapi-number"))
    assert answer.body == {
        "assistantId": own["id"],
        "assistantOverrides": {
            "metadata": {"numberId": number["id"], "keep": {"recording": False, "transcript": False}},
            "variableValues": {"businessName": "acme", "isOpen": True},
        },
    }


def test_a_number_that_forwards_answers_with_the_destination(aws: Deployment) -> None:
    number = aws.bought(forwardingEnabled=True, forwardingNumber="+14155550199")
    answer = aws.tell(number, sample("assistant-request.vapi-number"))
    assert answer.body == {"destination": {"type": "number", "number": "+14155550199", "message": ""}}


def test_a_number_without_an_assistant_turns_the_caller_away_with_words(aws: Deployment) -> None:
    answer = aws.tell(aws.bought(), sample("assistant-request.vapi-number"))
    assert answer.body["error"]
    assert answer.body.keys() == {"error"}
    assert aws.tell(
        aws.bought(inboundSettings={"rejectMessage": "Gone fishing."}), sample("assistant-request.vapi-number")
    ).body == {"error": "Gone fishing."}


@pytest.mark.parametrize("change", [{"status": "suspended"}, {"status": "inactive"}, {"direction": "outbound"}])
def test_a_number_that_takes_no_calls_turns_the_caller_away(
    aws: Deployment, number: dict[str, Any], change: dict[str, str]
) -> None:
    assert aws.api("PATCH", f"/phone-numbers/{number['id']}", body=change).status == 200
    answer = aws.tell(number, sample("assistant-request.vapi-number"))
    assert answer.body.keys() == {"error"}
    assert aws.tell(number, sample("status-update.ended.rejected-by-error-response")).status == 200
    assert record(aws).outcome == "rejected"


def test_the_trace_of_a_decision_is_small(aws: Deployment, number: dict[str, Any]) -> None:
    aws.tell(number, sample("assistant-request.vapi-number"))
    decision = record(aws).decision
    assert decision is not None
    assert decision["trace"][-1] == {"step": "default", "outcome": "decided", "detail": "default"}
    assert len(json.dumps(decision["trace"])) <= 2048


@pytest.mark.parametrize(
    "wrong", ["missing", "empty", "made-up", "of-another-number", "of-another-business", "only-the-mac"]
)
def test_a_wrong_or_missing_token_is_refused_and_counted(
    aws: Deployment, number: dict[str, Any], capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    right = make_token(WEBHOOK_KEYS, number["id"], "acme")
    headers = {
        "missing": {},
        "empty": {TOKEN_HEADER: ""},
        "made-up": {TOKEN_HEADER: f"acme.{'0' * 64}"},
        "of-another-number": {TOKEN_HEADER: make_token(WEBHOOK_KEYS, aws.bought()["id"], "acme")},
        "of-another-business": {TOKEN_HEADER: right.replace("acme", "globex")},
        "only-the-mac": {TOKEN_HEADER: right.removeprefix("acme")},
    }[wrong]
    capsys.readouterr()
    assert aws.tell(number, sample("end-of-call-report.completed"), headers=headers).status == 401
    assert call_items(aws) == []
    (counted,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "WebhookRejected" in line]
    assert counted["WebhookRejected"] == [1.0]
    assert counted["service"] == "switchboard"


def test_a_number_that_is_not_ours_is_not_found(aws: Deployment) -> None:
    nobodys = {"id": "pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD", "business": "acme"}
    assert aws.tell(nobodys, sample("assistant-request.vapi-number")).status == 404
    assert aws.tell(nobodys, sample("assistant-request.vapi-number"), headers={TOKEN_HEADER: "acme.0"}).status == 404
    assert aws.tell(nobodys, sample("assistant-request.vapi-number"), headers={}).status == 404


@pytest.mark.parametrize(
    "raw",
    ["", "{", "not json", "[]", "null", "{}", '{"message": {}}', '{"message": 5}', '{"type": "hang"}', "[" * 200_000],
    ids=lambda raw: raw[:12] or "nothing",
)
def test_a_body_that_is_not_vapis_is_refused(aws: Deployment, number: dict[str, Any], raw: str) -> None:
    assert aws.tell(number, {}, raw=raw).status == 400
    assert call_items(aws) == []


def test_a_body_that_the_gateway_encoded_is_read(aws: Deployment, number: dict[str, Any]) -> None:
    body = json.dumps(sample("end-of-call-report.completed")).encode()
    assert told_encoded(number, base64.b64encode(body).decode()) == 200
    assert record(aws).outcome == "answered"


@pytest.mark.parametrize("raw", ["*", "////", base64.b64encode(b"\xff\xfe").decode()])
def test_an_encoded_body_that_is_not_vapis_is_refused(aws: Deployment, number: dict[str, Any], raw: str) -> None:
    assert told_encoded(number, raw) == 400
    assert call_items(aws) == []


def told_encoded(number: dict[str, Any], raw: str) -> int:
    """The status that a base64 body of a number's server message gets."""
    headers = {TOKEN_HEADER.lower(): make_token(WEBHOOK_KEYS, number["id"], number["business"])}
    path = {"id": number["id"]}
    answer = invoke("vapi", {"headers": headers, "pathParameters": path, "body": raw, "isBase64Encoded": True})
    return int(answer["statusCode"])


def test_a_repeated_message_changes_nothing(aws: Deployment, number: dict[str, Any]) -> None:
    story = ["assistant-request.vapi-number", "status-update.in-progress", "end-of-call-report.completed"]
    for name in story:
        aws.tell(number, sample(name))
    before = stored(aws)
    for name in reversed(story):
        assert aws.tell(number, sample(name)).status == 200
    assert stored(aws) == before


def test_of_two_messages_of_a_kind_the_later_counts_whichever_came_first(
    aws: Deployment, number: dict[str, Any]
) -> None:
    early, late = sample("end-of-call-report.completed"), sample("end-of-call-report.completed")
    late["message"] |= {"timestamp": early["message"]["timestamp"] + 1, "cost": 0.5}
    for first, then in ((early, late), (late, early)):
        aws.tell(number, first)
        aws.tell(number, then)
        assert record(aws).cost == Decimal(50)
        (item,) = call_items(aws)
        aws.table.delete_item(Key={"PK": item["PK"], "SK": item["SK"]})


def test_a_call_starts_once_however_often_it_is_in_progress(aws: Deployment, number: dict[str, Any]) -> None:
    first = sample("status-update.in-progress")
    again = deepcopy(first)
    again["message"]["timestamp"] += 30_000
    for message in (again, first, again):
        aws.tell(number, message)
    assert record(aws).started_at == first["message"]["timestamp"]


def test_a_record_stays_small_however_long_the_texts(aws: Deployment, number: dict[str, Any]) -> None:
    message = sample("end-of-call-report.completed")
    message["message"] |= {"summary": "s" * 400_000, "endedReason": "r" * 5000, "transcript": "t" * 400_000}
    message["message"]["analysis"] = {"summary": "s" * 400_000}
    assert aws.tell(number, message).status == 200
    assert len(repr(call_items(aws))) < 5000


def test_the_key_before_a_rotation_still_holds(aws: Deployment, number: dict[str, Any]) -> None:
    before = make_token({"current": WEBHOOK_KEYS["previous"]}, number["id"], "acme")
    assert aws.tell(number, sample("hang"), headers={TOKEN_HEADER: before}).status == 200


def test_a_rotated_key_is_learnt_without_a_deployment(aws: Deployment, number: dict[str, Any]) -> None:
    assert aws.tell(number, sample("hang")).status == 200
    rotated = {"current": "next-key", "previous": WEBHOOK_KEYS["current"]}
    manager = boto3.client("secretsmanager", region_name="us-east-1")
    manager.put_secret_value(SecretId="WEBHOOK_SECRET_ARN", SecretString=json.dumps(rotated))
    after = {TOKEN_HEADER: make_token(rotated, number["id"], "acme")}
    assert aws.tell(number, sample("hang"), headers=after).status == 401
    held_since, held = secrets._values["WEBHOOK_SECRET_ARN"]
    secrets._values["WEBHOOK_SECRET_ARN"] = (held_since - secrets.RECHECK_SECONDS, held)
    assert aws.tell(number, sample("hang"), headers=after).status == 200
    assert aws.tell(number, sample("hang")).status == 200
    retired = make_token({"current": WEBHOOK_KEYS["previous"]}, number["id"], "acme")
    assert aws.tell(number, sample("hang"), headers={TOKEN_HEADER: retired}).status == 401
