"""What a number's usage says of a range of time: buckets in, figures out.

The buckets are those of `calls/usage.py`: sums by UTC hour and quarter of an hour, which every IANA zone's hours and
days are made of. They are taken one at a time, in their order, and none is kept. Instants are Unix seconds.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import nsmallest
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from switchboard.calls.costs import Tariff
from switchboard.calls.outcome import OUTCOMES
from switchboard.calls.periods import HOUR, QUARTER, Window, hour_of, instant_of
from switchboard.calls.sketch import quantile
from switchboard.calls.usage import LONGEST_CALL_MS

DAY = timedelta(days=1)
HOURS_OF_A_WEEK = 168
MOST_NAMED = 20
"""Callers, end reasons, assistants and rules that an analysis names, each."""

Sums: TypeAlias = defaultdict[str, Decimal]
Bucket: TypeAlias = Mapping[str, Decimal]


def covering(start: int, end: int) -> Window:
    """The whole quarters of an hour in which all from start until before end lies; start is before end."""
    return Window(start // QUARTER * QUARTER, -(-end // QUARTER) * QUARTER)


def window_before(window: Window, zone: ZoneInfo) -> Window:
    """The window as long that ends where this one starts.

    From a day on, by the zone's clocks, it is as long by them: to a day of 23 hours it is the whole day before.
    """
    length = window.end - window.start
    start, end = (datetime.fromtimestamp(at, zone).replace(tzinfo=None) for at in (window.start, window.end))
    if end - start >= DAY:
        by_the_clocks = int((start - (end - start)).replace(tzinfo=zone).timestamp()) // QUARTER * QUARTER
        if by_the_clocks < window.start:
            return Window(by_the_clocks, window.start)
    return Window(window.start - length, window.start)


def hours_of_calls(window: Window) -> tuple[str, str]:
    """The first and the last UTC hour of the window, or in which a call can end that was in progress as it began.

    Of the calls in progress when the first hour begins, each ends within Vapi's longest; so these hours tell how many
    there were, and how many came and went since.
    """
    first, last = window.hours
    return first, max(last, hour_of(instant_of(first) * 1000 + LONGEST_CALL_MS))


def _by_hour(local: datetime) -> Any:
    """With the offset, so that an hour which the clocks repeat is two."""
    return local.toordinal(), local.hour, local.utcoffset()


PERIODS: Mapping[str, Callable[[datetime], Any]] = {
    "hour": _by_hour,
    "day": lambda local: local.toordinal(),
    "week": lambda local: local.toordinal() - local.weekday(),
    "month": lambda local: (local.year, local.month),
}
"""What is the same for all quarters of one period, by their local reading. Weeks begin on Monday (ISO 8601)."""


class Layout:
    """To which period, and to which hour of the week, each quarter of an hour of a window belongs."""

    def __init__(self, window: Window, zone: ZoneInfo, group_by: str | None) -> None:
        """group_by: one of PERIODS; None makes the whole window one period."""
        self.starts: list[int] = [] if group_by else [window.start]
        self.period: list[int] = []
        self.hour_of_week: list[int] = []
        period_of = PERIODS[group_by] if group_by else None
        before: Any = None
        for at in range(window.start, window.end, QUARTER):
            local = datetime.fromtimestamp(at, zone)
            if period_of is not None:
                now = period_of(local)
                if now != before:
                    self.starts.append(at)
                    before = now
            self.period.append(len(self.starts) - 1)
            self.hour_of_week.append(local.weekday() * 24 + local.hour)


class Reading:
    """The sums of a window, from its hours' buckets in their order; those of later hours tell of concurrency alone."""

    def __init__(self, window: Window, layout: Layout) -> None:
        self._window = window
        self._layout = layout
        self.periods = [_no_sums() for _ in layout.starts]
        self.week = [_no_sums() for _ in range(HOURS_OF_A_WEEK)]
        self.named: defaultdict[str, Sums] = defaultdict(_no_sums)
        """By kind (`duration`, `reason`, `assistant`, `rule`, `test`) and what follows it."""
        self._first_hour = window.start // HOUR * HOUR
        self._level = 0
        self._carried = 0
        self._peak: tuple[int, int] | None = None

    def add(self, hour: str, bucket: Bucket) -> None:
        begins = instant_of(hour)
        quarters = self._quarters(hour)
        minutes: dict[int, list[int]] = {}
        for attribute, amount in bucket.items():
            place, _, name = attribute.partition(".")
            if place in quarters:
                kind, dot, what = name.partition(".")
                if dot:
                    self.named[kind][what] += amount
                else:
                    period, week = quarters[place]
                    period[name] += amount
                    week[name] += amount
            elif place == "start":
                minutes.setdefault(int(name), [0, 0])[0] += int(amount)
            elif place == "end":
                minutes.setdefault(int(name), [0, 0])[1] += int(amount)
            elif place == "ago" and int(name) > (begins - self._first_hour) // HOUR:
                self._carried += int(amount)
        for minute, (started, ended) in sorted(minutes.items()):
            self._move(begins + 60 * minute, started, ended)

    @property
    def totals(self) -> Sums:
        totals = _no_sums()
        for sums in self.periods:
            for name, amount in sums.items():
                totals[name] += amount
        return totals

    @property
    def peak(self) -> tuple[int, int | None]:
        """The most calls in progress within one minute, and the first minute of the window that had so many."""
        relative, at = self._peak or (self._level, self._window.start)
        calls = relative + self._carried
        return calls, at if calls else None

    def _quarters(self, hour: str) -> dict[str, tuple[Sums, Sums]]:
        """Of an hour's quarters those in the window, each with its period's and its hour of the week's sums."""
        found, layout = {}, self._layout
        first = (instant_of(hour) - self._window.start) // QUARTER
        for quarter in self._window.quarters(hour):
            at = first + quarter
            found[str(quarter)] = (self.periods[layout.period[at]], self.week[layout.hour_of_week[at]])
        return found

    def _move(self, at: int, started: int, ended: int) -> None:
        """The next minute in which calls began or ended; levels count from that at the beginning of the first hour."""
        if at >= self._window.end:
            return
        if at >= self._window.start:
            if self._peak is None:
                self._peak = (self._level, self._window.start)
            if self._level + started > self._peak[0]:
                self._peak = (self._level + started, at)
        self._level += started - ended


