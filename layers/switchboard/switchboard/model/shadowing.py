"""Rules that can never be reached, because an earlier one takes every call that they could take.

Sound, not complete: what is told is certain, for each condition of the earlier rule follows from the later one's own.
Not told is a rule that only several earlier ones together leave nothing to, or that the number's hours never let match.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from switchboard.model.hours import BusinessHours
from switchboard.model.rules import RoutingRule, When
from switchboard.routing.hours import Hours, compile_hours

ALL = 100
"""A share that every caller is in."""


@dataclass(frozen=True, slots=True)
class _Conditions:
    """A rule's conditions, as they are compared with those of hundreds of others.

    named: the only numbers for which they can hold. lengths: of the prefixes.
    """

    when: When
    numbers: frozenset[str] | None
    named: frozenset[str] | None
    prefixes: frozenset[str] | None
    lengths: tuple[int, ...]
    countries: frozenset[str] | None
    schedule: Hours | None

    @classmethod
    def of(cls, when: When) -> "_Conditions":
        prefixes = None if when.caller_prefixes is None else frozenset(when.caller_prefixes)
        return cls(
            when=when,
            numbers=None if when.caller_numbers is None else frozenset(when.caller_numbers),
            named=when.named_callers,
            prefixes=prefixes,
            lengths=tuple(sorted({len(prefix) for prefix in prefixes or ()})),
            countries=None if when.caller_countries is None else frozenset(when.caller_countries),
            schedule=_compiled(when.schedule),
        )


def shadowed(rules: Sequence[RoutingRule]) -> Iterator[tuple[int, RoutingRule]]:
    """(position in `rules`, the earlier rule that shadows it) of each enabled rule that is never reached."""
    enabled = sorted((rule.priority, position) for position, rule in enumerate(rules) if rule.enabled)
    conditions = {position: _Conditions.of(rules[position].when) for _, position in enabled}
    for place, (priority, position) in enumerate(enabled):
        for earlier_priority, earlier in enabled[:place]:
            if earlier_priority < priority and _implies(conditions[position], conditions[earlier]):
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


def _implies(narrow: _Conditions, wide: _Conditions) -> bool:
    """Whether `wide` holds for certain whenever `narrow` does, whatever the call, the instant and the number."""
    return (
        wide.when.share in (None, ALL)
        and wide.when.hours in (None, narrow.when.hours)
        and _anonymous_follows(narrow.when, wide.when)
        and (wide.numbers is None or (narrow.named is not None and narrow.named <= wide.numbers))
        and (wide.countries is None or (narrow.countries is not None and narrow.countries <= wide.countries))
        and _prefixes_follow(narrow, wide)
        and wide.schedule in (None, narrow.schedule)
    )


def _anonymous_follows(narrow: When, wide: When) -> bool:
    if wide.anonymous is None or wide.anonymous is narrow.anonymous:
        return True
    # Nothing is known of a caller without a number, the country neither.
    by_number = (narrow.caller_numbers, narrow.caller_prefixes, narrow.caller_countries)
    return wide.anonymous is False and any(condition is not None for condition in by_number)


def _prefixes_follow(narrow: _Conditions, wide: _Conditions) -> bool:
    if wide.prefixes is None:
        return True
    beginnings = narrow.prefixes if narrow.named is None else narrow.named
    if beginnings is None:
        return False
    return all(any(other[:length] in wide.prefixes for length in wide.lengths) for other in beginnings - wide.prefixes)
