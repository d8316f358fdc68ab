"""DELETE /callers/{phoneNumber}: the caller is nowhere afterwards, the sums are what they were, and it stays so."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from local.simulators.vapi.clock import iso
from switchboard.calls.kinds import Kind
from switchboard.calls.messages import Fact
from switchboard.store import dynamo, keys
from switchboard.store.calls import calls
from switchboard.store.dynamo import NO_DEADLINE
from switchboard.store.lines import Line, lines
from switchboard.store.transcripts import transcripts
from tests.functions.conftest import BUCKET, REGION, Deployment
from tests.functions.ringing import CALLER, T, ends, message, rings
from tests.support.invoking import Answer, function, invoke
from tests.support.streams import batch, changed, stream_as_dynamodb_does

OTHER = "+12025550187"
WORDS = {"transcript": "User: It is me.", "messages": [{"role": "user", "message": "It is me."}]}
SUMS = ("USAGE#TOTAL", "USAGE#MONTH#", "USAGE#HOUR#")


@pytest.fixture(autouse=True)
def _stream(monkeypatch: pytest.MonkeyPatch) -> None:
    stream_as_dynamodb_does(monkeypatch)


@pytest.fixture
def number(aws: Deployment) -> dict[str, Any]:
    """A number that keeps what is said."""
    assistant = aws.at_vapi("assistant", name="Front desk")
    return aws.bought(assistant={"id": assistant["id"]}, transcriptionEnabled=True, recordingEnabled=True)


def talks(aws: Deployment, number: dict[str, Any], call_id: str, caller: str = CALLER) -> dict[str, Any]:
    """A call that is answered and kept as the number is set; its report."""
    answer = rings(aws, number, call_id, caller).body
    return ends(aws, number, call_id, caller=caller, artifact=WORDS, **{k: answer[k] for k in ("assistantOverrides",)})


def erase(aws: Deployment, caller: str = CALLER, business: str = "acme") -> Answer:
    return aws.api("DELETE", f"/callers/{caller.replace('+', '%2B')}", business)


def everything(aws: Deployment) -> list[str]:
    """Each item of the table, and each object of the bucket with its key, as text."""
    bucket = boto3.client("s3", region_name=REGION)
    names = [each["Key"] for each in bucket.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    bodies = (bucket.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names)
    objects = [f"{name} {gzip.decompress(body).decode()}" for name, body in zip(names, bodies, strict=True)]
    return [json.dumps(item, default=str) for item in aws.items()] + objects


def named(aws: Deployment, *wanted: str) -> list[str]:
    return [text for text in everything(aws) if any(each in text for each in wanted)]


def sums(aws: Deployment, number: dict[str, Any]) -> dict[str, dict[str, Any]]:
    items = aws.items(f"NUMBER#{number['id']}")
    return {item["SK"]: item for item in items if item["SK"].startswith(SUMS)}


def counts(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ("phoneNumber", "erasedAt")}


NOTHING_MORE = {
    "calls": 0,
    "transcripts": 0,
    "windows": 0,
    "blockedEntries": 0,
    "allowedEntries": 0,
    "complete": True,
}


def test_a_caller_is_erased_from_all_numbers_of_the_business_and_from_no_other(aws: Deployment) -> None:
    assistant = {"id": aws.at_vapi("assistant", name="Front desk")["id"]}
    desk = aws.bought(assistant=assistant, transcriptionEnabled=True)
    gone = aws.bought(assistant=assistant, voicemailEnabled=True, allowedNumbers=[CALLER])
    theirs = aws.bought("globex", assistant=assistant, transcriptionEnabled=True)
    for number, name in ((desk, "d"), (theirs, "t")):
        talks(aws, number, f"{name}1")
        talks(aws, number, f"{name}2", OTHER)
        rings(aws, number, f"{name}3")
        ends(aws, number, f"{name}3", lasted=None, endedReason="customer-did-not-answer")
    rings(aws, gone, "g1")
    ends(aws, gone, "g1")
    told = {"createdAt": T, "direction": "outbound", "customer": CALLER, "reason": "customer-busy"}
    assert calls().record(gone["id"], "acme", Fact("g2", Kind.REPORT, T + 5_000, told))
    blocked = {"phoneNumber": CALLER, "reason": "robocalls"}
    for number, business in ((desk, "acme"), (theirs, "globex")):
        path = f"/phone-numbers/{number['id']}/blocked-numbers"
        assert aws.api("POST", path, business, body=blocked).status == 200
        assert aws.api("POST", path, business, body={"phoneNumber": "+1202*"}).status == 200
    aws.events()
    aws.api("DELETE", f"/phone-numbers/{gone['id']}")
    aws.check()
    aws.events()
    before = {number["id"]: sums(aws, number) for number in (desk, gone, theirs)}
    of_theirs = named(aws, theirs["id"], "globex")
    of_other = named(aws, OTHER)

    answer = erase(aws)

    assert answer.status == 200
    assert answer.body["phoneNumber"] == CALLER
    assert counts(answer.body) == {
        "calls": 4,
        "transcripts": 1,
        "windows": 1,
        "blockedEntries": 1,
        "allowedEntries": 1,
        "complete": True,
    }
    assert [text for text in named(aws, CALLER) if text not in of_theirs] == []
    assert len(named(aws, "It is me.")) == 3
    assert {number["id"]: sums(aws, number) for number in (desk, gone, theirs)} == before
    assert named(aws, theirs["id"], "globex") == of_theirs
    assert named(aws, OTHER) == of_other
    shown = aws.api("GET", f"/phone-numbers/{desk['id']}").body
    assert (shown["blockedNumbers"], shown["blockedNumbersCount"]) == (["+1202*"], 1)
    assert [call["id"] for call in aws.api("GET", f"/phone-numbers/{desk['id']}/calls").body["items"]] == ["d2"]
    assert aws.api("GET", f"/phone-numbers/{desk['id']}/calls/d1").status == 404
    assert [event["detail-type"] for event in aws.events()] == []


def test_what_is_left_of_a_call_is_what_is_counted_of_it_in_no_index(aws: Deployment, number: dict[str, Any]) -> None:
    talks(aws, number, "c1")
    record = aws.table.get_item(Key=keys.call(number["id"], "c1"))["Item"]
    erase(aws)
    kept = ("PK", "SK", "numberId", "business", "callId", "rev", "expiresAt")
    left = aws.table.get_item(Key=keys.call(number["id"], "c1"))["Item"]
    decision, report = (left.pop(kind) for kind in ("decision", "report"))
    assert left == {name: record[name] for name in kept} | {"erased": True}
    assert decision == {
        name: record["decision"][name] for name in ("at", "createdAt", "direction", "action", "reason", "id")
    }
    assert report == {
        name: record["report"][name]
        for name in ("at", "createdAt", "direction", "startedAt", "endedAt", "reason", "cost", "spoke")
    }


def test_erasing_again_finds_nothing(aws: Deployment, number: dict[str, Any]) -> None:
    talks(aws, number, "c1")
    aws.events()
    erase(aws)
    before = everything(aws)
    assert counts(erase(aws).body) == NOTHING_MORE
    assert everything(aws) == before
    assert counts(erase(aws, "+12025550111").body) == NOTHING_MORE


def test_messages_that_come_later_bring_nothing_back(aws: Deployment, number: dict[str, Any]) -> None:
    report = talks(aws, number, "c1")
    aws.events()
    erase(aws)
    overrides = report["message"]["assistantOverrides"]
    for kind, own in (
        ("assistant-request", {}),
        ("status-update", {"status": "in-progress"}),
        ("status-update", {"status": "ended", "endedReason": "customer-ended-call"}),
        ("end-of-call-report", {"artifact": WORDS, "assistantOverrides": overrides, "summary": "It was me."}),
    ):
        assert aws.tell(number, message("c1", kind, after=900_000, **own)).status == 200
    invoke("settle_calls", {})
    assert aws.events() == []
    assert named(aws, CALLER, "me.", ".json.gz") == []
    assert aws.api("GET", f"/phone-numbers/{number['id']}/calls").body["items"] == []
    assert counts(erase(aws).body) == NOTHING_MORE


# ---- a call that is not over, or of which more is to be told


def messages_of(call_id: str, caller: str) -> list[dict[str, Any]]:
    """All that Vapi tells of a call, in its order."""
    status = partial(message, call_id, "status-update", caller=caller)
    told = {"artifact": WORDS, "summary": "It was me.", "endedReason": "customer-ended-call", "cost": 0.0321}
    instants = {"startedAt": iso(T + 2_000), "endedAt": iso(T + 62_000)}
    return [
        message(call_id, "assistant-request", caller=caller),
        status(after=2_000, status="in-progress"),
        status(after=62_000, status="ended", endedReason="customer-ended-call"),
        message(call_id, "end-of-call-report", caller=caller, after=65_000, **told, **instants),
    ]


@pytest.mark.parametrize("is_counted", [True, False], ids=["counted", "not counted yet"])
@pytest.mark.parametrize("told_before", [1, 2, 3, 4])
def test_what_is_told_of_a_call_after_its_caller_was_erased_is_counted_and_names_nobody(
    aws: Deployment, number: dict[str, Any], told_before: int, is_counted: bool
) -> None:
    like_it = aws.bought(assistant=number["assistant"], transcriptionEnabled=True, recordingEnabled=True)
    told = messages_of("c1", CALLER)
    for each in told[:told_before]:
        aws.tell(number, each)
    if is_counted:
        aws.deliver_stream()
    assert counts(erase(aws).body)["calls"] == 1
    for each in (*told[told_before:], *told):
        aws.tell(number, each)
        aws.deliver_stream()
        assert named(aws, CALLER, "me.", ".json.gz") == []
    for each in messages_of("c2", OTHER):
        aws.tell(like_it, each)
    aws.deliver_stream()
    counted, expected = sums(aws, number), sums(aws, like_it)
    assert {sort: without_keys(item) for sort, item in counted.items()} == {
        sort: without_keys(item) for sort, item in expected.items()
    }
    assert counted["USAGE#TOTAL"]["cost"] == Decimal("3.21")
    told_of = [event["detail-type"] for event in aws.events() if event["detail"]["data"].get("callId") == "c1"]
    assert told_of == ["Call.inbound"]


def without_keys(item: dict[str, Any]) -> dict[str, Any]:
    """What is not nothing of an item, keys aside."""
    return {name: value for name, value in item.items() if name not in ("PK", "SK") and value}


def test_a_call_without_a_report_is_settled_though_its_caller_was_erased(
    aws: Deployment, number: dict[str, Any]
) -> None:
    rings(aws, number, "c1")
    ended = message("c1", "status-update", after=9_000, status="ended", endedReason="customer-ended-call")
    aws.tell(number, ended)
    aws.events()
    erase(aws)
    assert invoke("settle_calls", {}) == {"settled": 1}
    assert invoke("settle_calls", {}) == {"settled": 0}
    assert aws.events() == []
    assert sums(aws, number)["USAGE#TOTAL"]["missedCalls"] == 1


def test_a_call_that_nobody_told_us_of_stays_erased_when_the_list_is_read(
    aws: Deployment, number: dict[str, Any]
) -> None:
    rings(aws, number, "c1")
    erase(aws)
    listed = {"createdAt": T, "direction": "inbound", "customer": CALLER, "ended": True, "endedAt": T + 62_000}
    listed |= {"startedAt": T + 2_000, "cost": Decimal("3.21"), "recordingUrl": "https://example.com/me."}
    assert calls().record(number["id"], "acme", Fact("c1", Kind.LISTED, T + 70_000, listed))
    aws.deliver_stream()
    assert named(aws, CALLER, "me.") == []
    assert sums(aws, number)["USAGE#TOTAL"]["cost"] == Decimal("3.21")


def test_who_is_on_the_line_is_shown_without_a_number_and_gives_the_line_back(aws: Deployment) -> None:
    assistant = aws.at_vapi("assistant", name="Front desk")
    number = aws.bought(assistant={"id": assistant["id"]}, maxConcurrentCalls=1)
    other = aws.bought(assistant={"id": assistant["id"]}, maxConcurrentCalls=1)
    rings(aws, number, "c1")
    rings(aws, other, "c2", OTHER)
    erase(aws)
    path = f"/phone-numbers/{number['id']}/active-calls"
    (line,) = aws.api("GET", path).body["items"]
    assert (line["callId"], line["caller"]) == ("c1", None)
    (theirs,) = aws.api("GET", f"/phone-numbers/{other['id']}/active-calls").body["items"]
    assert (theirs["callId"], theirs["caller"]) == ("c2", OTHER)
    assert "error" in rings(aws, number, "c3", OTHER).body
    ends(aws, number, "c1")
    aws.deliver_stream()
    assert aws.api("GET", path).body["items"] == []
    assert "assistantId" in rings(aws, number, "c4", OTHER).body


@pytest.mark.parametrize("odd", [{"lines": "odd"}, {"lines": {"c0": "odd"}}, {}])
def test_a_line_that_cannot_be_read_holds_up_no_erasure(aws: Deployment, odd: dict[str, Any]) -> None:
    number = aws.bought(maxConcurrentCalls=2)
    aws.table.put_item(Item=keys.lines(number["id"]) | odd)
    assert counts(erase(aws).body) == NOTHING_MORE


def test_a_line_whose_call_has_no_record_loses_its_callers_number(aws: Deployment) -> None:
    number = aws.bought(maxConcurrentCalls=2)
    now = int(time.time())
    for call_id, caller in (("c1", CALLER), ("c2", OTHER)):
        assert lines().take(number["id"], Line(call_id, now, now + 600, caller), 2, None, NO_DEADLINE)
    erase(aws)
    assert {line.call_id: line.caller for line in lines().in_use(number["id"], now)} == {"c1": None, "c2": OTHER}


def test_what_was_still_to_be_counted_is_counted_without_the_caller(aws: Deployment, number: dict[str, Any]) -> None:
    """The stream brings a call's images after the call was erased."""
    talks(aws, number, "c1")
    rings(aws, number, "c2")
    assert counts(erase(aws).body)["calls"] == 2
    aws.deliver_stream()
    assert named(aws, CALLER) == []
    counted = sums(aws, number)["USAGE#TOTAL"]
    assert (counted["totalCalls"], counted["answeredCalls"]) == (2, 1)
    aws.deliver_stream()
    assert sums(aws, number)["USAGE#TOTAL"] == counted


