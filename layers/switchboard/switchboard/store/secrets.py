"""Secrets of the deployment, fetched once an instance and again when they may have been rotated.

Secret values are JSON objects in Secrets Manager; their ARNs stand in the environment.
"""

import json
import os
import time
from functools import lru_cache
from typing import Any, cast

import botocore.session
from botocore.config import Config

FRESH_SECONDS = 300
"""How long a value is believed; a rotation is seen within this time, without a deployment."""

RECHECK_SECONDS = 30
"""How soon a value that turned out not to fit may be asked for again."""

_CONFIG = Config(connect_timeout=0.5, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3})
_values: dict[str, tuple[float, dict[str, str]]] = {}


@lru_cache(maxsize=1)
def _client() -> Any:
    return botocore.session.get_session().create_client("secretsmanager", config=_CONFIG)


def secret(variable: str, *, older_than: float = FRESH_SECONDS) -> dict[str, str]:
    """The secret whose ARN stands in the environment variable, fetched anew if held for longer than `older_than` s."""
    fetched, value = _values.get(variable, (float("-inf"), {}))
    if time.monotonic() - fetched <= older_than:
        return value
    answer = _client().get_secret_value(SecretId=os.environ[variable])
    value = cast("dict[str, str]", json.loads(answer["SecretString"]))
    _values[variable] = (time.monotonic(), value)
    return value
