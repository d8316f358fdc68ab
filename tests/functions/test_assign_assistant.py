"""PUT /phone-numbers/{id}/assistant: who answers by default, and what the owner should know about them."""

from typing import Any

import pytest

from local.simulators.vapi import Fault
from tests.functions.conftest import Deployment
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
