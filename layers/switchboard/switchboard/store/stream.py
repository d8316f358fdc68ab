"""The table's stream: what changed, as plain values. Removals are no news."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from switchboard.store.dynamo import Item, plain

BY_TTL = "dynamodb.amazonaws.com"
"""Who removes what has expired."""


@dataclass(frozen=True)
class Change:
    """kind: NUMBER, CALL, ... as the sort key begins. old is None for an item that came to be."""

    kind: str
    old: Item | None
    new: Item
    sequence: str


def changes(event: Mapping[str, Any]) -> Iterator[Change]:
    """The changes of a stream batch in its order."""
    for record in event["Records"]:
        stream = record["dynamodb"]
        if record["eventName"] == "REMOVE":
            continue
        yield Change(
            kind=_kind(stream),
            old=plain(stream["OldImage"]) if stream.get("OldImage") else None,
            new=plain(stream["NewImage"]),
            sequence=stream["SequenceNumber"],
        )


def expired_blocks(event: Mapping[str, Any]) -> Iterator[tuple[Item, str]]:
    """The blocks that DynamoDB took away because they had expired, with their records' sequence numbers."""
    for record in event["Records"]:
        by = (record.get("userIdentity") or {}).get("principalId")
        stream = record["dynamodb"]
        if record["eventName"] == "REMOVE" and by == BY_TTL and _kind(stream) == "BLOCK":
            yield plain(stream["OldImage"]), stream["SequenceNumber"]


def _kind(stream: Mapping[str, Any]) -> str:
    return str(stream["Keys"]["SK"]["S"]).partition("#")[0]


def failures(sequence: str | None) -> dict[str, Any]:
    """What a consumer answers: the batch is good, or to be brought again from this record on."""
    return {"batchItemFailures": [] if sequence is None else [{"itemIdentifier": sequence}]}
