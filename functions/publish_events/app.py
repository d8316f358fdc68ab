"""Stream consumer: every change of a number or a call becomes its events on the bus."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from switchboard import consumers
from switchboard.bus import bus


@consumers.logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    return consumers.publish_events(event, bus())
