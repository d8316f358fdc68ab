"""Blocked and allowed callers: the most specific entry wins, and of two alike the one that blocks."""

from collections.abc import Iterable
from dataclasses import dataclass

_EXACT = 100
"""More specific than any prefix: an E.164 number has 15 digits at most."""


@dataclass(frozen=True, slots=True)
class Entry:
    """pattern: an E.164 number, or a prefix such as `+1900*`. expires_at: Unix seconds from which it counts no more."""

    pattern: str
    expires_at: int | None = None
    reason: str | None = None

    @property
    def specificity(self) -> int:
        return len(self.pattern) - 2 if self.pattern.endswith("*") and self != ANYBODY else _EXACT

    def covers(self, e164: str, at: int) -> bool:
        if self.expires_at is not None and self.expires_at <= at:
            return False
        prefix = self.pattern.removesuffix("*")
        return e164.startswith(prefix) if prefix != self.pattern else e164 == self.pattern


ANYBODY = Entry("*")
"""What stands for a block that cannot be read: it may name whoever calls, so no allow is more specific."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`blocked`, `allowed`, or neither (None), and the entry that says so."""

    says: str | None
    entry: Entry | None = None


def screen(blocked: Iterable[Entry], allowed: Iterable[Entry], e164: str | None, at: int) -> Verdict:
    """What the lists say of a caller at an instant. Nobody can list a caller without a number."""
    if e164 is None:
        return Verdict(None)
    block, allow = _closest(blocked, e164, at), _closest(allowed, e164, at)
    if block is not None and (allow is None or block.specificity >= allow.specificity):
        return Verdict("blocked", block)
    return Verdict("allowed", allow) if allow is not None else Verdict(None)


def _closest(entries: Iterable[Entry], e164: str, at: int) -> Entry | None:
    covering = [entry for entry in entries if entry.covers(e164, at)]
    return max(covering, key=lambda entry: entry.specificity, default=None)