@contextmanager
def before_next(operation: str, does: Callable[[], Any]) -> Iterator[None]:
    """Lets something happen just before the next request of this kind; once."""
    waiting = [does]

    def run(**_: Any) -> None:
        if waiting:
            waiting.pop()()

    events = dynamo.table().client.meta.events
    events.register(f"before-call.dynamodb.{operation}", run)
    try:
        yield
    finally:
        events.unregister(f"before-call.dynamodb.{operation}", run)


def test_a_call_that_is_erased_while_it_is_being_counted_is_counted_without_its_caller(
    aws: Deployment, number: dict[str, Any]
) -> None:
    talks(aws, number, "c1")
    with before_next("TransactWriteItems", lambda: erase(aws)):
        aws.deliver_stream()
    assert named(aws, CALLER) == []
    assert sums(aws, number)["USAGE#TOTAL"]["answeredCalls"] == 1


def test_a_call_that_is_counted_while_it_is_being_erased_is_counted_without_its_caller(
    aws: Deployment, number: dict[str, Any]
) -> None:
    talks(aws, number, "c1")
    with before_next("TransactWriteItems", aws.deliver_stream):
        assert erase(aws).body["complete"] is True
    assert named(aws, CALLER) == []
    assert sums(aws, number)["USAGE#TOTAL"]["answeredCalls"] == 1


