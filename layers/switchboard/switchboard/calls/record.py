"""What happened on a call: a pure fold of its facts, whose order and number of arrivals do not matter."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from switchboard.calls.kinds import Kind
from switchboard.calls.outcome import outcome_of
from switchboard.routing.caller import caller_of

_WHO_BY_TRUST = (
    Kind.DECISION,
    Kind.REPORT,
    Kind.LISTED,
    Kind.ENDED,
    Kind.FORWARDING,
    Kind.IN_PROGRESS,
    Kind.DIALLING,
    Kind.PLACED,
)
SHORT_MS = 6000
"""A talk, or a ringing, that is shorter says that nobody had anything to say."""

_AT_VAPI = ("assistant", "squad", "workflow")

_NAMELESS = frozenset(
    {
        "at",
        "createdAt",
        "startedAt",
        "endedAt",
        "ended",
        "direction",
        "reason",
        "cost",
        "spoke",
        "voicemail",
        "test",
        "assistantId",
        "squadId",
        "workflowId",
        "action",
        "id",
        "ruleId",
        "line",
    }
)
"""What is counted of a call, and what tells whether it holds a line; none of it says who called, or what was said."""

_END_BY_TRUST = (Kind.REPORT, Kind.LISTED, Kind.ENDED)


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the ledger knows it. Instants are Unix milliseconds, duration is seconds, cost is US cents.

    costs: US cents by what they were paid for. customer: the other party, as Vapi gives it; None is a withheld caller
    id.
    outcome: None while it is undecided. is_voicemail: we had a message taken. transcript: of such a message alone.
    assistant: the id of the assistant, squad or workflow that was to talk; None where we chose none.
    transcript_key: where the transcript of another call is kept in the bucket, if it is.
    """

    id: str
    number_id: str
    business: str
    direction: str
    customer: str | None
    ours: str | None
    created_at: int
    status: str
    outcome: str | None
    started_at: int | None
    ended_at: int | None
    duration: Decimal
    cost: Decimal
    ended_reason: str | None
    forwarded_to: str | None
    test: bool
    decision: Mapping[str, Any] | None
    recording_url: str | None
    summary: str | None
    is_voicemail: bool = False
    transcript: str | None = None
    assistant: str | None = None
    costs: Mapping[str, Decimal] = field(default_factory=dict)
    transcript_key: str | None = None

    @property
    def is_short(self) -> bool:
        """A call that was over within seconds, and not because we turned it away."""
        if self.outcome not in ("answered", "missed") or self.ended_at is None:
            return False
        if (self.decision or {}).get("action") == "reject":
            return False
        return self.ended_at - (self.started_at or self.created_at) < SHORT_MS


def nameless(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What is left of the facts of one kind when the call's other party is erased."""
    return {name: value for name, value in facts.items() if name in _NAMELESS}


def call_from_item(item: Mapping[str, Any]) -> Call:
    """The record from the call's stored item (plain values)."""
    facts: dict[Kind, Mapping[str, Any]] = {kind: item[kind] for kind in Kind if isinstance(item.get(kind), dict)}
    started = _instant(facts, "startedAt", (Kind.REPORT, Kind.LISTED))
    if started is None and Kind.IN_PROGRESS in facts:
        started = int(facts[Kind.IN_PROGRESS]["at"])
    ended = _instant(facts, "endedAt", (Kind.REPORT, Kind.LISTED))
    if ended is None and Kind.ENDED in facts:
        ended = int(facts[Kind.ENDED]["at"])
    is_over = Kind.ENDED in facts or Kind.REPORT in facts or bool(facts.get(Kind.LISTED, {}).get("ended"))
    duration = Decimal(0)
    if is_over and started is not None and ended is not None and ended > started:
        duration = Decimal(ended - started) / 1000
    reason = _first(facts, "reason", _END_BY_TRUST)
    decision = facts.get(Kind.DECISION)
    created = _first(facts, "createdAt", _WHO_BY_TRUST)
    direction = str(_first(facts, "direction", _WHO_BY_TRUST) or "inbound")
    is_voicemail = (decision or {}).get("action") == "voicemail" or bool(_first(facts, "voicemail", _WHO_BY_TRUST))
    left_message = bool(_first(facts, "spoke", _END_BY_TRUST)) if is_voicemail else None
    settled = any(kind in facts for kind in (Kind.REPORT, Kind.SETTLED)) or bool(
        facts.get(Kind.LISTED, {}).get("ended")
    )
    return Call(
        id=item["callId"],
        number_id=item["numberId"],
        business=item["business"],
        direction=direction,
        customer=_customer(facts, direction),
        ours=_first(facts, "ours", _WHO_BY_TRUST),
        created_at=int(created) if created is not None else min(int(fact["at"]) for fact in facts.values()),
        status=_status(facts, is_over),
        outcome=outcome_of(reason, decision, started is not None, settled=settled, left_message=left_message)
        if is_over
        else None,
        started_at=started,
        ended_at=ended if is_over else None,
        duration=duration,
        cost=_first(facts, "cost", _END_BY_TRUST) or Decimal(0),
        ended_reason=reason,
        forwarded_to=_first(facts, "destination", (*_END_BY_TRUST, Kind.FORWARDING)),
        test=bool(_first(facts, "test", _WHO_BY_TRUST)),
        decision=decision,
        recording_url=_first(facts, "recordingUrl", _END_BY_TRUST),
        summary=_first(facts, "summary", _END_BY_TRUST),
        is_voicemail=is_voicemail,
        transcript=_first(facts, "transcript", _END_BY_TRUST),
        assistant=_assistant(facts, decision),
        costs=_first(facts, "costs", _END_BY_TRUST) or {},
        transcript_key=_first(facts, "transcriptKey", _END_BY_TRUST),
    )


def _customer(facts: Mapping[Kind, Mapping[str, Any]], direction: str) -> str | None:
    """The other party; None for a caller of whom Vapi says, in whichever word, that they withhold their number."""
    customer: str | None = _first(facts, "customer", _WHO_BY_TRUST)
    return None if direction == "inbound" and caller_of(customer).kind == "anonymous" else customer


def _assistant(facts: Mapping[Kind, Mapping[str, Any]], decision: Mapping[str, Any] | None) -> str | None:
    """Whom we chose or, on a call that nobody asked us about, whom Vapi names."""
    if decision is not None:
        return decision.get("id") if decision.get("action") in _AT_VAPI else None
    names = ("assistantId", "squadId", "workflowId")
    return next((found for name in names if (found := _first(facts, name, _WHO_BY_TRUST)) is not None), None)


def _status(facts: Mapping[Kind, Any], is_over: bool) -> str:
    if is_over:
        return "ended"
    for kind, status in ((Kind.FORWARDING, "forwarding"), (Kind.IN_PROGRESS, "in-progress")):
        if kind in facts:
            return status
    return str(facts.get(Kind.LISTED, {}).get("status", "ringing"))


def _first(facts: Mapping[Kind, Mapping[str, Any]], name: str, kinds: tuple[Kind, ...]) -> Any:
    return next((facts[kind][name] for kind in kinds if facts.get(kind, {}).get(name) is not None), None)


def _instant(facts: Mapping[Kind, Mapping[str, Any]], name: str, kinds: tuple[Kind, ...]) -> int | None:
    value = _first(facts, name, kinds)
    return None if value is None else int(value)
