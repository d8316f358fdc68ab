"""Usage thresholds: once a period, whatever comes again or at once, and what becomes of the calls after that."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Protocol

import pytest

from switchboard import consumers
from switchboard.calls.thresholds import LATE_SECONDS
from switchboard.ledger.watch import Watch
from switchboard.store import dynamo
from switchboard.store.lines import lines
from switchboard.store.numbers import stored
from switchboard.store.thresholds import KEPT_SECONDS, thresholds
from switchboard.store.usage import usage
from switchboard.store.windows import windows
from tests.functions.conftest import Deployment
from tests.functions.ringing import CALLER, rings
from tests.support.streams import Record, batch, changed, failed, history, sequence, stream_as_dynamodb_does
from tests.support.zones import at_noon
from tests.unit.made import AT, active

DAY = 86_400
MIDNIGHT = AT // DAY * DAY
"""AT is 17:00 in UTC."""

NUMBER = "pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD"
FRIEND = "+12025550199"


def limit(metric: str = "calls", most: Any = 3, action: str = "notify", **more: Any) -> dict[str, Any]:
    return {"id": "t", "period": "day", "metric": metric, "limit": most, "action": action, **more}


@pytest.fixture(autouse=True)
def stream(monkeypatch: pytest.MonkeyPatch) -> None:
    stream_as_dynamodb_does(monkeypatch)


# ---- on made-up batches of the stream, at made-up times


@pytest.fixture
def watched(aws: Deployment) -> Callable[..., dict[str, Any]]:
    """Puts a number with these thresholds, or with other ones than before."""

    def put(*limits: dict[str, Any], per_minute: str | None = None, **more: Any) -> dict[str, Any]:
        item = stored(active(voicemailEnabled=True, usageThresholds=list(limits), **more))
        if per_minute is not None:
            item["perMinuteCost"] = Decimal(per_minute)
        aws.table.put_item(Item=item)
        return item

    return put


def call(call_id: str, *, at: int = AT, lasted: int | None = 60, cost: str = "1", **who: Any) -> list[dict[str, Any]]:
    """The images of an inbound call that began at an instant (Unix seconds) and lasted so many seconds of talk.

    lasted: None for one that nobody took.
    """
    began = at * 1000
    facts = {"createdAt": began, "direction": "inbound", "customer": CALLER, "ours": "+14155550100", **who}
    report = {"at": began + 90_000, "reason": "customer-ended-call", "endedAt": began + 1000 * (lasted or 5), **facts}
    if lasted is not None:
        report |= {"startedAt": began, "cost": Decimal(cost)}
    head = {"PK": f"NUMBER#{NUMBER}", "SK": f"CALL#{call_id}", "callId": call_id, "numberId": NUMBER}
    first = {**head, "business": "acme", "rev": 1, "decision": {"at": began, "reason": "default", **facts}}
    return [first, {**first, "rev": 2, "report": report}]


def in_progress(call_id: str, at: int = AT) -> list[dict[str, Any]]:
    """The images of a call that somebody talks on."""
    first, _ = call(call_id, at=at)
    return [first, {**first, "rev": 2, "inProgress": {**first["decision"], "at": at * 1000}}]


def tally(*records: Record, at: int = AT) -> list[str]:
    """What the function does with a batch, at an instant."""
    event = batch(*records)
    counted = consumers.tally_usage(event, usage(), lines(), windows())
    watch = Watch(usage(), thresholds(), clock=lambda: at)
    return failed(consumers.together(counted, consumers.watch_thresholds(event, watch)))


def fired(aws: Deployment) -> list[dict[str, Any]]:
    return [item for item in aws.items(f"NUMBER#{NUMBER}") if item["SK"].startswith("THRESHOLD#")]


def told(aws: Deployment) -> list[dict[str, Any]]:
    """What is told of thresholds since the last look, on the bus."""
    aws.deliver_stream()
    return [event["detail"]["data"] for event in aws.events() if event["detail-type"] == "Threshold.exceeded"]


def holds(aws: Deployment) -> dict[str, Any]:
    item = aws.table.get_item(Key={"PK": f"NUMBER#{NUMBER}", "SK": "HOLDS"}).get("Item", {})
    return {name: until for name, until in item.items() if "#" in name}


METRICS = [
    pytest.param(limit("calls", 3), {}, [call(f"c{i}") for i in range(3)], 3, id="calls"),
    pytest.param(limit("minutes", 2.5), {}, [call("c1", lasted=90), call("c2")], 2.5, id="minutes"),
    pytest.param(limit("cost", 21.7), {}, [call("c1", cost="20.7"), call("c2")], 21.7, id="cents"),
    pytest.param(
        limit("cost", 3.7), {"per_minute": "0.85"}, [call("c1"), call("c2")], 3.7, id="cents with a carrier's minutes"
    ),
    pytest.param(
        limit("missedRate", 0.2),
        {},
        [*(call(f"c{i}") for i in range(8)), *(call(f"m{i}", lasted=None) for i in range(2))],
        0.2,
        id="the rate of the missed ones",
    ),
    pytest.param(
        limit("concurrentCalls", 2),
        {},
        [call("c0", at=AT - 600), in_progress("c1"), in_progress("c2")],
        2,
        id="calls at once",
    ),
    pytest.param(
        limit("calls", 3, period="month"), {}, [call(f"c{i}", at=AT - i * DAY) for i in range(3)], 3, id="month"
    ),
]


@pytest.mark.parametrize(("limited", "more", "calls", "value"), METRICS)
def test_a_threshold_fires_with_the_call_that_reaches_it(
    aws: Deployment,
    watched: Callable[..., Any],
    limited: dict[str, Any],
    more: dict[str, Any],
    calls: list[list[dict[str, Any]]],
    value: Any,
) -> None:
    watched(limited, **more)
    *before, last = calls
    assert tally(*(record for images in before for record in history(*images)), at=AT + 120) == []
    assert fired(aws) == []
    assert tally(*history(*last), at=AT + 120) == []
    (event,) = told(aws)
    assert (event["metric"], event["value"], event["limit"]) == (limited["metric"], value, limited["limit"])
    assert (event["thresholdId"], event["action"]) == ("t", "notify")


def test_it_is_told_with_its_period_and_its_forecast(aws: Deployment, watched: Callable[..., Any]) -> None:
    watched(limit(most=1))
    tally(*history(*call("c1")), at=MIDNIGHT + DAY // 4)
    (event,) = (event["detail"] for event in aws.events() if event["detail-type"] == "Threshold.exceeded")
    assert (event["business"], event["phoneNumberId"], event["phoneNumber"]) == ("acme", NUMBER, "+14155550100")
    assert event["occurredAt"] == MIDNIGHT + DAY // 4
    assert event["data"] == {
        "thresholdId": "t",
        "metric": "calls",
        "period": "day",
        "periodStart": MIDNIGHT,
        "periodEnd": MIDNIGHT + DAY,
        "limit": 1,
        "value": 1,
        "forecast": 4,
        "action": "notify",
    }


def test_a_test_call_is_no_call_but_costs_money_and_takes_a_line(aws: Deployment, watched: Callable[..., Any]) -> None:
    limits = [limit("calls", 1), limit("minutes", 1, id="m"), limit("cost", 1, id="c")]
    watched(*limits, limit("concurrentCalls", 1, id="cc"))
    first, over = call("c1", test=True)
    talking = {**first, "rev": 2, "inProgress": {**first["decision"], "at": AT * 1000}}
    tally(changed(None, first), changed(first, talking), at=AT + 5)
    assert [item["thresholdId"] for item in fired(aws)] == ["cc"]
    tally(changed(talking, {**talking, "rev": 3, "report": over["report"]}), at=AT + 100)
    assert sorted(item["thresholdId"] for item in fired(aws)) == ["c", "cc"]


def test_once_a_period_and_again_in_the_next(aws: Deployment, watched: Callable[..., Any]) -> None:
    watched(limit(most=2))
    for day in range(3):
        for each in range(4):
            tally(*history(*call(f"c{day}-{each}", at=AT + day * DAY)), at=AT + day * DAY + 120)
        (event,) = told(aws)
        assert (event["value"], event["periodStart"]) == (2, MIDNIGHT + day * DAY)


def test_the_day_is_that_of_the_numbers_business_hours(aws: Deployment, watched: Callable[..., Any]) -> None:
    watched(limit(most=2), businessHours={"timezone": "Pacific/Kiritimati", "openingHoursSpecification": []})
    tally(*history(*call("c1", at=MIDNIGHT + 9 * 3600)), at=MIDNIGHT + 10 * 3600)
    tally(*history(*call("c2", at=MIDNIGHT + 11 * 3600)), at=MIDNIGHT + 11 * 3600)
    assert fired(aws) == []
    tally(*history(*call("c3", at=MIDNIGHT + 33 * 3600)), at=MIDNIGHT + 33 * 3600)
    (event,) = told(aws)
    assert (event["periodStart"], event["periodEnd"]) == (MIDNIGHT + 10 * 3600, MIDNIGHT + 34 * 3600)


def test_a_second_threshold_and_a_raised_one_fire_by_themselves(aws: Deployment, watched: Callable[..., Any]) -> None:
    watched(limit(most=1), limit(most=2, id="second"))
    tally(*history(*call("c1")))
    assert [event["thresholdId"] for event in told(aws)] == ["t"]
    tally(*history(*call("c2")))
    assert [event["thresholdId"] for event in told(aws)] == ["second"]
    watched(limit(most=3), limit(most=2, id="second"))
    tally(*history(*call("c3")))
    assert [(event["thresholdId"], event["limit"]) for event in told(aws)] == [("t", 3)]


def test_what_comes_again_fires_no_second_time(aws: Deployment, watched: Callable[..., Any]) -> None:
    watched(limit(most=2, action="reject"))
    records = [record for i in range(4) for record in history(*call(f"c{i}"))]
    tally(*records)
    first = fired(aws)
    for later, part in enumerate((records[3:], records[::-1], records), start=1):
        assert tally(*part, at=AT + later) == []
    assert fired(aws) == first
    assert len(first) == len(told(aws)) == 1


def test_a_call_that_was_counted_by_somebody_who_failed_then_still_fires(
    aws: Deployment, watched: Callable[..., Any]
) -> None:
    watched(limit(most=1))
    records = history(*call("c1"))
    consumers.tally_usage(batch(*records), usage(), lines(), windows())
    assert tally(*records) == []
    assert len(fired(aws)) == 1


class Interrupts(Protocol):
    def __call__(self, at: int, what: Callable[[], Any]) -> list[str]: ...


@pytest.fixture
def interrupted(aws: Deployment) -> Iterator[Interrupts]:  # noqa: ARG001 - the client's environment
    """`interrupted(n, what)`: before the n-th request to the table something else happens. Lists the requests."""
    plan: list[tuple[int, Callable[[], Any]]] = []
    seen: list[str] = []

    def run(model: Any, **_: Any) -> None:
        seen.append(model.name)
        if plan and len(seen) == plan[0][0] + 1:
            plan.pop()[1]()

    def arrange(at: int, what: Callable[[], Any]) -> list[str]:
        plan[:] = [(at, what)]
        seen.clear()
        return seen

    events = dynamo.table().client.meta.events
    events.register("before-call.dynamodb", run)
    yield arrange
    events.unregister("before-call.dynamodb", run)


def test_two_consumers_at_once_fire_once_wherever_one_overtakes_the_other(
    aws: Deployment, watched: Callable[..., Any], interrupted: Interrupts
) -> None:
    number = watched(limit(most=4, action="reject"))
    halves = [[record for i in half for record in history(*call(f"c{i}"))] for half in ((1, 2), (2, 3, 4))]
    uninterrupted = interrupted(10**9, lambda: None)
    tally(*halves[0])
    steps = len(uninterrupted)
    assert steps > 10
    for step in range(steps):
        for kept in aws.items(f"NUMBER#{NUMBER}"):
            aws.table.delete_item(Key={"PK": kept["PK"], "SK": kept["SK"]})
        aws.table.put_item(Item=number)
        fired_first: list[dict[str, Any]] = []

        def overtake(first: list[dict[str, Any]] = fired_first) -> None:
            tally(*halves[1], at=AT + 1)
            first += fired(aws)

        interrupted(step, overtake)
        assert tally(*halves[0], at=AT + 2) == []
        (item,) = fired(aws)
        assert fired_first in ([], [item]), step
        assert holds(aws) == {"t#calls#day#4": MIDNIGHT + DAY}


def test_the_number_is_read_once_a_batch_and_no_more_is_where_it_has_no_thresholds(
    aws: Deployment, watched: Callable[..., Any], interrupted: Interrupts
) -> None:
    records = [record for i in range(5) for record in history(*call(f"c{i}"))]
    watched()
    plain = interrupted(10**9, lambda: None)
    tally(*records)
    assert (plain.count("BatchGetItem"), plain.count("Query")) == (1, 0)
    watched(limit(most=100))
    with_one = interrupted(10**9, lambda: None)
    tally(*records)
    assert (with_one.count("BatchGetItem"), with_one.count("Query")) == (1, 1)
    assert fired(aws) == []


# ---- who was turned away


def turned_away(call_id: str, reason: str = "blocked") -> list[dict[str, Any]]:
    """The images of a call that the number rejected."""
    images = call(call_id, lasted=None)
    for image in images:
        image["decision"] = {**image["decision"], "action": "reject", "reason": reason}
    images[-1]["report"]["reason"] = "assistant-request-returned-error"
    return images


def test_who_is_turned_away_uses_up_no_calls(aws: Deployment, watched: Callable[..., Any]) -> None:
    watched(limit("calls", 3, "reject"), limit("calls", 3, id="m", period="month"))
    for reason in ("blocked", "spam", "rule", "not-allowed", "after-hours"):
        for image in turned_away(f"c-{reason}", reason):
            assert tally(changed(None, image)) == []
    assert fired(aws) == []
    tally(*(record for i in range(3) for record in history(*call(f"c{i}"))))
    assert sorted((item["thresholdId"], item["value"]) for item in fired(aws)) == [("m", 3), ("t", 3)]
    body = sums_of(aws)
    assert body["totalCalls"] == 8


def sums_of(aws: Deployment) -> dict[str, Any]:
    return dict(aws.table.get_item(Key={"PK": f"NUMBER#{NUMBER}", "SK": "USAGE#TOTAL"})["Item"])


def test_the_rate_of_the_missed_ones_is_of_those_that_were_let_in(aws: Deployment, watched: Callable[..., Any]) -> None:
    watched(limit("missedRate", 1), limit("missedRate", 1, id="m", period="month"))
    blocked = [record for i in range(18) for record in history(*turned_away(f"b{i}"))]
    tally(*blocked, *(record for i in range(12) for record in history(*call(f"c{i}", lasted=None))))
    assert sorted((item["thresholdId"], item["value"]) for item in fired(aws)) == [("m", 1), ("t", 1)]


# ---- how many calls there were at once


def talks(call_id: str, at: int, lasted: int) -> list[dict[str, Any]]:
    """The images of a call that began, was taken, and is over."""
    first, over = call(call_id, at=at, lasted=lasted)
    _, taken = in_progress(call_id, at=at)
    return [first, taken, {**taken, "rev": 3, "report": over["report"]}]


def in_turns(*calls: list[dict[str, Any]]) -> list[Record]:
    """The records of calls that happened side by side: the first change of each, the second of each, and so on."""
    return [record for turn in zip(*(history(*images) for images in calls), strict=True) for record in turn]


@pytest.mark.parametrize("late", [180, 3600, 20 * 3600])
def test_calls_at_once_that_are_over_when_they_are_counted_are_told(
    aws: Deployment, watched: Callable[..., Any], late: int
) -> None:
    watched(limit("concurrentCalls", 3, "reject"))
    assert tally(*in_turns(*(talks(f"c{i}", AT + i, 60) for i in range(5))), at=AT + late) == []
    (item,) = fired(aws)
    assert (item["value"], item["periodStart"]) == (5, MIDNIGHT)
    assert holds(aws) == ({"t#concurrentCalls#day#3": MIDNIGHT + DAY} if late < 7 * 3600 else {})


def test_calls_that_follow_one_another_are_not_at_once(aws: Deployment, watched: Callable[..., Any]) -> None:
    watched(limit("concurrentCalls", 2))
    one_by_one = [talks(f"c{i}", AT + 20 * i, 15) for i in range(12)]
    assert tally(*in_turns(*one_by_one), at=AT + 600) == []
    assert fired(aws) == []


def test_calls_at_once_that_were_over_before_the_threshold_was_set_are_not_its(
    aws: Deployment, watched: Callable[..., Any]
) -> None:
    item = watched(limit("concurrentCalls", 2))
    aws.table.put_item(Item={**item, "thresholdsSince": AT + 100})
    assert tally(*in_turns(*(talks(f"c{i}", AT, 60) for i in range(5))), at=AT + 180) == []
    assert fired(aws) == []
    assert tally(*in_turns(*(talks(f"d{i}", AT + 120, 90) for i in range(2))), at=AT + 300) == []
    assert [item["value"] for item in fired(aws)] == [2]


def test_calls_at_once_of_more_than_two_days_ago_are_not_told_any_more(
    aws: Deployment, watched: Callable[..., Any]
) -> None:
    watched(limit("concurrentCalls", 2, period="month"))
    assert tally(*in_turns(*(talks(f"c{i}", AT, 60) for i in range(5))), at=AT + LATE_SECONDS) == []
    assert fired(aws) == []


# ---- holds


ACTIONS = ["reject", "voicemail", "assistant"]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_threshold_that_acts_holds_until_its_period_ends(
    aws: Deployment, watched: Callable[..., Any], action: str
) -> None:
    of_assistant = {"assistantId": "a-1"} if action == "assistant" else {}
    watched(limit(most=1, action=action, **of_assistant), limit(most=1, id="told"))
    tally(*history(*call("c1")))
    assert holds(aws) == {"t#calls#day#1": MIDNIGHT + DAY}
    assert len(fired(aws)) == 2


def test_a_period_that_is_over_fires_without_a_hold_and_leaves_a_later_one(
    aws: Deployment, watched: Callable[..., Any]
) -> None:
    watched(limit(most=1, action="reject"))
    tally(*history(*call("today", at=AT + DAY)), at=AT + DAY)
    tally(*history(*call("yesterday", at=AT)), at=AT + DAY)
    assert {item["periodStart"] for item in fired(aws)} == {MIDNIGHT, MIDNIGHT + DAY}
    assert holds(aws) == {"t#calls#day#1": MIDNIGHT + 2 * DAY}


def test_a_hold_never_replaces_one_that_ends_later(aws: Deployment, watched: Callable[..., Any]) -> None:
    """Two clocks, of which one is before midnight and the other after it."""
    watched(limit(most=1, action="reject"))
    tally(*history(*call("today", at=MIDNIGHT + DAY)), at=MIDNIGHT + DAY)
    tally(*history(*call("yesterday", at=AT)), at=MIDNIGHT + DAY - 1)
    assert len(fired(aws)) == 2
    assert holds(aws) == {"t#calls#day#1": MIDNIGHT + 2 * DAY}


def test_what_others_keep_writing_comes_again_from_the_first_change_of_the_number(
    aws: Deployment, watched: Callable[..., Any]
) -> None:
    watched(limit(most=1, action="reject"))
    records = history(*call("c1"))
    consumers.tally_usage(batch(*records), usage(), lines(), windows())
    conflict = {
        "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
        "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
        "ResponseMetadata": {},
    }

    class Refusal:
        status_code = 400

    def refuse(**_: Any) -> Any:
        return Refusal(), conflict

    events = dynamo.table().client.meta.events
    events.register("before-call.dynamodb.TransactWriteItems", refuse)
    assert tally(*records) == [sequence(records[0])]
    events.unregister("before-call.dynamodb.TransactWriteItems", refuse)
    assert fired(aws) == []
    assert tally(*records) == []
    assert len(fired(aws)) == 1


def test_that_it_fired_is_remembered_longer_than_anybody_looks_at_its_period(
    aws: Deployment, watched: Callable[..., Any]
) -> None:
    watched(limit(most=1, action="reject"), limit("calls", 1, "reject", id="m", period="month"))
    tally(*history(*call("c1")))
    assert all(item["expiresAt"] == item["periodEnd"] + KEPT_SECONDS for item in fired(aws))
    assert KEPT_SECONDS > LATE_SECONDS
    expires = aws.table.get_item(Key={"PK": f"NUMBER#{NUMBER}", "SK": "HOLDS"})["Item"]["expiresAt"]
    assert all(until < expires for until in holds(aws).values())


# ---- thresholds that are set when usage is there already


def test_a_threshold_that_is_reached_when_it_is_set_fires_at_once(aws: Deployment, watched: Callable[..., Any]) -> None:
    before = watched()
    tally(*history(*call("c1")), *history(*call("c2")))
    after = watched(limit(most=2, action="reject"))
    tally(changed(before, after), at=AT + 60)
    assert [item["thresholdId"] for item in fired(aws)] == ["t"]
    assert holds(aws) == {"t#calls#day#2": MIDNIGHT + DAY}


def test_another_zone_is_another_day(aws: Deployment, watched: Callable[..., Any]) -> None:
    before = watched(limit(most=2))
    evening = MIDNIGHT + DAY + 3600  # in Los Angeles, where it is still the same day
    tally(*history(*call("c1")), at=AT)
    tally(*history(*call("c2", at=evening)), at=evening)
    assert fired(aws) == []
    after = watched(limit(most=2), businessHours={"timezone": "America/Los_Angeles", "openingHoursSpecification": []})
    tally(changed(before, after), at=evening)
    assert [item["periodStart"] for item in fired(aws)] == [MIDNIGHT + 7 * 3600]


def test_a_number_without_business_hours_has_the_deployments_days(
    aws: Deployment, watched: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIME_ZONE", "Asia/Kathmandu")
    watched(limit(most=1))
    tally(*history(*call("c1")))
    assert [item["periodStart"] for item in fired(aws)] == [MIDNIGHT - 20_700]


def test_a_change_of_something_else_is_not_looked_at(
    aws: Deployment, watched: Callable[..., Any], interrupted: Interrupts
) -> None:
    before = watched(limit(most=2))
    asked = interrupted(10**9, lambda: None)
    tally(changed(before, {**before, "name": "Renamed"}))
    assert asked == []
    assert fired(aws) == []


# ---- on numbers and calls as they come


def limited(aws: Deployment, *limits: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A number whose calls an assistant answers, with these thresholds."""
    assistant = aws.at_vapi("assistant", name="Front desk")
    number = aws.bought(assistant={"id": assistant["id"]}, **more)
    patch = {"usageThresholds": list(limits), "businessHours": at_noon(number["updated"])}
    answer = aws.api("PATCH", f"/phone-numbers/{number['id']}", body=patch)
    assert answer.status == 200, answer
    aws.events()
    return dict(answer.body)


