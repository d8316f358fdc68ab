"""Usage in the table: buckets of sums, and for each call a receipt of what they hold of it, always written together.

A receipt is what makes the sums exact: a stream record that is repeated, late, reordered or replayed finds a receipt
of its revision or a later one, and changes nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from switchboard.calls.record import call_from_item
from switchboard.calls.usage import Bucket, contribution, differences
from switchboard.store import keys
from switchboard.store.calls import is_erased
from switchboard.store.dynamo import Item, Table, bulk_table, plain, table, wire

_TRIES = 8

_AT_ONCE = 100
"""Items of one BatchGetItem, DynamoDB's limit."""

_NO_SUMS = frozenset({"PK", "SK", "expiresAt"})


class TallyContended(Exception):
    """Others kept counting the same call or number; the stream will bring the record again."""


@dataclass(frozen=True)
class Receipt:
    """What the buckets hold of a call, and of which of its revisions."""

    revision: int
    counted: Mapping[Bucket, Mapping[str, Any]]


@dataclass(frozen=True)
class Usage:
    """Buckets are read eventually consistent at half the price, unless `consistent`."""

    table: Table

    def count(self, call: Item, when_erased: Callable[[], None] | None = None) -> bool:
        """Brings the buckets up to this image of a call; False if they hold it or a later one already.

        Of a call that was erased, as the image or the receipt says, no caller is counted, and one who was is taken out.
        when_erased: done where the receipt says so.
        """
        number_id, revision = call["numberId"], int(call["rev"])
        buckets = contribution(call_from_item(call))
        of_all = {keys.bucket(number_id, names)["SK"]: sums for names, sums in buckets.items()}
        for _ in range(_TRIES):
            receipt = self._receipt(call)
            if when_erased is not None and is_erased(receipt):
                when_erased()
            if receipt is not None and int(receipt["rev"]) >= revision:
                return False
            added: Mapping[str, Mapping[str, Any]]
            if is_erased(receipt):
                added = {sort: sums for sort, sums in of_all.items() if not keys.names_callers(sort)}
            else:
                added = of_all if is_erased(call) else _with_all_names(counted(receipt), of_all)
            if self._write(call, receipt, added, differences(counted(receipt), added)):
                return True
        raise TallyContended(call["callId"])

    def months(self, wanted: Iterable[tuple[str, str]], *, consistent: bool = False) -> dict[tuple[str, str], Item]:
        """Sums by number id and UTC month such as `2026-11`; empty where there is no bucket."""
        asked = {each: keys.month(*each) for each in wanted}
        found = self._read(asked.values(), consistent=consistent)
        return {each: found.get(_key(key), {}) for each, key in asked.items()}

    def with_months(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, tuple[Item, dict[str, Item]]]:
        """The totals of numbers and their sums by UTC month, of the months that are asked for of each."""
        totals = {number_id: keys.totals(number_id) for number_id in wanted}
        months = {
            (number_id, month): keys.month(number_id, month) for number_id in wanted for month in wanted[number_id]
        }
        found = self._read([*totals.values(), *months.values()])
        return {
            number_id: (
                found.get(_key(totals[number_id]), {}),
                {month: found.get(_key(months[number_id, month]), {}) for month in wanted[number_id]},
            )
            for number_id in wanted
        }

    def hours(self, number_id: str, first: str, last: str, *, consistent: bool = False) -> Iterator[tuple[str, Item]]:
        """UTC hours such as `2026-11-23T07` with their sums, from first to last, both included, in order."""
        return self._by_hour(keys.hours_between(number_id, first, last), consistent=consistent)

    def callers(self, number_id: str, first: str, last: str) -> Iterator[tuple[str, Item]]:
        """UTC hours with the sums of one of their shards, from first to last, both included, in order."""
        return self._by_hour(keys.callers_between(number_id, first, last), consistent=False)

    def buckets(self, number_id: str) -> Iterator[tuple[Bucket, Item]]:
        """All buckets of a number by their names, as they are now."""
        for item in map(plain, self._between(keys.buckets_of(number_id), consistent=True)):
            yield keys.bucket_names(item["SK"]), _sums(item)

    def receipts(self, number_id: str) -> Iterator[tuple[str, Receipt]]:
        """What is counted of each call, by its id, in the order of the ids, as it is now."""
        for item in map(plain, self._between(keys.tallies_of(number_id), consistent=True)):
            sums = {keys.bucket_names(sort): held for sort, held in counted(item).items()}
            yield item["SK"].removeprefix("TALLY#"), Receipt(int(item["rev"]), sums)

    def _by_hour(self, bounds: dict[str, str], *, consistent: bool) -> Iterator[tuple[str, Item]]:
        for item in self._between(bounds, consistent=consistent):
            sums = {name: Decimal(value["N"]) for name, value in item.items() if name not in _NO_SUMS}
            yield keys.bucket_names(item["SK"]["S"])[1], sums

    def _between(self, bounds: dict[str, str], *, consistent: bool) -> Iterator[dict[str, Any]]:
        """Items in DynamoDB's own types, since there can be very many."""
        query: dict[str, Any] = {
            "TableName": self.table.name,
            "KeyConditionExpression": "PK = :pk AND SK BETWEEN :from AND :to",
            "ExpressionAttributeValues": wire(bounds),
            "ConsistentRead": consistent,
        }
        while True:
            answer = self.table.client.query(**query)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _read(self, wanted: Iterable[dict[str, Any]], *, consistent: bool = False) -> dict[tuple[str, str], Item]:
        """The sums of the buckets that there are, by their keys."""
        found: dict[tuple[str, str], Item] = {}
        left = [wire(key) for key in wanted]
        while left:
            asked: Any = {self.table.name: {"Keys": left[:_AT_ONCE], "ConsistentRead": consistent}}
            answer = self.table.client.batch_get_item(RequestItems=asked)
            for item in map(plain, answer["Responses"].get(self.table.name, [])):
                found[_key(item)] = _sums(item)
            unread: Any = answer.get("UnprocessedKeys") or {}
            left = [*unread.get(self.table.name, {}).get("Keys", []), *left[_AT_ONCE:]]
        return found

    def _receipt(self, call: Item) -> Item | None:
        answer = self.table.client.get_item(
            TableName=self.table.name, Key=wire(keys.tally(call["numberId"], call["callId"])), ConsistentRead=True
        )
        return plain(answer["Item"]) if "Item" in answer else None

    def _write(
        self, call: Item, read: Item | None, added: Mapping[str, Mapping[str, Any]], changes: Mapping[str, Item]
    ) -> bool:
        client, name = self.table.client, self.table.name
        receipt = keys.tally(call["numberId"], call["callId"]) | {"rev": int(call["rev"]), "counted": added}
        if "expiresAt" in call:
            receipt["expiresAt"] = call["expiresAt"]
        if is_erased(read) or is_erased(call):
            receipt["erased"] = True
        put: dict[str, Any] = {"TableName": name, "Item": wire(receipt)}
        if read is None:
            put["ConditionExpression"] = "attribute_not_exists(PK)"
        else:
            put |= {
                "ConditionExpression": f"rev = :read AND attribute_{'' if is_erased(read) else 'not_'}exists(erased)",
                "ExpressionAttributeValues": wire({":read": int(read["rev"])}),
            }
        operations: list[Any] = [{"Put": put}]
        named = [sort for sort in counted(read) if is_erased(call) and keys.names_callers(sort)]
        for sort in {**changes, **dict.fromkeys(named)}:
            update = {"TableName": name, "Key": wire(keys.bucket(call["numberId"], keys.bucket_names(sort)))}
            expires_at = call.get("expiresAt") if keys.names_callers(sort) else None
            change = (
                taking_out(counted(read)[sort], expires_at) if sort in named else _adding(changes[sort], expires_at)
            )
            operations.append({"Update": update | change})
        try:
            client.transact_write_items(TransactItems=operations)
        except client.exceptions.TransactionCanceledException as refused:
            codes = {reason.get("Code") for reason in refused.response.get("CancellationReasons", [])}
            if codes <= {"None", "ConditionalCheckFailed", "TransactionConflict"}:
                return False
            raise
        return True


