"""What the other party of a call does: the words in which tests order calls."""

from dataclasses import dataclass
from typing import Literal

from local.simulators.vapi.answering import DEFAULT_MAX_DURATION_SECONDS
from local.simulators.vapi.delivery import Delivery


@dataclass(frozen=True)
class Behaviour:
    """Whether the other party is ever connected, is forwarded, or stays until Vapi ends the call.

    ``ended_reason`` is what Vapi calls the end of it (vapi.md 5.4).
    """

    ended_reason: str
    connects: bool = True
    forwards: bool = False
    stays: bool = False


BEHAVIOURS = {
    "talk": Behaviour("customer-ended-call"),
    "assistant-ends": Behaviour("assistant-ended-call"),
    "assistant-forwards": Behaviour("assistant-forwarded-call", forwards=True),
    "hang-up-before-answer": Behaviour("call.ringing.sip-inbound-caller-hungup-before-call-connect", connects=False),
    "silence": Behaviour("silence-timed-out"),
    "max-duration": Behaviour("exceeded-max-duration", stays=True),
    "pipeline-error": Behaviour("pipeline-error-openai-llm-failed"),
    "voicemail": Behaviour("voicemail"),
    "no-answer": Behaviour("customer-did-not-answer", connects=False),
    "busy": Behaviour("customer-busy", connects=False),
}
"""By name. ``no-answer`` and ``busy`` are a callee's, so for outbound calls."""


@dataclass(frozen=True)
class Ring:
    """An inbound call to make.

    ``to`` is a number in E.164 (or a phone number's id); ``caller`` is the caller id as the network gives it, None
    when it is withheld: then ``anonymous_as`` says whether Vapi writes ``anonymous`` or has no customer.
    ``talk_seconds`` of simulated talk take no real time: the call is dated back, so that it ends about now. A caller
    of the behaviour ``max-duration`` talks for ten minutes, Vapi's default limit, or ``talk_seconds`` if that is
    more. ``ended_reason`` replaces the behaviour's own. ``hold`` leaves a connected call in progress until it is hung
    up. ``forward_to`` is where ``assistant-forwards`` sends the caller. ``forwarded_from`` is the number that the
    call was forwarded from (Twilio numbers only). ``delivery`` replaces the simulator's.
    """

    to: str
    caller: str | None
    behaviour: str = "talk"
    talk_seconds: float = 63.0
    ended_reason: str | None = None
    anonymous_as: Literal["anonymous", "missing"] = "anonymous"
    hold: bool = False
    forward_to: str = "+14155550199"
    forwarded_from: str | None = None
    delivery: Delivery | None = None

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for a behaviour that does not exist and a talk of no length."""
        if self.behaviour not in BEHAVIOURS:
            raise ValueError(f"behaviour must be one of the following values: {', '.join(BEHAVIOURS)}")
        if self.talk_seconds <= 0:
            raise ValueError("talkSeconds must be more than 0")

    @property
    def talk_millis(self) -> int:
        """For how long the caller would talk if Vapi let them; 0 for one who is never connected."""
        behaviour = BEHAVIOURS[self.behaviour]
        if not behaviour.connects:
            return 0
        return round(max(self.talk_seconds, DEFAULT_MAX_DURATION_SECONDS if behaviour.stays else 0) * 1000)


@dataclass(frozen=True)
class Callee:
    """What the people do whom outbound calls reach.

    They take real time, since the answer to ``POST /call`` has already said when the call was created.
    """

    behaviour: str = "talk"
    ring_seconds: float = 0.1
    talk_seconds: float = 1.0
    ended_reason: str | None = None
    forward_to: str = "+14155550199"

    def __post_init__(self) -> None:
        """Raises ``ValueError`` as ``Ring`` does."""
        self.script("")

    def script(self, to: str) -> Ring:
        """The same as a ``Ring``; an outbound call has no caller id of its own."""
        return Ring(to, None, self.behaviour, self.talk_seconds, self.ended_reason, forward_to=self.forward_to)
