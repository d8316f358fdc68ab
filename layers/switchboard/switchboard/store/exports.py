"""Exports in the table: who writes each, and how far it is. Whoever writes one holds its lease."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from switchboard.exports.record import Asked
from switchboard.store import keys
from switchboard.store.dynamo import Item, Table, plain, table, wire

_ABOUT_TO_BE_WRITTEN_MS = 30_000


class LeaseHeld(Exception):
    """Somebody else writes this export. until: Unix milliseconds, by when they are over or dead."""

    def __init__(self, until: int) -> None:
        super().__init__(until)
        self.until = until


class LeaseLost(Exception):
    """Somebody else writes this export by now, or it is gone: nothing was saved."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What of an export's file is safe, and up to where: all calls up to the cursor are in parts and rest.

    parts: the ETags of the file's parts. rest: whether an object beside the file holds what is less than a part; it
    says itself up to where it goes, which may be further.
    """

    upload: str | None = None
    parts: tuple[str, ...] = ()
    cursor: int | None = None
    rows: int = 0
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """An export whose lease is ours. tries: since it last got further, this one included. restarts: from nothing."""

    asked: Asked
    owner: str
    progress: Progress
    tries: int
    restarts: int


@dataclass(frozen=True)
class Exports:
    table: Table

    def add(self, asked: Asked) -> bool:
        """Writes that an export is wanted; False if there is one of this id."""
        client = self.table.client
        item = _key(asked) | asked.as_json()
        item |= {"status": "running", "rows": 0, "parts": [], "tries": 0, "restarts": 0, "expiresAt": asked.expires_at}
        try:
            client.put_item(
                TableName=self.table.name,
                Item=wire(item),
                ConditionExpression="attribute_not_exists(PK) OR expiresAt <= :now",
                ExpressionAttributeValues=wire({":now": asked.created}),
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def find(self, number_id: str, export_id: str, now: int) -> Item | None:
        """The stored export as it is now (consistent read); None if there is none, or none any more at `now`."""
        answer = self.table.client.get_item(
            TableName=self.table.name, Key=wire(keys.export(number_id, export_id)), ConsistentRead=True
        )
        item = plain(answer["Item"]) if "Item" in answer else None
        return None if item is None or int(item["expiresAt"]) <= now else item

    def claim(self, asked: Asked, owner: str, now_ms: int, until_ms: int) -> Claimed | None:
        """Takes the lease of an export, which is written first if it is not there; None if the export is over.

        until_ms: when the owner is over or dead for certain. The same owner may take it again. Raises LeaseHeld.
        """
        client = self.table.client
        given = asked.as_json() | {"rows": 0, "parts": [], "restarts": 0, "expiresAt": asked.expires_at}
        names = {"#status": "status", "#owner": "owner", **{f"#{name}": name for name in given}}
        values: Item = {f":{name}": value for name, value in given.items()}
        values |= {":running": "running", ":me": owner, ":now": now_ms, ":until": until_ms, ":zero": 0, ":one": 1}
        change = ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in given)
        try:
            answer = client.update_item(
                TableName=self.table.name,
                Key=wire(_key(asked)),
                UpdateExpression=(
                    f"SET {change}, #status = :running, #owner = :me, leaseUntil = :until,"
                    " tries = if_not_exists(tries, :zero) + :one"
                ),
                ConditionExpression=(
                    "attribute_not_exists(PK) OR (#status = :running AND"
                    " (attribute_not_exists(leaseUntil) OR leaseUntil < :now OR #owner = :me))"
                ),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=wire(values),
                ReturnValues="ALL_NEW",
            )
        except client.exceptions.ConditionalCheckFailedException:
            self._must_be_over(asked, now_ms)
            return None
        item = plain(answer["Attributes"])
        return Claimed(Asked.of(item), owner, _progress(item), int(item["tries"]), int(item["restarts"]))

    def _must_be_over(self, asked: Asked, now_ms: int) -> None:
        """Raises LeaseHeld for an export that is not, and for one that has expired and is about to be written anew."""
        item = self.find(asked.number_id, asked.export_id, now_ms // 1000)
        if item is None:
            raise LeaseHeld(now_ms + _ABOUT_TO_BE_WRITTEN_MS)
        if item["status"] == "running":
            raise LeaseHeld(int(item.get("leaseUntil", now_ms)))

    def save(self, claimed: Claimed, progress: Progress) -> None:
        """Writes how far the file is, each time as a whole, so that a repeat changes nothing. Raises LeaseLost."""
        self._write(
            claimed,
            "SET upload = :upload, parts = :parts, #cursor = :cursor, #rows = :rows, rest = :rest, tries = :zero",
            {
                ":upload": progress.upload,
                ":parts": list(progress.parts),
                ":cursor": progress.cursor,
                ":rows": progress.rows,
                ":rest": progress.rest,
                ":zero": 0,
            },
            {"#cursor": "cursor", "#rows": "rows"},
        )

    def start_again(self, claimed: Claimed) -> None:
        """Forgets what was saved of the file, counts that, and releases the lease. Raises LeaseLost."""
        self._write(
            claimed,
            "SET parts = :none, #rows = :zero, restarts = :restarts REMOVE upload, rest, #cursor, #owner, leaseUntil",
            {":none": [], ":zero": 0, ":restarts": claimed.restarts + 1},
            {"#cursor": "cursor", "#rows": "rows"},
        )

    def release(self, claimed: Claimed) -> None:
        """Somebody else may go on at once. Raises LeaseLost."""
        self._write(claimed, "REMOVE #owner, leaseUntil", {}, {})

    def finish(self, claimed: Claimed, rows: int) -> None:
        """The whole file lies in the bucket. Raises LeaseLost."""
        self._write(
            claimed,
            "SET #status = :over, #rows = :rows REMOVE #owner, leaseUntil, parts, upload, rest",
            {":over": "ready", ":rows": rows},
            {"#rows": "rows"},
        )

    def fail(self, claimed: Claimed, error: str) -> None:
        """There will be no file. error: for its owner to read. Raises LeaseLost."""
        self._write(
            claimed,
            "SET #status = :over, #error = :error REMOVE #owner, leaseUntil, parts, upload, rest",
            {":over": "failed", ":error": error},
            {"#error": "error"},
        )

    def _write(self, claimed: Claimed, change: str, values: Item, names: dict[str, str]) -> None:
        client = self.table.client
        try:
            client.update_item(
                TableName=self.table.name,
                Key=wire(_key(claimed.asked)),
                UpdateExpression=change,
                ConditionExpression="#owner = :me AND #status = :running",
                ExpressionAttributeNames={"#owner": "owner", "#status": "status", **names},
                ExpressionAttributeValues=wire({":me": claimed.owner, ":running": "running", **values}),
            )
        except client.exceptions.ConditionalCheckFailedException:
            raise LeaseLost from None


def _key(asked: Asked) -> dict[str, Any]:
    return keys.export(asked.number_id, asked.export_id)


def _progress(item: Item) -> Progress:
    cursor = item.get("cursor")
    return Progress(
        upload=item.get("upload"),
        parts=tuple(item["parts"]),
        cursor=None if cursor is None else int(cursor),
        rows=int(item["rows"]),
        rest=bool(item.get("rest")),
    )


@lru_cache(maxsize=1)
def exports() -> Exports:
    return Exports(table())
