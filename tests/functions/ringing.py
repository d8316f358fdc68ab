"""Calls as Vapi tells of them, made for the tests that need more than one."""

from typing import Any

from local.simulators.vapi.clock import iso
from tests.functions.conftest import Deployment
from tests.support.invoking import Answer

T = 1_785_862_800_000
CALLER = "+12025550123"


def message(
    call_id: str, kind: str, *, caller: str | None = CALLER, began: int = T, after: int = 140, **own: Any
) -> dict[str, Any]:
    """A server message, so many milliseconds after the call came to be."""
    customer = {} if caller is None else {"customer": {"number": caller}}
    row = {"id": call_id, "type": "inboundPhoneCall", "status": "ringing", "createdAt": iso(began), **customer}
    return {"message": {"type": kind, "timestamp": began + after, "call": row, **customer, **own}}


def rings(
    aws: Deployment, number: dict[str, Any], call_id: str, caller: str | None = CALLER, *, began: int = T, **own: Any
) -> Answer:
    """Vapi asks who answers."""
    return aws.tell(number, message(call_id, "assistant-request", caller=caller, began=began, **own))


def ends(
    aws: Deployment, number: dict[str, Any], call_id: str, *, lasted: int | None = 60_000, **own: Any
) -> dict[str, Any]:
    """Vapi reports; lasted: milliseconds of talk, None for a call that nobody took. The report as it was sent."""
    over = 2_000 + (lasted or 0)
    facts = {"endedReason": "customer-ended-call", "endedAt": iso(T + over), "cost": 0, **own}
    if lasted is not None:
        facts["startedAt"] = iso(T + 2_000)
    caller = facts.pop("caller", CALLER)
    report = message(call_id, "end-of-call-report", caller=caller, after=over + 3_000, **facts)
    assert aws.tell(number, report).status == 200
    return report
