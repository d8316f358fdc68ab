"""PUT /phone-numbers/{id}/assistant: who answers by default, and what the owner should know about them."""

import json
from typing import Any

import pytest

from local.simulators.vapi import Fault
from local.simulators.vapi.answering import judge
from local.simulators.vapi.clock import iso
from local.simulators.vapi.delivery import Reply
from switchboard.routing.answer import OUR_MESSAGES
from tests.functions.conftest import Deployment
from tests.functions.ringing import T, message, rings
from tests.support.invoking import Answer

MISSING = "11111111-1111-4111-8111-111111111111"
OWN = {"server": {"url": "https://acme.example/vapi"}}


def assign(aws: Deployment, number: dict[str, Any], **assistant: Any) -> Answer:
    headers = assistant.pop("headers", None)
    return aws.api("PUT", f"/phone-numbers/{number['id']}/assistant", body=assistant, headers=headers)


@pytest.mark.parametrize("kind", ["assistant", "squad"])
def test_it_is_shown_by_its_name_at_vapi_and_kept(aws: Deployment, kind: str) -> None:
    number = aws.bought()
    members = {"members": [{"assistant": {"name": "a"}}]} if kind == "squad" else {}
    made = aws.at_vapi(kind, name="Front desk", **members)
    assigned = assign(aws, number, id=made["id"], type=kind)
    assert assigned.status == 200
    assert assigned.body["assistant"] == {"id": made["id"], "type": kind, "name": "Front desk"}
    assert assigned.body["warnings"] == []
    assert assigned.body["version"] == number["version"] + 1
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body == assigned.body


def test_a_name_of_ones_own_is_kept(aws: Deployment) -> None:
    made = aws.at_vapi("assistant", name="Front desk")
    assert assign(aws, aws.bought(), id=made["id"], name="Ours").body["assistant"]["name"] == "Ours"


def test_a_name_at_vapi_that_is_too_long_is_cut(aws: Deployment) -> None:
    made = aws.at_vapi("assistant", name="n" * 40)
    aws.vapi.store.update("assistant", made["id"], {"name": "n" * 100})
    assert assign(aws, aws.bought(), id=made["id"]).body["assistant"]["name"] == "n" * 80


def test_a_workflow_is_taken_as_it_is_and_presumed_to_have_a_server(aws: Deployment) -> None:
    assigned = assign(aws, aws.bought(), id=MISSING, type="workflow")
    assert assigned.body["assistant"] == {"id": MISSING, "type": "workflow", "name": None}
    assert len(assigned.body["warnings"]) == 1


@pytest.mark.parametrize("kind", ["assistant", "squad"])
@pytest.mark.parametrize("unknown", [MISSING, "no-uuid"])
def test_one_that_vapi_does_not_have_is_refused_and_nothing_changes(aws: Deployment, kind: str, unknown: str) -> None:
    number = aws.bought()
    refused = assign(aws, number, id=unknown, type=kind)
    assert (refused.status, [error["path"] for error in refused.body["errors"]]) == (422, ["id"])
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body == number


@pytest.mark.parametrize(
    ("body", "path"),
    [({}, "id"), ({"id": MISSING, "type": "robot"}, "type"), ({"id": MISSING, "colour": "red"}, "colour")],
)
def test_a_wrong_body_is_refused_by_path(aws: Deployment, body: dict[str, Any], path: str) -> None:
    refused = assign(aws, aws.bought(), **body)
    assert (refused.status, [error["path"] for error in refused.body["errors"]]) == (422, [path])


@pytest.mark.parametrize("settings", [OWN, {"serverUrl": "https://acme.example/vapi"}], ids=["server", "serverUrl"])
def test_an_assistant_with_a_server_of_its_own_brings_a_warning(aws: Deployment, settings: dict[str, Any]) -> None:
    made = aws.at_vapi("assistant", name="a")
    aws.vapi.store.update("assistant", made["id"], settings)
    number = aws.bought()
    assert len(assign(aws, number, id=made["id"]).body["warnings"]) == 1
    assert len(aws.api("GET", f"/phone-numbers/{number['id']}").body["warnings"]) == 1
    plain = aws.at_vapi("assistant", name="b")
    assert assign(aws, number, id=plain["id"]).body["warnings"] == []