def answered(aws: Deployment, number: dict[str, Any], call_id: str, caller: str = CALLER, *, later: int = 0) -> Any:
    """What Vapi is told of a call that comes so many seconds after the number was changed."""
    return rings(aws, number, call_id, caller, began=(number["updated"] + later) * 1000).body


def test_calls_are_taken_to_the_limit_then_held_until_the_period_ends(aws: Deployment) -> None:
    number = limited(aws, limit(most=3, action="reject", message="We are full today."), allowedNumbers=[FRIEND])
    path = f"/phone-numbers/{number['id']}"
    version = aws.api("GET", path).headers["etag"]
    for each in range(3):
        assert "assistantId" in answered(aws, number, f"c{each}")
        assert len(told(aws)) == (1 if each == 2 else 0)
    assert answered(aws, number, "c3") == {"error": "We are full today."}
    assert told(aws) == []
    decision = aws.api("GET", f"{path}/calls/c3").body["decision"]
    assert (decision["action"], decision["reason"]) == ("reject", "threshold")
    assert decision["trace"][-1]["detail"] == "t: calls reached 3 this day"
    assert "assistantId" in answered(aws, number, "c4", FRIEND)
    assert "assistantId" in answered(aws, number, "c5", later=DAY)
    assert aws.api("GET", path).headers["etag"] == version


