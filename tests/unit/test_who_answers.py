"""How Vapi is told who answers a call, and what of the stored number that takes (the decision: test_decision.py)."""

import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from switchboard.routing.answer import NOBODY_THERE, OUR_MESSAGES, answer
from switchboard.routing.decide import Decision, decide
from switchboard.routing.number import Answerer, IncomingCall, Number, number_from_item
from tests.support.template import ROOT
from tests.unit.made import AT, NUMBER, e164s, texts

FORWARD_TO = "+442071838750"
CALL = IncomingCall("call-1", "+14155550123")
NUMBER_ID = "pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD"
PLAIN = Number(NUMBER_ID, "acme", NUMBER, "active", "both")
ASSISTED = replace(PLAIN, answerer=Answerer("assistant-1", "assistant"))


def decided(number: Number) -> Decision:
    return decide(number, CALL, AT)


def assigned(number: Number = PLAIN, **profile: Any) -> Number:
    return replace(number, answerer=Answerer("assistant-1", "assistant", **profile))


def answered(number: Number) -> dict[str, Any]:
    return answer(decided(number), number)


def overrides(number: Number) -> dict[str, Any]:
    found: dict[str, Any] = answered(number)["assistantOverrides"]
    return found


answerers = st.builds(
    Answerer,
    id=texts(64),
    type=st.sampled_from(["assistant", "squad", "workflow"]),
    own_server=st.booleans(),
    server_messages=st.none()
    | st.lists(st.sampled_from(["hang", "tool-calls", *OUR_MESSAGES]), unique=True).map(tuple),
    metadata=st.dictionaries(texts(5), st.integers() | texts(5), max_size=3),
    plans_differ=st.booleans(),
    artifact_plan=st.fixed_dictionaries(
        {},
        optional={
            "recordingEnabled": st.booleans(),
            "recordingFormat": st.just("mp3"),
            "transcriptPlan": st.none() | st.fixed_dictionaries({}, optional={"assistantName": texts(5)}),
        },
    ),
)
numbers = st.builds(
    Number,
    id=st.just(NUMBER_ID),
    business=texts(10),
    phone_number=st.none() | e164s,
    status=st.just("active") | st.text(),
    direction=st.sampled_from(["inbound", "both"]) | st.text(),
    answerer=st.none() | answerers,
    forwarding_enabled=st.booleans(),
    forwarding_number=st.none() | e164s,
    reject_message=st.none() | texts(50),
    max_duration_seconds=st.none() | st.integers(10, 43_200),
    recording_enabled=st.none() | st.booleans(),
    transcription_enabled=st.none() | st.booleans(),
)
calls = st.builds(IncomingCall, id=st.text(), caller=st.none() | e164s | st.text())

# ---- the answer ----

E164 = {"type": "string", "pattern": r"^\+[1-9][0-9]{6,14}$"}
ID = {"type": "string", "minLength": 1}
VARIABLES = {"type": "object", "required": ["businessName", "isOpen"]}
OVERRIDES: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["metadata", "variableValues"],
    "properties": {
        "variableValues": VARIABLES,
        "metadata": {"type": "object", "required": ["numberId"]},
        "serverMessages": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "artifactPlan": {
            "type": "object",
            "properties": {
                "recordingEnabled": {"type": "boolean"},
                "transcriptPlan": {"type": ["object", "null"], "properties": {"enabled": {"type": "boolean"}}},
            },
        },
        "maxDurationSeconds": {"type": "integer", "minimum": 10, "maximum": 43_200},
    },
}

OF_SQUADS = {
    **OVERRIDES,
    "required": ["variableValues"],
    "properties": {
        **{name: value for name, value in OVERRIDES["properties"].items() if name != "metadata"},
        "variableValues": {"type": "object", "required": ["businessName", "isOpen", "switchboard"]},
    },
}
"""Without metadata, of which each member has its own."""


