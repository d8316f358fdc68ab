"""The kinds of facts that a call record is made of. Each is one attribute of the call's item."""

from enum import StrEnum


class Kind(StrEnum):
    """A message of a kind replaces the one before it by its own instant, never by its arrival.

    PLACED: we asked for the call ourselves. DECISION: what we answered. DIALLING: an outbound call is on its way.
    IN_PROGRESS: it was answered. FORWARDING: it is being handed on. ENDED: Vapi says so. REPORT: the end-of-call
    report. LISTED: Vapi's call list says so. SETTLED: no report came, so the record stands as it is.
    """

    PLACED = "placed"
    DECISION = "decision"
    DIALLING = "dialling"
    IN_PROGRESS = "inProgress"
    FORWARDING = "forwarding"
    ENDED = "ended"
    REPORT = "report"
    LISTED = "listed"
    SETTLED = "settled"


EARLIEST_WINS = frozenset({Kind.DIALLING, Kind.IN_PROGRESS})
"""Of these the first instant counts: in-progress comes again after a warm transfer, and a call starts once."""
