"""Inbound calls: whom Vapi asks, what it makes of the answer, and what it tells whom (vapi.md 2)."""

import threading
from itertools import pairwise
from typing import Any
from uuid import UUID

import httpx
import pytest

from local.simulators.vapi import Callee, CannotRing, Ring, VapiSimulator
from local.simulators.vapi.clock import iso, now, parse
from tests.simulators.conftest import ASSISTANT, Connect, Json, Receiver

CALLER = "+12025550123"
TWO_MESSAGES = ["status-update", "end-of-call-report"]
TOOL = {
    "type": "function",
    "function": {
        "name": "lookupOrder",
        "parameters": {"type": "object", "properties": {"orderId": {"type": "string"}}},
    },
}


def answer_with(assistant: Json, **overrides: Any) -> Json:
    return {"assistantId": assistant["id"], "assistantOverrides": {"serverMessages": TWO_MESSAGES, **overrides}}


def test_a_call_from_ringing_to_report(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json, assistant: Json
) -> None:
    receiver.answer = answer_with(assistant, metadata={"ruleId": "r_open"})
    story = vapi.ring(number["number"], CALLER, talk_seconds=63)

    assert receiver.kinds() == [
        "assistant-request",
        "status-update in-progress",
        "status-update ended",
        "end-of-call-report",
    ]
    assert story["answered"]["body"] == receiver.answer
    assert story["answered"]["status"] == 200
    assert story["asked"]["message"] == receiver.received[0].message
    assert story["outcome"] == {
        "status": "ended",
        "endedReason": "customer-ended-call",
        "answeredBy": "assistant",
        "seconds": 63.0,
        "cost": story["outcome"]["cost"],
    }
    assert story["messages"] == [
        {
            "type": "status-update",
            "status": "in-progress",
            "deliveredTo": f"{receiver.url}/number",
            "httpStatus": 200,
            "attempts": 1,
        },
        {
            "type": "status-update",
            "status": "ended",
            "deliveredTo": f"{receiver.url}/number",
            "httpStatus": 200,
            "attempts": 1,
        },
        {"type": "end-of-call-report", "deliveredTo": f"{receiver.url}/number", "httpStatus": 200, "attempts": 1},
    ]

    asked, opened, ended, report = [each.message for each in receiver.received]
    assert asked["call"]["assistantId"] is None
    assert asked["customer"] == {"number": CALLER}
    for message in (opened, ended, report):
        assert message["call"]["status"] == "ringing"
        assert message["call"]["updatedAt"] == message["call"]["createdAt"]
        assert message["call"]["assistantOverrides"]["metadata"] == {"ruleId": "r_open"}
        assert message["phoneNumber"] == client.get(f"/phone-number/{number['id']}").json()
    assert UUID(asked["call"]["id"]).version == 7

    row = client.get(f"/call/{story['callId']}").json()
    assert client.get("/call").json() == [row]
    for key in ("endedReason", "startedAt", "endedAt", "cost", "costs", "costBreakdown", "artifact", "analysis"):
        assert row[key] == report[key]
    assert row["status"] == "ended"
    assert row["updatedAt"] > row["createdAt"]
    assert row["cost"] == pytest.approx(sum(item["cost"] for item in row["costs"]))
    assert (report["durationSeconds"], report["transcript"]) == (63.0, row["artifact"]["transcript"])
    assert "AI: Thanks for calling.\n" in report["transcript"]


def test_the_times_of_a_call_are_consistent(
    vapi: VapiSimulator, receiver: Receiver, number: Json, assistant: Json
) -> None:
    receiver.answer = {"assistantId": assistant["id"]}
    vapi.ring(number["number"], CALLER, talk_seconds=0.1)
    report = receiver.received[-1].message
    assert report["call"]["createdAt"] < report["startedAt"] < report["endedAt"] <= iso(now())
    stamps = [each.message["timestamp"] for each in receiver.received]
    assert all(earlier < later for earlier, later in pairwise(stamps))
    assert stamps[-1] <= now()


def test_without_server_messages_vapi_sends_its_default_list(
    vapi: VapiSimulator, receiver: Receiver, number: Json, assistant: Json
) -> None:
    receiver.answer = {"assistantId": assistant["id"]}
    vapi.ring(number["number"], CALLER)
    kinds = receiver.kinds()
    assert set(kinds) == {
        "assistant-request",
        "status-update in-progress",
        "assistant.started",
        "speech-update",
        "conversation-update",
        "status-update ended",
        "end-of-call-report",
    }
    assert kinds[:3] == ["assistant-request", "status-update in-progress", "assistant.started"]
    assert kinds[-2:] == ["status-update ended", "end-of-call-report"]