def form(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


VAPI_TAKES = Draft202012Validator(
    {
        "oneOf": [
            form(error={"type": "string", "minLength": 1}),
            form(destination=form(type={"const": "number"}, number=E164, message={"type": "string"})),
            form(assistantId=ID, assistantOverrides=OVERRIDES),
            form(squadId=ID, squadOverrides=OF_SQUADS),
            form(workflowId=ID, workflowOverrides=form(variableValues=VARIABLES)),
        ]
    }
)
"""The answers to an assistant-request that we give, by Vapi's OpenAPI document and its bounds."""


@given(numbers, calls)
def test_any_decision_is_an_answer_that_vapi_takes(number: Number, call: IncomingCall) -> None:
    body = json.loads(json.dumps(answer(decide(number, call, AT), number)))
    VAPI_TAKES.validate(body)


@given(numbers)
def test_an_answer_never_takes_an_assistants_server_away(number: Number) -> None:
    assert '"server"' not in json.dumps(answered(number))
    assert '"serverUrl"' not in json.dumps(answered(number))


SAID = {"businessName": "acme", "isOpen": True}
OURS = {"numberId": NUMBER_ID, "keep": {"recording": False, "transcript": False}}
"""What comes back with the messages of a call where nothing was asked to be kept."""

ANSWERS = [
    pytest.param(PLAIN, {"error": NOBODY_THERE}, id="a rejection always says something"),
    pytest.param(replace(PLAIN, reject_message=""), {"error": NOBODY_THERE}, id="also where its text is empty"),
    pytest.param(
        replace(PLAIN, reject_message="We moved."), {"error": "We moved."}, id="in the owner's words if there are"
    ),
    pytest.param(
        replace(PLAIN, forwarding_number=FORWARD_TO),
        {"destination": {"type": "number", "number": FORWARD_TO, "message": ""}},
        id="a forward is silent and keeps the caller's number",
    ),
    pytest.param(
        ASSISTED,
        {
            "assistantId": "assistant-1",
            "assistantOverrides": {"metadata": OURS, "variableValues": SAID},
        },
        id="an assistant gets our metadata and what it may say",
    ),
    pytest.param(
        replace(PLAIN, answerer=Answerer("squad-1", "squad"), max_duration_seconds=60),
        {
            "squadId": "squad-1",
            "squadOverrides": {"variableValues": {**SAID, "switchboard": OURS}, "maxDurationSeconds": 60},
        },
        id="a squad's members keep their metadata, and ours is among the values of the call",
    ),
    pytest.param(
        replace(PLAIN, answerer=Answerer("workflow-1", "workflow"), recording_enabled=True, max_duration_seconds=60),
        {"workflowId": "workflow-1", "workflowOverrides": {"variableValues": SAID}},
        id="a workflow's overrides know variables alone",
    ),
]


HOURS = {
    "timezone": "America/New_York",
    "openingHoursSpecification": [{"dayOfWeek": ["Tuesday", "Wednesday"], "opens": "09:00", "closes": "17:00"}],
    "specialOpeningHoursSpecification": [
        {
            "name": "Founders",
            "validFrom": "2026-08-05",
            "validThrough": "2026-08-05",
            "opens": "10:00",
            "closes": "11:00",
        }
    ],
}
"""Open at AT, which is a Tuesday at 13:00 in New York."""

SPOKEN: list[Any] = [
    pytest.param({}, AT, {"businessName": "acme", "isOpen": True}, id="without hours it is always open"),
    pytest.param(
        {"name": "Front desk", "businessHours": HOURS},
        AT,
        {"businessName": "Front desk", "isOpen": True, "closesAt": "Tuesday 4 August at 17:00"},
        id="open, under the number's name",
    ),
    pytest.param(
        {"businessHours": HOURS},
        AT + 5 * 3600,
        {"businessName": "acme", "isOpen": False, "nextOpenAt": "Wednesday 5 August at 10:00"},
        id="closed",
    ),
    pytest.param(
        {"businessHours": HOURS},
        AT + 20 * 3600,
        {"businessName": "acme", "isOpen": False, "nextOpenAt": "Wednesday 5 August at 10:00", "holiday": "Founders"},
        id="on a special day",
    ),
]


@pytest.mark.parametrize(("item", "at", "variables"), SPOKEN)
def test_what_an_assistant_may_say_is_in_words_of_the_business_own_clocks(
    item: dict[str, Any], at: int, variables: dict[str, Any]
) -> None:
    kept = {"id": NUMBER_ID, "business": "acme", "status": "active", "direction": "both"}
    number = number_from_item({**kept, "assistant": {"id": "assistant-1", "type": "assistant"}, **item})
    told = answer(decide(number, CALL, at), number)
    assert told["assistantOverrides"]["variableValues"] == variables


def test_the_readme_and_the_contract_name_all_that_an_assistant_may_say() -> None:
    names = {name for case in SPOKEN for name in case.values[2]}
    readme = (ROOT / "README.md").read_text()
    assert set(re.findall(r"`\{\{(\w+)\}\}`", readme)) == names
    contract = json.loads((ROOT / "docs/openapi.json").read_text())["components"]["schemas"]["VapiAssistant"]
    assert set(re.findall(r"\{\{(\w+)\}\}", contract["description"])) == names


@pytest.mark.parametrize(("number", "body"), ANSWERS)
def test_the_answer_in_vapis_words(number: Number, body: dict[str, Any]) -> None:
    assert answered(number) == body


MESSAGES = [
    pytest.param({}, None, id="Vapi's default holds both of ours already"),
    pytest.param({"server_messages": ("hang",)}, ["hang", *OUR_MESSAGES], id="both are added to a list without them"),
    pytest.param(
        {"server_messages": ("end-of-call-report", "hang")},
        ["end-of-call-report", "hang", "status-update"],
        id="only the missing one is added",
    ),
    pytest.param({"server_messages": OUR_MESSAGES}, None, id="nothing is added to a list with both"),
    pytest.param({"server_messages": ()}, [*OUR_MESSAGES], id="an empty list gets both"),
    pytest.param(
        {"server_messages": ("hang",), "own_server": True}, None, id="an assistant with its own server keeps its list"
    ),
]


@pytest.mark.parametrize(("profile", "messages"), MESSAGES)
def test_our_messages_are_added_only_where_they_are_needed(profile: dict[str, Any], messages: list[str] | None) -> None:
    assert overrides(assigned(**profile)).get("serverMessages") == messages


def test_the_assistants_own_metadata_goes_along() -> None:
    assert overrides(assigned(metadata={"tier": "gold"}))["metadata"] == {"tier": "gold"} | OURS


@pytest.mark.parametrize("answerer", [Answerer("a1", "assistant", metadata={"keep": "all"}), Answerer("s1", "squad")])
@pytest.mark.parametrize("recording", [None, False, True])
@pytest.mark.parametrize("transcript", [None, False, True])
def test_an_answer_says_what_may_be_kept_which_is_only_what_was_asked_for(
    answerer: Answerer, recording: bool | None, transcript: bool | None
) -> None:
    number = replace(PLAIN, answerer=answerer, recording_enabled=recording, transcription_enabled=transcript)
    kept = {"recording": recording is True, "transcript": transcript is True}
    told = answered(number)[f"{answerer.type}Overrides"]
    marks = told["metadata"] if answerer.type == "assistant" else told["variableValues"]["switchboard"]
    assert marks == {"numberId": NUMBER_ID, "keep": kept}


PLANS = [
    pytest.param({}, {}, None, id="nothing set leaves the assistant's plan alone"),
    pytest.param({}, {"recordingEnabled": False}, None, id="also where it has one"),
    pytest.param({"recording_enabled": True}, {}, {"recordingEnabled": True}, id="recording is switched on"),
    pytest.param(
        {"recording_enabled": False},
        {"recordingEnabled": True, "recordingFormat": "mp3"},
        {"recordingEnabled": False, "recordingFormat": "mp3"},
        id="recording is switched off, the rest goes along",
    ),
    pytest.param(
        {"transcription_enabled": False},
        {"transcriptPlan": {"assistantName": "Ann", "enabled": True}},
        {"transcriptPlan": {"assistantName": "Ann", "enabled": False}},
        id="transcription is switched off within its plan",
    ),
    pytest.param(
        {"transcription_enabled": True},
        {"transcriptPlan": None},
        {"transcriptPlan": {"enabled": True}},
        id="transcription is switched on where its plan is null",
    ),
    pytest.param(
        {"recording_enabled": True}, {"recordingEnabled": True}, None, id="what is set already needs no override"
    ),
]


@pytest.mark.parametrize(("settings", "plan", "sent"), PLANS)
def test_recording_and_transcription_are_merged_into_the_assistants_plan(
    settings: dict[str, Any], plan: dict[str, Any], sent: dict[str, Any] | None
) -> None:
    number = assigned(replace(PLAIN, **settings), artifact_plan=plan)
    assert overrides(number).get("artifactPlan") == sent


def test_a_limit_of_duration_is_sent_with_the_answer() -> None:
    assert overrides(assigned(replace(PLAIN, max_duration_seconds=90)))["maxDurationSeconds"] == 90
    assert "maxDurationSeconds" not in overrides(ASSISTED)


def test_another_answerer_than_the_assigned_one_gets_nothing_of_its_settings() -> None:
    body = answer(Decision("assistant", "rule", id="other"), assigned(metadata={"tier": "gold"}))
    assert body == {
        "assistantId": "other",
        "assistantOverrides": {"metadata": OURS, "variableValues": SAID},
    }


# ---- the number as the call plane reads it ----


def test_a_stored_number_is_read_with_what_the_answer_needs() -> None:
    item = {
        "id": NUMBER_ID,
        "business": "acme",
        "phoneNumber": NUMBER,
        "status": "active",
        "direction": "both",
        "assistant": {"id": "assistant-1", "type": "assistant", "name": "Front desk"},
        "profile": json.dumps(
            {
                "ownServer": True,
                "serverMessages": ["hang"],
                "metadata": {"a": 1},
                "artifactPlan": {"recordingEnabled": True},
            }
        ),
        "forwardingEnabled": True,
        "forwardingNumber": FORWARD_TO,
        "inboundSettings": {"rejectMessage": "We moved.", "maxDurationSeconds": Decimal(90)},
        "recordingEnabled": False,
        "transcriptionEnabled": True,
    }
    assert number_from_item(item) == Number(
        id=NUMBER_ID,
        business="acme",
        phone_number=NUMBER,
        status="active",
        direction="both",
        answerer=Answerer("assistant-1", "assistant", True, ("hang",), {"a": 1}, {"recordingEnabled": True}),
        forwarding_enabled=True,
        forwarding_number=FORWARD_TO,
        reject_message="We moved.",
        max_duration_seconds=90,
        recording_enabled=False,
        transcription_enabled=True,
    )


def test_what_a_stored_number_lacks_has_its_default() -> None:
    item = {"id": NUMBER_ID, "business": "acme", "status": "inactive", "direction": "both"}
    assert number_from_item(item) == Number(NUMBER_ID, "acme", None, "inactive", "both")


@pytest.mark.parametrize("profile", [None, "", "{}", '{"serverMessages":null,"metadata":null,"artifactPlan":null}'])
def test_an_assistant_of_which_nothing_is_known_is_left_as_it_is(profile: str | None) -> None:
    item = {"id": NUMBER_ID, "business": "acme", "status": "active", "direction": "both", "profile": profile}
    number = number_from_item({**item, "assistant": {"id": "assistant-1", "type": "assistant"}})
    assert number.answerer == Answerer("assistant-1", "assistant")
