"""Stream consumer: every change of a call is counted once in the usage of its number."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from switchboard import consumers
from switchboard.store.usage import usage


@consumers.logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    return consumers.tally_usage(event, usage())
