"""Who answers a call: a fixed pipeline of steps, each of which passes or decides.

Pure: the same number, call and instant give the same decision, so a live call, an explanation and a replay agree.
Fails closed: data that makes no sense never lets a caller past a gate, and an unreadable rule does not match.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from switchboard.routing.caller import Caller, caller_of
from switchboard.routing.hours import State, state_at
from switchboard.routing.number import IncomingCall, Number
from switchboard.routing.rules import Asker, matches
from switchboard.routing.screening import screen
from switchboard.routing.spam import Score, score
from switchboard.routing.thresholds import Threshold, limit_text


@dataclass(frozen=True, slots=True)
class Step:
    """One verdict of the pipeline: `passed`, `skipped`, `observed`, or `decided` by the step that ended it."""

    step: str
    outcome: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A spam score that reached the number's threshold. reasons: (reason, weight). enforced: it decided the call."""

    score: int
    threshold: int
    reasons: tuple[tuple[str, int], ...]
    enforced: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """action: assistant, squad, workflow, forward, voicemail or reject. reason: one of REASONS.

    id: what answers at Vapi. number: where a forward goes. message: what a rejected caller is told, or what a voicemail
    says first. closes_at, next_open_at: Unix seconds; special: the holiday's name.
    """

    action: str
    reason: str
    rule_id: str | None = None
    id: str | None = None
    number: str | None = None
    message: str | None = None
    is_open: bool = True
    closes_at: int | None = None
    next_open_at: int | None = None
    special: str | None = None
    trace: tuple[Step, ...] = ()
    spam: Suspicion | None = None


REASONS = (
    "inactive",
    "direction",
    "not-allowed",
    "blocked",
    "anonymous",
    "spam",
    "threshold",
    "forwarding",
    "rule",
    "after-hours",
    "default",
    "fallback",
    "capacity",
)

AT_VAPI = frozenset({"assistant", "squad", "workflow"})
"""Actions that take a line: something at Vapi talks to the caller."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """All that a step may look at."""

    number: Number
    call: IncomingCall
    at: int
    caller: Caller
    state: State
    says: str | None
    entry: str | None


@dataclass(frozen=True, slots=True)
class _Choice:
    action: str
    reason: str
    id: str | None = None
    number: str | None = None
    message: str | None = None
    rule_id: str | None = None
    detail: str | None = None


_Outcome = _Choice | Step | None
"""A step decides, says something for the trace and passes, or just passes."""


def decide(number: Number, call: IncomingCall, at: int) -> Decision:
    """Who answers `call` on `number` at the instant `at` (Unix seconds). Never raises."""
    caller = caller_of(call.caller)
    verdict = screen((*number.blocked, *call.blocked), (*number.allowed, *call.allowed), caller.e164, at)
    entry = verdict.entry.pattern if verdict.entry else None
    scene = _Scene(number, call, at, caller, state_at(number.hours, at), verdict.says, entry)
    trace: list[Step] = []
    choice = _Choice("reject", "fallback")
    for name, step in PIPELINE:
        outcome = step(scene)
        if isinstance(outcome, _Choice):
            choice = outcome
            trace.append(Step(name, "decided", outcome.detail or outcome.reason))
            break
        trace.append(outcome or Step(name, "passed"))
    if choice.action in AT_VAPI and number.max_concurrent_calls is not None:
        if call.line_free and number.max_concurrent_calls > 0:
            trace.append(Step("capacity", "passed"))
        else:
            choice = _instead(scene, number.when_busy, "capacity", None)
            trace.append(Step("capacity", "decided", f"all {number.max_concurrent_calls} lines are taken"))
    message = choice.message
    if message is None and choice.action == "reject":
        message = number.reject_message
    return Decision(
        action=choice.action,
        reason=choice.reason,
        rule_id=choice.rule_id,
        id=choice.id,
        number=choice.number,
        message=message,
        is_open=scene.state.is_open,
        closes_at=scene.state.closes_at,
        next_open_at=scene.state.next_open_at,
        special=scene.state.special,
        trace=tuple(trace),
        spam=_suspicion(scene, trace),
    )


def _instead(scene: _Scene, action: str | None, reason: str, message: str | None) -> _Choice:
    """The number's own second choice; one that cannot be done is a rejection."""
    number = scene.number
    if action == "forward" and number.forwarding_number:
        return _Choice("forward", reason, number=number.forwarding_number)
    if action == "voicemail" and number.voicemail_enabled:
        return _Choice("voicemail", reason, message=message or number.after_hours_message)
    return _Choice("reject", reason, message=message)


def _status(scene: _Scene) -> _Outcome:
    return None if scene.number.status == "active" else _Choice("reject", "inactive")


def _direction(scene: _Scene) -> _Outcome:
    return None if scene.number.direction in ("inbound", "both") else _Choice("reject", "direction")


def _lists(scene: _Scene) -> _Outcome:
    if scene.says == "blocked":
        return _Choice("reject", "blocked", detail=f"blocked by {scene.entry}")
    if scene.says == "allowed":
        return Step("lists", "passed", f"allowed by {scene.entry}")
    return _Choice("reject", "not-allowed") if scene.number.allow_list_only else None


