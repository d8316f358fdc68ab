"""The specification's 49 properties are fields of VapiPhoneNumber, under these names and of these types."""

import json
from decimal import Decimal
from typing import Any

import pytest

from switchboard.model.number import CONFIGURABLE, COUNTERS, READ_ONLY, VapiPhoneNumber
from tests.unit.made import AT, active, shown

SPECIFIED = {
    "id": "string",
    "phoneNumber": "string",
    "business": "[[Business]]",
    "assistant": "[[VapiAssistant]]",
    "name": "string",
    "description": "string",
    "status": "string",
    "type": "string",
    "provider": "string",
    "country": "string",
    "region": "string",
    "city": "string",
    "areaCode": "string",
    "capabilities": "object",
    "direction": "string",
    "purchaseDate": "number",
    "activationDate": "number",
    "monthlyFee": "number",
    "perMinuteCost": "number",
    "setupFee": "number",
    "inboundSettings": "object",
    "outboundSettings": "object",
    "voicemailEnabled": "boolean",
    "voicemailUrl": "[[URL]]",
    "recordingEnabled": "boolean",
    "transcriptionEnabled": "boolean",
    "callerIdName": "string",
    "forwardingEnabled": "boolean",
    "forwardingNumber": "string",
    "businessHours": "object",
    "afterHoursAction": "string",
    "afterHoursMessage": "string",
    "blockedNumbers": "string[]",
    "allowedNumbers": "string[]",
    "spamFilter": "boolean",
    "maxConcurrentCalls": "number",
    "callRoutingRules": "object[]",
    "webhookUrl": "[[URL]]",
    "webhookSecret": "string",
    "totalCalls": "number",
    "inboundCalls": "number",
    "outboundCalls": "number",
    "averageCallDuration": "number",
    "totalMinutes": "number",
    "monthlyCost": "number",
    "tags": "string[]",
    "metadata": "object",
    "created": "number",
    "updated": "number",
}
CHOICES = {
    "status": {"active", "inactive", "suspended", "cancelled"},
    "type": {"local", "toll-free", "mobile", "international"},
    "provider": {"twilio", "vonage", "bandwidth", "vapi"},
    "direction": {"inbound", "outbound", "both"},
    "afterHoursAction": {"voicemail", "forward", "reject"},
}
OURS = {"version", "provisioning", "warnings", "blockedNumbersCount", "usageThresholds"}

AS_JSON = {
    "string": {"string"},
    "number": {"number", "integer"},
    "boolean": {"boolean"},
    "object": {"object"},
    "string[]": {"array of string"},
    "object[]": {"array of object"},
    "[[Business]]": {"string"},
    "[[URL]]": {"string"},
    "[[VapiAssistant]]": {"object"},
}
SCHEMA: dict[str, Any] = VapiPhoneNumber.model_json_schema(mode="serialization")


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema behind references, and without its null."""
    while "$ref" in schema or "anyOf" in schema:
        if "$ref" in schema:
            schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
        else:
            (schema,) = (choice for choice in schema["anyOf"] if choice.get("type") != "null")
    return schema


def json_type(schema: dict[str, Any]) -> str:
    found = resolved(schema)
    return f"array of {json_type(found['items'])}" if found["type"] == "array" else str(found["type"])


def test_there_are_49_and_what_is_more_is_marked_as_ours() -> None:
    assert len(SPECIFIED) == 49
    assert SCHEMA["properties"].keys() == SPECIFIED.keys() | OURS
    for name in OURS:
        assert SCHEMA["properties"][name]["description"].startswith("Ours: ")


@pytest.mark.parametrize(("name", "kind"), SPECIFIED.items(), ids=SPECIFIED)
def test_a_specified_property_has_its_specified_type(name: str, kind: str) -> None:
    assert json_type(SCHEMA["properties"][name]) in AS_JSON[kind]


@pytest.mark.parametrize(("name", "choices"), CHOICES.items(), ids=CHOICES)
def test_a_choice_is_among_the_specified_ones(name: str, choices: set[str]) -> None:
    assert set(resolved(SCHEMA["properties"][name])["enum"]) == choices


def test_each_property_is_set_by_somebody_and_by_one_only() -> None:
    assert CONFIGURABLE | READ_ONLY | {"status"} == SPECIFIED.keys() | OURS
    assert not CONFIGURABLE & READ_ONLY


def test_the_counters_are_those_that_move_by_themselves() -> None:
    assert COUNTERS < READ_ONLY
    calls, time_and_money = {"totalCalls", "inboundCalls", "outboundCalls"}, {"totalMinutes", "monthlyCost"}
    assert calls | time_and_money | {"averageCallDuration", "blockedNumbersCount"} == COUNTERS


def test_every_answer_names_every_property() -> None:
    assert shown(active()).keys() == SPECIFIED.keys() | OURS


def test_timestamps_are_unix_seconds() -> None:
    body = shown(active())
    assert [body[name] for name in ("created", "purchaseDate", "activationDate", "updated")] == [
        AT,
        AT + 1,
        AT + 2,
        AT + 2,
    ]


@pytest.mark.parametrize("cents", ["115", "0.85", "0.0085", "1234.5678"])
def test_money_is_a_json_number_of_cents_that_keeps_its_decimals(cents: str) -> None:
    number = active().number.model_copy(update=dict.fromkeys(("monthly_fee", "per_minute_cost"), Decimal(cents)))
    written = number.model_dump_json(by_alias=True, include={"monthly_fee", "per_minute_cost"})
    read = VapiPhoneNumber.model_validate_json(number.model_dump_json(by_alias=True))
    assert json.loads(written, parse_float=Decimal, parse_int=Decimal) == dict.fromkeys(
        ("monthlyFee", "perMinuteCost"), Decimal(cents)
    )
    assert (read.monthly_fee, read.per_minute_cost) == (Decimal(cents), Decimal(cents))
