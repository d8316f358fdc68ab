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

_FORWARDED = frozenset(
    {
        "assistant-forwarded-call",
        "assistant-request-returned-forwarding-phone-number",
        "call.ringing.hook-executed-transfer",
        "call.ending.hook-executed-transfer",
    }
)
_TURNED_AWAY = frozenset(
    {
        "assistant-request-returned-error",
        "call.ringing.hook-executed-say",
        "call.ending.hook-executed-say",
    }
)
_NEVER_ANSWERED = frozenset(
    {
        "customer-busy",
        "customer-did-not-answer",
        "customer-did-not-give-microphone-permission",
        "call.ringing.sip-inbound-caller-hungup-before-call-connect",
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
    if reason in _FORWARDED:
        return "forwarded"
    if reason in _TURNED_AWAY:
        return OUTCOME_OF_REJECTION.get(str((decision or {}).get("reason")), "rejected")
    if reason == "voicemail":
        return "voicemail"
    if reason in _NEVER_ANSWERED:
        return "missed"
    if reason.startswith(_FAILED):
        return "failed"
    if was_in_progress:
        return "answered"
    return "missed" if settled else None
