"""A call as a row of an export: the public Call's facts in columns, without what was said and without the trace."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeAlias

from switchboard.calls.record import Call

Row: TypeAlias = tuple[Any, ...]
"""A call's values in the order of the columns; None where there is none."""


class Kind(Enum):
    """What a column's values are: text; Unix milliseconds (int); seconds or cents (Decimal); yes or no (bool).

    Costs are US cents, as Vapi says them.
    """

    TEXT = "text"
    INSTANT = "instant"
    AMOUNT = "amount"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Column:
    """of: the column's value of a call."""

    name: str
    kind: Kind
    of: Callable[[Call], Any]


def rows_of(columns: Sequence[Column]) -> Callable[[Call], Row]:
    """What makes a call a row of these columns."""
    ways = [column.of for column in columns]
    return lambda call: tuple([way(call) for way in ways])


def _caller(call: Call) -> str | None:
    return call.customer if call.direction == "inbound" else call.ours


def _called(call: Call) -> str | None:
    return call.ours if call.direction == "inbound" else call.customer


def _decided(name: str) -> Callable[[Call], Any]:
    def of(call: Call) -> Any:
        return None if call.decision is None else call.decision.get(name)

    return of


_COLUMNS = (
    Column("id", Kind.TEXT, attrgetter("id")),
    Column("phoneNumberId", Kind.TEXT, attrgetter("number_id")),
    Column("direction", Kind.TEXT, attrgetter("direction")),
    Column("caller", Kind.TEXT, _caller),
    Column("called", Kind.TEXT, _called),
    Column("status", Kind.TEXT, attrgetter("status")),
    Column("outcome", Kind.TEXT, attrgetter("outcome")),
    Column("createdAt", Kind.INSTANT, attrgetter("created_at")),
    Column("startedAt", Kind.INSTANT, attrgetter("started_at")),
    Column("endedAt", Kind.INSTANT, attrgetter("ended_at")),
    Column("duration", Kind.AMOUNT, attrgetter("duration")),
    Column("cost", Kind.AMOUNT, attrgetter("cost")),
    Column("endedReason", Kind.TEXT, attrgetter("ended_reason")),
    Column("forwardedTo", Kind.TEXT, attrgetter("forwarded_to")),
    Column("reason", Kind.TEXT, _decided("reason")),
    Column("action", Kind.TEXT, _decided("action")),
    Column("ruleId", Kind.TEXT, _decided("ruleId")),
    Column("assistantId", Kind.TEXT, attrgetter("assistant")),
    Column("test", Kind.FLAG, attrgetter("test")),
    Column("recordingUrl", Kind.TEXT, attrgetter("recording_url")),
    Column("summary", Kind.TEXT, attrgetter("summary")),
)

COLUMNS: Mapping[str, Column] = MappingProxyType({column.name: column for column in _COLUMNS})
"""All columns by name, in the order in which they come when nobody chose."""
