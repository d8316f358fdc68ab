"""Blocked and allowed callers: blockNumber, unblockNumber, their list, and the same lists through create and update."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.dynamodb.models import dynamodb_backends

from switchboard.errors import ChangedMeanwhile
from switchboard.model.screening import BlockRequest
from switchboard.provisioning import connected
from switchboard.store import dynamo, screening
from tests.functions.conftest import REGION, Deployment
from tests.support.invoking import Answer, invoke
from tests.support.streams import batch, changed, failed, sequence

SPAMMER = "+12025550123"
FRIEND = "+12025550199"


def path(number: dict[str, Any], pattern: str | None = None) -> str:
    tail = "" if pattern is None else "/" + pattern.replace("+", "%2B")
    return f"/phone-numbers/{number['id']}/blocked-numbers{tail}"


def block(aws: Deployment, number: dict[str, Any], pattern: str, **more: Any) -> Answer:
    kwargs = {name: more.pop(name) for name in ("headers", "business") if name in more}
    return aws.api("POST", path(number), body={"phoneNumber": pattern, **more}, **kwargs)


def unblock(aws: Deployment, number: dict[str, Any], pattern: str, **kwargs: Any) -> Answer:
    return aws.api("DELETE", path(number, pattern), **kwargs)


def patch(aws: Deployment, number: dict[str, Any], **body: Any) -> Answer:
    return aws.api("PATCH", f"/phone-numbers/{number['id']}", body=body)


def shown(aws: Deployment, number: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = aws.api("GET", f"/phone-numbers/{number['id']}").body
    return body


def listed(aws: Deployment, number: dict[str, Any], **query: str) -> list[dict[str, Any]]:
    """All pages of the list."""
    found = []
    while True:
        page = aws.api("GET", path(number), query=query or None).body
        found += page["items"]
        if page.get("nextCursor") is None:
            return found
        query["cursor"] = page["nextCursor"]


def counted(aws: Deployment) -> dict[str, int]:
    """The counts that are kept."""
    (item,) = [item for item in aws.items("NUMBER#") if item["SK"] == "SCREENING"] or [{}]
    return {name: int(item[name]) for name in ("blocked", "allowed") if item.get(name)}


def errors(answer: Answer) -> list[str]:
    assert answer.status == 422, answer
    return [error["path"] for error in answer.body["errors"]]


def blocked_events(aws: Deployment) -> list[dict[str, Any]]:
    return [event["detail"]["data"] for event in aws.events() if event["detail-type"] == "Number.blocked"]


@pytest.fixture
def number(aws: Deployment) -> dict[str, Any]:
    return aws.bought()


def at(later: float) -> screening.Screening:
    """The store as it will be so many seconds from now."""
    return replace(screening.screening(), clock=lambda: time.time() + later)


@pytest.fixture
def before_next_transaction(aws: Deployment) -> Iterator[Callable[[Callable[[], Any]], None]]:  # noqa: ARG001
    """Lets something happen between a read and the write that follows from it; once each."""
    waiting: list[Callable[[], Any]] = []

    def run(**_: Any) -> None:
        if waiting:
            waiting.pop()()

    events = dynamo.table().client.meta.events
    events.register("before-call.dynamodb.TransactWriteItems", run)
    yield waiting.append
    events.unregister("before-call.dynamodb.TransactWriteItems", run)


# ---- one caller


def test_a_blocked_caller_is_shown_counted_and_listed(aws: Deployment, number: dict[str, Any]) -> None:
    before, expires_at = int(time.time()), int(time.time()) + 3600
    answer = block(aws, number, SPAMMER, reason="robocalls", expiresAt=expires_at)
    assert answer.status == 200
    assert (answer.body["blockedNumbers"], answer.body["blockedNumbersCount"]) == ([SPAMMER], 1)
    assert shown(aws, number) == answer.body
    (entry,) = listed(aws, number)
    added_at = entry.pop("addedAt")
    assert entry == {"phoneNumber": SPAMMER, "reason": "robocalls", "expiresAt": expires_at}
    assert before <= added_at < expires_at
    assert counted(aws) == {"blocked": 1}


def test_an_exact_caller_is_no_part_of_the_version_and_a_prefix_is(aws: Deployment, number: dict[str, Any]) -> None:
    exactly = block(aws, number, SPAMMER)
    assert (exactly.body["version"], exactly.headers["etag"]) == (number["version"], f'"{number["version"]}"')
    assert block(aws, number, "+1900*").body["version"] == number["version"] + 1
    assert unblock(aws, number, SPAMMER).body["version"] == number["version"] + 1
    assert unblock(aws, number, "+1900*").body["version"] == number["version"] + 2


@pytest.mark.parametrize("pattern", [SPAMMER, "+1900*"])
def test_blocking_twice_is_one_block_with_the_later_reason(
    aws: Deployment, number: dict[str, Any], pattern: str
) -> None:
    block(aws, number, pattern, reason="first")
    (before,) = listed(aws, number)
    again = block(aws, number, pattern, reason="second")
    assert (again.status, again.body["blockedNumbersCount"]) == (200, 1)
    assert listed(aws, number) == [{**before, "reason": "second"}]
    assert block(aws, number, pattern, reason="second").body == shown(aws, number) == again.body | {}


@pytest.mark.parametrize("pattern", [SPAMMER, "+1900*"])
def test_an_unblocked_caller_is_gone_and_unblocking_again_is_nothing(
    aws: Deployment, number: dict[str, Any], pattern: str
) -> None:
    block(aws, number, pattern)
    for _ in range(2):
        answer = unblock(aws, number, pattern)
        assert answer.status == 200
        assert (answer.body["blockedNumbers"], answer.body["blockedNumbersCount"]) == ([], 0)
    assert listed(aws, number) == []
    assert counted(aws) == {}


def test_a_plus_that_the_gateway_has_decoded_is_the_same(aws: Deployment, number: dict[str, Any]) -> None:
    block(aws, number, SPAMMER)
    assert aws.api("DELETE", f"{path(number)}/{SPAMMER}").body["blockedNumbers"] == []


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "phoneNumber"),
        ({"phoneNumber": "2025550123"}, "phoneNumber"),
        ({"phoneNumber": "*"}, "phoneNumber"),
        ({"phoneNumber": SPAMMER, "expiresAt": 1_700_000_000}, "expiresAt"),
        ({"phoneNumber": "+1900*", "expiresAt": 1_700_000_000}, "expiresAt"),
        ({"phoneNumber": SPAMMER, "reason": ""}, "reason"),
        ({"phoneNumber": SPAMMER, "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_block_is_refused_by_path(
    aws: Deployment, number: dict[str, Any], body: dict[str, Any], where: str
) -> None:
    assert errors(aws.api("POST", path(number), body=body)) == [where]
    assert listed(aws, number) == []


def test_what_is_no_number_cannot_be_unblocked(aws: Deployment, number: dict[str, Any]) -> None:
    assert errors(unblock(aws, number, "anonymous")) == ["phoneNumber"]


def test_another_businesss_number_does_not_exist(aws: Deployment, number: dict[str, Any]) -> None:
    for pattern in (SPAMMER, "+1900*"):
        assert block(aws, number, pattern, business="globex").status == 404
        assert unblock(aws, number, pattern, business="globex").status == 404
    assert aws.api("GET", path(number), "globex").status == 404
    assert listed(aws, number) == []


def test_a_cancelled_numbers_list_stays_and_can_be_read(aws: Deployment, number: dict[str, Any]) -> None:
    block(aws, number, SPAMMER)
    aws.api("DELETE", f"/phone-numbers/{number['id']}")
    for pattern in (FRIEND, "+1900*"):
        assert block(aws, number, pattern).status == 409
    assert unblock(aws, number, SPAMMER).status == 409
    assert [entry["phoneNumber"] for entry in listed(aws, number)] == [SPAMMER]


@pytest.mark.parametrize("pattern", [SPAMMER, "+1900*"])
def test_if_match_is_honoured(aws: Deployment, number: dict[str, Any], pattern: str) -> None:
    current, old = ({"If-Match": f'"{version}"'} for version in (number["version"], number["version"] - 1))
    assert block(aws, number, pattern, headers=old).status == 412
    assert block(aws, number, pattern, headers=current).status == 200
    assert unblock(aws, number, pattern, headers=old).status == 412
    assert shown(aws, number)["blockedNumbers"] == [pattern]


# ---- two at once


def test_two_that_block_the_same_caller_at_once_make_one_block(
    aws: Deployment, number: dict[str, Any], before_next_transaction: Callable[[Callable[[], Any]], None]
) -> None:
    before_next_transaction(lambda: block(aws, number, SPAMMER, reason="one"))
    assert block(aws, number, SPAMMER, reason="other").body["blockedNumbersCount"] == 1
    assert counted(aws) == {"blocked": 1}
    assert [entry["reason"] for entry in listed(aws, number)] == ["other"]


def test_two_that_unblock_the_same_caller_at_once_count_once(
    aws: Deployment, number: dict[str, Any], before_next_transaction: Callable[[Callable[[], Any]], None]
) -> None:
    block(aws, number, SPAMMER)
    block(aws, number, FRIEND)
    before_next_transaction(lambda: unblock(aws, number, SPAMMER))
    assert unblock(aws, number, SPAMMER).body["blockedNumbers"] == [FRIEND]
    assert counted(aws) == {"blocked": 1}


def test_a_number_that_is_released_meanwhile_gets_no_block(
    aws: Deployment, number: dict[str, Any], before_next_transaction: Callable[[Callable[[], Any]], None]
) -> None:
    before_next_transaction(lambda: aws.api("DELETE", f"/phone-numbers/{number['id']}"))
    assert block(aws, number, SPAMMER).status == 409
    assert listed(aws, number) == []


def test_a_caller_that_others_keep_changing_is_given_up_on(
    aws: Deployment, number: dict[str, Any], before_next_transaction: Callable[[Callable[[], Any]], None]
) -> None:
    key = {"PK": f"NUMBER#{number['id']}", "SK": f"BLOCK#{SPAMMER}"}
    times = 0

    def interfere() -> None:
        nonlocal times
        times += 1
        aws.table.put_item(Item={**key, "pattern": SPAMMER, "addedAt": times, "blockedOn": number["id"]})
        before_next_transaction(interfere)

    before_next_transaction(interfere)
    with pytest.raises(ChangedMeanwhile):
        screening.screening().block(number["id"], "acme", BlockRequest(phoneNumber=SPAMMER, reason="mine"), None)
    assert counted(aws) == {}


# ---- expiry


@pytest.mark.parametrize("pattern", [SPAMMER, "+1900*"])
def test_an_expired_block_is_neither_shown_nor_listed_and_can_be_made_anew(
    aws: Deployment, number: dict[str, Any], pattern: str
) -> None:
    block(aws, number, pattern, expiresAt=int(time.time()) + 60)
    assert len(blocked_events(aws)) == 1
    later = at(61)
    (record,) = later.loaded([later.numbers.get(number["id"])])
    assert (record.number.blocked_numbers, record.number.blocked_numbers_count) == ([], 0)
    assert later.page(record, 10, None).entries == []
    later.block(number["id"], "acme", BlockRequest(phoneNumber=pattern), None)
    assert shown(aws, number)["blockedNumbers"] == [pattern]
    assert counted(aws) == ({"blocked": 1} if pattern == SPAMMER else {})
    assert len(blocked_events(aws)) == 1, "blocked anew is news"


@pytest.mark.parametrize("pattern", [SPAMMER, "+1900*"])
def test_updates_that_block_twice_within_a_second_are_two_events(
    aws: Deployment, number: dict[str, Any], pattern: str
) -> None:
    began = int(time.time())
    for later, wanted in enumerate(([pattern], [], [pattern])):
        at_once = connected.lifecycle(lambda instant=began + later / 1000: instant)
        at_once.update(number["id"], "acme", {"blockedNumbers": wanted}, None)
    told = [event["detail"] for event in aws.events() if event["detail-type"] == "Number.blocked"]
    assert [event["occurredAt"] for event in told] == [began, began]
    assert len({event["eventId"] for event in told}) == 2


@pytest.fixture
def removal(aws: Deployment, number: dict[str, Any]) -> dict[str, Any]:
    """The stream's record of a block of two that DynamoDB took away because it had expired."""
    for caller in (SPAMMER, FRIEND):
        block(aws, number, caller, expiresAt=int(time.time()) + 60)
    key = {"PK": f"NUMBER#{number['id']}", "SK": f"BLOCK#{SPAMMER}"}
    item = aws.table.delete_item(Key=key, ReturnValues="ALL_OLD")["Attributes"]
    return changed(item, None, by_ttl=True)


