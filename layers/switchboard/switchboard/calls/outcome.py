"""How a call came out, from Vapi's end reason, our decision and whether it was ever in progress.

Vapi's enum of end reasons has some six hundred entries and grows monthly, so families are told by their prefix.
"""

from collections.abc import Mapping
from typing import Any

OUTCOMES = ("answered", "forwarded", "voicemail", "missed", "rejected", "blocked", "spam", "failed")

TURNED_AWAY = ("blocked", "spam", "rejected")
"""Of callers who were not to be answered: their calls are in no rate. One that nobody was there to take is missed."""

OUTCOME_OF_REJECTION = {
    "inactive": "rejected",
    "direction": "rejected",
    "not-allowed": "rejected",
    "blocked": "blocked",
    "anonymous": "rejected",
    "spam": "spam",
    "threshold": "rejected",
    "forwarding": "rejected",
    "rule": "rejected",
    "after-hours": "missed",
    "default": "rejected",
    "fallback": "missed",
    "capacity": "missed",
}
"""What a call is called that we turned away, by the decision's reason, of which each is here."""

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
    reason: str | None,
    decision: Mapping[str, Any] | None,
    was_in_progress: bool,
    *,
    settled: bool,
    left_message: bool | None = None,
) -> str | None:
    """The outcome of a call that is over, or None while a later message may still tell another.

    settled: nothing more is to come that could tell whether it was answered. left_message: of a call that was to take a
    message, whether there is one as far as is known; None for other calls.
    """
    if left_message:
        return "voicemail"
    by_itself = _by_reason(reason or "", decision)
    if by_itself is not None:
        return by_itself
    if was_in_progress and left_message is None:
        return "answered"
    return "missed" if settled else None


def _by_reason(reason: str, decision: Mapping[str, Any] | None) -> str | None:
    """What the end reason says by itself; None where it says nothing."""
    if reason in _TURNED_AWAY:
        return OUTCOME_OF_REJECTION.get(str((decision or {}).get("reason")), "rejected")
    if reason in _OUTCOME_OF_REASON:
        return _OUTCOME_OF_REASON[reason]
    return "failed" if reason.startswith(_FAILED) else None
