"""Blocks that DynamoDB has taken away because they expired: each is taken off the number's count once.

A receipt of each makes it once, however often the stream brings the removal. It outlives the stream's own day.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from switchboard.store import keys
from switchboard.store.dynamo import Item, Table, table, wire

RECEIPT_SECONDS = 7 * 86_400


class CountContended(Exception):
    """Others were counting at the same moment; the stream will bring the removal again."""


@dataclass(frozen=True)
class Expired:
    """clock: Unix seconds."""

    table: Table
    clock: Callable[[], float] = time.time

    def uncount(self, block: Item) -> bool:
        """Counts a removed block no more; False if that was done before. Raises CountContended."""
        client, name, number_id = self.table.client, self.table.name, str(block["blockedOn"])
        receipt = keys.expired_block(number_id, _digest(number_id, str(block["pattern"])), int(block["addedAt"]))
        operations: list[Any] = [
            {
                "Put": {
                    "TableName": name,
                    "Item": wire(receipt | {"expiresAt": int(self.clock()) + RECEIPT_SECONDS}),
                    "ConditionExpression": "attribute_not_exists(PK)",
                }
            },
            {
                "Update": {
                    "TableName": name,
                    "Key": wire(keys.screening_counts(number_id)),
                    "UpdateExpression": "ADD blocked :less",
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
            raise CountContended(receipt["SK"]) from refused
        return True


def _digest(number_id: str, pattern: str) -> str:
    """Stands for the caller in a receipt, which is kept for some days after the caller may have been erased."""
    return sha256(f"{number_id} {pattern}".encode()).hexdigest()[:32]


@lru_cache(maxsize=1)
def expired() -> Expired:
    return Expired(table())
