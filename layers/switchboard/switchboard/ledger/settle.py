"""Calls that ended and whose report did not come: after five minutes their record stands as it is."""

from switchboard.calls.kinds import Kind
from switchboard.calls.messages import Fact
from switchboard.store.calls import Calls

WAIT_SECONDS = 300
"""Reports come within seconds of the end; a later one still counts, it only comes after the outcome was told."""


def settle_calls(calls: Calls, now: int) -> int:
    """Settles the calls that ended more than five minutes before `now` (Unix seconds); how many it settled."""
    waiting = list(calls.ended_unreported(now - WAIT_SECONDS))
    return sum(
        calls.record(number_id, business, Fact(call_id, Kind.SETTLED, now * 1000))
        for number_id, business, call_id in waiting
    )
