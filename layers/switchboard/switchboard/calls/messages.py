"""Vapi's server messages and call rows, read leniently: only the keys that the ledger uses, unknown ones ignored.

Shapes and traps: Vapi's OpenAPI document and the habits of real traffic. `message.call` is the row as at creation, so
its status is never used; a Twilio row carries secrets, so nothing is copied whole. Instants are Unix milliseconds.
"""

import re
from collections.abc import Iterator, Mapping
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
_GOING_ON = ("in-progress", "forwarding")
_DIRECTIONS = {"inboundPhoneCall": "inbound", "outboundPhoneCall": "outbound"}
_TRANSCRIPT = 4000
"""Longest transcript of a message left, in characters."""

_SAID = 1_000_000
"""Longest transcript of another call, in characters; kept beside the record."""

_SPEAKERS = frozenset({"assistant", "bot", "user"})
"""Whose words are a call's words; the system's are the assistant's instructions."""

_TEXT = 300
"""Longest text copied from a message, in characters; reasons, names and numbers are far shorter."""

_LINK = 4096
"""Longest link to a recording, in characters; one that is signed with a session's key has some 2,000."""

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
"""Vapi's ids are UUIDs. What is none cannot name a call, and an id that was cut would name another."""

_USER_LINE = re.compile(r"^User:[ \t]*\S", re.MULTILINE)

_LATEST = 10**14
"""Instants lie between 1970 and the year 5138; others are typing errors that no clock or bus would take."""


class NotVapis(Exception):
    """The body is not a server message of Vapi's."""


@dataclass(frozen=True, slots=True)
class Keep:
    """What may be kept of a call: the link to its recording, and what was said."""

    recording: bool = False
    transcript: bool = False


NOTHING = Keep()


@dataclass(frozen=True, slots=True)
class Said:
    """What was said in a call. messages: `{role, message, time?, endTime?}`, instants in Unix milliseconds."""

    transcript: str
    messages: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Fact:
    """What one message says of one call: its kind, its instant, and the facts of that kind.

    said: too long for a record, and there only if it may be kept.
    """

    call_id: str
    kind: Kind
    at: int
    facts: dict[str, Any] = field(default_factory=dict)
    said: Said | None = None


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
            keep = _told_to_keep(message, call) or NOTHING
            facts = who | _end(message) | _artifacts(message, call, keep)
            return Fact(call_id, Kind.REPORT, at, facts, _said(message, call, keep))
        case _:
            return None


def read_call_row(row: Mapping[str, Any], settings: Keep = NOTHING) -> Fact | None:
    """What a row of Vapi's call list says: of a call that goes on since when, of one that ended as much as its report.

    settings: what the number lets be kept now. Where the row carries what it let be kept when the call came, both must.
    """
    call_id, updated = _id(row.get("id")), _instant(row.get("updatedAt"))
    if call_id is None or updated is None or str(row.get("type")) not in _DIRECTIONS:
        return None
    if row.get("status") != "ended":
        return Fact(call_id, Kind.LISTED, updated, _who(row, row) | _going_on(row))
    told = _told_to_keep(row, row) or settings
    keep = Keep(settings.recording and told.recording, settings.transcript and told.transcript)
    facts = _who(row, row) | {"ended": True} | _end(row) | _artifacts(row, row, keep)
    return Fact(call_id, Kind.LISTED, updated, facts, _said(row, row, keep))


def _going_on(row: Mapping[str, Any]) -> dict[str, Any]:
    """That somebody talks, and since when: since the call came to be if the row does not say."""
    status = row.get("status")
    if status not in _GOING_ON:
        return {}
    return _present(status=status, startedAt=_instant(row.get("startedAt")) or _instant(row.get("createdAt")))


def read_placed(row: Mapping[str, Any], *, to: str, ours: str | None, asked_at: int) -> Fact | None:
    """That we placed this call ourselves, as a test; None if Vapi's answer names no call.

    asked_at: when, in Unix milliseconds, which stands in for a row without its creation.
    """
    call_id = _id(row.get("id"))
    if call_id is None:
        return None
    created = _instant(row.get("createdAt")) or asked_at
    placed = _present(createdAt=created, direction="outbound", customer=to, ours=ours, test=True)
    return Fact(call_id, Kind.PLACED, created, _who(row, row) | placed)


