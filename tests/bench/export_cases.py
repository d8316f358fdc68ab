"""What an export is measured on: answered calls, each with its decision and trace, as their items are in the index."""

import json
from decimal import Decimal
from typing import Any

from switchboard.exports.record import Asked
from switchboard.model.export import ExportRequest
from switchboard.store import keys
from switchboard.store.dynamo import wire

NUMBER_ID = "pn_"
MARK = b"MARKED"
"""Six bytes, in whose place the page's number stands."""

ITEMS_OF_A_PAGE = 480
"""As many as fit into 1 MB."""

FIRST, PAGES = 1_700_000_000_000, 100_000
"""Unix milliseconds: 17, six digits that are the page's number, and five within the page."""


def page_of(called_at: int) -> int:
    return (called_at - FIRST) // PAGES


def asked(calls: int) -> Asked:
    request = ExportRequest.model_validate({"from": FIRST // 1000, "to": FIRST // 1000 + 86_400 * 400, "format": "csv"})
    return Asked(
        "ex_1", f"{NUMBER_ID}{calls}", "acme", "+14155550100", request.model_dump_json(by_alias=True), FIRST // 1000
    )


def item(calls: int) -> bytes:
    """The export as the worker has it after its claim."""
    kept = asked(calls).as_json() | {"status": "running", "rows": 0, "parts": [], "tries": 1, "restarts": 0}
    return json.dumps(wire(kept)).encode()


def page() -> bytes:
    """An answer to a query, without its end. Instants and ids hold the page's number."""
    return json.dumps(
        {"Items": [_call(position) for position in range(ITEMS_OF_A_PAGE)]}, separators=(",", ":")
    ).encode()


def _call(position: int) -> dict[str, Any]:
    text = json.dumps(wire(_stored(FIRST + position * 10, f"019c3f5a-0000-7000-8{position:03d}-000000000000")))
    held: dict[str, Any] = json.loads(
        text.replace("17000000", f"17{MARK.decode()}").replace("-000000", f"-{MARK.decode()}")
    )
    return held


def _stored(at: int, call_id: str) -> dict[str, Any]:
    who = {
        "createdAt": at,
        "direction": "inbound",
        "customer": "+12025550123",
        "ours": "+14155550100",
        "assistantId": "5f0d7f5e-0000-4000-8000-0000000a5515",
    }
    steps = ("status", "lists", "anonymous", "spam", "threshold", "forwarding", "rules", "hours")
    trace = [{"step": step, "outcome": "passed"} for step in steps]
    trace.append({"step": "default", "outcome": "decided", "detail": "default"})
    decision = {"action": "assistant", "reason": "default", "id": who["assistantId"], "isOpen": True, "trace": trace}
    ended = {"reason": "customer-ended-call"}
    report = {
        **ended,
        "startedAt": at + 2_000,
        "endedAt": at + 64_900,
        "cost": Decimal("10.1234"),
        "spoke": True,
        "summary": 'The caller asked for the opening hours, "and" was told them; they will come by on Monday.',
    }
    return keys.call("pn_1", call_id) | {
        "business": "acme",
        "numberId": "pn_1",
        "callId": call_id,
        "callsOf": "pn_1",
        "calledAt": at,
        "callerOf": "acme#+12025550123",
        "rev": 4,
        "expiresAt": 1_820_422_800,
        "decision": {"at": at + 100, **who, **decision},
        "inProgress": {"at": at + 2_000, **who},
        "ended": {"at": at + 65_000, **who, **ended},
        "report": {"at": at + 70_000, **who, **report},
    }
