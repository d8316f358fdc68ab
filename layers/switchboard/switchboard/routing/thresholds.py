"""Usage thresholds as the decision and the tally read them: compiled from what is stored, then only compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

NOTIFY = "notify"
"""What a threshold does at least: it is told of."""

ACTING = ("reject", "voicemail", "assistant")
"""What a threshold may do to the calls that come while it holds them, the strictest first."""

LEAST, MOST = Decimal("0.0001"), Decimal(1_000_000_000)
"""Bounds of a limit."""

METRICS = ("calls", "minutes", "cost", "concurrentCalls", "missedRate")
PERIODS = ("day", "month")


@dataclass(frozen=True, slots=True)
class Threshold:
    """name: what its hold is kept under; another metric, period or limit is another threshold, which holds nothing yet.

    limit: calls, minutes, cents, calls in progress, or a fraction, by the metric. action: notify, or one of ACTING.
    target: the assistant's id. message: what a rejected caller is told, or what a voicemail says first.
    """

    name: str
    id: str
    metric: str
    period: str
    limit: Decimal
    action: str = NOTIFY
    target: str | None = None
    message: str | None = None


def limit_text(limit: Decimal) -> str:
    """A limit as names hold it: the same for 100, 100.0 and 1E+2."""
    return format(limit.normalize(), "f")


def compile_thresholds(stored: Any) -> tuple[Threshold, ...]:
    """The thresholds, the strictest first, then by id, whatever order they are stored in. Never raises.

    One whose own words make no sense can have fired for nothing and is left out; one whose action makes none rejects.
    """
    listed = stored if isinstance(stored, list | tuple) else ()
    found = [threshold for threshold in map(_compiled, listed) if threshold is not None]
    return tuple(sorted(found, key=lambda each: ((*ACTING, NOTIFY).index(each.action), each.id, each.name)))


def live_holds(item: Mapping[str, Any]) -> dict[str, int | None]:
    """What is kept of a number's holds: by the threshold's name, the Unix second from which it holds no more.

    None where that cannot be read. What has another name than a threshold's is none. Never raises.
    """
    return {name: instant(until) for name, until in item.items() if "#" in name}


def instant(value: Any) -> int | None:
    """A stored instant, None if it cannot be read as one."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    try:
        return int(value)
    except (ArithmeticError, ValueError):  # no number, or one without an end
        return None


def _compiled(stored: Any) -> Threshold | None:
    if not isinstance(stored, Mapping):
        return None
    threshold_id, metric, period, limit = (stored.get(name) for name in ("id", "metric", "period", "limit"))
    if not isinstance(threshold_id, str) or metric not in METRICS or period not in PERIODS:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int | Decimal):
        return None
    if not Decimal(limit).is_finite() or not LEAST <= limit <= MOST:
        return None
    action, target, message = (stored.get(name) for name in ("action", "assistantId", "message"))
    if action is None:
        action = NOTIFY
    elif action not in (*ACTING, NOTIFY) or (action == "assistant" and not (isinstance(target, str) and target)):
        action = "reject"
    return Threshold(
        name=f"{threshold_id}#{metric}#{period}#{limit_text(Decimal(limit))}",
        id=threshold_id,
        metric=str(metric),
        period=str(period),
        limit=Decimal(limit),
        action=str(action),
        target=target if isinstance(target, str) else None,
        message=message if isinstance(message, str) else None,
    )
