"""The numbers that this instance has seen, compiled: each revision is compiled once, and the last one seen is kept.

It is what callers are answered by while the table cannot be read.
"""

from collections.abc import Mapping
from typing import Any

from switchboard.routing.number import Number, number_from_item
from switchboard.store.dynamo import plain

_MOST = 1000
"""Numbers that an instance remembers; the one that was added first makes room."""

_seen: dict[str, tuple[str, Number]] = {}


def known_number(item: Mapping[str, Any]) -> Number:
    """The number of a stored item in DynamoDB's own types. Every change of a number has a new revision."""
    number_id, revision = item["id"]["S"], item["revision"]["N"]
    held = _seen.get(number_id)
    if held is not None and held[0] == revision:
        return held[1]
    number = number_from_item(plain(dict(item)))
    if held is None and len(_seen) >= _MOST:
        _seen.pop(next(iter(_seen)))
    _seen[number_id] = (revision, number)
    return number


def remembered(number_id: str, business: str) -> Number | None:
    """The number as it was last seen, None for one that was never seen or is another business's."""
    held = _seen.get(number_id)
    return held[1] if held is not None and held[1].business == business else None


def forget() -> None:
    """As an instance that has just started."""
    _seen.clear()