def test_transcripts_come_when_asked_for(
    vapi: VapiSimulator, receiver: Receiver, number: Json, assistant: Json
) -> None:
    receiver.answer = answer_with(assistant, serverMessages=['transcript[transcriptType="final"]'])
    vapi.ring(number["number"], CALLER)
    assert receiver.kinds() == ["assistant-request", "transcript", "transcript", "transcript"]


def test_an_attached_assistant_talks_without_anyone_being_asked(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json, assistant: Json
) -> None:
    client.patch(f"/phone-number/{number['id']}", json={"provider": "vapi", "assistantId": assistant["id"]})
    story = vapi.ring(number["number"], CALLER)
    assert (story["asked"], story["outcome"]["answeredBy"]) == (None, "assistant")
    assert receiver.kinds("/number")[-1] == "end-of-call-report"


def test_an_assistant_with_a_server_keeps_its_messages_and_tool_calls(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json
) -> None:
    model = {**ASSISTANT["model"], "tools": [TOOL]}  # type: ignore[dict-item]
    body = {
        **ASSISTANT,
        "model": model,
        "server": {"url": f"{receiver.url}/assistant", "headers": {"X-Of": "assistant"}},
    }
    receiver.answer = {"assistantId": client.post("/assistant", json=body).json()["id"]}
    story = vapi.ring(number["number"], CALLER)

    assert receiver.kinds("/number") == ["assistant-request"]
    kept = receiver.kinds("/assistant")
    assert kept.count("tool-calls") == 1
    assert kept[-1] == "end-of-call-report"
    assert all(each.headers["X-Of"] == "assistant" for each in receiver.received if each.path == "/assistant")
    [call] = receiver.messages("tool-calls")[0]["toolCallList"]
    assert call["function"] == {"name": "lookupOrder", "arguments": '{"orderId": "A-100"}'}
    assert [sent["response"] for sent in story["messages"] if sent["type"] == "tool-calls"] == [{}]


def test_an_override_of_the_server_beats_the_assistants_own_and_a_tools_own_beats_both(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json
) -> None:
    tool = client.post(
        "/tool", json={**TOOL, "server": {"url": f"{receiver.url}/tool"}}, headers={"Accept": "*/*"}
    ).json()
    model = {**ASSISTANT["model"], "toolIds": [tool["id"]]}  # type: ignore[dict-item]
    body = {**ASSISTANT, "model": model, "server": {"url": f"{receiver.url}/assistant"}}
    made = client.post("/assistant", json=body).json()
    receiver.answer = answer_with(made, server={"url": f"{receiver.url}/override"})
    vapi.ring(number["number"], CALLER)
    assert receiver.kinds("/assistant") == []
    assert receiver.kinds("/override") == ["status-update in-progress", "status-update ended", "end-of-call-report"]
    assert receiver.kinds("/tool") == ["tool-calls"]


def test_a_squad_is_its_first_member_with_the_overrides(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json, assistant: Json
) -> None:
    squad = client.post("/squad", json={"members": [{"assistantId": assistant["id"]}]}).json()
    receiver.answer = {"squadId": squad["id"], "squadOverrides": {"serverMessages": ["end-of-call-report"]}}
    story = vapi.ring(number["number"], CALLER)
    assert story["outcome"]["answeredBy"] == "squad"
    assert receiver.kinds() == ["assistant-request", "end-of-call-report"]
    assert receiver.received[-1].message["call"]["squadId"] == squad["id"]


def test_a_squad_hands_over_to_the_member_with_the_tool_whose_own_server_and_metadata_it_then_has(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json
) -> None:
    first = client.post("/assistant", json={"name": "Reception", "metadata": {"of": "reception"}}).json()
    server = {"url": f"{receiver.url}/orders"}
    model = {"provider": "openai", "model": "gpt-4.1", "tools": [TOOL]}
    able = {"name": "Orders", "metadata": {"of": "orders"}, "server": server, "model": model}
    orders = client.post("/assistant", json=able).json()
    members = [{"assistantId": each["id"]} for each in (first, orders)]
    receiver.answer = {"squadId": client.post("/squad", json={"members": members}).json()["id"]}
    vapi.ring(number["number"], CALLER)
    assert "tool-calls" not in receiver.kinds("/number")
    heard = receiver.kinds("/orders")
    assert heard.count("tool-calls") == 1
    assert heard[-1] == "end-of-call-report"
    assert receiver.messages("tool-calls")[0]["assistant"]["metadata"] == {"of": "orders"}


