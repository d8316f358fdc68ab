"""What was said, and the link to its recording: kept where they were asked for, and nowhere else."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from local.simulators.vapi.clock import iso
from switchboard.ledger.learn import learn_call
from switchboard.store import keys
from switchboard.store.calls import calls
from switchboard.store.numbers import numbers
from switchboard.store.transcripts import transcripts
from tests.functions.conftest import BUCKET, REGION, Deployment
from tests.functions.ringing import CALLER, T, ends, message, rings
from tests.support.invoking import Answer

WORDS = "AI: Thanks for calling.\nUser: Is anybody there?"
MESSAGES = [
    {"role": "bot", "message": "Thanks for calling.", "time": T + 3_000, "endTime": T + 4_000},
    {"role": "user", "message": "Is anybody there?", "time": T + 5_000},
]
LINK = "https://storage.vapi.ai/c1-mono.wav"
ARTIFACT = {
    "transcript": WORDS + "\n",
    "messages": [{"role": "system", "message": "You answer the phone."}, *MESSAGES],
    "recordingUrl": LINK,
}
BOTH = {"recordingEnabled": True, "transcriptionEnabled": True}


def desk(aws: Deployment, **settings: Any) -> dict[str, Any]:
    """An active number that an assistant answers."""
    return aws.bought(assistant={"id": aws.at_vapi("assistant", name="Front desk")["id"]}, **settings)


def talked(aws: Deployment, number: dict[str, Any], call_id: str = "c1", **own: Any) -> dict[str, Any]:
    """A call, reported with the metadata of our answer; the report."""
    answer = rings(aws, number, call_id).body
    return ends(aws, number, call_id, artifact=ARTIFACT, assistantOverrides=answer["assistantOverrides"], **own)


def kept() -> dict[str, Any]:
    """What the bucket holds, by key."""
    bucket = boto3.client("s3", region_name=REGION)
    found = bucket.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    bodies = {each["Key"]: bucket.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in found}
    return {key: json.loads(gzip.decompress(body)) for key, body in bodies.items()}


def shown(aws: Deployment, number: dict[str, Any], call_id: str = "c1") -> Answer:
    return aws.api("GET", f"/phone-numbers/{number['id']}/calls/{call_id}")


def facts(number: dict[str, Any], call_id: str = "c1") -> dict[str, Any]:
    item = calls().find(number["id"], call_id)
    assert item is not None
    return item


@contextmanager
def bucket(*, fails: bool) -> Iterator[list[str]]:
    """The operations that the bucket is asked for while it is open."""
    asked: list[str] = []

    def before_send(request: Any, event_name: str, **_: Any) -> None:
        asked.append(event_name.rpartition(".")[2])
        if fails:
            raise EndpointConnectionError(endpoint_url=request.url)

    events = transcripts().client.meta.events
    events.register_first("before-send", before_send)
    try:
        yield asked
    finally:
        events.unregister("before-send", before_send)


def test_a_transcript_that_was_asked_for_is_one_object_and_is_shown_with_its_call(aws: Deployment) -> None:
    number = desk(aws, **BOTH)
    talked(aws, number)
    key = keys.transcript("acme", number["id"], "c1")
    assert key == f"transcripts/acme/{number['id']}/c1.json.gz"
    assert kept() == {key: {"callId": "c1", "transcript": WORDS, "messages": MESSAGES}}
    call = shown(aws, number).body
    assert (call["transcript"], call["recordingUrl"]) == (WORDS, LINK)
    assert "Is anybody there?" not in repr(aws.items())


@pytest.mark.parametrize("recording", [None, False, True])
@pytest.mark.parametrize("transcription", [None, False, True])
def test_each_is_kept_only_where_it_is_enabled(
    aws: Deployment, recording: bool | None, transcription: bool | None
) -> None:
    asked = {"recordingEnabled": recording, "transcriptionEnabled": transcription}
    number = desk(aws, **{name: value for name, value in asked.items() if value is not None})
    talked(aws, number)
    call = shown(aws, number).body
    assert call["recordingUrl"] == (LINK if recording else None)
    assert call["transcript"] == (WORDS if transcription else None)
    assert bool(kept()) == bool(transcription)


def test_a_message_that_does_not_say_what_may_be_kept_keeps_nothing(aws: Deployment) -> None:
    number = desk(aws, **BOTH)
    rings(aws, number, "c1")
    ends(aws, number, "c1", artifact=ARTIFACT)
    assert kept() == {}
    assert shown(aws, number).body["recordingUrl"] is None
    assert LINK not in repr(aws.items())


def test_a_report_that_comes_again_leaves_one_object_and_one_record(aws: Deployment) -> None:
    number = desk(aws, **BOTH)
    report = talked(aws, number)
    before, record = kept(), facts(number)
    assert aws.tell(number, report).status == 200
    assert (kept(), facts(number)) == (before, record)


def test_a_report_whose_transcript_cannot_be_kept_is_to_come_again_and_writes_nothing(aws: Deployment) -> None:
    number = desk(aws, **BOTH)
    overrides = rings(aws, number, "c1").body["assistantOverrides"]
    report = message("c1", "end-of-call-report", artifact=ARTIFACT, assistantOverrides=overrides, after=9_000)
    with bucket(fails=True):
        assert aws.tell(number, report).status == 500
    assert "report" not in facts(number)
    assert aws.tell(number, report).status == 200
    assert shown(aws, number).body["transcript"] == WORDS


def test_a_bucket_that_fails_hinders_no_report_without_a_transcript_to_keep(aws: Deployment) -> None:
    number = desk(aws, recordingEnabled=True)
    with bucket(fails=True) as asked:
        talked(aws, number)
    assert asked == []
    assert shown(aws, number).body["recordingUrl"] == LINK


def test_a_transcript_that_cannot_be_read_now_is_to_be_asked_for_again(aws: Deployment) -> None:
    number = desk(aws, **BOTH)
    talked(aws, number)
    with bucket(fails=True):
        answer = shown(aws, number)
    assert (answer.status, answer.body["code"]) == (503, "transcript_unavailable")
    assert "retry-after" in answer.headers


def test_a_call_whose_transcript_has_expired_is_shown_without(aws: Deployment) -> None:
    number = desk(aws, **BOTH)
    talked(aws, number)
    boto3.client("s3", region_name=REGION).delete_object(Bucket=BUCKET, Key=keys.transcript("acme", number["id"], "c1"))
    assert shown(aws, number).body["transcript"] is None


# ---- from Vapi's call list


def row(updated: int = T + 90_000, **own: Any) -> dict[str, Any]:
    """Of a call that is over, as Vapi lists it."""
    return {
        "id": "c1",
        "type": "inboundPhoneCall",
        "status": "ended",
        "createdAt": iso(T),
        "startedAt": iso(T + 2_000),
        "endedAt": iso(T + 62_000),
        "updatedAt": iso(updated),
        "endedReason": "customer-ended-call",
        "customer": {"number": CALLER},
        "artifact": ARTIFACT,
        **own,
    }


def learnt(number: dict[str, Any], of_vapi: dict[str, Any]) -> bool:
    return learn_call(calls(), numbers().get(number["id"]), of_vapi)


def test_what_no_message_may_keep_is_kept_from_vapis_list_as_the_number_is_set(aws: Deployment) -> None:
    number, silent = desk(aws, **BOTH), desk(aws)
    assert learnt(number, row())
    assert learnt(silent, row())
    call = shown(aws, number).body
    assert (call["transcript"], call["recordingUrl"]) == (WORDS, LINK)
    call = shown(aws, silent).body
    assert (call["transcript"], call["recordingUrl"]) == (None, None)
    assert kept().keys() == {keys.transcript("acme", number["id"], "c1")}


def test_what_was_not_to_be_kept_when_the_call_came_is_not_kept_later(aws: Deployment) -> None:
    number = desk(aws, transcriptionEnabled=False)
    overrides = rings(aws, number, "c1").body["assistantOverrides"]
    aws.api("PATCH", f"/phone-numbers/{number['id']}", body=BOTH)
    assert learnt(number, row(assistantOverrides=overrides))
    assert kept() == {}


@pytest.mark.usefixtures("aws")
def test_the_list_writes_what_was_said_once_however_often_it_is_read(aws: Deployment) -> None:
    number = desk(aws, **BOTH)
    with bucket(fails=False) as asked:
        learnt(number, row())
        learnt(number, row())
        learnt(number, row(updated=T + 95_000))
        talked(aws, number, "c2")
        learnt(number, row(id="c2"))
    assert asked == ["PutObject", "PutObject"]
    for call_id in ("c1", "c2"):
        assert shown(aws, number, call_id).body["transcript"] == WORDS


def test_a_transcript_that_the_report_could_not_keep_is_kept_from_the_list(aws: Deployment) -> None:
    number = desk(aws, **BOTH)
    overrides = rings(aws, number, "c1").body["assistantOverrides"]
    with bucket(fails=True):
        report = message("c1", "end-of-call-report", artifact=ARTIFACT, assistantOverrides=overrides, after=9_000)
        assert aws.tell(number, report).status == 500
    assert learnt(number, row(assistantOverrides=overrides))
    assert shown(aws, number).body["transcript"] == WORDS


def test_a_workflows_transcript_comes_from_the_list(aws: Deployment) -> None:
    number = desk(aws, **BOTH)
    rings(aws, number, "c1")
    ends(aws, number, "c1", artifact=ARTIFACT)
    assert shown(aws, number).body["transcript"] is None
    assert learnt(number, row())
    assert (shown(aws, number).body["transcript"], shown(aws, number).body["recordingUrl"]) == (WORDS, LINK)


def test_nothing_that_was_said_stays_of_a_call_that_was_erased(aws: Deployment) -> None:
    number = desk(aws, **BOTH)
    report = talked(aws, number)
    aws.table.put_item(Item=keys.call(number["id"], "c1") | {"erased": True, "rev": 9})
    assert aws.tell(number, report).status == 200
    assert learnt(number, row())
    assert kept() == {}
    left = aws.table.get_item(Key=keys.call(number["id"], "c1"))["Item"]
    assert {"report", "listed"} <= left.keys()
    assert not {"transcriptKey", "recordingUrl", "customer"} & {*left["report"], *left["listed"]}
    assert shown(aws, number).status == 404
