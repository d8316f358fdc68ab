"""Waiting for what happens by itself: streams, schedules, events."""

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

PAUSE_SECONDS = 0.2


def eventually(look: Callable[[], Result], timeout: float = 30.0, what: str = "") -> Result:
    """Looks until what it sees is true, and gives that; TimeoutError with the last sight after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:.0f} s for {what or look.__name__}; last seen: {seen!r}")
        time.sleep(PAUSE_SECONDS)
    return seen
