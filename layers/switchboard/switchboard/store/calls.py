"""Calls in the table: one conditional update a fact, without a read."""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any

from switchboard.calls.kinds import EARLIEST_WINS, Kind
from switchboard.calls.messages import Fact
from switchboard.calls.record import nameless
from switchboard.routing.caller import caller_of
from switchboard.routing.number import listed_entry
from switchboard.routing.screening import Entry
from switchboard.routing.spam import NOTHING_KNOWN, Recent
from switchboard.routing.thresholds import live_holds
from switchboard.store import keys
from switchboard.store.dynamo import (
    FAILED,
    Deadline,
    Item,
    OutOfTime,
    Table,
    answering_table,
    bulk_table,
    plain,
    table,
    wire,
)
from switchboard.store.values import shallow
from switchboard.store.windows import recent, window_keys

_READS = 2

_CALLED = itemgetter("calledAt", "callId")

REPEATED_SECONDS = 86_400
"""The stream may repeat a change for a day.

So long before a call expires nothing of it is written any more: the receipt of it is there for every repeat.
"""

_AT_ONCE = 100
"""Items of one BatchGetItem, DynamoDB's limit."""


_UNREADABLE_EXPIRY = {"blocked": None, "allowed": 0}
"""An entry whose end makes no sense: a block never ends, an allow is over."""