def test_a_report_that_comes_while_its_call_is_being_erased_leaves_nothing(
    aws: Deployment, number: dict[str, Any]
) -> None:
    overrides = rings(aws, number, "c1").body["assistantOverrides"]
    report = message("c1", "end-of-call-report", artifact=WORDS, assistantOverrides=overrides, after=9_000)
    with before_next("PutItem", lambda: aws.tell(number, report)):
        assert counts(erase(aws).body)["transcripts"] == 1
    aws.events()
    assert named(aws, CALLER, "c1.json.gz") == []


def test_a_caller_who_calls_again_is_new(aws: Deployment, number: dict[str, Any]) -> None:
    talks(aws, number, "c1")
    erase(aws)
    talks(aws, number, "c2")
    aws.events()
    listed = aws.api("GET", f"/phone-numbers/{number['id']}/calls", query={"caller": CALLER}).body
    assert [call["id"] for call in listed["items"]] == ["c2"]
    assert sums(aws, number)["USAGE#TOTAL"]["totalCalls"] == 2
    assert counts(erase(aws).body)["calls"] == 1
    assert named(aws, CALLER) == []


# ---- interrupted


class Killed(BaseException):
    """The process ends here: no handler of errors sees it."""


@contextmanager
def requests(kill_at: int | None = None) -> Iterator[list[str]]:
    """What the table and the bucket are asked for while it is open; the process ends before that request."""
    asked: list[str] = []

    def before_send(event_name: str, **_: Any) -> None:
        if len(asked) == kill_at:
            raise Killed
        asked.append(event_name.rpartition(".")[2])

    clients = (dynamo.table().client, transcripts().client)
    for client in clients:
        client.meta.events.register_first("before-send", before_send)
    try:
        yield asked
    finally:
        for client in clients:
            client.meta.events.unregister("before-send", before_send)


