"""Blocked and allowed callers in the table: an exact one is an item of its own, prefixes stand on the number's.

A call reads one caller's two items by their keys, whatever the length of the lists. How many there are is kept in a
small item of its own, in one transaction with each entry that comes or goes.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from switchboard.errors import ChangedMeanwhile, InvalidRequest, VersionMismatch
from switchboard.model.record import NumberRecord
from switchboard.model.screening import MOST_SHOWN, BlockRequest, Listed, Lists, is_prefix, listed
from switchboard.store import keys
from switchboard.store.dynamo import Item, Table, plain, table, wire
from switchboard.store.numbers import Numbers, block_item, numbers

_TRIES = 5

_COUNTS_AT_ONCE = 100
"""Items of one BatchGetItem, DynamoDB's limit."""


@dataclass(frozen=True)
class BlockedPage:
    entries: list[Listed]
    last_key: str | None
    """The pattern to go on after; None on the last page."""


@dataclass(frozen=True)
class Screening:
    """clock: Unix seconds with their fraction."""

    table: Table
    numbers: Numbers
    clock: Callable[[], float] = time.time

    def block(self, number_id: str, business: str, request: BlockRequest, if_version: int | None) -> NumberRecord:
        """Blocks a caller or a prefix; one that is blocked already takes the reason and the expiry that are given.

        An exact caller is no part of the number's version, a prefix is. Raises InvalidRequest, NumberNotFound,
        StatusConflict, VersionMismatch, ChangedMeanwhile.
        """
        errors = tuple(request.unfit(int(self.clock())))
        if errors:
            raise InvalidRequest(*errors)
        if is_prefix(request.phone_number):
            return self._change(number_id, business, if_version, lambda number: number.blocking(request, self.clock()))
        return self._exactly(number_id, business, if_version, request.phone_number, request)

    def unblock(self, number_id: str, business: str, pattern: str, if_version: int | None) -> NumberRecord:
        """Takes a caller or a prefix off the list; one that is not on it is off it. Raises as `block`."""
        if is_prefix(pattern):
            return self._change(
                number_id, business, if_version, lambda number: number.unblocking(pattern, int(self.clock()))
            )
        return self._exactly(number_id, business, if_version, pattern, None)

    def loaded(self, records: Sequence[NumberRecord]) -> list[NumberRecord]:
        """The records with their exact callers, the newest 1,000 of each list. At most 100 records.

        As they are now, except that of more than 1,000 blocked callers the order may be some moments old.
        """
        at = int(self.clock())
        counts = self._counts([record.number.id for record in records])
        return [record.with_lists(self._lists(record.number.id, counts, at), at) for record in records]

    def page(self, record: NumberRecord, limit: int, after: str | None) -> BlockedPage:
        """Blocked callers and prefixes that have not lapsed, by their numbers, at most `limit`."""
        at = int(self.clock())
        live = (entry for entry in record.blocked_prefixes if not entry.lapsed(at))
        prefixes = [entry for entry in live if after is None or entry.pattern > after]
        callers = islice(self._blocked(record.number.id, after, at, limit + 1), limit + 1)
        found = sorted([*prefixes, *callers], key=lambda entry: entry.pattern)
        shown = found[:limit]
        return BlockedPage(shown, shown[-1].pattern if len(found) > limit else None)

    def _change(
        self, number_id: str, business: str, if_version: int | None, move: Callable[[NumberRecord], NumberRecord]
    ) -> NumberRecord:
        for _ in range(_TRIES):
            record = self._current(number_id, business, if_version)
            try:
                return self.numbers.save(record, move(record))
            except ChangedMeanwhile:
                continue
        raise ChangedMeanwhile

    def _exactly(
        self, number_id: str, business: str, if_version: int | None, caller: str, request: BlockRequest | None
    ) -> NumberRecord:
        """Brings one caller's entry to what is asked for; None: to nothing."""
        for _ in range(_TRIES):
            record = self._current(number_id, business, if_version)
            held = self._held(number_id, caller)
            wanted = None if request is None else listed(request, held, self.clock())
            if wanted == held or self._written(record, caller, held, wanted):
                return record
        raise ChangedMeanwhile

    def _current(self, number_id: str, business: str, if_version: int | None) -> NumberRecord:
        record = self.numbers.get(number_id, business)
        if if_version is not None and if_version != record.number.version:
            raise VersionMismatch(record.number.version)
        record.refuse_if_cancelled()
        return record

    def _held(self, number_id: str, caller: str) -> Listed | None:
        answer = self.table.client.get_item(
            TableName=self.table.name, Key=wire(keys.block(number_id, caller)), ConsistentRead=True
        )
        return _listed(plain(answer["Item"])) if "Item" in answer else None

    def _written(self, record: NumberRecord, caller: str, held: Listed | None, wanted: Listed | None) -> bool:
        """False if the entry or the number is no longer as it was read."""
        client, name, number = self.table.client, self.table.name, record.number
        as_read: dict[str, Any] = {"TableName": name, "ConditionExpression": "attribute_not_exists(PK)"}
        if held is not None:
            as_read |= {
                "ConditionExpression": "addedAt = :read",
                "ExpressionAttributeValues": wire({":read": held.added_at}),
            }
        operations: list[Any] = [
            {
                "ConditionCheck": {
                    "TableName": name,
                    "Key": wire(keys.number(number.id)),
                    "ConditionExpression": "version = :version",
                    "ExpressionAttributeValues": wire({":version": number.version}),
                }
            },
            {"Delete": {**as_read, "Key": wire(keys.block(number.id, caller))}}
            if wanted is None
            else {"Put": {**as_read, "Item": wire(block_item(record, wanted))}},
        ]
        more = int(wanted is not None) - int(held is not None)
        if more:
            operations.append(
                {
                    "Update": {
                        "TableName": name,
                        "Key": wire(keys.screening_counts(number.id)),
                        "UpdateExpression": "ADD blocked :more",
                        "ExpressionAttributeValues": wire({":more": more}),
                    }
                }
            )
        try:
            client.transact_write_items(TransactItems=operations)
        except client.exceptions.TransactionCanceledException:
            return False
        return True

    def _counts(self, number_ids: Iterable[str]) -> dict[str, Item]:
        asked: Any = {"Keys": [wire(keys.screening_counts(number_id)) for number_id in number_ids]}
        pending: Any = {self.table.name: asked | {"ConsistentRead": True}} if asked["Keys"] else {}
        found: dict[str, Item] = {}
        while pending:
            answer = self.table.client.batch_get_item(RequestItems=pending)
            for item in map(plain, answer["Responses"].get(self.table.name, [])):
                found[item["PK"].removeprefix("NUMBER#")] = item
            pending = answer.get("UnprocessedKeys")
        return found

    def _lists(self, number_id: str, counts: dict[str, Item], at: int) -> Lists:
        kept = counts.get(number_id, {})
        allowed = self._newest_first(keys.allows(number_id)) if kept.get("allowed") else []
        patterns = tuple(entry.pattern for entry in allowed if not entry.lapsed(at))
        if not kept.get("blocked"):
            return Lists(allowed=patterns)
        if kept["blocked"] > MOST_SHOWN:
            newest = islice(self._newest(number_id, at), MOST_SHOWN)
            return Lists(tuple(newest), patterns, int(kept["blocked"]))
        entries = self._newest_first(keys.blocks_after(number_id, None))
        live = tuple(entry.pattern for entry in entries if not entry.lapsed(at))
        lapsed = {entry.pattern: entry.added_at for entry in entries if entry.lapsed(at)}
        return Lists(live, patterns, len(live), lapsed)

    def _newest_first(self, where: dict[str, str]) -> list[Listed]:
        return sorted(self._between(where), key=lambda entry: (-entry.added_at, entry.pattern))

    def _blocked(self, number_id: str, after: str | None, at: int, at_once: int) -> Iterator[Listed]:
        entries = self._between(keys.blocks_after(number_id, after), at_once)
        return (entry for entry in entries if not entry.lapsed(at))

    def _between(self, where: dict[str, str], at_once: int = MOST_SHOWN) -> Iterator[Listed]:
        """Exact callers in the order of their numbers, as they are now."""
        query: dict[str, Any] = {
            "TableName": self.table.name,
            "KeyConditionExpression": "PK = :pk AND SK BETWEEN :from AND :to",
            "ExpressionAttributeValues": wire(where),
            "ConsistentRead": True,
            "Limit": at_once,
        }
        while True:
            answer = self.table.client.query(**query)
            yield from (_listed(plain(item)) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _newest(self, number_id: str, at: int) -> Iterator[str]:
        """Exactly blocked callers that have not lapsed, the newest first. Eventually consistent."""
        query: dict[str, Any] = {
            "TableName": self.table.name,
            "IndexName": keys.BLOCKS_BY_TIME,
            "KeyConditionExpression": "blockedOn = :number",
            "ExpressionAttributeValues": wire({":number": number_id}),
            "ScanIndexForward": False,
            "Limit": MOST_SHOWN,
        }
        while True:
            answer = self.table.client.query(**query)
            entries = (_listed(plain(item)) for item in answer["Items"])
            yield from (entry.pattern for entry in entries if not entry.lapsed(at))
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


@lru_cache(maxsize=1)
def screening() -> Screening:
    return Screening(table(), numbers())


def _listed(item: Item) -> Listed:
    return Listed(
        pattern=item["pattern"],
        added_at=int(item["addedAt"]),
        reason=item.get("reason"),
        expires_at=None if item.get("expiresAt") is None else int(item["expiresAt"]),
    )
