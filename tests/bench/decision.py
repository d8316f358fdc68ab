"""`decide` alone, by the CPU of its thread.

python -m tests.bench.decision   tells on stderr, as JSON: {rules: [p50, p99]}, microseconds.
"""

import json
import sys
import time
from statistics import quantiles
from typing import Any

from switchboard.routing.decide import decide
from switchboard.routing.number import IncomingCall
from switchboard.routing.screening import Entry
from tests.bench import cases

RULES = (0, 10, 100, 500)
_DECISIONS = 5_000
_BEFORE = 200
"""Decisions that are not counted, until the interpreter has specialised its code."""

_PREFIX_BLOCKS = ("+1900*", "+44900*", "+882*")


def rule(position: int) -> dict[str, Any]:
    """A rule that does not hold for the caller, so that all are looked at. One in ten asks for the time of day."""
    when: dict[str, Any] = {"callerNumbers": [f"+1415555{position:04d}", f"+1415556{position:04d}"]}
    if position % 10 == 3:
        opens, closes = (f"{minute // 60 + 3:02d}:{minute % 60:02d}" for minute in (position // 10, position // 10 + 1))
        window = {"dayOfWeek": ["Sunday"], "opens": opens, "closes": closes}
        when = {"schedule": {"timezone": "America/New_York", "openingHoursSpecification": [window]}}
    elif position % 2:
        when = {"callerPrefixes": [f"+44{position:04d}", f"+49{position:04d}"]}
    then = {"action": "forward", "number": f"+1415557{position:04d}"}
    return {"id": f"rule-{position}", "priority": position, "when": when, "then": then}


def spent(rules: int) -> list[float]:
    """Microseconds of each decision.

    The number may have 100,000 blocked callers: each is an item of its own, and a call brings its caller's one, here
    an expired block.
    """
    number = cases.compiled(
        blockedNumbers=list(_PREFIX_BLOCKS), callRoutingRules=[rule(position) for position in range(rules)]
    )
    assert len(number.rules) == rules
    blocked = (Entry(cases.CALLER, expires_at=cases.AT - 1),)
    call = IncomingCall("01990c1e-7a10-7bb4-9f0e-3d2f6a4b5c01", cases.CALLER, blocked=blocked)
    found = []
    for _ in range(_BEFORE + _DECISIONS):
        began = time.thread_time_ns()
        decision = decide(number, call, cases.AT)
        found.append((time.thread_time_ns() - began) / 1000)
        assert decision.action == "assistant", decision
    return found[_BEFORE:]


def main() -> None:
    told = {}
    for count in RULES:
        percentiles = quantiles(spent(count), n=100)
        told[count] = [percentiles[49], percentiles[98]]
    sys.stderr.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
