"""Lines of a capped number: each call that Vapi answers holds one, and one that was never given back runs out.

One item a number, `{lines: {callId: {since, until, caller?}}}`, never with more lines than the number has, unless it
had more when they were taken. DynamoDB keeps 400 KB in an item, so a number has at most 1,000 lines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from switchboard.routing.thresholds import instant
from switchboard.store import keys
from switchboard.store.dynamo import Deadline, Item, Table, answering_table, plain, table, wire

MARGIN_SECONDS = 120
"""Held beyond the call's longest duration: ringing before it, and clocks that differ."""

LONGEST_CALL_SECONDS = 43_200
"""Vapi's upper limit, for calls whose duration the answer cannot limit (workflows)."""

NEVER = 253_402_300_799
"""Until when a line is held whose end cannot be read: the year 9999, or until its call is found to be over."""

CALLER_BYTES = 200
"""Longest caller id of a line; an address may be longer."""

_TRIES = 3

_AT_ONCE = 40
"""Run-out lines that one request takes away: DynamoDB's expressions have 4 KB and 300 operators at most."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line in use. since, until: Unix seconds; at `until` it is free whatever became of the call."""

    call_id: str
    since: int
    until: int
    caller: str | None = None


def lines_of(item: Item | None) -> dict[str, Line] | None:
    """The lines of a number's item by their calls, run out or not; none where there is no item.

    One that cannot be read is held until it is given back. None if no line can be read, which is to say that all are
    in use.
    """
    kept = {} if item is None else item.get("lines", {})
    return {call_id: _read(call_id, line) for call_id, line in kept.items()} if isinstance(kept, Mapping) else None


@dataclass(frozen=True)
class Lines:
    table: Table

    def take(self, number_id: str, line: Line, most: int, seen: Item | None, deadline: Deadline) -> bool:
        """Takes a line for a call unless all `most` are in use; a call that holds one keeps it.

        seen: the item as it was read, which need not be true any more: every condition is checked by the table. Where
        all are in use, lines that have run out make room, as long as they are still the ones that were seen.
        """
        for _ in range(_TRIES):
            lines = lines_of(seen)
            if lines is None:
                return False
            ran_out = sorted((held.until, held.call_id) for held in lines.values() if held.until <= line.since)
            if line.call_id not in lines and len(lines) - len(ran_out) >= most:
                return False
            fewer_than, replaced = most, ran_out[:0]
            if line.call_id not in lines and len(lines) >= most:
                # Into a full item a line only comes like this, and each time the line goes that ran out first: of two
                # calls that have seen the same, one gets in. So nothing else of the item has to be as it was seen.
                fewer_than, replaced = len(lines) + 1, ran_out[:_AT_ONCE]
            deadline.must_allow()
            is_first = seen is None or "lines" not in seen
            refused = self._take(number_id, line, fewer_than, replaced, is_first=is_first)
            if refused is None:
                return True
            seen = refused or None
            if line.call_id in (lines_of(seen) or {}):
                return True
        return False

    def _take(
        self, number_id: str, line: Line, fewer_than: int, replaced: Sequence[tuple[int, str]], *, is_first: bool
    ) -> Item | None:
        """One conditional update: None if it was made, else the item as it stands, empty where there is none.

        replaced: (until, call id) of the lines that make room.
        """
        values: Item = {":line": _kept(line)}
        names: dict[str, str] = {"#call": line.call_id}
        if is_first:
            names, change, condition = {}, "SET #lines = :line", "attribute_not_exists(#lines)"
            values = {":line": {line.call_id: _kept(line)}}
        else:
            change = "SET #lines.#call = if_not_exists(#lines.#call, :line)"
            condition = "attribute_exists(#lines) AND (attribute_exists(#lines.#call) OR size(#lines) < :most)"
            values[":most"] = fewer_than
        if replaced:
            condition = "attribute_exists(#lines) AND size(#lines) < :most"
            for position, (until, call_id) in enumerate(replaced):
                names[f"#old{position}"] = call_id
                values[f":old{position}"] = until
                condition += f" AND #lines.#old{position}.#until = :old{position}"
            names["#until"] = "until"
            change += " REMOVE " + ", ".join(f"#lines.#old{position}" for position in range(len(replaced)))
        client = self.table.client
        try:
            client.update_item(
                TableName=self.table.name,
                Key=wire(keys.lines(number_id)),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#lines": "lines", **names},
                ExpressionAttributeValues=wire(values),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except client.exceptions.ConditionalCheckFailedException as refused:
            return plain(refused.response.get("Item") or {})  # type: ignore[arg-type]
        return None

    def give_back(self, number_id: str, call_id: str) -> bool:
        """Frees the line of a call that is over; False if it holds none. Safe to repeat."""
        client = self.table.client
        try:
            client.update_item(
                TableName=self.table.name,
                Key=wire(keys.lines(number_id)),
                UpdateExpression="REMOVE #lines.#call",
                ConditionExpression="attribute_exists(#lines.#call)",
                ExpressionAttributeNames={"#lines": "lines", "#call": call_id},
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def in_use(self, number_id: str, now: int) -> list[Line]:
        """The lines that have not run out, the longest held first (consistent read)."""
        answer = self.table.client.get_item(
            TableName=self.table.name, Key=wire(keys.lines(number_id)), ConsistentRead=True
        )
        lines = lines_of(plain(answer["Item"]) if "Item" in answer else None) or {}
        in_use = (line for line in lines.values() if line.until > now)
        return sorted(in_use, key=lambda line: (line.since, line.call_id))


def _kept(line: Line) -> Item:
    kept: Item = {"since": line.since, "until": line.until}
    if line.caller is not None:
        kept["caller"] = line.caller.encode(errors="replace")[:CALLER_BYTES].decode(errors="ignore")
    return kept


def _read(call_id: str, kept: Any) -> Line:
    line = kept if isinstance(kept, Mapping) else {}
    since, until, caller = instant(line.get("since")), instant(line.get("until")), line.get("caller")
    return Line(call_id, since or 0, NEVER if until is None else until, caller if isinstance(caller, str) else None)


@lru_cache(maxsize=1)
def lines() -> Lines:
    return Lines(table())


@lru_cache(maxsize=1)
def answering_lines() -> Lines:
    return Lines(answering_table())
