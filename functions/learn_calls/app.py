"""By the minute: calls that nobody told us of are read from Vapi's call list."""

import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from switchboard.ledger.learn import learn_calls
from switchboard.provisioning.connected import vapi
from switchboard.store.calls import calls
from switchboard.store.numbers import numbers


def lambda_handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, int]:
    return {"learnt": learn_calls(calls(), numbers(), vapi(), int(time.time() * 1000))}