def test_an_erasure_that_is_killed_at_any_step_is_completed_by_its_repeat(
    aws: Deployment, number: dict[str, Any]
) -> None:
    steps = 0
    while True:
        aws.api("PATCH", f"/phone-numbers/{number['id']}", body={"allowedNumbers": [CALLER]})
        talks(aws, number, f"c{steps}-1")
        talks(aws, number, f"c{steps}-2")
        aws.deliver_stream()
        before = sums(aws, number)
        try:
            with requests(kill_at=steps):
                erase(aws)
        except Killed:
            assert erase(aws).body["complete"] is True
        else:
            break
        aws.deliver_stream()
        assert named(aws, CALLER, ".json.gz") == [], steps
        assert sums(aws, number) == before, steps
        steps += 1
    assert steps > 15


def test_an_erasure_of_calls_in_progress_that_is_killed_at_any_step_is_completed_by_its_repeat(
    aws: Deployment,
) -> None:
    assistant = {"id": aws.at_vapi("assistant", name="Front desk")["id"]}
    steps = 0
    while True:
        number = aws.bought(assistant=assistant, transcriptionEnabled=True, maxConcurrentCalls=2)
        told = messages_of(f"c{steps}", CALLER)
        for each in told[:2]:
            aws.tell(number, each)
        aws.deliver_stream()
        try:
            with requests(kill_at=steps):
                erase(aws)
        except Killed:
            aws.tell(number, told[2])
            aws.deliver_stream()
            assert erase(aws).body["complete"] is True
        else:
            break
        aws.tell(number, told[3])
        aws.deliver_stream()
        assert named(aws, CALLER, "me.", ".json.gz") == [], steps
        total = sums(aws, number)["USAGE#TOTAL"]
        assert (total["totalCalls"], total["answeredCalls"], total["cost"]) == (1, 1, Decimal("3.21")), steps
        assert aws.api("GET", f"/phone-numbers/{number['id']}/active-calls").body["items"] == []
        steps += 1
    assert steps > 8


