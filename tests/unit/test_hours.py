"""Business hours: a table worked out by hand, a calendar that reads the wall clock minute by minute, and properties."""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from switchboard.model.hours import BusinessHours
from switchboard.routing.hours import HORIZON, Hours, State, compile_hours, is_open_at, state_at

WEEK = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
WORKDAYS, WEEKEND = WEEK[:5], WEEK[5:]
MINUTE, HOUR, DAY = 60, 3600, 86_400

Json = dict[str, Any]


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def on(days: str | list[str], *windows: str) -> list[Json]:
    names = [days] if isinstance(days, str) else days
    return [{"dayOfWeek": names, "opens": text[:5], "closes": text[6:]} for text in windows]


def special(name: str, first: str, last: str | None = None, *windows: str) -> list[Json]:
    dates = {"name": name, "validFrom": first, "validThrough": last or first}
    if not windows:
        return [{**dates, "opens": None, "closes": None}]
    return [{**dates, "opens": text[:5], "closes": text[6:]} for text in windows]


def business(zone: str, weekly: list[Json], *specials: list[Json]) -> Json:
    return {
        "timezone": zone,
        "openingHoursSpecification": weekly,
        "specialOpeningHoursSpecification": [entry for entries in specials for entry in entries],
    }


# The table.


class Case(NamedTuple):
    """At the instant `at` the hours are as `expected` says: `open until <instant>`, `closed for good` and the like."""

    name: str
    hours: Json | None
    at: str
    expected: str
    special: str | None = None


NEW_YORK, LONDON, APIA = "America/New_York", "Europe/London", "Pacific/Apia"
LORD_HOWE, CASABLANCA, ST_JOHNS = "Australia/Lord_Howe", "Africa/Casablanca", "America/St_Johns"

OFFICE = business(NEW_YORK, on(WORKDAYS, "09:00-17:00"))
ALWAYS = on(WEEK, "00:00-24:00")
MONDAY_NIGHT = on("Monday", "22:00-02:00")
EVERY_NIGHT = on(WEEK, "22:00-02:00")


def cases_of(
    title: str, hours: Json | None, *instants: tuple[str, str] | tuple[str, str, str | None]
) -> Iterator[Case]:
    for at, expected, *name in instants:
        yield Case(f"{title} at {at}", hours, at, expected, name[0] if name else None)


