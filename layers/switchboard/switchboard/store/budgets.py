"""What numbers cost by the month, held against what may be spent: a condition of the write that begins a purchase.

Two items bear each number, one of the deployment and one of its business, `{committed, limit?}` in cents. `limit` is
set by an operator for one business; where it is not, the deployment's parameter holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from switchboard.store import keys
from switchboard.store.dynamo import Item, Table, plain, table, wire


@dataclass(frozen=True, slots=True)
class Budget:
    """One budget as it was read. limit: cents a month, None for no limit. own: the limit is the item's own."""

    key: Mapping[str, Any]
    limit: Decimal | None
    own: bool = False
    setup_fee: Decimal = Decimal(0)


@dataclass(frozen=True)
class Budgets:
    """all_numbers, one_business: the deployment's limits in cents a month; None for none."""

    table: Table
    all_numbers: Decimal | None
    one_business: Decimal | None

    def of(self, business: str, setup_fee: Decimal) -> list[Budget]:
        """The budgets that bear a number of a business. setup_fee: cents to be paid once, which must fit in too."""
        own = keys.budget_of(business)
        answer = self.table.client.get_item(TableName=self.table.name, Key=wire(own), ConsistentRead=True)
        limit = plain(answer["Item"]).get("limit") if "Item" in answer else None
        return [
            Budget(keys.budget_of_all(), self.all_numbers, setup_fee=setup_fee),
            Budget(own, self.one_business if limit is None else limit, own=limit is not None, setup_fee=setup_fee),
        ]


def commit(table_name: str, budget: Budget, cents: Decimal) -> dict[str, Any]:
    """The update that lets a budget bear so many cents a month more, if it can and is as it was read."""
    values: Item = {":cents": cents}
    conditions = []
    if budget.own:
        values[":limit"] = budget.limit
        conditions.append("#limit = :limit")
    else:
        conditions.append("attribute_not_exists(#limit)")
    if budget.limit is not None:
        values[":room"] = budget.limit - cents - budget.setup_fee
        fits = "committed <= :room"
        conditions.append(f"(attribute_not_exists(committed) OR {fits})" if values[":room"] >= 0 else fits)
    return {
        "TableName": table_name,
        "Key": wire(dict(budget.key)),
        "UpdateExpression": "ADD committed :cents",
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": {"#limit": "limit"},
        "ExpressionAttributeValues": wire(values),
    }


def set_limit(where: Table, business: str, cents: Decimal | None) -> None:
    """Gives one business a limit of its own in cents a month; None takes it away. An operator's doing."""
    change = "REMOVE #limit" if cents is None else "SET #limit = :cents"
    values: dict[str, Any] = {} if cents is None else {"ExpressionAttributeValues": wire({":cents": cents})}
    where.client.update_item(
        TableName=where.name,
        Key=wire(keys.budget_of(business)),
        UpdateExpression=change,
        ExpressionAttributeNames={"#limit": "limit"},
        **values,
    )


@lru_cache(maxsize=4)
def budgets(all_numbers: str, one_business: str) -> Budgets:
    """The limits as the parameters say them: cents, empty for none."""
    return Budgets(table(), _cents(all_numbers), _cents(one_business))


def _cents(text: str) -> Decimal | None:
    return Decimal(text) if text else None
