"""A call that we place ourselves, in the words that Vapi understands: the body of POST /call."""

from typing import Any

from switchboard.routing.answer import answerer_of, overrides, variables
from switchboard.routing.decide import Decision
from switchboard.routing.hours import state_at
from switchboard.routing.number import Number


def body_of_test(
    number: Number,
    kind: str,
    target: str,
    *,
    vapi_id: str,
    test_id: str,
    to: str,
    seconds: int,
    message: str | None,
    at: int,
) -> dict[str, Any]:
    """The body. The call is named by the test, so that it can be found, and marked by it, so that its messages say so.

    Whoever talks is told what a live call's answer would tell; like that, the body never holds a `server`. kind: of the
    target, the id of an assistant, squad or workflow. vapi_id: the number's at Vapi. seconds: how long the call may
    last, of which a workflow cannot be told. at: Unix seconds.
    """
    state = state_at(number.hours, at)
    decision = Decision(
        action=kind,
        reason="default",
        id=target,
        is_open=state.is_open,
        closes_at=state.closes_at,
        next_open_at=state.next_open_at,
        special=state.special,
    )
    marks = {"testCall": True, "testId": test_id}
    told: dict[str, Any]
    if kind == "workflow":
        told = {"variableValues": {**variables(decision, number), "numberId": number.id, **marks}}
    else:
        told = overrides(answerer_of(decision, number), decision, number, **marks)
        told["maxDurationSeconds"] = seconds
        if message is not None:
            told |= {"firstMessage": message, "firstMessageMode": "assistant-speaks-first"}
    return {
        "name": test_id,
        "phoneNumberId": vapi_id,
        "customer": {"number": to},
        f"{kind}Id": target,
        f"{kind}Overrides": told,
    }