TABLE = [
    *cases_of(
        "office hours",
        OFFICE,
        ("2026-01-05T13:59:59Z", "closed until 2026-01-05T14:00Z"),
        ("2026-01-05T14:00Z", "open until 2026-01-05T22:00Z"),
        ("2026-01-05T21:59:59Z", "open until 2026-01-05T22:00Z"),
        ("2026-01-05T22:00Z", "closed until 2026-01-06T14:00Z"),
        ("2026-01-09T22:00Z", "closed until 2026-01-12T14:00Z"),
    ),
    *cases_of(
        "Kathmandu is 5:45 ahead",
        business("Asia/Kathmandu", on(WORKDAYS, "10:00-18:00")),
        ("2026-01-05T04:14:59Z", "closed until 2026-01-05T04:15Z"),
        ("2026-01-05T04:15Z", "open until 2026-01-05T12:15Z"),
    ),
    # New York goes from 02:00 to 03:00 at 2026-03-08T07:00Z and from 02:00 back to 01:00 at 2026-11-01T06:00Z.
    *cases_of(
        "a weekend in which New York springs forward",
        OFFICE,
        ("2026-03-06T21:59:59Z", "open until 2026-03-06T22:00Z"),
        ("2026-03-06T22:00Z", "closed until 2026-03-09T13:00Z"),
    ),
    *cases_of(
        "closing within the gap",
        business(NEW_YORK, on("Sunday", "01:00-02:30")),
        ("2026-03-08T06:30Z", "open until 2026-03-08T07:00Z"),
        ("2026-03-08T07:00Z", "closed until 2026-03-15T05:00Z"),
    ),
    *cases_of(
        "opening within the gap",
        business(NEW_YORK, on("Sunday", "02:30-04:00")),
        ("2026-03-08T06:59:59Z", "closed until 2026-03-08T07:00Z"),
        ("2026-03-08T07:00Z", "open until 2026-03-08T08:00Z"),
    ),
    *cases_of(
        "wholly within the gap",
        business(NEW_YORK, on("Sunday", "02:15-02:45")),
        ("2026-03-08T06:59:59Z", "closed until 2026-03-15T06:15Z"),
        ("2026-03-08T07:00Z", "closed until 2026-03-15T06:15Z"),
    ),
    *cases_of(
        "over the gap",
        business(NEW_YORK, on("Saturday", "22:00-04:00")),
        ("2026-03-08T03:00Z", "open until 2026-03-08T08:00Z"),
        ("2026-03-08T07:00Z", "open until 2026-03-08T08:00Z"),
    ),
    *cases_of(
        "within the fold, open twice",
        business(NEW_YORK, on("Sunday", "01:00-01:30")),
        ("2026-11-01T04:59:59Z", "closed until 2026-11-01T05:00Z"),
        ("2026-11-01T05:00Z", "open until 2026-11-01T05:30Z"),
        ("2026-11-01T05:30Z", "closed until 2026-11-01T06:00Z"),
        ("2026-11-01T06:00Z", "open until 2026-11-01T06:30Z"),
        ("2026-11-01T06:30Z", "closed until 2026-11-08T06:00Z"),
    ),
    *cases_of(
        "over for the first time within the fold",
        business(NEW_YORK, on("Sunday", "01:15-01:30")),
        ("2026-11-01T05:45Z", "closed until 2026-11-01T06:15Z"),
    ),
    *cases_of(
        "opening within the fold",
        business(NEW_YORK, on("Sunday", "01:30-03:00")),
        ("2026-11-01T05:30Z", "open until 2026-11-01T06:00Z"),
        ("2026-11-01T06:00Z", "closed until 2026-11-01T06:30Z"),
        ("2026-11-01T06:30Z", "open until 2026-11-01T08:00Z"),
    ),
    *cases_of(
        "over the fold, an hour longer",
        business(NEW_YORK, on("Saturday", "22:00-02:00")),
        ("2026-11-01T02:00Z", "open until 2026-11-01T07:00Z"),
        ("2026-11-01T06:00Z", "open until 2026-11-01T07:00Z"),
    ),
    # London goes from 01:00 to 02:00 at 2026-03-29T01:00Z and from 02:00 back to 01:00 at 2026-10-25T01:00Z.
    *cases_of(
        "a Sunday of 23 hours",
        business(LONDON, on("Sunday", "00:00-24:00")),
        ("2026-03-28T23:59:59Z", "closed until 2026-03-29T00:00Z"),
        ("2026-03-29T00:00Z", "open until 2026-03-29T23:00Z"),
    ),
    *cases_of(
        "a Sunday of 25 hours",
        business(LONDON, on("Sunday", "00:00-24:00")),
        ("2026-10-24T22:59:59Z", "closed until 2026-10-24T23:00Z"),
        ("2026-10-24T23:00Z", "open until 2026-10-26T00:00Z"),
    ),
    *cases_of(
        "London's gap",
        business(LONDON, on("Sunday", "01:00-01:30")),
        ("2026-03-29T00:30Z", "closed until 2026-04-05T00:00Z"),
    ),
    *cases_of(
        "London's fold",
        business(LONDON, on("Sunday", "00:30-01:30")),
        ("2026-10-25T00:00Z", "open until 2026-10-25T00:30Z"),
        ("2026-10-25T00:45Z", "closed until 2026-10-25T01:00Z"),
        ("2026-10-25T01:00Z", "open until 2026-10-25T01:30Z"),
    ),
    # Lord Howe goes from 02:00 to 02:30 at 2026-10-03T15:30Z and from 02:00 back to 01:30 at 2026-04-04T15:00Z.
    *cases_of(
        "closing within a gap of 30 minutes",
        business(LORD_HOWE, on("Sunday", "01:00-02:15")),
        ("2026-10-03T15:00Z", "open until 2026-10-03T15:30Z"),
    ),
    *cases_of(
        "opening within a gap of 30 minutes",
        business(LORD_HOWE, on("Sunday", "02:15-03:00")),
        ("2026-10-03T15:29:59Z", "closed until 2026-10-03T15:30Z"),
        ("2026-10-03T15:30Z", "open until 2026-10-03T16:00Z"),
    ),
    *cases_of(
        "within a fold of 30 minutes",
        business(LORD_HOWE, on("Sunday", "01:30-01:45")),
        ("2026-04-04T14:30Z", "open until 2026-04-04T14:45Z"),
        ("2026-04-04T14:45Z", "closed until 2026-04-04T15:00Z"),
        ("2026-04-04T15:00Z", "open until 2026-04-04T15:15Z"),
        ("2026-04-04T15:15Z", "closed until 2026-04-11T15:00Z"),
    ),
    *cases_of(
        "closing at the end of a fold of 30 minutes",
        business(LORD_HOWE, on("Sunday", "01:00-02:00")),
        ("2026-04-04T14:00Z", "open until 2026-04-04T15:30Z"),
    ),
    # Casablanca leaves its summer time for Ramadan: from 03:00 back to 02:00 at 2025-02-23T02:00Z, from 02:00 to 03:00
    # at 2025-04-06T02:00Z.
    *cases_of(
        "Ramadan comes and goes",
        business(CASABLANCA, on(WORKDAYS, "09:00-17:00")),
        ("2025-02-21T15:59:59Z", "open until 2025-02-21T16:00Z"),
        ("2025-02-21T16:00Z", "closed until 2025-02-24T09:00Z"),
        ("2025-02-24T16:30Z", "open until 2025-02-24T17:00Z"),
        ("2025-04-04T17:00Z", "closed until 2025-04-07T08:00Z"),
    ),
    *cases_of(
        "the night before Ramadan and the night after",
        business(CASABLANCA, on("Sunday", "02:00-02:30")),
        ("2025-02-23T01:00Z", "open until 2025-02-23T01:30Z"),
        ("2025-02-23T01:30Z", "closed until 2025-02-23T02:00Z"),
        ("2025-02-23T02:00Z", "open until 2025-02-23T02:30Z"),
        ("2025-04-06T01:59:59Z", "closed until 2025-04-13T01:00Z"),
    ),
    # St. John's went from 00:01 on Sunday back to 23:01 on Saturday at 2010-11-07T02:31Z.
    *cases_of(
        "a day that ends twice",
        business(ST_JOHNS, on("Saturday", "20:00-24:00")),
        ("2010-11-06T23:00Z", "open until 2010-11-07T02:30Z"),
        ("2010-11-07T02:30Z", "closed until 2010-11-07T02:31Z"),
        ("2010-11-07T02:31Z", "open until 2010-11-07T03:30Z"),
        ("2010-11-07T03:30Z", "closed until 2010-11-13T23:30Z"),
    ),
    *cases_of(
        "a special day that begins twice",
        business(ST_JOHNS, ALWAYS, special("Remembrance", "2010-11-07")),
        ("2010-11-07T02:29:59Z", "open until 2010-11-07T02:30Z"),
        ("2010-11-07T02:30Z", "closed until 2010-11-07T02:31Z", "Remembrance"),
        ("2010-11-07T02:31Z", "open until 2010-11-07T03:30Z"),
        ("2010-11-07T03:30Z", "closed until 2010-11-08T03:30Z", "Remembrance"),
    ),
    *cases_of(
        "a weekend in which St. John's springs forward",
        business(ST_JOHNS, on(WORKDAYS, "09:00-17:00")),
        ("2026-03-06T20:30Z", "closed until 2026-03-09T11:30Z"),
    ),
    # Apia had no Friday, 2011-12-30: Thursday ended at 10:00Z on the 30th with the beginning of Saturday.
    *cases_of(
        "the Friday that never was",
        business(APIA, on("Friday", "09:00-17:00")),
        ("2011-12-28T00:00Z", "closed until 2012-01-05T19:00Z"),
    ),
    *cases_of(
        "Thursday goes on as Saturday",
        business(APIA, on(["Thursday", "Saturday"], "00:00-24:00")),
        ("2011-12-29T09:59:59Z", "closed until 2011-12-29T10:00Z"),
        ("2011-12-29T10:00Z", "open until 2011-12-31T10:00Z"),
    ),
    *cases_of(
        "Thursday night into the missing Friday",
        business(APIA, on("Thursday", "22:00-02:00")),
        ("2011-12-30T09:00Z", "open until 2011-12-30T10:00Z"),
        ("2011-12-30T10:00Z", "closed until 2012-01-05T08:00Z"),
    ),
    *cases_of(
        "what the missing Friday leaves to Saturday is read there",
        business(APIA, on("Friday", "22:00-02:00")),
        ("2011-12-30T09:59:59Z", "closed until 2011-12-30T10:00Z"),
        ("2011-12-30T10:00Z", "open until 2011-12-30T12:00Z"),
    ),
    *cases_of(
        "the missing Friday as a holiday leaves nothing to Saturday",
        business(APIA, EVERY_NIGHT, special("Nobody's day", "2011-12-30")),
        ("2011-12-30T09:00Z", "open until 2011-12-30T10:00Z"),
        ("2011-12-30T10:00Z", "closed until 2011-12-31T08:00Z"),
    ),
    # Windows over midnight. 2026-05-25 is a Monday.
    *cases_of(
        "Monday night ends on Tuesday",
        business(NEW_YORK, MONDAY_NIGHT),
        ("2026-05-26T01:59:59Z", "closed until 2026-05-26T02:00Z"),
        ("2026-05-26T03:00Z", "open until 2026-05-26T06:00Z"),
        ("2026-05-26T05:59:59Z", "open until 2026-05-26T06:00Z"),
        ("2026-05-26T06:00Z", "closed until 2026-06-02T02:00Z"),
    ),
    *cases_of(
        "Sunday night ends on Monday",
        business(NEW_YORK, on("Sunday", "22:00-02:00")),
        ("2026-05-25T05:00Z", "open until 2026-05-25T06:00Z"),
    ),
    *cases_of(
        "closing at 00:00 is closing at midnight",
        business(NEW_YORK, on("Monday", "09:00-00:00")),
        ("2026-05-25T20:00Z", "open until 2026-05-26T04:00Z"),
        ("2026-05-26T04:00Z", "closed until 2026-06-01T13:00Z"),
    ),
    *cases_of(
        "Monday night into a holiday",
        business(NEW_YORK, MONDAY_NIGHT, special("Stocktaking", "2026-05-26")),
        ("2026-05-26T03:00Z", "open until 2026-05-26T04:00Z"),
        ("2026-05-26T04:00Z", "closed until 2026-06-02T02:00Z", "Stocktaking"),
    ),
    *cases_of(
        "Monday night into a special day with times",
        business(NEW_YORK, MONDAY_NIGHT, special("Sale", "2026-05-26", None, "01:00-06:00")),
        ("2026-05-26T03:00Z", "open until 2026-05-26T04:00Z"),
        ("2026-05-26T04:00Z", "closed until 2026-05-26T05:00Z", "Sale"),
        ("2026-05-26T05:00Z", "open until 2026-05-26T10:00Z", "Sale"),
    ),
    *cases_of(
        "a holiday's evening leaves nothing to the next day",
        business(NEW_YORK, MONDAY_NIGHT, special("Memorial Day", "2026-05-25")),
        ("2026-05-26T03:00Z", "closed until 2026-06-02T02:00Z", "Memorial Day"),
        ("2026-05-26T05:00Z", "closed until 2026-06-02T02:00Z"),
    ),
    *cases_of(
        "a special day's night into an ordinary day",
        business(NEW_YORK, on("Tuesday", "02:00-05:00"), special("Memorial Day", "2026-05-25", None, "20:00-03:00")),
        ("2026-05-25T23:59:59Z", "closed until 2026-05-26T00:00Z", "Memorial Day"),
        ("2026-05-26T00:00Z", "open until 2026-05-26T09:00Z", "Memorial Day"),
        ("2026-05-26T05:00Z", "open until 2026-05-26T09:00Z"),
    ),
    *cases_of(
        "a special day's night into another special day",
        business(NEW_YORK, [], special("Gala", "2026-05-25", None, "20:00-03:00"), special("Rest", "2026-05-26")),
        ("2026-05-26T00:00Z", "open until 2026-05-26T04:00Z", "Gala"),
        ("2026-05-26T04:00Z", "closed for good", "Rest"),
    ),
    *cases_of(
        "each day of a special entry replaces the night before",
        business("UTC", [], special("Festival", "2026-05-25", "2026-05-27", "20:00-03:00")),
        ("2026-05-25T20:00Z", "open until 2026-05-26T00:00Z", "Festival"),
        ("2026-05-26T00:00Z", "closed until 2026-05-26T20:00Z", "Festival"),
        ("2026-05-27T20:00Z", "open until 2026-05-28T03:00Z", "Festival"),
        ("2026-05-28T02:59:59Z", "open until 2026-05-28T03:00Z"),
        ("2026-05-28T03:00Z", "closed for good"),
    ),
    # Days of 24 hours.
    *cases_of(
        "24:00 and 00:00 are one",
        business("UTC", [*on("Monday", "09:00-24:00"), *on("Tuesday", "00:00-05:00")]),
        ("2026-05-25T09:00Z", "open until 2026-05-26T05:00Z"),
    ),
    *cases_of("always open", business(NEW_YORK, ALWAYS), ("2026-05-25T09:00Z", "open for good")),
    *cases_of(
        "always open by windows that touch",
        business(NEW_YORK, on(WEEK, "08:00-20:00", "20:00-08:00")),
        ("2026-03-08T07:00Z", "open for good"),
    ),
    *cases_of(
        "always open but at Christmas",
        business(NEW_YORK, ALWAYS, special("Christmas Day", "2026-12-25")),
        ("2026-03-01T00:00Z", "open until 2026-12-25T05:00Z"),
        ("2026-12-25T05:00Z", "closed until 2026-12-26T05:00Z", "Christmas Day"),
        ("2026-12-26T05:00Z", "open for good"),
    ),
    *cases_of(
        "always open but at Christmas at night",
        business("UTC", ALWAYS, special("Christmas Day", "2026-12-25", None, "20:00-02:00")),
        ("2026-12-25T00:00Z", "closed until 2026-12-25T20:00Z", "Christmas Day"),
        ("2026-12-25T20:00Z", "open for good", "Christmas Day"),
    ),
    *cases_of(
        "windows that touch or overlap",
        business("UTC", [*on("Monday", "09:00-12:00", "12:00-17:00"), *on("Tuesday", "11:00-17:00", "09:00-13:00")]),
        ("2026-05-25T10:00Z", "open until 2026-05-25T17:00Z"),
        ("2026-05-26T09:00Z", "open until 2026-05-26T17:00Z"),
    ),
    *cases_of(
        "a window within another",
        business("UTC", on("Monday", "09:00-17:00", "10:00-11:00")),
        ("2026-05-25T09:30Z", "open until 2026-05-25T17:00Z"),
        ("2026-05-25T11:00Z", "open until 2026-05-25T17:00Z"),
    ),
    *cases_of(
        "a lunch break",
        business("UTC", on("Monday", "13:00-17:00", "09:00-12:00")),
        ("2026-05-25T11:00Z", "open until 2026-05-25T12:00Z"),
        ("2026-05-25T12:00Z", "closed until 2026-05-25T13:00Z"),
    ),
    # Special days.
    *cases_of(
        "Thanksgiving",
        business(NEW_YORK, OFFICE["openingHoursSpecification"], special("Thanksgiving", "2026-11-26")),
        ("2026-11-25T22:00Z", "closed until 2026-11-27T14:00Z"),
        ("2026-11-26T04:59:59Z", "closed until 2026-11-27T14:00Z"),
        ("2026-11-26T05:00Z", "closed until 2026-11-27T14:00Z", "Thanksgiving"),
        ("2026-11-27T04:59:59Z", "closed until 2026-11-27T14:00Z", "Thanksgiving"),
        ("2026-11-27T05:00Z", "closed until 2026-11-27T14:00Z"),
    ),
    *cases_of(
        "holidays over New Year",
        business(LONDON, on(WORKDAYS, "09:00-17:00"), special("Holidays", "2026-12-24", "2027-01-01")),
        ("2026-12-23T17:00Z", "closed until 2027-01-04T09:00Z"),
        ("2026-12-24T00:00Z", "closed until 2027-01-04T09:00Z", "Holidays"),
        ("2026-12-31T12:00Z", "closed until 2027-01-04T09:00Z", "Holidays"),
        ("2027-01-01T23:59:59Z", "closed until 2027-01-04T09:00Z", "Holidays"),
        ("2027-01-02T00:00Z", "closed until 2027-01-04T09:00Z"),
    ),
    *cases_of(
        "New Year's night",
        business(LONDON, EVERY_NIGHT, special("New Year's Day", "2027-01-01")),
        ("2026-12-31T23:00Z", "open until 2027-01-01T00:00Z"),
        ("2027-01-01T01:00Z", "closed until 2027-01-02T22:00Z", "New Year's Day"),
    ),
    *cases_of(
        "a special day with times of its own",
        business("UTC", on(WORKDAYS, "09:00-17:00"), special("Christmas Eve", "2026-12-24", None, "08:00-12:00")),
        ("2026-12-24T08:00Z", "open until 2026-12-24T12:00Z", "Christmas Eve"),
        ("2026-12-24T12:00Z", "closed until 2026-12-25T09:00Z", "Christmas Eve"),
    ),
    *cases_of(
        "a leap day",
        business(LONDON, on(WORKDAYS, "09:00-17:00"), special("Leap day", "2028-02-29", None, "10:00-12:00")),
        ("2028-02-28T17:00Z", "closed until 2028-02-29T10:00Z"),
        ("2028-02-29T10:00Z", "open until 2028-02-29T12:00Z", "Leap day"),
        ("2028-02-29T12:00Z", "closed until 2028-03-01T09:00Z", "Leap day"),
    ),
    *cases_of(
        "holidays over a leap day",
        business(LONDON, on(WORKDAYS, "09:00-17:00"), special("Winter", "2028-02-28", "2028-03-01")),
        ("2028-02-29T12:00Z", "closed until 2028-03-02T09:00Z", "Winter"),
    ),
    *cases_of(
        "entries on one date add up",
        business("UTC", [], special("Fair", "2026-05-25", None, "14:00-16:00", "10:00-12:00", "12:00-13:00")),
        ("2026-05-25T10:00Z", "open until 2026-05-25T13:00Z", "Fair"),
        ("2026-05-25T13:00Z", "closed until 2026-05-25T14:00Z", "Fair"),
        ("2026-05-25T14:00Z", "open until 2026-05-25T16:00Z", "Fair"),
    ),
    *cases_of(
        "entries of some days in common",
        business(
            "UTC",
            [],
            special("Summer", "2026-07-01", "2026-07-03", "10:00-12:00"),
            special("Parade", "2026-07-02", None, "12:00-14:00"),
        ),
        ("2026-07-01T10:00Z", "open until 2026-07-01T12:00Z", "Summer"),
        ("2026-07-02T10:00Z", "open until 2026-07-02T14:00Z", "Parade"),
        ("2026-07-03T10:00Z", "open until 2026-07-03T12:00Z", "Summer"),
        ("2026-07-03T12:00Z", "closed for good", "Summer"),
    ),
    *cases_of(
        "an entry without times closes whatever else the day says",
        business(
            "UTC", [], special("Sale", "2026-05-25", None, "10:00-12:00"), special("Storm", "2026-05-24", "2026-05-26")
        ),
        ("2026-05-25T10:00Z", "closed for good", "Storm"),
    ),
    # How far it looks: 400 days.
    *cases_of(
        "opening in 400 days",
        business("UTC", [], special("Opening", "2027-02-05", None, "00:00-24:00")),
        ("2026-01-01T00:00Z", "closed until 2027-02-05T00:00Z"),
        ("2025-12-31T23:59:59Z", "closed for good"),
    ),
    *cases_of(
        "opening in the last hour of 400 days, which is an hour earlier in summer",
        business(NEW_YORK, [], special("Opening", "2027-03-17", None, "00:00-24:00")),
        ("2026-02-10T04:30Z", "closed until 2027-03-17T04:00Z"),
        ("2026-02-10T03:59:59Z", "closed for good"),
    ),
    *cases_of(
        "closing in 400 days",
        business("UTC", ALWAYS, special("Closing", "2027-02-05")),
        ("2026-01-01T00:00Z", "open until 2027-02-05T00:00Z"),
        ("2025-12-31T23:59:59Z", "open for good"),
    ),
    *cases_of(
        "a year of holidays and the clock changes twice",
        business(NEW_YORK, on(WORKDAYS, "09:00-17:00"), special("Sabbatical", "2026-01-01", "2026-12-31")),
        ("2026-01-01T05:00Z", "closed until 2027-01-01T14:00Z", "Sabbatical"),
    ),
    *cases_of("no window at all", business("UTC", []), ("2026-05-25T09:00Z", "closed for good")),
    *cases_of("no hours", None, ("2026-05-25T09:00Z", "open for good")),
]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_worked_out_by_hand(case: Case) -> None:
    word, _, until = case.expected.partition(" ")
    change = None if until == "for good" else instant(until.removeprefix("until "))
    is_open = word == "open"
    expected = State(is_open, change if is_open else None, None if is_open else change, case.special)
    assert state_at(None if case.hours is None else compile_hours(case.hours), instant(case.at)) == expected


