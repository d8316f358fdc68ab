"""Every key of the table and its indexes is spelled here and nowhere else (docs/access-patterns.md)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

BY_BUSINESS = "by-business"
"""Numbers of a business by creation: `business`, `listOrder`."""

UNFINISHED = "unfinished"
"""What a schedule has still to look at (sparse): `unfinished` (NUMBER or CALL), `unfinishedSince`."""

INVENTORY = "inventory"
"""All numbers that are not gone, by creation (sparse): `inventory`, `listOrder`."""

IN_INVENTORY = "NUMBER"

WINDOW = "WINDOW#"
"""How the sort key of a caller's recent behaviour begins."""

BLOCKS_BY_TIME = "blocks-by-time"
"""A number's exactly blocked callers by when they were blocked (sparse): `blockedOn`, `addedAt`."""

CALLS_BY_TIME = "calls-by-time"
"""A number's calls by when they came to be: `callsOf`, `calledAt` (Unix milliseconds)."""

CALLS_BY_CALLER = "calls-by-caller"
"""A business's calls with one other party by when they came to be (sparse): `callerOf`, `calledAt`."""

TOTALS = "USAGE#TOTAL"
"""The sort key of a number's sums for ever."""

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


def expired_block(number_id: str, digest: str, added_at: int) -> dict[str, Any]:
    """That a block which expired is counted no more, by a digest of who was blocked and when it was made."""
    return {"PK": f"NUMBER#{number_id}", "SK": f"EXPIRED#{digest}#{added_at}"}


def screening_counts(number_id: str) -> dict[str, Any]:
    """How many exact blocks and allows a number has."""
    return {"PK": f"NUMBER#{number_id}", "SK": "SCREENING"}


def lines(number_id: str) -> dict[str, Any]:
    """The lines of a capped number that are in use."""
    return {"PK": f"NUMBER#{number_id}", "SK": "LINES"}


def holds(number_id: str) -> dict[str, Any]:
    """The holds of a number's usage thresholds, an attribute each."""
    return {"PK": f"NUMBER#{number_id}", "SK": "HOLDS"}


def threshold(number_id: str, name: str, start: int) -> dict[str, Any]:
    """That a usage threshold fired in the period that began then. name: id, metric, period and limit."""
    return {"PK": f"NUMBER#{number_id}", "SK": f"THRESHOLD#{name}#{start}"}


def test_call(number_id: str, test_id: str) -> dict[str, Any]:
    """That a test call was asked for, and what became of it."""
    return {"PK": f"NUMBER#{number_id}", "SK": f"TESTCALL#{test_id}"}


def dialled(number_id: str, start: int) -> dict[str, Any]:
    """How many calls were placed through us on the number's day that began then (Unix seconds)."""
    return {"PK": f"NUMBER#{number_id}", "SK": f"DIALLED#{start}"}


def window(business: str, phone_number: str, epoch_hour: int) -> dict[str, Any]:
    """What one caller did toward one business within one hour since the epoch."""
    return {"PK": f"BUSINESS#{business}#CALLER#{phone_number}", "SK": f"{WINDOW}{epoch_hour}"}


def tally(number_id: str, call_id: str) -> dict[str, Any]:
    return {"PK": f"NUMBER#{number_id}", "SK": f"TALLY#{call_id}"}


def totals(number_id: str) -> dict[str, Any]:
    return {"PK": f"NUMBER#{number_id}", "SK": TOTALS}


def month(number_id: str, utc_month: str) -> dict[str, Any]:
    """A number's sums of a UTC month such as `2026-11`."""
    return {"PK": f"NUMBER#{number_id}", "SK": f"USAGE#MONTH#{utc_month}"}


def hour(number_id: str, utc_hour: str) -> dict[str, Any]:
    """Sums of a UTC hour such as `2026-11-23T07`."""
    return {"PK": f"NUMBER#{number_id}", "SK": f"USAGE#HOUR#{utc_hour}"}


