"""Usage in the table: sums, and for each call a receipt of what they hold of it, always written together.

A receipt is what makes the sums exact: a stream record that is repeated, late, reordered or replayed finds a receipt
of its revision or a later one, and changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from switchboard.calls.record import call_from_item
from switchboard.calls.usage import contribution, counters, difference
from switchboard.store import keys
from switchboard.store.dynamo import Item, Table, plain, table, wire

_TRIES = 8


class TallyContended(Exception):
    """Others kept counting the same call or number; the stream will bring the record again."""


@dataclass(frozen=True)
class Usage:
    table: Table

    def count(self, call: Item) -> bool:
        """Brings the sums up to this image of a call; False if they hold it or a later one already."""
        added, revision = contribution(call_from_item(call)), int(call["rev"])
        for _ in range(_TRIES):
            receipt = self._receipt(call)
            if receipt is not None and int(receipt["rev"]) >= revision:
                return False
            counted: Mapping[str, Any] = receipt["counted"] if receipt else {}
            if self._write(call, receipt, added, difference(counted, added)):
                return True
        raise TallyContended(call["callId"])

    def of_numbers(self, number_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Counters by number id, for at most 100 numbers; a number without calls has its zeros."""
        ids = list(number_ids)
        found: dict[str, Mapping[str, Any]] = {}
        asked: Any = {self.table.name: {"Keys": [wire(keys.totals(number_id)) for number_id in ids]}} if ids else {}
        while asked:
            answer = self.table.client.batch_get_item(RequestItems=asked)
            for item in map(plain, answer["Responses"].get(self.table.name, [])):
                found[item["PK"].removeprefix("NUMBER#")] = item
            asked = answer.get("UnprocessedKeys")
        return {number_id: counters(found.get(number_id, {})) for number_id in ids}

    def _receipt(self, call: Item) -> Item | None:
        answer = self.table.client.get_item(
            TableName=self.table.name, Key=wire(keys.tally(call["numberId"], call["callId"])), ConsistentRead=True
        )
        return plain(answer["Item"]) if "Item" in answer else None

    def _write(self, call: Item, read: Item | None, added: Item, changes: Item) -> bool:
        client, name = self.table.client, self.table.name
        receipt = keys.tally(call["numberId"], call["callId"]) | {"rev": int(call["rev"]), "counted": added}
        if "expiresAt" in call:
            receipt["expiresAt"] = call["expiresAt"]
        put: dict[str, Any] = {"TableName": name, "Item": wire(receipt)}
        if read is None:
            put["ConditionExpression"] = "attribute_not_exists(PK)"
        else:
            put |= {
                "ConditionExpression": "rev = :read",
                "ExpressionAttributeValues": wire({":read": int(read["rev"])}),
            }
        operations: list[Any] = [{"Put": put}]
        if changes:
            terms = ", ".join(f"#{position} :{position}" for position in range(len(changes)))
            operations.append(
                {
                    "Update": {
                        "TableName": name,
                        "Key": wire(keys.totals(call["numberId"])),
                        "UpdateExpression": f"ADD {terms}",
                        "ExpressionAttributeNames": {f"#{i}": sum_ for i, sum_ in enumerate(changes)},
                        "ExpressionAttributeValues": wire({f":{i}": by for i, by in enumerate(changes.values())}),
                    }
                }
            )
        try:
            client.transact_write_items(TransactItems=operations)
        except client.exceptions.TransactionCanceledException as refused:
            codes = {reason.get("Code") for reason in refused.response.get("CancellationReasons", [])}
            if codes <= {"None", "ConditionalCheckFailed", "TransactionConflict"}:
                return False
            raise
        return True


@lru_cache(maxsize=1)
def usage() -> Usage:
    return Usage(table())