def test_a_block_that_expired_is_counted_no_more_however_often_its_removal_comes(
    aws: Deployment, removal: dict[str, Any]
) -> None:
    assert counted(aws) == {"blocked": 2}
    for _ in range(2):
        assert failed(invoke("tally_usage", batch(removal, removal))) == []
        assert counted(aws) == {"blocked": 1}
    assert invoke("publish_events", batch(removal)) == {"batchItemFailures": []}


def test_a_caller_blocked_anew_expires_anew(aws: Deployment, number: dict[str, Any], removal: dict[str, Any]) -> None:
    block(aws, number, SPAMMER)
    invoke("tally_usage", batch(removal))
    assert counted(aws) == {"blocked": 2}
    key = {"PK": f"NUMBER#{number['id']}", "SK": f"BLOCK#{SPAMMER}"}
    anew = aws.table.delete_item(Key=key, ReturnValues="ALL_OLD")["Attributes"]
    invoke("tally_usage", batch(changed(anew, None, by_ttl=True)))
    assert counted(aws) == {"blocked": 1}


def test_a_removal_by_unblock_was_counted_already(
    aws: Deployment, number: dict[str, Any], removal: dict[str, Any]
) -> None:
    unblock(aws, number, FRIEND)
    record = {name: value for name, value in removal.items() if name != "userIdentity"}
    assert failed(invoke("tally_usage", batch(record))) == []
    assert counted(aws) == {"blocked": 1}


