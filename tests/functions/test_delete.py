"""DELETE /phone-numbers/{id}: cancelled at once, released at the provider for certain, readable for ever."""

import pytest

from local.simulators.vapi import Fault
from switchboard.provisioning.steps import UNSURE_SECONDS
from tests.functions.conftest import Deployment

RELEASE = ("DELETE", "/phone-number/*")


def test_a_number_is_cancelled_and_released_at_its_provider(aws: Deployment) -> None:
    number = aws.bought(name="Main")
    released = aws.api("DELETE", f"/phone-numbers/{number['id']}")
    assert released.status == 200
    assert (released.body["status"], released.body["provisioning"]["state"]) == ("cancelled", "released")
    assert released.headers["etag"] == f'"{released.body["version"]}"'
    assert aws.rows() == []
    assert aws.vapi.state()["numbers"] == []


def test_a_released_number_stays_readable_and_its_keys_are_free(aws: Deployment) -> None:
    number = aws.bought(name="Main")
    assert (len(aws.items("E164#")), len(aws.items("VAPI#"))) == (1, 1)
    released = aws.api("DELETE", f"/phone-numbers/{number['id']}").body
    read = aws.api("GET", f"/phone-numbers/{number['id']}").body
    assert read == released
    assert (read["name"], read["phoneNumber"]) == ("Main", number["phoneNumber"])
    assert (aws.items("E164#"), aws.items("VAPI#")) == ([], [])
    assert [kept["id"] for kept in aws.api("GET", "/phone-numbers").body["items"]] == [number["id"]]


def test_it_may_be_repeated(aws: Deployment) -> None:
    path = f"/phone-numbers/{aws.bought()['id']}"
    first, second = (aws.api("DELETE", path) for _ in range(2))
    assert (first.status, first.body) == (second.status, second.body)
    assert len([seen for seen in aws.vapi.requests if seen["method"] == "DELETE"]) == 1


def test_its_events_are_told_once(aws: Deployment) -> None:
    path = f"/phone-numbers/{aws.bought()['id']}"
    aws.events()
    for _ in range(2):
        aws.api("DELETE", path)
    aws.check()
    assert [event["detail-type"] for event in aws.events()] == ["deactivated", "deleted"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(*RELEASE, cut="before"),
        Fault(*RELEASE, cut="after"),
        Fault(*RELEASE, status=500),
        Fault(*RELEASE, status=400),
    ],
    ids=["cut before", "cut after", "failed", "refused"],
)
def test_what_the_provider_does_not_do_at_once_is_done_by_the_schedule(aws: Deployment, fault: Fault) -> None:
    path = f"/phone-numbers/{aws.bought()['id']}"
    aws.events()
    aws.vapi.fault(fault)
    asked = aws.api("DELETE", path)
    assert (asked.status, asked.body["status"]) == (200, "cancelled")
    assert asked.body["provisioning"]["state"] == "releasing"
    assert [event["detail-type"] for event in aws.events()] == ["deactivated"]
    aws.check()
    assert aws.api("GET", path).body["provisioning"]["state"] == "released"
    assert (aws.rows(), aws.items("E164#"), aws.items("VAPI#")) == ([], [], [])
    assert [event["detail-type"] for event in aws.events()] == ["deleted"]


def test_a_number_that_is_gone_at_its_provider_is_released(aws: Deployment) -> None:
    number = aws.bought()
    aws.vapi.store.delete("phone-number", aws.rows()[0]["id"])
    assert aws.api("DELETE", f"/phone-numbers/{number['id']}").body["provisioning"]["state"] == "released"


def test_a_number_is_released_while_it_is_being_activated(aws: Deployment) -> None:
    bought = aws.api("POST", "/phone-numbers", body={"provider": "vapi"}).body
    released = aws.api("DELETE", f"/phone-numbers/{bought['id']}").body
    assert (released["status"], released["provisioning"]["state"]) == ("cancelled", "released")
    assert (aws.rows(), aws.items("VAPI#")) == ([], [])


def test_a_purchase_of_unknown_outcome_is_released_when_it_shows_up(aws: Deployment) -> None:
    aws.vapi.fault(Fault("POST", "/phone-number", cut="before"))
    bought = aws.api("POST", "/phone-numbers", body={"provider": "vapi"}).body
    path = f"/phone-numbers/{bought['id']}"
    asked = aws.api("DELETE", path).body
    assert (asked["status"], asked["provisioning"]["state"]) == ("cancelled", "purchasing")
    aws.commit_late()
    assert len(aws.rows()) == 1
    aws.check()
    assert aws.api("GET", path).body["provisioning"]["state"] == "released"
    assert (aws.rows(), aws.items("VAPI#")) == ([], [])
    assert [event["detail-type"] for event in aws.events()] == ["created", "deleted"]


def test_a_purchase_that_never_shows_up_ends_without_any_event(aws: Deployment) -> None:
    aws.vapi.fault(Fault("POST", "/phone-number", cut="before"))
    bought = aws.api("POST", "/phone-numbers", body={"provider": "vapi"}).body
    path = f"/phone-numbers/{bought['id']}"
    aws.api("PATCH", path, body={"name": "Renamed"})
    aws.api("DELETE", path)
    aws.check(later=UNSURE_SECONDS + 1)
    read = aws.api("GET", path).body
    assert (read["status"], read["provisioning"]["state"]) == ("cancelled", "failed")
    assert aws.events() == []
    assert aws.check() == 0


def test_a_number_renamed_and_deleted_while_it_is_bought_leaves_nothing_to_do(aws: Deployment) -> None:
    aws.vapi.fault(Fault("POST", "/phone-number", cut="before"))
    bought = aws.api("POST", "/phone-numbers", body={"provider": "vapi"}).body
    aws.api("PATCH", f"/phone-numbers/{bought['id']}", body={"name": "Renamed"})
    aws.api("DELETE", f"/phone-numbers/{bought['id']}")
    aws.commit_late()
    aws.check()
    assert aws.rows() == []
    assert aws.check() == 0


def test_if_match_must_name_the_current_version(aws: Deployment) -> None:
    number = aws.bought()
    path = f"/phone-numbers/{number['id']}"
    stale = aws.api("DELETE", path, headers={"If-Match": f'"{number["version"] - 1}"'})
    assert (stale.status, stale.body["code"]) == (412, "version_mismatch")
    assert len(aws.rows()) == 1
    assert aws.api("DELETE", path, headers={"If-Match": f'"{number["version"]}"'}).status == 200


@pytest.mark.parametrize("status", ["scheduled", "not-found", "deletion-failed"])
def test_a_call_that_is_not_under_way_holds_no_release_up(aws: Deployment, status: str) -> None:
    path = f"/phone-numbers/{aws.bought()['id']}"
    aws.vapi.store.insert("call", {"phoneNumberId": aws.rows()[0]["id"], "status": status})
    assert aws.api("DELETE", path).body["provisioning"]["state"] == "released"


@pytest.mark.parametrize("status", ["queued", "ringing", "in-progress", "forwarding"])
def test_a_call_that_is_under_way_holds_a_release_up(aws: Deployment, status: str) -> None:
    path = f"/phone-numbers/{aws.bought()['id']}"
    aws.vapi.store.insert("call", {"phoneNumberId": aws.rows()[0]["id"], "status": status})
    assert aws.api("DELETE", path).body["provisioning"]["state"] == "releasing"
