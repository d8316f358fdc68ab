"""By the minute: numbers that wait for their provider take their next step (look-up, activation, release)."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from switchboard.provisioning.check import FOR_OURSELVES, check_numbers, logger
from switchboard.provisioning.connected import lifecycle


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    seconds = context.get_remaining_time_in_millis() / 1000 - FOR_OURSELVES
    return {"checked": check_numbers(lifecycle(), seconds)}
