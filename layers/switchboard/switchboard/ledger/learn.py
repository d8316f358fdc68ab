"""Calls that nobody told us of, read from Vapi's call list.

An assistant with a server of its own gets its calls' messages there, and so it should; and a message may be lost. The
list has both. It is read by the minute in overlapping windows of its rows' own `updatedAt`, so that nothing between two
readings is missed; a row that was read before changes nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from switchboard.calls.messages import Fact, Keep, read_call_row
from switchboard.calls.record import call_from_item
from switchboard.carriers.vapi import Vapi
from switchboard.model.record import NumberRecord
from switchboard.store.calls import Calls, is_erased
from switchboard.store.numbers import Numbers

OVERLAP_MS = 120_000
"""Read again at each turn: rows that became visible late, and clocks that differ."""

LONGEST_WINDOW_MS = 15 * 60_000
"""At most this much is read at a turn, so that a backlog after an outage is worked off in steps that are remembered."""

FIRST_WINDOW_MS = 10 * 60_000


def learn_calls(calls: Calls, numbers: Numbers, vapi: Vapi, now_ms: int) -> int:
    """Brings the ledger up to Vapi's call list; the number of facts that were new. Safe to repeat and to overlap."""

    @lru_cache(maxsize=1024)
    def number_of(vapi_id: str) -> NumberRecord | None:
        owner = numbers.by_vapi_id(vapi_id)
        return numbers.find(owner[0]) if owner is not None else None

    read_to = calls.listed_until()
    since = (read_to if read_to is not None else now_ms - FIRST_WINDOW_MS) - OVERLAP_MS
    until = min(now_ms, since + LONGEST_WINDOW_MS)
    learnt = 0
    for row in vapi.calls_updated(since, until):
        vapi_id = row.get("phoneNumberId")
        record = number_of(vapi_id) if isinstance(vapi_id, str) else None
        if record is not None:
            learnt += learn_call(calls, record, row)
    calls.list_read_until(until)
    return learnt


def would_learn_call(calls: Calls, record: NumberRecord, row: Mapping[str, Any]) -> bool:
    """Whether `learn_call` would find something new, as it is now. Writes nothing."""
    fact = read_call_row(row)
    return fact is not None and calls.would_record(record.number.id, fact)


def learn_call(calls: Calls, record: NumberRecord, row: Mapping[str, Any]) -> bool:
    """Records what a row says of a call of this number, whose E.164 rows do not name; True if it was new.

    The link to its recording and what was said are kept as the number is set now. Raises BucketUnavailable.
    """
    number = record.number
    fact = read_call_row(row, Keep(number.recording_enabled is True, number.transcription_enabled is True))
    if fact is None:
        return False
    ours = {"ours": number.phone_number} if number.phone_number is not None else {}
    fact = replace(fact, facts=fact.facts | ours)
    return calls.record(number.id, number.business, _without_what_is_kept(calls, number.id, fact))


def _without_what_is_kept(calls: Calls, number_id: str, fact: Fact) -> Fact:
    """A row is read several times, and its report has come mostly: what was said is written once."""
    if fact.said is None:
        return fact
    item = calls.find(number_id, fact.call_id)
    if is_erased(item):
        return replace(fact, said=None)
    kept = None if item is None else call_from_item(item).transcript_key
    return fact if kept is None else replace(fact, facts=fact.facts | {"transcriptKey": kept}, said=None)