def test_a_removal_that_cannot_be_counted_now_comes_again(aws: Deployment, removal: dict[str, Any]) -> None:
    events = dynamo.table().client.meta.events
    conflict = {
        "Error": {"Code": "TransactionCanceledException", "Message": "conflict"},
        "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
    }

    def refuse(**_: Any) -> tuple[Any, dict[str, Any]]:
        """As DynamoDB answers while another transaction is at the same item."""
        return SimpleNamespace(status_code=400), conflict

    events.register("before-call.dynamodb.TransactWriteItems", refuse)
    assert failed(invoke("tally_usage", batch(removal))) == [sequence(removal)]
    events.unregister("before-call.dynamodb.TransactWriteItems", refuse)
    assert failed(invoke("tally_usage", batch(removal))) == []
    assert counted(aws) == {"blocked": 1}


# ---- the list and the representation


def test_the_list_is_paged_by_numbers_prefixes_among_them(aws: Deployment, number: dict[str, Any]) -> None:
    wanted = [f"+1900555{line:04d}" for line in range(7)] + ["+1900*", "+44*", "+442071838750"]
    for pattern in wanted:
        block(aws, number, pattern)
    for limit in ("1", "2", "3", "9", "10", "11"):
        found = [entry["phoneNumber"] for entry in listed(aws, number, limit=limit)]
        assert found == sorted(wanted)
    assert errors(aws.api("GET", path(number), query={"cursor": "nonsense"})) == ["cursor"]
    assert errors(aws.api("GET", path(number), query={"limit": "0"})) == ["limit"]


