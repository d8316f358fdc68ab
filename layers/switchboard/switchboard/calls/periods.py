"""Where an instant lies: in which UTC hour, month and quarter of an hour, and which of these make a local day or month.

All zones in use are whole quarters of an hour from UTC, so that any local day or month is made of UTC quarters. That
holds from 2012 on: until then some zones put their clock back from one minute past midnight, and a date came twice.
Instants of calls are Unix milliseconds, bounds of windows are Unix seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

QUARTER = 900
HOUR = 3600
"""Seconds."""

FURTHEST = 14 * HOUR
"""No zone's clock is further from UTC, before (Pacific/Kiritimati) or behind it."""


@dataclass(frozen=True, slots=True)
class Window:
    """From start until before end, in Unix seconds at whole quarters of an hour."""

    start: int
    end: int

    @property
    def hours(self) -> tuple[str, str]:
        """The first and the last UTC hour that it has a part of, such as `2026-11-23T07`."""
        return hour_of(self.start * 1000), hour_of((self.end - 1) * 1000)

    @property
    def months(self) -> Iterator[str]:
        """The UTC months that it has a part of, such as `2026-11`, in order."""
        at = self.start
        while at < self.end:
            month = month_of(at * 1000)
            yield month
            at = utc_month(month).end

    def quarters(self, hour: str) -> range:
        """Which of the quarters 0 to 3 of a UTC hour lie in it."""
        begins = instant_of(hour)
        first, after = (-((begins - bound) // QUARTER) for bound in (self.start, self.end))
        return range(max(0, first), min(4, after))

    def __contains__(self, quarter: int) -> bool:
        """Whether a quarter of an hour since the epoch lies in it."""
        return self.start <= quarter * QUARTER < self.end


def hour_of(instant_ms: int) -> str:
    """The UTC hour of an instant (Unix milliseconds), such as `2026-11-23T07`."""
    at = datetime.fromtimestamp(instant_ms // 1000, UTC)
    return f"{at:%Y-%m-%dT%H}"


def month_of(instant_ms: int) -> str:
    """The UTC month of an instant (Unix milliseconds), such as `2026-11`."""
    at = datetime.fromtimestamp(instant_ms // 1000, UTC)
    return f"{at:%Y-%m}"


def instant_of(hour: str) -> int:
    """When a UTC hour such as `2026-11-23T07` begins, in Unix seconds."""
    return int(datetime.fromisoformat(f"{hour}:00+00:00").timestamp())


def quarter_of(instant_ms: int) -> int:
    """The quarters of an hour between the epoch and an instant (Unix milliseconds)."""
    return instant_ms // 1000 // QUARTER


def minute_of(instant_ms: int) -> int:
    """The minute of its UTC hour in which an instant (Unix milliseconds) lies: 0 to 59."""
    return instant_ms // 60_000 % 60


def utc_month(month: str) -> Window:
    """The window of a UTC month such as `2026-11`."""
    first = date.fromisoformat(f"{month}-01")
    return Window(*(int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()) for day in (first, _next(first))))


def day_window(zone: ZoneInfo, at: int) -> Window:
    """The local day of an instant (Unix seconds): 23 or 25 hours where the clock is changed."""
    day = datetime.fromtimestamp(at, zone).date()
    return Window(_start(zone, day), _start(zone, day + timedelta(days=1)))


def month_window(zone: ZoneInfo, at: int) -> Window:
    """The local month of an instant (Unix seconds)."""
    first = datetime.fromtimestamp(at, zone).date().replace(day=1)
    return Window(_start(zone, first), _start(zone, _next(first)))


def _next(first: date) -> date:
    """The first day of the month after."""
    return (first + timedelta(days=31)).replace(day=1)


def _start(zone: ZoneInfo, day: date) -> int:
    """The first instant whose local date is this day or, where the zone has left it out, a later one."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    start = int(midnight.timestamp())
    if datetime.fromtimestamp(start, zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return start
    # The clock is put forward over midnight. Read by the offset after that, midnight lies before the change.
    before = int(midnight.replace(fold=1).timestamp()) - 1
    while start - before > 1:
        middle = (before + start) // 2
        if datetime.fromtimestamp(middle, zone).date() >= day:
            start = middle
        else:
            before = middle
    return start
