"""Secrets of the deployment, fetched once an instance and again when they may have been rotated.

Secret values are JSON objects in Secrets Manager; their ARNs stand in the environment.
"""

import json
import os
import time
from functools import lru_cache
from typing import Any, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from switchboard.store import sdk

FRESH_SECONDS = 300
"""How long a value is believed; a rotation is seen within this time, without a deployment."""

RECHECK_SECONDS = 30
"""How soon a value that turned out not to fit may be asked for again."""

# A value is needed before a call can be answered, which is due in 1.5 s: two attempts of 0.45 s at most, or one where a
# value is held already. If both hang, the first read of the table still ends by 1.35 s (store/dynamo.py).
_CONFIG = Config(connect_timeout=0.1, read_timeout=0.35, retries={"mode": "standard", "total_max_attempts": 1})
_FIRST_ATTEMPTS = 2
_values: dict[str, tuple[float, dict[str, str]]] = {}


class SecretUnavailable(Exception):
    """Secrets Manager does not answer, and this instance has never seen the value."""


@lru_cache(maxsize=1)
def _client() -> Any:
    return sdk.client("secretsmanager", _CONFIG)


def secret(variable: str, *, older_than: float = FRESH_SECONDS) -> dict[str, str]:
    """The secret whose ARN stands in the environment variable, fetched anew if held for longer than `older_than` s.

    A value that was seen once is held on to for as long as Secrets Manager fails, and asked for again later. Raises
    SecretUnavailable.
    """
    fetched, held = _values.get(variable, (float("-inf"), None))
    if held is not None and time.monotonic() - fetched <= older_than:
        return held
    value = _fetched(variable, attempts=1 if held is not None else _FIRST_ATTEMPTS)
    if value is None:
        if held is None:
            raise SecretUnavailable(variable)
        _values[variable] = (time.monotonic() - FRESH_SECONDS + RECHECK_SECONDS, held)
        return held
    _values[variable] = (time.monotonic(), value)
    return value


def _fetched(variable: str, attempts: int) -> dict[str, str] | None:
    for _ in range(attempts):
        try:
            answer = _client().get_secret_value(SecretId=os.environ[variable])
        except (BotoCoreError, ClientError):
            continue
        return cast("dict[str, str]", json.loads(answer["SecretString"]))
    return None
