"""Made-up batches of the table's stream, as Lambda brings them."""

import itertools
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from moto.dynamodb.models.table import StreamShard

Record = dict[str, Any]

_serialize = TypeSerializer().serialize
_sequence = itertools.count(1_000_000)


def changed(old: dict[str, Any] | None, new: dict[str, Any] | None, *, by_ttl: bool = False) -> Record:
    """The record of one change between two plain items; None where the item was not there before, or is not after."""
    item = new if new is not None else old
    assert item is not None
    images = {"OldImage": old, "NewImage": new}
    return {
        "eventID": f"{next(_sequence):032x}",
        "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1785862800.0,
            "Keys": _wire({"PK": item["PK"], "SK": item["SK"]}),
            "SequenceNumber": f"{next(_sequence):021d}",
            "SizeBytes": 512,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **{name: _wire(image) for name, image in images.items() if image is not None},
        },
        **({"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}} if by_ttl else {}),
    }


def history(*images: dict[str, Any]) -> list[Record]:
    """The records of an item that came to be and changed, image by image."""
    return [changed(old, new) for old, new in itertools.pairwise((None, *images))]


def batch(*records: Record) -> dict[str, Any]:
    return {"Records": list(records)}


def failed(answer: dict[str, Any]) -> list[str]:
    """The sequence numbers that a consumer wants to be brought again."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def sequence(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def stream_as_dynamodb_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto records an update that makes an item twice, first with nothing but its keys; DynamoDB does so once.

    Moto also copies the whole stream at each transaction, lest that be refused. Here it does not, to save most of the
    time: what a refused transaction would have written stays in the stream.
    """
    add = StreamShard.add

    def add_whole(shard: StreamShard, old: Any, new: Any) -> None:
        if new is None or new.attrs.keys() - {"PK", "SK"}:
            add(shard, old, new)

    monkeypatch.setattr(StreamShard, "add", add_whole)
    monkeypatch.setattr(StreamShard, "__deepcopy__", lambda shard, _memo: shard, raising=False)


def _wire(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _serialize(value) for name, value in item.items()}
