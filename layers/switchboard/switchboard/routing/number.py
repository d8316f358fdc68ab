"""A number as the decision sees it: plain data, compiled from the stored item without pydantic."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from switchboard.routing.caller import is_e164
from switchboard.routing.hours import Hours, compile_hours
from switchboard.routing.rules import Rule, compile_rules
from switchboard.routing.screening import ANYBODY, Entry
from switchboard.routing.spam import NOTHING_KNOWN, Recent
from switchboard.routing.thresholds import ACTING, Threshold, compile_thresholds

SHORTEST, LONGEST = 10, 43_200
"""Vapi's bounds of a call's longest duration, in seconds."""

_PATTERN = re.compile(r"\+[1-9][0-9]*\*?")


@dataclass(frozen=True, slots=True)
class Answerer:
    """An assistant, squad or workflow at Vapi, and what of it the answer must respect.

    own_server: it has a server of its own, to which its messages and tool calls go.
    server_messages: its own list, None for Vapi's default. plans_differ: members of a squad have artifactPlans of
    their own, of which artifact_plan is what all share.
    """

    id: str
    type: str
    own_server: bool = False
    server_messages: tuple[str, ...] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    artifact_plan: Mapping[str, Any] = field(default_factory=dict)
    plans_differ: bool = False
    max_duration_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """blocked, allowed: the prefixes; exact entries come with the call.

    answerers: by id, those of the rules and of the thresholds. thresholds: those that act, the strictest first.
    """

    id: str
    business: str
    phone_number: str | None
    status: str
    direction: str
    name: str | None = None
    answerer: Answerer | None = None
    answerers: Mapping[str, Answerer] = field(default_factory=dict)
    forwarding_enabled: bool = False
    forwarding_number: str | None = None
    voicemail_enabled: bool = False
    hours: Hours | None = None
    after_hours_action: str | None = None
    after_hours_message: str | None = None
    blocked: tuple[Entry, ...] = ()
    allowed: tuple[Entry, ...] = ()
    allow_list_only: bool = False
    reject_anonymous: bool = False
    reject_message: str | None = None
    spam_filter: bool = False
    spam_action: str = "reject"
    spam_threshold: int = 70
    thresholds: tuple[Threshold, ...] = ()
    rules: tuple[Rule, ...] = ()
    max_concurrent_calls: int | None = None
    when_busy: str = "reject"
    max_duration_seconds: int | None = None
    recording_enabled: bool | None = None
    transcription_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """caller: as Vapi gives it, which need not be E.164; None where it gives none.

    blocked, allowed: the exact entries of this caller. country, valid: what the numbering plan says of the caller;
    None where nobody looked. line_free: False when all lines are taken and this call holds none. holds: of the number's
    thresholds, by name, until when (Unix seconds); None where that cannot be read.
    """

    id: str
    caller: str | None
    blocked: tuple[Entry, ...] = ()
    allowed: tuple[Entry, ...] = ()
    country: str | None = None
    valid: bool | None = None
    recent: Recent = NOTHING_KNOWN
    line_free: bool = True
    holds: Mapping[str, int | None] = field(default_factory=dict)


def number_from_item(item: Mapping[str, Any]) -> Number:
    """The number from its stored item (plain values). What is absent has its default.

    Never raises. What makes no sense closes the gate that it is of, and opens none.
    """
    settings = item.get("inboundSettings")
    inbound: Mapping[str, Any] = {} if settings is None else _mapping(settings, _ALL_CLOSED)
    hours = item.get("businessHours")
    return Number(
        id=_text(item.get("id")) or "",
        business=_text(item.get("business")) or "",
        phone_number=_text(item.get("phoneNumber")),
        status=_text(item.get("status")) or "",
        direction=_text(item.get("direction")) or "",
        name=_text(item.get("name")),
        answerer=_answerer(item.get("assistant"), item.get("profile")),
        answerers={
            key: _profiled(key, "assistant", profile) for key, profile in _read(item.get("profiles"), {}).items()
        },
        forwarding_enabled=_switch(item.get("forwardingEnabled"), unreadable=False),
        forwarding_number=_e164(item.get("forwardingNumber")),
        voicemail_enabled=_switch(item.get("voicemailEnabled"), unreadable=False),
        hours=None if hours is None else compile_hours(hours),
        after_hours_action=_one_of(_INSTEAD, item.get("afterHoursAction"), absent=None),
        after_hours_message=_text(item.get("afterHoursMessage")),
        blocked=_blocked(item.get("blockedPrefixes")),
        allowed=_allowed(item.get("allowedPrefixes")),
        allow_list_only=_switch(inbound.get("allowListOnly"), unreadable=True),
        reject_anonymous=_switch(inbound.get("rejectAnonymous"), unreadable=True),
        reject_message=_text(inbound.get("rejectMessage")),
        spam_filter=_switch(item.get("spamFilter"), unreadable=True),
        spam_action=_one_of(("reject", "voicemail", "observe"), inbound.get("spamAction"), absent="reject") or "reject",
        spam_threshold=_whole(inbound.get("spamThreshold"), absent=70, unreadable=1) or 1,
        thresholds=tuple(t for t in compile_thresholds(item.get("usageThresholds")) if t.action in ACTING),
        rules=compile_rules(item.get("callRoutingRules")),
        max_concurrent_calls=_whole(item.get("maxConcurrentCalls"), absent=None, unreadable=0),
        when_busy=_one_of(_INSTEAD, inbound.get("whenBusy"), absent="reject") or "reject",
        max_duration_seconds=_duration(inbound.get("maxDurationSeconds")),
        recording_enabled=_optional_switch(item.get("recordingEnabled")),
        transcription_enabled=_optional_switch(item.get("transcriptionEnabled")),
    )


_INSTEAD = ("voicemail", "forward", "reject")
_ALL_CLOSED: Mapping[str, Any] = {"allowListOnly": True, "rejectAnonymous": True, "spamThreshold": 1}
"""The settings of a number whose settings cannot be read."""


def _mapping(value: Any, otherwise: Mapping[str, Any]) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else otherwise


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _e164(value: Any) -> str | None:
    return value if is_e164(value) else None


def _switch(value: Any, *, unreadable: bool) -> bool:
    return value if isinstance(value, bool) else unreadable and value is not None


def _optional_switch(value: Any) -> bool | None:
    return None if value is None else _switch(value, unreadable=False)


def _one_of(known: tuple[str, ...], value: Any, *, absent: str | None) -> str | None:
    """The last resort of what is known is to reject."""
    if value is None:
        return absent
    return value if isinstance(value, str) and value in known else "reject"


def _whole(value: Any, *, absent: int | None, unreadable: int | None) -> int | None:
    if value is None:
        return absent
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return unreadable
    try:
        return int(value) if value >= 0 else unreadable
    except (ArithmeticError, ValueError):
        return unreadable


def _duration(value: Any) -> int | None:
    """Seconds within Vapi's own bounds, None where nothing that makes sense is set."""
    seconds = _whole(value, absent=None, unreadable=None)
    return seconds if seconds is not None and SHORTEST <= seconds <= LONGEST else None


