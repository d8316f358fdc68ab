"""By the hour, and by `make reconcile`: carrier, Vapi and table are compared and brought together."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from switchboard.provisioning.reconcile import logger, metrics, reconciler


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """event: {"dryRun": true} changes nothing. Answers the report."""
    dry_run = event.get("dryRun") is True
    return reconciler(dry_run=dry_run, remaining_ms=context.get_remaining_time_in_millis).run().as_json()
