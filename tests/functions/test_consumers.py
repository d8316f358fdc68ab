"""The stream's consumers on made-up batches: whatever comes again, late, in parts or out of order ends the same."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switchboard import bus
from switchboard.store import dynamo
from tests.functions.conftest import REGION, Deployment
from tests.support.buckets import Sums, due, held
from tests.support.invoking import invoke
from tests.support.streams import Record, batch, changed, failed, history, sequence

T = 1_785_862_800_000
NUMBER = "pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD"
WHO = {"createdAt": T, "direction": "inbound", "customer": "+12025550123", "ours": "+14155550100"}
REPORT = {"at": T + 70_000, "reason": "customer-ended-call", "endedAt": T + 65_000, **WHO}
ANSWERED = {**REPORT, "startedAt": T + 5_000, "cost": Decimal("10.12")}


def call(call_id: str, rev: int, **facts: dict[str, Any]) -> dict[str, Any]:
    """A stored call at one of its revisions."""
    return {
        "PK": f"NUMBER#{NUMBER}",
        "SK": f"CALL#{call_id}",
        "callId": call_id,
        "numberId": NUMBER,
        "business": "acme",
        "expiresAt": T // 1000 + 400 * 86_400,
        "rev": rev,
        **{kind: {"at": T, **WHO} | fact for kind, fact in facts.items()},
    }


def answered(call_id: str, cost: str = "10.12") -> list[dict[str, Any]]:
    """The images of a call that was answered for a minute."""
    decision: dict[str, Any] = {"reason": "default"}
    return [
        call(call_id, 1, decision=decision),
        call(call_id, 2, decision=decision, inProgress={"at": T + 5_000}),
        call(call_id, 3, decision=decision, inProgress={"at": T + 5_000}, report=ANSWERED | {"cost": Decimal(cost)}),
    ]


def missed(call_id: str) -> list[dict[str, Any]]:
    """The images of a call that its caller gave up."""
    decision: dict[str, Any] = {"reason": "default"}
    ended = {"at": T + 65_000, "reason": "customer-ended-call"}
    return [
        call(call_id, 1, decision=decision),
        call(call_id, 2, decision=decision, ended=ended),
        call(call_id, 3, decision=decision, ended=ended, report=REPORT),
    ]


SUMS = {
    "totalCalls": 2,
    "inboundCalls": 2,
    "answeredCalls": 1,
    "missedCalls": 1,
    "answeredSeconds": 60,
    "seconds": 60,
    "cost": Decimal("10.12"),
}
"""Of one call of each."""


def tally(*records: Record) -> list[str]:
    return failed(invoke("tally_usage", batch(*records)))


def publish(*records: Record) -> list[str]:
    return failed(invoke("publish_events", batch(*records)))


def sums(aws: Deployment) -> dict[str, Any]:
    """The number's sums, without those that are zero."""
    item = aws.table.get_item(Key={"PK": f"NUMBER#{NUMBER}", "SK": "USAGE#TOTAL"}).get("Item", {})
    return {name: value for name, value in item.items() if name not in ("PK", "SK") and value}


def buckets(aws: Deployment) -> Sums:
    return held(aws.items(f"NUMBER#{NUMBER}"))


def on_the_bus(aws: Deployment) -> list[tuple[str, str]]:
    """Detail-type and call or version of the events that came, in their order."""
    told = ((event["detail-type"], event["detail"]["data"]) for event in aws.events())
    return [(kind, data.get("callId") or str(data["version"])) for kind, data in told]


# ---- usage


def test_every_call_is_counted_once_with_what_it_came_to(aws: Deployment) -> None:
    assert tally(*history(*answered("c1")), *history(*missed("c2"))) == []
    assert sums(aws) == SUMS
    assert buckets(aws) == due([answered("c1")[-1], missed("c2")[-1]])
    assert {sort.split("#")[1] for sort in buckets(aws)} == {"TOTAL", "MONTH", "HOUR", "CALLERS"}