# The independent calendar: what a clock on the wall reads, and the hours as they are written.


class WallClock:
    """Tells whether a business is open by reading the clock on its wall and then the hours as they are written."""

    def __init__(self, hours: Json) -> None:
        self.zone = ZoneInfo(hours["timezone"])
        self.weekly: list[Json] = hours["openingHoursSpecification"]
        self.specials: list[Json] = hours["specialOpeningHoursSpecification"]
        self.days: dict[date, tuple[bool, list[tuple[str, str]]]] = {}

    def day(self, day: date) -> tuple[bool, list[tuple[str, str]]]:
        """Whether the day is special, and the windows that begin on it."""
        if day not in self.days:
            specials = [each for each in self.specials if each["validFrom"] <= day.isoformat() <= each["validThrough"]]
            entries = specials or [each for each in self.weekly if f"{day:%A}" in each["dayOfWeek"]]
            if any(each["opens"] is None for each in entries):
                entries = []
            self.days[day] = bool(specials), [(each["opens"], each["closes"]) for each in entries]
        return self.days[day]

    def is_open(self, at: int) -> bool:
        reading = datetime.fromtimestamp(at, self.zone)
        today, clock = reading.date(), reading.isoformat()[11:16]
        is_special, windows = self.day(today)
        if any(opens <= clock and (clock < closes or closes < opens) for opens, closes in windows):
            return True
        _, evening_before = self.day(today - timedelta(days=1))
        return not is_special and any(clock < closes < opens for opens, closes in evening_before)

    def first_change(self, at: int, last: int, step: int) -> int | None:
        """The first instant in (at, last] that is not as `at`: looks at every `step`, then at every second of one."""
        before = self.is_open(at)
        seen = at
        while seen < last:
            then = min(seen + step - seen % step, last)
            if self.is_open(then) != before:
                return next(t for t in range(seen + 1, then + 1) if self.is_open(t) != before)
            seen = then
        return None


