"""How a call came out: every end reason that Vapi has, in a few families."""

import json

import pytest

from switchboard.calls.outcome import OUTCOME_OF_REJECTION, OUTCOMES, outcome_of
from switchboard.routing.decide import REASONS as OUR_REASONS
from tests.support.template import ROOT

REASONS = sorted(set(json.loads((ROOT / "tests" / "unit" / "data" / "vapi-ended-reasons.json").read_text())))
"""The enum of `endedReason` in Vapi's OpenAPI document."""

FAILED_FAMILIES = (
    "pipeline-error-",
    "call.in-progress.error-",
    "call.start.",
    "call-start-error-",
    "call.ringing.error-",
)
FAILED = {
    "assistant-request-failed",
    "assistant-request-returned-unspeakable-error",
    "assistant-request-returned-invalid-assistant",
    "assistant-request-returned-no-assistant",
    "assistant-not-found",
    "assistant-not-valid",
    "assistant-join-timed-out",
    "phone-call-provider-bypass-enabled-but-no-call-received",
    "phone-call-provider-closed-websocket",
    "scheduled-call-deleted",
    "twilio-failed-to-connect-call",
    "twilio-reported-customer-misdialed",
    "vonage-failed-to-connect-call",
    "vonage-rejected",
    "worker-shutdown",
}
FORWARDED = {
    "assistant-forwarded-call",
    "assistant-request-returned-forwarding-phone-number",
    "call.ringing.hook-executed-transfer",
    "call.ending.hook-executed-transfer",
}
TURNED_AWAY = {"assistant-request-returned-error", "call.ringing.hook-executed-say", "call.ending.hook-executed-say"}
MISSED = {
    "customer-busy",
    "customer-did-not-answer",
    "customer-did-not-give-microphone-permission",
    "call.ringing.sip-inbound-caller-hungup-before-call-connect",
}
TELLS_NOTHING = {
    "assistant-ended-call",
    "assistant-ended-call-after-message-spoken",
    "assistant-ended-call-with-hangup-task",
    "assistant-said-end-call-phrase",
    "call-deleted",
    "call.forwarding.no-answer",
    "call.forwarding.operator-busy",
    "call.in-progress.sip-completed-call",
    "call.in-progress.twilio-completed-call",
    "customer-ended-call",
    "customer-ended-call-after-warm-transfer-attempt",
    "customer-ended-call-before-warm-transfer",
    "customer-ended-call-during-transfer",
    "exceeded-max-duration",
    "manually-canceled",
    "silence-timed-out",
    "vonage-completed",
    "vonage-disconnected",
}
"""The call ended as calls do; whether somebody talked, its progress tells."""


def expected(reason: str) -> str | None:
    """The outcome that a reason means by itself, None where it means none."""
    if reason.startswith(FAILED_FAMILIES):
        return "failed"
    by_itself = {"failed": FAILED, "forwarded": FORWARDED, "rejected": TURNED_AWAY, "missed": MISSED}
    by_itself |= {"voicemail": {"voicemail"}}
    return next((outcome for outcome, reasons in by_itself.items() if reason in reasons), None)


def test_every_reason_of_vapis_has_its_family() -> None:
    assert len(REASONS) == 595
    assert {reason for reason in REASONS if expected(reason) is None} == TELLS_NOTHING


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_of_vapis_has_a_sensible_outcome(reason: str) -> None:
    outcome = expected(reason)
    for was_in_progress in (True, False):
        for settled in (True, False):
            by_progress = "answered" if was_in_progress else "missed" if settled else None
            assert outcome_of(reason, None, was_in_progress, settled=settled) == (outcome or by_progress)


@pytest.mark.parametrize("reason", [None, "", "a-reason-of-next-month"])
def test_an_unknown_reason_is_judged_by_the_calls_progress(reason: str | None) -> None:
    assert outcome_of(reason, None, was_in_progress=True, settled=False) == "answered"
    assert outcome_of(reason, None, was_in_progress=False, settled=False) is None
    assert outcome_of(reason, None, was_in_progress=False, settled=True) == "missed"


@pytest.mark.parametrize("family", ["pipeline-error-", "pipeline-no-", "call.start.error-", "call.in-progress.error-"])
def test_a_new_failure_of_a_known_family_is_a_failure(family: str) -> None:
    assert outcome_of(f"{family}of-next-month", None, was_in_progress=True, settled=False) == "failed"


OUTCOME_OF_OUR_REASON = {
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


def test_every_reason_of_ours_has_its_outcome() -> None:
    assert set(OUR_REASONS) == OUTCOME_OF_REJECTION.keys() == OUTCOME_OF_OUR_REASON.keys()


@pytest.mark.parametrize(("why", "outcome"), [*OUTCOME_OF_OUR_REASON.items(), ("of-next-month", "rejected")])
@pytest.mark.parametrize("reason", sorted(TURNED_AWAY))
def test_whom_we_turned_away_has_the_outcome_of_our_reason(reason: str, why: str, outcome: str) -> None:
    assert outcome_of(reason, {"reason": why}, was_in_progress=False, settled=True) == outcome


@pytest.mark.parametrize("reason", [None, "customer-ended-call", "silence-timed-out", "exceeded-max-duration"])
def test_whoever_left_a_message_has_reached_the_voicemail_and_whoever_left_none_has_missed_us(
    reason: str | None,
) -> None:
    for settled in (True, False):
        assert outcome_of(reason, None, was_in_progress=True, settled=settled, left_message=True) == "voicemail"
    assert outcome_of(reason, None, was_in_progress=True, settled=False, left_message=False) is None
    assert outcome_of(reason, None, was_in_progress=True, settled=True, left_message=False) == "missed"


def test_a_voicemail_that_broke_down_is_a_failure_unless_there_is_a_message() -> None:
    broke = "pipeline-error-openai-llm-failed"
    assert outcome_of(broke, None, was_in_progress=True, settled=True, left_message=False) == "failed"
    assert outcome_of(broke, None, was_in_progress=True, settled=True, left_message=True) == "voicemail"


def test_every_outcome_is_one_of_the_eight() -> None:
    found = {outcome_of(reason, None, was_in_progress=True, settled=True) for reason in REASONS}
    assert found <= set(OUTCOMES)