def _who(message: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    number = _text(_object(message, "phoneNumber").get("number"))
    return _present(
        createdAt=_instant(call.get("createdAt")),
        direction=_DIRECTIONS.get(str(call.get("type"))),
        customer=_customer(message) or _customer(call),
        # A row may come with its number masked; a masked number is no fact.
        ours=number if number and "*" not in number else None,
        assistantId=_text(call.get("assistantId")),
        squadId=_text(call.get("squadId")),
        workflowId=_text(call.get("workflowId")),
        test=True if _is_test(call) else None,
        voicemail=True if _voicemail(message, call) is not None else None,
    )


def _customer(source: Mapping[str, Any]) -> str | None:
    """The other party's number or address; a customer may be told of without either."""
    customer = _object(source, "customer")
    return _text(customer.get("number")) or _text(customer.get("sipUri"))


def _is_test(call: Mapping[str, Any]) -> bool:
    """Whether the call was placed as a test, as its marks say or, of a workflow, its variable values."""
    told = [_object(_object(call, name), "metadata") for name in ("assistantOverrides", "squadOverrides")]
    told += [_object(call, "metadata"), _of_squad(call)]
    told.append(_object(_object(call, "workflowOverrides"), "variableValues"))
    return any(marks.get("testCall") is True for marks in told)


def _voicemail(message: Mapping[str, Any], call: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What our own voicemail's metadata says may be kept, wherever Vapi gives it back; None for any other call."""
    found = (metadata.get("voicemail") for metadata in _metadata(message, call))
    return next((kept for kept in found if isinstance(kept, dict)), None)


def _told_to_keep(message: Mapping[str, Any], call: Mapping[str, Any]) -> Keep | None:
    """What our answer said may be kept of the call; None where its metadata does not come back, or it had none."""
    for metadata in _metadata(message, call):
        kept = metadata.get("keep")
        if isinstance(kept, dict) and "numberId" in metadata:  # else it is the assistant's own word
            return Keep(kept.get("recording") is True, kept.get("transcript") is True)
    return None


def _metadata(message: Mapping[str, Any], call: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Wherever Vapi gives back the marks of an answer."""
    for source in (message, call):
        for name in ("assistant", "assistantOverrides", "squadOverrides"):
            yield _object(_object(source, name), "metadata")
        yield _object(source, "metadata")
        yield _of_squad(source)


def _of_squad(source: Mapping[str, Any]) -> Mapping[str, Any]:
    """A squad's marks stand among the values of the call, since its members have each their own metadata."""
    return _object(_object(_object(source, "squadOverrides"), "variableValues"), "switchboard")


def _end(source: Mapping[str, Any]) -> dict[str, Any]:
    return _present(
        reason=_text(source.get("endedReason")),
        startedAt=_instant(source.get("startedAt")),
        endedAt=_instant(source.get("endedAt")),
        cost=cents(source.get("cost")),
        costs=costs_of(source) or None,
        destination=_destination(source),
    )


def _artifacts(source: Mapping[str, Any], call: Mapping[str, Any], keep: Keep) -> dict[str, Any]:
    """What was said, as far as the record keeps it: the transcript of a message left for somebody, of no other call."""
    artifact, analysis = _object(source, "artifact"), _object(source, "analysis")
    mono = _object(_object(artifact, "recording"), "mono")
    recording = mono.get("combinedUrl") or artifact.get("recordingUrl") or source.get("recordingUrl")
    transcript = artifact.get("transcript") or source.get("transcript")
    voicemail = _voicemail(source, call)
    may_record, may_transcribe = keep.recording, False
    if voicemail is not None:
        may_record, may_transcribe = voicemail.get("recording") is not False, voicemail.get("transcript") is not False
    return _present(
        spoke=True if _caller_spoke(artifact.get("messages") or source.get("messages"), transcript) else None,
        recordingUrl=_link(recording) if may_record else None,
        transcript=_text(transcript, _TRANSCRIPT) if may_transcribe else None,
        summary=_text(analysis.get("summary") or source.get("summary"), 2000),
        success=_text(analysis.get("successEvaluation")),
    )


def _said(source: Mapping[str, Any], call: Mapping[str, Any], keep: Keep) -> Said | None:
    """What was said in a call that took no message, if it may be kept and there is anything."""
    if not keep.transcript or _voicemail(source, call) is not None:
        return None
    artifact = _object(source, "artifact")
    transcript = _text(artifact.get("transcript") or source.get("transcript"), _SAID)
    if transcript is None:
        return None
    messages = artifact.get("messages") or source.get("messages")
    return Said(
        transcript, [_words(said) for said in messages or () if _is_said(said)] if isinstance(messages, list) else []
    )


def _is_said(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") in _SPEAKERS and _text(message.get("message")) is not None


def _words(message: Mapping[str, Any]) -> dict[str, Any]:
    times = _present(time=_instant(message.get("time")), endTime=_instant(message.get("endTime")))
    return {"role": message["role"], "message": _text(message["message"], _SAID), **times}


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


def _link(value: Any) -> str | None:
    """A link whole, since one that was cut leads nowhere; None for one that is too long."""
    link = _text(value, _LINK + 1)
    return link if link is not None and len(link) <= _LINK else None


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
