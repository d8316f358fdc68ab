"""Which business an API client acts for."""

from functools import lru_cache
from typing import Any

from switchboard.errors import UnknownClient
from switchboard.store import keys
from switchboard.store.dynamo import plain, table, wire


@lru_cache(maxsize=256)
def business_of(client_id: str) -> str:
    """The business of an API client, remembered by the instance. Raises UnknownClient."""
    here = table()
    answer = here.client.get_item(TableName=here.name, Key=wire(keys.client(client_id)))
    if "Item" not in answer:
        raise UnknownClient
    return str(plain(answer["Item"])["business"])


def bind_client(resource_table: Any, client_id: str, business: str) -> None:
    """Makes an API client act for a business. resource_table: a boto3 `Table`; for operators, not for handlers."""
    resource_table.put_item(Item=keys.client(client_id) | {"business": business})
