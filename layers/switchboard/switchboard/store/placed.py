"""Calls that are placed through us: what is wanted, written before Vapi is asked, and how many a number's day has.

Both are written in one transaction, so that a call that is asked for is counted, and counted once.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from switchboard.calls.periods import Window
from switchboard.errors import ChangedMeanwhile, DailyCallLimitReached
from switchboard.store import keys
from switchboard.store.dynamo import Item, Table, plain, table, wire

_TRIES = 8

KEPT_SECONDS = 2 * 86_400
"""How long after its number's day it is remembered that a call was asked for."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that was asked for. It tells nothing of who is called.

    vapi_id: the number's at Vapi. digest: of the request. attempt: tells who wrote the intent. asked_at: Unix seconds.
    day: of the number, on which it counts. call_id: Vapi's, once it is known. is_lost: it is known never to have been
    placed.
    """

    id: str
    number_id: str
    vapi_id: str
    digest: str
    attempt: str
    asked_at: int
    day: Window
    call_id: str | None = None
    is_lost: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """How many calls may be placed on a day, and how many of them are known to have been placed elsewhere."""

    calls: int
    elsewhere: int


@dataclass(frozen=True)
class Placed:
    table: Table

    def find(self, number_id: str, test_id: str) -> Intent | None:
        """The intent as it is now (consistent read); None if there is none."""
        key = wire(keys.test_call(number_id, test_id))
        answer = self.table.client.get_item(TableName=self.table.name, Key=key, ConsistentRead=True)
        return _intent(plain(answer["Item"])) if "Item" in answer else None

    def begin(self, intent: Intent, version: int, limit: Limit | None) -> Intent:
        """Puts the intent and counts it, if its id is free; else returns the intent that is there: the put is the lock.

        A repeat of our own put, whose answer was lost, counts as ours: the `attempt` tells. Raises
        DailyCallLimitReached, and ChangedMeanwhile if the number no longer has the version that was read.
        """
        client, name = self.table.client, self.table.name
        put = {"TableName": name, "Item": wire(_item(intent)), "ConditionExpression": "attribute_not_exists(PK)"}
        check = {
            "TableName": name,
            "Key": wire(keys.number(intent.number_id)),
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": wire({":version": version}),
        }
        counted: dict[str, Any] = self._counted(intent, 1, limit)
        operations: list[Any] = [{"Put": put}, {"Update": counted}, {"ConditionCheck": check}]
        for _ in range(_TRIES):
            try:
                client.transact_write_items(TransactItems=operations)
            except client.exceptions.TransactionCanceledException as refused:
                codes = _codes(refused)
                held = self.find(intent.number_id, intent.id)
                if held is not None:
                    return held
                if limit is not None and codes[1] == "ConditionalCheckFailed":
                    raise DailyCallLimitReached(limit.calls, intent.day.end - intent.asked_at) from None
                if codes[2] == "ConditionalCheckFailed":
                    raise ChangedMeanwhile from None
                continue
            return intent
        raise ChangedMeanwhile

    def take_back(self, intent: Intent) -> None:
        """The call was surely not placed: forgets the intent, so that a retry starts anew, and counts it no more."""
        delete = {"TableName": self.table.name, "Key": wire(keys.test_call(intent.number_id, intent.id))}
        self._uncounted(intent, {"Delete": delete | _if_unplaced(intent)})

    def give_up(self, intent: Intent) -> None:
        """The call was never placed, as is known by now: says so for retries, and counts it no more."""
        condition = _if_unplaced(intent)
        values = {**condition.pop("ExpressionAttributeValues"), **wire({":true": True})}
        update = {
            "TableName": self.table.name,
            "Key": wire(keys.test_call(intent.number_id, intent.id)),
            "UpdateExpression": "SET isLost = :true",
            "ExpressionAttributeValues": values,
        }
        self._uncounted(intent, {"Update": update | condition})

    def know(self, intent: Intent, call_id: str) -> None:
        """Writes down the call's id at Vapi; nothing if the intent is gone."""
        client = self.table.client
        try:
            client.update_item(
                TableName=self.table.name,
                Key=wire(keys.test_call(intent.number_id, intent.id)),
                UpdateExpression="SET callId = :call",
                ConditionExpression="attempt = :attempt",
                ExpressionAttributeValues=wire({":call": call_id, ":attempt": intent.attempt}),
            )
        except client.exceptions.ConditionalCheckFailedException:
            return

    def _uncounted(self, intent: Intent, change: dict[str, Any]) -> None:
        """Makes the change of an intent and takes its count back; neither, if it is not as it was.

        Where others keep writing the same day's count, the call stays counted on it.
        """
        client = self.table.client
        operations: list[Any] = [change, {"Update": self._counted(intent, -1, None)}]
        for _ in range(_TRIES):
            try:
                client.transact_write_items(TransactItems=operations)
            except client.exceptions.TransactionCanceledException as refused:
                if _codes(refused)[0] != "ConditionalCheckFailed":
                    continue
            return

    def _counted(self, intent: Intent, calls: int, limit: Limit | None) -> dict[str, Any]:
        """So many calls more on the intent's day, as far as the limit leaves room for one."""
        values: Item = {":calls": calls, ":expires": intent.day.end + KEPT_SECONDS}
        update: dict[str, Any] = {
            "TableName": self.table.name,
            "Key": wire(keys.dialled(intent.number_id, intent.day.start)),
            "UpdateExpression": "SET expiresAt = :expires ADD dialled :calls",
        }
        if limit is not None:
            values[":room"] = limit.calls - limit.elsewhere
            fits = "dialled < :room"
            condition = f"attribute_not_exists(dialled) OR {fits}" if values[":room"] > 0 else fits
            update["ConditionExpression"] = condition
        return update | {"ExpressionAttributeValues": wire(values)}


def _if_unplaced(intent: Intent) -> dict[str, Any]:
    return {
        "ConditionExpression": "attempt = :attempt AND attribute_not_exists(callId) AND attribute_not_exists(isLost)",
        "ExpressionAttributeValues": wire({":attempt": intent.attempt}),
    }


def _codes(refused: Any) -> list[str | None]:
    """Why each part of a transaction was refused. Raises it again where no condition or other writer is the reason."""
    codes = [reason.get("Code") for reason in refused.response.get("CancellationReasons", [])]
    if not {*codes} <= {"None", "ConditionalCheckFailed", "TransactionConflict"}:
        raise refused
    return codes


def _item(intent: Intent) -> Item:
    return keys.test_call(intent.number_id, intent.id) | {
        "id": intent.id,
        "numberId": intent.number_id,
        "vapiId": intent.vapi_id,
        "digest": intent.digest,
        "attempt": intent.attempt,
        "askedAt": intent.asked_at,
        "dayStart": intent.day.start,
        "dayEnd": intent.day.end,
        "expiresAt": intent.day.end + KEPT_SECONDS,
    }


def _intent(item: Item) -> Intent:
    return Intent(
        id=item["id"],
        number_id=item["numberId"],
        vapi_id=item["vapiId"],
        digest=item["digest"],
        attempt=item["attempt"],
        asked_at=int(item["askedAt"]),
        day=Window(int(item["dayStart"]), int(item["dayEnd"])),
        call_id=item.get("callId"),
        is_lost=bool(item.get("isLost")),
    )


@lru_cache(maxsize=1)
def placed() -> Placed:
    return Placed(table())