def test_the_number_shows_prefixes_then_the_newest_callers(aws: Deployment, number: dict[str, Any]) -> None:
    clocks = iter(range(10))
    store = replace(screening.screening(), clock=lambda: time.time() + next(clocks))
    for pattern in ("+12025550103", "+12025550101", "+1900*", "+12025550102"):
        store.block(number["id"], "acme", BlockRequest(phoneNumber=pattern), None)
    assert shown(aws, number)["blockedNumbers"] == ["+1900*", "+12025550102", "+12025550101", "+12025550103"]
    (in_list,) = aws.api("GET", "/phone-numbers").body["items"]
    assert in_list == shown(aws, number)


def filled(aws: Deployment, number: dict[str, Any], many: int) -> list[str]:
    """So many blocked callers, the oldest first, put into moto's own table for speed."""
    callers = [f"+1202{line:07d}" for line in range(many)]
    table = dynamodb_backends[ACCOUNT][REGION].get_table(aws.table.name)
    for position, caller in enumerate(callers):
        key = {"PK": f"NUMBER#{number['id']}", "SK": f"BLOCK#{caller}"}
        item = {**key, "pattern": caller, "addedAt": position + 1, "blockedOn": number["id"]}
        table.put_item(dynamo.wire(item))
    key = {"PK": f"NUMBER#{number['id']}", "SK": "SCREENING"}
    aws.table.put_item(Item={**key, "blocked": many})
    return callers