def callers(number_id: str, utc_hour: str, shard: str) -> dict[str, Any]:
    """How often each caller called within a UTC hour, of an eighth of the callers."""
    return {"PK": f"NUMBER#{number_id}", "SK": f"USAGE#CALLERS#{utc_hour}#{shard}"}


_BUCKETS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "TOTAL": totals,
    "MONTH": month,
    "HOUR": hour,
    "CALLERS": callers,
}


def bucket(number_id: str, names: Sequence[str]) -> dict[str, str]:
    """A bucket of usage by its names: its kind, and what tells it from others of its kind (`calls/usage.py`)."""
    kind, *rest = names
    return _BUCKETS[kind](number_id, *rest)


def bucket_names(sort: str) -> tuple[str, ...]:
    """The names of a bucket by its sort key."""
    return tuple(sort.split("#")[1:])


def names_callers(sort: str) -> bool:
    """Whether the bucket of this sort key tells who called."""
    return sort.startswith("USAGE#CALLERS#")


def buckets_of(number_id: str) -> dict[str, str]:
    """The sort keys of all buckets of a number's usage: `:pk`, `:from`, `:to`."""
    return {":pk": f"NUMBER#{number_id}", ":from": "USAGE#", ":to": "USAGE#~"}


def calls_of(number_id: str) -> dict[str, str]:
    """The sort keys of a number's calls, in the order of their ids: `:pk`, `:from`, `:to`."""
    return {":pk": f"NUMBER#{number_id}", ":from": "CALL#", ":to": "CALL#~"}


def tallies_of(number_id: str) -> dict[str, str]:
    """The sort keys of what usage has counted of each call, in the order of their ids: `:pk`, `:from`, `:to`."""
    return {":pk": f"NUMBER#{number_id}", ":from": "TALLY#", ":to": "TALLY#~"}


def hours_between(number_id: str, first: str, last: str) -> dict[str, str]:
    """The sort keys of a number's hours, both included: `:pk`, `:from`, `:to`."""
    return {":pk": f"NUMBER#{number_id}", ":from": f"USAGE#HOUR#{first}", ":to": f"USAGE#HOUR#{last}"}


def callers_between(number_id: str, first: str, last: str) -> dict[str, str]:
    """The sort keys of all callers of these hours, both included: `:pk`, `:from`, `:to`."""
    return {":pk": f"NUMBER#{number_id}", ":from": f"USAGE#CALLERS#{first}#", ":to": f"USAGE#CALLERS#{last}#~"}


def export(number_id: str, export_id: str) -> dict[str, Any]:
    """An export of a number's calls."""
    return {"PK": f"NUMBER#{number_id}", "SK": f"EXPORT#{export_id}"}


def e164(phone_number: str) -> dict[str, Any]:
    return {"PK": f"E164#{phone_number}", "SK": "E164"}


def vapi(vapi_id: str) -> dict[str, Any]:
    return {"PK": f"VAPI#{vapi_id}", "SK": "VAPI"}


def client(client_id: str) -> dict[str, Any]:
    return {"PK": f"CLIENT#{client_id}", "SK": "CLIENT"}


def budget_of_all() -> dict[str, Any]:
    """What all numbers of the deployment commit by the month."""
    return {"PK": "BUDGET#ALL", "SK": "BUDGET"}


def budget_of(business: str) -> dict[str, Any]:
    """What the numbers of one business commit by the month, and its limit if it has one of its own."""
    return {"PK": f"BUDGET#BUSINESS#{business}", "SK": "BUDGET"}


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


def transcript(business: str, number_id: str, call_id: str) -> str:
    """Where in the bucket what was said in a call is kept."""
    return f"transcripts/{business}/{number_id}/{call_id}.json.gz"


def export_file(business: str, number_id: str, name: str) -> str:
    """Where in the bucket the file of an export is."""
    return f"exports/{business}/{number_id}/{name}"


def list_order(created: int, number_id: str) -> str:
    return f"{created:010d}#{number_id}"
