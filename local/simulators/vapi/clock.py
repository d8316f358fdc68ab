"""Instants and identifiers. An instant is an ``int``: Unix epoch milliseconds, Vapi's own unit (vapi.md 2.1)."""

import secrets
import time
import uuid
from datetime import UTC, datetime


def now() -> int:
    """The wall clock, in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def iso(instant: int) -> str:
    """ISO 8601 in UTC with milliseconds, as Vapi writes ``createdAt``: ``2026-08-04T17:00:00.000Z``."""
    seconds, millis = divmod(instant, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{millis:03d}Z"


def parse(text: str) -> float:
    """Epoch milliseconds of an ISO 8601 text, UTC unless it says otherwise; raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def call_id(instant: int) -> str:
    """A UUIDv7 (RFC 9562) of that instant: call ids are ordered by time (vapi.md 2.1)."""
    value = (instant & (2**48 - 1)) << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))


class Timeline:
    """Gives the messages of one call instants that strictly increase."""

    def __init__(self, start: int) -> None:
        self._last = start

    def at(self, instant: int) -> int:
        """``instant``, or one millisecond after the previous answer where that is later."""
        self._last = max(instant, self._last + 1)
        return self._last
