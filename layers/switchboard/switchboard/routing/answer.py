"""A decision in the words that Vapi understands: the answer to its assistant-request."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from switchboard.routing.decide import AT_VAPI, Decision, Suspicion
from switchboard.routing.number import Answerer, Number

OUR_MESSAGES = ("status-update", "end-of-call-report")
"""The server messages that the ledger lives on."""

MARKS = "switchboard"
"""The variable value under which the marks of a squad's call come back."""

NOBODY_THERE = "Nobody can take your call at the moment. Please try again later."
"""Vapi speaks the error of a rejected call; an empty one it turns into words of its own."""

LEAVE_A_MESSAGE = "Nobody can take your call at the moment. Please leave a message after the tone, then hang up."

VOICEMAIL_SECONDS = 180
DEFAULT_SECONDS = 600
"""Vapi's own limit where nobody set one. Sent with each answer of a capped number, whose line is held so long."""


def answer(decision: Decision, number: Number) -> dict[str, Any]:
    """The body of the answer. It never holds a `server`: an assistant's own would stop getting its tool calls."""
    if decision.action == "reject":
        return {"error": decision.message or NOBODY_THERE}
    if decision.action == "forward":
        # Without a callerId Vapi presents the caller's own number; an empty message forwards in silence.
        return {"destination": {"type": "number", "number": decision.number, "message": decision.message or ""}}
    if decision.action == "voicemail":
        return {"assistant": _voicemail(decision, number)}
    if decision.action == "workflow":
        # A workflow's overrides know variable values alone.
        return {"workflowId": decision.id, "workflowOverrides": {"variableValues": variables(decision, number)}}
    answerer = answerer_of(decision, number)
    told = overrides(answerer, decision, number)
    return {f"{decision.action}Id": decision.id, f"{decision.action}Overrides": told}


def account(decision: Decision) -> dict[str, Any]:
    """A decision in the public words, as the call's record keeps it: at most 2 KB of trace, what is absent left out."""
    told: dict[str, Any] = {
        "action": decision.action,
        "reason": decision.reason,
        "ruleId": decision.rule_id,
        "id": decision.id,
        "number": decision.number,
        "message": decision.message,
        "isOpen": decision.is_open,
        "closesAt": decision.closes_at,
        "nextOpenAt": decision.next_open_at,
        "holiday": decision.special,
        "spam": decision.spam and _suspicion(decision.spam),
        "trace": [_told({"step": s.step, "outcome": s.outcome, "detail": _short(s.detail)}) for s in decision.trace],
    }
    return _told(told)


def _suspicion(spam: Suspicion) -> dict[str, Any]:
    reasons = [{"reason": reason, "weight": weight} for reason, weight in spam.reasons]
    return {"score": spam.score, "threshold": spam.threshold, "enforced": spam.enforced, "reasons": reasons}


def _short(detail: str | None) -> str | None:
    """Twelve steps of at most 100 bytes and their names stay under 2 KB."""
    return None if detail is None else detail.encode(errors="replace")[:100].decode(errors="ignore")


