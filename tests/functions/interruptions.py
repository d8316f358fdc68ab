"""Pieces of work that end, or are joined by somebody else's, at each of their steps in turn."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TypeVar

from tests.functions.conftest import Deployment
from tests.functions.outside import Killed, cold, dies, outside, writes
from tests.support.invoking import Answer

Given = TypeVar("Given")


def dying_at_every_step(
    aws: Deployment, prepare: Callable[[], Given], work: Callable[[Given], object]
) -> Iterator[Given]:
    """Lets a piece of work die before each step that writes and after the last, each time on an empty deployment.

    Nothing of a process outlives it, so to die after a step, or before one that reads, is to die before the next write.
    """
    given = prepare()
    with cold(), outside() as taken:
        work(given)
    for at in [*(at for at, step in enumerate(taken) if writes(step)), len(taken)]:
        aws.empty()
        given = prepare()
        with cold(), outside(at, dies), suppress(Killed):
            work(given)
        clear_faults(aws)
        yield given


def others_work_at_every_step(
    aws: Deployment, prepare: Callable[[], Given], work: Callable[[Given], Answer], other: Callable[[Given], object]
) -> Iterator[Answer]:
    """Lets somebody else do their work before each step of ours, each time on an empty deployment."""
    given = prepare()
    with outside() as taken:
        work(given)
    for at in range(len(taken)):
        aws.empty()
        given = prepare()
        with outside(at, partial(other, given)):
            answer = work(given)
        clear_faults(aws)
        yield answer


def clear_faults(aws: Deployment) -> None:
    """From now on the outside does what it is asked."""
    for simulator in (aws.vapi, *(seller.simulator for seller in aws.sellers.values())):
        simulator.faults.clear()