@pytest.mark.parametrize("where", ["inline", "by id", "member's overrides", "members' overrides"])
def test_a_squad_with_one_such_member_brings_a_warning(aws: Deployment, where: str) -> None:
    plain = {"assistantId": aws.at_vapi("assistant", name="plain")["id"]}
    squads: dict[str, dict[str, Any]] = {
        "inline": {"members": [plain, {"assistant": {"name": "a", **OWN}}]},
        "by id": {"members": [plain, {"assistantId": aws.at_vapi("assistant", name="own", **OWN)["id"]}]},
        "member's overrides": {"members": [plain, {**plain, "assistantOverrides": OWN}]},
        "members' overrides": {"members": [plain], "membersOverrides": OWN},
    }
    made = aws.at_vapi("squad", name="Team", **squads[where])
    assert len(assign(aws, aws.bought(), id=made["id"], type="squad").body["warnings"]) == 1


def test_assigning_the_same_again_changes_nothing_unless_it_has_changed_at_vapi(aws: Deployment) -> None:
    made = aws.at_vapi("assistant", name="a")
    number = aws.bought()
    first, second = (assign(aws, number, id=made["id"]) for _ in range(2))
    assert second.headers["etag"] == first.headers["etag"]
    aws.vapi.store.update("assistant", made["id"], OWN)
    third = assign(aws, number, id=made["id"])
    assert third.headers["etag"] != first.headers["etag"]
    assert len(third.body["warnings"]) == 1


def test_if_match_must_name_the_current_version(aws: Deployment) -> None:
    number, made = aws.bought(), aws.at_vapi("assistant", name="a")
    stale = assign(aws, number, id=made["id"], headers={"If-Match": '"1"'})
    assert (stale.status, stale.body["code"]) == (412, "version_mismatch")
    current = assign(aws, number, id=made["id"], headers={"If-Match": f'"{number["version"]}"'})
    assert current.status == 200


def test_a_cancelled_number_is_assigned_nothing(aws: Deployment) -> None:
    number, made = aws.bought(), aws.at_vapi("assistant", name="a")
    aws.api("DELETE", f"/phone-numbers/{number['id']}")
    refused = assign(aws, number, id=made["id"])
    assert (refused.status, refused.body["code"]) == (409, "status_conflict")


def test_a_provider_that_fails_is_told_of_and_nothing_changes(aws: Deployment) -> None:
    number, made = aws.bought(), aws.at_vapi("assistant", name="a")
    aws.vapi.fault(Fault("GET", "/assistant/*", status=500, times=None))
    assert assign(aws, number, id=made["id"]).status == 502
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body == number


def test_a_provider_that_fails_for_a_moment_is_asked_again(aws: Deployment) -> None:
    number, made = aws.bought(), aws.at_vapi("assistant", name="a")
    aws.vapi.fault(Fault("GET", "/assistant/*", status=503, times=2))
    assert assign(aws, number, id=made["id"]).status == 200
    assert len(aws.vapi.requests_to("GET", f"/assistant/{made['id']}")) == 3


def test_the_change_is_told_as_an_update(aws: Deployment) -> None:
    number, made = aws.bought(), aws.at_vapi("assistant", name="a")
    aws.events()
    assign(aws, number, id=made["id"])
    (event,) = aws.events()
    assert (event["detail-type"], event["detail"]["data"]["changed"]) == ("updated", ["assistant"])


# ---- the members of a squad ----

RECEPTION = {
    "name": "Reception",
    "metadata": {"crm": "leads"},
    "artifactPlan": {"recordingFormat": "mp3", "videoRecordingEnabled": False},
    "serverMessages": ["hang"],
}
ORDERS = {
    "name": "Orders",
    "metadata": {"crm": "orders"},
    "artifactPlan": {"pcapEnabled": False, "videoRecordingEnabled": False},
    "serverMessages": ["tool-calls", *OUR_MESSAGES],
    "model": {
        "provider": "openai",
        "model": "gpt-4.1",
        "tools": [{"type": "function", "function": {"name": "lookupOrder"}}],
    },
}


def squad_of(aws: Deployment, *members: dict[str, Any], **squad: Any) -> str:
    """A squad's id; each member is an assistant of its own."""
    made = [{"assistantId": aws.at_vapi("assistant", **member)["id"]} for member in members]
    created: str = aws.at_vapi("squad", name="Team", members=made, **squad)["id"]
    return created