def agrees(hours: Json, at: int, seconds: int, step: int = MINUTE) -> None:
    state = state_at(compile_hours(hours), at)
    clock = WallClock(hours)
    assert state.is_open == clock.is_open(at)
    change = state.closes_at if state.is_open else state.next_open_at
    expected = clock.first_change(at, at + seconds, step)
    if expected is None:
        assert change is None or change > at + seconds
    else:
        assert change == expected


CHANGES = {
    NEW_YORK: ["2026-03-08T07:00Z", "2026-11-01T06:00Z"],
    LONDON: ["2026-03-29T01:00Z", "2026-10-25T01:00Z"],
    LORD_HOWE: ["2026-04-04T15:00Z", "2026-10-03T15:30Z"],
    CASABLANCA: ["2025-02-23T02:00Z", "2025-04-06T02:00Z"],
    ST_JOHNS: ["2026-03-08T05:30Z", "2010-11-07T02:31Z", "1988-04-03T03:31Z"],
    APIA: ["2011-12-30T10:00Z", "2011-09-24T14:00Z"],
    "Pacific/Kwajalein": ["1993-08-21T12:00Z"],
    "America/Havana": ["2026-03-08T05:00Z", "2026-11-01T05:00Z"],
    "America/Santiago": ["2026-04-05T03:00Z", "2026-09-06T04:00Z"],
    "America/Caracas": ["2007-12-09T07:00Z", "2016-05-01T07:00Z"],
    "Africa/Monrovia": ["1972-01-07T00:44:30Z"],
    "Antarctica/Troll": ["2026-03-29T01:00Z", "2026-10-25T01:00Z"],
    "Asia/Kathmandu": ["1985-12-31T18:30Z"],
    "Europe/Dublin": ["2026-03-29T01:00Z", "2026-10-25T01:00Z"],
    "UTC": ["2027-01-01T00:00Z", "2028-02-29T00:00Z"],
}
"""Zones and the instants at which something happens there; of UTC, to New Year and the leap day."""

