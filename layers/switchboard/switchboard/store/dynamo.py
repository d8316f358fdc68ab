"""The table as the other stores see it: plain values in and out, and a client with explicit timeouts."""

import json
import os
import time
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from switchboard.store import sdk
from switchboard.store.values import typed, untyped

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
else:
    DynamoDBClient = Any

Item: TypeAlias = dict[str, Any]

CONFIG = Config(
    connect_timeout=0.5,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=4,
)

# Who answers a call is due in 1.5 s. So botocore must not wait between attempts (its standard mode waits up to 1 s),
# and each request has an end: 0.1 s to connect + 0.35 s to be answered = 0.45 s. No request is begun that could not end
# by 1.35 s (Deadline), which leaves 0.15 s for our own work. At the worst: a read that hangs, the same again, and one
# more request (the line or the decision), 3 x 0.45 s = 1.35 s; what does not fit is left out. A new instance's making
# of clients counts: it leaves time for fewer requests, yet always for the two that it cannot answer without.
# Its requests are spelled by this package alone and tested, and AWS checks them anyway: botocore's own check of each
# value would take a tenth of a decision's CPU.
ANSWERING = Config(
    connect_timeout=0.1,
    read_timeout=0.35,
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=4,
    parameter_validation=False,
)
# A page of a bulk read is 1 MB, and nobody waits for it.
BULK = Config(
    connect_timeout=1,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=2,
)

LONGEST_REQUEST = 0.45
"""Seconds: connect_timeout and read_timeout of ANSWERING."""

ANSWER_WITHIN = 1.35
"""Seconds from the request's arrival in which all requests of a decision are over."""

AFTER_START = 2 * LONGEST_REQUEST
"""Seconds that are left for requests however long an instance took to start: the webhook key, and one read."""

FAILED = (BotoCoreError, ClientError)
"""What boto raises when AWS refuses, fails, or does not answer."""


class OutOfTime(Exception):
    """A request was not begun, since it might not have ended in time."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """ends: on the monotonic clock, in seconds."""

    ends: float

    def must_allow(self, seconds: float = LONGEST_REQUEST) -> None:
        """Raises OutOfTime if a request of at most so long could end too late."""
        if time.monotonic() + seconds > self.ends:
            raise OutOfTime


NO_DEADLINE = Deadline(float("inf"))
"""Of what nobody waits for on the telephone."""


def answer_deadline(arrived: float, started: float) -> Deadline:
    """Of an answer to a request that arrived then, by an instance whose clients were made then (monotonic, seconds)."""
    return Deadline(max(arrived + ANSWER_WITHIN, started + AFTER_START))


@dataclass(frozen=True)
class Table:
    client: DynamoDBClient
    name: str


@lru_cache(maxsize=1)
def table() -> Table:
    """The deployment's table, one client an instance."""
    return Table(cast("DynamoDBClient", sdk.client("dynamodb", CONFIG)), os.environ["TABLE_NAME"])


@lru_cache(maxsize=1)
def answering_table() -> Table:
    """The same table for who answers a call: each request is tried once and ends soon."""
    return Table(cast("DynamoDBClient", sdk.client("dynamodb", ANSWERING)), os.environ["TABLE_NAME"])


@lru_cache(maxsize=1)
def bulk_table() -> Table:
    """The same table for who reads very many items.

    What DynamoDB answers to a query is in its own types already. botocore copies it value by value, which takes five
    times as long as to read the JSON; here it is taken as it comes.
    """
    client = sdk.client("dynamodb", BULK)
    client.meta.events.register("before-parse.dynamodb.Query", _as_it_comes)
    return Table(cast("DynamoDBClient", client), os.environ["TABLE_NAME"])


def _as_it_comes(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] == HTTPStatus.OK:
        customized_response_dict.update(json.loads(response_dict["body"]))
        response_dict["body"] = b"{}"


def wire(values: Item) -> dict[str, Any]:
    """Plain values as the wire's typed ones. Floats are refused: money and seconds are Decimals here."""
    return {name: typed(value) for name, value in values.items()}


def plain(item: dict[str, Any]) -> Item:
    """A stored item as plain values; numbers are Decimals."""
    return {name: untyped(value) for name, value in item.items()}
