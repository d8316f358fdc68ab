"""POST /phone-numbers/{id}/route-explanations: the live call's own decision, on a call that nobody makes."""

from typing import Any

import pytest

from switchboard.store import keys
from tests.functions.conftest import Deployment
from tests.functions.ringing import CALLER, T, rings
from tests.support.invoking import Answer

MISSING = "11111111-1111-4111-8111-111111111111"
ELSEWHERE = "+442071838750"
HOURS = {
    "timezone": "America/New_York",
    "openingHoursSpecification": [
        {"dayOfWeek": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"], "opens": "09:00", "closes": "17:00"}
    ],
}
AT = T // 1000
NIGHT = AT + 8 * 3600
AHEAD = 4_102_444_800
"""The year 2100."""


def explain(aws: Deployment, number: dict[str, Any], caller: str | None = CALLER, **more: Any) -> Answer:
    body = {"caller": caller, **more.pop("body", {})}
    return aws.api("POST", f"/phone-numbers/{number['id']}/route-explanations", body=body, **more)


def test_it_tells_who_would_answer_and_why(aws: Deployment) -> None:
    number = aws.bought(businessHours=HOURS, forwardingNumber=ELSEWHERE, afterHoursAction="forward")
    answer = explain(aws, number, body={"at": NIGHT})
    assert answer.status == 200
    told = {name: answer.body[name] for name in ("action", "reason", "number", "isOpen", "nextOpenAt")}
    assert told == {
        "action": "forward",
        "reason": "after-hours",
        "number": ELSEWHERE,
        "isOpen": False,
        "nextOpenAt": AT + 20 * 3600,
    }
    assert [step["step"] for step in answer.body["trace"]][-1] == "hours"
    assert explain(aws, number, body={"at": AT}).body["reason"] == "fallback"


@pytest.mark.parametrize("caller", [CALLER, None, "sip:ann@a.example"])
def test_a_live_call_is_decided_as_it_was_explained(aws: Deployment, caller: str | None) -> None:
    made = aws.at_vapi("assistant", name="a")
    rules = [
        {
            "id": "vip",
            "priority": 1,
            "when": {"callerNumbers": [CALLER], "callerCountries": ["US"]},
            "then": {"action": "assistant", "id": made["id"]},
        }
    ]
    number = aws.bought(callRoutingRules=rules, spamFilter=True, inboundSettings={"rejectAnonymous": True})
    explained = explain(aws, number, caller, body={"at": AT}).body
    assert rings(aws, number, "call-1", caller).status == 200
    live = aws.api("GET", f"/phone-numbers/{number['id']}/calls/call-1").body["decision"]
    assert explained == live
    assert explained["reason"] == {CALLER: "rule", None: "anonymous"}.get(caller, "fallback")


def test_it_knows_who_is_blocked(aws: Deployment) -> None:
    number = aws.bought(blockedNumbers=[CALLER, "+44*"])
    assert explain(aws, number).body["reason"] == "blocked"
    assert explain(aws, number, ELSEWHERE).body["reason"] == "blocked"
    assert explain(aws, number, "+12025550124").body["reason"] == "fallback"


def test_it_writes_nothing_rings_nobody_and_asks_vapi_nothing(aws: Deployment) -> None:
    number = aws.bought(maxConcurrentCalls=1)
    before, asked = aws.items(), len(aws.vapi.requests_to("GET", "/*"))
    explain(aws, number)
    explain(aws, number, body={"changes": {"forwardingEnabled": True, "forwardingNumber": ELSEWHERE}})
    assert aws.items() == before
    assert len(aws.vapi.requests_to("GET", "/*")) == asked


WHAT_IF = [
    pytest.param({"forwardingEnabled": True, "forwardingNumber": ELSEWHERE}, "forwarding", id="forwarding"),
    pytest.param({"blockedNumbers": [CALLER]}, "blocked", id="an exact block"),
    pytest.param({"blockedNumbers": ["+1*"]}, "blocked", id="a blocked prefix"),
    pytest.param({"blockedNumbers": ["+1*"], "allowedNumbers": [CALLER]}, "fallback", id="an exact allow"),
    pytest.param({"inboundSettings": {"allowListOnly": True}}, "not-allowed", id="an allow list"),
    pytest.param({"status": "inactive"}, "inactive", id="a status"),
    pytest.param({"direction": "outbound"}, "direction", id="a direction"),
    pytest.param({"callRoutingRules": [{"id": "r", "priority": 1, "then": {"action": "reject"}}]}, "rule", id="a rule"),
    pytest.param(
        {"businessHours": {**HOURS, "openingHoursSpecification": []}, "afterHoursAction": "reject"},
        "after-hours",
        id="hours",
    ),
]


@pytest.mark.parametrize(("changes", "reason"), WHAT_IF)
def test_a_draft_is_explained_and_not_stored(aws: Deployment, changes: dict[str, Any], reason: str) -> None:
    number = aws.bought()
    assert explain(aws, number, body={"changes": changes}).body["reason"] == reason
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body == number
    assert explain(aws, number).body["reason"] == "fallback"


def test_a_block_is_lifted_in_a_draft(aws: Deployment) -> None:
    number = aws.bought(blockedNumbers=[CALLER])
    assert explain(aws, number, body={"changes": {"blockedNumbers": []}}).body["reason"] == "fallback"


@pytest.mark.parametrize("at", [AHEAD - 1, AHEAD, AHEAD + 1])
@pytest.mark.parametrize("pattern", [CALLER, "+1202*"])
@pytest.mark.parametrize("listed", [["+1900*"], [ELSEWHERE], []])
def test_a_draft_and_the_update_agree_on_a_block_that_ends(
    aws: Deployment, pattern: str, listed: list[str], at: int
) -> None:
    number = aws.bought()
    path = f"/phone-numbers/{number['id']}"
    aws.api("POST", f"{path}/blocked-numbers", body={"phoneNumber": pattern, "expiresAt": AHEAD})
    changes = {"blockedNumbers": [pattern, *listed]}
    drafted = explain(aws, number, body={"changes": changes, "at": at}).body["reason"]
    assert drafted == ("blocked" if at < AHEAD else "fallback")
    assert aws.api("PATCH", path, body=changes).status == 200
    assert explain(aws, number, body={"at": at}).body["reason"] == drafted


def test_a_draft_blocks_anew_who_is_blocked_no_more(aws: Deployment) -> None:
    number = aws.bought()
    aws.table.put_item(Item=keys.block(number["id"], CALLER) | {"pattern": CALLER, "addedAt": 1, "expiresAt": 2})
    assert explain(aws, number).body["reason"] == "fallback"
    assert explain(aws, number, body={"changes": {"blockedNumbers": [CALLER]}}).body["reason"] == "blocked"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"changes": {"colour": "red"}}, "colour"),
        ({"changes": {"afterHoursAction": "voicemail"}}, "afterHoursAction"),
        ({"changes": {"assistant": {"id": MISSING}}}, "assistant.id"),
        ({"changes": {"businessHours": {**HOURS, "timezone": "Mars/Olympus"}}}, "businessHours.timezone"),
        ({"changes": {"id": "another"}}, "id"),
        ({"at": -1}, "at"),
        ({"when": AT}, "when"),
        ({"caller": "0" * 257}, "caller"),
    ],
)
def test_a_draft_and_a_question_are_checked_like_an_update(aws: Deployment, body: dict[str, Any], path: str) -> None:
    refused = explain(aws, aws.bought(), body=body)
    assert (refused.status, [error["path"] for error in refused.body["errors"]]) == (422, [path])


def test_who_calls_has_to_be_said(aws: Deployment) -> None:
    number = aws.bought()
    refused = aws.api("POST", f"/phone-numbers/{number['id']}/route-explanations", body={})
    assert (refused.status, [error["path"] for error in refused.body["errors"]]) == (422, ["caller"])


def test_another_businesss_number_does_not_exist(aws: Deployment) -> None:
    answer = explain(aws, aws.bought(), business="globex")
    assert (answer.status, answer.body["code"]) == (404, "number_not_found")


def test_a_number_with_no_line_free_is_explained_as_busy(aws: Deployment) -> None:
    made = aws.at_vapi("assistant", name="a")
    number = aws.bought(assistant={"id": made["id"]}, maxConcurrentCalls=1)
    assert explain(aws, number).body["reason"] == "default"
    rings(aws, number, "call-1")
    assert explain(aws, number).body["reason"] == "capacity"
    assert explain(aws, number, body={"changes": {"maxConcurrentCalls": 2}}).body["reason"] == "default"