def test_a_hold_takes_messages_or_sends_callers_to_another_assistant(aws: Deployment) -> None:
    night = aws.at_vapi("assistant", name="Night desk", serverMessages=["tool-calls"])
    by_assistant = limited(aws, limit(most=1, action="assistant", assistantId=night["id"]))
    by_voicemail = limited(aws, limit(most=1, action="voicemail", message="Say it."), voicemailEnabled=True)
    for number in (by_assistant, by_voicemail):
        answered(aws, number, "first")
    assert len(told(aws)) == 2
    held = answered(aws, by_assistant, "second")
    assert held["assistantId"] == night["id"]
    assert held["assistantOverrides"]["serverMessages"] == ["tool-calls", "status-update", "end-of-call-report"]
    assert answered(aws, by_voicemail, "second")["assistant"]["firstMessage"] == "Say it."


def test_lifting_or_changing_the_threshold_lifts_its_hold(aws: Deployment) -> None:
    number = limited(aws, limit(most=1, action="reject"))
    path = f"/phone-numbers/{number['id']}"
    answered(aws, number, "c1")
    aws.deliver_stream()
    assert "error" in answered(aws, number, "c2")
    aws.api("PATCH", path, body={"usageThresholds": [limit(most=10, action="reject")]})
    assert "assistantId" in answered(aws, number, "c3")
    aws.api("PATCH", path, body={"usageThresholds": []})
    assert "assistantId" in answered(aws, number, "c4")
    assert aws.api("GET", path).body["status"] == "active"