def _read(text: Any, otherwise: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a JSON text holds; nothing at all where there is no text."""
    if text is None or text == "":
        return {}
    try:
        return _mapping(json.loads(text), otherwise)
    except (TypeError, ValueError, RecursionError):
        return otherwise


def listed_entry(pattern: str, kept: Mapping[str, Any], *, unreadable_expiry: int | None) -> Entry:
    """An entry of a list as it is kept.

    unreadable_expiry: None keeps an entry for ever whose end makes no sense, 0 has ended it.
    """
    expires_at = _whole(kept.get("expiresAt"), absent=None, unreadable=unreadable_expiry)
    return Entry(pattern, expires_at, _text(kept.get("reason")))


def _blocked(prefixes: Any) -> tuple[Entry, ...]:
    """Of what cannot be read nobody knows whom it blocks, so it blocks anybody."""
    listed = () if prefixes is None else prefixes if isinstance(prefixes, list | tuple) else (prefixes,)
    return tuple(_prefix(kept, unreadable_expiry=None) or ANYBODY for kept in listed)


def _allowed(prefixes: Any) -> tuple[Entry, ...]:
    """What cannot be read allows nobody."""
    listed = prefixes if isinstance(prefixes, list | tuple) else ()
    read = (_prefix(kept, unreadable_expiry=0) for kept in listed)
    return tuple(entry for entry in read if entry is not None)


def _prefix(kept: Any, *, unreadable_expiry: int | None) -> Entry | None:
    pattern = kept.get("pattern") if isinstance(kept, Mapping) else None
    if not isinstance(pattern, str) or _PATTERN.fullmatch(pattern) is None:
        return None
    return listed_entry(pattern, kept, unreadable_expiry=unreadable_expiry)


def _answerer(assistant: Any, profile_json: Any) -> Answerer | None:
    """None for one that cannot be named to Vapi."""
    known = _mapping(assistant, {})
    target, kind = known.get("id"), known.get("type")
    if not isinstance(target, str) or not target or kind not in ("assistant", "squad", "workflow"):
        return None
    return _profiled(target, str(kind), _read(profile_json, _LEAVE_ALONE))


_LEAVE_ALONE: Mapping[str, Any] = {"ownServer": True}
"""What is known of an assistant whose profile cannot be read: too little to change anything of it."""


def _profiled(answerer_id: str, kind: str, kept: Any) -> Answerer:
    profile = _mapping(kept, _LEAVE_ALONE)
    messages = profile.get("serverMessages")
    return Answerer(
        id=answerer_id,
        type=kind,
        own_server=_switch(profile.get("ownServer"), unreadable=True),
        server_messages=tuple(messages) if isinstance(messages, list) else None,
        metadata=_mapping(profile.get("metadata"), {}),
        artifact_plan=_mapping(profile.get("artifactPlan"), {}),
        plans_differ=_switch(profile.get("artifactPlansDiffer"), unreadable=True),
        max_duration_seconds=_duration(profile.get("maxDurationSeconds")),
    )
