"""Vapi's server messages, read leniently: what is known is taken, nothing else ever hurts."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.calls.kinds import Kind
from switchboard.calls.messages import AssistantRequest, Fact, Keep, NotVapis, Said, read_call_row, read_message
from tests.support.template import ROOT

SAMPLES = sorted((ROOT / "events" / "vapi").glob("*.json"))
NOW = 1_785_870_000_000
CALL = {
    "id": "01990c1e-7a10-7bb4-9f0e-3d2f6a4b5c01",
    "type": "inboundPhoneCall",
    "createdAt": "2026-08-04T17:00:00.000Z",
}
CREATED = 1_785_862_800_000
IN_CALL = "01990c1e-7a10-7bb4-9f0e-3d2f6a4b5c01"
OUT_CALL = "01990c1e-7a10-7bb4-9f0e-3d2f6a4b5c02"

MEANING: dict[str, Kind | type[AssistantRequest]] = {
    "assistant-request.anonymous-caller": AssistantRequest,
    "assistant-request.twilio-forwarded-from": AssistantRequest,
    "assistant-request.vapi-number": AssistantRequest,
    "end-of-call-report.assistant-request-failed": Kind.REPORT,
    "end-of-call-report.completed": Kind.REPORT,
    "end-of-call-report.concurrency-limit": Kind.REPORT,
    "end-of-call-report.forwarded": Kind.REPORT,
    "end-of-call-report.no-answer.outbound": Kind.REPORT,
    "end-of-call-report.rejected-by-error-response": Kind.REPORT,
    "end-of-call-report.voicemail.outbound": Kind.REPORT,
    "status-update.ended.assistant-request-failed": Kind.ENDED,
    "status-update.ended.concurrency-limit": Kind.ENDED,
    "status-update.ended.customer-ended-call": Kind.ENDED,
    "status-update.ended.forwarded": Kind.ENDED,
    "status-update.ended.no-answer.outbound": Kind.ENDED,
    "status-update.ended.rejected-by-error-response": Kind.ENDED,
    "status-update.forwarding": Kind.FORWARDING,
    "status-update.in-progress": Kind.IN_PROGRESS,
    "status-update.in-progress.outbound": Kind.IN_PROGRESS,
    "status-update.queued.outbound": Kind.DIALLING,
    "status-update.ringing.outbound": Kind.DIALLING,
    "status-update.scheduled.outbound": Kind.DIALLING,
}
"""By sample; the others say nothing of a call's life."""


