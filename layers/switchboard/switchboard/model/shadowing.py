"""Rules that can never be reached, because an earlier one takes every call that they could take.

Sound, not complete: what is told is certain, for each condition of the earlier rule follows from the later one's own.
Not told is a rule that only several earlier ones together leave nothing to, or that the number's hours never let match.
"""

from collections.abc import Iterator, Sequence

from switchboard.model.rules import RoutingRule, When

ALL = 100
"""A share that every caller is in."""


def shadowed(rules: Sequence[RoutingRule]) -> Iterator[tuple[int, RoutingRule]]:
    """(position in `rules`, the earlier rule that shadows it) of each enabled rule that is never reached."""
    enabled = sorted((rule.priority, position) for position, rule in enumerate(rules) if rule.enabled)
    for place, (priority, position) in enumerate(enabled):
        for earlier_priority, earlier in enabled[:place]:
            if earlier_priority < priority and implies(rules[position].when, rules[earlier].when):
                yield position, rules[earlier]
                break


def implies(narrow: When, wide: When) -> bool:
    """Whether `wide` holds for certain whenever `narrow` does, whatever the call, the instant and the number."""
    return (
        wide.share in (None, ALL)
        and wide.hours in (None, narrow.hours)
        and (wide.schedule is None or wide.schedule == narrow.schedule)
        and _anonymous_follows(narrow, wide)
        and _numbers_follow(narrow, wide)
        and _prefixes_follow(narrow, wide)
        and (wide.caller_countries is None or _within(narrow.caller_countries, wide.caller_countries))
    )


def _anonymous_follows(narrow: When, wide: When) -> bool:
    if wide.anonymous is None or wide.anonymous is narrow.anonymous:
        return True
    has_number = narrow.caller_numbers is not None or narrow.caller_prefixes is not None
    return wide.anonymous is False and has_number


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
