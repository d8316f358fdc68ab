"""Stream consumer: a call that changed is counted once in its number's usage, and what else follows from it is done."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from switchboard import consumers
from switchboard.ledger.watch import watch
from switchboard.store.expired import expired
from switchboard.store.lines import lines
from switchboard.store.usage import usage
from switchboard.store.windows import windows


@consumers.logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    tallied = consumers.tally_usage(event, usage(), lines(), windows())
    watched = consumers.watch_thresholds(event, watch())
    return consumers.together(tallied, watched, consumers.uncount_expired_blocks(event, expired()))