AWKWARD_TIMES = [
    "00:00",
    "00:01",
    "00:30",
    "01:00",
    "01:30",
    "01:45",
    "02:00",
    "02:15",
    "02:30",
    "03:00",
    "12:00",
    "23:59",
]
TIMES = st.sampled_from(AWKWARD_TIMES) | st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
WINDOWS = st.tuples(TIMES, TIMES | st.just("24:00")).filter(lambda window: window[0] != window[1])
NAMES = st.sampled_from(["Thanksgiving", "Inventory", "Ashura", "Karneval"])
WEEKLY = st.lists(
    st.builds(
        lambda days, window: {"dayOfWeek": days, "opens": window[0], "closes": window[1]},
        st.lists(st.sampled_from(WEEK), min_size=1, max_size=7),
        WINDOWS,
    ),
    max_size=4,
)


@st.composite
def moments(draw: st.DrawFn) -> tuple[Json, int]:
    """Hours, and an instant at which their zone or their special days make it hard."""
    zone = draw(st.sampled_from(sorted(CHANGES)))
    change = instant(draw(st.sampled_from(CHANGES[zone])))
    at = change + draw(st.sampled_from([-1, 0, 1]) | st.integers(-2 * HOUR, 2 * HOUR) | st.integers(-3 * DAY, 3 * DAY))
    around = datetime.fromtimestamp(change, ZoneInfo(zone)).date()
    specials = []
    for _ in range(draw(st.integers(0, 3))):
        first = around + timedelta(days=draw(st.integers(-4, 4)))
        window = draw(st.none() | WINDOWS)
        specials.append(
            {
                "name": draw(NAMES),
                "validFrom": first.isoformat(),
                "validThrough": (first + timedelta(days=draw(st.integers(0, 3)))).isoformat(),
                "opens": window and window[0],
                "closes": window and window[1],
            }
        )
    return business(zone, draw(WEEKLY), specials), at


