"""Taking one caller out of the table: each step is conditional, may be repeated, and leaves the sums as they are.

Calls are found by the index by caller, so what stands in it goes last of each call. A call becomes a tombstone: its
messages may still be on their way, which a new record would bring the caller back with, and which are to be counted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from switchboard.calls.kinds import Kind
from switchboard.calls.record import call_from_item, nameless
from switchboard.routing.caller import caller_of
from switchboard.store import keys
from switchboard.store.calls import Place, is_erased, place_of
from switchboard.store.dynamo import Item, Table, plain, table, wire
from switchboard.store.lines import lines_of
from switchboard.store.usage import counted, taking_out

_TRIES = 8

_AT_ONCE = 100
"""Items of one BatchGetItem, DynamoDB's limit."""

_KEPT = (
    *("numberId", "business", "callId", "rev", "expiresAt"),
    *("unfinished", "unfinishedSince"),  # its report is waited for as ever
    *("callerOf", "calledAt"),  # until it is let go
)


class ErasureContended(Exception):
    """Others kept changing the same item."""


@dataclass(frozen=True)
class Erasure:
    """Reads are consistent but for the indexes'."""

    table: Table

    def calls_of(self, business: str, caller: str) -> Iterator[Place]:
        """Where the calls of all numbers of a business with one other party stand, the oldest first."""
        query: dict[str, Any] = {
            "TableName": self.table.name,
            "IndexName": keys.CALLS_BY_CALLER,
            "KeyConditionExpression": "callerOf = :caller",
            "ExpressionAttributeValues": wire({":caller": keys.caller_of(business, caller)}),
        }
        while True:
            answer = self.table.client.query(**query)
            yield from (place_of(plain(item)) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def numbers_of(self, business: str) -> Iterator[str]:
        """The ids of all numbers of a business, cancelled ones too."""
        query: dict[str, Any] = {
            "TableName": self.table.name,
            "IndexName": keys.BY_BUSINESS,
            "KeyConditionExpression": "#business = :business",
            "ExpressionAttributeNames": {"#business": "business"},
            "ExpressionAttributeValues": wire({":business": business}),
            "ProjectionExpression": "PK",
        }
        while True:
            answer = self.table.client.query(**query)
            yield from (str(plain(item)["PK"]).removeprefix("NUMBER#") for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def close(self, place: Place) -> Item | None:
        """Leaves of this call what is counted of it, all that is written of it from now on too; None if it is gone.

        What is left stays in the index by caller, and says whether there was a transcript. Raises ErasureContended.
        """
        client, key = self.table.client, keys.call(place.number_id, place.call_id)
        for _ in range(_TRIES):
            item = self._item(key)
            if item is None or is_erased(item):
                return item
            left = {name: item[name] for name in (*key, *_KEPT) if name in item} | {"erased": True}
            left |= {kind.value: nameless(item[kind.value]) for kind in Kind if kind.value in item}
            if call_from_item(item).transcript_key is not None:
                left["hadTranscript"] = True
            try:
                client.put_item(
                    TableName=self.table.name,
                    Item=wire(left),
                    ConditionExpression="rev = :read AND attribute_not_exists(erased)",
                    ExpressionAttributeValues=wire({":read": item["rev"]}),
                )
            except client.exceptions.ConditionalCheckFailedException:
                continue
            return left
        raise ErasureContended(place.call_id)

    def forget_in_usage(self, place: Place, expires_at: Any) -> None:
        """The call stays counted, its caller does not: neither in what is counted nor in what still will be.

        expires_at: when the call's items expire, Unix seconds. Raises ErasureContended.
        """
        client, name = self.table.client, self.table.name
        key = keys.tally(place.number_id, place.call_id)
        for _ in range(_TRIES):
            receipt = self._item(key)
            if receipt is not None and "erased" in receipt:
                return
            held = counted(receipt)
            left = key | {
                "rev": 0 if receipt is None else receipt["rev"],
                "counted": {sort: sums for sort, sums in held.items() if not keys.names_callers(sort)},
                "erased": True,
                "expiresAt": expires_at,
            }
            put: Item = {"TableName": name, "Item": wire(left), "ConditionExpression": "attribute_not_exists(PK)"}
            if receipt is not None:
                put["ConditionExpression"] = "rev = :read AND attribute_not_exists(erased)"
                put["ExpressionAttributeValues"] = wire({":read": receipt["rev"]})
            operations: list[Any] = [{"Put": put}]
            for sort in filter(keys.names_callers, held):
                bucket = keys.bucket(place.number_id, keys.bucket_names(sort))
                operations.append(
                    {"Update": {"TableName": name, "Key": wire(bucket)} | taking_out(held[sort], expires_at)}
                )
            try:
                client.transact_write_items(TransactItems=operations)
            except client.exceptions.TransactionCanceledException as refused:
                codes = {reason.get("Code") for reason in refused.response.get("CancellationReasons", [])}
                if codes <= {"None", "ConditionalCheckFailed", "TransactionConflict"}:
                    continue
                raise
            return
        raise ErasureContended(place.call_id)

    def let_go(self, place: Place) -> bool:
        """What is left of a closed call leaves the index; False if it had left it before."""
        client = self.table.client
        try:
            client.update_item(
                TableName=self.table.name,
                Key=wire(keys.call(place.number_id, place.call_id)),
                UpdateExpression="REMOVE callerOf, calledAt, hadTranscript",
                ConditionExpression="attribute_exists(erased) AND attribute_exists(callerOf)",
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def forget_on_lines(self, number_ids: Sequence[str], caller: str) -> None:
        """Lines in use do not name a caller any more; they are held as ever."""
        client, name = self.table.client, self.table.name
        for item in self._found([keys.lines(number_id) for number_id in number_ids]):
            for line in (lines_of(item) or {}).values():
                if caller_of(line.caller).e164 != caller:
                    continue
                try:
                    client.update_item(
                        TableName=name,
                        Key=wire({name: item[name] for name in ("PK", "SK")}),
                        UpdateExpression="REMOVE #lines.#call.caller",
                        ConditionExpression="#lines.#call.caller = :caller",
                        ExpressionAttributeNames={"#lines": "lines", "#call": line.call_id},
                        ExpressionAttributeValues=wire({":caller": line.caller}),
                    )
                except client.exceptions.ConditionalCheckFailedException:
                    continue  # it was given back

    def forget_in_lists(self, number_ids: Sequence[str], caller: str) -> tuple[int, int]:
        """Takes a caller off the exact blocks and allows of numbers; how many there were of each."""
        taken_off = {"blocked": 0, "allowed": 0}
        for count, make in (("blocked", keys.block), ("allowed", keys.allow)):
            for entry in self._found([make(number_id, caller) for number_id in number_ids]):
                key = {name: entry[name] for name in ("PK", "SK")}
                taken_off[count] += self._take_off(entry["PK"].removeprefix("NUMBER#"), key, count)
        return taken_off["blocked"], taken_off["allowed"]

    def forget_windows(self, business: str, caller: str) -> int:
        """Takes away what is known of a caller's recent behaviour; how many hours of it there were."""
        client, name = self.table.client, self.table.name
        query: dict[str, Any] = {
            "TableName": name,
            "KeyConditionExpression": "PK = :pk",
            "ExpressionAttributeValues": wire({":pk": keys.window(business, caller, 0)["PK"]}),
            "ProjectionExpression": "PK, SK",
            "ConsistentRead": True,
        }
        forgotten = 0
        while True:
            answer = client.query(**query)
            for key in answer["Items"]:
                client.delete_item(TableName=name, Key=key)
                forgotten += 1
            if "LastEvaluatedKey" not in answer:
                return forgotten
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _item(self, key: Item) -> Item | None:
        answer = self.table.client.get_item(TableName=self.table.name, Key=wire(key), ConsistentRead=True)
        return plain(answer["Item"]) if "Item" in answer else None

    def _found(self, asked: Sequence[Item]) -> Iterator[Item]:
        """Those of the items that there are."""
        left = [wire(key) for key in asked]
        while left:
            wanted: Any = {self.table.name: {"Keys": left[:_AT_ONCE], "ConsistentRead": True}}
            answer = self.table.client.batch_get_item(RequestItems=wanted)
            yield from map(plain, answer["Responses"].get(self.table.name, []))
            unread: Any = answer.get("UnprocessedKeys") or {}
            left = [*unread.get(self.table.name, {}).get("Keys", []), *left[_AT_ONCE:]]

    def _take_off(self, number_id: str, entry: Item, count: str) -> bool:
        client, name = self.table.client, self.table.name
        for _ in range(_TRIES):
            operations: list[Any] = [
                {"Delete": {"TableName": name, "Key": wire(entry), "ConditionExpression": "attribute_exists(PK)"}},
                {
                    "Update": {
                        "TableName": name,
                        "Key": wire(keys.screening_counts(number_id)),
                        "UpdateExpression": "ADD #count :less",
                        "ExpressionAttributeNames": {"#count": count},
                        "ExpressionAttributeValues": wire({":less": -1}),
                    }
                },
            ]
            try:
                client.transact_write_items(TransactItems=operations)
            except client.exceptions.TransactionCanceledException as refused:
                codes = {reason.get("Code") for reason in refused.response.get("CancellationReasons", [])}
                if "ConditionalCheckFailed" in codes:
                    return False
                continue
            return True
        raise ErasureContended(number_id)


@lru_cache(maxsize=1)
def erasure() -> Erasure:
    return Erasure(table())