def test_a_threshold_that_is_set_by_an_update_looks_at_the_calls_there_were(aws: Deployment) -> None:
    number = limited(aws, limit(most=100))
    answered(aws, number, "c1")
    aws.deliver_stream()
    aws.api("PATCH", f"/phone-numbers/{number['id']}", body={"usageThresholds": [limit(most=1, action="reject")]})
    (event,) = told(aws)
    assert event["value"] == 1
    assert "error" in answered(aws, number, "c2")


def test_an_explanation_tells_the_hold_and_what_lifting_it_would_change(aws: Deployment) -> None:
    number = limited(aws, limit(most=1, action="reject"))
    path = f"/phone-numbers/{number['id']}/route-explanations"
    answered(aws, number, "c1")
    aws.deliver_stream()
    asked = {"caller": CALLER, "at": number["updated"]}
    assert aws.api("POST", path, body=asked).body["reason"] == "threshold"
    assert aws.api("POST", path, body={**asked, "at": asked["at"] + DAY}).body["reason"] == "default"
    assert aws.api("POST", path, body={**asked, "changes": {"usageThresholds": []}}).body["reason"] == "default"


def test_the_assistant_of_a_threshold_has_to_exist_at_vapi(aws: Deployment) -> None:
    wanted = limit(action="assistant", assistantId="nobody")
    created = aws.api(
        "POST", "/phone-numbers", body={"provider": "vapi", "areaCode": "415", "usageThresholds": [wanted]}
    )
    assert (created.status, created.body["errors"][0]["path"]) == (422, "usageThresholds.0.assistantId")
    assert aws.purchases() == []
    number = aws.bought()
    changed_to = aws.api("PATCH", f"/phone-numbers/{number['id']}", body={"usageThresholds": [limit(id="n"), wanted]})
    assert (changed_to.status, changed_to.body["errors"][0]["path"]) == (422, "usageThresholds.1.assistantId")


def test_a_number_is_bought_with_its_thresholds(aws: Deployment) -> None:
    night = aws.at_vapi("assistant", name="Night desk", server={"url": "https://example.com/own"})
    wanted = [limit("cost", 12.5), limit(action="assistant", assistantId=night["id"], id="a")]
    number = aws.bought(usageThresholds=wanted)
    assert [(each["id"], each["limit"], each["action"]) for each in number["usageThresholds"]] == [
        ("t", 12.5, "notify"),
        ("a", 3, "assistant"),
    ]
    assert [warning.split(":")[0] for warning in number["warnings"]] == [
        f"{night['id']}, which a usage threshold names"
    ]
