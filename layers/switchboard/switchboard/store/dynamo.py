"""The table as the other stores see it: plain values in and out, and a client with explicit timeouts."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import botocore.session
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
else:
    DynamoDBClient = Any

Item: TypeAlias = dict[str, Any]

_serialize: Callable[[Any], Any] = TypeSerializer().serialize
_deserialize: Callable[[Any], Any] = TypeDeserializer().deserialize

# Measured against the answer's own budget of 1.5 s: two tries of a read and two of a write fit in it.
CONFIG = Config(
    connect_timeout=0.5,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=4,
)


@dataclass(frozen=True)
class Table:
    client: DynamoDBClient
    name: str


@lru_cache(maxsize=1)
def table() -> Table:
    """The deployment's table, one client an instance."""
    client = botocore.session.get_session().create_client("dynamodb", config=CONFIG)
    return Table(cast("DynamoDBClient", client), os.environ["TABLE_NAME"])


def wire(values: Item) -> dict[str, Any]:
    """Plain values as the wire's typed ones. Floats are refused by boto3: money and seconds are Decimals here."""
    return {name: _serialize(value) for name, value in values.items()}


def plain(item: dict[str, Any]) -> Item:
    """A stored item as plain values; numbers are Decimals."""
    return {name: _deserialize(value) for name, value in item.items()}