@pytest.mark.parametrize(
    ("answer", "ended_reason", "outcome"),
    [
        (
            {"error": "We are closed."},
            "assistant-request-returned-error",
            {"answeredBy": "error", "spoken": "We are closed."},
        ),
        ({"error": ""}, "assistant-request-returned-error", {"spoken": "Unknown Error. Contact Support."}),
        ({"error": {"a": 1}}, "assistant-request-returned-unspeakable-error", {"answeredBy": "error"}),
        (
            {"destination": {"type": "number", "number": "+14155550199"}},
            "assistant-request-returned-forwarding-phone-number",
            {"answeredBy": "destination", "forwardedTo": "+14155550199"},
        ),
        (
            {"error": "No.", "destination": {"type": "number", "number": "+14155550199"}, "assistantId": "x"},
            "assistant-request-returned-error",
            {"spoken": "No."},
        ),
        (
            {"destination": {"type": "sip", "sipUri": "sip:a@example.com"}, "assistantId": "x"},
            "assistant-request-returned-forwarding-phone-number",
            {"forwardedTo": "sip:a@example.com"},
        ),
        ({}, "assistant-request-returned-no-assistant", {"answeredBy": "nobody"}),
        ({"messageResponse": {"error": "x"}}, "assistant-request-returned-no-assistant", {"answeredBy": "nobody"}),
        (
            {"assistantId": "00000000-0000-4000-8000-000000000000"},
            "assistant-request-returned-invalid-assistant",
            {"answeredBy": "nobody"},
        ),
        (
            {"assistant": ASSISTANT, "assistantOverrides": {"maxDurationSeconds": 5}},
            "assistant-request-returned-invalid-assistant",
            {"answeredBy": "nobody"},
        ),
        (
            {"assistant": ASSISTANT, "assistantOverrides": {"recordingEnabled": False}},
            "assistant-request-returned-invalid-assistant",
            {"answeredBy": "nobody"},
        ),
        (["x"], "assistant-request-failed", {"answeredBy": "nobody"}),
    ],
)
def test_answers_that_bring_no_assistant(
    vapi: VapiSimulator,
    client: httpx.Client,
    receiver: Receiver,
    number: Json,
    answer: Any,
    ended_reason: str,
    outcome: Json,
) -> None:
    receiver.answer = answer
    story = vapi.ring(number["number"], CALLER)
    assert story["outcome"]["endedReason"] == ended_reason
    assert story["outcome"].items() >= outcome.items()
    assert (story["outcome"]["seconds"], story["outcome"]["cost"]) == (0.0, 0)
    assert receiver.kinds("/number") == ["assistant-request", "status-update ended", "end-of-call-report"]
    report = receiver.received[-1].message
    assert "startedAt" not in report
    assert "startedAt" not in client.get(f"/call/{story['callId']}").json()
    if outcome.get("answeredBy") == "nobody":
        assert receiver.messages("status-update ended")[0]["inboundPhoneCallDebuggingArtifacts"][
            "assistantRequestError"
        ]


def test_an_error_of_the_server_bad_json_and_silence_fail_the_request(
    vapi: VapiSimulator, receiver: Receiver, number: Json
) -> None:
    receiver.statuses = [500]
    assert vapi.ring(number["number"], CALLER)["outcome"]["endedReason"] == "assistant-request-failed"
    receiver.text = "not json"
    assert vapi.ring(number["number"], CALLER)["outcome"]["endedReason"] == "assistant-request-failed"
    receiver.slow, vapi.exchange.request_timeout_seconds = threading.Event(), 0.1
    story = vapi.ring(number["number"], CALLER)
    receiver.slow.set()
    assert story["answered"]["status"] is None
    why = receiver.messages("status-update ended")[-1]["inboundPhoneCallDebuggingArtifacts"]["assistantRequestError"]
    assert why == "timeout of 100ms exceeded"


