"""Usage thresholds in the table: which numbers have some, and that one fired, written together with its hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from switchboard.calls.thresholds import Reached
from switchboard.routing.thresholds import ACTING, Threshold, compile_thresholds
from switchboard.store import keys
from switchboard.store.dynamo import Item, Table, plain, table, wire

_TRIES = 8

_AT_ONCE = 100
"""Items of one BatchGetItem, DynamoDB's limit."""

KEPT_SECONDS = 40 * 86_400
"""How long after its period's end it is remembered that a threshold fired: longer than anybody looks at the period.

A number's holds are kept as long after the end of the last that began. No period has 40 days, so none goes too early.
"""


class FiringContended(Exception):
    """Others kept writing the same number's holds; the stream will bring the record again."""

    def __init__(self, number_id: str) -> None:
        super().__init__(number_id)
        self.number_id = number_id


@dataclass(frozen=True, slots=True)
class Watched:
    """A number with usage thresholds. timezone: of its business hours, if it has any.

    per_minute: cents of a carrier's minute. since: when the thresholds were set, in Unix seconds.
    """

    id: str
    business: str
    phone_number: str | None
    timezone: str | None
    per_minute: Decimal | None
    thresholds: tuple[Threshold, ...]
    since: int


@dataclass(frozen=True)
class Thresholds:
    table: Table

    def watched(self, number_ids: Iterable[str]) -> list[Watched]:
        """Those of the numbers that have thresholds, as they are now (consistent read)."""
        found: list[Watched] = []
        left = [wire(keys.number(number_id)) for number_id in number_ids]
        while left:
            asked: Any = {self.table.name: {"Keys": left[:_AT_ONCE], "ConsistentRead": True}}
            answer = self.table.client.batch_get_item(RequestItems=asked)
            items = answer["Responses"].get(self.table.name, [])
            found += [_watched(plain(item)) for item in items if "usageThresholds" in item]
            unread: Any = answer.get("UnprocessedKeys") or {}
            left = [*unread.get(self.table.name, {}).get("Keys", []), *left[_AT_ONCE:]]
        return found

    def fire(self, number: Watched, reached: Reached, at: int) -> bool:
        """Writes that a threshold fired, and its hold if it has one; False if it has fired in its period already.

        at: now, in Unix seconds. A hold is not written once the period is over, nor over one that ends later. Raises
        FiringContended.
        """
        threshold, window = reached.threshold, reached.window
        fired = {"Put": self._fired(number, reached, at)}
        holds = threshold.action in ACTING and window.end > at
        client = self.table.client
        for _ in range(_TRIES):
            operations: list[Any] = [fired, {"Update": self._hold(number, reached)}] if holds else [fired]
            try:
                client.transact_write_items(TransactItems=operations)
            except client.exceptions.TransactionCanceledException as refused:
                codes = [reason.get("Code") for reason in refused.response.get("CancellationReasons", [])]
                if not {*codes} <= {"None", "ConditionalCheckFailed", "TransactionConflict"}:
                    raise
                if codes[0] == "ConditionalCheckFailed":
                    return False
                if codes[-1] == "ConditionalCheckFailed":
                    holds = False
                continue
            return True
        raise FiringContended(number.id)

    def _fired(self, number: Watched, reached: Reached, at: int) -> dict[str, Any]:
        threshold, window = reached.threshold, reached.window
        item: Item = keys.threshold(number.id, threshold.name, window.start) | {
            "numberId": number.id,
            "business": number.business,
            "thresholdId": threshold.id,
            "metric": threshold.metric,
            "period": threshold.period,
            "limit": threshold.limit,
            "action": threshold.action,
            "periodStart": window.start,
            "periodEnd": window.end,
            "value": reached.value,
            "firedAt": at,
            "expiresAt": window.end + KEPT_SECONDS,
        }
        optional = {"forecast": reached.forecast, "ours": number.phone_number}
        item |= {name: value for name, value in optional.items() if value is not None}
        return {
            "TableName": self.table.name,
            "Item": wire(item),
            "ConditionExpression": "attribute_not_exists(PK)",
        }

    def _hold(self, number: Watched, reached: Reached) -> dict[str, Any]:
        until = reached.window.end
        return {
            "TableName": self.table.name,
            "Key": wire(keys.holds(number.id)),
            "UpdateExpression": "SET #hold = :until, expiresAt = :expires",
            "ConditionExpression": "attribute_not_exists(#hold) OR #hold < :until",
            "ExpressionAttributeNames": {"#hold": reached.threshold.name},
            "ExpressionAttributeValues": wire({":until": until, ":expires": until + KEPT_SECONDS}),
        }


def _watched(item: Item) -> Watched:
    return Watched(
        id=item["id"],
        business=item["business"],
        phone_number=item.get("phoneNumber"),
        timezone=(item.get("businessHours") or {}).get("timezone"),
        per_minute=item.get("perMinuteCost"),
        thresholds=compile_thresholds(item["usageThresholds"]),
        since=int(item.get("thresholdsSince", 0)),
    )


@lru_cache(maxsize=1)
def thresholds() -> Thresholds:
    return Thresholds(table())
