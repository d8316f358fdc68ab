"""Bodies of Vapi's server messages (vapi.md 2), without the outer ``{"message": ...}``."""

import json
from collections.abc import Sequence
from typing import Any

from local.simulators.vapi import conversation
from local.simulators.vapi.clock import iso
from local.simulators.vapi.conversation import Turn
from local.simulators.vapi.state import Row


def envelope(kind: str, at: int, call: Row, number: Row | None, assistant: Row | None, **own: Any) -> Row:
    """The keys that all messages share, then the type's own; those that are None are left out.

    ``call`` is the row as at the call's creation, whatever happened since (vapi.md 0.7). ``number`` is the whole row
    of the phone number, with its secrets (vapi.md 0.8).
    """
    shared = {
        "timestamp": at,
        "type": kind,
        **own,
        "call": call,
        "phoneNumber": number,
        "customer": call.get("customer"),
        "assistant": assistant,
    }
    return {key: value for key, value in shared.items() if value is not None}


def artifact(said: Sequence[Turn], assistant: Row | None, started: int, *, keep_transcript: bool = False) -> Row:
    """The artifact of a call so far."""
    assistant = assistant or {}
    made: Row = {
        "messages": conversation.messages(said, assistant, started),
        "messagesOpenAIFormatted": conversation.openai_messages(said, assistant),
    }
    return {**made, "transcript": conversation.transcript(said)} if keep_transcript else made


def tool_call(tool: Row, call_id: str) -> Row:
    """The own keys of a ``tool-calls`` message: one call of one tool, with made-up arguments of the right types."""
    parameters = tool["function"].get("parameters") or {"type": "object", "properties": {}}
    examples: dict[str, Any] = {
        "string": "A-100",
        "number": 1,
        "integer": 1,
        "boolean": True,
        "array": [],
        "object": {},
    }
    arguments = {
        name: (field.get("enum") or [examples.get(str(field.get("type")), "A-100")])[0]
        for name, field in (parameters.get("properties") or {}).items()
    }
    function = {"name": tool["function"]["name"], "arguments": json.dumps(arguments)}
    item = {"id": f"call_{call_id.replace('-', '')[-24:]}", "type": "function", "function": function}
    with_tool = {"type": "function", "function": {**tool["function"], "parameters": parameters}, "toolCall": item}
    return {"toolCallList": [item], "toolWithToolCallList": [with_tool]}


def report(
    *,
    started: int,
    ended: int,
    ended_reason: str,
    said: Sequence[Turn],
    assistant: Row | None,
    call_id: str,
    transport: str,
    destination: Row | None,
) -> Row:
    """The keys that both the call row and the end-of-call report carry when it is over (vapi.md 2.5, 5.3).

    A call that nobody answered has no ``startedAt`` and costs nothing.
    """
    facts: Row = {"endedReason": ended_reason, "endedAt": iso(ended)}
    if destination:
        facts["destination"] = destination
    if not started:
        return {**facts, "cost": 0, "costs": [], "artifact": artifact((), None, ended), "analysis": {}}
    assistant = assistant or {}
    kept = artifact(said, assistant, started, keep_transcript=conversation.keeps_transcript(assistant))
    if conversation.keeps_recording(assistant):
        kept |= conversation.recording(call_id, iso(ended + conversation.PRESIGNED_SECONDS * 1000))
    kept["logUrl"] = f"{conversation.STORAGE}/{call_id}-log.jsonl.gz"
    if destination:
        kept["transfers"] = [{"destination": destination, "mode": "blind-transfer", "status": "completed"}]
    summary = "Caller was put through." if destination else "Caller asked for opening hours."
    return {
        **facts,
        "startedAt": iso(started),
        **conversation.bill(ended - started, said, assistant, transport, voicemail=ended_reason == "voicemail"),
        "artifact": kept,
        "analysis": {"summary": summary, "successEvaluation": "true"},
    }


def report_extras(facts: Row, started: int, ended: int) -> Row:
    """The undocumented keys that real end-of-call reports repeat at the top (vapi.md 2.5)."""
    kept = facts["artifact"]
    extras = {key: kept[key] for key in ("transcript", "messages", "recordingUrl", "stereoRecordingUrl") if key in kept}
    if "summary" in facts["analysis"]:
        extras["summary"] = facts["analysis"]["summary"]
    if started:
        millis = ended - started
        extras |= {
            "durationMs": millis,
            "durationSeconds": millis / 1000,
            "durationMinutes": round(millis / 60_000, 4),
        }
    return extras
