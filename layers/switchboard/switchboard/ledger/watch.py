"""Usage thresholds are looked at when what they measure has changed, and fire once a period."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from switchboard.calls.periods import HOUR, Window, hour_of
from switchboard.calls.thresholds import (
    CONCURRENT,
    in_progress,
    period_window,
    reached,
    windows_to_look_at,
)
from switchboard.calls.usage import LONGEST_CALL_MS, month_sums, window_sums
from switchboard.routing.thresholds import Threshold
from switchboard.store.thresholds import Thresholds, Watched, thresholds
from switchboard.store.usage import Usage, usage
from switchboard.zones import zone_of


@dataclass(frozen=True)
class Watch:
    """All that it reads is as it is now (consistent reads)."""

    usage: Usage
    thresholds: Thresholds
    clock: Callable[[], float] = time.time

    def look(self, instants: Mapping[str, Iterable[int]]) -> int:
        """Fires what has been reached and has not fired yet; how many did.

        instants: by number id, when the calls came to be that changed (Unix seconds); the periods of now are looked at
        in any case. Raises FiringContended.
        """
        if not instants:
            return 0
        at = int(self.clock())
        return sum(self._look(number, [*instants[number.id], at], at) for number in self.thresholds.watched(instants))

    def _look(self, number: Watched, instants: Iterable[int], at: int) -> int:
        zone = zone_of(number.timezone)
        summed = [threshold for threshold in number.thresholds if threshold.metric != CONCURRENT]
        fired = 0
        windows = windows_to_look_at(summed, zone, instants, since=number.since, at=at)
        for period, window in sorted(windows, key=lambda each: (each[1].end, each[0])):
            sums = self._sums(number.id, period, zone, window)
            fired += sum(self._fires(number, each, window, sums, at) for each in summed if each.period == period)
        concurrent = [threshold for threshold in number.thresholds if threshold.metric == CONCURRENT]
        if concurrent:
            now = {CONCURRENT: self._in_progress(number.id, at)}
            windows_now = {threshold: period_window(threshold.period, zone, at) for threshold in concurrent}
            fired += sum(self._fires(number, each, window, now, at) for each, window in windows_now.items())
        return fired

    def _fires(self, number: Watched, threshold: Threshold, window: Window, sums: Mapping[str, Any], at: int) -> bool:
        found = reached(threshold, window, sums, number.per_minute, at)
        return found is not None and self.thresholds.fire(number, found, at)

    def _sums(self, number_id: str, period: str, zone: ZoneInfo, window: Window) -> Mapping[str, Any]:
        if period == "day":
            return window_sums(window, self.usage.hours(number_id, *window.hours, consistent=True))
        months = self.usage.months([(number_id, month) for month in window.months], consistent=True)
        return month_sums(zone, window.start, {month: sums for (_, month), sums in months.items()})

    def _in_progress(self, number_id: str, at: int) -> Any:
        # An hour more than a call can last, since clocks differ.
        first, last = hour_of(at * 1000), hour_of((at + HOUR) * 1000 + LONGEST_CALL_MS)
        return in_progress(self.usage.hours(number_id, first, last, consistent=True), at)


@lru_cache(maxsize=1)
def watch() -> Watch:
    return Watch(usage(), thresholds())
