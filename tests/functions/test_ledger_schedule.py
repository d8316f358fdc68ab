"""What the schedule adds to the ledger: calls that nobody told us of, and ends that no report followed."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local.simulators.vapi import Delivery, Fault
from local.simulators.vapi.clock import iso, now
from switchboard.calls.record import Call, call_from_item
from switchboard.errors import ProviderError
from switchboard.ledger.learn import FIRST_WINDOW_MS, LONGEST_WINDOW_MS, OVERLAP_MS, learn_calls
from switchboard.ledger.settle import WAIT_SECONDS, settle_calls
from switchboard.provisioning import connected
from switchboard.store import calls, numbers
from tests.functions.conftest import Deployment
from tests.support.invoking import invoke, request
from tests.support.streams import stream_as_dynamodb_does

CALLER = "+12025550123"


@pytest.fixture(autouse=True)
def faithful_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    stream_as_dynamodb_does(monkeypatch)


class Front:
    """Where Vapi finds us on loopback; what comes to `/own` is for an assistant's own server and only noted."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.own: list[str] = []


@pytest.fixture
def front(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:  # noqa: ARG001 - what answers
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, body = 200, "{}"
            if self.path == "/own":
                here.own.append(json.loads(raw)["message"]["type"])
            else:
                with one_at_a_time:
                    answer = request("POST", self.path, raw=raw, headers=dict(self.headers))
                status, body = answer.status, json.dumps(answer.body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_arguments: Any, **_named: Any) -> None:
            """Says nothing."""

    one_at_a_time = threading.Lock()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = Front(f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("PUBLIC_BASE_URL", here.url)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield here
    server.shutdown()
    server.server_close()


@pytest.fixture
def number(aws: Deployment, front: Front) -> dict[str, Any]:
    """A number whose assistant has a server of its own."""
    own = aws.at_vapi("assistant", name="Own", server={"url": f"{front.url}/own"})
    return aws.bought(assistant={"id": own["id"]})


@pytest.fixture
def desk(aws: Deployment, front: Front) -> dict[str, Any]:  # noqa: ARG001
    """A number whose assistant tells us of its calls."""
    return aws.bought(assistant={"id": aws.at_vapi("assistant", name="Front desk")["id"]})


def learn(at: int | None = None) -> int:
    """The schedule's turn; `at` Unix milliseconds."""
    if at is None:
        return int(invoke("learn_calls", {})["learnt"])
    return learn_calls(calls.calls(), numbers.numbers(), connected.vapi(), at)


def ledger(aws: Deployment) -> dict[str, Call]:
    items = [item for item in aws.items("NUMBER#") if item["SK"].startswith("CALL#")]
    return {item["callId"]: call_from_item(item) for item in items}


def counters(aws: Deployment, number: dict[str, Any]) -> dict[str, Any]:
    shown = aws.api("GET", f"/phone-numbers/{number['id']}").body
    return {name: shown[name] for name in ("totalCalls", "inboundCalls", "outboundCalls", "averageCallDuration")}


def told(aws: Deployment) -> list[tuple[str, str]]:
    """The calls' events that are on the bus: detail-type and call."""
    events = [event for event in aws.events() if event["detail-type"].startswith("Call.")]
    return sorted((event["detail-type"], event["detail"]["data"]["callId"]) for event in events)


def placed(aws: Deployment, number: dict[str, Any], call_id: str, updated: int, **row: Any) -> None:
    """A row of Vapi's call list."""
    vapi_id = aws.rows(number["id"])[0]["id"]
    fields = {"type": "inboundPhoneCall", "status": "ended", "endedReason": "customer-ended-call"}
    times = {"createdAt": iso(updated - 60_000), "startedAt": iso(updated - 50_000), "endedAt": iso(updated - 20_000)}
    fields |= times | {"updatedAt": iso(updated), "customer": {"number": CALLER}, "phoneNumberId": vapi_id}
    aws.vapi.store.insert("call", {"id": call_id, **fields, **row})


# ---- calls that nobody told us of


def test_a_call_that_goes_on_at_an_assistant_with_its_own_server_is_in_progress(
    aws: Deployment, number: dict[str, Any]
) -> None:
    limit = {"id": "busy", "period": "day", "metric": "concurrentCalls", "limit": 2, "action": "notify"}
    assert aws.api("PATCH", f"/phone-numbers/{number['id']}", body={"usageThresholds": [limit]}).status == 200
    at = now()
    going_on = {"status": "in-progress", "startedAt": iso(at - 30_000), "endedAt": None, "endedReason": None}
    for call_id in ("c1", "c2"):
        placed(aws, number, call_id, at - 20_000, **going_on)
    assert learn() == 2
    assert {call.status for call in ledger(aws).values()} == {"in-progress"}
    assert {call.started_at for call in ledger(aws).values()} == {at - 30_000}
    aws.deliver_stream()
    (event,) = (event["detail"]["data"] for event in aws.events() if event["detail-type"] == "Threshold.exceeded")
    assert (event["thresholdId"], event["value"]) == ("busy", 2)
    assert learn() == 0


def test_a_call_of_an_assistant_with_its_own_server_is_learnt_from_vapis_list(
    aws: Deployment, front: Front, number: dict[str, Any]
) -> None:
    story = aws.vapi.ring(to=number["phoneNumber"], caller=CALLER, talk_seconds=60)
    assert front.own[-1] == "end-of-call-report"
    assert ledger(aws)[story["callId"]].status == "ringing"
    assert learn() == 1
    call = ledger(aws)[story["callId"]]
    assert (call.status, call.outcome, int(call.duration)) == ("ended", "answered", 60)
    assert float(call.cost) == pytest.approx(story["outcome"]["cost"] * 100, abs=1e-4)
    assert told(aws) == [("Call.inbound", story["callId"])]
    assert counters(aws, number) == {"totalCalls": 1, "inboundCalls": 1, "outboundCalls": 0, "averageCallDuration": 60}


def test_an_outbound_call_that_nobody_told_of_is_learnt_whole(aws: Deployment, number: dict[str, Any]) -> None:
    placed(aws, number, "out-1", now(), type="outboundPhoneCall", startedAt=None, endedReason="customer-busy")
    assert learn() == 1
    events = [event["detail"] for event in aws.events() if event["detail-type"].startswith("Call.")]
    assert [detail["phoneNumber"] for detail in events] == [number["phoneNumber"]] * 2
    assert {(d["data"]["caller"], d["data"]["called"]) for d in events} == {(number["phoneNumber"], CALLER)}
    assert told(aws) == []
    assert counters(aws, number)["outboundCalls"] == 1


def test_reading_the_list_again_changes_nothing(aws: Deployment, number: dict[str, Any]) -> None:
    for _ in range(3):
        aws.vapi.ring(to=number["phoneNumber"], caller=CALLER)
    assert learn() == 3
    first = told(aws)
    before, counted = ledger(aws), counters(aws, number)
    for _ in range(3):
        assert learn() == 0
    assert (ledger(aws), counters(aws, number), told(aws)) == (before, counted, [])
    assert len(first) == 3


def test_a_call_that_messages_told_of_is_the_same_after_the_list(aws: Deployment, desk: dict[str, Any]) -> None:
    aws.vapi.ring(to=desk["phoneNumber"], caller=CALLER)
    aws.vapi.ring(to=desk["phoneNumber"], caller=CALLER, behaviour="hang-up-before-answer")
    first = told(aws)
    before, counted = ledger(aws), counters(aws, desk)
    assert {call.outcome for call in before.values()} == {"answered", "missed"}
    assert learn() == 2
    assert (ledger(aws), told(aws), counters(aws, desk)) == (before, [], counted)
    assert len(first) == 3


def test_a_call_whose_messages_were_lost_is_made_whole_by_the_list(aws: Deployment, desk: dict[str, Any]) -> None:
    lost = Delivery(drop=frozenset({"end-of-call-report", "ended", "in-progress"}))
    story = aws.vapi.ring(to=desk["phoneNumber"], caller=CALLER, talk_seconds=30, delivery=lost)
    assert ledger(aws)[story["callId"]].outcome is None
    learn()
    assert ledger(aws)[story["callId"]].outcome == "answered"
    aws.deliver_stream()
    assert counters(aws, desk)["averageCallDuration"] == 30


def test_a_call_that_goes_on_is_learnt_and_then_its_end(aws: Deployment, number: dict[str, Any]) -> None:
    at = now()
    placed(aws, number, "c-1", at - 5_000, status="in-progress", endedReason=None, endedAt=None)
    assert learn(at) == 1
    assert ledger(aws)["c-1"].outcome is None
    aws.vapi.store.update(
        "call", "c-1", {"status": "ended", "endedAt": iso(at), "updatedAt": iso(at + 1_000)}, touch=False
    )
    assert learn(at + 2_000) == 1
    assert ledger(aws)["c-1"].outcome == "answered"
    assert told(aws) == [("Call.inbound", "c-1")]


def test_more_calls_than_a_page_holds_are_each_learnt_once(aws: Deployment, number: dict[str, Any]) -> None:
    at = now()
    for position in range(230):
        placed(aws, number, f"c-{position}", at - 60_000 + position // 3)
    assert learn(at) == 230
    assert len(aws.vapi.requests_to("GET", "/call")) == 3
    assert learn(at) == 0
    assert ledger(aws).keys() == {f"c-{position}" for position in range(230)}


def test_what_is_not_ours_or_no_telephone_call_is_not_learnt(aws: Deployment, number: dict[str, Any]) -> None:
    at = now()
    placed(aws, number, "c-1", at, phoneNumberId="00000000-0000-4000-8000-00000000beef")
    placed(aws, number, "c-2", at, phoneNumberId=None)
    placed(aws, number, "c-3", at, type="webCall")
    assert learn(at) == 0
    assert ledger(aws) == {}


def test_the_first_turn_reads_the_last_minutes_only(aws: Deployment, number: dict[str, Any]) -> None:
    at = now()
    placed(aws, number, "old", at - FIRST_WINDOW_MS - OVERLAP_MS - 1)
    placed(aws, number, "new", at - FIRST_WINDOW_MS)
    assert learn(at) == 1
    assert ledger(aws).keys() == {"new"}


def test_a_row_that_became_visible_late_is_still_learnt(aws: Deployment, number: dict[str, Any]) -> None:
    at = now()
    assert learn(at) == 0
    placed(aws, number, "late", at - OVERLAP_MS + 60_000)
    assert learn(at + 60_000) == 1


def test_a_backlog_is_worked_off_in_windows_that_leave_no_gap(aws: Deployment, number: dict[str, Any]) -> None:
    begin = now()
    learn(begin)
    end = begin + 60 * 60_000
    for position in range(60):
        placed(aws, number, f"c-{position}", begin + 30_000 + position * 60_000)
    learnt: list[int] = []
    while sum(learnt) < 60:
        before = calls.calls().listed_until()
        learnt.append(learn(end))
        read_to = calls.calls().listed_until()
        assert before is not None
        assert read_to is not None
        assert 0 < read_to - before <= LONGEST_WINDOW_MS - OVERLAP_MS
    assert len(learnt) == 5
    assert ledger(aws).keys() == {f"c-{position}" for position in range(60)}


def test_a_turn_that_failed_is_read_again(aws: Deployment, number: dict[str, Any]) -> None:
    at = now()
    placed(aws, number, "c-1", at)
    aws.vapi.fault(Fault("GET", "/call", status=500, times=10))
    with pytest.raises(ProviderError):
        learn(at)
    assert calls.calls().listed_until() is None
    aws.vapi.faults.clear()
    assert learn(at) == 1


def test_two_turns_at_once_learn_each_call_once(aws: Deployment, number: dict[str, Any]) -> None:
    at = now()
    placed(aws, number, "c-1", at)
    assert learn(at) + learn(at - 1_000) == 1
    assert calls.calls().listed_until() == at


# ---- ends that no report followed


def settle(later: int = 0) -> int:
    return settle_calls(calls.calls(), now() // 1000 + later)


def test_an_end_without_a_report_is_settled_after_five_minutes(aws: Deployment, desk: dict[str, Any]) -> None:
    lost = Delivery(drop=frozenset({"end-of-call-report", "in-progress"}))
    reason = "customer-ended-call"
    story = aws.vapi.ring(desk["phoneNumber"], CALLER, "hang-up-before-answer", ended_reason=reason, delivery=lost)
    assert ledger(aws)[story["callId"]].outcome is None
    assert settle() == 0
    assert told(aws) == [("Call.inbound", story["callId"])]
    assert settle(later=WAIT_SECONDS) == 1
    assert ledger(aws)[story["callId"]].outcome == "missed"
    assert told(aws) == [("Call.missed", story["callId"])]
    assert settle(later=WAIT_SECONDS + 60) == 0


def test_an_answered_call_without_a_report_is_answered(aws: Deployment, desk: dict[str, Any]) -> None:
    lost = Delivery(drop=frozenset({"end-of-call-report"}))
    story = aws.vapi.ring(desk["phoneNumber"], CALLER, talk_seconds=30, delivery=lost)
    assert settle(later=WAIT_SECONDS) == 1
    assert ledger(aws)[story["callId"]].outcome == "answered"
    assert told(aws) == [("Call.inbound", story["callId"])]


def test_a_call_with_its_report_waits_for_nothing(aws: Deployment, desk: dict[str, Any]) -> None:
    aws.vapi.ring(desk["phoneNumber"], CALLER)
    assert settle(later=10 * WAIT_SECONDS) == 0
    assert invoke("settle_calls", {}) == {"settled": 0}


def test_settling_a_call_whose_end_came_after_its_report_tells_nothing_new(
    aws: Deployment, desk: dict[str, Any]
) -> None:
    aws.vapi.ring(desk["phoneNumber"], CALLER, delivery=Delivery(shuffle=True, seed=3, repeat=2))
    first = told(aws)
    before, counted = ledger(aws), counters(aws, desk)
    settle(later=WAIT_SECONDS)
    assert (ledger(aws), told(aws), counters(aws, desk)) == (before, [], counted)
    assert len(first) == 1


def test_a_record_that_was_erased_meanwhile_is_not_made_again(aws: Deployment, desk: dict[str, Any]) -> None:
    aws.vapi.ring(desk["phoneNumber"], CALLER, delivery=Delivery(drop=frozenset({"end-of-call-report"})))

    def erase(**_: Any) -> None:
        for item in aws.items("NUMBER#"):
            if item["SK"].startswith("CALL#"):
                aws.table.delete_item(Key={"PK": item["PK"], "SK": item["SK"]})

    calls.calls().table.client.meta.events.register("after-call.dynamodb.Query", erase)
    assert settle(later=WAIT_SECONDS) == 0
    assert ledger(aws) == {}


def test_a_report_that_comes_meanwhile_needs_no_settling(aws: Deployment, desk: dict[str, Any]) -> None:
    lost = Delivery(drop=frozenset({"end-of-call-report"}))
    story = aws.vapi.ring(desk["phoneNumber"], CALLER, delivery=lost)
    (row,) = aws.vapi.state()["calls"]
    report = {"type": "end-of-call-report", "timestamp": now(), "call": {"id": story["callId"]}}
    report |= {name: row[name] for name in ("startedAt", "endedAt", "endedReason", "cost")}

    def arrive(**_: Any) -> None:
        assert aws.tell(desk, {"message": report}).status == 200

    calls.calls().table.client.meta.events.register("after-call.dynamodb.Query", arrive)
    assert settle(later=WAIT_SECONDS) == 0
    assert ledger(aws)[story["callId"]].outcome == "answered"