def test_a_batch_that_comes_again_counts_nothing(aws: Deployment) -> None:
    records = [*history(*answered("c1")), *history(*missed("c2"))]
    for _ in range(3):
        assert tally(*records) == []
    assert tally(*records, *records) == []
    assert sums(aws) == SUMS


def test_the_whole_history_replayed_counts_nothing(aws: Deployment) -> None:
    records = [*history(*answered("c1")), *history(*missed("c2"))]
    for record in records:
        tally(record)
    for record in records:
        assert tally(record) == []
    assert sums(aws) == SUMS


@pytest.mark.usefixtures("aws")
def test_what_is_counted_already_costs_one_read_and_touches_no_sum() -> None:
    records = history(*answered("c1"))
    tally(*records)
    asked: list[str] = []

    def note(model: Any, **_: Any) -> None:
        asked.append(model.name)

    dynamo.table().client.meta.events.register("before-call.dynamodb", note)
    tally(*records)
    assert asked.count("GetItem") == len(records)
    assert "TransactWriteItems" not in asked


def test_an_older_image_after_a_newer_one_counts_nothing(aws: Deployment) -> None:
    first, then, last = history(*answered("c1"))
    tally(last)
    counted = sums(aws)
    assert counted["answeredCalls"] == 1
    assert tally(then, first) == []
    assert sums(aws) == counted


def test_a_call_whose_outcome_changes_moves_from_one_count_to_the_other(aws: Deployment) -> None:
    given_up = missed("c1")[-1]
    after_all = {**given_up, "rev": 4, "report": ANSWERED | {"at": T + 80_000}}
    tally(changed(None, given_up))
    assert sums(aws) == {"totalCalls": 1, "inboundCalls": 1, "missedCalls": 1}
    tally(changed(given_up, after_all))
    assert sums(aws)["answeredCalls"] == 1
    assert "missedCalls" not in sums(aws)
    assert buckets(aws) == due([after_all])


def test_a_call_that_is_found_to_have_begun_at_another_hour_moves_there(aws: Deployment) -> None:
    """Its first message does not say when it came to be, and comes with another's clock."""
    first = call("c1", 1, ended={"at": T + 7_200_000, "createdAt": None, "reason": "customer-ended-call"})
    then = {**first, "rev": 2, "report": {**WHO, **ANSWERED}}
    tally(changed(None, first))
    assert buckets(aws).keys() >= {"USAGE#HOUR#2026-08-04T19", "USAGE#CALLERS#2026-08-04T19#5"}
    tally(changed(first, then))
    assert buckets(aws) == due([then])
    assert buckets(aws).keys() >= {"USAGE#HOUR#2026-08-04T17", "USAGE#CALLERS#2026-08-04T17#5"}
    assert not [sort for sort in buckets(aws) if "T19" in sort]


def test_a_call_whose_end_is_lost_is_in_progress_for_twelve_hours(aws: Deployment) -> None:
    ringing, talking, reported = answered("c1")
    tally(*history(ringing, talking))
    assert buckets(aws)["USAGE#HOUR#2026-08-04T17"]["start.0"] == 1
    assert buckets(aws)["USAGE#HOUR#2026-08-05T05"] == {"end.0": 1, "ago.12": 1}
    tally(changed(talking, reported))
    assert "USAGE#HOUR#2026-08-05T05" not in buckets(aws)
    assert buckets(aws)["USAGE#HOUR#2026-08-04T17"]["end.1"] == 1


def test_who_called_is_kept_as_long_as_the_call_and_how_often_for_ever(aws: Deployment) -> None:
    tally(*history(*answered("c1")))
    kept = {item["SK"]: item.get("expiresAt") for item in aws.items(f"NUMBER#{NUMBER}")}
    until = call("c1", 1)["expiresAt"]
    assert {sort.split("#")[0] for sort, expires in kept.items() if expires is None} == {"USAGE"}
    assert {sort: expires for sort, expires in kept.items() if expires} == {
        "TALLY#c1": until,
        "USAGE#CALLERS#2026-08-04T17#5": until,
    }


