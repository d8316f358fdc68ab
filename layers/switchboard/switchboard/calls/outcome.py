"""How a call came out, from Vapi's end reason, our decision and whether it was ever in progress.

Vapi's enum of end reasons has some six hundred entries and grows monthly, so families are told by their prefix.
"""

from collections.abc import Mapping
from typing import Any

OUTCOMES = ("answered", "forwarded", "voicemail", "missed", "rejected", "blocked", "spam", "failed")

OUTCOME_OF_REJECTION = {
    "inactive": "rejected",
    "direction": "rejected",
    "fallback": "missed",
}
"""What a call is called that we turned away, by the decision's reason."""

_OUTCOME_OF_REASON = {
    "assistant-forwarded-call": "forwarded",
    "assistant-request-returned-forwarding-phone-number": "forwarded",
    "call.ringing.hook-executed-transfer": "forwarded",
    "call.ending.hook-executed-transfer": "forwarded",
    "voicemail": "voicemail",
    "customer-busy": "missed",
    "customer-did-not-answer": "missed",
    "customer-did-not-give-microphone-permission": "missed",
    "call.ringing.sip-inbound-caller-hungup-before-call-connect": "missed",
}
_TURNED_AWAY = frozenset(
    {
        "assistant-request-returned-error",
        "call.ringing.hook-executed-say",
        "call.ending.hook-executed-say",
    }
)
_FAILED = (
    "assistant-request-",
    "assistant-join-timed-out",
    "assistant-not-",
    "call-start-error-",
    "call.start.",
    "call.in-progress.error-",
    "call.ringing.error-",
    "pipeline-",
    "phone-call-provider-",
    "scheduled-call-deleted",
    "twilio-failed-",
    "twilio-reported-",
    "vonage-failed-",
    "vonage-rejected",
    "worker-shutdown",
)


def outcome_of(
    reason: str | None, decision: Mapping[str, Any] | None, was_in_progress: bool, *, settled: bool
) -> str | None:
    """The outcome of a call that is over, or None while a later message may still tell another.

    settled: nothing more is to come that could tell whether it was answered.
    """
    reason = reason or ""
    if reason in _TURNED_AWAY:
        return OUTCOME_OF_REJECTION.get(str((decision or {}).get("reason")), "rejected")
    if reason in _OUTCOME_OF_REASON:
        return _OUTCOME_OF_REASON[reason]
    if reason.startswith(_FAILED):
        return "failed"
    if was_in_progress:
        return "answered"
    return "missed" if settled else None
