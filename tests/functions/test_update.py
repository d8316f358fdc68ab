"""PATCH /phone-numbers/{id}: a merge patch whose changes are checked, kept, versioned, and told to Vapi."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from threading import Barrier
from typing import Any

import pytest

from local.simulators.vapi import Fault
from switchboard.provisioning import connected
from tests.functions.conftest import Deployment
from tests.functions.outside import outside
from tests.support.invoking import Answer

MISSING = "11111111-1111-4111-8111-111111111111"
HOURS = {
    "timezone": "America/New_York",
    "openingHoursSpecification": [{"dayOfWeek": ["Monday"], "opens": "09:00", "closes": "17:00"}],
    "specialOpeningHoursSpecification": [],
}
TELLING = ("PATCH", "/phone-number/*")


def patch(aws: Deployment, number: dict[str, Any], **changes: Any) -> Answer:
    return aws.api("PATCH", f"/phone-numbers/{number['id']}", body=changes)


def read(aws: Deployment, number: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = aws.api("GET", f"/phone-numbers/{number['id']}").body
    return shown


def paths(answer: Answer) -> list[str]:
    assert answer.status == 422, answer.body
    return [error["path"] for error in answer.body["errors"]]


def told(aws: Deployment) -> list[dict[str, Any]]:
    """What Vapi was told of numbers since they were bought."""
    return [seen["body"] for seen in aws.vapi.requests if seen["method"] == "PATCH"]


def test_what_is_given_replaces_and_what_is_not_stays(aws: Deployment) -> None:
    number = aws.bought(name="Main", description="The first", tags=["a", "b"])
    patched = patch(aws, number, description="The second", tags=["c"], businessHours=HOURS)
    assert patched.status == 200
    expected = {"description": "The second", "tags": ["c"], "businessHours": HOURS, "name": "Main"}
    assert {name: patched.body[name] for name in expected} == expected
    assert read(aws, number) == patched.body


def test_null_unsets_and_objects_merge(aws: Deployment) -> None:
    number = aws.bought(
        name="Main",
        description="The first",
        metadata={"a": 1, "b": {"c": [1, 2], "d": None, "e": "x"}},
        inboundSettings={"rejectAnonymous": True, "spamThreshold": 50},
    )
    patched = patch(
        aws,
        number,
        description=None,
        metadata={"a": None, "b": {"c": [3], "e": None}},
        inboundSettings={"spamThreshold": None},
    ).body
    assert patched["description"] is None
    assert patched["metadata"] == {"b": {"c": [3], "d": None}}
    assert (patched["inboundSettings"]["rejectAnonymous"], patched["inboundSettings"]["spamThreshold"]) == (True, 70)


@pytest.mark.parametrize(
    "media_type", ["application/merge-patch+json", "application/json", "application/json; charset=utf-8"]
)
def test_both_media_types_are_taken(aws: Deployment, media_type: str) -> None:
    path = f"/phone-numbers/{aws.bought()['id']}"
    patched = aws.api("PATCH", path, body={"description": "New"}, headers={"Content-Type": media_type})
    assert (patched.status, patched.body["description"]) == (200, "New")


def test_a_number_may_be_sent_back_as_it_was_read(aws: Deployment) -> None:
    number = aws.bought(name="Main", webhookUrl="https://acme.example/hook", metadata={"a": 1}, businessHours=HOURS)
    back = patch(aws, number, **number)
    assert (back.status, back.body, back.headers["etag"]) == (200, number, f'"{number["version"]}"')


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD"),
        ("business", "globex"),
        ("phoneNumber", "+14155550100"),
        ("phoneNumber", None),
        ("provider", "twilio"),
        ("type", "mobile"),
        ("country", "GB"),
        ("purchaseDate", 1),
        ("monthlyFee", 1),
        ("created", 1),
        ("version", 99),
        ("provisioning", {"state": "released", "since": 1}),
        ("warnings", ["None."]),
    ],
)
def test_a_read_only_value_that_differs_is_refused_by_its_path(aws: Deployment, name: str, value: Any) -> None:
    number = aws.bought()
    assert paths(patch(aws, number, description="New", **{name: value})) == [name]
    assert read(aws, number) == number


def test_counters_and_the_masked_secret_are_ignored(aws: Deployment) -> None:
    number = aws.bought(webhookUrl="https://acme.example/hook")
    counters = {"totalCalls": 7, "inboundCalls": 7, "outboundCalls": 7, "averageCallDuration": 7.5}
    more = {"totalMinutes": 7, "monthlyCost": 7, "webhookSecret": "whsec_********"}
    patched = patch(aws, number, **counters, **more)
    assert (patched.status, patched.body) == (200, number)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"colour": "red"}, "colour"),
        ({"inboundSettings": {"colour": "red"}}, "inboundSettings.colour"),
        ({"name": "n" * 41}, "name"),
        ({"name": 7}, "name"),
        ({"tags": "a"}, "tags"),
        ({"forwardingEnabled": True}, "forwardingEnabled"),
        ({"callerIdName": "ACME"}, "callerIdName"),
        ({"status": "asleep"}, "status"),
        ({"status": None}, "status"),
        ({"status": ["active"]}, "status"),
        ({"assistant": {"type": "squad"}}, "assistant.id"),
        ({"assistant": "someone"}, "assistant"),
        ({"businessHours": {"timezone": "Mars/Olympus"}}, "businessHours.timezone"),
        ({"webhookSecret": "short"}, "webhookSecret"),
    ],
)
def test_a_wrong_change_is_refused_by_its_path_and_nothing_is_written(
    aws: Deployment, changes: dict[str, Any], path: str
) -> None:
    number = aws.bought()
    assert path in paths(patch(aws, number, description="New", **changes))
    assert read(aws, number) == number


def test_a_number_does_not_forward_to_itself(aws: Deployment) -> None:
    number = aws.bought()
    assert paths(patch(aws, number, forwardingNumber=number["phoneNumber"])) == ["forwardingNumber"]


def test_a_body_that_is_no_json_is_a_bad_request(aws: Deployment) -> None:
    refused = aws.api("PATCH", f"/phone-numbers/{aws.bought()['id']}", raw="{name: Main}")
    assert (refused.status, refused.body["code"]) == (400, "not_json")


@pytest.mark.parametrize("raw", ["", "null", "[]", '"Main"', "7"])
def test_a_body_that_is_no_object_is_refused(aws: Deployment, raw: str) -> None:
    number = aws.bought()
    assert paths(aws.api("PATCH", f"/phone-numbers/{number['id']}", raw=raw))
    assert read(aws, number) == number


def test_the_version_moves_with_every_change_and_with_nothing_else(aws: Deployment) -> None:
    number = aws.bought(name="Main")
    same = patch(aws, number, name="Main", tags=[], metadata={}, description=None)
    assert same.headers["etag"] == f'"{number["version"]}"'
    assert patch(aws, number).headers["etag"] == f'"{number["version"]}"'
    assert (told(aws), same.body["updated"]) == ([], number["updated"])
    changed = patch(aws, number, name="Other")
    assert changed.headers["etag"] == f'"{number["version"] + 1}"'
    assert read(aws, number)["version"] == number["version"] + 1


@pytest.mark.parametrize("kept", ['"1"', '"99"', "1", 'W/"3"', "nonsense", ""])
def test_if_match_with_another_version_is_refused(aws: Deployment, kept: str) -> None:
    number = aws.bought()
    path = f"/phone-numbers/{number['id']}"
    refused = aws.api("PATCH", path, body={"name": "New"}, headers={"If-Match": kept})
    assert (refused.status, refused.body["code"]) == (412, "version_mismatch")
    assert f"version {number['version']}" in refused.body["detail"]
    assert read(aws, number) == number


def test_if_match_with_the_current_version_or_any_is_good(aws: Deployment) -> None:
    number = aws.bought()
    path = f"/phone-numbers/{number['id']}"
    first = aws.api("PATCH", path, body={"name": "One"}, headers={"If-Match": f'"{number["version"]}"'})
    second = aws.api("PATCH", path, body={"name": "Two"}, headers={"If-Match": first.headers["etag"]})
    third = aws.api("PATCH", path, body={"name": "Three"}, headers={"If-Match": "*"})
    assert [answer.status for answer in (first, second, third)] == [200, 200, 200]
    stale = aws.api("PATCH", path, body={"name": "Four"}, headers={"If-Match": first.headers["etag"]})
    assert stale.status == 412


MOVES = {
    "active": {"inactive": 200, "suspended": 200, "cancelled": 409},
    "inactive": {"active": 200, "suspended": 409, "cancelled": 409},
    "suspended": {"active": 200, "inactive": 409, "cancelled": 409},
    "cancelled": {"active": 409, "inactive": 409, "suspended": 409},
}


@pytest.mark.parametrize("start", MOVES)
def test_a_status_moves_only_where_it_may(aws: Deployment, start: str) -> None:
    for wanted, status in MOVES[start].items():
        number = aws.bought()
        if start == "cancelled":
            aws.api("DELETE", f"/phone-numbers/{number['id']}")
        elif start != "active":
            patch(aws, number, status=start)
        moved = patch(aws, number, status=wanted)
        assert (moved.status, moved.body.get("code")) == (status, "status_conflict" if status == 409 else None)
        assert read(aws, number)["status"] == (wanted if status == 200 else start)


def test_a_number_that_is_not_ready_cannot_be_made_active(aws: Deployment) -> None:
    number = aws.api("POST", "/phone-numbers", body={"provider": "vapi"}).body
    refused = patch(aws, number, status="active")
    assert (refused.status, refused.body["code"]) == (409, "status_conflict")


def test_a_cancelled_number_cannot_be_changed(aws: Deployment) -> None:
    number = aws.bought()
    aws.api("DELETE", f"/phone-numbers/{number['id']}")
    refused = patch(aws, number, description="New")
    assert (refused.status, refused.body["code"]) == (409, "status_conflict")


def test_a_status_is_told_as_events(aws: Deployment) -> None:
    number = aws.bought()
    aws.events()
    for status in ("inactive", "active", "suspended", "active"):
        patch(aws, number, status=status)
    kinds = [event["detail-type"] for event in aws.events()]
    assert kinds == ["deactivated", "activated", "deactivated", "activated"]


def test_what_vapi_holds_a_copy_of_is_told_to_vapi_at_once(aws: Deployment) -> None:
    number = aws.bought(name="Main")
    patch(aws, number, name="Other", forwardingNumber="+14155550199")
    (row,) = aws.rows()
    destination = {"type": "number", "number": "+14155550199", "message": ""}
    assert (row["name"], row["fallbackDestination"]) == ("Other", destination)
    assert told(aws) == [{"provider": "vapi", "name": "Other", "fallbackDestination": destination}]


def test_vapis_fallback_goes_and_comes_with_the_status(aws: Deployment) -> None:
    number = aws.bought(forwardingNumber="+14155550199")
    patch(aws, number, status="inactive")
    assert aws.rows()[0]["fallbackDestination"] is None
    patch(aws, number, status="active")
    assert aws.rows()[0]["fallbackDestination"]["number"] == "+14155550199"
    patch(aws, number, forwardingNumber=None)
    assert aws.rows()[0]["fallbackDestination"] is None


def test_what_vapi_holds_no_copy_of_is_not_told(aws: Deployment) -> None:
    patch(aws, aws.bought(), description="New", tags=["a"], recordingEnabled=True)
    assert told(aws) == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault(*TELLING, cut="before"),
        Fault(*TELLING, cut="after"),
        Fault(*TELLING, status=500),
        Fault(*TELLING, status=400),
    ],
    ids=["cut before", "cut after", "failed", "refused"],
)
def test_a_change_stands_though_vapi_fails_and_vapi_is_told_by_the_schedule(aws: Deployment, fault: Fault) -> None:
    number = aws.bought(name="Main")
    aws.vapi.fault(fault)
    patched = patch(aws, number, name="Other")
    assert (patched.status, patched.body["name"]) == (200, "Other")
    aws.check()
    assert aws.rows()[0]["name"] == "Other"
    assert read(aws, number) == patched.body
    assert aws.check() == 0


def test_a_change_during_the_purchase_is_told_when_the_number_is_there(aws: Deployment) -> None:
    aws.vapi.fault(Fault("POST", "/phone-number", cut="after"), Fault("GET", "/phone-number", status=500, times=2))
    number = aws.api("POST", "/phone-numbers", body={"provider": "vapi", "name": "Main"}).body
    assert number["provisioning"]["state"] == "purchasing"
    assert patch(aws, number, name="Other").status == 200
    aws.check()
    aws.check()
    assert read(aws, number)["status"] == "active"
    assert aws.rows()[0]["name"] == "Other"


def test_a_number_that_turns_out_to_be_gone_at_vapi_is_cancelled(aws: Deployment) -> None:
    number = aws.bought(name="Main")
    aws.vapi.store.delete("phone-number", aws.rows()[0]["id"])
    patched = patch(aws, number, name="Other").body
    assert (patched["status"], patched["provisioning"]["error"]["code"]) == ("cancelled", "gone_at_provider")
    assert aws.check() == 0


def test_the_older_of_two_changes_coming_late_to_vapi_does_not_stand_there(aws: Deployment) -> None:
    number = aws.bought()
    newer = partial(connected.lifecycle().update, number["id"], "acme", {"name": "Newer"}, None)
    with outside() as taken:
        patch(aws, number, name="Main")
    at = next(position for position, step in enumerate(taken) if step.startswith("PATCH "))
    with outside(at, newer):
        patch(aws, number, name="Older")
    assert [change["name"] for change in told(aws)] == ["Main", "Newer", "Older"]
    aws.check()
    assert read(aws, number)["name"] == "Newer"
    assert aws.rows()[0]["name"] == "Newer"


def test_two_changes_at_once_are_both_kept(aws: Deployment) -> None:
    number = aws.bought()
    lifecycle = connected.lifecycle()
    start = Barrier(2)

    def change(position: int) -> None:
        start.wait()
        lifecycle.update(number["id"], "acme", {"metadata": {f"k{position}": position}}, None)

    with outside(), ThreadPoolExecutor(2) as threads:
        list(threads.map(change, range(8)))
    assert read(aws, number)["metadata"] == {f"k{position}": position for position in range(8)}
    assert read(aws, number)["version"] == number["version"] + 8


def test_a_change_that_is_overtaken_is_made_again_on_what_is_there_now(aws: Deployment) -> None:
    number = aws.bought()
    other = partial(connected.lifecycle().update, number["id"], "acme", {"tags": ["theirs"]}, None)
    with outside() as taken:
        patch(aws, number, metadata={"run": 0})
    at = next(position for position, step in enumerate(taken) if step.endswith("PutItem"))
    with outside(at, other):
        patched = patch(aws, number, description="Ours")
    assert (patched.status, patched.body["description"], patched.body["tags"]) == (200, "Ours", ["theirs"])


def test_with_if_match_a_change_that_is_overtaken_is_refused(aws: Deployment) -> None:
    number = aws.bought()
    other = partial(connected.lifecycle().update, number["id"], "acme", {"tags": ["theirs"]}, None)
    with outside() as taken:
        number = patch(aws, number, metadata={"run": 0}).body
    at = next(position for position, step in enumerate(taken) if step.endswith("PutItem"))
    headers = {"If-Match": f'"{number["version"]}"'}
    with outside(at, other):
        path = f"/phone-numbers/{number['id']}"
        refused = aws.api("PATCH", path, body={"description": "Ours"}, headers=headers)
    assert refused.status == 412
    assert (read(aws, number)["description"], read(aws, number)["tags"]) == (None, ["theirs"])


def test_a_change_that_keeps_being_overtaken_gives_up_and_has_written_nothing(aws: Deployment) -> None:
    number = aws.bought()
    lifecycle = connected.lifecycle()
    turns = count()

    def others_are_first() -> None:
        lifecycle.update(number["id"], "acme", {"metadata": {"turn": next(turns)}}, None)

    with outside(before=others_are_first):
        refused = patch(aws, number, description="Ours")
    assert (refused.status, refused.body["code"]) == (409, "changed_meanwhile")
    assert read(aws, number)["description"] is None


def test_an_assistant_is_checked_at_vapi_and_shown_by_its_name(aws: Deployment) -> None:
    number = aws.bought()
    one, two = (aws.at_vapi("assistant", name=name)["id"] for name in ("One", "Two"))
    assert patch(aws, number, assistant={"id": one}).body["assistant"] == {
        "id": one,
        "type": "assistant",
        "name": "One",
    }
    assert patch(aws, number, assistant={"id": two}).body["assistant"] == {
        "id": two,
        "type": "assistant",
        "name": "Two",
    }
    assert patch(aws, number, assistant=None).body["assistant"] is None


def test_an_assistant_that_vapi_does_not_have_is_refused_and_nothing_is_written(aws: Deployment) -> None:
    number = aws.bought()
    assert paths(patch(aws, number, description="New", assistant={"id": MISSING})) == ["assistant.id"]
    assert read(aws, number) == number


def test_the_warning_comes_and_goes_with_the_assistant(aws: Deployment) -> None:
    number = aws.bought()
    own = aws.at_vapi("assistant", name="Own", server={"url": "https://acme.example/vapi"})
    assert len(patch(aws, number, assistant={"id": own["id"]}).body["warnings"]) == 1
    assert patch(aws, number, assistant=None).body["warnings"] == []


def test_the_first_webhook_url_makes_a_secret_that_is_told_once(aws: Deployment) -> None:
    number = aws.bought()
    first = patch(aws, number, webhookUrl="https://acme.example/hook").body
    assert first["webhookSecret"].startswith("whsec_")
    assert "*" not in first["webhookSecret"]
    assert read(aws, number)["webhookSecret"] == "whsec_********"
    assert patch(aws, number, webhookUrl="https://acme.example/other").body["webhookSecret"] == "whsec_********"


def test_a_secret_of_ones_own_is_kept_and_never_shown(aws: Deployment) -> None:
    number = aws.bought()
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    patched = patch(aws, number, webhookUrl="https://acme.example/hook", webhookSecret=secret).body
    assert patched["webhookSecret"] == "whsec_********"
    (item,) = aws.items(f"NUMBER#{number['id']}")
    assert item["signingSecret"] == secret
    assert secret not in json.dumps(aws.events())


def test_the_event_names_what_has_changed(aws: Deployment) -> None:
    number = aws.bought()
    aws.events()
    patch(aws, number, name="Other", tags=["a"])
    (event,) = aws.events()
    assert event["detail-type"] == "updated"
    assert event["detail"]["data"]["changed"] == ["name", "tags"]


@pytest.mark.parametrize("levels", [400, 900, 100_000], ids=["that can be read", "that just can", "that cannot"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/phone-numbers", '{"provider": "vapi", "metadata": %s}'),
        ("PATCH", "/phone-numbers/{id}", '{"metadata": %s}'),
        ("PATCH", "/phone-numbers/{id}", '{"provisioning": %s}'),
        ("POST", "/phone-numbers/{id}/route-explanations", '{"changes": {"metadata": %s}}'),
        ("POST", "/phone-numbers/{id}/routing-rules", '{"when": %s}'),
    ],
)
def test_a_body_of_however_many_levels_is_refused(
    aws: Deployment, method: str, path: str, body: str, levels: int
) -> None:
    number = aws.bought()
    for opening, closing in (('{"a":', "}"), ("[", "]")):
        nested = opening * levels + "1" + closing * levels
        answer = aws.api(method, path.replace("{id}", number["id"]), raw=body % nested)
        assert answer.status in (400, 422), answer
        assert levels < 100_000 or (answer.status, answer.body["code"]) == (400, "too_deep")
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body == number
