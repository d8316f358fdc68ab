"""Any order and any repetition of one call's messages ends in the same record, the same counters, the same events."""

import itertools
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.simulators.vapi.clock import iso
from switchboard.calls.record import Call, call_from_item
from switchboard.ledger.learn import learn_call
from switchboard.store import calls, numbers
from tests.functions.conftest import Deployment
from tests.support.buckets import held
from tests.support.streams import stream_as_dynamodb_does

T = 1_785_862_800_000
CALLER = "+12025550123"
ELSEWHERE = "+14155550199"
INBOUND = {"Call.inbound": 1}
MISSED = {"Call.inbound": 1, "Call.missed": 1}
HOUR, MONTH = "USAGE#HOUR#2026-08-04T17", "USAGE#MONTH#2026-08"
Message: TypeAlias = tuple[int, dict[str, Any]]
Sums: TypeAlias = dict[tuple[str, str], Any]
"""By the sort key of the bucket and the name within it."""
Told: TypeAlias = tuple[Call, Sums, list[dict[str, Any]]]


def asked() -> Message:
    return 140, {"type": "assistant-request"}


def status(at: int, name: str, **own: Any) -> Message:
    return at, {"type": "status-update", "status": name, **own}


def ended(at: int, reason: str, **own: Any) -> Message:
    return status(at, "ended", endedReason=reason, **own)


def report(at: int, reason: str, *, start: int | None, end: int, **own: Any) -> Message:
    """Of a call between two instants; no start, nobody answered."""
    started = {} if start is None else {"startedAt": iso(T + start)}
    facts = {"endedReason": reason, "endedAt": iso(T + end), "cost": 0, **started, **own}
    return at, {"type": "end-of-call-report", **facts}


@dataclass(frozen=True)
class Story:
    """A call as Vapi tells of it: messages by their milliseconds after its creation, and what must come of them.

    number: how the number that is called is set up. events: how often each is on the bus.
    """

    messages: list[Message]
    outcome: str
    events: dict[str, int] = field(default_factory=lambda: INBOUND)
    number: str = "answers"

    @property
    def outbound(self) -> bool:
        return "Call.outbound" in self.events


UP, DOWN = 2_300, 64_900
TO = {"destination": {"type": "number", "number": ELSEWHERE, "message": ""}}
BYE, NO_ANSWER = "customer-ended-call", "customer-did-not-answer"
GAVE_UP = "call.ringing.sip-inbound-caller-hungup-before-call-connect"
ERROR = "assistant-request-returned-error"
OUTBOUND = {"Call.outbound": 1}

OURS = {"assistant": {"metadata": {"voicemail": {"recording": True, "transcript": True}}}}
WORDS = {
    "artifact": {
        "messages": [{"role": "bot", "message": "Please leave a message."}, {"role": "user", "message": "Call me."}],
        "transcript": "AI: Please leave a message.\nUser: Call me.\n",
        "recordingUrl": "https://storage.vapi.ai/c-mono.wav",
    }
}

