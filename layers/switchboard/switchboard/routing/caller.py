"""Who calls, as far as the network tells: a number, a SIP address, something else, or nobody."""

import re
from dataclasses import dataclass

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_NAMED = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^<]*)\s*<([^>]*)')
"""What may be shown of a caller, quoted or not, and the address behind it (name-addr, RFC 3261, section 25.1)."""

_SCHEME = re.compile(r"(sips?|tel):", re.IGNORECASE)
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_AFTER = re.compile(r"[:;?]")
"""What comes behind a user or a host: its password or port, parameters, headers."""

_SEPARATORS = re.compile(r"[\s().-]+")
"""What only makes a number easier to read: RFC 3966, section 3, and the spaces that people write."""

_NOBODY = "anonymous.invalid"
"""The host of those who withhold who they are (RFC 3323, section 4.1.1.3)."""

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

    A block must not be dodged by its form, so an address whose user part is an E.164 number counts as that number, with
    whatever stands around it in an address (RFC 3261) or a telephone number (RFC 3966).
    """

    kind: str
    e164: str | None
    raw: str | None


def is_e164(value: object) -> bool:
    return isinstance(value, str) and _E164.fullmatch(value) is not None


def caller_of(raw: str | None) -> Caller:
    """The class of a caller id. A word for nobody is seen before anything is read as a number."""
    text = (raw or "").strip()
    named = _NAMED.match(text) if "<" in text else None
    address = named[1].strip() if named else text
    scheme = _SCHEME.match(address)
    user, host = _parts(address[scheme.end() :] if scheme else address)
    if user.lower().removeprefix("+") in _WITHHELD:
        return Caller("anonymous", None, raw)
    e164 = user if is_e164(user) else None
    if host == _NOBODY and e164 is None:
        return Caller("anonymous", None, raw)
    is_sip = scheme is not None and scheme[1].lower() != "tel"
    return Caller("sip" if is_sip else "number" if e164 else "other", e164, raw)


def _parts(address: str) -> tuple[str, str]:
    """User and host of an address without its scheme; one without a user is both."""
    user, at, host = address.partition("@")
    if "%" in user:
        user = _ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), user)
    user = _AFTER.split(user, maxsplit=1)[0].strip()
    if user.startswith("+"):
        user = _SEPARATORS.sub("", user)
    return user, _AFTER.split(host, maxsplit=1)[0].lower() if at else user.lower()
