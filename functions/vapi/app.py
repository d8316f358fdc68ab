"""POST /vapi/{id}: the server URL of a number, to which Vapi sends every server message."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from switchboard.api.callplane import handle, logger, metrics


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    return handle(event)