STORIES = {
    "answered on a capped number": Story(
        [
            asked(),
            status(UP, "in-progress"),
            ended(DOWN + 101, BYE),
            report(DOWN + 5_000, BYE, start=UP, end=DOWN, cost=0.1),
        ],
        "answered",
        number="is capped",
    ),
    "left a message": Story(
        [
            asked(),
            status(UP, "in-progress", **OURS),
            ended(DOWN + 101, BYE, **OURS),
            report(DOWN + 5_000, BYE, start=UP, end=DOWN, cost=0.1, **OURS, **WORDS),
        ],
        "voicemail",
        INBOUND | {"Voicemail.received": 1},
        "takes messages",
    ),
    "left no message": Story(
        [
            asked(),
            status(UP, "in-progress", **OURS),
            ended(20_101, "silence-timed-out", **OURS),
            report(DOWN, "silence-timed-out", start=UP, end=20_000, cost=0.1, **OURS),
        ],
        "missed",
        MISSED,
        "takes messages",
    ),
    "answered": Story(
        [
            asked(),
            status(UP, "in-progress"),
            ended(DOWN + 101, BYE),
            report(DOWN + 5_000, BYE, start=UP, end=DOWN, cost=0.1),
        ],
        "answered",
    ),
    "answered, with a warm transfer": Story(
        [
            asked(),
            status(UP, "in-progress"),
            status(30_000, "in-progress"),
            status(45_000, "in-progress"),
            ended(DOWN, BYE),
            report(DOWN + 9_000, BYE, start=UP, end=DOWN, cost=0.25),
        ],
        "answered",
    ),
    "given up while it rang": Story(
        [asked(), ended(1_999, GAVE_UP), report(4_000, GAVE_UP, start=None, end=2_001)], "missed", MISSED
    ),
    "given up without a reason that says so": Story(
        [asked(), ended(1_999, BYE), report(4_000, BYE, start=None, end=2_001)], "missed", MISSED
    ),
    "forwarded by the assistant": Story(
        [
            asked(),
            status(UP, "in-progress"),
            status(9_300, "forwarding", **TO),
            ended(12_000, "assistant-forwarded-call", **TO),
            report(20_000, "assistant-forwarded-call", start=UP, end=12_000, cost=0.02, **TO),
        ],
        "forwarded",
    ),
    "forwarded by us": Story(
        [
            asked(),
            ended(2_400, "assistant-request-returned-forwarding-phone-number", **TO),
            report(4_400, "assistant-request-returned-forwarding-phone-number", start=None, end=2_300, **TO),
        ],
        "forwarded",
        number="forwards",
    ),
    "rejected": Story(
        [asked(), ended(2_100, ERROR), report(6_000, ERROR, start=None, end=2_100)], "rejected", number="sleeps"
    ),
    "turned away since nobody could answer": Story(
        [asked(), ended(2_100, ERROR), report(6_000, ERROR, start=None, end=2_100)], "missed", MISSED, "is alone"
    ),
    "failed before it was answered": Story(
        [
            asked(),
            ended(7_900, "assistant-request-failed", inboundPhoneCallDebuggingArtifacts={"error": "timeout"}),
            report(12_000, "assistant-request-failed", start=None, end=7_900),
        ],
        "failed",
    ),
    "failed while it was talked": Story(
        [
            asked(),
            status(UP, "in-progress"),
            ended(9_000, "pipeline-error-openai-llm-failed"),
            report(12_000, "pipeline-error-openai-llm-failed", start=UP, end=9_000, cost=0.01),
        ],
        "failed",
    ),
    "made and answered": Story(
        [
            status(50, "scheduled"),
            status(100, "queued"),
            status(1_200, "ringing"),
            status(6_300, "in-progress"),
            ended(60_000, "assistant-ended-call"),
            report(66_000, "assistant-ended-call", start=6_300, end=60_000, cost=0.09),
        ],
        "answered",
        OUTBOUND,
    ),
    "made and not answered": Story(
        [
            status(100, "queued"),
            status(1_200, "ringing"),
            ended(61_999, NO_ANSWER),
            report(65_000, NO_ANSWER, start=None, end=62_001),
        ],
        "missed",
        OUTBOUND | {"Call.missed": 1},
    ),
    "made and taken by a machine": Story(
        [
            status(100, "queued"),
            status(6_300, "in-progress"),
            ended(57_000, "voicemail"),
            report(62_000, "voicemail", start=6_300, end=57_000, cost=0.069),
        ],
        "voicemail",
        OUTBOUND,
    ),
    "made and failed": Story(
        [
            status(100, "queued"),
            ended(500, "call.start.error-get-transport"),
            report(3_000, "call.start.error-get-transport", start=None, end=500),
        ],
        "failed",
        OUTBOUND,
    ),
}

call_ids = (f"call-{position}" for position in itertools.count())


