"""AWS fails or hangs under the deployed call plane: callers are answered by what was seen, or go to Vapi's fallback.

No time is asserted: `make bench` measures.
"""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from local.eventually import eventually
from local.outage import breakable
from local.simulators.vapi import Delivery
from local.stack import Stack
from tests.stack.acting import active_number, stored_call

Api = Callable[..., httpx.Client]
Story = dict[str, Any]

CALLER = "+12025550123"
DESK = "+14155550199"
ONLY_THE_REPORT = Delivery(
    drop=frozenset({"status-update", "speech-update", "conversation-update", "assistant.started"})
)
NOTHING_MORE = Delivery(drop=ONLY_THE_REPORT.drop | {"end-of-call-report"})


@pytest.fixture(scope="module")
def number(stack: Stack, api: Api) -> dict[str, Any]:
    """An active number that an assistant answers, and that Vapi forwards to the desk where we fail."""
    number = active_number(api("acme"), assistant={"id": stack.new_assistant("Front desk")}, forwardingNumber=DESK)

    def has_fallback() -> bool:
        rows = {row.get("number"): row for row in stack.vapi.state()["numbers"]}
        return (rows[number["phoneNumber"]].get("fallbackDestination") or {}).get("number") == DESK

    eventually(has_fallback, what="Vapi's fallback of the number")
    return number


@pytest.fixture(scope="module", autouse=True)
def patience(stack: Stack) -> Iterator[None]:
    """Vapi waits 7.5 s for an answer; here it waits until the emulator has unpacked a new instance's layers."""
    usual = stack.vapi.exchange.request_timeout_seconds
    stack.vapi.exchange.request_timeout_seconds = 60
    yield
    stack.vapi.exchange.request_timeout_seconds = usual


@pytest.fixture(scope="module", params=["fails", "refuses", "hangs"])
def outage(request: pytest.FixtureRequest, stack: Stack, number: dict[str, Any]) -> dict[str, Story]:
    """Calls to a new instance in an outage of the table, to the same one after it, and in the next outage."""

    def ring(**how: Any) -> Story:
        return stack.vapi.ring(number["phoneNumber"], CALLER, **{"delivery": NOTHING_MORE, **how})

    def answered() -> Story:
        story = ring()
        return story if story["outcome"]["answeredBy"] == "assistant" else {}

    with breakable(stack, "DYNAMODB") as table:
        table.break_down(request.param)
        first = ring()
        table.mend()
        between = eventually(answered, timeout=60, what="an answer by the assistant")
        table.break_down(request.param)
        second = ring(hold=True, delivery=ONLY_THE_REPORT)
        table.mend()
        stack.vapi.hang_up(second["callId"])
    return {"first": first, "between": between, "second": second}


def test_a_new_instance_leaves_the_caller_to_vapis_fallback(outage: dict[str, Story]) -> None:
    story = outage["first"]
    assert story["answered"]["status"] == 500
    assert (story["outcome"]["answeredBy"], story["outcome"]["forwardedTo"]) == ("fallbackDestination", DESK)


def test_an_instance_that_has_seen_the_number_answers_as_before(outage: dict[str, Story]) -> None:
    story = outage["second"]
    assert story["answered"]["status"] == 200
    assert story["answered"]["body"] == outage["between"]["answered"]["body"]
    assert story["outcome"]["answeredBy"] == "assistant"


def test_a_call_that_was_answered_in_an_outage_is_kept_by_its_report(
    stack: Stack, number: dict[str, Any], outage: dict[str, Story]
) -> None:
    kept = stored_call(stack, number["id"], outage["second"]["callId"])
    assert ("report" in kept, "decision" in kept) == (True, False)


def test_a_new_instance_without_the_webhook_key_leaves_the_caller_to_vapis_fallback(
    stack: Stack, number: dict[str, Any]
) -> None:
    with breakable(stack, "SECRETS_MANAGER") as secrets:
        secrets.break_down("hangs")
        story = stack.vapi.ring(number["phoneNumber"], CALLER, delivery=NOTHING_MORE)
    assert story["answered"]["status"] == 500
    assert (story["outcome"]["answeredBy"], story["outcome"]["forwardedTo"]) == ("fallbackDestination", DESK)
