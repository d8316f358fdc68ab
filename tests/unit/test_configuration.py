"""What a configuration may say, and how it is told what is wrong: by the field's path."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from switchboard.model.hours import BusinessHours
from switchboard.model.number import (
    METADATA_BYTES,
    METADATA_LEVELS,
    NumberConfiguration,
    PhoneNumberRequest,
    VapiAssistant,
    contradictions,
)
from switchboard.model.rules import RoutingRule
from tests.unit.made import NUMBER, SECRET, configurations, e164s, prefixes

ARABIC = "٤١٥"
"""Digits, but not ASCII's."""


def refused_at(shape: type[BaseModel], wanted: dict[str, Any]) -> list[str]:
    """The paths that a shape refuses."""
    try:
        shape.model_validate(wanted)
    except ValidationError as error:
        return [".".join(map(str, detail["loc"])) for detail in error.errors()]
    return []


def configured(**wanted: Any) -> NumberConfiguration:
    return NumberConfiguration.model_validate(wanted)


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


def hours(*weekly: tuple[str, str], special: list[dict[str, Any]] | None = None, zone: str = "UTC") -> dict[str, Any]:
    windows = [{"dayOfWeek": ["Monday"], "opens": opens, "closes": closes} for opens, closes in weekly]
    return {
        "timezone": zone,
        "openingHoursSpecification": windows,
        "specialOpeningHoursSpecification": special or [],
    }


def day(name: str = "A day", first: str = "2026-12-25", last: str = "2026-12-25", **times: str) -> dict[str, Any]:
    return {"name": name, "validFrom": first, "validThrough": last, **times}


def rule(**changes: Any) -> dict[str, Any]:
    return {"id": "vip", "priority": 1, "then": {"action": "reject"}, **changes}


FINE: list[dict[str, Any]] = [
    {},
    {"name": "x" * 40, "description": "x" * 1000},
    {"forwardingNumber": "+12025550"},
    {"forwardingNumber": "+123456789012345"},
    {"blockedNumbers": ["+1900*", "+4*", NUMBER]},
    {"voicemailUrl": "https://example.com", "webhookUrl": "https://example.com:8443/a?b=c"},
    {"inboundSettings": {"maxDurationSeconds": 10}, "outboundSettings": {"maxDurationSeconds": 43_200}},
    {"maxConcurrentCalls": None},
    {"webhookSecret": SECRET},
    {"tags": ["a"] * 50},
    {"metadata": nested(METADATA_LEVELS)},
    {"metadata": {"text": "x" * (METADATA_BYTES - len('{"text": ""}'))}},
    {"assistant": {"id": "1b2c", "type": "squad"}},
]

