"""Who answers a call: a fixed pipeline of steps, each of which passes or decides.

Pure: the same number, call and instant give the same decision, so a live call, an explanation and a replay agree.
"""

from collections.abc import Callable
from dataclasses import dataclass

from switchboard.routing.number import IncomingCall, Number


@dataclass(frozen=True, slots=True)
class Step:
    """One verdict of the pipeline: `passed`, or `decided` by the step that ended it."""

    step: str
    outcome: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """action: assistant, squad, workflow, forward or reject. reason: why, one of the codes of the steps below.

    id: what answers at Vapi. number: where a forward goes. message: what a rejected caller is told.
    """

    action: str
    reason: str
    id: str | None = None
    number: str | None = None
    message: str | None = None
    trace: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class _Choice:
    action: str
    reason: str
    id: str | None = None
    number: str | None = None


def decide(number: Number, call: IncomingCall, at: int) -> Decision:
    """Who answers `call` on `number` at the instant `at` (Unix seconds). Never raises."""
    trace: list[Step] = []
    for name, step in PIPELINE:
        choice = step(number, call, at)
        if choice is None:
            trace.append(Step(name, "passed"))
            continue
        trace.append(Step(name, "decided", choice.reason))
        message = number.reject_message if choice.action == "reject" else None
        return Decision(choice.action, choice.reason, choice.id, choice.number, message, tuple(trace))
    return Decision("reject", "fallback", None, None, number.reject_message, tuple(trace))


def _status(number: Number, _call: IncomingCall, _at: int) -> _Choice | None:
    return None if number.status == "active" else _Choice("reject", "inactive")


def _direction(number: Number, _call: IncomingCall, _at: int) -> _Choice | None:
    return None if number.direction in ("inbound", "both") else _Choice("reject", "direction")


def _forwarding(number: Number, _call: IncomingCall, _at: int) -> _Choice | None:
    if number.forwarding_enabled and number.forwarding_number:
        return _Choice("forward", "forwarding", number=number.forwarding_number)
    return None


def _default(number: Number, _call: IncomingCall, _at: int) -> _Choice | None:
    if number.answerer is not None:
        return _Choice(number.answerer.type, "default", id=number.answerer.id)
    return None


def _fallback(number: Number, _call: IncomingCall, _at: int) -> _Choice | None:
    if number.forwarding_number:
        return _Choice("forward", "fallback", number=number.forwarding_number)
    return _Choice("reject", "fallback")


PIPELINE: tuple[tuple[str, Callable[[Number, IncomingCall, int], _Choice | None]], ...] = (
    ("status", _status),
    ("direction", _direction),
    ("forwarding", _forwarding),
    ("default", _default),
    ("fallback", _fallback),
)