def sample(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((ROOT / "events" / "vapi" / f"{name}.json").read_text())
    return body


def told(**message: Any) -> Fact | AssistantRequest | None:
    return read_message({"message": {"timestamp": CREATED + 1, "call": CALL, **message}}, NOW)


def fact(**message: Any) -> Fact:
    read = told(**message)
    assert isinstance(read, Fact)
    return read


def test_every_sample_has_a_meaning_that_is_stated_or_none() -> None:
    assert MEANING.keys() <= {path.stem for path in SAMPLES}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_means_what_it_says(path: Path) -> None:
    body = json.loads(path.read_text())
    read = read_message(body, NOW)
    meaning = MEANING.get(path.stem)
    if meaning is None:
        assert read is None
        return
    assert read is not None
    assert read.at == body["message"]["timestamp"]
    assert read.call_id == (OUT_CALL if "outbound" in path.stem else IN_CALL)
    assert read.facts["direction"] == ("outbound" if "outbound" in path.stem else "inbound")
    assert read.facts["createdAt"] == CREATED
    if isinstance(meaning, Kind):
        assert isinstance(read, Fact)
        assert read.kind == meaning
    else:
        assert isinstance(read, meaning)


def test_a_report_is_read_whole() -> None:
    read = read_message(sample("end-of-call-report.completed"), NOW)
    assert isinstance(read, Fact)
    assert read.facts == {
        "createdAt": CREATED,
        "direction": "inbound",
        "customer": "+12025550123",
        "ours": "+14155550100",
        "assistantId": "5b0a4a08-0000-4000-8000-0000008c6be8",
        "reason": "customer-ended-call",
        "startedAt": CREATED + 2300,
        "endedAt": CREATED + 65_000,
        "cost": Decimal("10.12"),
        "costs": {"stt": Decimal("1.04"), "llm": Decimal("0.21"), "tts": Decimal("3.64"), "vapi": Decimal("5.23")},
        "summary": "Caller asked for opening hours.",
        "success": "true",
        "spoke": True,
    }


KEPT = {"voicemail": {"recording": True, "transcript": True}}


@pytest.mark.parametrize(
    "holder",
    [
        {"assistant": {"metadata": KEPT}},
        {"call": {"assistant": {"metadata": KEPT}}},
        {"call": {"assistantOverrides": {"metadata": KEPT}}},
        {"call": {"metadata": KEPT}},
    ],
    ids=["assistant", "call.assistant", "call.assistantOverrides", "call"],
)
def test_a_message_taken_is_known_wherever_vapi_gives_our_metadata_back(holder: dict[str, Any]) -> None:
    body = sample("end-of-call-report.completed")
    message = body["message"]
    message["call"] |= holder.get("call", {})
    message |= {name: value for name, value in holder.items() if name != "call"}
    read = read_message(body, NOW)
    assert isinstance(read, Fact)
    assert read.facts["voicemail"] is True
    assert read.facts["transcript"]


RECORDING = f"https://storage.vapi.ai/{IN_CALL}-mono.wav"
WORDS = [
    {"role": "bot", "message": "Thanks for calling.", "time": CREATED + 3300, "endTime": CREATED + 5300},
    {"role": "user", "message": "Is anybody there?", "time": CREATED + 6300},
]


def report(keep: Any, where: str = "assistantOverrides", **metadata: Any) -> dict[str, Any]:
    """The message of a report whose call's metadata says what may be kept."""
    message: dict[str, Any] = sample("end-of-call-report.completed")["message"]
    message["call"][where] = {"metadata": {"numberId": "pn_1", "keep": keep, **metadata}}
    message["artifact"] |= {
        "transcript": "AI: Thanks for calling.\nUser: Is anybody there?\n",
        "messages": [{"role": "system", "message": "You answer the phone."}, *WORDS, {"role": "tool"}, None],
    }
    return message


def read_report(message: dict[str, Any]) -> Fact:
    read = read_message({"message": message}, NOW)
    assert isinstance(read, Fact)
    return read


@pytest.mark.parametrize("where", ["assistant", "assistantOverrides", "squadOverrides"])
def test_what_may_be_kept_is_known_wherever_vapi_gives_our_metadata_back(where: str) -> None:
    message = report({"recording": True, "transcript": True})
    held = message["call"].pop("assistantOverrides")
    message["call"][where] = held
    read = read_report(message)
    assert read.facts["recordingUrl"] == RECORDING
    assert read.said == Said("AI: Thanks for calling.\nUser: Is anybody there?", WORDS)
    assert "transcript" not in read.facts


@pytest.mark.parametrize("recording", [True, False])
@pytest.mark.parametrize("transcript", [True, False])
def test_of_what_may_be_kept_each_is_kept_by_itself(recording: bool, transcript: bool) -> None:
    read = read_report(report({"recording": recording, "transcript": transcript}))
    assert ("recordingUrl" in read.facts, read.said is not None) == (recording, transcript)


@pytest.mark.parametrize(
    "metadata",
    [
        {"keep": None},
        {"keep": {}},
        {"keep": {"recording": "yes", "transcript": 1}},
        {"keep": {"recording": True, "transcript": True}, "numberId": None},
    ],
    ids=["null", "empty", "no-booleans", "not-ours"],
)
def test_nothing_is_kept_of_a_call_of_which_we_did_not_say_so(metadata: dict[str, Any]) -> None:
    message = report(None)
    message["call"]["assistantOverrides"]["metadata"] |= metadata
    if metadata.get("numberId", "") is None:
        del message["call"]["assistantOverrides"]["metadata"]["numberId"]
    read = read_report(message)
    assert "recordingUrl" not in read.facts
    assert read.said is None


def test_of_a_message_taken_the_record_keeps_what_was_said() -> None:
    keep = {"recording": True, "transcript": True}
    read = read_report(report(keep, voicemail={"recording": False, "transcript": True}))
    assert "recordingUrl" not in read.facts
    assert read.facts["transcript"].startswith("AI: Thanks")
    assert read.said is None


def test_what_was_said_can_be_stored_whatever_characters_it_holds() -> None:
    message = report({"transcript": True})
    message["artifact"] = {"transcript": "User: \ud83d", "messages": [{"role": "user", "message": "\ud83d"}]}
    assert read_report(message).said == Said("User: ?", [{"role": "user", "message": "?"}])


def test_a_call_in_which_nothing_was_said_has_no_transcript() -> None:
    message = report({"transcript": True})
    message["artifact"] = {"transcript": " ", "messages": WORDS}
    message.pop("transcript", None)
    assert read_report(message).said is None


@pytest.mark.parametrize("told", [None, {}, {"recording": True, "transcript": True}, {"recording": True}])
@pytest.mark.parametrize("settings", [Keep(), Keep(True, True), Keep(recording=True), Keep(transcript=True)])
def test_of_a_row_is_kept_what_the_number_lets_be_kept_now_and_did_when_the_call_came(
    told: dict[str, Any] | None, settings: Keep
) -> None:
    message = report(told)
    if told is None:
        del message["call"]["assistantOverrides"]
    row = {**message["call"], **ROW, **{name: message[name] for name in ("artifact", "analysis")}}
    read = read_call_row(row, settings)
    assert read is not None
    may = Keep(True, True) if told is None else Keep(told.get("recording") is True, told.get("transcript") is True)
    assert ("recordingUrl" in read.facts) == (settings.recording and may.recording)
    assert (read.said is not None) == (settings.transcript and may.transcript)


@pytest.mark.parametrize(
    ("artifact", "spoke"),
    [
        ({"messages": [{"role": "user", "message": "Hello?"}]}, True),
        ({"messages": [{"role": "user", "message": " "}, {"role": "bot", "message": "Bye."}]}, None),
        ({"messages": "none", "transcript": "AI: Bye.\nUser: Hello?"}, True),
        ({"messages": [None, 5], "transcript": "AI: say User: now\nUser:\n"}, None),
        ({}, None),
    ],
)
def test_whether_the_caller_said_anything(artifact: dict[str, Any], spoke: bool | None) -> None:
    body = sample("end-of-call-report.completed")
    body["message"]["artifact"] = artifact
    for name in ("messages", "transcript"):
        body["message"].pop(name, None)
    read = read_message(body, NOW)
    assert isinstance(read, Fact)
    assert read.facts.get("spoke") is spoke


@pytest.mark.parametrize("name", ["assistant-request.twilio-forwarded-from", "end-of-call-report.completed"])
def test_nothing_is_copied_but_what_the_ledger_uses(name: str) -> None:
    body = sample(name)
    body["message"]["phoneNumber"] |= {"twilioAuthToken": "SECRET", "server": {"secret": "SECRET"}}
    body["message"]["call"]["transport"]["accountSid"] = "SECRET"
    body["message"]["call"]["monitor"] = {"controlUrl": "https://SECRET"}
    body["message"]["assistant"] = {"model": {"messages": [{"content": "SECRET"}]}}
    assert "SECRET" not in repr(read_message(body, NOW))


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        (1785862802300, 1_785_862_802_300),
        (1785862802300.7, 1_785_862_802_300),
        ("2026-08-04T17:00:02.300Z", 1_785_862_802_300),
        ("2026-08-04T19:00:02.300+02:00", 1_785_862_802_300),
        ("2026-08-04T17:00:02.300", 1_785_862_802_300),
    ],
)
def test_an_instant_may_be_milliseconds_or_iso_8601(written: Any, instant: int) -> None:
    assert fact(type="status-update", status="in-progress", timestamp=written).at == instant
    assert fact(type="end-of-call-report", startedAt=written).facts["startedAt"] == instant


