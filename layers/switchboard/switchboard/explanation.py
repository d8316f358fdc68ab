"""Who would answer a call, and why: the live call's own function, on a made-up call. Writes nothing, takes no line."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from switchboard.incoming import call_view
from switchboard.model.decision import Decision, RouteQuestion
from switchboard.provisioning.connected import lifecycle
from switchboard.routing.answer import account
from switchboard.routing.caller import caller_of
from switchboard.routing.decide import decide
from switchboard.routing.number import IncomingCall, number_from_item
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
    at = int(time.time()) if question.at is None else question.at
    if question.changes:
        record = lifecycle().draft(number_id, business, question.changes)
    else:
        record = numbers().get(number_id, business)
    number = number_from_item(stored(record))
    e164 = caller_of(question.caller).e164
    seen = calls().read_for_decision(number_id, business, e164, at, NO_DEADLINE)
    call = _with_drafted_lists(
        call_view(number, NO_CALL, question.caller, seen),
        e164,
        {
            "blocked": record.number.blocked_numbers if "blockedNumbers" in question.changes else None,
            "allowed": record.number.allowed_numbers if "allowedNumbers" in question.changes else None,
        },
    )
    most = number.max_concurrent_calls
    line_free = most is None or _has_a_free_line(seen, most, at)
    return Decision.of(account(decide(number, replace(call, line_free=line_free), at)))


def _with_drafted_lists(call: IncomingCall, e164: str | None, drafted: Mapping[str, list[str] | None]) -> IncomingCall:
    """The call with the caller's own entry of each list that the draft replaces, instead of the one in the table."""
    replaced: dict[str, Any] = {
        name: (Entry(e164),) if e164 is not None and e164 in patterns else ()
        for name, patterns in drafted.items()
        if patterns is not None
    }
    return replace(call, **replaced)


def _has_a_free_line(seen: Seen, most: int, at: int) -> bool:
    lines = lines_of(seen.lines)
    return lines is not None and sum(line.since <= at < line.until for line in lines.values()) < most
