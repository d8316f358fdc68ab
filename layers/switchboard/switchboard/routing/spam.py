"""How much a caller looks like spam: a sum of reasons, each with its weight, from this business's own calls.

Never a black box: every reason is told. What is not known of a caller is no reason against them.
"""

from dataclasses import dataclass

INVALID_NUMBER = 60
"""The numbering plan has no such number: nobody can be called back there."""

MANY_NUMBERS = 40
"""Several of this business's numbers called within the window: a caller has one errand, a dialler has a list."""

SHORT_CALLS = 40
"""A run of calls that ended within seconds."""

NEIGHBOUR = 20
"""A number made to look local: the same area code and exchange as the number called, which a real neighbour has too."""

MANY = 3
_NANP_NEIGHBOURHOOD = len("+1415555")


@dataclass(frozen=True, slots=True)
class Recent:
    """A caller's recent behaviour toward one business, this call's number among those called. None is unknown."""

    numbers_called: int | None = None
    short_calls: int | None = None


NOTHING_KNOWN = Recent()


@dataclass(frozen=True, slots=True)
class Score:
    """0 to 100, and what it is made of: (reason, weight)."""

    total: int
    reasons: tuple[tuple[str, int], ...] = ()


def score(e164: str | None, called: str | None, *, valid: bool | None, recent: Recent) -> Score:
    """valid: whether the numbering plan has the caller's number; None where nobody looked."""
    reasons: list[tuple[str, int]] = []
    if e164 is not None and valid is False:
        reasons.append(("invalid-number", INVALID_NUMBER))
    if recent.numbers_called is not None and recent.numbers_called >= MANY:
        reasons.append(("many-numbers", MANY_NUMBERS))
    if recent.short_calls is not None and recent.short_calls >= MANY:
        reasons.append(("short-calls", SHORT_CALLS))
    if _are_neighbours(e164, called):
        reasons.append(("neighbour", NEIGHBOUR))
    return Score(min(100, sum(weight for _, weight in reasons)), tuple(reasons))


def _are_neighbours(e164: str | None, called: str | None) -> bool:
    if e164 is None or called is None or e164 == called or not e164.startswith("+1"):
        return False
    return e164[:_NANP_NEIGHBOURHOOD] == called[:_NANP_NEIGHBOURHOOD]