def test_a_receipt_that_speaks_of_the_totals_alone_is_built_on(aws: Deployment) -> None:
    """As they were written before usage was kept by the hour."""
    ringing, _, reported = answered("c1")
    before = {"totalCalls": 1, "inboundCalls": 1}
    aws.table.put_item(Item={"PK": f"NUMBER#{NUMBER}", "SK": "USAGE#TOTAL", **before})
    aws.table.put_item(Item={"PK": f"NUMBER#{NUMBER}", "SK": "TALLY#c1", "rev": 1, "counted": before})
    assert tally(changed(ringing, reported)) == []
    assert buckets(aws) == due([reported])


def test_a_test_call_is_counted_apart(aws: Deployment) -> None:
    made = call("c1", 1, dialling={"test": True, "direction": "outbound"})
    over = {**made, "rev": 2, "report": {**ANSWERED, "test": True, "direction": "outbound"}}
    tally(*history(made, over))
    assert sums(aws) == {}
    month = {"test.calls": 1, "test.seconds": 60, "test.cost": Decimal("10.12")}
    assert buckets(aws) == {
        "USAGE#MONTH#2026-08": month,
        "USAGE#HOUR#2026-08-04T17": {f"0.{name}": value for name, value in month.items()} | {"start.0": 1, "end.1": 1},
    }


@pytest.mark.parametrize("by_ttl", [True, False], ids=["by-ttl", "by-erasure"])
def test_a_removed_call_stays_counted_and_makes_no_event(aws: Deployment, by_ttl: bool) -> None:
    images = answered("c1")
    tally(*history(*images))
    counted = sums(aws)
    removal = changed(images[-1], None, by_ttl=by_ttl)
    assert tally(removal) == []
    assert publish(removal) == []
    assert sums(aws) == counted
    assert on_the_bus(aws) == []


@pytest.fixture
def before_next_transaction(aws: Deployment) -> Iterator[Callable[[Callable[[], Any]], None]]:  # noqa: ARG001
    """Lets something happen between the read of a receipt and the write that follows from it; once each."""
    waiting: list[Callable[[], Any]] = []

    def run(**_: Any) -> None:
        if waiting:
            waiting.pop()()

    events = dynamo.table().client.meta.events
    events.register("before-call.dynamodb.TransactWriteItems", run)
    yield waiting.append
    events.unregister("before-call.dynamodb.TransactWriteItems", run)


def test_two_consumers_that_count_the_same_record_at_once_count_it_once(
    aws: Deployment, before_next_transaction: Callable[[Callable[[], Any]], None]
) -> None:
    (record, *_) = history(*answered("c1"))
    before_next_transaction(lambda: tally(record))
    assert tally(record) == []
    assert sums(aws) == {"totalCalls": 1, "inboundCalls": 1}


def test_a_newer_image_that_is_counted_meanwhile_is_not_undone(
    aws: Deployment, before_next_transaction: Callable[[Callable[[], Any]], None]
) -> None:
    first, then, last = history(*answered("c1"))
    tally(first)
    before_next_transaction(lambda: tally(last))
    assert tally(then) == []
    assert sums(aws)["answeredCalls"] == 1
    assert sums(aws)["cost"] == Decimal("10.12")


def test_an_older_image_that_is_counted_meanwhile_is_built_on(
    aws: Deployment, before_next_transaction: Callable[[Callable[[], Any]], None]
) -> None:
    first, _, last = history(*answered("c1"))
    before_next_transaction(lambda: tally(first))
    assert tally(last) == []
    assert sums(aws)["totalCalls"] == 1
    assert sums(aws)["answeredCalls"] == 1


