"""Blocked and allowed callers: what blockNumber takes, what a list shows, and how a list is replaced.

An exact caller is an item of its own, so that 100,000 of them cost a call nothing; prefixes are few and stand on the
number. An entry whose expiresAt has come counts no more, whether or not it is still kept.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field, StringConstraints

from switchboard.errors import FieldError
from switchboard.model.base import MADE_HERE, NumberOrPrefix, Shape, Timestamp

MOST_AT_ONCE = 90
"""Exact callers that one update may put and take away, both lists together: DynamoDB writes 100 items at once."""

MOST_PREFIXES = 90

MOST_SHOWN = 1000
"""Exact callers in a number's representation, the newest of them."""


class BlockRequest(Shape):
    """Input of blockNumber: one caller, or all callers whose E.164 number starts so."""

    phone_number: NumberOrPrefix
    reason: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    expires_at: Annotated[Timestamp | None, Field(description="From when it counts no more; null: never.")] = None

    def unfit(self, at: Timestamp) -> Iterator[FieldError]:
        """What is wrong with it now."""
        if self.expires_at is not None and self.expires_at <= at:
            yield FieldError("expiresAt", "must be in the future")


class Listed(Shape):
    """An entry as it is kept. added_at: Unix milliseconds."""

    model_config = MADE_HERE

    pattern: str
    added_at: int
    reason: str | None = None
    expires_at: Timestamp | None = None

    def lapsed(self, at: Timestamp) -> bool:
        return self.expires_at is not None and self.expires_at <= at

    def says(self, request: BlockRequest) -> bool:
        """Whether it says what is asked for already."""
        return (self.reason, self.expires_at) == (request.reason, request.expires_at)


class BlockedNumber(Shape):
    """A blocked caller or prefix, why, and until when."""

    model_config = MADE_HERE

    phone_number: NumberOrPrefix
    reason: str | None = None
    expires_at: Timestamp | None = None
    added_at: Timestamp

    @classmethod
    def of(cls, entry: Listed) -> "BlockedNumber":
        return cls(
            phone_number=entry.pattern,
            reason=entry.reason,
            expires_at=entry.expires_at,
            added_at=entry.added_at // 1000,
        )


class BlockedNumberList(Shape):
    """A page of blocked callers by their numbers; `nextCursor` is absent on the last."""

    model_config = MADE_HERE

    items: list[BlockedNumber]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Lists:
    """The exact callers of a number's lists, the newest first and at most MOST_SHOWN of each.

    blocked_count: all that are blocked; of more than MOST_SHOWN an expired one counts until it has been taken away.
    lapsed: blocks that are kept but count no more, with their added_at.
    """

    blocked: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    blocked_count: int = 0
    lapsed: Mapping[str, int] = field(default_factory=dict)


def listed(request: BlockRequest, held: Listed | None, at: float) -> Listed:
    """The entry that a block makes of the one that is held, if any; one that has lapsed is blocked anew.

    at: Unix seconds with their fraction.
    """
    added = int(at * 1000) if held is None or held.lapsed(int(at)) else held.added_at
    return Listed(pattern=request.phone_number, added_at=added, reason=request.reason, expires_at=request.expires_at)


def is_prefix(pattern: str) -> bool:
    return pattern.endswith("*")


def exact(patterns: Iterable[str]) -> set[str]:
    return {pattern for pattern in patterns if not is_prefix(pattern)}


def prefixes(patterns: Iterable[str], held: Iterable[Listed], at: float) -> list[Listed]:
    """The prefixes among the patterns; one that is held already keeps its reason, expiry and time.

    at: Unix seconds with their fraction.
    """
    known = {entry.pattern: entry for entry in held if not entry.lapsed(int(at))}
    wanted = dict.fromkeys(filter(is_prefix, patterns))
    return [known.get(pattern, Listed(pattern=pattern, added_at=int(at * 1000))) for pattern in wanted]


def too_many_at_once(
    blocked: tuple[Iterable[str], Iterable[str]], allowed: tuple[Iterable[str], Iterable[str]]
) -> Iterator[FieldError]:
    """What forbids lists to be replaced in one step; each list as it was and as it is to be."""
    lists = {"blockedNumbers": blocked, "allowedNumbers": allowed}
    changes = 0
    for path, (before, after) in lists.items():
        was, becomes = exact(before), exact(after)
        if was != becomes and len(was) > MOST_AT_ONCE:
            yield FieldError(path, f"has more than {MOST_AT_ONCE} callers: use blockNumber and unblockNumber")
        changes += len(was ^ becomes)
    if changes > MOST_AT_ONCE:
        yield FieldError(
            "blockedNumbers", f"an update changes at most {MOST_AT_ONCE} callers: use blockNumber and unblockNumber"
        )
