"""Calls in the table: one conditional update a fact, without a read."""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from switchboard.calls.kinds import EARLIEST_WINS, Kind
from switchboard.calls.messages import Fact
from switchboard.store import keys
from switchboard.store.dynamo import Item, Table, plain, table, wire


@dataclass(frozen=True)
class Calls:
    table: Table
    retention_days: int

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


def number_item(where: Table, number_id: str) -> Mapping[str, Any] | None:
    """The number's stored item for the call plane, or None. Eventually consistent, half the price."""
    answer = where.client.get_item(TableName=where.name, Key=wire(keys.number(number_id)))
    return plain(answer["Item"]) if "Item" in answer else None


@lru_cache(maxsize=1)
def calls() -> Calls:
    return Calls(table(), int(os.environ["CALL_RETENTION_DAYS"]))