def _anonymous(scene: _Scene) -> _Outcome:
    if scene.says == "allowed":
        return Step("anonymous", "skipped")
    if scene.caller.kind == "anonymous" and scene.number.reject_anonymous:
        return _Choice("reject", "anonymous")
    return None


def _spam(scene: _Scene) -> _Outcome:
    number = scene.number
    if scene.says == "allowed" or not number.spam_filter:
        return Step("spam", "skipped")
    found = _score(scene)
    reasons = ", ".join(f"{reason} {weight}" for reason, weight in found.reasons)
    detail = f"score {found.total} of {number.spam_threshold}" + (f": {reasons}" if reasons else "")
    if found.total < number.spam_threshold:
        return Step("spam", "passed", detail)
    if number.spam_action == "observe":
        return Step("spam", "observed", detail)
    return replace(_instead(scene, number.spam_action, "spam", None), detail=detail)


def _score(scene: _Scene) -> Score:
    number, call = scene.number, scene.call
    return score(scene.caller.e164, number.phone_number, valid=call.valid, recent=call.recent)


def _suspicion(scene: _Scene, trace: list[Step]) -> Suspicion | None:
    """What the spam step found, if it found enough to decide or to be observed."""
    outcome = next((step.outcome for step in trace if step.step == "spam"), None)
    if outcome not in ("decided", "observed"):
        return None
    found = _score(scene)
    return Suspicion(found.total, scene.number.spam_threshold, found.reasons, enforced=outcome == "decided")


def _threshold(scene: _Scene) -> _Outcome:
    held = _holding(scene)
    if held is None:
        return None
    if scene.says == "allowed":
        return Step("threshold", "skipped")
    detail = f"{held.id}: {held.metric} reached {limit_text(held.limit)} this {held.period}"
    if held.action == "assistant":
        return _Choice("assistant", "threshold", id=held.target, detail=detail)
    return replace(_instead(scene, held.action, "threshold", held.message), detail=detail)


def _holding(scene: _Scene) -> Threshold | None:
    """The strictest threshold that holds calls now. One whose hold cannot be read holds, and rejects.

    A hold of a threshold that the number has no longer, or has otherwise, is none.
    """
    strictest: Threshold | None = None
    for threshold in scene.number.thresholds:
        if threshold.name not in scene.call.holds:
            continue
        until = scene.call.holds[threshold.name]
        if until is None:
            return replace(threshold, action="reject")
        if strictest is None and until > scene.at:
            strictest = threshold
    return strictest


def _forwarding(scene: _Scene) -> _Outcome:
    number = scene.number
    if number.forwarding_enabled and number.forwarding_number:
        return _Choice("forward", "forwarding", number=number.forwarding_number)
    return None


def _rules(scene: _Scene) -> _Outcome:
    asker = Asker(
        e164=scene.caller.e164,
        country=scene.call.country,
        anonymous=scene.caller.kind == "anonymous",
        is_open=scene.state.is_open,
        share_key=scene.call.id if scene.caller.kind == "anonymous" else scene.caller.e164 or str(scene.caller.raw),
    )
    rules = scene.number.rules
    for position, rule in enumerate(rules):
        if matches(rule, asker, scene.at):
            detail = f"{rule.id}, after {position} that did not match"
            if rule.action in ("voicemail", "reject"):
                second = _instead(scene, rule.action, "rule", rule.message)
                return replace(second, rule_id=rule.id, detail=detail)
            return _Choice(rule.action, "rule", rule.target, rule.number, rule.message, rule.id, detail)
    unreadable = sum(not rule.readable for rule in rules)
    detail = f"{len(rules)} did not match" + (f", {unreadable} of them unreadable" if unreadable else "")
    return Step("rules", "passed", detail) if rules else None


def _hours(scene: _Scene) -> _Outcome:
    number, state = scene.number, scene.state
    if state.is_open:
        return None
    if number.after_hours_action is None:
        return Step("hours", "passed", "closed, and nothing else is to happen then")
    return _instead(scene, number.after_hours_action, "after-hours", number.after_hours_message)


def _default(scene: _Scene) -> _Outcome:
    answerer = scene.number.answerer
    return None if answerer is None else _Choice(answerer.type, "default", id=answerer.id)


def _fallback(scene: _Scene) -> _Outcome:
    number = scene.number
    if number.forwarding_number:
        return _Choice("forward", "fallback", number=number.forwarding_number)
    return _instead(scene, "voicemail", "fallback", None)


PIPELINE: tuple[tuple[str, Callable[[_Scene], _Outcome]], ...] = (
    ("status", _status),
    ("direction", _direction),
    ("lists", _lists),
    ("anonymous", _anonymous),
    ("spam", _spam),
    ("threshold", _threshold),
    ("forwarding", _forwarding),
    ("rules", _rules),
    ("hours", _hours),
    ("default", _default),
    ("fallback", _fallback),
)
