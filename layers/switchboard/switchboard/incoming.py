"""A call as the decision sees it, made from what the table holds and what the numbering plan says."""

from switchboard.routing.caller import caller_of
from switchboard.routing.number import IncomingCall, Number
from switchboard.store.calls import Seen


def call_view(number: Number, call_id: str, caller: str | None, seen: Seen) -> IncomingCall:
    """The same for a live call and for an explanation. The numbering plan is only asked where a step looks at it."""
    e164 = caller_of(caller).e164
    country, valid = (None, None)
    if e164 is not None and (number.spam_filter or any(rule.caller_countries is not None for rule in number.rules)):
        country, valid = numbering_plan(e164)
    return IncomingCall(
        id=call_id,
        caller=caller,
        blocked=seen.blocked,
        allowed=seen.allowed,
        country=country,
        valid=valid,
        recent=seen.recent,
        holds=seen.holds,
    )


def numbering_plan(e164: str) -> tuple[str | None, bool]:
    """The country (ISO 3166-1 alpha-2) of a number, None where it has none, and whether the plan has such a number."""
    import phonenumbers  # noqa: PLC0415 - takes a tenth of a second to load, and few numbers need it

    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return None, False
    country = phonenumbers.region_code_for_number(parsed)
    return (None if country in (None, "001") else country), phonenumbers.is_valid_number(parsed)