@pytest.mark.parametrize(
    "written",
    [
        *(None, "", "soon", True, [], {}, -1, 0, float("nan"), float("inf"), 1e300, 10**20),
        *("1969-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"),
    ],
)
def test_an_instant_that_cannot_be_one_is_as_good_as_none(written: Any) -> None:
    read = fact(type="end-of-call-report", timestamp=written, startedAt=written, call={**CALL, "createdAt": written})
    assert read.at == NOW
    assert {"startedAt", "createdAt"}.isdisjoint(read.facts)


@pytest.mark.parametrize(
    ("dollars", "cents"),
    [
        (0.1012, Decimal("10.12")),
        (0, Decimal(0)),
        (1e-7, Decimal(0)),
        (12, Decimal(1200)),
        (0.000125, Decimal("0.0125")),
    ],
)
def test_dollars_become_exact_cents(dollars: float, cents: Decimal) -> None:
    assert fact(type="end-of-call-report", cost=dollars).facts["cost"] == cents


@pytest.mark.parametrize("dollars", [None, "0.10", True, -0.01, float("nan"), float("inf"), 1e300, [], {}])
def test_a_cost_that_cannot_be_one_is_as_good_as_none(dollars: Any) -> None:
    assert "cost" not in fact(type="end-of-call-report", cost=dollars).facts