def _told(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def answerer_of(decision: Decision, number: Number) -> Answerer:
    """What is known of the assistant or squad that the decision names."""
    default = number.answerer
    if default is not None and (default.id, default.type) == (decision.id, decision.action):
        return default
    return number.answerers.get(str(decision.id)) or Answerer(str(decision.id), decision.action)


def longest_seconds(decision: Decision, number: Number) -> int | None:
    """How long the call may last at most, as the answer tells Vapi; None where Vapi's own setting holds.

    A workflow's answer cannot tell it.
    """
    if decision.action not in AT_VAPI or decision.action == "workflow":
        return None
    if number.max_duration_seconds is not None:
        return number.max_duration_seconds
    if number.max_concurrent_calls is None:
        return None
    return answerer_of(decision, number).max_duration_seconds or DEFAULT_SECONDS


def variables(decision: Decision, number: Number) -> dict[str, Any]:
    """What an assistant may say of the business and its hours; times are in the business's own zone, in words."""
    zone = number.hours.zone if number.hours is not None else None
    told = {
        "businessName": number.name or number.business,
        "isOpen": decision.is_open,
        "nextOpenAt": _in_words(decision.next_open_at, zone),
        "closesAt": _in_words(decision.closes_at, zone),
        "holiday": decision.special,
    }
    return {name: value for name, value in told.items() if value is not None}


def overrides(answerer: Answerer, decision: Decision, number: Number, **marks: Any) -> dict[str, Any]:
    """What is changed of an assistant or squad for one call; of all else its own settings hold.

    marks: what is to come back with the call's messages beside what may be kept of it, as it is set now. An assistant's
    come with its own metadata; members of a squad have each their own, which an override would replace, so a squad's
    come among the values of the call.
    """
    marks = {"numberId": number.id, "keep": _keep(number), **marks}
    if decision.rule_id is not None:
        marks["ruleId"] = decision.rule_id
    said = variables(decision, number)
    told: dict[str, Any] = (
        {"variableValues": {**said, MARKS: marks}}
        if decision.action == "squad"
        else {"metadata": {**answerer.metadata, **marks}, "variableValues": said}
    )
    listed = answerer.server_messages
    if not answerer.own_server and listed is not None:
        added = [message for message in OUR_MESSAGES if message not in listed]
        if added:
            told["serverMessages"] = [*listed, *added]
    plan = _plan(answerer, number)
    if plan != answerer.artifact_plan:
        told["artifactPlan"] = plan
    longest = longest_seconds(decision, number)
    if longest is not None:
        told["maxDurationSeconds"] = longest
    return told


def _plan(answerer: Answerer, number: Number) -> Mapping[str, Any]:
    """The artifactPlan with what the number sets of it.

    An override may replace the whole plan, so what is the assistant's own goes along. Where members of a squad have
    plans of their own, that would take from them what they do not share: only for a `false` it does.
    """
    sets = (number.recording_enabled, number.transcription_enabled)
    if answerer.plans_differ and False not in sets:
        return answerer.artifact_plan
    plan = dict(answerer.artifact_plan)
    if number.recording_enabled is not None:
        plan["recordingEnabled"] = number.recording_enabled
    if number.transcription_enabled is not None:
        plan["transcriptPlan"] = {**(plan.get("transcriptPlan") or {}), "enabled": number.transcription_enabled}
    return plan


def _keep(number: Number) -> dict[str, bool]:
    """Only what was asked for: where the assistant's own settings hold (None), nothing is kept here."""
    return {"recording": number.recording_enabled is True, "transcript": number.transcription_enabled is True}


def _voicemail(decision: Decision, number: Number) -> dict[str, Any]:
    """An assistant that exists for this call alone: it speaks, listens, and ends when the caller has nothing to add."""
    return {
        "name": "Voicemail",
        "firstMessage": decision.message or LEAVE_A_MESSAGE,
        "firstMessageMode": "assistant-speaks-first",
        "model": {
            "provider": "openai",
            "model": "gpt-4o-mini",
            "messages": [
                {
                    "role": "system",
                    "content": (
                        "You take a message, like an answering machine. Let the caller speak. Never answer a question"
                        " and never promise anything. When the caller has finished, say: Thank you, goodbye."
                    ),
                }
            ],
        },
        "endCallPhrases": ["Thank you, goodbye"],
        "maxDurationSeconds": VOICEMAIL_SECONDS,
        "serverMessages": list(OUR_MESSAGES),
        "artifactPlan": {
            "recordingEnabled": number.recording_enabled is not False,
            "transcriptPlan": {"enabled": number.transcription_enabled is not False},
        },
        # Comes back with the call's messages: how its report is known to be a message's, and what may be kept of it.
        "metadata": {
            "numberId": number.id,
            "voicemail": {
                "recording": number.recording_enabled is not False,
                "transcript": number.transcription_enabled is not False,
            },
        },
    }


def _in_words(instant: int | None, zone: ZoneInfo | None) -> str | None:
    if instant is None or zone is None:
        return None
    local = datetime.fromtimestamp(instant, zone)
    return f"{local:%A} {local.day} {local:%B} at {local:%H:%M}"