def test_of_more_than_1000_the_newest_1000_are_shown_and_all_are_counted(
    aws: Deployment, number: dict[str, Any]
) -> None:
    callers = filled(aws, number, 1005)
    block(aws, number, "+1900*")
    body = shown(aws, number)
    assert body["blockedNumbers"] == ["+1900*", *reversed(callers[5:])]
    assert body["blockedNumbersCount"] == 1006
    assert len(listed(aws, number, limit="1000")) == 1006
    assert patch(aws, number, **body).body == body, "what is shown can be sent back"
    assert errors(patch(aws, number, blockedNumbers=[SPAMMER])) == ["blockedNumbers", "blockedNumbers"]
    assert patch(aws, number, blockedNumbers=[SPAMMER]).body["errors"][0]["message"].endswith("unblockNumber")


# ---- create and update


def test_lists_can_be_given_when_the_number_is_bought(aws: Deployment) -> None:
    number = aws.bought(blockedNumbers=[SPAMMER, "+1900*"], allowedNumbers=[FRIEND, "+44*"])
    assert sorted(number["blockedNumbers"]) == [SPAMMER, "+1900*"]
    assert sorted(number["allowedNumbers"]) == [FRIEND, "+44*"]
    assert counted(aws) == {"blocked": 1, "allowed": 1}
    assert sorted(event["blocked"] for event in blocked_events(aws)) == [SPAMMER, "+1900*"]
    kept = aws.table.get_item(Key={"PK": f"NUMBER#{number['id']}", "SK": "NUMBER"})["Item"]
    assert [entry["pattern"] for entry in kept["blockedPrefixes"]] == ["+1900*"]
    assert [entry["pattern"] for entry in kept["allowedPrefixes"]] == ["+44*"]
    assert not kept.keys() & {"blockedNumbers", "allowedNumbers", "blockedNumbersCount"}
    assert aws.table.get_item(Key={"PK": f"NUMBER#{number['id']}", "SK": f"ALLOW#{FRIEND}"})["Item"]


def test_an_update_replaces_the_lists_and_leaves_the_reasons_of_those_that_stay(
    aws: Deployment, number: dict[str, Any]
) -> None:
    for pattern in (SPAMMER, FRIEND, "+1900*", "+1976*"):
        block(aws, number, pattern, reason=pattern)
    before = shown(aws, number)
    answer = patch(aws, number, blockedNumbers=[SPAMMER, "+1900*", "+12025550111"], allowedNumbers=[FRIEND])
    assert answer.status == 200
    assert sorted(answer.body["blockedNumbers"]) == ["+12025550111", SPAMMER, "+1900*"]
    assert (answer.body["allowedNumbers"], answer.body["blockedNumbersCount"]) == ([FRIEND], 3)
    assert answer.body["version"] == before["version"] + 1
    reasons = {entry["phoneNumber"]: entry["reason"] for entry in listed(aws, number)}
    assert reasons == {"+12025550111": None, SPAMMER: SPAMMER, "+1900*": "+1900*"}
    assert counted(aws) == {"blocked": 2, "allowed": 1}
    assert patch(aws, number, blockedNumbers=None).body["blockedNumbers"] == []
    assert counted(aws) == {"allowed": 1}


def test_lists_sent_back_in_another_order_are_no_change(aws: Deployment, number: dict[str, Any]) -> None:
    body = patch(aws, number, blockedNumbers=[SPAMMER, FRIEND, "+1900*"]).body
    assert patch(aws, number, blockedNumbers=["+1900*", FRIEND, SPAMMER, FRIEND]).body == body
    assert patch(aws, number, **body).body == body


def test_another_property_can_be_changed_beside_long_lists(aws: Deployment, number: dict[str, Any]) -> None:
    filled(aws, number, 200)
    assert patch(aws, number, name="New").body["name"] == "New"


def test_an_update_changes_90_callers_at_once_and_no_more(aws: Deployment, number: dict[str, Any]) -> None:
    callers = [f"+1202555{line:04d}" for line in range(90)]
    assert patch(aws, number, blockedNumbers=callers).body["blockedNumbersCount"] == 90
    assert errors(patch(aws, number, blockedNumbers=[f"+44{caller[2:]}" for caller in callers])) == ["blockedNumbers"]
    assert errors(patch(aws, number, blockedNumbers=[], allowedNumbers=[FRIEND])) == ["blockedNumbers"]
    assert patch(aws, number, blockedNumbers=[]).body["blockedNumbersCount"] == 0