def test_an_erasure_that_runs_out_of_time_is_accepted_and_goes_on_when_repeated(
    aws: Deployment, number: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    talks(aws, number, "c1")
    with monkeypatch.context() as short:
        short.setattr(function("erase_caller"), "WITHIN_SECONDS", 0)
        answer = erase(aws)
    assert (answer.status, answer.body["complete"], answer.body["calls"]) == (202, False, 0)
    answer = erase(aws)
    assert (answer.status, answer.body["complete"], answer.body["calls"]) == (200, True, 1)


def test_an_erasure_whose_transcripts_are_out_of_reach_is_to_be_repeated(
    aws: Deployment, number: dict[str, Any]
) -> None:
    talks(aws, number, "c1")

    def fail(request: Any, **_: Any) -> None:
        raise EndpointConnectionError(endpoint_url=request.url)

    events = transcripts().client.meta.events
    events.register_first("before-send", fail)
    answer = erase(aws)
    events.unregister("before-send", fail)
    assert (answer.status, answer.body["code"]) == (503, "transcript_unavailable")
    assert aws.api("GET", f"/phone-numbers/{number['id']}/calls/c1").status == 404
    assert counts(erase(aws).body) == NOTHING_MORE | {"calls": 1, "transcripts": 1}
    assert named(aws, CALLER, ".json.gz") == []


def test_an_expired_block_leaves_no_caller_behind(aws: Deployment, number: dict[str, Any]) -> None:
    path = f"/phone-numbers/{number['id']}/blocked-numbers"
    aws.api("POST", path, body={"phoneNumber": CALLER})
    block = aws.table.get_item(Key=keys.block(number["id"], CALLER))["Item"]
    aws.table.delete_item(Key=keys.block(number["id"], CALLER))
    removal = batch(changed(block, None, by_ttl=True))
    for _ in range(2):
        assert invoke("tally_usage", removal) == {"batchItemFailures": []}
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body["blockedNumbersCount"] == 0
    erase(aws)
    assert named(aws, CALLER) == []


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("caller", ["2025550123", "+1900*", "%2B0", "me"])
def test_only_a_whole_number_is_a_caller(aws: Deployment, caller: str) -> None:
    answer = aws.api("DELETE", f"/callers/{caller.replace('+', '%2B')}")
    assert (answer.status, [error["path"] for error in answer.body["errors"]]) == (422, ["phoneNumber"])
