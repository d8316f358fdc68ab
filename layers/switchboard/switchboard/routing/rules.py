"""A routing rule as the decision reads it: compiled once, then only compared."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from switchboard.routing.caller import is_e164
from switchboard.routing.hours import Hours, compile_hours, is_open_at

_AT_VAPI = ("assistant", "squad", "workflow")
_ACTIONS = (*_AT_VAPI, "forward", "voicemail", "reject")
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_LAST = 2**31
"""The place of a rule that has none: behind all others."""

ALL = 100
"""A share that every caller is in."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions that are None always hold. readable: False for one that never matches because it makes no sense."""

    id: str
    priority: int
    action: str
    target: str | None = None
    number: str | None = None
    message: str | None = None
    caller_numbers: frozenset[str] | None = None
    caller_prefixes: tuple[str, ...] | None = None
    caller_countries: frozenset[str] | None = None
    anonymous: bool | None = None
    schedule: Hours | None = None
    hours: str | None = None
    share: int | None = None
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Asker:
    """What a rule may look at. share_key: the caller, or the call where the caller is anonymous."""

    e164: str | None
    country: str | None
    anonymous: bool
    is_open: bool
    share_key: str


def compile_rules(stored: Any) -> tuple[Rule, ...]:
    """The enabled rules in the order in which they are looked at, whatever order they are stored in. Never raises."""
    listed = stored if isinstance(stored, list | tuple) else () if stored is None else (stored,)
    rules = [_compiled(rule) for rule in listed if not isinstance(rule, Mapping) or rule.get("enabled", True)]
    return tuple(sorted(rules, key=lambda rule: (rule.priority, rule.id)))


def matches(rule: Rule, asker: Asker, at: int) -> bool:
    """Whether all conditions of the rule hold at the instant (Unix seconds)."""
    return all(holds for holds in _conditions(rule, asker, at))


def _conditions(rule: Rule, asker: Asker, at: int) -> Iterator[bool]:
    """The cheap ones first: those after one that does not hold are never looked at."""
    yield rule.readable
    if rule.anonymous is not None:
        yield rule.anonymous is asker.anonymous
    if rule.caller_numbers is not None:
        yield asker.e164 in rule.caller_numbers
    if rule.caller_prefixes is not None:
        yield asker.e164 is not None and asker.e164.startswith(rule.caller_prefixes)
    if rule.caller_countries is not None:
        yield asker.country in rule.caller_countries
    if rule.hours is not None:
        yield (rule.hours == "open") is asker.is_open
    if rule.schedule is not None:
        yield is_open_at(rule.schedule, at)
    if rule.share is not None:
        yield in_share(rule.id, asker.share_key, rule.share)


def in_share(rule_id: str, key: str, percent: int) -> bool:
    """The same side for the same rule and key, always; over many keys `percent` in a hundred are in."""
    digest = hashlib.sha256(f"{rule_id}\0{key}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8]) % 10_000 < percent * 100


def _compiled(stored: Any) -> Rule:
    """Whatever of it makes no sense: the rule then is one that never matches."""
    rule_id, priority = "unreadable", _LAST
    try:
        rule_id, priority = str(stored["id"]), int(stored["priority"])
        when, then = stored.get("when") or {}, stored["then"]
        rule = Rule(
            id=rule_id,
            priority=priority,
            action=_one_of(_ACTIONS, then["action"]),
            target=_text(then, "id"),
            number=then.get("number"),
            message=_text(then, "message"),
            caller_numbers=_texts(when, "callerNumbers", frozenset),
            caller_prefixes=_texts(when, "callerPrefixes", tuple),
            caller_countries=_texts(when, "callerCountries", frozenset),
            anonymous=_one_of((None, True, False), when.get("anonymous")),
            schedule=None if when.get("schedule") is None else compile_hours(when["schedule"]),
            hours=_one_of((None, "open", "closed"), when.get("hours")),
            share=None if when.get("share") is None else int(when["share"]),
        )
    except _UNREADABLE:
        return Rule(rule_id, priority, "reject", readable=False)
    sound = (
        _is_switch(stored.get("enabled", True))
        and _is_switch(rule.anonymous)
        and (rule.schedule is None or rule.schedule.readable)
        and (rule.action not in _AT_VAPI or bool(rule.target))
        and (rule.action != "forward" or is_e164(rule.number))
        and (rule.share is None or 0 <= rule.share <= ALL)
    )
    return rule if sound else Rule(rule.id, rule.priority, "reject", readable=False)


def _is_switch(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _one_of(known: tuple[Any, ...], value: Any) -> Any:
    if value not in known:
        raise ValueError(value)
    return value


def _text(where: Mapping[str, Any], name: str) -> str | None:
    value = where.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(name)
    return value


def _texts(when: Mapping[str, Any], name: str, kind: Any) -> Any:
    values = when.get(name)
    if values is None:
        return None
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) and value for value in values):
        raise TypeError(name)
    return kind(values)