def test_the_fallback_destination_takes_the_caller_when_the_request_fails(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json
) -> None:
    fallback = {"type": "number", "number": "+14155550188"}
    client.patch(f"/phone-number/{number['id']}", json={"provider": "vapi", "fallbackDestination": fallback})
    receiver.statuses = [503]
    outcome = vapi.ring(number["number"], CALLER)["outcome"]
    assert (
        outcome.items()
        >= {
            "endedReason": "assistant-request-failed",
            "answeredBy": "fallbackDestination",
            "forwardedTo": "+14155550188",
        }.items()
    )
    receiver.answer = {"error": "Closed."}
    assert "forwardedTo" not in vapi.ring(number["number"], CALLER)["outcome"]


def test_hooks_act_before_and_after_the_server_is_asked(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json
) -> None:
    prefixes = [{"type": "startsWith", "key": "number", "startsWith": ["1900", "44"]}]
    destination = {"type": "number", "number": "+14155550177"}
    failures = [{"type": "oneOf", "key": "call.endedReason", "oneOf": ["assistant-request-failed"]}]
    hooks = [
        {"on": "call.ringing", "filters": prefixes, "do": [{"type": "say", "exact": "No."}]},
        {"on": "call.ending", "filters": failures, "do": {"type": "transfer", "destination": destination}},
    ]
    client.patch(f"/phone-number/{number['id']}", json={"provider": "vapi", "hooks": hooks})

    story = vapi.ring(number["number"], "+442071838750")
    assert story["asked"] is None
    assert (story["outcome"]["endedReason"], story["outcome"]["spoken"]) == ("call.ringing.hook-executed-say", "No.")

    receiver.statuses = [500]
    outcome = vapi.ring(number["number"], CALLER)["outcome"]
    assert (outcome["endedReason"], outcome["forwardedTo"]) == ("call.ending.hook-executed-transfer", "+14155550177")


def test_a_number_with_nobody_and_no_server_cannot_be_answered(vapi: VapiSimulator, client: httpx.Client) -> None:
    bought = client.post("/phone-number", json={"provider": "vapi"}).json()
    outcome = vapi.ring(bought["id"], CALLER)["outcome"]
    assert outcome["endedReason"] == "call-start-error-neither-assistant-nor-server-set"


def test_only_active_numbers_can_be_rung(connect: Connect) -> None:
    with VapiSimulator(activation_seconds=60) as vapi:
        client = connect(vapi)
        bought = client.post("/phone-number", json={"provider": "vapi"}).json()
        with pytest.raises(CannotRing, match="activating"):
            vapi.ring(bought["id"], CALLER)
        answer = client.post("/_simulator/ring", json={"from": None, "to": "+17015550100"})
        assert (answer.status_code, answer.json()) == (404, {"error": "+17015550100 is not in service"})


@pytest.mark.parametrize(
    ("ring", "customer"),
    [
        ({"from": CALLER}, {"number": CALLER}),
        ({"from": None}, {"number": "anonymous", "numberE164CheckEnabled": False}),
        ({"from": None, "anonymousAs": "missing"}, None),
        ({"from": "Restricted"}, {"number": "Restricted", "numberE164CheckEnabled": False}),
    ],
)
def test_the_caller_as_the_network_gives_it(
    client: httpx.Client, receiver: Receiver, number: Json, ring: Json, customer: Json | None
) -> None:
    receiver.answer = {"error": "Closed."}
    story = client.post("/_simulator/ring", json={"to": number["number"], **ring}).json()
    assert story["from"] == ring["from"]
    for each in receiver.received:
        assert each.message.get("customer") == customer == each.message["call"].get("customer")


@pytest.mark.parametrize(
    ("ended_reason", "expected"),
    [
        (None, "call.ringing.sip-inbound-caller-hungup-before-call-connect"),
        ("customer-ended-call", "customer-ended-call"),
    ],
)
def test_a_caller_who_gives_up_before_the_answer(
    vapi: VapiSimulator, receiver: Receiver, number: Json, assistant: Json, ended_reason: str | None, expected: str
) -> None:
    receiver.answer = answer_with(assistant)
    story = vapi.ring(number["number"], CALLER, "hang-up-before-answer", ended_reason=ended_reason)
    assert receiver.kinds() == ["assistant-request", "status-update ended", "end-of-call-report"]
    report = receiver.received[-1].message
    assert (report["endedReason"], report["cost"], "startedAt" in report) == (expected, 0, False)
    assert story["outcome"]["answeredBy"] == "nobody"


