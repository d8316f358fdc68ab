"""By the minute: calls whose report did not come within five minutes of their end are settled without it."""

import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from switchboard.ledger.settle import settle_calls
from switchboard.store.calls import calls


def lambda_handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, int]:
    return {"settled": settle_calls(calls(), int(time.time()))}
