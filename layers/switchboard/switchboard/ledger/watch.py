"""Usage thresholds are looked at when what they measure has changed, and fire once a period."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from switchboard.calls.costs import Tariff
from switchboard.calls.periods import HOUR, Window, hour_of
from switchboard.calls.thresholds import (
    CONCURRENT,
    LATE_SECONDS,
    in_progress,
    peaks,
    reached,
    windows_to_look_at,
)
from switchboard.calls.usage import LONGEST_CALL_MS, month_sums, window_sums
from switchboard.currency import dollar
from switchboard.routing.thresholds import Threshold
from switchboard.store.thresholds import Thresholds, Watched, thresholds
from switchboard.store.usage import Usage, usage
from switchboard.zones import zone_of


@dataclass(frozen=True, slots=True)
class Changed:
    """What a batch says of one number's calls, by instants in Unix seconds.

    created: when those came to be that changed. started: when those were taken of which that was not known before.
    """

    created: set[int] = field(default_factory=set)
    started: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Watch:
    """All that it reads is as it is now (consistent reads)."""

    usage: Usage
    thresholds: Thresholds
    clock: Callable[[], float] = time.time

    def look(self, changed: Mapping[str, Changed]) -> int:
        """Fires what has been reached and has not fired yet; how many did.

        changed: by number id; the periods of now are looked at in any case. Raises FiringContended.
        """
        if not changed:
            return 0
        at = int(self.clock())
        return sum(self._look(number, changed[number.id], at) for number in self.thresholds.watched(changed))

    def _look(self, number: Watched, changed: Changed, at: int) -> int:
        zone = zone_of(number.timezone)
        summed = [threshold for threshold in number.thresholds if threshold.metric != CONCURRENT]
        fired = 0
        windows = windows_to_look_at(summed, zone, {*changed.created, at}, since=number.since, at=at)
        for period, window in sorted(windows, key=lambda each: (each[1].end, each[0])):
            sums = self._sums(number.id, period, zone, window)
            fired += sum(self._fires(number, each, window, sums, at) for each in summed if each.period == period)
        concurrent = [threshold for threshold in number.thresholds if threshold.metric == CONCURRENT]
        if concurrent:
            # What began together may be over by now.
            calls = self._in_progress(number.id, {*changed.started, at}, at)
            for threshold in concurrent:
                for window, most in peaks(threshold.period, zone, calls, since=number.since, at=at):
                    fired += self._fires(number, threshold, window, {CONCURRENT: most}, at)
        return fired

    def _fires(self, number: Watched, threshold: Threshold, window: Window, sums: Mapping[str, Any], at: int) -> bool:
        found = reached(threshold, window, sums, Tariff(number.per_minute, dollar()), at)
        return found is not None and self.thresholds.fire(number, found, at)

    def _sums(self, number_id: str, period: str, zone: ZoneInfo, window: Window) -> Mapping[str, Any]:
        if period == "day":
            return window_sums(window, self.usage.hours(number_id, *window.hours, consistent=True))
        months = self.usage.months([(number_id, month) for month in window.months], consistent=True)
        return month_sums(zone, window.start, {month: sums for (_, month), sums in months.items()})

    def _in_progress(self, number_id: str, instants: Iterable[int], at: int) -> Mapping[int, Decimal]:
        wanted = {instant for instant in instants if instant > at - LATE_SECONDS}
        # An hour more than a call can last, since clocks differ.
        first, last = hour_of(min(wanted) * 1000), hour_of((at + HOUR) * 1000 + LONGEST_CALL_MS)
        return in_progress(self.usage.hours(number_id, first, last, consistent=True), wanted)


@lru_cache(maxsize=1)
def watch() -> Watch:
    return Watch(usage(), thresholds())
