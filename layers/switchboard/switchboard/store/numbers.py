"""Numbers in the table: the record, who holds its E.164, and its id at Vapi, always written together."""

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from switchboard.errors import BudgetExceeded, ChangedMeanwhile, NumberNotFound, NumberTaken
from switchboard.model.number import COUNTERS, VapiPhoneNumber
from switchboard.model.record import GONE, AssistantProfile, NumberRecord
from switchboard.model.screening import Listed, exact
from switchboard.store import keys
from switchboard.store.budgets import Budget, commit
from switchboard.store.dynamo import Item, Table, plain, table, wire

_KEPT_APART = {"webhookSecret", "warnings", "metadata", "blockedNumbers", "allowedNumbers", *COUNTERS}
_KEYS_AND_INDEXES = ("PK", "SK", "listOrder", "unfinished", "unfinishedSince", "inventory")


_TRIES = 5


@dataclass(frozen=True)
class Page:
    records: list[NumberRecord]
    last_key: str | None
    """The `listOrder` to go on after; None on the last page."""


@dataclass(frozen=True)
class Numbers:
    table: Table

    def get(self, number_id: str, business: str | None = None) -> NumberRecord:
        """The record as it is now (consistent read). Raises NumberNotFound, also for another business's number."""
        record = self.find(number_id)
        if record is None or (business is not None and record.number.business != business):
            raise NumberNotFound(number_id)
        return record

    def find(self, number_id: str) -> NumberRecord | None:
        """The record as it is now (consistent read), whoever owns it; None if there is none."""
        answer = self.table.client.get_item(
            TableName=self.table.name, Key=wire(keys.number(number_id)), ConsistentRead=True
        )
        return _record(plain(answer["Item"])) if "Item" in answer else None

    def add(self, record: NumberRecord, budgets: Sequence[Budget] = ()) -> NumberRecord:
        """Puts the intent if the id is free, else returns the record that is there: the put is the lock.

        A repeat of our own put, whose answer was lost, counts as ours: the `attempt` tells. budgets: as they were read;
        they bear what the record commits from the same instant on. Raises BudgetExceeded if one of them cannot.
        """
        client = self.table.client
        borne = [{"Update": commit(self.table.name, budget, record.committed)} for budget in budgets]
        beside: list[Any] = [*borne, *self._exact(None, record)]
        if beside:
            put: Any = {
                "TableName": self.table.name,
                "Item": wire(_item(record)),
                "ConditionExpression": "attribute_not_exists(PK)",
            }
            for _ in range(_TRIES):
                try:
                    client.transact_write_items(TransactItems=[{"Put": put}, *beside])
                except client.exceptions.TransactionCanceledException as refused:
                    held = self.find(record.number.id)
                    if held is not None:
                        return held
                    reasons = [reason.get("Code") for reason in refused.response.get("CancellationReasons", [])]
                    if "ConditionalCheckFailed" in reasons[1 : 1 + len(borne)]:
                        raise BudgetExceeded from None
                    if "TransactionConflict" in reasons:  # all purchases meet at the deployment's budget
                        continue
                    raise ChangedMeanwhile from None
                return record
            raise ChangedMeanwhile
        try:
            client.put_item(
                TableName=self.table.name,
                Item=wire(_item(record)),
                ConditionExpression="attribute_not_exists(PK)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except client.exceptions.ConditionalCheckFailedException as refused:
            return _record(plain(refused.response["Item"]))  # type: ignore[typeddict-item]
        return record

    def forget(self, record: NumberRecord) -> None:
        """Takes back an intent whose purchase is known never to have been asked for, so that a retry starts anew.

        Raises ChangedMeanwhile if it is no longer as it was. One that is gone already is taken back.
        """
        client = self.table.client
        delete: Any = {
            "TableName": self.table.name,
            "Key": wire(keys.number(record.number.id)),
            "ConditionExpression": "revision = :revision AND attempt = :attempt",
            "ExpressionAttributeValues": wire({":revision": record.revision, ":attempt": record.attempt}),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        beside: list[Any] = [*self._given_back(record, Decimal(0)), *self._exact(record, None)]
        if record.claimed is not None:
            beside.append({"Delete": {"TableName": self.table.name, "Key": wire(keys.e164(record.claimed))}})
        if beside:
            try:
                client.transact_write_items(TransactItems=[{"Delete": delete}, *beside])
            except client.exceptions.TransactionCanceledException:
                held = self.find(record.number.id)
                if held is not None and held.attempt == record.attempt:
                    raise ChangedMeanwhile from None
            return
        try:
            client.delete_item(**delete)
        except client.exceptions.ConditionalCheckFailedException as refused:
            stored = refused.response.get("Item")
            if stored is not None and plain(stored)["attempt"] == record.attempt:  # type: ignore[arg-type]
                raise ChangedMeanwhile from None

    def save(self, old: NumberRecord, new: NumberRecord, unchanged: Sequence[NumberRecord] = ()) -> NumberRecord:
        """Writes the new record over the old one in one step, with what hangs on it.

        unchanged: other numbers, which have to be as they were read. Raises ChangedMeanwhile if one of them or the
        number itself no longer is, NumberTaken if another number holds the E.164 that it is to get.
        """
        if new == old:
            return old
        client = self.table.client
        put: Any = {
            "TableName": self.table.name,
            "Item": wire(_item(new)),
            "ConditionExpression": "revision = :revision",
            "ExpressionAttributeValues": wire({":revision": old.revision}),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        held: list[Any] = list(self._beside(old, new))
        given_back = self._given_back(old, new.committed)
        beside: list[Any] = [*self._unchanged(unchanged), *held, *self._exact(old, new), *given_back]
        if not beside:
            try:
                client.put_item(**put)
            except client.exceptions.ConditionalCheckFailedException as refused:
                stored = refused.response.get("Item")
                if stored is None or plain(stored) != _item(new):  # type: ignore[arg-type]
                    raise ChangedMeanwhile from None
            return new
        try:
            client.transact_write_items(TransactItems=[{"Put": put}, *beside])
        except client.exceptions.TransactionCanceledException as refused:
            reasons = [reason.get("Code") for reason in refused.response.get("CancellationReasons", [])]
            if reasons[0] == "None" and "ConditionalCheckFailed" in reasons[1 + len(unchanged) :][: len(held)]:
                raise NumberTaken(str(new.claimed)) from None
            raise ChangedMeanwhile from None
        return new

    def page(self, business: str, limit: int, after: str | None, filters: dict[str, str]) -> Page:
        """The business's numbers, the newest first, at most `limit`. filters: status, provider, tag.

        Eventually consistent: a number shows up in lists within moments of its creation.
        """
        names = {"#business": "business"}
        values: Item = {":business": business}
        conditions = []
        for name, value in filters.items():
            attribute, test = ("tags", "contains({}, {})") if name == "tag" else (name, "{} = {}")
            names[f"#{name}"] = attribute
            values[f":{name}"] = value
            conditions.append(test.format(f"#{name}", f":{name}"))
        query: dict[str, Any] = {
            "TableName": self.table.name,
            "IndexName": keys.BY_BUSINESS,
            "KeyConditionExpression": "#business = :business",
            "ScanIndexForward": False,
            "ExpressionAttributeNames": names,
        }
        if conditions:
            query["FilterExpression"] = " AND ".join(conditions)
        if after is not None:
            query["KeyConditionExpression"] += " AND listOrder < :after"
            values[":after"] = after
        query["ExpressionAttributeValues"] = wire(values)
        found: list[Item] = []
        while True:
            answer = self.table.client.query(**query, Limit=max(limit + 1, 25))
            found += [plain(item) for item in answer["Items"]]
            if len(found) > limit or "LastEvaluatedKey" not in answer:
                break
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        shown = found[:limit]
        last_key = str(shown[-1]["listOrder"]) if len(found) > limit else None
        return Page([_record(item) for item in shown], last_key)

    def unfinished(self) -> Iterator[str]:
        """Ids of the numbers whose provider has still to be asked or told something, the oldest first."""
        yield from self._ids(keys.UNFINISHED, "unfinished", keys.UNFINISHED_NUMBER)

    def inventory(self) -> Iterator[str]:
        """Ids of all numbers of the deployment that are not gone, the oldest first. Eventually consistent."""
        yield from self._ids(keys.INVENTORY, "inventory", keys.IN_INVENTORY)

    def _ids(self, index: str, attribute: str, value: str) -> Iterator[str]:
        query: dict[str, Any] = {
            "TableName": self.table.name,
            "IndexName": index,
            "KeyConditionExpression": f"{attribute} = :value",
            "ExpressionAttributeValues": wire({":value": value}),
            "ProjectionExpression": "PK",
        }
        while True:
            answer = self.table.client.query(**query)
            for item in answer["Items"]:
                yield str(plain(item)["PK"]).removeprefix("NUMBER#")
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def by_vapi_id(self, vapi_id: str) -> tuple[str, str] | None:
        """Our number's id and its business for Vapi's phoneNumberId; None if it is not one of ours."""
        answer = self.table.client.get_item(TableName=self.table.name, Key=wire(keys.vapi(vapi_id)))
        if "Item" not in answer:
            return None
        item = plain(answer["Item"])
        return str(item["numberId"]), str(item["business"])

    def by_phone_number(self, phone_number: str) -> NumberRecord | None:
        """The number of this deployment that holds an E.164, as it is now, whoever owns it; None if there is none."""
        answer = self.table.client.get_item(
            TableName=self.table.name, Key=wire(keys.e164(phone_number)), ConsistentRead=True
        )
        return self.find(str(plain(answer["Item"])["numberId"])) if "Item" in answer else None

    def _exact(self, old: NumberRecord | None, new: NumberRecord | None) -> Iterator[dict[str, Any]]:
        """What puts and takes away the exact callers by which the lists of two records differ, and counts them.

        Only records `with_lists` know of any. Each entry has to be as the old record knows it.
        """
        record = new or old
        if record is None:
            return
        lapsed = {} if old is None else old.lapsed_blocks
        before, after = _callers(old), _callers(new)
        blocked = yield from self._listed(record, block_item, before[0], after[0], lapsed)
        allowed = yield from self._listed(record, allow_item, before[1], after[1], {})
        if blocked or allowed:
            yield {
                "Update": {
                    "TableName": self.table.name,
                    "Key": wire(keys.screening_counts(record.number.id)),
                    "UpdateExpression": "ADD blocked :blocked, allowed :allowed",
                    "ExpressionAttributeValues": wire({":blocked": blocked, ":allowed": allowed}),
                }
            }

    def _listed(
        self,
        record: NumberRecord,
        item: Callable[[NumberRecord, Listed], Item],
        before: set[str],
        after: set[str],
        lapsed: Mapping[str, int],
    ) -> Generator[dict[str, Any], None, int]:
        """How many more entries there are then. lapsed: those that are there but count no more, with their addedAt."""
        name, added_at = self.table.name, record.listed_at
        for pattern in sorted(after - before):
            entry = item(record, Listed(pattern=pattern, added_at=added_at))
            yield {"Put": {"TableName": name, "Item": wire(entry), **_as_read(lapsed.get(pattern))}}
        for pattern in sorted(before - after):
            entry = item(record, Listed(pattern=pattern, added_at=added_at))
            key = wire({"PK": entry["PK"], "SK": entry["SK"]})
            yield {"Delete": {"TableName": name, "Key": key, "ConditionExpression": "attribute_exists(PK)"}}
        return len(after - before - lapsed.keys()) - len(before - after)

    def _unchanged(self, records: Sequence[NumberRecord]) -> Iterator[dict[str, Any]]:
        for record in records:
            yield {
                "ConditionCheck": {
                    "TableName": self.table.name,
                    "Key": wire(keys.number(record.number.id)),
                    "ConditionExpression": "revision = :revision",
                    "ExpressionAttributeValues": wire({":revision": record.revision}),
                }
            }

    def _beside(self, old: NumberRecord, new: NumberRecord) -> Iterator[dict[str, Any]]:
        """Who holds the number's id at Vapi and its E.164, as far as that changes. One that is gone holds neither."""
        name, number = self.table.name, new.number
        owner = {"numberId": number.id, "business": number.business}
        vapi_id, claimed = (None, None) if new.state in GONE else (new.vapi_id, new.claimed)
        held_vapi_id, held = (None, None) if old.state in GONE else (old.vapi_id, old.claimed)
        if vapi_id != held_vapi_id:
            if held_vapi_id is not None:
                yield {"Delete": {"TableName": name, "Key": wire(keys.vapi(held_vapi_id))}}
            if vapi_id is not None:
                yield {"Put": {"TableName": name, "Item": wire(keys.vapi(vapi_id) | owner)}}
        if claimed != held:
            if held is not None:
                yield {"Delete": {"TableName": name, "Key": wire(keys.e164(held))}}
            if claimed is not None:
                yield {
                    "Put": {
                        "TableName": name,
                        "Item": wire(keys.e164(claimed) | owner),
                        "ConditionExpression": "attribute_not_exists(PK) OR numberId = :number",
                        "ExpressionAttributeValues": wire({":number": number.id}),
                    }
                }

    def _given_back(self, old: NumberRecord, committed: Decimal) -> Iterator[dict[str, Any]]:
        """What takes off the budgets that a number commits less by now. It never commits more than it did at first."""
        less = old.committed - committed
        if less > 0:
            for key in (keys.budget_of_all(), keys.budget_of(old.number.business)):
                yield {
                    "Update": {
                        "TableName": self.table.name,
                        "Key": wire(key),
                        "UpdateExpression": "ADD committed :less",
                        "ExpressionAttributeValues": wire({":less": -less}),
                    }
                }


@lru_cache(maxsize=1)
def numbers() -> Numbers:
    return Numbers(table())


def _item(record: NumberRecord) -> Item:
    number = record.number
    shown = number.model_dump(mode="json", by_alias=True, exclude_none=True)
    item: Item = {name: value for name, value in shown.items() if name not in _KEPT_APART}
    for name in ("monthlyFee", "perMinuteCost", "setupFee"):
        if name in item:
            item[name] = Decimal(str(item[name]))
    thresholds = item.pop("usageThresholds")
    if thresholds:  # where there are none, nothing of a number from before there were any has changed
        item["usageThresholds"] = [each | {"limit": Decimal(str(each["limit"]))} for each in thresholds]
    item |= keys.number(number.id)
    item |= {
        "listOrder": keys.list_order(number.created, number.id),
        "metadata": json.dumps(number.metadata),
        "revision": record.revision,
        "serverUrl": record.server_url,
        "requestDigest": record.request_digest,
        "attempt": record.attempt,
        "outOfStep": record.out_of_step,
    }
    optional = {
        "vapiId": record.vapi_id,
        "vapiOrgId": record.vapi_org_id,
        "profile": record.profile and record.profile.model_dump_json(by_alias=True),
        "profiles": _profiles_json(record) if record.rule_profiles else None,
        "blockedPrefixes": _plain_entries(record.blocked_prefixes),
        "allowedPrefixes": _plain_entries(record.allowed_prefixes),
        "blockedVersion": record.blocked_version,
        "allowedVersion": record.allowed_version,
        "thresholdsSince": record.thresholds_since,
        "signingSecret": record.webhook_secret,
        "previousSigningSecret": record.previous_webhook_secret,
        "carrier": record.carrier and record.carrier.model_dump(by_alias=True, exclude_none=True),
        "committed": record.committed or None,
        "failures": record.failures or None,
        "retryAt": record.retry_at,
        "isForced": record.is_forced or None,
    }
    item |= {name: value for name, value in optional.items() if value is not None}
    if record.state not in GONE:
        item["inventory"] = keys.IN_INVENTORY
    if record.unfinished:
        item |= {"unfinished": keys.UNFINISHED_NUMBER, "unfinishedSince": number.provisioning.since}
    return item


def stored(record: NumberRecord) -> Item:
    """The item that the record is kept as, in plain values: what the call plane would read of it."""
    return _item(record)


def block_item(record: NumberRecord, entry: Listed) -> Item:
    """An exactly blocked caller as it is kept. ours: the number's own E.164, for the event."""
    number = record.number
    return keys.block(number.id, entry.pattern) | {
        **entry.model_dump(by_alias=True, exclude_none=True),
        "blockedOn": number.id,
        "business": number.business,
        **({} if number.phone_number is None else {"ours": number.phone_number}),
    }


def allow_item(record: NumberRecord, entry: Listed) -> Item:
    """An exactly allowed caller as it is kept."""
    return keys.allow(record.number.id, entry.pattern) | entry.model_dump(by_alias=True, exclude_none=True)


def _callers(record: NumberRecord | None) -> tuple[set[str], set[str]]:
    """The exactly blocked and allowed callers that a record knows of."""
    if record is None:
        return set(), set()
    return exact(record.number.blocked_numbers), exact(record.number.allowed_numbers)


def _as_read(added_at: int | None) -> dict[str, Any]:
    """The condition of a put over an entry of which this is known; None for none."""
    if added_at is None:
        return {"ConditionExpression": "attribute_not_exists(PK)"}
    return {
        "ConditionExpression": "addedAt = :read",
        "ExpressionAttributeValues": wire({":read": added_at}),
    }


def _plain_entries(entries: Sequence[Listed]) -> list[Item] | None:
    return [entry.model_dump(by_alias=True, exclude_none=True) for entry in entries] or None


def _profiles_json(record: NumberRecord) -> str:
    return json.dumps({name: profile.model_dump(by_alias=True) for name, profile in record.rule_profiles.items()})


def _record(item: Item) -> NumberRecord:
    kept = dict(item)
    for name in _KEYS_AND_INDEXES:
        kept.pop(name, None)
    profile = kept.pop("profile", None)
    rule_profiles = json.loads(kept.pop("profiles", "{}"))
    outside = {
        "revision": kept.pop("revision"),
        "server_url": kept.pop("serverUrl"),
        "request_digest": kept.pop("requestDigest"),
        "attempt": kept.pop("attempt"),
        "out_of_step": kept.pop("outOfStep"),
        "vapi_id": kept.pop("vapiId", None),
        "vapi_org_id": kept.pop("vapiOrgId", None),
        "webhook_secret": kept.pop("signingSecret", None),
        "previous_webhook_secret": kept.pop("previousSigningSecret", None),
        "profile": profile and AssistantProfile.model_validate_json(profile),
        "rule_profiles": rule_profiles,
        "blocked_prefixes": kept.pop("blockedPrefixes", []),
        "allowed_prefixes": kept.pop("allowedPrefixes", []),
        "blocked_version": kept.pop("blockedVersion", None),
        "allowed_version": kept.pop("allowedVersion", None),
        "thresholds_since": kept.pop("thresholdsSince", None),
        "carrier": kept.pop("carrier", None),
        "committed": kept.pop("committed", 0),
        "failures": kept.pop("failures", 0),
        "retry_at": kept.pop("retryAt", None),
        "is_forced": kept.pop("isForced", False),
    }
    kept["blockedNumbers"] = [entry["pattern"] for entry in outside["blocked_prefixes"]]
    kept["allowedNumbers"] = [entry["pattern"] for entry in outside["allowed_prefixes"]]
    kept["metadata"] = json.loads(kept["metadata"])
    number = VapiPhoneNumber.model_validate(kept)
    return NumberRecord.model_validate({"number": number, **outside})
