"""addRoutingRule, removeRoutingRule, updateBusinessHours, and what of rules is refused whichever action writes it."""

from typing import Any

import pytest

from local.simulators.vapi import Fault
from switchboard.errors import ChangedMeanwhile
from switchboard.model.record import PROFILE_BYTES, AssistantProfile
from switchboard.model.screening import Listed
from switchboard.provisioning.forwarding import refuse_circles
from switchboard.store import keys
from switchboard.store.dynamo import wire
from switchboard.store.numbers import numbers, stored
from tests.functions.conftest import Deployment
from tests.functions.ringing import T, rings
from tests.support.invoking import Answer

CALLER = "+12025550123"
ELSEWHERE = "+442071838750"
MISSING = "11111111-1111-4111-8111-111111111111"
HOURS = {
    "timezone": "America/New_York",
    "openingHoursSpecification": [{"dayOfWeek": ["Monday"], "opens": "09:00", "closes": "17:00"}],
}


def rule(name: str | None = "vip", priority: int = 10, then: Any = None, **more: Any) -> dict[str, Any]:
    made = {"name": "VIPs", "priority": priority, "then": then or {"action": "forward", "number": ELSEWHERE}, **more}
    return made if name is None else {"id": name, **made}


def add(aws: Deployment, number: dict[str, Any], body: Any, **kwargs: Any) -> Answer:
    return aws.api("POST", f"/phone-numbers/{number['id']}/routing-rules", body=body, **kwargs)


def remove(aws: Deployment, number: dict[str, Any], name: str, **kwargs: Any) -> Answer:
    return aws.api("DELETE", f"/phone-numbers/{number['id']}/routing-rules/{name}", **kwargs)


def set_hours(aws: Deployment, number: dict[str, Any], body: Any, **kwargs: Any) -> Answer:
    return aws.api("PUT", f"/phone-numbers/{number['id']}/business-hours", body=body, **kwargs)


