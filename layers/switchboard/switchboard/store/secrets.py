"""Secrets of the deployment, fetched once an instance and again when they may have been rotated.

Secret values are JSON objects in Secrets Manager; their ARNs stand in the environment.
"""

import json
import os
import time
from functools import lru_cache
from typing import Any

from botocore.config import Config

from switchboard.store import sdk
from switchboard.store.dynamo import FAILED, NO_DEADLINE, Deadline, OutOfTime

FRESH_SECONDS = 300
"""How long a value is believed; a rotation is seen within this time, without a deployment."""

RECHECK_SECONDS = 30
"""How soon a value that turned out not to fit may be asked for again."""

# A value is needed before a call can be answered, which is due in 1.5 s: two attempts of 0.45 s at most, as far as the
# answer's deadline allows (store/dynamo.py), or one where a value is held already.
_CONFIG = Config(connect_timeout=0.1, read_timeout=0.35, retries={"mode": "standard", "total_max_attempts": 1})
_FIRST_ATTEMPTS = 2
_values: dict[str, tuple[float, dict[str, str]]] = {}


class SecretUnavailable(Exception):
    """Secrets Manager does not answer, and this instance has never seen the value."""


class SecretMalformed(Exception):
    """The value is not what it has to be, a JSON object of texts; only who set it can mend that."""


@lru_cache(maxsize=1)
def _client() -> Any:
    return sdk.client("secretsmanager", _CONFIG)


def make_client() -> None:
    """What fetching needs is made now, if it is not there yet, and not at the first fetch."""
    _client()


def secret(variable: str, *, older_than: float = FRESH_SECONDS, deadline: Deadline = NO_DEADLINE) -> dict[str, str]:
    """The secret whose ARN stands in the environment variable, fetched anew if held for longer than `older_than` s.

    A value that was seen once is held on to for as long as Secrets Manager fails, and asked for again later. No
    attempt is begun that might not end by the deadline. Raises SecretUnavailable, SecretMalformed.
    """
    fetched, held = _values.get(variable, (float("-inf"), None))
    if held is not None and time.monotonic() - fetched <= older_than:
        return held
    value = _fetched(variable, 1 if held is not None else _FIRST_ATTEMPTS, deadline)
    if value is None:
        if held is None:
            raise SecretUnavailable(variable)
        _values[variable] = (time.monotonic() - FRESH_SECONDS + RECHECK_SECONDS, held)
        return held
    _values[variable] = (time.monotonic(), value)
    return value


def _fetched(variable: str, attempts: int, deadline: Deadline) -> dict[str, str] | None:
    for _ in range(attempts):
        try:
            deadline.must_allow()
            answer = _client().get_secret_value(SecretId=os.environ[variable])
        except (*FAILED, OutOfTime):
            continue
        return _read(variable, answer.get("SecretString", ""))
    return None


def _read(variable: str, text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except ValueError:
        raise SecretMalformed(variable) from None  # the cause would hold the text
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise SecretMalformed(variable)
    return value
