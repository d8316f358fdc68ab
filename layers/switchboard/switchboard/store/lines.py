"""Lines of a capped number: each call that Vapi answers holds one, and one that was never given back runs out.

One item a number, `{lines: {callId: {since, until, caller?}}}`, never with more lines than the number has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from switchboard.store import keys
from switchboard.store.dynamo import Deadline, Item, Table, answering_table, plain, table, wire

MARGIN_SECONDS = 120
"""Held beyond the call's longest duration: ringing before it, and clocks that differ."""

LONGEST_CALL_SECONDS = 43_200
"""Vapi's upper limit, for calls whose duration the answer cannot limit (workflows)."""

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Line:
    """A line in use. since, until: Unix seconds; at `until` it is free whatever became of the call."""

    call_id: str
    since: int
    until: int
    caller: str | None = None


@dataclass(frozen=True)
class Lines:
    table: Table

    def take(self, number_id: str, line: Line, most: int, seen: Item | None, deadline: Deadline) -> bool:
        """Takes a line for a call unless all `most` are in use; a call that holds one keeps it.

        seen: the item as it was read, which need not be true any more: every condition is checked by the table. Where
        all are in use, lines that have run out are replaced, as long as they are still the ones that were seen.
        """
        for _ in range(_TRIES):
            lines: Mapping[str, Any] | None = None if seen is None else seen.get("lines", {})
            ran_out = {call: held["until"] for call, held in (lines or {}).items() if held["until"] <= line.since}
            if lines is not None and line.call_id not in lines and len(lines) - len(ran_out) >= most:
                return False
            replaced = ran_out if lines is not None and line.call_id not in lines and len(lines) >= most else {}
            deadline.must_allow()
            refused = self._take(number_id, line, most, lines is None, replaced)
            if refused is None:
                return True
            seen = refused or None
            if seen is not None and line.call_id in seen.get("lines", {}):
                return True
        return False

    def _take(self, number_id: str, line: Line, most: int, is_first: bool, replaced: Mapping[str, Any]) -> Item | None:
        """One conditional update: None if it was made, else the item as it stands, empty where there is none."""
        values: Item = {":line": _kept(line)}
        names: dict[str, str] = {"#call": line.call_id}
        if is_first:
            names, change, condition = {}, "SET #lines = :line", "attribute_not_exists(#lines)"
            values = {":line": {line.call_id: _kept(line)}}
        else:
            change = "SET #lines.#call = if_not_exists(#lines.#call, :line)"
            condition = "attribute_exists(#lines) AND (attribute_exists(#lines.#call) OR size(#lines) < :most)"
            values[":most"] = most + len(replaced)
        if replaced:
            condition = "attribute_exists(#lines) AND size(#lines) < :most"
            for position, (call_id, until) in enumerate(replaced.items()):
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
        held: Mapping[str, Any] = plain(answer["Item"])["lines"] if "Item" in answer else {}
        lines = [
            Line(call_id, int(line["since"]), int(line["until"]), line.get("caller")) for call_id, line in held.items()
        ]
        return sorted((line for line in lines if line.until > now), key=lambda line: (line.since, line.call_id))


def _kept(line: Line) -> Item:
    kept: Item = {"since": line.since, "until": line.until}
    return kept if line.caller is None else kept | {"caller": line.caller}


@lru_cache(maxsize=1)
def lines() -> Lines:
    return Lines(table())


@lru_cache(maxsize=1)
def answering_lines() -> Lines:
    return Lines(answering_table())
