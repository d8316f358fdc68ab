"""Vapi's server messages and call rows, read leniently: only the keys that the ledger uses, unknown ones ignored.

Shapes and traps: Vapi's OpenAPI document and the habits of real traffic. `message.call` is the row as at creation, so
its status is never used; a Twilio row carries secrets, so nothing is copied whole. Instants are Unix milliseconds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from switchboard.calls.costs import cents, costs_of
from switchboard.calls.kinds import Kind

_STATUS_KINDS = {
    "scheduled": Kind.DIALLING,
    "queued": Kind.DIALLING,
    "ringing": Kind.DIALLING,
    "in-progress": Kind.IN_PROGRESS,
    "forwarding": Kind.FORWARDING,
    "ended": Kind.ENDED,
}
_DIRECTIONS = {"inboundPhoneCall": "inbound", "outboundPhoneCall": "outbound"}
_TRANSCRIPT = 4000
"""Longest transcript of a message left, in characters."""

_TEXT = 300
"""Longest text copied from a message, in characters; reasons, names and numbers are far shorter."""

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
"""Vapi's ids are UUIDs. What is none cannot name a call, and an id that was cut would name another."""

_USER_LINE = re.compile(r"^User:[ \t]*\S", re.MULTILINE)

_LATEST = 10**14
"""Instants lie between 1970 and the year 5138; others are typing errors that no clock or bus would take."""


class NotVapis(Exception):
    """The body is not a server message of Vapi's."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What one message says of one call: its kind, its instant, and the facts of that kind."""

    call_id: str
    kind: Kind
    at: int
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AssistantRequest:
    """Vapi asks who answers. facts: who calls, as every fact carries it."""

    call_id: str
    caller: str | None
    at: int
    facts: dict[str, Any]


def read_message(body: Any, arrived_at: int) -> AssistantRequest | Fact | None:
    """What a server message means; None where it says nothing of a call's life.

    arrived_at stands in for a message without a timestamp. Raises NotVapis.
    """
    message = body.get("message") if isinstance(body, dict) else None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise NotVapis
    call = _object(message, "call")
    call_id = _id(call.get("id"))
    if call_id is None or (call.get("type") is not None and str(call["type"]) not in _DIRECTIONS):
        return None
    at = _instant(message.get("timestamp")) or arrived_at
    who = _who(message, call)
    match message["type"]:
        case "assistant-request":
            return AssistantRequest(call_id, who.get("customer"), at, who)
        case "status-update":
            kind = _STATUS_KINDS.get(str(message.get("status")))
            if kind is None:
                return None
            facts = who | _present(reason=_text(message.get("endedReason")), destination=_destination(message))
            debugging = _object(message, "inboundPhoneCallDebuggingArtifacts")
            facts |= _present(debugging=_text(debugging.get("assistantRequestError") or debugging.get("error")))
            return Fact(call_id, kind, at, facts)
        case "end-of-call-report":
            return Fact(call_id, Kind.REPORT, at, who | _end(message) | _artifacts(message, call))
        case _:
            return None


def read_call_row(row: Mapping[str, Any]) -> Fact | None:
    """What a row of Vapi's call list says: nothing before the call has ended, then as much as the report would."""
    call_id, updated = _id(row.get("id")), _instant(row.get("updatedAt"))
    if call_id is None or updated is None or str(row.get("type")) not in _DIRECTIONS:
        return None
    if row.get("status") != "ended":
        return Fact(call_id, Kind.LISTED, updated, _who(row, row))
    facts = _who(row, row) | {"ended": True} | _end(row) | _artifacts(row, row)
    return Fact(call_id, Kind.LISTED, updated, facts)


def _who(message: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    customer = _object(message, "customer") or _object(call, "customer")
    number = _text(_object(message, "phoneNumber").get("number"))
    metadata = _object(_object(call, "assistantOverrides"), "metadata") or _object(call, "metadata")
    return _present(
        createdAt=_instant(call.get("createdAt")),
        direction=_DIRECTIONS.get(str(call.get("type"))),
        customer=_text(customer.get("number") or customer.get("sipUri")),
        # A row may come with its number masked; a masked number is no fact.
        ours=number if number and "*" not in number else None,
        assistantId=_text(call.get("assistantId")),
        squadId=_text(call.get("squadId")),
        workflowId=_text(call.get("workflowId")),
        test=True if metadata.get("testCall") is True else None,
        voicemail=True if _voicemail(message, call) is not None else None,
    )


def _voicemail(message: Mapping[str, Any], call: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What our own voicemail's metadata says may be kept, wherever Vapi gives it back; None for any other call."""
    for source in (message, call):
        for holder in (_object(source, "assistant"), _object(source, "assistantOverrides"), source):
            kept = _object(holder, "metadata").get("voicemail")
            if isinstance(kept, dict):
                return kept
    return None


def _end(source: Mapping[str, Any]) -> dict[str, Any]:
    return _present(
        reason=_text(source.get("endedReason")),
        startedAt=_instant(source.get("startedAt")),
        endedAt=_instant(source.get("endedAt")),
        cost=cents(source.get("cost")),
        costs=costs_of(source) or None,
        destination=_destination(source),
    )


def _artifacts(source: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    """What was said, as far as it is kept: the transcript of a message left for somebody, of no other call."""
    artifact, analysis = _object(source, "artifact"), _object(source, "analysis")
    mono = _object(_object(artifact, "recording"), "mono")
    recording = mono.get("combinedUrl") or artifact.get("recordingUrl") or source.get("recordingUrl")
    transcript = artifact.get("transcript") or source.get("transcript")
    voicemail = _voicemail(source, call)
    may_record, may_transcribe = True, False
    if voicemail is not None:
        may_record, may_transcribe = voicemail.get("recording") is not False, voicemail.get("transcript") is not False
    return _present(
        spoke=True if _caller_spoke(artifact.get("messages") or source.get("messages"), transcript) else None,
        recordingUrl=_text(recording, 1000) if may_record else None,
        transcript=_text(transcript, _TRANSCRIPT) if may_transcribe else None,
        summary=_text(analysis.get("summary") or source.get("summary"), 2000),
        success=_text(analysis.get("successEvaluation")),
    )


def _caller_spoke(messages: Any, transcript: Any) -> bool:
    """Whether anything was heard of the other party."""
    for said in messages if isinstance(messages, list) else ():
        if isinstance(said, dict) and said.get("role") == "user" and _text(said.get("message")) is not None:
            return True
    return isinstance(transcript, str) and _USER_LINE.search(transcript) is not None


def _destination(source: Mapping[str, Any]) -> str | None:
    destination = _object(source, "destination")
    return _text(destination.get("number") or destination.get("sipUri"))


def _object(source: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = source.get(name)
    return value if isinstance(value, dict) else {}


def _id(value: Any) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _text(value: Any, longest: int = _TEXT) -> str | None:
    """A text that can be stored: JSON may hold half a surrogate pair, UTF-8 may not."""
    if not isinstance(value, str):
        return None
    return value.strip()[:longest].encode(errors="replace").decode() or None


def _instant(value: Any) -> int | None:
    """Milliseconds from milliseconds or ISO 8601, both of which Vapi sends."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            return None
        value = round((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000)
    return int(value) if isinstance(value, int | float | Decimal) and 1 <= value < _LATEST else None


def _present(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
