"""Who would answer a call, and why: the live call's own function, on a made-up call. Writes nothing, takes no line."""

import time
from dataclasses import replace

from switchboard.incoming import call_view
from switchboard.model.decision import Decision, RouteQuestion
from switchboard.provisioning.connected import lifecycle
from switchboard.routing.answer import account
from switchboard.routing.caller import caller_of
from switchboard.routing.decide import decide
from switchboard.routing.number import number_from_item
from switchboard.routing.screening import Entry
from switchboard.store.calls import Seen, calls
from switchboard.store.dynamo import NO_DEADLINE
from switchboard.store.lines import lines_of
from switchboard.store.numbers import numbers, stored

NO_CALL = "explanation"
"""Stands for the call's id, by which an anonymous caller gets into a rule's share."""


def explain(number_id: str, business: str, question: RouteQuestion) -> Decision:
    """The decision on a call from `question.caller`. Raises NumberNotFound, and for changes what an update raises.

    At any instant lists, lines and the holds of thresholds are those of now; each counts until its own end.
    """
    now = int(time.time())
    at = now if question.at is None else question.at
    if question.changes:
        record = lifecycle().draft(number_id, business, question.changes)
    else:
        record = numbers().get(number_id, business)
    number = number_from_item(stored(record))
    e164 = caller_of(question.caller).e164
    seen = calls().read_for_decision(number_id, business, e164, at, NO_DEADLINE)
    call = call_view(number, NO_CALL, question.caller, seen)
    if "blockedNumbers" in question.changes:
        call = replace(call, blocked=_drafted(record.number.blocked_numbers, e164, call.blocked, now))
    if "allowedNumbers" in question.changes:
        call = replace(call, allowed=_drafted(record.number.allowed_numbers, e164, call.allowed, now))
    most = number.max_concurrent_calls
    line_free = most is None or _has_a_free_line(seen, most, at)
    return Decision.of(account(decide(number, replace(call, line_free=line_free), at)))


def _drafted(patterns: list[str], e164: str | None, held: tuple[Entry, ...], now: int) -> tuple[Entry, ...]:
    """The caller's own entry of a list as an update made now would leave it: one that counts stays as it is."""
    if e164 is None or e164 not in patterns:
        return ()
    return tuple(entry for entry in held if entry.covers(e164, now)) or (Entry(e164),)


def _has_a_free_line(seen: Seen, most: int, at: int) -> bool:
    lines = lines_of(seen.lines)
    return lines is not None and sum(line.since <= at < line.until for line in lines.values()) < most