def test_a_call_that_others_keep_counting_comes_again_with_all_that_follows(
    aws: Deployment, before_next_transaction: Callable[[Callable[[], Any]], None]
) -> None:
    records = [*history(*missed("c0")), *history(*answered("c1")), *history(*missed("c2"))]
    key = {"PK": f"NUMBER#{NUMBER}", "SK": "TALLY#c1"}
    writes = 0

    def interfere() -> None:
        """Somebody else writes the receipt of c1, as of an image that is older still."""
        nonlocal writes
        writes += 1
        aws.table.put_item(Item={**key, "rev": -writes, "counted": {}})
        if writes < 8:
            before_next_transaction(interfere)

    assert tally(*records[:3]) == []
    before_next_transaction(interfere)
    assert tally(*records[3:]) == [sequence(records[3])]
    assert sums(aws) == {"totalCalls": 1, "inboundCalls": 1, "missedCalls": 1}
    assert tally(*records[3:]) == []
    assert sums(aws) == SUMS | {"totalCalls": 3, "inboundCalls": 3, "missedCalls": 2}


HISTORIES = [history(*answered("c1")), history(*missed("c2")), history(*answered("c3", cost="0.5"))]


@given(st.permutations([record for records in HISTORIES for record in records] * 2), st.integers(1, 18))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sums_are_those_of_the_calls_whatever_order_and_batches(
    aws: Deployment, records: list[Record], size: int
) -> None:
    with aws.table.batch_writer() as writer:
        for item in aws.table.scan()["Items"]:
            writer.delete_item(Key={"PK": item["PK"], "SK": item["SK"]})
    for start in range(0, len(records), size):
        assert tally(*records[start : start + size]) == []
    assert sums(aws) == {
        "totalCalls": 3,
        "inboundCalls": 3,
        "answeredCalls": 2,
        "missedCalls": 1,
        "answeredSeconds": 120,
        "seconds": 120,
        "cost": Decimal("10.62"),
    }
    assert buckets(aws) == due([answered("c1")[-1], missed("c2")[-1], answered("c3", cost="0.5")[-1]])


# ---- events


@pytest.fixture
def refusing(aws: Deployment) -> Iterator[Callable[..., list[list[str]]]]:  # noqa: ARG001 - the bus's environment
    """`refusing(call ids, times)`: the bus refuses the events of these calls so often; lists what it was asked."""
    asked: list[list[str]] = []
    refused: dict[str, int] = {}
    events = bus.bus().client.meta.events

    def see(params: dict[str, Any], **_: Any) -> None:
        entries = json.loads(params["body"])["Entries"]
        asked.append([json.loads(entry["Detail"])["data"]["callId"] for entry in entries])

    def refuse(parsed: dict[str, Any], **_: Any) -> None:
        for call_id, entry in zip(asked[-1], parsed["Entries"], strict=True):
            if refused.get(call_id, 0) > 0:
                refused[call_id] -= 1
                entry.clear()
                entry |= {"ErrorCode": "ThrottlingException", "ErrorMessage": "Slow down."}

    def plan(*call_ids: str, times: int) -> list[list[str]]:
        refused.update(dict.fromkeys(call_ids, times))
        return asked

    events.register("before-call.eventbridge.PutEvents", see)
    events.register("after-call.eventbridge.PutEvents", refuse)
    yield plan
    events.unregister("before-call.eventbridge.PutEvents", see)
    events.unregister("after-call.eventbridge.PutEvents", refuse)


def rung(*call_ids: str) -> list[Record]:
    return [changed(None, call(call_id, 1, decision={"reason": "default"})) for call_id in call_ids]


def test_every_change_becomes_its_events_in_order(aws: Deployment) -> None:
    assert publish(*history(*answered("c1")), *history(*missed("c2"))) == []
    assert on_the_bus(aws) == [("Call.inbound", "c1"), ("Call.inbound", "c2"), ("Call.missed", "c2")]


def test_a_batch_that_comes_again_tells_the_same_events_by_their_ids(aws: Deployment) -> None:
    records = history(*missed("c1"))
    publish(*records)
    first = [event["detail"] for event in aws.events()]
    publish(*records)
    assert [event["detail"] for event in aws.events()] == first


def test_an_event_carries_its_own_instant_and_the_source(aws: Deployment) -> None:
    publish(*rung("c1"))
    (event,) = aws.events()
    assert (event["source"], event["time"]) == ("vapi.phone-number", "2026-08-04T17:00:00Z")
    assert event["detail"]["occurredAt"] == T // 1000


