"""Every key of the table and its indexes is spelled here and nowhere else (docs/access-patterns.md)."""

from typing import Any

BY_BUSINESS = "by-business"
"""Numbers of a business by creation: `business`, `listOrder`."""

UNFINISHED = "unfinished"
"""What a schedule has still to look at (sparse): `unfinished` (NUMBER or CALL), `unfinishedSince`."""

UNFINISHED_NUMBER = "NUMBER"
UNFINISHED_CALL = "CALL"


def number(number_id: str) -> dict[str, Any]:
    return {"PK": f"NUMBER#{number_id}", "SK": "NUMBER"}


def call(number_id: str, call_id: str) -> dict[str, Any]:
    return {"PK": f"NUMBER#{number_id}", "SK": f"CALL#{call_id}"}


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


def list_order(created: int, number_id: str) -> str:
    return f"{created:010d}#{number_id}"