class Ledger:
    """Tells calls to a number that is set up as a story wants it, and says what came of each."""

    def __init__(self, aws: Deployment, number: str) -> None:
        assistant = {"id": aws.at_vapi("assistant", name="Front desk")["id"]}
        settings_by_name: dict[str, dict[str, Any]] = {
            "answers": {"assistant": assistant},
            "forwards": {"forwardingEnabled": True, "forwardingNumber": ELSEWHERE},
            "is alone": {},
            "is capped": {"assistant": assistant, "maxConcurrentCalls": 2},
            "takes messages": {"voicemailEnabled": True},
            "sleeps": {"assistant": assistant},
        }
        self.aws, self.number = aws, aws.bought(**settings_by_name[number])
        if number == "sleeps":
            aws.api("PATCH", f"/phone-numbers/{self.number['id']}", body={"status": "suspended"})
        self.record = numbers.numbers().get(self.number["id"])
        aws.events()

    def tell(self, story: Story, arrivals: list[Message]) -> Told:
        """The record, what was added to the number's buckets, and the events, of a new call told in that order."""
        number, call_id = self.number, next(call_ids)
        row: dict[str, Any] = {
            "id": call_id,
            "type": "outboundPhoneCall" if story.outbound else "inboundPhoneCall",
            "status": "ringing",
            "createdAt": iso(T),
            "updatedAt": iso(T),
            "customer": {"number": CALLER},
        }
        shared = {"call": row, "phoneNumber": {"number": number["phoneNumber"]}, "customer": row["customer"]}
        before = self.sums()
        for at, own in arrivals:
            if own["type"] == "row":
                listed = row | own["row"] | {"updatedAt": iso(T + at)}
                learn_call(calls.calls(), self.record, listed)
            else:
                assert self.aws.tell(number, {"message": {**shared, "timestamp": T + at, **own}}).status == 200
        events = [event["detail"] | {"detail-type": event["detail-type"]} for event in self.aws.events()]
        assert len({detail.pop("eventId") for detail in events}) == len(events)
        assert {detail["data"].pop("callId") for detail in events} == {call_id}
        item = self.item(f"CALL#{call_id}")
        assert not self.item("LINES").get("lines")
        added = {sum_: value - before.get(sum_, 0) for sum_, value in self.sums().items()}
        return replace(call_from_item(item), id=""), added, sorted(events, key=lambda event: str(event["detail-type"]))

    def sums(self) -> Sums:
        buckets = held(self.aws.items(f"NUMBER#{self.number['id']}"))
        return {(sort, name): value for sort, sums in buckets.items() for name, value in sums.items()}

    def item(self, key: str) -> dict[str, Any]:
        """An item of the number's; empty where there is none."""
        found: dict[str, Any] = self.aws.table.get_item(Key={"PK": f"NUMBER#{self.number['id']}", "SK": key})
        return found.get("Item", {})  # type: ignore[no-any-return]


def in_vapis_list(story: Story) -> list[Message]:
    """The call's row as Vapi's list has it while it goes on, and after its end."""
    at, last = story.messages[-1]
    over = {name: value for name, value in last.items() if name != "type"}
    return [(1_000, {"type": "row", "row": {}}), (at + 500, {"type": "row", "row": over | {"status": "ended"}})]


@pytest.mark.parametrize("name", STORIES)
def test_any_order_and_any_repetition_is_the_same_call(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    stream_as_dynamodb_does(monkeypatch)
    story = STORIES[name]
    ledger = Ledger(aws, story.number)
    whole = [*story.messages, *in_vapis_list(story)]
    told = ledger.tell(story, whole)
    record, added, events = told
    assert record.outcome == story.outcome
    assert Counter(event["detail-type"] for event in events) == story.events
    assert added["USAGE#TOTAL", "totalCalls"] == added["USAGE#TOTAL", f"{story.outcome}Calls"] == 1
    assert added[HOUR, "0.calls"] == added[HOUR, f"0.{story.outcome}"] == added[MONTH, "calls"] == 1
    assert in_progress(added) == ((HOUR, HOUR) if record.started_at else ())
    assert comparable(ledger.tell(story, story.messages)) == comparable(told)
    again = st.lists(st.sampled_from(whole), max_size=2)

    @given(again.flatmap(lambda repeated: st.permutations([*whole, *repeated])))
    @settings(max_examples=3, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    def whatever_comes_when(arrivals: list[Message]) -> None:
        assert comparable(ledger.tell(story, arrivals)) == comparable(told)

    whatever_comes_when()


def in_progress(added: Sums) -> tuple[str, ...]:
    """The hours of the call's end and start, if it got through."""
    sums = sorted((name.partition(".")[0], sort) for (sort, name), value in added.items() if value)
    return tuple(sort for name, sort in sums if name in ("end", "start"))


def comparable(told: Told) -> Any:
    """Sums go on from call to call, so one that was not touched may be missing or zero."""
    record, added, events = told
    return record, {name: value for name, value in added.items() if value}, events