def test_more_events_than_one_request_takes_are_all_published_in_order(
    aws: Deployment, refusing: Callable[..., list[list[str]]]
) -> None:
    asked = refusing(times=0)
    names = [f"c{position}" for position in range(23)]
    assert publish(*rung(*names)) == []
    assert [len(entries) for entries in asked] == [10, 10, 3]
    assert [name for _, name in on_the_bus(aws)] == names


def test_only_the_entries_that_were_refused_are_sent_again(
    aws: Deployment, refusing: Callable[..., list[list[str]]]
) -> None:
    asked = refusing("c1", "c3", times=1)
    assert publish(*rung("c0", "c1", "c2", "c3")) == []
    assert asked == [["c0", "c1", "c2", "c3"], ["c1", "c3"]]
    assert {name for _, name in on_the_bus(aws)} == {"c0", "c1", "c2", "c3"}


def test_a_batch_comes_again_from_the_first_change_that_is_not_on_the_bus(
    aws: Deployment, refusing: Callable[..., list[list[str]]]
) -> None:
    refusing("c12", "c14", times=100)
    names = [f"c{position}" for position in range(25)]
    records = rung(*names)
    assert publish(*records) == [sequence(records[12])]
    refusing("c12", "c14", times=0)
    before = {name for _, name in on_the_bus(aws)}
    assert publish(*records[12:]) == []
    assert before | {name for _, name in on_the_bus(aws)} == set(names)
    assert before >= set(names[:12])


def test_of_a_change_with_two_events_both_come_again(aws: Deployment, refusing: Callable[..., list[list[str]]]) -> None:
    """The call is missed when it is first heard of, and its second event is refused."""
    asked = refusing(times=0)
    (record,) = history(missed("c1")[-1])
    refusing("c1", times=6)
    assert publish(*rung("c0"), record) == [sequence(record)]
    assert asked == [["c0", "c1", "c1"], ["c1", "c1"], ["c1", "c1"]]
    assert publish(record) == []
    assert on_the_bus(aws)[-2:] == [("Call.inbound", "c1"), ("Call.missed", "c1")]


def test_a_batch_in_two_halves_tells_what_the_whole_would(aws: Deployment) -> None:
    records = [*history(*answered("c1")), *history(*missed("c2"))]
    publish(*records)
    whole = on_the_bus(aws)
    for half in (records[:4], records[4:]):
        assert publish(*half) == []
    assert on_the_bus(aws) == whole


def test_older_changes_after_newer_ones_tell_the_same_events(aws: Deployment) -> None:
    first, then, last = history(*missed("c1"))
    publish(last, then, first)
    assert sorted(on_the_bus(aws)) == [("Call.inbound", "c1"), ("Call.missed", "c1")]


def test_the_longest_events_that_there_can_be_fit_in_one_request(aws: Deployment) -> None:
    """EventBridge counts UTF-8, and takes 256 KiB at once."""
    sizes: list[int] = []

    def see(params: dict[str, Any], **_: Any) -> None:
        sizes.append(sum(len(entry["Detail"].encode()) for entry in json.loads(params["body"])["Entries"]))

    bus.bus().client.meta.events.register("before-call.eventbridge.PutEvents", see)
    number = aws.bought(name="📞" * 40, tags=[f"{position:02d}" + "📞" * 62 for position in range(50)])
    item = aws.table.get_item(Key={"PK": f"NUMBER#{number['id']}", "SK": "NUMBER"})["Item"]
    news = [{**item, "description": f"Number {version}", "version": version} for version in range(10, 20)]
    assert publish(*(changed(item, new) for new in news)) == []
    assert sizes[-1] > 100_000
    assert max(sizes) < 256 * 1024


def test_nothing_changed_is_nothing_told(aws: Deployment) -> None:
    assert publish() == []
    assert tally() == []
    assert boto3.client("sqs", region_name=REGION).receive_message(QueueUrl=aws.queue_url).get("Messages") is None