def test_what_is_missing_is_left_out() -> None:
    read = read_message({"message": {"type": "end-of-call-report", "call": {"id": "c1"}}}, NOW)
    assert read == Fact("c1", Kind.REPORT, NOW, {})


@pytest.mark.parametrize("odd", [None, 7, "text", [], [1], {"number": 5}, {"number": None}, {"id": []}, True])
@pytest.mark.parametrize(
    "key", ["customer", "phoneNumber", "artifact", "analysis", "destination", "endedReason", "cost"]
)
def test_a_key_of_the_wrong_type_is_as_good_as_none(key: str, odd: Any) -> None:
    known = fact(type="end-of-call-report", **{key: odd}).facts.keys() - {"reason"}
    assert known <= {"createdAt", "direction", "cost"}


@pytest.mark.parametrize(
    "call", [None, [], "c1", {}, {"id": None}, {"id": 5}, {"id": ""}, {"id": "#" * 300}, {"id": "é"}]
)
def test_a_message_of_no_call_says_nothing(call: Any) -> None:
    assert told(type="end-of-call-report", call=call) is None


@pytest.mark.parametrize("kind", ["webCall", "vapi.websocketCall", "", 5, [], {}])
def test_a_call_that_is_no_telephone_call_says_nothing(kind: Any) -> None:
    assert told(type="end-of-call-report", call={**CALL, "type": kind}) is None


@pytest.mark.parametrize("kind", ["something-new", "", "hang", 'transcript[transcriptType="final"]'])
def test_an_unknown_type_says_nothing(kind: str) -> None:
    assert told(type=kind) is None


@pytest.mark.parametrize("status", ["not-found", "deletion-failed", "something-new", None, 5, []])
def test_an_unknown_status_says_nothing(status: Any) -> None:
    assert told(type="status-update", status=status) is None


@pytest.mark.parametrize("body", [None, [], 5, "text", {}, {"message": None}, {"message": []}, {"message": {}}])
def test_what_is_no_server_message_is_not_vapis(body: Any) -> None:
    with pytest.raises(NotVapis):
        read_message(body, NOW)


@pytest.mark.parametrize("kind", [None, 5, [], {}])
def test_a_message_without_a_type_is_not_vapis(kind: Any) -> None:
    with pytest.raises(NotVapis):
        told(type=kind)


def test_a_masked_number_is_no_fact() -> None:
    assert "ours" not in fact(type="end-of-call-report", phoneNumber={"number": "+1415****0100"}).facts


def test_a_sip_caller_is_known_by_the_address() -> None:
    read = fact(type="end-of-call-report", customer={"sipUri": "sip:pat@example.com"})
    assert read.facts["customer"] == "sip:pat@example.com"


@pytest.mark.parametrize(
    ("told_of", "customer"),
    [
        ({"name": "Pat"}, "+12025550123"),
        ({"number": None, "sipUri": None}, "+12025550123"),
        ({"number": ""}, "+12025550123"),
        ({"number": " ", "sipUri": "sip:pat@example.com"}, "sip:pat@example.com"),
        ({"number": 12025550199}, "+12025550123"),
        ({"number": "+12025550199"}, "+12025550199"),
        ({"sipUri": "sip:pat@example.com"}, "sip:pat@example.com"),
    ],
)
def test_a_customer_without_a_number_hides_none(told_of: dict[str, Any], customer: str) -> None:
    call = {**CALL, "customer": {"number": "+12025550123"}}
    for kind in ("assistant-request", "end-of-call-report"):
        read = told(type=kind, call=call, customer=told_of)
        assert isinstance(read, AssistantRequest | Fact)
        assert read.facts["customer"] == customer


@pytest.mark.parametrize(
    "where", [{"assistantOverrides": {"metadata": {"testCall": True}}}, {"metadata": {"testCall": True}}]
)
def test_a_test_call_is_known_by_its_metadata(where: dict[str, Any]) -> None:
    assert fact(type="end-of-call-report", call={**CALL, **where}).facts["test"] is True


@pytest.mark.parametrize(("length", "is_kept"), [(1001, True), (4096, True), (4097, False)])
def test_a_recordings_link_is_kept_whole_or_not_at_all(length: int, *, is_kept: bool) -> None:
    link = "https://example.com/recording.wav?signature=".ljust(length, "x")
    message = report({"recording": True})
    message["artifact"] = {"recordingUrl": link}
    assert read_report(message).facts.get("recordingUrl") == (link if is_kept else None)


