"""Numbers in the table: the record, who holds its E.164, and its id at Vapi, always written together."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from switchboard.errors import ChangedMeanwhile, NumberNotFound, NumberTaken
from switchboard.model.number import COUNTERS, VapiPhoneNumber
from switchboard.model.record import AssistantProfile, NumberRecord
from switchboard.store import keys
from switchboard.store.dynamo import Item, Table, plain, table, wire

_KEPT_APART = {"webhookSecret", "warnings", "metadata", *COUNTERS}
_KEYS_AND_INDEXES = ("PK", "SK", "listOrder", "unfinished", "unfinishedSince")


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

    def add(self, record: NumberRecord) -> NumberRecord:
        """Puts the intent if the id is free, else returns the record that is there: the put is the lock.

        A repeat of our own put, whose answer was lost, counts as ours: the `attempt` tells.
        """
        client = self.table.client
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
        try:
            client.delete_item(
                TableName=self.table.name,
                Key=wire(keys.number(record.number.id)),
                ConditionExpression="revision = :revision AND attempt = :attempt",
                ExpressionAttributeValues=wire({":revision": record.revision, ":attempt": record.attempt}),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except client.exceptions.ConditionalCheckFailedException as refused:
            stored = refused.response.get("Item")
            if stored is not None and plain(stored)["attempt"] == record.attempt:  # type: ignore[arg-type]
                raise ChangedMeanwhile from None

    def save(self, old: NumberRecord, new: NumberRecord) -> NumberRecord:
        """Writes the new record over the old one in one step, with what hangs on it.

        Raises ChangedMeanwhile if the number is no longer as `old` has it, NumberTaken if another number holds the
        E.164 that it is to get.
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
        beside: list[Any] = list(self._beside(old, new))
        if not beside:
            try:
                client.put_item(**put)
            except client.exceptions.ConditionalCheckFailedException as refused:
                stored = refused.response.get("Item")
                if stored is None or _record(plain(stored)) != new:  # type: ignore[arg-type]
                    raise ChangedMeanwhile from None
            return new
        try:
            client.transact_write_items(TransactItems=[{"Put": put}, *beside])
        except client.exceptions.TransactionCanceledException as refused:
            reasons = [reason.get("Code") for reason in refused.response.get("CancellationReasons", [])]
            if reasons[0] == "None" and "ConditionalCheckFailed" in reasons[1:]:
                raise NumberTaken(str(new.number.phone_number)) from None
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
        query: dict[str, Any] = {
            "TableName": self.table.name,
            "IndexName": keys.UNFINISHED,
            "KeyConditionExpression": "unfinished = :kind",
            "ExpressionAttributeValues": wire({":kind": keys.UNFINISHED_NUMBER}),
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

    def _beside(self, old: NumberRecord, new: NumberRecord) -> Iterator[dict[str, Any]]:
        name, number = self.table.name, new.number
        owner = {"numberId": number.id, "business": number.business}
        if new.state in ("released", "failed"):
            if old.vapi_id is not None:
                yield {"Delete": {"TableName": name, "Key": wire(keys.vapi(old.vapi_id))}}
            if old.number.phone_number is not None:
                yield {"Delete": {"TableName": name, "Key": wire(keys.e164(old.number.phone_number))}}
            return
        if new.vapi_id is not None and old.vapi_id is None:
            yield {"Put": {"TableName": name, "Item": wire(keys.vapi(new.vapi_id) | owner)}}
        if number.phone_number is not None and old.number.phone_number is None:
            yield {
                "Put": {
                    "TableName": name,
                    "Item": wire(keys.e164(number.phone_number) | owner),
                    "ConditionExpression": "attribute_not_exists(PK) OR numberId = :number",
                    "ExpressionAttributeValues": wire({":number": number.id}),
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
        "profile": record.profile and record.profile.model_dump_json(by_alias=True),
        "signingSecret": record.webhook_secret,
        "previousSigningSecret": record.previous_webhook_secret,
    }
    item |= {name: value for name, value in optional.items() if value is not None}
    if record.unfinished:
        item |= {"unfinished": keys.UNFINISHED_NUMBER, "unfinishedSince": number.provisioning.since}
    return item


def _record(item: Item) -> NumberRecord:
    kept = dict(item)
    for name in _KEYS_AND_INDEXES:
        kept.pop(name, None)
    profile = kept.pop("profile", None)
    outside = {
        "revision": kept.pop("revision"),
        "server_url": kept.pop("serverUrl"),
        "request_digest": kept.pop("requestDigest"),
        "attempt": kept.pop("attempt"),
        "out_of_step": kept.pop("outOfStep"),
        "vapi_id": kept.pop("vapiId", None),
        "webhook_secret": kept.pop("signingSecret", None),
        "previous_webhook_secret": kept.pop("previousSigningSecret", None),
        "profile": profile and AssistantProfile.model_validate_json(profile),
    }
    kept["metadata"] = json.loads(kept["metadata"])
    number = VapiPhoneNumber.model_validate(kept)
    return NumberRecord.model_validate({"number": number, **outside})
