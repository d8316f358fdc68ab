"""The schedule's turn: every number whose provider has still to be asked or told something takes its next step."""

import math

from aws_lambda_powertools import Logger

from switchboard.carriers.http import Refused, Turn, turn
from switchboard.errors import NumberNotFound, ProviderError, ProviderNotConfigured
from switchboard.provisioning.lifecycle import Lifecycle
from switchboard.provisioning.steps import NOT_BOUGHT

logger = Logger()

FOR_OURSELVES = 4
"""Seconds of a turn that are left when no provider is waited for any more."""


def check_numbers(lifecycle: Lifecycle, seconds: float = math.inf) -> int:
    """Advances unfinished numbers, all that it comes to in so many seconds; how many.

    A provider that fails is left in peace until the next turn, and asked again for that number later, the later the
    more often it failed. What nobody foresaw for one number must not hold up the others, so it is raised after all have
    had their turn.
    """
    with turn(seconds, one_failure_each=True) as now:
        return _advanced(lifecycle, now)


def _advanced(lifecycle: Lifecycle, now: Turn) -> int:
    surprises: list[Exception] = []
    checked = 0
    for number_id in lifecycle.numbers.unfinished():
        if now.is_over:
            break
        checked += 1
        try:
            lifecycle.advance(lifecycle.numbers.get(number_id))
        except NumberNotFound:
            continue  # an intent that was taken back meanwhile
        except NOT_BOUGHT as error:
            logger.warning("number not bought", numberId=number_id, error=type(error).__name__)
        except (ProviderError, ProviderNotConfigured, Refused) as error:
            logger.warning("number not advanced", numberId=number_id, error=type(error).__name__)
            lifecycle.left_in_peace(number_id, error)
        except Exception as error:  # noqa: BLE001 - raised again below
            surprises.append(error)
    if surprises:
        raise ExceptionGroup("numbers that could not be advanced", surprises)
    return checked
