"""Who is kept out of a real decision: listed callers, and callers whose recent calls look like spam."""

from decimal import Decimal
from typing import Any

import pytest

from switchboard.store import keys
from tests.functions.conftest import Deployment
from tests.functions.ringing import CALLER, ends, rings
from tests.support.streams import stream_as_dynamodb_does

HOUR = 1_785_862_800 // 3600
STRANGER = "+12025550177"


@pytest.fixture
def desk(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What every number of these tests is bought with: an assistant that answers."""
    stream_as_dynamodb_does(monkeypatch)
    return {"assistant": {"id": aws.at_vapi("assistant", name="Front desk")["id"]}}


def window(aws: Deployment, hour: int = HOUR, caller: str = CALLER) -> dict[str, Any]:
    item: dict[str, Any] = aws.table.get_item(Key=keys.window("acme", caller, hour)).get("Item", {})
    return item


def calls_shortly(aws: Deployment, number: dict[str, Any], *calls: str, **own: Any) -> None:
    for call in calls:
        rings(aws, number, call)
        ends(aws, number, call, lasted=2_000, **own)
    aws.deliver_stream()


def decision(aws: Deployment, number: dict[str, Any], call: str) -> dict[str, Any]:
    found: dict[str, Any] = aws.table.get_item(Key=keys.call(number["id"], call))["Item"]["decision"]
    return found


def test_an_exactly_blocked_caller_is_turned_away_until_the_block_expires(
    aws: Deployment, desk: dict[str, Any]
) -> None:
    number = aws.bought(**desk)
    aws.table.put_item(Item=keys.block(number["id"], CALLER))
    assert "error" in rings(aws, number, "c1").body
    assert decision(aws, number, "c1")["reason"] == "blocked"
    assert "assistantId" in rings(aws, number, "c2", STRANGER).body
    aws.table.put_item(Item=keys.block(number["id"], CALLER) | {"expiresAt": HOUR * 3600})
    assert "assistantId" in rings(aws, number, "c3").body


def test_an_exactly_allowed_caller_passes_a_closed_list(aws: Deployment, desk: dict[str, Any]) -> None:
    number = aws.bought(**desk, inboundSettings={"allowListOnly": True})
    aws.table.put_item(Item=keys.allow(number["id"], CALLER))
    assert "assistantId" in rings(aws, number, "c1").body
    assert "error" in rings(aws, number, "c2", STRANGER).body
    assert "error" in rings(aws, number, "c3", None).body


@pytest.mark.parametrize("ends", ["soon", Decimal(-1), {"at": 5}, [], True])
def test_a_block_whose_end_cannot_be_read_stays_and_such_an_allow_is_over(
    aws: Deployment, desk: dict[str, Any], ends: Any
) -> None:
    number = aws.bought(**desk)
    aws.table.put_item(Item=keys.block(number["id"], CALLER) | {"expiresAt": ends, "reason": 5})
    assert "error" in rings(aws, number, "c1").body
    assert decision(aws, number, "c1")["reason"] == "blocked"
    closed = aws.bought(**desk, inboundSettings={"allowListOnly": True})
    aws.table.put_item(Item=keys.allow(closed["id"], CALLER) | {"expiresAt": ends})
    assert "error" in rings(aws, closed, "c2").body
    assert decision(aws, closed, "c2")["reason"] == "not-allowed"


@pytest.mark.parametrize("kept", ["many", Decimal(5), ["pn_1"], {"pn_1": Decimal(1)}])
def test_behaviour_that_cannot_be_read_is_no_reason_against_a_caller(
    aws: Deployment, desk: dict[str, Any], kept: Any
) -> None:
    number = aws.bought(**desk, spamFilter=True)
    aws.table.put_item(Item=keys.window("acme", CALLER, HOUR) | {"numbers": kept, "shortCalls": kept})
    assert "assistantId" in rings(aws, number, "c1").body
    assert decision(aws, number, "c1")["reason"] == "default"


def test_a_window_holds_what_a_caller_did_however_often_the_stream_tells(aws: Deployment, desk: dict[str, Any]) -> None:
    number = aws.bought(**desk)
    calls_shortly(aws, number, "c1", "c2")
    rings(aws, number, "c3")
    once = window(aws)
    aws.deliver_stream()
    assert window(aws)["calls"] == {"c1", "c2", "c3"}
    assert window(aws)["shortCalls"] == {"c1", "c2"}
    assert window(aws)["numbers"] == {number["id"]}
    assert window(aws)["expiresAt"] == (HOUR + 4) * 3600
    assert once["shortCalls"] == {"c1", "c2"}
    aws._iterator = None
    before = window(aws)
    aws.deliver_stream()
    assert window(aws) == before


@pytest.mark.usefixtures("desk")
def test_a_call_that_we_cut_short_ourselves_says_nothing_of_its_caller(aws: Deployment) -> None:
    number = aws.bought()
    assert "error" in rings(aws, number, "c1").body
    ends(aws, number, "c1", lasted=None, endedReason="assistant-request-returned-error")
    aws.deliver_stream()
    assert window(aws)["calls"] == {"c1"}
    assert "shortCalls" not in window(aws)


def test_a_window_never_grows_beyond_a_hundred_calls(aws: Deployment, desk: dict[str, Any]) -> None:
    number = aws.bought(**desk)
    full = {f"c{position}" for position in range(100)}
    aws.table.put_item(Item=keys.window("acme", CALLER, HOUR) | {"calls": full})
    calls_shortly(aws, number, "one-more")
    assert window(aws)["calls"] == full


def test_whoever_calls_shortly_and_everywhere_is_spam(aws: Deployment, desk: dict[str, Any]) -> None:
    numbers = [aws.bought(**desk, spamFilter=True) for _ in range(3)]
    for position, number in enumerate(numbers):
        calls_shortly(aws, number, f"c{position}")
    aws.events()
    assert "error" in rings(aws, numbers[0], "c3").body
    told = decision(aws, numbers[0], "c3")
    assert told["spam"]["score"] >= 80
    assert told["spam"]["enforced"] is True
    assert {"reason": "short-calls", "weight": 40} in told["spam"]["reasons"]
    ends(aws, numbers[0], "c3", lasted=None, endedReason="assistant-request-returned-error")
    (_begun, detected) = aws.events()
    assert detected["detail-type"] == "Spam.detected"
    assert detected["detail"]["data"]["enforced"] is True
    assert aws.api("GET", f"/phone-numbers/{numbers[0]['id']}").body["totalCalls"] == 2


@pytest.mark.parametrize(("action", "enforced"), [("reject", True), ("voicemail", True), ("observe", False)])
def test_spam_is_told_whatever_is_done_about_it(
    aws: Deployment, desk: dict[str, Any], action: str, enforced: bool
) -> None:
    inbound = {"spamAction": action, "spamThreshold": 40}
    number = aws.bought(**desk, spamFilter=True, voicemailEnabled=True, inboundSettings=inbound)
    for before in range(3):
        hour = keys.window("acme", CALLER, HOUR - before)
        aws.table.put_item(Item=hour | {"calls": {f"c{before}"}, "shortCalls": {f"c{before}"}, "numbers": {"pn_1"}})
    aws.events()
    answer = rings(aws, number, "c9").body
    assert answer.keys() & {"error", "assistant", "assistantId"} == {
        {"reject": "error", "voicemail": "assistant", "observe": "assistantId"}[action]
    }
    (_begun, detected) = aws.events()
    assert (detected["detail-type"], detected["detail"]["data"]["enforced"]) == ("Spam.detected", enforced)


def test_what_was_done_four_hours_ago_is_forgotten(aws: Deployment, desk: dict[str, Any]) -> None:
    number = aws.bought(**desk, spamFilter=True, inboundSettings={"spamThreshold": 40})
    calls = {"a", "b", "c"}
    aws.table.put_item(Item=keys.window("acme", CALLER, HOUR - 3) | {"calls": calls, "shortCalls": calls})
    assert "assistantId" in rings(aws, number, "c1").body


def test_the_numbering_plan_is_asked_for_a_rules_country(aws: Deployment, desk: dict[str, Any]) -> None:
    rule = {
        "id": "french",
        "name": "French",
        "priority": 1,
        "when": {"callerCountries": ["FR"]},
        "then": {"action": "forward", "number": "+14155550199"},
    }
    number = aws.bought(**desk, callRoutingRules=[rule])
    assert "destination" in rings(aws, number, "c1", "+33142685300").body
    assert "assistantId" in rings(aws, number, "c2").body


def test_a_decisions_account_is_small_however_much_there_is_to_tell(aws: Deployment, desk: dict[str, Any]) -> None:
    number = aws.bought(**desk, spamFilter=True, maxConcurrentCalls=3)
    rings(aws, number, "c1")
    told = decision(aws, number, "c1")
    assert [step["step"] for step in told["trace"]][-2:] == ["default", "capacity"]
    assert told["isOpen"] is True
    assert len(repr(told["trace"])) <= 2048
