"""Calls that nobody told us of, read from Vapi's call list.

An assistant with a server of its own gets its calls' messages there, and so it should; and a message may be lost. The
list has both. It is read by the minute in overlapping windows of its rows' own `updatedAt`, so that nothing between two
readings is missed; a row that was read before changes nothing.
"""

from functools import lru_cache

from switchboard.calls.messages import read_call_row
from switchboard.carriers.vapi import Vapi
from switchboard.store.calls import Calls
from switchboard.store.numbers import Numbers

OVERLAP_MS = 120_000
"""Read again at each turn: rows that became visible late, and clocks that differ."""

LONGEST_WINDOW_MS = 15 * 60_000
"""At most this much is read at a turn, so that a backlog after an outage is worked off in steps that are remembered."""

FIRST_WINDOW_MS = 10 * 60_000


def learn_calls(calls: Calls, numbers: Numbers, vapi: Vapi, now_ms: int) -> int:
    """Brings the ledger up to Vapi's call list; the number of facts that were new. Safe to repeat and to overlap."""
    owner_of = lru_cache(maxsize=1024)(numbers.by_vapi_id)
    read_to = calls.listed_until()
    since = (read_to if read_to is not None else now_ms - FIRST_WINDOW_MS) - OVERLAP_MS
    until = min(now_ms, since + LONGEST_WINDOW_MS)
    learnt = 0
    for row in vapi.calls_updated(since, until):
        fact = read_call_row(row)
        owner = owner_of(row["phoneNumberId"]) if fact is not None and row.get("phoneNumberId") else None
        if fact is not None and owner is not None:
            learnt += calls.record(*owner, fact)
    calls.list_read_until(until)
    return learnt