@pytest.mark.parametrize(
    ("behaviour", "ended_reason"),
    [
        ("assistant-ends", "assistant-ended-call"),
        ("silence", "silence-timed-out"),
        ("pipeline-error", "pipeline-error-openai-llm-failed"),
        ("voicemail", "voicemail"),
    ],
)
def test_other_ends(
    vapi: VapiSimulator, receiver: Receiver, number: Json, assistant: Json, behaviour: str, ended_reason: str
) -> None:
    receiver.answer = answer_with(assistant)
    assert vapi.ring(number["number"], CALLER, behaviour)["outcome"]["endedReason"] == ended_reason
    assert receiver.received[-1].message["endedReason"] == ended_reason


def test_an_assistant_that_forwards(vapi: VapiSimulator, receiver: Receiver, number: Json, assistant: Json) -> None:
    receiver.answer = answer_with(assistant)
    story = vapi.ring(number["number"], CALLER, "assistant-forwards", forward_to="+14155550166")
    assert receiver.kinds()[2:] == ["status-update forwarding", "status-update ended", "end-of-call-report"]
    assert all(each.message["destination"]["number"] == "+14155550166" for each in receiver.received[2:])
    assert (story["outcome"]["endedReason"], story["outcome"]["forwardedTo"]) == (
        "assistant-forwarded-call",
        "+14155550166",
    )


def test_the_assistants_limit_ends_a_long_call(
    vapi: VapiSimulator, receiver: Receiver, number: Json, assistant: Json
) -> None:
    receiver.answer = answer_with(assistant, maxDurationSeconds=30)
    for ring in ({"talk_seconds": 63}, {"behaviour": "max-duration"}):
        outcome = vapi.ring(number["number"], CALLER, **ring)["outcome"]
        assert (outcome["seconds"], outcome["endedReason"]) == (30.0, "exceeded-max-duration")


def test_what_the_artifact_plan_forbids_is_not_kept(
    vapi: VapiSimulator, receiver: Receiver, number: Json, assistant: Json
) -> None:
    plan = {"recordingEnabled": False, "transcriptPlan": {"enabled": False}}
    receiver.answer = answer_with(assistant, artifactPlan=plan)
    vapi.ring(number["number"], CALLER)
    report = receiver.received[-1].message
    for kept in (report, report["artifact"]):
        assert not kept.keys() & {"transcript", "recordingUrl", "stereoRecordingUrl", "recording", "presignedMonoUrl"}


def test_a_twilio_number_shows_its_secret_in_messages(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver
) -> None:
    body = {"provider": "twilio", "number": "+14155550101", "twilioAccountSid": "AC1", "twilioAuthToken": "secret"}
    client.post("/phone-number", json={**body, "server": {"url": f"{receiver.url}/number"}})
    receiver.answer = {"error": "Closed."}
    vapi.ring("+14155550101", CALLER, forwarded_from="+14155550150")
    assert all(each.message["phoneNumber"]["twilioAuthToken"] == "secret" for each in receiver.received)
    transport = receiver.received[0].message["call"]["transport"]
    assert (transport["provider"], transport["accountSid"], transport["forwardedFrom"]) == (
        "twilio",
        "AC1",
        "+14155550150",
    )


def test_a_held_call_is_in_progress_until_it_is_hung_up(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json, assistant: Json
) -> None:
    receiver.answer = answer_with(assistant)
    story = vapi.ring(number["number"], CALLER, hold=True)
    path = f"/call/{story['callId']}"
    assert story["outcome"]["status"] == client.get(path).json()["status"] == "in-progress"
    assert receiver.kinds()[1:] == ["status-update in-progress"]

    end = client.post(f"/_simulator/calls/{story['callId']}/hang-up", json={"endedReason": "silence-timed-out"}).json()
    assert [each["type"] for each in end["messages"]] == TWO_MESSAGES
    assert client.get(path).json()["endedReason"] == end["outcome"]["endedReason"] == "silence-timed-out"
    assert end["outcome"]["seconds"] >= 63
    with pytest.raises(CannotRing):
        vapi.hang_up(story["callId"])