def test_texts_are_cut_so_that_a_record_stays_small() -> None:
    long = "𝄞" * 500_000
    read = fact(
        type="end-of-call-report",
        endedReason=long,
        customer={"number": long},
        phoneNumber={"number": long},
        destination={"number": long},
        artifact={"recordingUrl": long},
        analysis={"summary": long, "successEvaluation": long},
        call={**CALL, "assistantId": long, "squadId": long, "workflowId": long},
    )
    assert len(repr(read).encode()) < 32_000


def test_texts_can_be_stored_whatever_characters_they_hold() -> None:
    read = fact(type="end-of-call-report", analysis={"summary": "half a \ud83d pair"})
    read.facts["summary"].encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["number", "ended"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["call", "customer", "phoneNumber", "timestamp", "status", "endedReason", "startedAt", "endedAt", "cost"]
KEYS += [
    "costs",
    "costBreakdown",
    "destination",
    "artifact",
    "analysis",
    "summary",
    "recordingUrl",
    "inboundPhoneCallDebuggingArtifacts",
]
CALLS = st.fixed_dictionaries(
    {"id": st.just("c1") | JSON},
    optional=dict.fromkeys(("type", "createdAt", "customer", "metadata", "assistantOverrides", "assistantId"), JSON),
)
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(["assistant-request", "status-update", "end-of-call-report"]) | JSON},
    optional={**dict.fromkeys(KEYS, JSON), "call": CALLS | JSON, "status": st.sampled_from(["ended", "queued"])},
)


@given(JSON | st.fixed_dictionaries({"message": MESSAGES | JSON}))
def test_no_json_does_harm(body: Any) -> None:
    try:
        read = read_message(body, NOW)
    except NotVapis:
        return
    if read is not None:
        assert 0 < read.at < 10**14
        assert len(f"CALL#{read.call_id}".encode()) <= 1024
        repr(read.facts).encode()


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "type", "status", "updatedAt", *KEYS), JSON)))
def test_no_row_does_harm(row: dict[str, Any]) -> None:
    read_call_row({"id": "c1", "type": "inboundPhoneCall", "status": "ended", "updatedAt": NOW, **row})


ROW = {**CALL, "status": "ended", "updatedAt": "2026-08-04T17:01:10.000Z", "customer": {"number": "+12025550123"}}


def test_a_row_of_an_ended_call_says_what_the_report_would() -> None:
    report = sample("end-of-call-report.completed")["message"]
    row = {
        **report["call"],
        **ROW,
        **{k: report[k] for k in ("startedAt", "endedAt", "cost", "costs", "analysis", "artifact")},
    }
    read = read_call_row({**row, "endedReason": report["endedReason"]})
    expected = read_message({"message": report}, NOW)
    assert isinstance(expected, Fact)
    known = {name: value for name, value in expected.facts.items() if name not in ("ours", "recordingUrl")}
    assert read is not None
    assert (read.kind, read.at) == (Kind.LISTED, CREATED + 70_000)
    assert known.items() <= read.facts.items()
    assert read.facts["ended"] is True


@pytest.mark.parametrize(
    ("status", "started"), [("in-progress", True), ("forwarding", True), ("ringing", False), ("queued", False)]
)
def test_a_row_of_a_call_that_goes_on_says_since_when_somebody_talks_and_nothing_of_its_end(
    status: str, *, started: bool
) -> None:
    read = read_call_row({**ROW, "status": status, "startedAt": "2026-08-04T17:00:02Z", "endedReason": "x"})
    assert read is not None
    who = {"createdAt": CREATED, "direction": "inbound", "customer": "+12025550123"}
    assert read.facts == who | ({"status": status, "startedAt": CREATED + 2_000} if started else {})


def test_a_call_that_goes_on_since_nobody_says_when_does_so_since_it_came_to_be() -> None:
    read = read_call_row({**ROW, "status": "in-progress"})
    assert read is not None
    assert read.facts["startedAt"] == CREATED


@pytest.mark.parametrize("odd", [{"type": "webCall"}, {"type": None}, {"id": None}, {"updatedAt": None}, {"type": []}])
def test_a_row_that_is_no_telephone_call_says_nothing(odd: dict[str, Any]) -> None:
    assert read_call_row({**ROW, **odd}) is None
