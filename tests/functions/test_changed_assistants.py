"""Assistants and squads that are changed at Vapi while numbers name them: what calls do by then, and who is told."""

from typing import Any

import pytest

from tests.functions.conftest import Deployment
from tests.functions.ringing import rings

OWN = {"url": "https://acme.example/vapi"}
BEFORE = {"name": "Sales", "serverMessages": ["conversation-update"]}
AFTER = {"serverMessages": ["tool-calls"], "server": OWN}


def named_by(way: str, target: str) -> dict[str, Any]:
    then = {"action": "assistant", "id": target}
    threshold = {
        "id": "t",
        "metric": "calls",
        "period": "day",
        "limit": 5,
        "action": "assistant",
        "assistantId": target,
    }
    ways: dict[str, dict[str, Any]] = {
        "assistant": {"assistant": {"id": target}},
        "squad": {"assistant": {"id": target, "type": "squad"}},
        "rule": {"callRoutingRules": [{"id": "all", "priority": 1, "then": then}]},
        "threshold": {"assistant": {"id": target}, "usageThresholds": [threshold]},
    }
    return ways[way]


def changed(aws: Deployment, way: str) -> tuple[dict[str, Any], str]:
    """A number whose assistant, or the member of whose squad, has got a server of its own since; and who is named."""
    assistant = aws.at_vapi("assistant", **BEFORE)
    target: str = assistant["id"]
    if way == "squad":
        target = aws.at_vapi("squad", name="Team", members=[{"assistantId": target}])["id"]
    number = aws.bought(**named_by(way, target))
    assert number["warnings"] == []
    aws.vapi.store.update("assistant", assistant["id"], AFTER)
    return number, target


def told(aws: Deployment, number: dict[str, Any], call_id: str) -> dict[str, Any]:
    answer = rings(aws, number, call_id).body
    overrides: dict[str, Any] = answer.get("assistantOverrides") or answer["squadOverrides"]
    return overrides


@pytest.mark.parametrize("way", ["assistant", "squad", "rule", "threshold"])
def test_one_that_was_changed_is_found_kept_and_left_its_own_messages(aws: Deployment, way: str) -> None:
    number, target = changed(aws, way)
    assert "serverMessages" in told(aws, number, "call-1")
    finding = {"kind": "assistant-changed", "subject": number["id"], "detail": target}

    dry = aws.reconcile(dry_run=True)
    assert dry["findings"] == [{**finding, "done": False}]
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body == number

    assert aws.reconcile()["findings"] == [{**finding, "done": True}]
    assert "serverMessages" not in told(aws, number, "call-2"), "its tool calls go to its own server"
    after = aws.api("GET", f"/phone-numbers/{number['id']}").body
    assert after["warnings"] != []
    assert after["version"] == number["version"] + 1
    assert aws.reconcile()["findings"] == []


def test_two_lists_tell_of_all_numbers_however_many_assistants_they_name(aws: Deployment) -> None:
    targets = [aws.at_vapi("assistant", **BEFORE)["id"] for _ in range(3)]
    squad = aws.at_vapi("squad", name="Team", members=[{"assistantId": each} for each in targets])["id"]
    for target in targets:
        aws.bought(**named_by("assistant", target))
    aws.bought(**named_by("squad", squad))
    before = len(aws.vapi.requests)
    assert aws.reconcile(dry_run=True)["findings"] == []
    asked = [seen["path"] for seen in aws.vapi.requests[before:] if seen["path"].startswith(("/assistant", "/squad"))]
    assert sorted(asked) == ["/assistant", "/squad"]


def test_one_that_vapi_has_no_more_is_reported_and_what_is_known_of_it_kept(aws: Deployment) -> None:
    target = aws.at_vapi("assistant", **BEFORE)["id"]
    number = aws.bought(**named_by("rule", target))
    aws.vapi.store.delete("assistant", target)
    gone = {"kind": "assistant-gone", "subject": number["id"], "detail": target, "done": False}
    assert aws.reconcile()["findings"] == [gone]
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body == number


def test_what_leaves_no_room_is_reported_and_not_kept(aws: Deployment) -> None:
    target = aws.at_vapi("assistant", **BEFORE)["id"]
    number = aws.bought(**named_by("assistant", target))
    aws.vapi.store.update("assistant", target, {"metadata": {"a": "x" * 50_000}})
    (finding,) = aws.reconcile()["findings"]
    assert (finding["kind"], finding["done"]) == ("assistant-changed", False)
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body == number
