"""Whether a business is open at an instant, until when, and when it opens next: DESIGN section 6.

Pure: nothing but the hours, the instant and the zone's rules counts. Instants are Unix seconds.

Open means that the local wall-clock reading lies in a window. So all windows and special days are laid out on one line
of readings, the *wall*: seconds since the start of day 0, as if every day had 24 hours (day: `date.toordinal()`).
Between two changes of the zone's offset an instant and its reading differ by a constant; at a change the reading jumps,
and what it jumps over never occurs or occurs twice.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

DAY = 86_400
HORIZON = 400 * DAY
"""Seconds that `state_at` looks ahead. A change later than that is as good as none."""

_EPOCH = date(1970, 1, 1).toordinal() * DAY
"""The reading of instant 0 in UTC."""

_FIRST = int(datetime(2, 1, 1, tzinfo=UTC).timestamp())
_LAST = int(datetime(9998, 1, 1, tzinfo=UTC).timestamp())
"""Instants beyond these have no date, or none at the horizon."""

_WEEKDAYS = {
    name: index
    for index, name in enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"))
}

Window = tuple[int, int]
"""From when until before when, in seconds of the day it starts on; beyond DAY it is the next day."""

Stretches = tuple[Window, ...]
"""When one day is open: in order, apart from each other, none beyond the day."""

_ALL_DAY: Stretches = ((0, DAY),)


@dataclass(frozen=True, slots=True)
class Special:
    """A special day: its name, when it is open, and what of its windows is left for the next day."""

    name: str
    stretches: Stretches
    spill: Stretches


@dataclass(frozen=True, slots=True)
class Hours:
    """BusinessHours made ready for `state_at`.

    zone: None where the hours could not be read.
    weekly: for Monday to Sunday, when the day is open; `fresh` the same, had the day before been closed.
    steady: the weekly windows never open or close.
    breaks, specials: from the day breaks[i] to before breaks[i + 1] specials[i] is in force.
    """

    zone: ZoneInfo | None
    weekly: tuple[Stretches, ...] = ()
    fresh: tuple[Stretches, ...] = ()
    steady: bool = True
    breaks: tuple[int, ...] = ()
    specials: tuple[Special | None, ...] = ()

    @property
    def readable(self) -> bool:
        return self.zone is not None


@dataclass(frozen=True, slots=True)
class State:
    """What can be said of the hours at one instant.

    closes_at: the instant at which it closes; only while open, None if not within HORIZON.
    next_open_at: the instant at which it opens; only while closed, None if not within HORIZON.
    special: the name of the special day in force on the local day.
    readable: False where the hours mean nothing, which counts as closed.
    """

    is_open: bool
    closes_at: int | None
    next_open_at: int | None
    special: str | None
    readable: bool = True


class _Entry(NamedTuple):
    """A special entry. The first of those on one day names it: closed before open, then the one of the fewest days."""

    has_times: bool
    days: int
    first: int
    name: str
    window: Window


def compile_hours(hours: Mapping[str, Any]) -> Hours:
    """The hours from the plain JSON of BusinessHours. Never raises: what is malformed is not readable."""
    try:
        zone = ZoneInfo(hours["timezone"])
        own = _weekly_windows(hours["openingHoursSpecification"])
        entries = [_entry(entry) for entry in hours.get("specialOpeningHoursSpecification") or ()]
    except (LookupError, TypeError, ValueError, AttributeError, OSError):
        return Hours(None)
    weekly = tuple(_within_day([*own[day], *_left_over(own[day - 1])]) for day in range(7))
    breaks, specials = _calendar(entries)
    return Hours(
        zone=zone,
        weekly=weekly,
        fresh=tuple(map(_within_day, own)),
        steady=set(weekly) in ({()}, {_ALL_DAY}),
        breaks=breaks,
        specials=specials,
    )


def state_at(hours: Hours | None, at: int) -> State:
    """The state at the instant `at`. No hours at all means always open. Never raises."""
    if hours is None:
        return State(is_open=True, closes_at=None, next_open_at=None, special=None)
    zone = hours.zone
    if zone is None or not _FIRST <= at <= _LAST:
        return State(is_open=False, closes_at=None, next_open_at=None, special=None, readable=False)
    wall = _wall(zone, at)
    is_open = _is_open(hours, wall)
    change = _next_change(hours, zone, at, is_open=is_open)
    special = _special_on(hours, wall // DAY)
    return State(
        is_open=is_open,
        closes_at=change if is_open else None,
        next_open_at=None if is_open else change,
        special=None if special is None else special.name,
    )


def is_open_at(hours: Hours, at: int) -> bool:
    """What `state_at` says of being open, without looking for the next change."""
    zone = hours.zone
    return zone is not None and _FIRST <= at <= _LAST and _is_open(hours, _wall(zone, at))


def _weekly_windows(specification: Iterable[Mapping[str, Any]]) -> list[list[Window]]:
    windows: list[list[Window]] = [[] for _ in _WEEKDAYS]
    for entry in specification:
        window = _window(entry["opens"], entry["closes"])
        for name in entry["dayOfWeek"]:
            windows[_WEEKDAYS[name]].append(window)
    return windows


def _entry(entry: Mapping[str, Any]) -> _Entry:
    name: Any = entry["name"]
    opens: Any = entry.get("opens")
    closes: Any = entry.get("closes")
    first = date.fromisoformat(entry["validFrom"]).toordinal()
    days = date.fromisoformat(entry["validThrough"]).toordinal() + 1 - first
    if days < 1 or not isinstance(name, str):
        raise ValueError(entry)
    if opens is None and closes is None:
        return _Entry(False, days, first, name, (0, 0))
    return _Entry(True, days, first, name, _window(opens, closes))


def _window(opens: str, closes: str) -> Window:
    start = _second_of_day(opens)
    end = DAY if closes == "24:00" else _second_of_day(closes)
    if start == end:
        raise ValueError(opens)
    return start, end if start < end else end + DAY


def _second_of_day(text: str) -> int:
    hour, colon, minute = text[:2], text[2:3], text[3:]
    if len(text) != 5 or colon != ":" or not (text.isascii() and hour.isdigit() and minute.isdigit()):  # noqa: PLR2004
        raise ValueError(text)
    if hour > "23" or minute > "59":
        raise ValueError(text)
    return int(hour) * 3600 + int(minute) * 60


def _within_day(windows: Iterable[Window]) -> Stretches:
    """What of the windows lies in their day, in order, with those that overlap or touch made one."""
    merged: list[Window] = []
    done = 0
    for start, end in sorted(windows):
        if end <= done or start >= DAY:
            continue
        if merged and start <= done:
            merged[-1] = (merged[-1][0], min(end, DAY))
        else:
            merged.append((max(start, 0), min(end, DAY)))
        done = end
    return tuple(merged)


def _left_over(windows: Iterable[Window]) -> Stretches:
    return tuple((start - DAY, end - DAY) for start, end in windows if end > DAY)


def _calendar(entries: list[_Entry]) -> tuple[tuple[int, ...], tuple[Special | None, ...]]:
    """The days on which the entries in force change, and what is in force from each of them on."""
    begin: dict[int, list[_Entry]] = {}
    end: dict[int, list[_Entry]] = {}
    for entry in entries:
        begin.setdefault(entry.first, []).append(entry)
        end.setdefault(entry.first + entry.days, []).append(entry)
    breaks = sorted({*begin, *end})
    specials: list[Special | None] = []
    in_force: list[_Entry] = []
    for day in breaks:
        for entry in end.get(day, ()):
            del in_force[bisect_left(in_force, entry)]
        for entry in begin.get(day, ()):
            insort(in_force, entry)
        specials.append(_special(in_force))
    return tuple(breaks), tuple(specials)


def _special(entries: list[_Entry]) -> Special | None:
    """One special day of all entries for it, in order. They add up, but one without times closes it."""
    if not entries:
        return None
    if not entries[0].has_times:
        return Special(entries[0].name, (), ())
    windows = {entry.window for entry in entries}
    return Special(entries[0].name, _within_day(windows), _within_day(_left_over(windows)))


def _special_on(hours: Hours, day: int) -> Special | None:
    index = bisect_right(hours.breaks, day)
    return hours.specials[index - 1] if index else None


def _stretches(hours: Hours, day: int) -> Stretches:
    """When the day is open. A special day is what it says; any other takes on what the evening before left to it."""
    weekday = (day - 1) % 7  # day 1 was a Monday
    if not hours.breaks:
        return hours.weekly[weekday]
    special = _special_on(hours, day)
    if special is not None:
        return special.stretches
    before = _special_on(hours, day - 1)
    if before is None:
        return hours.weekly[weekday]
    return _within_day(hours.fresh[weekday] + before.spill)


def _is_open(hours: Hours, wall: int) -> bool:
    day, second = divmod(wall, DAY)
    return any(start <= second < end for start, end in _stretches(hours, day))


def _next_boundary(hours: Hours, wall: int, last: int, *, is_open: bool) -> int:
    """The first reading after `wall` that is not as open or closed as `wall` is; beyond `last` where there is none."""
    day, second = divmod(wall, DAY)
    while day * DAY <= last:
        stretches = _stretches(hours, day)
        if is_open:
            second = next((end for start, end in stretches if start <= second < end), second)
            if second < DAY:
                return day * DAY + second
        else:
            opens = next((start for start, _ in stretches if start >= second), None)
            if opens is not None:
                return day * DAY + opens
        day, second = day + 1, 0
    return last + 1


def _next_change(hours: Hours, zone: ZoneInfo, at: int, *, is_open: bool) -> int | None:
    """The first instant after `at` that is not as open or closed as `at` is."""
    last = at + HORIZON
    if hours.steady:
        # Nothing happens once the last special day, its spill and a day for the zone's offset are over.
        days = hours.breaks[-1] + 3 if hours.breaks else 0
        last = min(last, max(at, days * DAY - _EPOCH))
    wall = _wall(zone, at)
    scanned = boundary = wall  # from `scanned` to before `boundary` every reading is as open or closed as `at` is
    while True:
        ahead = wall - at
        if not scanned <= wall < boundary:
            # Two days more than `last` reads now: the offset may change until then, though never by so much.
            scanned, boundary = wall, _next_boundary(hours, wall, last + ahead + 2 * DAY, is_open=is_open)
        change = boundary - ahead
        jump = _offset_change(zone, at, min(change, last), ahead)
        if jump is None:
            return change if change <= last else None
        at, wall = jump, _wall(zone, jump)
        if _is_open(hours, wall) != is_open:
            return at


def _offset_change(zone: ZoneInfo, after: int, through: int, ahead: int) -> int | None:
    """The first instant in (after, through] whose reading is no longer `ahead` of it.

    Looks every other day, since no zone has ever changed its offset twice in so short a time: the closest two changes
    are 4 days apart (Freetown in 1939).
    """
    while after < through:
        probe = min(after + 2 * DAY, through)
        if _wall(zone, probe) - probe != ahead:
            return after + bisect_left(range(after, probe), True, key=lambda t: _wall(zone, t) - t != ahead)
        after = probe
    return None


def _wall(zone: ZoneInfo, at: int) -> int:
    """What the zone's clocks read at an instant."""
    reading = datetime.fromtimestamp(at, zone)
    return reading.toordinal() * DAY + reading.hour * 3600 + reading.minute * 60 + reading.second