class PartlyRead(Exception):
    """DynamoDB left a part of the keys unread, and again when asked a second time."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call stands among others. called_at: Unix milliseconds."""

    called_at: int
    number_id: str
    call_id: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What the table holds of a number and of who calls it.

    number: the stored item in DynamoDB's own types, since most instances know its revision already; None if there is
    none. lines: the item of the lines in use, None if there is none. holds: as IncomingCall has them.
    """

    number: Mapping[str, Any] | None
    blocked: tuple[Entry, ...] = ()
    allowed: tuple[Entry, ...] = ()
    recent: Recent = NOTHING_KNOWN
    lines: Item | None = None
    holds: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Calls:
    """A call whose time is over is not there for who looks for calls, though DynamoDB may take days to remove it."""

    table: Table
    retention_days: int

    def read_for_decision(self, number_id: str, business: str, e164: str | None, at: int, deadline: Deadline) -> Seen:
        """All that a decision needs, in one BatchGetItem of at most eight keys, however long the lists.

        e164: the caller's number, None where there is none. at: Unix seconds. Eventually consistent, half the price.
        Tried twice without a pause. Raises OutOfTime, and what boto raises.
        """
        of_number, of_lines, of_holds = keys.number(number_id), keys.lines(number_id), keys.holds(number_id)
        asked = [of_number, of_lines, of_holds]
        listed: dict[str, dict[str, Any]] = {}
        if e164 is not None:
            listed = {"blocked": keys.block(number_id, e164), "allowed": keys.allow(number_id, e164)}
            asked += [*listed.values(), *window_keys(business, e164, at)]
        found = self._read(asked, deadline)
        lists = {name: _entries(name, e164, found.get(_key(key))) for name, key in listed.items()}
        windows = [plain(item) for (_, sort), item in found.items() if sort.startswith(keys.WINDOW)]
        lines, holds = found.get(_key(of_lines)), found.get(_key(of_holds))
        return Seen(
            number=found.get(_key(of_number)),
            recent=recent(windows, number_id) if e164 is not None else NOTHING_KNOWN,
            lines=None if lines is None else plain(lines),
            holds={} if holds is None else live_holds(plain(holds)),
            **lists,
        )

    def _read(self, asked: list[dict[str, Any]], deadline: Deadline) -> dict[tuple[str, str], dict[str, Any]]:
        """The stored items by their keys. A part that DynamoDB left unread is asked for again once, like a failure."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        pending: Any = {self.table.name: {"Keys": [wire(key) for key in asked]}}
        for attempt in range(_READS):
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

        A repeat, and a retry of a write that worked unheard, change nothing. Of a call that was erased only what is
        counted is written, which names nobody. A call is settled only while it waits for that: since the index was
        read, its report may have come. What was said is written first, and taken away again if the call turns out to
        have been erased. Nothing is written of a call whose time is over: it was counted, and would be again. Raises
        BucketUnavailable: then nothing is written.
        """
        if self._is_over(fact):
            return False
        told = fact
        if fact.said is not None:
            # Who answers a call never needs S3, so an instance loads it when somebody has talked.
            from switchboard.store.transcripts import transcripts  # noqa: PLC0415

            kept = transcripts().keep(business, number_id, fact.call_id, fact.said)
            told = replace(fact, facts=fact.facts | {"transcriptKey": kept})
        stands = self._write(number_id, business, told)
        if not is_erased(stands):
            return stands is None
        if fact.said is not None:
            transcripts().forget(business, number_id, fact.call_id)
        return self._write(number_id, business, fact, erased=True) is None

    def _write(self, number_id: str, business: str, fact: Fact, *, erased: bool = False) -> Item | None:
        """One conditional update: None if it was made, else the item as it stands, empty where there is none.

        erased: whether the call has to be erased for it, or must not be. What is left of an erased call is in no list.
        """
        client = self.table.client
        names = {"#kind": fact.kind.value, "#at": "at"}
        created, caller = fact.facts.get("createdAt"), caller_of(fact.facts.get("customer")).e164
        values: Item = {
            ":fact": {"at": fact.at, **(nameless(fact.facts) if erased else fact.facts)},
            ":at": fact.at,
            ":business": business,
            ":number": number_id,
            ":call": fact.call_id,
            ":zero": 0,
            ":one": 1,
            ":expires": self._expires_at(fact),
        }
        change = (
            "SET #kind = :fact, business = :business, numberId = :number, callId = :call,"
            " rev = if_not_exists(rev, :zero) + :one, expiresAt = "
        )
        change += "if_not_exists(expiresAt, :expires)" if created is None else ":expires"
        if not erased:
            change += ", callsOf = :number, calledAt = "
            change += "if_not_exists(calledAt, :called)" if created is None else ":called"
            values[":called"] = _came_to_be(fact)
        if caller is not None and not erased:
            change += ", callerOf = :caller"
            values[":caller"] = keys.caller_of(business, caller)
        if fact.kind is Kind.ENDED:
            change += ", unfinished = :open, unfinishedSince = :since"
            values |= {":open": keys.UNFINISHED_CALL, ":since": fact.at // 1000}
        if fact.kind in (Kind.REPORT, Kind.SETTLED):
            change += " REMOVE unfinished, unfinishedSince"
        comparison = ">" if fact.kind in EARLIEST_WINS else "<"
        condition = f"(attribute_not_exists(#kind) OR #kind.#at {comparison} :at)"
        condition += f" AND attribute_{'' if erased else 'not_'}exists(erased)"
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
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except client.exceptions.ConditionalCheckFailedException as refused:
            return plain(refused.response.get("Item") or {})  # type: ignore[arg-type]
        return None

    def _expires_at(self, fact: Fact) -> int:
        """When the call's record expires, in Unix seconds: however late it is told, so long after it came to be."""
        return _came_to_be(fact) // 1000 + self.retention_days * 86_400

    def _is_over(self, fact: Fact) -> bool:
        return self._expires_at(fact) - REPEATED_SECONDS <= time.time()

    def would_record(self, number_id: str, fact: Fact) -> bool:
        """Whether `record` would write a fact of a kind of which the latest counts, as it is now (consistent read)."""
        item = self.find(number_id, fact.call_id)
        held = None if item is None else item.get(fact.kind.value)
        return not is_erased(item) and (held is None or held["at"] < fact.at)

    def record_in_time(self, number_id: str, business: str, fact: Fact, deadline: Deadline) -> bool:
        """As `record`, for a fact that nobody can wait for: False if the table failed or there was no time to ask.

        One request: what is left of an erased call stays as it is.
        """
        try:
            deadline.must_allow()
            if not self._is_over(fact):
                self._write(number_id, business, fact)
        except (*FAILED, OutOfTime):
            return False
        return True

    def find(self, number_id: str, call_id: str) -> Item | None:
        """The stored call as it is now (consistent read); None if there is none, or its time is over."""
        answer = self.table.client.get_item(
            TableName=self.table.name, Key=wire(keys.call(number_id, call_id)), ConsistentRead=True
        )
        item = plain(answer["Item"]) if "Item" in answer else None
        return item if item is not None and _is_kept(item, time.time()) else None

    def by_time(
        self,
        number_id: str,
        from_ms: int,
        to_ms: int,
        after: tuple[int, str] | None = None,
        *,
        newest_first: bool = False,
        at_once: int | None = None,
    ) -> Iterator[Item]:
        """The stored calls of a number by when they came to be, `from_ms` inclusive, `to_ms` exclusive, to the end.

        after: the calledAt (Unix milliseconds, within the range) and the id of the call to go on after. at_once: how
        many one request reads, else as many as fit into 1 MB. Eventually consistent: a call is listed within moments.
        """
        query: dict[str, Any] = {
            "TableName": self.table.name,
            "IndexName": keys.CALLS_BY_TIME,
            "KeyConditionExpression": "callsOf = :number AND calledAt BETWEEN :from AND :to",
            "ExpressionAttributeValues": wire({":number": number_id, ":from": from_ms, ":to": to_ms - 1}),
            "ScanIndexForward": not newest_first,
        }
        if at_once is not None:
            query["Limit"] = at_once
        if after is not None:
            query["ExclusiveStartKey"] = wire(keys.call_by_time(number_id, *after))
        now = time.time()
        while from_ms < to_ms:
            answer = self.table.client.query(**query)
            yield from (item for item in map(plain, answer["Items"]) if _is_kept(item, now))
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def outlines(self, number_id: str, from_ms: int, to_ms: int, *, at_once: int | None = None) -> Iterator[list[Item]]:
        """All calls of a number that came to be in a time, without what lies in lists: the trace of a decision.

        Range and `at_once` are as with `by_time`. In portions, by when they came to be and then by their ids; the calls
        of one instant are never in two portions. Eventually consistent.
        """
        query: dict[str, Any] = {
            "TableName": self.table.name,
            "IndexName": keys.CALLS_BY_TIME,
            "KeyConditionExpression": "callsOf = :number AND calledAt BETWEEN :from AND :to",
            "ExpressionAttributeValues": wire({":number": number_id, ":from": from_ms, ":to": to_ms - 1}),
        }
        if at_once is not None:
            query["Limit"] = at_once
        found: list[Item] = []
        now = time.time()
        while from_ms < to_ms:
            answer = self.table.client.query(**query)
            found += [item for item in map(shallow, answer["Items"]) if _is_kept(item, now)]
            found.sort(key=_CALLED)
            if "LastEvaluatedKey" not in answer:
                if found:
                    yield found
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
            # More of the last instant may follow.
            last = found[-1]["calledAt"] if found else None
            whole = next((at for at in range(len(found), 0, -1) if found[at - 1]["calledAt"] != last), 0)
            if whole:
                yield found[:whole]
                found = found[whole:]

    def by_caller(
        self, business: str, phone_number: str, from_ms: int, to_ms: int, after: Place | None = None
    ) -> Iterator[tuple[Place, Item | None]]:
        """Where the calls of all numbers of a business with one other party stand, the newest first, with their items.

        The range and `after` are as with `by_time`. None for one that is gone since. Eventually consistent.
        """
        caller = keys.caller_of(business, phone_number)
        query: dict[str, Any] = {
            "TableName": self.table.name,
            "IndexName": keys.CALLS_BY_CALLER,
            "KeyConditionExpression": "callerOf = :caller AND calledAt BETWEEN :from AND :to",
            "ExpressionAttributeValues": wire({":caller": caller, ":from": from_ms, ":to": to_ms - 1}),
            "ScanIndexForward": False,
            "Limit": _AT_ONCE,
        }
        if after is not None:
            query["ExclusiveStartKey"] = wire(
                keys.call_by_caller(caller, after.number_id, after.called_at, after.call_id)
            )
        while from_ms < to_ms:
            answer = self.table.client.query(**query)
            places = [place_of(plain(item)) for item in answer["Items"]]
            found = self._found(places)
            yield from ((place, found.get(place.call_id)) for place in places)
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _found(self, places: list[Place]) -> dict[str, Item]:
        """The stored calls by their ids. At most 100."""
        pending: Any = {}
        if places:
            asked = [wire(keys.call(place.number_id, place.call_id)) for place in places]
            pending = {self.table.name: {"Keys": asked}}
        found: dict[str, Item] = {}
        now = time.time()
        while pending:
            answer = self.table.client.batch_get_item(RequestItems=pending)
            for item in map(plain, answer["Responses"].get(self.table.name, [])):
                if _is_kept(item, now):
                    found[item["callId"]] = item
            pending = answer.get("UnprocessedKeys")
        return found

    def of_number(self, number_id: str) -> Iterator[Item]:
        """All calls of a number that are kept, the erased ones too, in the order of their ids, as they are now."""
        query: dict[str, Any] = {
            "TableName": self.table.name,
            "KeyConditionExpression": "PK = :pk AND SK BETWEEN :from AND :to",
            "ExpressionAttributeValues": wire(keys.calls_of(number_id)),
            "ConsistentRead": True,
        }
        while True:
            answer = self.table.client.query(**query)
            yield from map(plain, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

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


def is_erased(item: Mapping[str, Any] | None) -> bool:
    """Whether a stored call was erased: what is left of it is counted, keeps the caller away, and is shown nowhere."""
    return item is not None and "erased" in item


def _is_kept(item: Mapping[str, Any], now: float) -> bool:
    return "expiresAt" not in item or item["expiresAt"] > now


def _came_to_be(fact: Fact) -> int:
    """When the call came to be, in Unix milliseconds; of a message that does not say so, its own instant."""
    created: int | None = fact.facts.get("createdAt")
    return fact.at if created is None else created


def place_of(item: Mapping[str, Any]) -> Place:
    """Where a stored call stands, from its item or an index's copy of it."""
    return Place(int(item["calledAt"]), item["numberId"], item["callId"])


def _key(key: dict[str, Any]) -> tuple[str, str]:
    return key["PK"], key["SK"]


def _entries(listed: str, e164: str | None, item: dict[str, Any] | None) -> tuple[Entry, ...]:
    """The caller's own entry of a list: it is on it, whatever else of it can be read."""
    if item is None or e164 is None:
        return ()
    return (listed_entry(e164, plain(item), unreadable_expiry=_UNREADABLE_EXPIRY[listed]),)


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


@lru_cache(maxsize=1)
def bulk_calls() -> Calls:
    """For who reads very many."""
    return Calls(bulk_table(), int(os.environ["CALL_RETENTION_DAYS"]))
