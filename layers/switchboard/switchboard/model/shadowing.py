"""Rules that can never be reached, because an earlier one takes every call that they could take.

Sound, not complete: what is told is certain, for each condition of the earlier rule follows from the later one's own.
Not told is a rule that only several earlier ones together leave nothing to, or that the number's hours never let match.
"""

from collections.abc import Iterator, Sequence

from switchboard.model.hours import BusinessHours
from switchboard.model.rules import RoutingRule, When
from switchboard.routing.hours import Hours, compile_hours

ALL = 100
"""A share that every caller is in."""


def shadowed(rules: Sequence[RoutingRule]) -> Iterator[tuple[int, RoutingRule]]:
    """(position in `rules`, the earlier rule that shadows it) of each enabled rule that is never reached."""
    enabled = sorted((rule.priority, position) for position, rule in enumerate(rules) if rule.enabled)
    schedules = {position: _compiled(rules[position].when.schedule) for _, position in enabled}
    for place, (priority, position) in enumerate(enabled):
        for earlier_priority, earlier in enabled[:place]:
            if (
                earlier_priority < priority
                and _implies(rules[position].when, rules[earlier].when)
                and schedules[earlier] in (None, schedules[position])
            ):
                yield position, rules[earlier]
                break


def _compiled(schedule: BusinessHours | None) -> Hours | None:
    """As calls are held against it: the same for all that say the same, whatever its special days are called."""
    if schedule is None:
        return None
    said = schedule.model_dump(mode="json", by_alias=True)
    for special in said["specialOpeningHoursSpecification"]:
        special["name"] = ""
    return compile_hours(said)


def _implies(narrow: When, wide: When) -> bool:
    """Whether `wide` holds for certain whenever `narrow` does, whatever the call and the number; schedules apart."""
    return (
        wide.share in (None, ALL)
        and wide.hours in (None, narrow.hours)
        and _anonymous_follows(narrow, wide)
        and _numbers_follow(narrow, wide)
        and _prefixes_follow(narrow, wide)
        and (wide.caller_countries is None or _within(narrow.caller_countries, wide.caller_countries))
    )


def _anonymous_follows(narrow: When, wide: When) -> bool:
    if wide.anonymous is None or wide.anonymous is narrow.anonymous:
        return True
    # Nothing is known of a caller without a number, the country neither.
    by_number = (narrow.caller_numbers, narrow.caller_prefixes, narrow.caller_countries)
    return wide.anonymous is False and any(condition is not None for condition in by_number)


def _numbers_follow(narrow: When, wide: When) -> bool:
    if wide.caller_numbers is None:
        return True
    named = narrow.named_callers
    return named is not None and named <= set(wide.caller_numbers)


def _prefixes_follow(narrow: When, wide: When) -> bool:
    if wide.caller_prefixes is None:
        return True
    prefixes = tuple(wide.caller_prefixes)
    named = narrow.named_callers
    beginnings = narrow.caller_prefixes if named is None else named
    return beginnings is not None and all(beginning.startswith(prefixes) for beginning in beginnings)


def _within(some: Sequence[str] | None, others: Sequence[str]) -> bool:
    return some is not None and set(some) <= set(others)
