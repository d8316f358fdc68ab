"""A message taken by us: asked for, kept as far as it may be, told on the bus; silence is a missed call."""

from typing import Any

import pytest

from switchboard.calls.record import Call, call_from_item
from tests.functions.conftest import Deployment
from tests.functions.ringing import CALLER, ends, message, rings
from tests.support.streams import stream_as_dynamodb_does

WORDS = "AI: Nobody is here.\nUser: Please call me back.\n"
SAID = {
    "messages": [{"role": "bot", "message": "Nobody is here."}, {"role": "user", "message": "Please call me back."}],
    "transcript": WORDS,
    "recordingUrl": "https://storage.vapi.ai/c1-mono.wav",
}


@pytest.fixture(autouse=True)
def _stream(monkeypatch: pytest.MonkeyPatch) -> None:
    stream_as_dynamodb_does(monkeypatch)


def taken(aws: Deployment, artifact: dict[str, Any], **settings: Any) -> tuple[dict[str, Any], Call]:
    """The inline assistant that takes a message, and the record of a call that it took, with its events waiting."""
    number = aws.bought(voicemailEnabled=True, **settings)
    aws.events()
    assistant: dict[str, Any] = rings(aws, number, "c1").body["assistant"]
    ends(aws, number, "c1", lasted=8_000, assistant=assistant, artifact=artifact)
    item = aws.table.get_item(Key={"PK": f"NUMBER#{number['id']}", "SK": "CALL#c1"})["Item"]
    return assistant, call_from_item(item)


def test_a_message_is_kept_and_told(aws: Deployment) -> None:
    assistant, call = taken(aws, SAID)
    assert assistant["firstMessage"]
    assert (call.outcome, call.transcript, call.recording_url) == ("voicemail", WORDS.strip(), SAID["recordingUrl"])
    (begun, received) = aws.events()
    assert (begun["detail-type"], received["detail-type"]) == ("Call.inbound", "Voicemail.received")
    data = received["detail"]["data"]
    assert data | {"callId": "c1", "caller": CALLER, "duration": 8.0} == data
    assert (data["transcript"], data["recordingUrl"]) == (WORDS.strip(), SAID["recordingUrl"])


@pytest.mark.parametrize(
    "artifact",
    [
        {},
        {"messages": [{"role": "bot", "message": "Nobody is here."}]},
        {"transcript": "AI: Nobody is here.\nUser: \n"},
    ],
    ids=["nothing", "only-us", "an-empty-line"],
)
def test_a_caller_who_leaves_nothing_has_missed_us(aws: Deployment, artifact: dict[str, Any]) -> None:
    _, call = taken(aws, artifact)
    assert call.outcome == "missed"
    assert [event["detail-type"] for event in aws.events()] == ["Call.inbound", "Call.missed"]


def test_what_may_not_be_recorded_is_not_kept(aws: Deployment) -> None:
    assistant, call = taken(aws, SAID, recordingEnabled=False)
    assert assistant["artifactPlan"]["recordingEnabled"] is False
    assert (call.outcome, call.recording_url, call.transcript) == ("voicemail", None, WORDS.strip())


def test_what_may_not_be_transcribed_is_not_kept(aws: Deployment) -> None:
    assistant, call = taken(aws, SAID, transcriptionEnabled=False)
    assert assistant["artifactPlan"]["transcriptPlan"] == {"enabled": False}
    assert (call.outcome, call.recording_url, call.transcript) == ("voicemail", SAID["recordingUrl"], None)


def test_a_long_transcript_is_cut(aws: Deployment) -> None:
    _, call = taken(aws, SAID | {"transcript": "User: " + "word " * 2000})
    assert call.transcript is not None
    assert len(call.transcript) == 4000


def test_no_other_calls_transcript_is_kept(aws: Deployment) -> None:
    number = aws.bought(assistant={"id": aws.at_vapi("assistant", name="Front desk")["id"]})
    rings(aws, number, "c1")
    ends(aws, number, "c1", artifact=SAID)
    item = aws.table.get_item(Key={"PK": f"NUMBER#{number['id']}", "SK": "CALL#c1"})["Item"]
    assert "Please call me back" not in repr(item)
    assert call_from_item(item).outcome == "answered"


def test_a_message_whose_report_is_lost_is_a_missed_call_when_it_is_settled(aws: Deployment) -> None:
    number = aws.bought(voicemailEnabled=True)
    rings(aws, number, "c1")
    aws.tell(number, message("c1", "status-update", after=2000, status="in-progress"))
    aws.tell(number, message("c1", "status-update", after=9000, status="ended", endedReason="customer-ended-call"))
    key = {"PK": f"NUMBER#{number['id']}", "SK": "CALL#c1"}
    ended = aws.table.get_item(Key=key)["Item"]
    assert call_from_item(ended).outcome is None
    assert call_from_item(ended | {"settled": {"at": 1}}).outcome == "missed"