@settings(max_examples=250, deadline=None)
@given(moments())
def test_agrees_with_the_clock_on_the_wall(moment: tuple[Json, int]) -> None:
    hours, at = moment
    agrees(hours, at, 2 * DAY)


@settings(max_examples=40, deadline=None)
@given(
    zone=st.sampled_from([NEW_YORK, LORD_HOWE, CASABLANCA, "Asia/Kathmandu", "America/Havana"]),
    weekly=st.sampled_from([[], ALWAYS, on("Sunday", "02:00-02:15"), on(WEEKEND, "22:00-02:30")]),
    start=st.integers(0, 364),
    specials=st.lists(
        st.tuples(st.integers(-20, 420), st.integers(0, 300), st.sampled_from(["", "00:00-24:00", "21:00-01:15"])),
        max_size=5,
    ),
)
def test_agrees_with_the_clock_a_year_ahead(
    zone: str, weekly: list[Json], start: int, specials: list[tuple[int, int, str]]
) -> None:
    begin = date(2024, 11, 1) + timedelta(days=start)
    entries = [
        special(
            "Project",
            (begin + timedelta(days=first)).isoformat(),
            (begin + timedelta(days=first + days)).isoformat(),
            *([window] if window else []),
        )
        for first, days, window in specials
    ]
    at = instant(f"{begin}T07:00Z")
    # Everything in sight happens at a quarter of an hour.
    agrees(business(zone, weekly, *entries), at, HORIZON, 15 * MINUTE)