UNFIT = [
    pytest.param({"colour": "red"}, "colour", id="a field nobody knows"),
    pytest.param({"voicemail_enabled": True}, "voicemail_enabled", id="a field by its name in Python"),
    pytest.param({"inboundSettings": {"colour": 1}}, "inboundSettings.colour", id="an unknown field inside another"),
    pytest.param({"assistant": {"id": "a", "x": 1}}, "assistant.x", id="an unknown field of the assistant"),
    pytest.param({"callRoutingRules": [rule(x=1)]}, "callRoutingRules.0.x", id="an unknown field of a rule"),
    pytest.param({"id": "pn_1"}, "id", id="what only the service sets"),
    pytest.param({"name": ""}, "name", id="an empty name"),
    pytest.param({"name": "   "}, "name", id="a name of spaces"),
    pytest.param({"name": "x" * 41}, "name", id="a name longer than Vapi takes"),
    pytest.param({"name": 5}, "name", id="a name that is a number"),
    pytest.param({"description": "x" * 1001}, "description", id="an essay"),
    pytest.param({"direction": "sideways"}, "direction", id="a direction that is none"),
    pytest.param({"assistant": {"id": ""}}, "assistant.id", id="an assistant without an id"),
    pytest.param({"assistant": {"id": "a/../b"}}, "assistant.id", id="an id that would walk paths"),
    pytest.param({"assistant": {"id": "a", "type": "human"}}, "assistant.type", id="an assistant of flesh"),
    pytest.param({"forwardingNumber": "4155550100"}, "forwardingNumber", id="a number without its plus"),
    pytest.param({"forwardingNumber": "+0155550100"}, "forwardingNumber", id="a country code of zero"),
    pytest.param({"forwardingNumber": "+1 415 555 0100"}, "forwardingNumber", id="a number with spaces"),
    pytest.param({"forwardingNumber": "+123456"}, "forwardingNumber", id="a number of 6 digits"),
    pytest.param({"forwardingNumber": "+1234567890123456"}, "forwardingNumber", id="a number of 16 digits"),
    pytest.param({"forwardingNumber": f"+1{ARABIC}5550100"}, "forwardingNumber", id="a number in Arabic digits"),
    pytest.param({"forwardingNumber": "+1900*"}, "forwardingNumber", id="a prefix where a number is due"),
    pytest.param({"blockedNumbers": ["*"]}, "blockedNumbers.0", id="a block of everybody"),
    pytest.param({"blockedNumbers": [NUMBER, "+1*900"]}, "blockedNumbers.1", id="a star in the middle"),
    pytest.param({"allowedNumbers": ["anonymous"]}, "allowedNumbers.0", id="a word for a number"),
    pytest.param({"blockedNumbers": [NUMBER] * 91}, "blockedNumbers", id="91 blocks at once"),
    pytest.param({"allowedNumbers": [NUMBER] * 91}, "allowedNumbers", id="91 allowed at once"),
    pytest.param({"voicemailUrl": "http://example.com"}, "voicemailUrl", id="plain http"),
    pytest.param({"webhookUrl": "https://"}, "webhookUrl", id="a URL of nowhere"),
    pytest.param({"webhookUrl": "https:///path"}, "webhookUrl", id="a URL without a host"),
    pytest.param({"webhookUrl": "https://a b"}, "webhookUrl", id="a URL with a space"),
    pytest.param({"webhookUrl": "javascript:alert(1)"}, "webhookUrl", id="a script for a URL"),
    pytest.param({"webhookUrl": "https://a/" + "x" * 2048}, "webhookUrl", id="a URL of more than 2,048 characters"),
    pytest.param({"webhookSecret": "hunter2hunter2"}, "webhookSecret", id="a secret without whsec_"),
    pytest.param({"webhookSecret": "whsec_short"}, "webhookSecret", id="a secret that is too short"),
    pytest.param({"webhookSecret": "whsec_*********"}, "webhookSecret", id="a secret of stars that is not the mask"),
    pytest.param({"webhookSecret": "whsec_MfKQ9r8G****"}, "webhookSecret", id="a secret half masked"),
    pytest.param({"inboundSettings": {"spamThreshold": 0}}, "inboundSettings.spamThreshold", id="a threshold of 0"),
    pytest.param(
        {"inboundSettings": {"spamThreshold": 101}}, "inboundSettings.spamThreshold", id="a threshold over 100"
    ),
    pytest.param({"inboundSettings": {"spamAction": "hug"}}, "inboundSettings.spamAction", id="an unknown spam action"),
    pytest.param({"inboundSettings": {"whenBusy": "wait"}}, "inboundSettings.whenBusy", id="an unknown busy action"),
    pytest.param({"inboundSettings": {"rejectMessage": ""}}, "inboundSettings.rejectMessage", id="an empty rejection"),
    pytest.param(
        {"inboundSettings": {"maxDurationSeconds": 9}}, "inboundSettings.maxDurationSeconds", id="a call under 10 s"
    ),
    pytest.param(
        {"outboundSettings": {"maxDurationSeconds": 43_201}},
        "outboundSettings.maxDurationSeconds",
        id="a call over 12 hours",
    ),
    pytest.param(
        {"outboundSettings": {"allowedCountries": ["us"]}}, "outboundSettings.allowedCountries.0", id="a small country"
    ),
    pytest.param(
        {"outboundSettings": {"dailyCallLimit": -1}}, "outboundSettings.dailyCallLimit", id="a negative day's limit"
    ),
    pytest.param({"callerIdName": "x" * 16}, "callerIdName", id="a caller id name over CNAM's 15"),
    pytest.param({"afterHoursAction": "sing"}, "afterHoursAction", id="an unknown after-hours action"),
    pytest.param({"afterHoursMessage": ""}, "afterHoursMessage", id="an empty after-hours message"),
    pytest.param({"maxConcurrentCalls": 0}, "maxConcurrentCalls", id="no line at all"),
    pytest.param({"maxConcurrentCalls": 1001}, "maxConcurrentCalls", id="more lines than an item holds"),
    pytest.param({"tags": ["a"] * 51}, "tags", id="51 tags"),
    pytest.param({"tags": [""]}, "tags.0", id="an empty tag"),
    pytest.param({"tags": ["x" * 65]}, "tags.0", id="a tag of 65 characters"),
    pytest.param({"metadata": {"text": "x" * METADATA_BYTES}}, "metadata", id="metadata over 16 KB"),
    pytest.param({"metadata": {"text": "é" * (METADATA_BYTES // 2)}}, "metadata", id="metadata over 16 KB in UTF-8"),
    pytest.param({"metadata": nested(METADATA_LEVELS + 1)}, "metadata", id="metadata too deep"),
    pytest.param({"metadata": nested(5000)}, "metadata", id="metadata deeper than Python's stack"),
    pytest.param({"metadata": {"it": float("nan")}}, "metadata", id="metadata that is no JSON number"),
    pytest.param({"metadata": {"it": "\ud800"}}, "metadata", id="metadata that is no Unicode"),
    pytest.param({"metadata": []}, "metadata", id="metadata that is a list"),
    pytest.param({"businessHours": hours(zone="Mars/Olympus")}, "businessHours.timezone", id="a zone on Mars"),
]


@pytest.mark.parametrize("wanted", FINE, ids=str)
def test_a_configuration_at_its_bounds_is_taken(wanted: dict[str, Any]) -> None:
    assert refused_at(NumberConfiguration, wanted) == []


@pytest.mark.parametrize(("wanted", "path"), UNFIT)
def test_an_unfit_field_is_refused_by_its_path(wanted: dict[str, Any], path: str) -> None:
    assert refused_at(NumberConfiguration, wanted) == [path]


@given(configurations())
def test_any_sound_configuration_is_taken_and_does_not_contradict_itself(wanted: dict[str, Any]) -> None:
    assert list(contradictions(configured(**wanted), "vapi", NUMBER)) == []


@given(e164s | prefixes)
def test_numbers_and_prefixes_are_kept_as_they_are_written(entry: str) -> None:
    assert configured(blockedNumbers=[entry]).blocked_numbers == [entry]


@given(st.text())
def test_what_is_not_plus_and_digits_is_no_number(entry: str) -> None:
    trimmed = entry.strip()
    is_number = trimmed.startswith("+") and trimmed[1:].isascii() and trimmed[1:].isdigit()
    assert is_number or refused_at(NumberConfiguration, {"forwardingNumber": entry}) == ["forwardingNumber"]


# ---- business hours ----

GOOD_HOURS = [
    pytest.param(hours(("09:00", "17:00")), id="a working day"),
    pytest.param(hours(("00:00", "24:00")), id="a whole day"),
    pytest.param(hours(("22:00", "02:00")), id="a night that ends tomorrow"),
    pytest.param(hours(), id="never open but on special days"),
    pytest.param(hours(zone="America/Argentina/Buenos_Aires"), id="a zone of three parts"),
    pytest.param(hours(special=[day()]), id="a special day that is closed"),
    pytest.param(hours(special=[day(opens="10:00", closes="24:00")]), id="a special day with its own hours"),
    pytest.param(hours(special=[day(), day("Again")]), id="a day closed twice"),
    pytest.param(
        hours(special=[day(opens="08:00", closes="10:00"), day("Late", opens="12:00", closes="14:00")]),
        id="a day of two windows",
    ),
    pytest.param(hours(special=[day(last="2027-12-26")]), id="a special entry of a year"),
]

SPECIAL = "specialOpeningHoursSpecification"
WEEKLY = "openingHoursSpecification.0"
BAD_HOURS = [
    pytest.param(hours(("09:00", "09:00")), WEEKLY, id="a window without length"),
    pytest.param(hours(("9:00", "17:00")), f"{WEEKLY}.opens", id="an hour of one digit"),
    pytest.param(hours(("24:00", "17:00")), f"{WEEKLY}.opens", id="opening at 24:00"),
    pytest.param(hours(("09:00", "24:01")), f"{WEEKLY}.closes", id="closing after 24:00"),
    pytest.param(hours(("09:60", "17:00")), f"{WEEKLY}.opens", id="minute 60"),
    pytest.param(hours(("0٩:00", "17:00")), f"{WEEKLY}.opens", id="an hour in Arabic digits"),
    pytest.param(
        {"timezone": "UTC", "openingHoursSpecification": [{"dayOfWeek": [], "opens": "09:00", "closes": "10:00"}]},
        f"{WEEKLY}.dayOfWeek",
        id="a window on no day",
    ),
    pytest.param(
        {"timezone": "UTC", "openingHoursSpecification": [{"dayOfWeek": ["Mon"], "opens": "09:00", "closes": "10:00"}]},
        f"{WEEKLY}.dayOfWeek.0",
        id="a day cut short",
    ),
    pytest.param(hours(zone=""), "timezone", id="no zone"),
    pytest.param(hours(zone="+02:00"), "timezone", id="an offset"),
    pytest.param(hours(zone="America"), "timezone", id="a folder of zones"),
    pytest.param(hours(zone="../../etc/passwd"), "timezone", id="a path out of the zones"),
    pytest.param(hours(zone="x" * 5000), "timezone", id="a zone longer than any file name"),
    pytest.param({"openingHoursSpecification": []}, "timezone", id="hours without a zone"),
    pytest.param({"timezone": "UTC"}, "openingHoursSpecification", id="hours without windows"),
    pytest.param(hours(special=[day("")]), f"{SPECIAL}.0.name", id="a special day without a name"),
    pytest.param(hours(special=[day(first="2026-13-01")]), f"{SPECIAL}.0.validFrom", id="month 13"),
    pytest.param(hours(special=[day(first="2026-12-26")]), f"{SPECIAL}.0", id="a special entry that ends first"),
    pytest.param(hours(special=[day(last="2027-12-27")]), f"{SPECIAL}.0", id="a special entry over a year"),
    pytest.param(hours(special=[day(opens="10:00")]), f"{SPECIAL}.0", id="opening without closing"),
    pytest.param(hours(special=[day(closes="10:00")]), f"{SPECIAL}.0", id="closing without opening"),
    pytest.param(
        hours(special=[day(opens="10:00", closes="10:00")]), f"{SPECIAL}.0", id="a special window without length"
    ),
    pytest.param(
        hours(special=[day(first="2026-12-20"), day("Open", opens="10:00", closes="12:00")]),
        "",
        id="a day both open and closed",
    ),
]


@pytest.mark.parametrize("wanted", GOOD_HOURS)
def test_opening_hours_that_make_sense_are_taken(wanted: dict[str, Any]) -> None:
    assert refused_at(BusinessHours, wanted) == []


@pytest.mark.parametrize(("wanted", "path"), BAD_HOURS)
def test_opening_hours_that_make_none_are_refused(wanted: dict[str, Any], path: str) -> None:
    assert refused_at(BusinessHours, wanted) == [path]


def test_a_day_both_open_and_closed_is_told_by_both_names() -> None:
    special = [day("Christmas"), day("Sale", opens="10:00", closes="12:00")]
    with pytest.raises(ValidationError, match="'Sale' opens a day that 'Christmas' closes"):
        BusinessHours.model_validate(hours(special=special))


# ---- routing rules ----

GOOD_RULES = [
    pytest.param(rule(), id="a rule for everybody"),
    pytest.param(rule(then={"action": "assistant", "id": "a"}), id="to an assistant"),
    pytest.param(rule(then={"action": "squad", "id": "a"}), id="to a squad"),
    pytest.param(rule(then={"action": "workflow", "id": "a"}), id="to a workflow"),
    pytest.param(rule(then={"action": "forward", "number": NUMBER}), id="to a person"),
    pytest.param(rule(then={"action": "voicemail", "message": "Speak"}), id="to voicemail"),
    pytest.param(rule(priority=0, when={"share": 0}), id="a share of nobody"),
    pytest.param(rule(priority=1_000_000, when={"share": 100}), id="a share of all"),
    pytest.param(rule(when={"callerPrefixes": ["+1415"], "callerCountries": ["US"]}), id="by where callers are"),
    pytest.param(rule(when={"schedule": hours(("09:00", "17:00")), "hours": "open"}), id="by the clock"),
]
BAD_RULES = [
    pytest.param(rule(id="a b"), "id", id="an id with a space"),
    pytest.param(rule(priority=-1), "priority", id="a negative priority"),
    pytest.param({"id": "a", "then": {"action": "reject"}}, "priority", id="no priority"),
    pytest.param({"id": "a", "priority": 1}, "then", id="no answer"),
    pytest.param(rule(then={"action": "hang-up"}), "then.action", id="an unknown action"),
    pytest.param(rule(then={"action": "assistant"}), "then", id="an assistant without an id"),
    pytest.param(rule(then={"action": "squad", "number": NUMBER}), "then", id="a squad without an id"),
    pytest.param(rule(then={"action": "workflow"}), "then", id="a workflow without an id"),
    pytest.param(rule(then={"action": "forward", "id": "a"}), "then", id="a forward without a number"),
    pytest.param(rule(then={"action": "forward", "number": "911"}), "then.number", id="a forward to a short number"),
    pytest.param(rule(then={"action": "reject", "message": ""}), "then.message", id="an empty message"),
    pytest.param(rule(when={"share": -1}), "when.share", id="a share under 0"),
    pytest.param(rule(when={"share": 101}), "when.share", id="a share over 100"),
    pytest.param(rule(when={"hours": "lunch"}), "when.hours", id="hours that are neither open nor closed"),
    pytest.param(rule(when={"callerNumbers": []}), "when.callerNumbers", id="a list of no callers"),
    pytest.param(rule(when={"callerPrefixes": ["+1415*"]}), "when.callerPrefixes.0", id="a prefix with a star"),
    pytest.param(rule(when={"callerCountries": ["USA"]}), "when.callerCountries.0", id="a country of three letters"),
    pytest.param(rule(when={"schedule": hours(("09:00", "09:00"))}), f"when.schedule.{WEEKLY}", id="a bad schedule"),
    pytest.param(rule(when={"callerRegex": ".*"}), "when.callerRegex", id="a regular expression"),
]


@pytest.mark.parametrize("wanted", GOOD_RULES)
def test_a_rule_that_names_its_target_is_taken(wanted: dict[str, Any]) -> None:
    assert refused_at(RoutingRule, wanted) == []


@pytest.mark.parametrize(("wanted", "path"), BAD_RULES)
def test_a_rule_that_cannot_be_followed_is_refused(wanted: dict[str, Any], path: str) -> None:
    assert refused_at(RoutingRule, wanted) == [path]


# ---- the other inputs ----

BAD_REQUESTS = [
    pytest.param({}, "provider", id="no provider"),
    pytest.param({"provider": "telnyx"}, "provider", id="a provider we do not have"),
    pytest.param({"provider": "vapi", "areaCode": "4"}, "areaCode", id="an area code of one digit"),
    pytest.param({"provider": "vapi", "areaCode": ARABIC}, "areaCode", id="an area code in Arabic digits"),
    pytest.param({"provider": "vapi", "country": "usa"}, "country", id="a country that is not ISO"),
    pytest.param({"provider": "vapi", "type": "landline"}, "type", id="an unknown type"),
    pytest.param({"provider": "vapi", "contains": "CALLME"}, "contains", id="letters to contain"),
    pytest.param({"provider": "vapi", "phoneNumber": "415"}, "phoneNumber", id="a number that is none"),
    pytest.param({"provider": "vapi", "status": "active"}, "status", id="a status from the start"),
    pytest.param({"provider": "vapi", "business": "globex"}, "business", id="another business"),
    pytest.param({"provider": "twilio", "purchase": False}, "", id="a number of its own that is not named"),
]


@pytest.mark.parametrize(("wanted", "path"), BAD_REQUESTS)
def test_a_request_for_what_cannot_be_is_refused(wanted: dict[str, Any], path: str) -> None:
    assert refused_at(PhoneNumberRequest, wanted) == [path]


def test_a_request_buys_unless_it_says_that_the_number_is_owned() -> None:
    owned = {"provider": "twilio", "purchase": False, "phoneNumber": NUMBER}
    assert PhoneNumberRequest.model_validate({"provider": "vapi"}).purchase
    assert not PhoneNumberRequest.model_validate(owned).purchase


def test_an_assistant_is_an_assistant_unless_it_says_otherwise() -> None:
    assert VapiAssistant.model_validate({"id": "a"}).type == "assistant"


# ---- between the fields ----

CONTRADICTIONS = [
    pytest.param({"callerIdName": "ACME"}, "callerIdName", id="a caller id name at Vapi, which has none"),
    pytest.param({"forwardingEnabled": True}, "forwardingEnabled", id="forwarding to nowhere"),
    pytest.param({"forwardingNumber": NUMBER}, "forwardingNumber", id="forwarding to itself"),
    pytest.param({"afterHoursAction": "forward"}, "afterHoursAction", id="forwarding to nowhere after hours"),
    pytest.param({"afterHoursAction": "voicemail"}, "afterHoursAction", id="voicemail after hours that is off"),
    pytest.param(
        {"inboundSettings": {"whenBusy": "forward"}}, "inboundSettings.whenBusy", id="forwarding to nowhere when busy"
    ),
    pytest.param(
        {"inboundSettings": {"whenBusy": "voicemail"}}, "inboundSettings.whenBusy", id="voicemail when busy that is off"
    ),
    pytest.param(
        {"inboundSettings": {"spamAction": "voicemail"}},
        "inboundSettings.spamAction",
        id="voicemail for spam that is off",
    ),
    pytest.param(
        {"callRoutingRules": [rule(), rule(id="other")]}, "callRoutingRules.1.priority", id="two rules of one priority"
    ),
    pytest.param({"callRoutingRules": [rule(), rule(priority=2)]}, "callRoutingRules.1.id", id="two rules of one id"),
]
AGREEMENTS = [
    pytest.param({"forwardingEnabled": True, "forwardingNumber": "+442071838750"}, id="forwarding to a number"),
    pytest.param({"afterHoursAction": "forward", "forwardingNumber": "+442071838750"}, id="after hours to a number"),
    pytest.param({"afterHoursAction": "voicemail", "voicemailEnabled": True}, id="voicemail that is on"),
    pytest.param({"afterHoursAction": "reject"}, id="a rejection, which needs nothing"),
]


@pytest.mark.parametrize(("wanted", "path"), CONTRADICTIONS)
def test_fields_that_contradict_each_other_are_told(wanted: dict[str, Any], path: str) -> None:
    assert [error.path for error in contradictions(configured(**wanted), "vapi", NUMBER)] == [path]


@pytest.mark.parametrize("wanted", AGREEMENTS)
def test_fields_that_agree_are_not_complained_of(wanted: dict[str, Any]) -> None:
    assert list(contradictions(configured(**wanted), "vapi", NUMBER)) == []


def test_a_carrier_with_caller_names_may_be_given_one() -> None:
    assert list(contradictions(configured(callerIdName="ACME"), "bandwidth")) == []


def test_a_doubled_priority_is_told_with_both_rules() -> None:
    (error,) = contradictions(configured(callRoutingRules=[rule(), rule(id="other")]), "vapi")
    assert error.message == "other has the priority of vip"
