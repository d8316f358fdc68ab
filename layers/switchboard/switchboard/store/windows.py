"""A caller's recent behaviour toward one business: sets of call ids by the hour, which forget by themselves.

Only ever added to, by sets, so that any order and any repetition of the stream ends in the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from switchboard.calls.record import Call
from switchboard.routing.caller import caller_of
from switchboard.routing.spam import Recent
from switchboard.store import keys
from switchboard.store.dynamo import Item, Table, table, wire

HOURS = 3
"""How many windows count: the hour of the call and those before it."""

_KEPT_HOURS = HOURS + 1
_MOST = 100
"""Calls of one caller in one window; a caller who has made so many has said enough, and the item stays small."""


@dataclass(frozen=True)
class Windows:
    table: Table

    def note(self, call: Call) -> bool:
        """Adds what an inbound call says of its caller; False if it says nothing, or the window is full."""
        e164 = caller_of(call.customer).e164
        if call.direction != "inbound" or call.test or e164 is None:
            return False
        hour = call.created_at // 3_600_000
        added: Item = {":calls": {call.id}, ":numbers": {call.number_id}}
        change = "ADD calls :calls, numbers :numbers"
        if call.is_short:
            change += ", shortCalls :calls"
        client = self.table.client
        try:
            client.update_item(
                TableName=self.table.name,
                Key=wire(keys.window(call.business, e164, hour)),
                UpdateExpression=f"SET expiresAt = :expires {change}",
                ConditionExpression="attribute_not_exists(calls) OR size(calls) < :most",
                ExpressionAttributeValues=wire(added | {":expires": (hour + _KEPT_HOURS) * 3600, ":most": _MOST}),
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def forget(self, call: Call) -> None:
        """Takes the window of a call away, whose caller was erased while it was noted."""
        e164 = caller_of(call.customer).e164
        if e164 is not None:
            key = keys.window(call.business, e164, call.created_at // 3_600_000)
            self.table.client.delete_item(TableName=self.table.name, Key=wire(key))


def window_keys(business: str, e164: str, at: int) -> list[dict[str, Any]]:
    """Keys of the windows that count at an instant (Unix seconds)."""
    return [keys.window(business, e164, at // 3600 - before) for before in range(HOURS)]


def recent(windows: Iterable[Mapping[str, Any]], number_id: str) -> Recent:
    """The windows summed up, as a call to this number comes in."""
    numbers, short_calls = {number_id}, set[str]()
    for window in windows:
        numbers |= _texts(window.get("numbers"))
        short_calls |= _texts(window.get("shortCalls"))
    return Recent(numbers_called=len(numbers), short_calls=len(short_calls))


def _texts(kept: Any) -> set[str]:
    """What cannot be read is not known, and no reason against a caller."""
    return kept if isinstance(kept, set) else set()


@lru_cache(maxsize=1)
def windows() -> Windows:
    return Windows(table())
