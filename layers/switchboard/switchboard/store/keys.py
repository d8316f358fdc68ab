"""Every key of the table and its indexes is spelled here and nowhere else (docs/access-patterns.md)."""

from typing import Any

BY_BUSINESS = "by-business"
"""Numbers of a business by creation: `business`, `listOrder`."""

UNFINISHED = "unfinished"
"""What a schedule has still to look at (sparse): `unfinished` (NUMBER or CALL), `unfinishedSince`."""

WINDOW = "WINDOW#"
"""How the sort key of a caller's recent behaviour begins."""

BLOCKS_BY_TIME = "blocks-by-time"
"""A number's exactly blocked callers by when they were blocked (sparse): `blockedOn`, `addedAt`."""

CALLS_BY_TIME = "calls-by-time"
"""A number's calls by when they came to be: `callsOf`, `calledAt` (Unix milliseconds)."""

CALLS_BY_CALLER = "calls-by-caller"
"""A business's calls with one other party by when they came to be (sparse): `callerOf`, `calledAt`."""

UNFINISHED_NUMBER = "NUMBER"
UNFINISHED_CALL = "CALL"


def number(number_id: str) -> dict[str, Any]:
    return {"PK": f"NUMBER#{number_id}", "SK": "NUMBER"}


def call(number_id: str, call_id: str) -> dict[str, Any]:
    return {"PK": f"NUMBER#{number_id}", "SK": f"CALL#{call_id}"}


def block(number_id: str, phone_number: str) -> dict[str, Any]:
    """One exactly blocked caller of a number, by its E.164 number."""
    return {"PK": f"NUMBER#{number_id}", "SK": f"BLOCK#{phone_number}"}


def allow(number_id: str, phone_number: str) -> dict[str, Any]:
    """One exactly allowed caller of a number, by its E.164 number."""
    return {"PK": f"NUMBER#{number_id}", "SK": f"ALLOW#{phone_number}"}


def blocks_after(number_id: str, phone_number: str | None) -> dict[str, str]:
    """The sort keys of a number's exact blocks after this one, in the numbers' order: `:pk`, `:from`, `:to`."""
    after = "" if phone_number is None else f"{phone_number} "
    return {":pk": f"NUMBER#{number_id}", ":from": f"BLOCK#{after}", ":to": "BLOCK#~"}


def allows(number_id: str) -> dict[str, str]:
    """The sort keys of a number's exact allows: `:pk`, `:from`, `:to`."""
    return {":pk": f"NUMBER#{number_id}", ":from": "ALLOW#", ":to": "ALLOW#~"}


def expired_block(number_id: str, phone_number: str, added_at: int) -> dict[str, Any]:
    """That a block which expired is counted no more, by when it was made."""
    return {"PK": f"NUMBER#{number_id}", "SK": f"EXPIRED#{phone_number}#{added_at}"}


def screening_counts(number_id: str) -> dict[str, Any]:
    """How many exact blocks and allows a number has."""
    return {"PK": f"NUMBER#{number_id}", "SK": "SCREENING"}


def lines(number_id: str) -> dict[str, Any]:
    """The lines of a capped number that are in use."""
    return {"PK": f"NUMBER#{number_id}", "SK": "LINES"}


def window(business: str, phone_number: str, epoch_hour: int) -> dict[str, Any]:
    """What one caller did toward one business within one hour since the epoch."""
    return {"PK": f"BUSINESS#{business}#CALLER#{phone_number}", "SK": f"{WINDOW}{epoch_hour}"}


def tally(number_id: str, call_id: str) -> dict[str, Any]:
    return {"PK": f"NUMBER#{number_id}", "SK": f"TALLY#{call_id}"}


def totals(number_id: str) -> dict[str, Any]:
    return {"PK": f"NUMBER#{number_id}", "SK": "USAGE#TOTAL"}


def e164(phone_number: str) -> dict[str, Any]:
    return {"PK": f"E164#{phone_number}", "SK": "E164"}


def vapi(vapi_id: str) -> dict[str, Any]:
    return {"PK": f"VAPI#{vapi_id}", "SK": "VAPI"}


def client(client_id: str) -> dict[str, Any]:
    return {"PK": f"CLIENT#{client_id}", "SK": "CLIENT"}


def call_list() -> dict[str, Any]:
    """How far Vapi's call list has been read."""
    return {"PK": "VAPI#CALLS", "SK": "READ-TO"}


def caller_of(business: str, phone_number: str) -> str:
    """The other party of a business's calls, by its E.164 number, as the index by caller has it."""
    return f"{business}#{phone_number}"


def call_by_time(number_id: str, called_at: int, call_id: str) -> dict[str, str | int]:
    """Where a call stands in the index by time."""
    return call(number_id, call_id) | {"callsOf": number_id, "calledAt": called_at}


def call_by_caller(caller: str, number_id: str, called_at: int, call_id: str) -> dict[str, str | int]:
    """Where a call stands in the index by caller. caller: as `caller_of` spells it."""
    return call(number_id, call_id) | {"callerOf": caller, "calledAt": called_at}


def list_order(created: int, number_id: str) -> str:
    return f"{created:010d}#{number_id}"
