"""Lines of a capped number: never more than it has, kept by the call that holds them, free again whatever gets lost."""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from switchboard.model.number import MAX_LINES
from switchboard.store import keys
from switchboard.store.dynamo import Deadline, plain, wire
from switchboard.store.lines import LONGEST_CALL_SECONDS, MARGIN_SECONDS, NEVER, Line, Lines, answering_lines
from tests.functions.conftest import Deployment
from tests.functions.outside import outside
from tests.functions.ringing import CALLER, ends, message, rings
from tests.support.streams import stream_as_dynamodb_does

AT = 1_785_862_800
NO_HURRY = Deadline(float("inf"))


@pytest.fixture
def lines(aws: Deployment) -> Lines:  # noqa: ARG001 - the table
    return answering_lines()


@pytest.fixture
def capped(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A number with one line, which takes a message when that is busy."""
    stream_as_dynamodb_does(monkeypatch)
    assistant = {"id": aws.at_vapi("assistant", name="Front desk")["id"]}
    inbound = {"whenBusy": "forward"}
    return aws.bought(
        assistant=assistant, maxConcurrentCalls=1, forwardingNumber="+14155550199", inboundSettings=inbound
    )


def take(
    lines: Lines, call_id: str, since: int = AT, *, most: int = 5, seen: Any = None, caller: str | None = None
) -> bool:
    return lines.take("pn_1", Line(call_id, since, since + 720, caller), most, seen, NO_HURRY)


def seen(lines: Lines) -> Any:
    """The item as a decision reads it."""
    return plain(lines.table.client.get_item(TableName=lines.table.name, Key=wire(keys.lines("pn_1")))["Item"])


def held(lines: Lines, at: int = AT) -> list[str]:
    return sorted(line.call_id for line in lines.in_use("pn_1", at))


def race(lines: Lines, since: int) -> list[str]:
    """The calls of fifty at once that got one of five lines."""
    calls = [f"call-{since}-{position}" for position in range(50)]
    with outside(), ThreadPoolExecutor(50) as threads:
        got = list(threads.map(lambda call: take(lines, call, since), calls))
    return sorted(call for call, has_line in zip(calls, got, strict=True) if has_line)


def test_fifty_calls_at_once_get_five_lines(lines: Lines) -> None:
    got = race(lines, AT)
    assert len(got) == 5
    assert held(lines) == got


def test_fifty_calls_at_once_get_the_five_lines_that_ran_out(lines: Lines) -> None:
    lost = race(lines, AT)
    got = race(lines, AT + 720)
    assert len(got) == 5
    assert not set(got) & set(lost)
    assert held(lines, AT + 720) == got


def test_a_line_that_was_never_given_back_is_free_when_it_has_run_out_and_not_before(lines: Lines) -> None:
    assert take(lines, "lost", most=1)
    assert not take(lines, "early", AT + 719, most=1)
    assert held(lines, AT + 719) == ["lost"]
    assert held(lines, AT + 720) == []
    assert take(lines, "next", AT + 720, most=1)
    assert held(lines, AT + 720) == ["next"]


def test_a_call_that_asks_again_keeps_its_own_line_and_no_second(lines: Lines) -> None:
    assert take(lines, "one", most=2)
    assert take(lines, "two", most=2)
    before = lines.in_use("pn_1", AT)
    assert take(lines, "one", AT + 5, most=2)
    assert take(lines, "one", AT + 5, most=2, seen={"lines": {"one": {"since": AT, "until": AT + 720}}})
    assert lines.in_use("pn_1", AT) == before
    assert not take(lines, "three", most=2)


def test_what_was_read_before_need_not_be_true_any_more(lines: Lines) -> None:
    free, full = {"lines": {}}, {"lines": {"gone": {"since": AT, "until": AT}}}
    assert take(lines, "one", most=1, seen=free)
    assert not take(lines, "two", most=1, seen=free)
    assert not take(lines, "two", most=1, seen=full)
    assert held(lines) == ["one"]


def full(calls: int, until: int) -> dict[str, Any]:
    """The item of a number so many of whose calls never gave their lines back."""
    ran_out = {f"lost-{call}": {"since": AT, "until": until, "caller": CALLER} for call in range(calls)}
    return keys.lines("pn_1") | {"lines": ran_out}


@pytest.fixture
def asked(lines: Lines) -> Iterator[list[dict[str, Any]]]:
    """What the table is asked to update."""
    requests: list[dict[str, Any]] = []
    events, which = lines.table.client.meta.events, "provide-client-params.dynamodb.UpdateItem"

    def note(params: dict[str, Any], **_: Any) -> None:
        requests.append(params)

    events.register(which, note)
    yield requests
    events.unregister(which, note)


@pytest.mark.parametrize("most", [1, 5, 119, 500])
def test_however_many_lines_ran_out_a_request_is_one_that_dynamodb_takes_and_the_cap_is_kept(
    aws: Deployment, lines: Lines, asked: list[dict[str, Any]], most: int
) -> None:
    aws.table.put_item(Item=full(500, AT + 720))
    assert not take(lines, "early", AT + 719, most=most)
    got = [call for call in range(8) if take(lines, f"c{call}", AT + 720, most=most, seen=seen(lines))]
    assert got == list(range(min(most, 8)))
    assert held(lines, AT + 720) == [f"c{call}" for call in got]
    for request in asked:
        condition, change = request["ConditionExpression"], request["UpdateExpression"]
        assert max(len(condition), len(change)) <= 4096
        assert len(re.findall(r"[=<.,]|AND|OR|SET|REMOVE|size|exists", condition)) <= 300
        assert len(re.findall(r"[=<.,]|AND|OR|SET|REMOVE|size|exists", change)) <= 300


def test_lines_that_ran_out_go_away_with_the_calls_that_come(aws: Deployment, lines: Lines) -> None:
    aws.table.put_item(Item=full(500, AT + 720))
    for call in range(13):
        assert take(lines, f"c{call}", AT + 720, most=20)
    assert len(seen(lines)["lines"]) <= 20


def test_of_two_calls_that_have_seen_the_same_of_too_many_lines_one_gets_the_last(
    aws: Deployment, lines: Lines
) -> None:
    item = full(100, AT + 720)
    item["lines"] |= {f"live-{call}": {"since": AT + 720, "until": AT + 1440} for call in range(4)}
    aws.table.put_item(Item=item)
    assert take(lines, "one", AT + 720, most=5, seen=item)
    assert not take(lines, "two", AT + 721, most=5, seen=item)
    assert held(lines, AT + 721) == ["live-0", "live-1", "live-2", "live-3", "one"]


def test_fifty_calls_at_once_get_five_of_the_lines_that_ran_out_when_there_were_more(
    aws: Deployment, lines: Lines
) -> None:
    aws.table.put_item(Item=full(60, AT + 720))
    got = race(lines, AT + 720)
    assert 0 < len(got) <= 5
    assert held(lines, AT + 720) == got


def test_a_thousand_lines_are_less_than_dynamodb_keeps_in_an_item(lines: Lines, asked: list[dict[str, Any]]) -> None:
    assert take(lines, "i" * 64, caller="ü" * 300)
    kept = asked[-1]["ExpressionAttributeValues"][":line"]
    assert MAX_LINES * len(json.dumps(kept, ensure_ascii=False).encode()) < 400_000


UNREADABLE_LINES: list[Any] = [
    {},
    {"since": AT - 9999},
    {"since": AT - 9999, "until": "soon"},
    {"since": AT - 9999, "until": True},
    {"since": "long ago", "until": [5]},
    "garbage",
    7,
    None,
]


@pytest.mark.parametrize("kept", UNREADABLE_LINES)
def test_a_line_that_cannot_be_read_is_in_use_until_it_is_given_back(aws: Deployment, lines: Lines, kept: Any) -> None:
    item = keys.lines("pn_1") | {"lines": {"odd": kept}}
    aws.table.put_item(Item=item)
    assert not take(lines, "next", most=1, seen=item)
    assert not take(lines, "next", most=1)
    assert held(lines, AT + 10**9) == ["odd"]
    assert take(lines, "odd", most=1, seen=item)
    assert lines.give_back("pn_1", "odd")
    assert take(lines, "next", most=1)


def test_a_line_that_cannot_be_read_leaves_the_others(aws: Deployment, lines: Lines) -> None:
    aws.table.put_item(Item=keys.lines("pn_1") | {"lines": {"odd": {}, "lost": {"since": AT - 9, "until": AT}}})
    assert take(lines, "next", most=2)
    assert held(lines) == ["next", "odd"]
    assert not take(lines, "one more", most=2)


@pytest.mark.parametrize("kept", ["garbage", 5, [], None])
def test_lines_that_cannot_be_read_are_all_in_use(aws: Deployment, lines: Lines, kept: Any) -> None:
    item = keys.lines("pn_1") | {"lines": kept}
    aws.table.put_item(Item=item)
    assert not take(lines, "next", seen=item)
    assert not take(lines, "next")
    assert held(lines) == []


@pytest.mark.parametrize("kept", [{"odd": {}}, {"odd": {"since": 5, "until": None}}, "garbage"])
def test_a_line_that_cannot_be_read_makes_a_capped_number_busy(
    aws: Deployment, capped: dict[str, Any], kept: Any
) -> None:
    aws.table.put_item(Item=keys.lines(capped["id"]) | {"lines": kept})
    assert "destination" in rings(aws, capped, "c1").body
    explained = aws.api("POST", f"/phone-numbers/{capped['id']}/route-explanations", body={"caller": CALLER}).body
    assert (explained["action"], explained["reason"]) == ("forward", "capacity")


def test_a_line_that_cannot_be_read_is_shown_and_freed_by_reconciliation(
    aws: Deployment, capped: dict[str, Any]
) -> None:
    aws.table.put_item(Item=keys.lines(capped["id"]) | {"lines": {"odd": {"until": "soon", "caller": 5}}})
    (line,) = aws.api("GET", f"/phone-numbers/{capped['id']}/active-calls").body["items"]
    assert line == {"callId": "odd", "caller": None, "since": 0, "until": NEVER}
    aws.reconcile()
    assert aws.api("GET", f"/phone-numbers/{capped['id']}/active-calls").body == {"items": []}


def test_a_line_is_given_back_once(lines: Lines) -> None:
    assert not lines.give_back("pn_1", "one")
    take(lines, "one")
    assert lines.give_back("pn_1", "one")
    assert not lines.give_back("pn_1", "one")
    assert held(lines) == []


def test_a_busy_number_does_what_it_is_told_to_and_takes_the_next_call_after_the_end(
    aws: Deployment, capped: dict[str, Any]
) -> None:
    first = rings(aws, capped, "c1").body
    assert first["assistantOverrides"]["maxDurationSeconds"] == 600
    assert rings(aws, capped, "c2").body == {"destination": {"type": "number", "number": "+14155550199", "message": ""}}
    assert rings(aws, capped, "c1").body == first
    ends(aws, capped, "c1")
    aws.deliver_stream()
    assert "assistantId" in rings(aws, capped, "c3").body


def test_the_calls_that_hold_a_line_are_shown_with_when_they_are_free_at_the_latest(
    aws: Deployment, capped: dict[str, Any]
) -> None:
    path = f"/phone-numbers/{capped['id']}/active-calls"
    assert aws.api("GET", path).body == {"items": []}
    before = int(time.time())
    rings(aws, capped, "c1")
    (line,) = aws.api("GET", path).body["items"]
    assert line["since"] >= before
    assert line == {
        "callId": "c1",
        "caller": CALLER,
        "since": line["since"],
        "until": line["since"] + 600 + MARGIN_SECONDS,
    }
    assert aws.api("GET", path, "globex").status == 404


def test_a_workflow_whose_duration_cannot_be_limited_holds_its_line_as_long_as_vapi_lets_a_call_last(
    aws: Deployment,
) -> None:
    number = aws.bought(maxConcurrentCalls=1, assistant={"id": aws.at_vapi("assistant", name="Desk")["id"]})
    item = aws.table.get_item(Key={"PK": f"NUMBER#{number['id']}", "SK": "NUMBER"})["Item"]
    aws.table.put_item(Item=item | {"assistant": {"id": "workflow-1", "type": "workflow"}})
    assert rings(aws, number, "c1").body["workflowId"] == "workflow-1"
    (line,) = aws.api("GET", f"/phone-numbers/{number['id']}/active-calls").body["items"]
    assert line["until"] - line["since"] == LONGEST_CALL_SECONDS + MARGIN_SECONDS


@pytest.mark.parametrize("last", ["assistant-request", "status-update"])
def test_a_line_is_given_back_whatever_came_last(aws: Deployment, capped: dict[str, Any], last: str) -> None:
    if last == "assistant-request":
        ends(aws, capped, "c1")
        rings(aws, capped, "c1")
    else:
        rings(aws, capped, "c1")
        aws.tell(capped, message("c1", "status-update", after=9000, status="ended", endedReason="customer-ended-call"))
    aws.deliver_stream()
    assert answering_lines().in_use(capped["id"], int(time.time())) == []


def test_a_line_is_given_back_though_the_call_was_asked_about_again_and_went_elsewhere(
    aws: Deployment, capped: dict[str, Any]
) -> None:
    assert "assistantId" in rings(aws, capped, "c1").body
    aws.api("PATCH", f"/phone-numbers/{capped['id']}", body={"forwardingEnabled": True})
    assert "destination" in rings(aws, capped, "c1", after=4000).body
    ends(aws, capped, "c1")
    aws.deliver_stream()
    assert answering_lines().in_use(capped["id"], int(time.time())) == []


def test_a_line_is_given_back_though_the_number_was_capped_no_more_when_asked_again(
    aws: Deployment, capped: dict[str, Any]
) -> None:
    assert "assistantId" in rings(aws, capped, "c1").body
    aws.api("PATCH", f"/phone-numbers/{capped['id']}", body={"maxConcurrentCalls": None})
    assert "assistantId" in rings(aws, capped, "c1", after=4000).body
    ends(aws, capped, "c1")
    aws.deliver_stream()
    assert answering_lines().in_use(capped["id"], int(time.time())) == []


def test_a_call_that_goes_on_keeps_its_line(aws: Deployment, capped: dict[str, Any]) -> None:
    rings(aws, capped, "c1")
    aws.tell(capped, message("c1", "status-update", after=2000, status="in-progress"))
    aws.deliver_stream()
    assert [line.call_id for line in answering_lines().in_use(capped["id"], int(time.time()))] == ["c1"]


def test_voicemails_forwards_and_rejections_take_no_line(aws: Deployment, capped: dict[str, Any]) -> None:
    changed = aws.api("PATCH", f"/phone-numbers/{capped['id']}", body={"forwardingEnabled": True})
    assert changed.status == 200, changed.body
    rings(aws, capped, "c1")
    assert answering_lines().in_use(capped["id"], int(time.time())) == []


def test_a_caller_who_found_all_lines_busy_and_was_turned_away_is_a_missed_call(
    aws: Deployment, capped: dict[str, Any]
) -> None:
    aws.api("PATCH", f"/phone-numbers/{capped['id']}", body={"inboundSettings": {"whenBusy": "reject"}})
    rings(aws, capped, "c1")
    aws.events()
    assert "error" in rings(aws, capped, "c2").body
    ends(aws, capped, "c2", lasted=None, endedReason="assistant-request-returned-error")
    assert [event["detail-type"] for event in aws.events()] == ["Call.inbound", "Call.missed"]
