"""From the queue: exports are written, or gone on with."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from switchboard.exports.work import logger, write_exports, writer


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return write_exports(event, writer(), context)