def test_agrees_with_the_clock_in_every_zone() -> None:
    times = [f"{hour:02}:{minute}" for hour in range(24) for minute in ("05", "20", "35", "50")]
    weekly = on(WEEK, *(f"{opens}-{closes}" for opens, closes in zip(times[::2], times[1::2], strict=True)))
    begin = instant("2024-01-01T00:00Z")
    seen = set()
    for zone in sorted(available_timezones()):
        days = [datetime.fromtimestamp(begin + day * DAY, ZoneInfo(zone)) for day in range(731)]
        offsets = tuple(day.utcoffset() for day in days)
        if offsets in seen:
            continue  # another name for the same clock
        seen.add(offsets)
        hours = business(zone, weekly)
        compiled, clock = compile_hours(hours), WallClock(hours)
        for day, next_day in pairwise(days):
            if day.utcoffset() == next_day.utcoffset():
                continue
            state = None
            for at in range(int(day.timestamp()), int(next_day.timestamp()), 5 * MINUTE):
                is_open = clock.is_open(at)
                if state is not None and state.is_open != is_open:
                    assert at == (state.closes_at or state.next_open_at), zone
                state = state_at(compiled, at)
                assert state.is_open == is_open, zone


# What holds whatever the hours are.


@settings(max_examples=200, deadline=None)
@given(moments())
def test_every_instant_is_in_one_state_until_it_flips(moment: tuple[Json, int]) -> None:
    hours, at = moment
    compiled = compile_hours(hours)
    for _ in range(6):
        state = state_at(compiled, at)
        assert state.readable
        change = state.closes_at if state.is_open else state.next_open_at
        assert (state.next_open_at if state.is_open else state.closes_at) is None
        if change is None:
            break
        assert at < change <= at + HORIZON
        for same in {(at + change) // 2, change - 1}:
            before = state_at(compiled, same)
            assert (before.is_open, before.closes_at or before.next_open_at) == (state.is_open, change)
            assert is_open_at(compiled, same) is before.is_open
        assert state_at(compiled, change).is_open is not state.is_open
        at = change


@settings(max_examples=100, deadline=None)
@given(moments(), st.randoms(use_true_random=False))
def test_input_order_never_matters(moment: tuple[Json, int], chance: random.Random) -> None:
    hours, at = moment
    weekly = [
        {**entry, "dayOfWeek": chance.sample(entry["dayOfWeek"], len(entry["dayOfWeek"]))}
        for entry in hours["openingHoursSpecification"]
    ]
    specials = list(hours["specialOpeningHoursSpecification"])
    twice = chance.sample(specials, min(1, len(specials)))
    chance.shuffle(weekly)
    chance.shuffle(specials)
    shuffled = compile_hours(business(hours["timezone"], weekly, specials, twice))
    assert state_at(shuffled, at) == state_at(compile_hours(hours), at)
    assert shuffled == compile_hours(hours)


@settings(max_examples=100, deadline=None)
@given(moments())
def test_what_the_action_takes_can_be_read(moment: tuple[Json, int]) -> None:
    hours, _ = moment
    try:
        shape = BusinessHours.model_validate(hours)
    except ValidationError:
        assume(False)
    compiled = compile_hours(shape.model_dump(mode="json", by_alias=True))
    assert compiled.readable
    assert compiled == compile_hours(hours)


NOTHING_KNOWN = State(is_open=False, closes_at=None, next_open_at=None, special=None, readable=False)

NOT_READABLE: dict[str, Any] = {
    "nothing": None,
    "a list": [],
    "no zone": {"openingHoursSpecification": ALWAYS},
    "an unknown zone": business("Mars/Olympus_Mons", ALWAYS),
    "a folder of zones": business("America", ALWAYS),
    "a path": business("../../etc/passwd", ALWAYS),
    "an empty zone": business("", ALWAYS),
    "a zone that is no text": {**business("UTC", ALWAYS), "timezone": ["UTC"]},
    "a number for a zone": {**business("UTC", ALWAYS), "timezone": 5},
    "no weekly windows": {"timezone": "UTC"},
    "weekly windows that are none": {**business("UTC", []), "openingHoursSpecification": 5},
    "a window without an end": business("UTC", [{"dayOfWeek": WEEK, "opens": "09:00"}]),
    "an unknown day": business("UTC", on(["Caturday"], "09:00-17:00")),
    "days in one text": business("UTC", [{"dayOfWeek": "Monday", "opens": "09:00", "closes": "17:00"}]),
    "a window of no length": business("UTC", on(WEEK, "09:00-09:00")),
    "00:00 to 00:00": business("UTC", on(WEEK, "00:00-00:00")),
    "opening at 24:00": business("UTC", on(WEEK, "24:00-09:00")),
    "the 25th hour": business("UTC", on(WEEK, "09:00-25:00")),
    "the 60th minute": business("UTC", on(WEEK, "09:60-17:00")),
    "half past 24": business("UTC", on(WEEK, "09:00-24:30")),
    "a time of one digit": business("UTC", [{"dayOfWeek": WEEK, "opens": "9:00", "closes": "17:00"}]),
    "a time with a dot": business("UTC", on(WEEK, "09.00-17:00")),
    "a signed time": business("UTC", on(WEEK, "+9:00-17:00")),
    "digits of another script": business("UTC", on(WEEK, "0\u0669:00-17:00")),
    "a time with seconds": business("UTC", [{"dayOfWeek": WEEK, "opens": "09:00:00", "closes": "17:00"}]),
    "a number for a time": business("UTC", [{"dayOfWeek": WEEK, "opens": 9, "closes": "17:00"}]),
    "a special entry without a name": business(
        "UTC", ALWAYS, [{"validFrom": "2026-01-01", "validThrough": "2026-01-01"}]
    ),
    "a name that is no text": business("UTC", ALWAYS, [{**special("", "2026-01-01")[0], "name": {}}]),
    "a special entry with half a window": business(
        "UTC", ALWAYS, [{**special("Half", "2026-01-01")[0], "opens": "09:00"}]
    ),
    "a special entry that only closes": business(
        "UTC", ALWAYS, [{**special("Half", "2026-01-01")[0], "closes": "09:00"}]
    ),
    "a special window of no length": business("UTC", ALWAYS, special("Nil", "2026-01-01", None, "09:00-09:00")),
    "a special entry that ends before it begins": business("UTC", ALWAYS, special("Back", "2026-01-02", "2026-01-01")),
    "a day that does not exist": business("UTC", ALWAYS, special("Leap", "2026-02-29")),
    "a date that is none": business("UTC", ALWAYS, special("Soon", "tomorrow")),
}


@pytest.mark.parametrize("hours", NOT_READABLE.values(), ids=NOT_READABLE.keys())
def test_what_cannot_be_read_is_closed(hours: Any) -> None:
    compiled = compile_hours(hours)
    assert not compiled.readable
    assert state_at(compiled, instant("2026-05-25T09:00Z")) == NOTHING_KNOWN
    with pytest.raises(ValidationError):
        BusinessHours.model_validate(hours)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | TIMES | st.sampled_from(WEEK),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
INSTANTS = st.integers() | st.integers(-(10**12), 10**12) | st.integers(0, 4 * 10**9)


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """Hours with one value in them, or all of them, replaced by anything."""
    hours, _ = draw(moments())
    anything = draw(JSON)
    place = draw(st.sampled_from([None, *hours]))
    if place is None:
        return anything
    entries = hours[place]
    if isinstance(entries, list) and entries and draw(st.booleans()):
        index = draw(st.integers(0, len(entries) - 1))
        changed = {**entries[index], draw(st.sampled_from(sorted(entries[index]))): anything}
        return {**hours, place: [*entries[:index], draw(st.just(changed) | JSON), *entries[index + 1 :]]}
    return {**hours, place: anything}


@settings(max_examples=250, deadline=None)
@given(damaged(), INSTANTS)
def test_never_raises(hours: Any, at: int) -> None:
    compiled = compile_hours(hours)
    state = state_at(compiled, at)
    assert isinstance(compiled, Hours)
    assert is_open_at(compiled, at) is state.is_open
    if not state.readable:
        assert state == NOTHING_KNOWN
    if not compiled.readable:
        assert not state.readable


@pytest.mark.parametrize("at", [-(10**18), instant("0001-01-01T00:00Z"), instant("9999-12-31T23:59Z"), 10**18])
def test_an_instant_without_a_date_is_closed(at: int) -> None:
    assert state_at(compile_hours(business(NEW_YORK, ALWAYS)), at) == NOTHING_KNOWN
    assert state_at(None, at).is_open


@pytest.mark.parametrize("first", ["0001-01-01", "9000-01-01"])
def test_special_days_may_be_as_far_off_as_dates_go(first: str) -> None:
    compiled = compile_hours(business(APIA, ALWAYS, special("Aeon", first, "9999-12-31")))
    in_it = first < "2026"
    state = state_at(compiled, instant("2026-05-25T09:00Z"))
    assert (state.is_open, state.special) == ((False, "Aeon") if in_it else (True, None))
    assert state.closes_at is None
    assert state.next_open_at is None
