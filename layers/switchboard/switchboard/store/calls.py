"""Calls in the table: one conditional update a fact, without a read."""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from switchboard.calls.kinds import EARLIEST_WINS, Kind
from switchboard.calls.messages import Fact
from switchboard.routing.screening import Entry
from switchboard.routing.spam import NOTHING_KNOWN, Recent
from switchboard.store import keys
from switchboard.store.dynamo import (
    FAILED,
    Deadline,
    Item,
    OutOfTime,
    Table,
    answering_table,
    plain,
    table,
    wire,
)
from switchboard.store.windows import recent, window_keys

_READS = 2


class PartlyRead(Exception):
    """DynamoDB left a part of the keys unread, and again when asked a second time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the table holds of a number and of who calls it.

    number: the stored item in DynamoDB's own types, since most instances know its revision already; None if there is
    none. lines: the item of the lines in use, None if there is none.
    """

    number: Mapping[str, Any] | None
    blocked: tuple[Entry, ...] = ()
    allowed: tuple[Entry, ...] = ()
    recent: Recent = NOTHING_KNOWN
    lines: Item | None = None


@dataclass(frozen=True)
class Calls:
    table: Table
    retention_days: int

    def read_for_decision(self, number_id: str, business: str, e164: str | None, at: int, deadline: Deadline) -> Seen:
        """All that a decision needs, in one BatchGetItem of at most seven keys, however long the lists.

        e164: the caller's number, None where there is none. at: Unix seconds. Eventually consistent, half the price.
        Tried twice without a pause. Raises OutOfTime, and what boto raises.
        """
        of_number, of_lines = keys.number(number_id), keys.lines(number_id)
        asked = [of_number, of_lines]
        listed: dict[str, dict[str, Any]] = {}
        if e164 is not None:
            listed = {"blocked": keys.block(number_id, e164), "allowed": keys.allow(number_id, e164)}
            asked += [*listed.values(), *window_keys(business, e164, at)]
        found = self._read(asked, deadline)
        lists = {name: _entries(e164, found.get(_key(key))) for name, key in listed.items()}
        windows = [plain(item) for (_, sort), item in found.items() if sort.startswith(keys.WINDOW)]
        lines = found.get(_key(of_lines))
        return Seen(
            number=found.get(_key(of_number)),
            recent=recent(windows, number_id) if e164 is not None else NOTHING_KNOWN,
            lines=None if lines is None else plain(lines),
            **lists,
        )

    def _read(self, asked: list[dict[str, Any]], deadline: Deadline) -> dict[tuple[str, str], dict[str, Any]]:
        """The stored items by their keys. A part that DynamoDB left unread is asked for again once, like a failure."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        pending: Any = {self.table.name: {"Keys": [wire(key) for key in asked]}}
        for attempt in range(_READS):
            if attempt > 0:  # the first is made however slowly a new instance has started: without it nobody answers
                deadline.must_allow()
            try:
                answer = self.table.client.batch_get_item(RequestItems=pending)
            except FAILED:
                if attempt == _READS - 1:
                    raise
                continue
            for item in answer["Responses"].get(self.table.name, []):
                found[item["PK"]["S"], item["SK"]["S"]] = item
            pending = answer.get("UnprocessedKeys")
            if not pending:
                return found
        raise PartlyRead

    def record(self, number_id: str, business: str, fact: Fact) -> bool:
        """Writes a fact unless the record holds one of its kind that counts more; True if it was written.

        A repeat, and a retry of a write that worked unheard, change nothing. A call is settled only while it waits
        for that: since the index was read, its report may have come or its record may have been erased.
        """
        client = self.table.client
        names = {"#kind": fact.kind.value, "#at": "at"}
        values: Item = {
            ":fact": {"at": fact.at, **fact.facts},
            ":at": fact.at,
            ":business": business,
            ":number": number_id,
            ":call": fact.call_id,
            ":zero": 0,
            ":one": 1,
            ":expires": int(time.time()) + self.retention_days * 86_400,
        }
        change = (
            "SET #kind = :fact, business = :business, numberId = :number, callId = :call,"
            " rev = if_not_exists(rev, :zero) + :one, expiresAt = if_not_exists(expiresAt, :expires)"
        )
        if fact.kind is Kind.ENDED:
            change += ", unfinished = :open, unfinishedSince = :since"
            values |= {":open": keys.UNFINISHED_CALL, ":since": fact.at // 1000}
        if fact.kind in (Kind.REPORT, Kind.SETTLED):
            change += " REMOVE unfinished, unfinishedSince"
        comparison = ">" if fact.kind in EARLIEST_WINS else "<"
        condition = f"(attribute_not_exists(#kind) OR #kind.#at {comparison} :at)"
        if fact.kind is Kind.SETTLED:
            condition += " AND attribute_exists(unfinished)"
        try:
            client.update_item(
                TableName=self.table.name,
                Key=wire(keys.call(number_id, fact.call_id)),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=wire(values),
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def record_in_time(self, number_id: str, business: str, fact: Fact, deadline: Deadline) -> bool:
        """As `record`, for a fact that nobody can wait for: False if the table failed or there was no time to ask."""
        try:
            deadline.must_allow()
            self.record(number_id, business, fact)
        except (*FAILED, OutOfTime):
            return False
        return True

    def find(self, number_id: str, call_id: str) -> Item | None:
        """The stored call as it is now (consistent read); None if there is none."""
        answer = self.table.client.get_item(
            TableName=self.table.name, Key=wire(keys.call(number_id, call_id)), ConsistentRead=True
        )
        return plain(answer["Item"]) if "Item" in answer else None

    def ended_unreported(self, until: int) -> Iterator[tuple[str, str, str]]:
        """(number id, business, call id) of the calls that ended by then (Unix seconds) and wait for their report."""
        query: dict[str, Any] = {
            "TableName": self.table.name,
            "IndexName": keys.UNFINISHED,
            "KeyConditionExpression": "unfinished = :kind AND unfinishedSince <= :until",
            "ExpressionAttributeValues": wire({":kind": keys.UNFINISHED_CALL, ":until": until}),
        }
        while True:
            answer = self.table.client.query(**query)
            for found in answer["Items"]:
                item = plain(found)
                yield item["numberId"], item["business"], item["callId"]
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def listed_until(self) -> int | None:
        """Up to which instant (Unix milliseconds) Vapi's call list has been read; None before the first time."""
        answer = self.table.client.get_item(TableName=self.table.name, Key=wire(keys.call_list()), ConsistentRead=True)
        return int(plain(answer["Item"])["readTo"]) if "Item" in answer else None

    def list_read_until(self, instant_ms: int) -> None:
        """Remembers how far the list has been read; never goes back."""
        client = self.table.client
        try:
            client.update_item(
                TableName=self.table.name,
                Key=wire(keys.call_list()),
                UpdateExpression="SET readTo = :to",
                ConditionExpression="attribute_not_exists(readTo) OR readTo < :to",
                ExpressionAttributeValues=wire({":to": instant_ms}),
            )
        except client.exceptions.ConditionalCheckFailedException:
            return


def _key(key: dict[str, Any]) -> tuple[str, str]:
    return key["PK"], key["SK"]


def _entries(e164: str | None, item: dict[str, Any] | None) -> tuple[Entry, ...]:
    if item is None or e164 is None:
        return ()
    kept = plain(item)
    expires_at = kept.get("expiresAt")
    return (Entry(e164, None if expires_at is None else int(expires_at), kept.get("reason")),)


def number_exists(where: Table, number_id: str) -> bool:
    """Whether there is such a number, for a stranger's message."""
    return "Item" in where.client.get_item(TableName=where.name, Key=wire(keys.number(number_id)))


@lru_cache(maxsize=1)
def calls() -> Calls:
    return Calls(table(), int(os.environ["CALL_RETENTION_DAYS"]))


@lru_cache(maxsize=1)
def answering_calls() -> Calls:
    """For the decision, whose writing must not hold up the answer."""
    return Calls(answering_table(), int(os.environ["CALL_RETENTION_DAYS"]))
