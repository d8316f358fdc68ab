"""A decision in the words that Vapi understands: the answer to its assistant-request."""

from typing import Any

from switchboard.routing.decide import Decision
from switchboard.routing.number import Answerer, Number

OUR_MESSAGES = ("status-update", "end-of-call-report")
"""The server messages that the ledger lives on."""

NOBODY_THERE = "Nobody can take your call at the moment. Please try again later."
"""Vapi speaks the error of a rejected call; an empty one it turns into words of its own."""


def answer(decision: Decision, number: Number) -> dict[str, Any]:
    """The body of the answer. It never holds a `server`: an assistant's own would stop getting its tool calls."""
    if decision.action == "reject":
        return {"error": decision.message or NOBODY_THERE}
    if decision.action == "forward":
        # Without a callerId Vapi presents the caller's own number; an empty message forwards in silence.
        return {"destination": {"type": "number", "number": decision.number, "message": decision.message or ""}}
    if decision.action == "workflow":
        # A workflow's overrides know variable values alone.
        return {"workflowId": decision.id}
    answerer = number.answerer
    if answerer is None or answerer.id != decision.id:
        answerer = Answerer(str(decision.id), decision.action)
    return {f"{decision.action}Id": decision.id, f"{decision.action}Overrides": _overrides(answerer, number)}


def _overrides(answerer: Answerer, number: Number) -> dict[str, Any]:
    overrides: dict[str, Any] = {"metadata": {**answerer.metadata, "numberId": number.id}}
    listed = answerer.server_messages
    if not answerer.own_server and listed is not None:
        added = [message for message in OUR_MESSAGES if message not in listed]
        if added:
            overrides["serverMessages"] = [*listed, *added]
    # An override may replace the whole plan, so the assistant's own settings go along.
    plan = dict(answerer.artifact_plan)
    if number.recording_enabled is not None:
        plan["recordingEnabled"] = number.recording_enabled
    if number.transcription_enabled is not None:
        plan["transcriptPlan"] = {**(plan.get("transcriptPlan") or {}), "enabled": number.transcription_enabled}
    if plan != answerer.artifact_plan:
        overrides["artifactPlan"] = plan
    if number.max_duration_seconds is not None:
        overrides["maxDurationSeconds"] = number.max_duration_seconds
    return overrides