def test_over_the_accounts_concurrency_calls_are_refused(connect: Connect) -> None:
    with VapiSimulator(activation_seconds=0, concurrency_limit=1) as vapi:
        http = connect(vapi)
        made = http.post("/assistant", json=ASSISTANT).json()
        bought = http.post("/phone-number", json={"provider": "vapi", "assistantId": made["id"]}).json()
        held = vapi.ring(bought["id"], CALLER, hold=True)
        reason = "call.start.error-subscription-concurrency-limit-reached"
        assert vapi.ring(bought["id"], CALLER)["outcome"]["endedReason"] == reason
        body = {"phoneNumberId": bought["id"], "assistantId": made["id"], "customer": {"number": CALLER}}
        assert http.post("/call", json=body).status_code == 400
        vapi.hang_up(held["callId"])
        assert vapi.ring(bought["id"], CALLER)["outcome"]["endedReason"] == "customer-ended-call"


def test_many_calls_ring_at_once(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json, assistant: Json
) -> None:
    receiver.answer = answer_with(assistant)
    rings = [Ring(number["number"], f"+1202555{line:04d}") for line in range(20)]
    stories = vapi.ring_many(rings, concurrency=8)
    assert [story["from"] for story in stories] == [ring.caller for ring in rings]
    assert len({story["callId"] for story in stories}) == 20 == len(client.get("/call").json())

    body = {"rings": [{"from": None, "to": number["id"]}, {"from": None, "to": "+17015550199"}], "concurrency": 2}
    good, bad = client.post("/_simulator/rings", json=body).json()
    assert good["outcome"]["status"] == "ended"
    assert bad["error"] == "+17015550199 is not in service"


def test_calls_are_found_by_number_assistant_and_id(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json, assistant: Json
) -> None:
    receiver.answer = answer_with(assistant)
    first = vapi.ring(number["number"], CALLER, talk_seconds=90)["callId"]
    second = vapi.ring(number["number"], CALLER, talk_seconds=30)["callId"]

    def ids(**filters: str) -> list[str]:
        return [row["id"] for row in client.get("/call", params=filters).json()]

    assert ids() == ids(phoneNumberId=number["id"]) == ids(assistantId=assistant["id"]) == [second, first]
    assert ids(id=first) == [first]
    assert ids(assistantId=first) == ids(phoneNumberId=first) == []
    assert ids(createdAtLt=client.get(f"/call/{second}").json()["createdAt"]) == [first]


def test_an_outbound_call_is_queued_rings_and_talks(
    vapi: VapiSimulator, client: httpx.Client, receiver: Receiver, number: Json, assistant: Json
) -> None:
    vapi.callee = Callee(ring_seconds=0, talk_seconds=0.05)
    body = {
        "phoneNumberId": number["id"],
        **answer_with(assistant, metadata={"testCall": True}),
        "customer": {"number": CALLER},
        "name": "test call",
        "metadata": {"a": 1},
    }
    answer = client.post("/call", json=body)
    placed = answer.json()
    assert (answer.status_code, placed["status"], placed["type"]) == (201, "queued", "outboundPhoneCall")
    assert placed["subscriptionLimits"]["remainingConcurrentCalls"] == 999

    vapi.settle()
    assert receiver.kinds() == [
        "status-update queued",
        "status-update ringing",
        "status-update in-progress",
        "status-update ended",
        "end-of-call-report",
    ]
    for each in receiver.received:
        assert each.message["call"]["status"] == "queued"
        assert each.message["call"]["metadata"] == {"a": 1}
    row = client.get(f"/call/{placed['id']}").json()
    assert (row["status"], row["endedReason"], row["name"]) == ("ended", "customer-ended-call", "test call")
    assert row["createdAt"] <= row["startedAt"] < row["endedAt"]
    assert parse(row["endedAt"]) <= now()


def test_an_outbound_call_that_nobody_takes(vapi: VapiSimulator, client: httpx.Client, number: Json) -> None:
    assert client.post("/_simulator/callee", json={"behaviour": "no-answer", "ringSeconds": 0}).status_code == 200
    body = {"phoneNumberId": number["id"], "assistant": ASSISTANT, "customers": [{"number": CALLER}, {"number": "0"}]}
    refused = client.post("/call", json=body)
    assert refused.json()["message"] == ["customers.1.number must be longer than or equal to 3 characters"]
    batch = client.post("/call", json={**body, "customers": [{"number": CALLER}, {"number": "202555"}]}).json()
    assert (len(batch["results"]), len(batch["errors"])) == (1, 1)
    vapi.settle()
    row = client.get(f"/call/{batch['results'][0]['id']}").json()
    assert (row["endedReason"], row["cost"], "startedAt" in row) == ("customer-did-not-answer", 0, False)