def counted(receipt: Mapping[str, Any] | None) -> Mapping[str, Mapping[str, Any]]:
    """What a receipt says of each bucket, by its sort key. One without buckets speaks of the totals alone."""
    held: Mapping[str, Any] = receipt["counted"] if receipt else {}
    if any(not isinstance(sums, Mapping) for sums in held.values()):
        return {keys.TOTALS: held}
    return held


def _with_all_names(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """What is to be counted, with a zero for each name of a caller that it has left since.

    The erasure of another call of that caller may have taken the name out of such a bucket before a correction of this
    one brought it back, as a difference; the erasure of this one has to find it there.
    """
    left = {sort: dict.fromkeys(sums, 0) for sort, sums in before.items() if keys.names_callers(sort)}
    return {sort: {**left.get(sort, {}), **after.get(sort, {})} for sort in {*left, *after}}


def _adding(sums: Item, expires_at: Any) -> dict[str, Any]:
    """The update that adds to sums; what names callers goes when the call that was counted last does."""
    terms = ", ".join(f"#{position} :{position}" for position in range(len(sums)))
    values: Item = {f":{position}": by for position, by in enumerate(sums.values())}
    change = f"ADD {terms}"
    if expires_at is not None:
        change, values[":expires"] = f"SET expiresAt = :expires {change}", expires_at
    return {
        "UpdateExpression": change,
        "ExpressionAttributeNames": {f"#{position}": name for position, name in enumerate(sums)},
        "ExpressionAttributeValues": wire(values),
    }


def taking_out(sums: Mapping[str, Any], expires_at: Any) -> dict[str, Any]:
    """The update that takes sums away by their names; an item that had expired meanwhile expires again."""
    terms = ", ".join(f"#{position}" for position in range(len(sums)))
    return {
        "UpdateExpression": f"SET expiresAt = if_not_exists(expiresAt, :expires) REMOVE {terms}",
        "ExpressionAttributeNames": {f"#{position}": name for position, name in enumerate(sums)},
        "ExpressionAttributeValues": wire({":expires": expires_at}),
    }


def _sums(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in _NO_SUMS}


def _key(item: Item) -> tuple[str, str]:
    return item["PK"], item["SK"]


@lru_cache(maxsize=1)
def usage() -> Usage:
    return Usage(table())


@lru_cache(maxsize=1)
def usage_in_bulk() -> Usage:
    """The same for who reads the buckets of a long time."""
    return Usage(bulk_table())