def played(aws: Deployment, number: dict[str, Any], call_id: str = "call-1") -> tuple[dict[str, Any], ...]:
    """The members as Vapi lets them talk after our answer."""
    answer = rings(aws, number, call_id)
    verdict = judge(Reply(answer.status, json.dumps(answer.body), 10), aws.vapi.store)
    assert verdict.answerer is not None, verdict
    return verdict.answerer.members


@pytest.mark.parametrize("recording", [None, True])
def test_the_members_of_a_squad_keep_what_is_their_own(aws: Deployment, recording: bool | None) -> None:
    number = aws.bought(assistant={"id": squad_of(aws, RECEPTION, ORDERS), "type": "squad"}, recordingEnabled=recording)
    members = played(aws, number)
    assert [member["metadata"] for member in members] == [RECEPTION["metadata"], ORDERS["metadata"]]
    assert [member["artifactPlan"] for member in members] == [RECEPTION["artifactPlan"], ORDERS["artifactPlan"]]
    for member in members:
        assert {"tool-calls", "hang", *OUR_MESSAGES} <= set(member["serverMessages"])
    assert len(number["warnings"]) == (recording is True)


def test_what_is_not_to_be_recorded_is_not_whoever_of_a_squad_talks(aws: Deployment) -> None:
    team = {"id": squad_of(aws, RECEPTION, ORDERS), "type": "squad"}
    number = aws.bought(assistant=team, recordingEnabled=False)
    plan = {"videoRecordingEnabled": False, "recordingEnabled": False}
    assert [member["artifactPlan"] for member in played(aws, number)] == [plan, plan]
    (warning,) = number["warnings"]
    assert "artifactPlan" in warning


def test_a_plan_that_all_members_share_is_kept_beside_what_the_number_sets(aws: Deployment) -> None:
    alike = {**ORDERS, "artifactPlan": RECEPTION["artifactPlan"]}
    team = {"id": squad_of(aws, RECEPTION, alike), "type": "squad"}
    number = aws.bought(assistant=team, recordingEnabled=True)
    plan = {"recordingFormat": "mp3", "videoRecordingEnabled": False, "recordingEnabled": True}
    assert [member["artifactPlan"] for member in played(aws, number)] == [plan, plan]
    assert number["warnings"] == []


def test_what_a_squad_sets_for_all_its_members_is_theirs(aws: Deployment) -> None:
    all_of_them = {
        "serverMessages": ["transcript"],
        "metadata": {"team": "day"},
        "artifactPlan": {"recordingFormat": "mp3"},
    }
    team = {"id": squad_of(aws, RECEPTION, ORDERS, membersOverrides=all_of_them), "type": "squad"}
    number = aws.bought(assistant=team, recordingEnabled=True)
    for member in played(aws, number):
        assert member["metadata"] == {"team": "day"}
        assert member["serverMessages"] == ["transcript", *OUR_MESSAGES]
        assert member["artifactPlan"] == {"recordingFormat": "mp3", "recordingEnabled": True}


def test_our_messages_reach_us_from_a_member_that_did_not_send_them(aws: Deployment) -> None:
    number = aws.bought(assistant={"id": squad_of(aws, RECEPTION, {"name": "Plain"}), "type": "squad"})
    for member in played(aws, number):
        assert set(OUR_MESSAGES) <= set(member["serverMessages"])


def test_what_may_be_kept_of_a_squads_call_comes_back_with_its_report(aws: Deployment) -> None:
    team = {"id": squad_of(aws, RECEPTION, ORDERS), "type": "squad"}
    number = aws.bought(assistant=team, recordingEnabled=True)
    answer = rings(aws, number, "call-1").body
    report = message("call-1", "end-of-call-report", endedReason="customer-ended-call", endedAt=iso(T + 60_000))
    report["message"]["call"] |= answer
    report["message"]["artifact"] = {"recordingUrl": "https://storage.vapi.ai/call-1.wav"}
    assert aws.tell(number, report).status == 200
    call = aws.api("GET", f"/phone-numbers/{number['id']}/calls/call-1").body
    assert call["recordingUrl"] == "https://storage.vapi.ai/call-1.wav"
