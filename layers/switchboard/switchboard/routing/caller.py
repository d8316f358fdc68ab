"""Who calls, as far as the network tells: a number, a SIP address, something else, or nobody."""

import re
from dataclasses import dataclass

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SIP = re.compile(r"sips?:([^@;>]*)", re.IGNORECASE)

_WITHHELD = frozenset(
    {
        "",
        "anonymous",
        "blocked",
        "no caller id",
        "private",
        "restricted",
        "unavailable",
        "unknown",
        "withheld",
        # The same words on a telephone keypad, as carriers send them where a number is demanded.
        "266696687",
        "2562533",
        "7378742833",
        "86282452253",
        "8656696",
    }
)


@dataclass(frozen=True, slots=True)
class Caller:
    """kind: `number`, `sip`, `other` or `anonymous`. e164: the number that lists and rules look at, where there is one.

    A SIP address whose user part is an E.164 number counts as that number: a block must not be dodged by its form.
    """

    kind: str
    e164: str | None
    raw: str | None


def is_e164(value: object) -> bool:
    return isinstance(value, str) and _E164.fullmatch(value) is not None


def caller_of(raw: str | None) -> Caller:
    """The class of a caller id. That nobody is named is seen before anything is read as a number."""
    text = (raw or "").strip()
    sip = _SIP.match(text)
    user = sip[1] if sip else text
    if user.lower().removeprefix("+") in _WITHHELD:
        return Caller("anonymous", None, raw)
    e164 = user if is_e164(user) else None
    return Caller("sip" if sip else "number" if e164 else "other", e164, raw)