def read(aws: Deployment, number: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = aws.api("GET", f"/phone-numbers/{number['id']}").body
    return body


def refused(answer: Answer) -> list[tuple[str, str]]:
    assert answer.status == 422, answer
    return [(error["path"], error["message"]) for error in answer.body["errors"]]


# ---- adding and removing ----


def test_a_rule_is_added_decides_calls_and_is_removed(aws: Deployment) -> None:
    number = aws.bought()
    added = add(aws, number, rule(when={"callerNumbers": [CALLER]}))
    assert added.status == 201
    assert [kept["id"] for kept in added.body["callRoutingRules"]] == ["vip"]
    assert added.body["version"] == number["version"] + 1
    assert added.headers["etag"] == f'"{added.body["version"]}"'
    assert read(aws, number) == added.body
    assert rings(aws, number, "call-1").body["destination"]["number"] == ELSEWHERE
    removed = remove(aws, number, "vip")
    assert (removed.status, removed.body["callRoutingRules"]) == (200, [])
    assert removed.body["version"] == number["version"] + 2
    assert "error" in rings(aws, number, "call-2").body


def test_a_rule_without_an_id_is_given_one(aws: Deployment) -> None:
    (kept,) = add(aws, aws.bought(), rule(None)).body["callRoutingRules"]
    assert kept["id"].startswith("rr_")


def test_the_same_rule_added_again_changes_nothing(aws: Deployment) -> None:
    number = aws.bought()
    first, second = (add(aws, number, rule()) for _ in range(2))
    assert (second.status, second.body) == (201, first.body)


def test_an_unknown_rule_is_not_found(aws: Deployment) -> None:
    answer = remove(aws, aws.bought(), "nobody")
    assert (answer.status, answer.body["code"]) == (404, "rule_not_found")


def test_rules_and_hours_are_told_as_updates(aws: Deployment) -> None:
    number = aws.bought()
    aws.events()
    add(aws, number, rule())
    set_hours(aws, number, HOURS)
    changed = [event["detail"]["data"]["changed"] for event in aws.events()]
    assert changed == [["callRoutingRules"], ["businessHours"]]


def test_no_more_rules_than_a_number_can_have(aws: Deployment) -> None:
    listed = [rule(f"r{at}", at, when={"callerNumbers": [f"+1202555{at:04}"]}) for at in range(500)]
    number = aws.bought(callRoutingRules=listed)
    ((path, message),) = refused(add(aws, number, rule(priority=900)))
    assert path == "id"
    assert "500" in message


# ---- hours ----


def test_the_hours_are_replaced_as_a_whole(aws: Deployment) -> None:
    special = {"name": "Closed", "validFrom": "2026-12-25", "validThrough": "2026-12-25"}
    number = aws.bought(businessHours={**HOURS, "specialOpeningHoursSpecification": [special]})
    answer = set_hours(aws, number, HOURS)
    assert answer.status == 200
    assert answer.body["businessHours"] == {**HOURS, "specialOpeningHoursSpecification": []}
    assert answer.body["version"] == number["version"] + 1
    assert set_hours(aws, number, HOURS).body == answer.body


@pytest.mark.parametrize(
    ("hours", "path"),
    [
        ({**HOURS, "timezone": "Mars/Olympus"}, "timezone"),
        (
            {**HOURS, "openingHoursSpecification": [{"dayOfWeek": ["Monday"], "opens": "09:00", "closes": "09:00"}]},
            "openingHoursSpecification.0",
        ),
        ({"timezone": "UTC"}, "openingHoursSpecification"),
    ],
)
def test_hours_that_make_no_sense_are_refused_by_path(aws: Deployment, hours: dict[str, Any], path: str) -> None:
    assert [where for where, _ in refused(set_hours(aws, aws.bought(), hours))] == [path]


# ---- what all three share ----

ACTIONS = {
    "add": lambda aws, number, **more: add(aws, number, rule("new", 99, when={"callerNumbers": [CALLER]}), **more),
    "remove": lambda aws, number, **more: remove(aws, number, "old", **more),
    "hours": lambda aws, number, **more: set_hours(aws, number, HOURS, **more),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_if_match_must_name_the_current_version(aws: Deployment, action: str) -> None:
    number = aws.bought(callRoutingRules=[rule("old", when={"hours": "closed"})])
    stale = ACTIONS[action](aws, number, headers={"If-Match": '"1"'})
    assert (stale.status, stale.body["code"]) == (412, "version_mismatch")
    assert read(aws, number) == number
    assert ACTIONS[action](aws, number, headers={"If-Match": f'"{number["version"]}"'}).status in (200, 201)


@pytest.mark.parametrize("action", ACTIONS)
def test_another_businesss_number_does_not_exist(aws: Deployment, action: str) -> None:
    number = aws.bought(callRoutingRules=[rule("old")])
    answer = ACTIONS[action](aws, number, business="globex")
    assert (answer.status, answer.body["code"]) == (404, "number_not_found")
    assert read(aws, number) == number


@pytest.mark.parametrize("action", ACTIONS)
def test_a_cancelled_number_is_changed_no_more(aws: Deployment, action: str) -> None:
    number = aws.bought(callRoutingRules=[rule("old", when={"hours": "closed"})])
    aws.api("DELETE", f"/phone-numbers/{number['id']}")
    answer = ACTIONS[action](aws, number)
    assert (answer.status, answer.body["code"]) == (409, "status_conflict")


@pytest.mark.parametrize("action", ["remove", "hours"])
def test_what_needs_nothing_of_vapi_goes_on_while_vapi_is_down(aws: Deployment, action: str) -> None:
    number = aws.bought(callRoutingRules=[rule("old")])
    aws.vapi.fault(Fault("*", "/*", status=500, times=None))
    assert ACTIONS[action](aws, number).status == 200


# ---- what is refused, whoever writes it ----

EARLY = rule("early", 1, when={"callerPrefixes": ["+1"]})
REFUSED = [
    pytest.param(rule("late", 1, when={"hours": "open"}), "priority", ["late", "early"], id="a priority taken"),
    pytest.param(rule("early", 2, when={"hours": "open"}), "id", ["early"], id="an id taken"),
    pytest.param(
        rule("late", 2, when={"callerNumbers": [CALLER]}), "when", ["late", "early"], id="a rule that is never reached"
    ),
    pytest.param(
        rule("late", 2, {"action": "voicemail"}, when={"hours": "open"}), "then.action", ["late"], id="no voicemail"
    ),
]


@pytest.mark.parametrize(("wanted", "path", "named"), REFUSED)
def test_a_rule_that_contradicts_the_others_is_refused(
    aws: Deployment, wanted: dict[str, Any], path: str, named: list[str]
) -> None:
    number = aws.bought(callRoutingRules=[EARLY])
    ((where, message),) = refused(add(aws, number, wanted))
    assert where == path
    assert all(name in message for name in named)
    whole = f"callRoutingRules.1.{path}".removesuffix(".when")
    both = {"callRoutingRules": [EARLY, wanted]}
    assert refused(aws.api("PATCH", f"/phone-numbers/{number['id']}", body=both)) == [(whole, message)]
    assert refused(aws.api("POST", "/phone-numbers", body={"provider": "vapi", **both})) == [(whole, message)]
    assert read(aws, number) == number


def test_a_rule_that_would_leave_another_unreached_is_refused_by_its_conditions(aws: Deployment) -> None:
    number = aws.bought(callRoutingRules=[rule("old", 10)])
    ((path, message),) = refused(add(aws, number, rule("new", 1)))
    assert path == "when"
    assert "old" in message
    assert "new" in message


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        (rule(then={"action": "assistant"}), "then"),
        (rule(then={"action": "forward"}), "then"),
        (rule(when={"callerNumbers": [CALLER], "anonymous": True}), "when"),
        (rule(when={"schedule": {**HOURS, "timezone": "Mars/Olympus"}}), "when.schedule.timezone"),
        (rule(when={"share": 101}), "when.share"),
        (rule(when={"moon": "full"}), "when.moon"),
        (rule(then={"action": "assistant", "id": "../squad"}), "then.id"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_by_path(aws: Deployment, wanted: dict[str, Any], path: str) -> None:
    assert [where for where, _ in refused(add(aws, aws.bought(), wanted))] == [path]


# ---- whom rules name ----


@pytest.mark.parametrize("kind", ["assistant", "squad"])
def test_a_rule_names_nobody_whom_vapi_does_not_have(aws: Deployment, kind: str) -> None:
    number = aws.bought()
    wanted = rule(then={"action": kind, "id": MISSING})
    assert [path for path, _ in refused(add(aws, number, wanted))] == ["then.id"]
    both = {"callRoutingRules": [rule("other", 1, when={"hours": "open"}), wanted]}
    expected = ["callRoutingRules.1.then.id"]
    changed = aws.api("PATCH", f"/phone-numbers/{number['id']}", body=both)
    assert [path for path, _ in refused(changed)] == expected
    created = aws.api("POST", "/phone-numbers", body={"provider": "vapi", **both})
    assert [path for path, _ in refused(created)] == expected
    assert read(aws, number) == number


@pytest.mark.parametrize("way", ["add", "update", "create"])
def test_a_rules_assistant_is_known_to_the_call_plane_whichever_action_named_it(aws: Deployment, way: str) -> None:
    plain = aws.at_vapi("assistant", name="Sales", serverMessages=["hang"], maxDurationSeconds=300)
    own: dict[str, Any] = {"callRoutingRules": [rule(then={"action": "assistant", "id": plain["id"]})]}
    number = aws.bought(**(own if way == "create" else {}))
    if way == "add":
        assert add(aws, number, own["callRoutingRules"][0]).status == 201
    elif way == "update":
        assert aws.api("PATCH", f"/phone-numbers/{number['id']}", body=own).status == 200
    answer = rings(aws, number, "call-1").body
    assert answer["assistantId"] == plain["id"]
    assert answer["assistantOverrides"]["serverMessages"] == ["hang", "status-update", "end-of-call-report"]


def test_a_rules_assistant_with_a_server_of_its_own_brings_a_warning_until_the_rule_goes(aws: Deployment) -> None:
    own = aws.at_vapi("assistant", name="Own", server={"url": "https://acme.example/vapi"})
    number = aws.bought()
    added = add(aws, number, rule(then={"action": "assistant", "id": own["id"]}))
    (warning,) = added.body["warnings"]
    assert own["id"] in warning
    assert "serverMessages" not in rings(aws, number, "call-1").body["assistantOverrides"]
    assert remove(aws, number, "vip").body["warnings"] == []


def test_an_update_reads_each_assistant_once_however_many_rules_name_it(aws: Deployment) -> None:
    sales = aws.at_vapi("assistant", name="Sales")
    then = {"action": "assistant", "id": sales["id"]}
    both = [rule("first", 1, then, when={"hours": "open"}), rule("second", 2, then)]
    number = aws.bought()
    wanted = {"callRoutingRules": both, "assistant": {"id": sales["id"]}}
    assert aws.api("PATCH", f"/phone-numbers/{number['id']}", body=wanted).status == 200
    assert len(aws.vapi.requests_to("GET", f"/assistant/{sales['id']}")) == 1


@pytest.mark.parametrize("way", ["the same rule added", "the same rules", "the same assistant", "the same threshold"])
def test_whoever_is_named_again_is_read_again(aws: Deployment, way: str) -> None:
    made = aws.at_vapi("assistant", name="Sales", serverMessages=["conversation-update"])
    then = {"action": "assistant", "id": made["id"]}
    threshold = {"id": "t", "metric": "calls", "period": "day", "limit": 5, "action": "assistant"}
    configured: dict[str, Any] = {
        "the same rule added": {"callRoutingRules": [rule(then=then)]},
        "the same rules": {"callRoutingRules": [rule(then=then)]},
        "the same assistant": {"assistant": {"id": made["id"]}},
        "the same threshold": {"usageThresholds": [{**threshold, "assistantId": made["id"]}]},
    }[way]
    number = aws.bought(**configured)
    aws.vapi.store.update("assistant", made["id"], {"server": {"url": "https://acme.example/vapi"}})
    if way == "the same rule added":
        again = add(aws, number, rule(then=then))
    else:
        again = aws.api("PATCH", f"/phone-numbers/{number['id']}", body=configured)
    assert len(again.body["warnings"]) == 1
    assert again.body["version"] == number["version"] + 1
    unchanged = aws.api("PATCH", f"/phone-numbers/{number['id']}", body=configured)
    assert unchanged.body == again.body


@pytest.mark.parametrize("way", ["create", "update", "explain"])
def test_more_assistants_than_one_request_can_read_are_refused_by_path(aws: Deployment, way: str) -> None:
    made = [aws.at_vapi("assistant", name="a")["id"] for _ in range(51)]
    listed = [
        rule(f"r{at}", at, {"action": "assistant", "id": each}, when={"callerNumbers": [f"+1202555{at:04}"]})
        for at, each in enumerate(made)
    ]
    number = aws.bought()
    path, body = f"/phone-numbers/{number['id']}", {"callRoutingRules": listed}
    answer = {
        "create": lambda: aws.api("POST", "/phone-numbers", body={"provider": "vapi", **body}),
        "update": lambda: aws.api("PATCH", path, body=body),
        "explain": lambda: aws.api("POST", f"{path}/route-explanations", body={"caller": CALLER, "changes": body}),
    }[way]()
    ((where, message),) = refused(answer)
    assert where.endswith("callRoutingRules.50.then.id")
    assert "50" in message
    assert len([seen for seen in aws.vapi.requests if seen["path"].startswith("/assistant/")]) == 50


def test_members_of_a_squad_count_too(aws: Deployment) -> None:
    members = [{"assistantId": aws.at_vapi("assistant", name="a")["id"]} for _ in range(50)]
    squad = aws.at_vapi("squad", name="Team", members=members)
    number = aws.bought()
    path = f"/phone-numbers/{number['id']}/assistant"
    assert [where for where, _ in refused(aws.api("PUT", path, body={"id": squad["id"], "type": "squad"}))] == ["id"]


# ---- forwards in a circle ----


def test_a_rule_that_forwards_to_the_number_itself_is_refused(aws: Deployment) -> None:
    number = aws.bought()
    wanted = rule(then={"action": "forward", "number": number["phoneNumber"]})
    assert [path for path, _ in refused(add(aws, number, wanted))] == ["then.number"]


def forwarding(aws: Deployment, number: dict[str, Any], to: dict[str, Any] | str) -> Answer:
    goal = to if isinstance(to, str) else to["phoneNumber"]
    body = {"forwardingEnabled": True, "forwardingNumber": goal}
    return aws.api("PATCH", f"/phone-numbers/{number['id']}", body=body)


def test_a_circle_through_other_numbers_is_refused_and_its_way_told(aws: Deployment) -> None:
    first, second, third = (aws.bought() for _ in range(3))
    assert forwarding(aws, first, second).status == 200
    assert add(aws, second, rule(then={"action": "forward", "number": third["phoneNumber"]})).status == 201
    ((path, message),) = refused(forwarding(aws, third, first))
    assert path == "forwardingNumber"
    assert f"{first['phoneNumber']}, {second['phoneNumber']}" in message
    wanted = rule(then={"action": "forward", "number": first["phoneNumber"]})
    assert [where for where, _ in refused(add(aws, third, wanted))] == ["then.number"]
    assert forwarding(aws, third, ELSEWHERE).status == 200


def test_a_chain_that_ends_is_no_circle(aws: Deployment) -> None:
    first, second, third = (aws.bought() for _ in range(3))
    assert forwarding(aws, second, third).status == 200
    assert forwarding(aws, first, second).status == 200
    assert forwarding(aws, third, ELSEWHERE).status == 200


def test_a_rule_that_is_switched_off_closes_no_circle(aws: Deployment) -> None:
    first, second = aws.bought(), aws.bought()
    off = rule(then={"action": "forward", "number": first["phoneNumber"]}, enabled=False)
    assert add(aws, second, off).status == 201
    assert forwarding(aws, first, second).status == 200


def test_numbers_of_another_business_are_not_looked_into(aws: Deployment) -> None:
    ours, theirs = aws.bought(), aws.bought("globex")
    body = {"forwardingNumber": ours["phoneNumber"]}
    assert aws.api("PATCH", f"/phone-numbers/{theirs['id']}", "globex", body=body).status == 200
    assert forwarding(aws, ours, theirs).status == 200


def test_two_changes_at_once_that_would_close_a_circle_together_are_not_both_written(aws: Deployment) -> None:
    first, second = aws.bought(), aws.bought()
    store = numbers()
    one, other = store.get(first["id"]), store.get(second["id"])
    changed = one.updated({"forwardingNumber": second["phoneNumber"]}, one.number.updated + 1)
    looked_at = refuse_circles(store, one, changed)
    assert [record.number.id for record in looked_at] == [other.number.id]
    assert forwarding(aws, second, first).status == 200
    with pytest.raises(ChangedMeanwhile):
        store.save(one, changed, looked_at)
    assert read(aws, first) == first


COMING = "+14155550142"
"""A number that is not ours yet."""


def test_a_number_is_not_created_whose_forward_comes_back_to_it(aws: Deployment) -> None:
    twilio = aws.configure("twilio")
    ours = aws.bought()
    assert forwarding(aws, ours, COMING).status == 200
    wanted = {"provider": "twilio", "phoneNumber": COMING, "forwardingNumber": ours["phoneNumber"]}
    twilio.hand_over(COMING, "somebody's")
    ((path, message),) = refused(aws.api("POST", "/phone-numbers", body={**wanted, "purchase": False}))
    assert path == "forwardingNumber"
    assert ours["phoneNumber"] in message
    assert len(aws.items("NUMBER#")) == 1


def left_inactive(aws: Deployment, coming: dict[str, Any], ours: dict[str, Any]) -> None:
    """It is in service but does not answer, says why, and answers once its forward leads elsewhere."""
    number = read(aws, coming)
    assert (number["status"], number["provisioning"]["state"]) == ("inactive", "ready")
    (warning,) = number["warnings"]
    assert ours["phoneNumber"] in warning
    assert number["provisioning"]["error"] == {"code": "forwards_in_circle", "detail": warning}
    assert number["activationDate"] is None
    aws.check()
    (row,) = aws.rows(number["id"])
    assert row.get("fallbackDestination") is None, "nor does Vapi forward its calls"
    assert "error" in rings(aws, number, "call-1").body
    path = f"/phone-numbers/{number['id']}"
    assert [where for where, _ in refused(aws.api("PATCH", path, body={"status": "active"}))] == ["forwardingNumber"]
    mended = aws.api("PATCH", path, body={"status": "active", "forwardingNumber": ELSEWHERE})
    assert (mended.status, mended.body["status"], mended.body["warnings"]) == (200, "active", [])
    assert mended.body["provisioning"]["error"] is None
    assert mended.body["activationDate"] is not None


def test_a_number_whose_forward_comes_back_to_it_when_vapi_tells_its_e164_stays_inactive(aws: Deployment) -> None:
    ours = aws.bought()
    assert forwarding(aws, ours, f"+{int(ours['phoneNumber'].removeprefix('+')) + 1}").status == 200
    wanted = {"provider": "vapi", "areaCode": "415", "forwardingNumber": ours["phoneNumber"]}
    coming = aws.api("POST", "/phone-numbers", body=wanted)
    aws.check()
    left_inactive(aws, coming.body, ours)


@pytest.mark.parametrize("provider", ["twilio", "vonage"])
def test_a_forward_that_is_set_while_its_number_is_bought_does_not_come_back_to_it(
    aws: Deployment, provider: str
) -> None:
    seller = aws.configure(provider)
    ours = aws.bought()
    assert forwarding(aws, ours, COMING).status == 200
    seller.simulator.fault(Fault(*seller.purchase, cut="before"))
    coming = aws.api("POST", "/phone-numbers", body={"provider": provider, "phoneNumber": COMING})
    assert coming.body["provisioning"]["state"] == "purchasing"
    assert [path for path, _ in refused(forwarding(aws, coming.body, ours))] == ["forwardingNumber"]


@pytest.mark.parametrize("provider", ["twilio", "vonage", "bandwidth"])
def test_a_number_that_was_found_by_a_search_and_whose_forward_comes_back_to_it_stays_inactive(
    aws: Deployment, provider: str
) -> None:
    aws.configure(provider)
    ours = aws.bought()
    query = {"provider": provider, "areaCode": "415", "limit": "1"}
    (shown,) = aws.api("GET", "/available-phone-numbers", query=query).body["items"]
    assert forwarding(aws, ours, shown["phoneNumber"]).status == 200
    wanted = {"provider": provider, "areaCode": "415", "forwardingNumber": ours["phoneNumber"]}
    coming = aws.api("POST", "/phone-numbers", body=wanted)
    for _ in range(3):
        aws.check()
    left_inactive(aws, coming.body, ours)


def own_numbers(aws: Deployment, count: int) -> list[str]:
    """The E.164 of so many numbers of the business, put as they are stored."""
    known = numbers().get(aws.bought()["id"])
    with aws.table.batch_writer() as batch:
        for at in range(count):
            number = known.number.model_copy(update={"id": f"pn_{at:026}", "phone_number": f"+1202600{at:04}"})
            batch.put_item(stored(known.model_copy(update={"number": number})))
            batch.put_item(keys.e164(f"+1202600{at:04}") | {"numberId": number.id, "business": number.business})
    return [f"+1202600{at:04}" for at in range(count)]


def to_each(goals: list[str]) -> list[dict[str, Any]]:
    return [
        rule(f"r{at}", at, {"action": "forward", "number": goal}, when={"callerNumbers": [f"+1202555{at:04}"]})
        for at, goal in enumerate(goals)
    ]


def test_forwards_over_more_own_numbers_than_one_write_can_watch_are_refused_by_path(aws: Deployment) -> None:
    goals, number = own_numbers(aws, 91), aws.bought()
    path = f"/phone-numbers/{number['id']}"
    ((where, message),) = refused(aws.api("PATCH", path, body={"callRoutingRules": to_each(goals)}))
    assert where == "callRoutingRules.90.then.number"
    assert "90" in message


def test_lists_and_forwards_that_are_too_many_for_one_write_are_refused_by_path(aws: Deployment) -> None:
    goals, number = own_numbers(aws, 9), aws.bought()
    path = f"/phone-numbers/{number['id']}"
    blocked = [f"+1202555{at:04}" for at in range(90)]
    both = {"blockedNumbers": blocked, "callRoutingRules": to_each(goals)}
    assert [where for where, _ in refused(aws.api("PATCH", path, body=both))] == ["callRoutingRules.0.then.number"]
    fewer = {**both, "blockedNumbers": blocked[:81]}
    assert aws.api("PATCH", path, body=fewer).status == 200


# ---- how much a number can hold ----


def callers(count: int, of: int = 0) -> list[str]:
    return [f"+1202{of:03}{at:04}" for at in range(count)]


def large(rules: int) -> list[dict[str, Any]]:
    """Rules of 15,000 bytes of callers each."""
    return [rule(f"r{at}", at, when={"callerNumbers": callers(1000, at)}) for at in range(rules)]


def test_more_configuration_than_a_number_can_hold_is_refused_by_its_largest_part(aws: Deployment) -> None:
    number = aws.bought()
    path, too_large = f"/phone-numbers/{number['id']}", {"callRoutingRules": large(40)}
    ((where, message),) = refused(aws.api("PATCH", path, body=too_large))
    assert where == "callRoutingRules"
    assert "240000 bytes" in message
    created = aws.api("POST", "/phone-numbers", body={"provider": "vapi", **too_large})
    assert refused(created) == [(where, message)]
    explained = aws.api("POST", f"{path}/route-explanations", body={"caller": CALLER, "changes": too_large})
    assert [where for where, _ in refused(explained)] == ["callRoutingRules"]
    assert read(aws, number) == number


def special_days(count: int) -> list[dict[str, Any]]:
    return [
        {"name": "x" * 100, "validFrom": f"2026-01-{at % 28 + 1:02}", "validThrough": "2026-12-31"}
        for at in range(count)
    ]


def test_a_rule_or_hours_for_which_there_is_no_room_are_refused_by_path(aws: Deployment) -> None:
    number = aws.bought()
    assert aws.api("PATCH", f"/phone-numbers/{number['id']}", body={"callRoutingRules": large(14)}).status == 200
    wanted = rule("late", 99, when={"callerNumbers": callers(1000, 500)})
    assert add(aws, number, wanted).status == 201
    assert [path for path, _ in refused(add(aws, number, {**wanted, "id": "later", "priority": 100}))] == ["when"]
    hours = {**HOURS, "specialOpeningHoursSpecification": special_days(400)}
    assert [path for path, _ in refused(set_hours(aws, number, hours))] == ["openingHoursSpecification"]


def test_all_that_a_number_may_hold_can_be_stored(aws: Deployment) -> None:
    configured = {"callRoutingRules": large(14), "metadata": {"a": "é" * 8_000}, "description": "\U0001f642" * 1000}
    number = aws.bought()
    assert aws.api("PATCH", f"/phone-numbers/{number['id']}", body=configured).status == 200
    store = numbers()
    old = store.get(number["id"])
    blocks = [Listed(pattern=f"+1202600{at:03}*", added_at=T, reason="\U0001f642" * 200) for at in range(90)]
    profile = AssistantProfile(metadata={"a": "x" * (PROFILE_BYTES - 200)})
    full = old.model_copy(update={"revision": old.revision + 1, "blocked_prefixes": blocks})
    full = full.with_profiles(profile, {})
    store.save(old, full)
    assert store.get(number["id"]).profile == profile
    assert dynamodb_bytes({"M": wire(stored(full))}) < 400 * 1024


def dynamodb_bytes(value: dict[str, Any]) -> int:
    """What DynamoDB counts of a typed value, as its documentation on item sizes says; numbers at their most."""
    ((kind, held),) = value.items()
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + dynamodb_bytes(inner) for name, inner in held.items())
    if kind == "L":
        return 3 + sum(1 + dynamodb_bytes(inner) for inner in held)
    return {"S": lambda: len(held.encode()), "N": lambda: 21}.get(kind, lambda: 1)()


def test_assistants_that_have_more_to_be_kept_than_there_is_room_for_are_refused_by_path(aws: Deployment) -> None:
    wordy = aws.at_vapi("assistant", name="a", metadata={"a": "x" * 30_000})
    other = aws.at_vapi("assistant", name="b", metadata={"a": "x" * 20_000})
    number = aws.bought(assistant={"id": wordy["id"]})
    wanted = rule(then={"action": "assistant", "id": other["id"]})
    assert [where for where, _ in refused(add(aws, number, wanted))] == ["then.id"]
    path = f"/phone-numbers/{number['id']}"
    aws.vapi.store.update("assistant", wordy["id"], {"metadata": {"a": "x" * 50_000}})
    assert [where for where, _ in refused(aws.api("PUT", f"{path}/assistant", body={"id": wordy["id"]}))] == ["id"]
    assert read(aws, number) == number
