"""A call as the number's owner sees it."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field

from switchboard.calls import record
from switchboard.model.base import MADE_HERE, Shape, Timestamp, UsMoney
from switchboard.model.decision import Decision

Direction = Literal["inbound", "outbound"]
Outcome = Literal["answered", "forwarded", "voicemail", "missed", "rejected", "blocked", "spam", "failed"]


class ListedCall(Shape):
    """One call of a number, as lists show it. `outcome` is null while it is undecided; a withheld caller is null."""

    model_config = MADE_HERE

    id: Annotated[str, Field(description="The call's id at Vapi.")]
    phone_number_id: str
    direction: Direction
    caller: str | None = None
    called: str | None = None
    status: Literal["ringing", "in-progress", "forwarding", "ended"]
    outcome: Outcome | None = None
    created_at: Timestamp
    started_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    duration: Annotated[float, Field(description="Seconds of talk.")] = 0
    cost: Annotated[UsMoney, Field(description="US cents, as Vapi says it.")]
    costs: Annotated[
        dict[str, UsMoney],
        Field(
            description="US cents by what they were paid for (transport, stt, llm, tts, ...), as far as Vapi says so.",
            examples=[{"stt": 1.04, "llm": 0.21, "tts": 3.64, "vapi": 5.23}],
        ),
    ] = {}
    ended_reason: str | None = None
    forwarded_to: str | None = None
    decision: Annotated[
        Decision | None, Field(description="Null for a call that nobody asked us about: an outbound one.")
    ] = None
    test: bool = False
    recording_url: str | None = None
    summary: str | None = None

    @classmethod
    def of(cls, call: record.Call) -> Self:
        """The ledger's record, its instants in Unix seconds."""
        return cls.model_validate(cls._shown(call))

    @staticmethod
    def _shown(call: record.Call) -> dict[str, Any]:
        inbound = call.direction == "inbound"
        return {
            "id": call.id,
            "phone_number_id": call.number_id,
            "direction": call.direction,
            "caller": call.customer if inbound else call.ours,
            "called": call.ours if inbound else call.customer,
            "status": call.status,
            "outcome": call.outcome,
            "created_at": call.created_at // 1000,
            "started_at": _seconds(call.started_at),
            "ended_at": _seconds(call.ended_at),
            "duration": call.duration,
            "cost": call.cost,
            "costs": call.costs,
            "ended_reason": call.ended_reason,
            "forwarded_to": call.forwarded_to,
            "decision": None if call.decision is None else Decision.of(call.decision),
            "test": call.test,
            "recording_url": call.recording_url,
            "summary": call.summary,
        }


class Call(ListedCall):
    """One call of a number, with what was said as far as it is kept."""

    transcript: str | None = None

    @classmethod
    def with_transcript(cls, call: record.Call, transcript: str | None) -> Self:
        """The ledger's record, its instants in Unix seconds."""
        return cls.model_validate(cls._shown(call) | {"transcript": transcript})


class CallList(Shape):
    """A page of calls, the newest first; it may be short while there are more."""

    model_config = MADE_HERE

    items: list[ListedCall]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")] = None


def _seconds(instant_ms: int | None) -> int | None:
    return None if instant_ms is None else instant_ms // 1000