def test_too_many_at_once_are_not_bought(aws: Deployment) -> None:
    callers = [f"+1202555{line:04d}" for line in range(60)]
    body = {"provider": "vapi", "blockedNumbers": callers, "allowedNumbers": callers}
    assert errors(aws.api("POST", "/phone-numbers", body=body)) == ["blockedNumbers"]
    assert aws.items() == []


def test_a_caller_that_is_blocked_while_the_list_is_replaced_is_never_counted_twice(
    aws: Deployment, number: dict[str, Any], before_next_transaction: Callable[[Callable[[], Any]], None]
) -> None:
    before_next_transaction(lambda: block(aws, number, SPAMMER, reason="meanwhile"))
    assert patch(aws, number, blockedNumbers=[SPAMMER, FRIEND]).body["blockedNumbersCount"] == 2
    assert counted(aws) == {"blocked": 2}
    before_next_transaction(lambda: unblock(aws, number, SPAMMER))
    assert patch(aws, number, blockedNumbers=[]).body["blockedNumbersCount"] == 0
    assert counted(aws) == {}


def test_an_expired_block_that_is_still_kept_can_be_put_back_by_an_update(
    aws: Deployment, number: dict[str, Any]
) -> None:
    block(aws, number, SPAMMER)
    key = {"PK": f"NUMBER#{number['id']}", "SK": f"BLOCK#{SPAMMER}"}
    aws.table.update_item(Key=key, UpdateExpression="SET expiresAt = :e", ExpressionAttributeValues={":e": 1})
    assert shown(aws, number)["blockedNumbers"] == []
    assert patch(aws, number, blockedNumbers=[SPAMMER]).body["blockedNumbers"] == [SPAMMER]
    assert counted(aws) == {"blocked": 1}


# ---- the event


def test_number_blocked_tells_who_and_why_once(aws: Deployment, number: dict[str, Any]) -> None:
    aws.events()
    expires_at = int(time.time()) + 3600
    block(aws, number, SPAMMER, reason="robocalls", expiresAt=expires_at)
    (event,) = aws.events()
    assert event["detail-type"] == "Number.blocked"
    detail = event["detail"]
    assert (detail["phoneNumberId"], detail["phoneNumber"]) == (number["id"], number["phoneNumber"])
    assert detail["data"] == {"blocked": SPAMMER, "reason": "robocalls", "expiresAt": expires_at}
    block(aws, number, SPAMMER, reason="another")
    unblock(aws, number, SPAMMER)
    assert aws.events() == []
    block(aws, number, SPAMMER)
    (again,) = aws.events()
    assert again["detail"]["eventId"] != detail["eventId"]


def test_number_blocked_comes_of_prefixes_and_of_updates_too(aws: Deployment, number: dict[str, Any]) -> None:
    aws.events()
    block(aws, number, "+1900*", reason="premium")
    block(aws, number, "+1900*", reason="dear")
    patch(aws, number, blockedNumbers=["+1900*", "+1976*", SPAMMER])
    told = [(event["detail-type"], event["detail"]["data"]) for event in aws.events()]
    blocked = [data for kind, data in told if kind == "Number.blocked"]
    assert sorted(data["blocked"] for data in blocked) == [SPAMMER, "+1900*", "+1976*"]
    changed = [data["changed"] for kind, data in told if kind == "updated"]
    assert changed == [["blockedNumbers"]] * 3


# ---- what a call pays


def test_100_000_blocked_callers_cost_a_call_nothing_more(aws: Deployment, number: dict[str, Any]) -> None:
    seen: list[tuple[str, int]] = []

    def see(model: Any, http_response: Any, **_: Any) -> None:
        seen.append((model.name, len(http_response.content)))

    def reads() -> list[tuple[str, int]]:
        """Operations of one call's decision and the bytes that they brought."""
        seen.clear()
        customer = {"number": SPAMMER}
        call = {"id": "call-1", "type": "inboundPhoneCall", "customer": customer}
        assert aws.tell(number, {"message": {"type": "assistant-request", "timestamp": 1, "call": call}}).status == 200
        return list(seen)

    events = [dynamo.table().client.meta.events, dynamo.answering_table().client.meta.events]
    for each in events:
        each.register("after-call.dynamodb.*", see)
    reads()
    with_none = reads()
    filled(aws, number, 100_000)
    assert reads() == with_none
    assert shown(aws, number)["blockedNumbersCount"] == 100_000