def with_callers(window: Window, *, now: int, retention_days: int) -> Window | None:
    """The part of a window of which all callers are kept; None if there is no such part.

    They go hour by hour, not before the calls of their hour do. retention_days: how long calls are kept.
    """
    kept_from = ((now - retention_days * 86_400) // HOUR + 1) * HOUR
    return Window(max(window.start, kept_from), window.end) if kept_from < window.end else None


def top_callers(window: Window, buckets: Iterable[tuple[str, Bucket]]) -> list[dict[str, Any]]:
    """Who called most within the window, from the callers' buckets of its hours in any order."""
    calls: defaultdict[str, Decimal] = defaultdict(Decimal)
    for hour, bucket in buckets:
        quarters = set(map(str, window.quarters(hour)))
        for attribute, amount in bucket.items():
            quarter, _, caller = attribute.partition(".")
            if quarter in quarters:
                calls[caller] += amount
    return _most("caller", calls)


def analysis(
    window: Window,
    zone: ZoneInfo,
    group_by: str,
    hours: Iterable[tuple[str, Bucket]],
    ranked: Window | None,
    callers: Iterable[tuple[str, Bucket]],
    tariff: Tariff,
) -> dict[str, Any]:
    """The figures of a window, by the names in `model/analysis.py`.

    group_by: one of PERIODS, or `hourOfWeek`. hours: those of `hours_of_calls`, in order. ranked: the part whose
    callers are kept, None for none. callers: of its hours. tariff: what Vapi's cents and the carrier's minutes cost.
    """
    by_week = group_by == "hourOfWeek"
    layout = Layout(window, zone, None if by_week else group_by)
    reading = Reading(window, layout)
    for hour, bucket in hours:
        reading.add(hour, bucket)
    week = [{"hour_of_week": hour, **figures(sums, tariff)} for hour, sums in enumerate(reading.week)]
    series = [
        {
            "start": start,
            "start_local": datetime.fromtimestamp(start, zone).isoformat(),
            **figures(sums, tariff),
        }
        for start, sums in zip(layout.starts, reading.periods, strict=True)
    ]
    peak, at = reading.peak
    named, tests = reading.named, reading.named["test"]
    return {
        **_summary(window, reading, tariff),
        "timezone": zone.key,
        "group_by": group_by,
        "series": week if by_week else series,
        "by_hour_of_week": week,
        "peak_concurrency": {"calls": peak, "at": at},
        "top_callers": top_callers(ranked, callers) if ranked is not None else None,
        "top_callers_from": ranked.start if ranked is not None else None,
        "ended_reasons": _most("reason", named["reason"]),
        "assistants": _most("id", named["assistant"]),
        "rules": _most("id", named["rule"]),
        "tests": {
            "calls": int(tests["calls"]),
            "minutes": _minutes(tests["seconds"]),
            "cost": _amount(tariff.vapis(tests["cost"])),
        },
    }


def summary(window: Window, hours: Iterable[tuple[str, Bucket]], tariff: Tariff) -> dict[str, Any]:
    """Totals and durations alone. hours: those of the window, in order."""
    reading = Reading(window, Layout(window, ZoneInfo("UTC"), None))
    for hour, bucket in hours:
        reading.add(hour, bucket)
    return _summary(window, reading, tariff)


def compared(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, float | None]:
    """By how much each figure changed, relative to what it was; None where that was nothing."""
    return {name: _change(before[name], now[name]) for name in before}


def figures(sums: Mapping[str, Decimal], tariff: Tariff) -> dict[str, Any]:
    """What is shown of a period's sums. Rates are of the inbound calls that were let in and have an outcome."""
    calls = int(sums.get("calls", 0))
    outcomes = {outcome: int(sums.get(outcome, 0)) for outcome in OUTCOMES}
    settled = int(sums.get("settled", 0))
    seconds = sums.get("seconds", Decimal(0))
    return {
        "calls": calls,
        "inbound_calls": int(sums.get("inbound", 0)),
        "outbound_calls": int(sums.get("outbound", 0)),
        **outcomes,
        "undecided": calls - sum(outcomes.values()),
        "answer_rate": _rate(int(sums.get("inboundAnswered", 0)), settled),
        "missed_rate": _rate(int(sums.get("inboundMissed", 0)), settled),
        "minutes": _minutes(seconds),
        "cost": _amount(tariff.vapis(sums.get("cost", Decimal(0)))),
        "carrier_cost": _amount(tariff.carriers(seconds)),
    }


def _summary(window: Window, reading: Reading, tariff: Tariff) -> dict[str, Any]:
    totals = reading.totals
    bins = {int(name): int(count) for name, count in reading.named["duration"].items() if count > 0}
    answered = totals["answered"]
    return {
        "from_": window.start,
        "to": window.end,
        "totals": figures(totals, tariff),
        "duration": {
            "average": float(round(totals["answeredSeconds"] / answered, 3)) if answered else None,
            **{f"p{percent}": _rounded(quantile(bins, percent / 100)) for percent in (50, 90, 99)},
        },
    }


def _no_sums() -> Sums:
    return defaultdict(Decimal)


def _most(what: str, calls: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    """The names with most calls, ties by name; a name whose calls were all taken back is not among them."""
    some = [(-int(count), name) for name, count in calls.items() if count > 0]
    return [{what: name, "calls": -count} for count, name in nsmallest(MOST_NAMED, some)]


def _amount(cents: Decimal | None) -> Decimal | None:
    return None if cents is None else round(cents, 4)


def _minutes(seconds: Decimal) -> float:
    return float(round(seconds / 60, 4))


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _change(before: Any, now: Any) -> float | None:
    if not before or now is None:
        return None
    return round(float(now) / float(before) - 1, 4)
