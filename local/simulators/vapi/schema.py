"""What Vapi accepts in a body: small checks that answer with class-validator's sentences, as Vapi's NestJS does.

The fields and limits are those of the published OpenAPI document (vapi.md 1.2, 1.4 to 1.7, 2.2, 5.1). Only what
Switchboard or a person testing it may send is checked in depth; the rest of an assistant is taken as it is.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Check: TypeAlias = Callable[[str, Any], list[str]]
"""Given a field's path and value, says what is wrong with it; nothing when it is right."""


def anything(_path: str, _value: Any) -> list[str]:
    """Accepts every value."""
    return []


def boolean(path: str, value: Any) -> list[str]:
    """A JSON boolean."""
    return [] if isinstance(value, bool) else [f"{path} must be a boolean value"]


def mapping(path: str, value: Any) -> list[str]:
    """A JSON object."""
    return [] if isinstance(value, dict) else [f"{path} must be an object"]


def identifier(path: str, value: Any) -> list[str]:
    """A UUID in text, as all of Vapi's ids are."""
    try:
        uuid.UUID(value)
    except (ValueError, TypeError, AttributeError):
        return [f"{path} must be a UUID"]
    return []


def text(*, least: int = 0, most: int | None = None, pattern: str | None = None) -> Check:
    """A string with ``least`` to ``most`` characters that matches ``pattern`` as a whole."""

    def check(path: str, value: Any) -> list[str]:
        if not isinstance(value, str):
            return [f"{path} must be a string"]
        wrong = []
        if len(value) < least:
            wrong.append(f"{path} must be longer than or equal to {least} characters")
        if most is not None and len(value) > most:
            wrong.append(f"{path} must be shorter than or equal to {most} characters")
        if pattern and not re.fullmatch(pattern, value):
            wrong.append(f"{path} must match /^{pattern}$/ regular expression")
        return wrong

    return check


def number(least: float, most: float) -> Check:
    """A number in a closed range."""

    def check(path: str, value: Any) -> list[str]:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return [f"{path} must be a number conforming to the specified constraints"]
        if value < least:
            return [f"{path} must not be less than {least}"]
        return [f"{path} must not be greater than {most}"] if value > most else []

    return check


def one_of(*values: str) -> Check:
    """One of the given strings."""

    def check(path: str, value: Any) -> list[str]:
        return [] if value in values else [f"{path} must be one of the following values: {', '.join(values)}"]

    return check


def list_of(item: Check) -> Check:
    """An array, each of whose items passes ``item``."""

    def check(path: str, value: Any) -> list[str]:
        if not isinstance(value, list):
            return [f"{path} must be an array"]
        return [wrong for index, entry in enumerate(value) for wrong in item(f"{path}.{index}", entry)]

    return check


def either(*checks: Check) -> Check:
    """A value that passes one of the checks; else the complaints of the first."""

    def check(path: str, value: Any) -> list[str]:
        complaints = [each(path, value) for each in checks]
        return [] if [] in complaints else complaints[0]

    return check


def shape(fields: Mapping[str, Check], *, required: tuple[str, ...] = ()) -> Check:
    """An object with no other keys than ``fields``; null counts as absent, as real bodies have it (vapi.md 8)."""

    def check(path: str, value: Any) -> list[str]:
        if not isinstance(value, dict):
            return [f"{path} must be an object"]
        prefix = f"{path}." if path else ""
        wrong = [f"{prefix}property {key} should not exist" for key in value if key not in fields]
        for key, field in fields.items():
            if key in required or value.get(key) is not None:
                wrong += field(f"{prefix}{key}", value.get(key))
        return wrong

    return check


def tagged(tag: str, shapes: Mapping[str, Check]) -> Check:
    """An object whose ``tag`` names its shape."""

    def check(path: str, value: Any) -> list[str]:
        if not isinstance(value, dict):
            return [f"{path} must be an object"]
        chosen = shapes.get(str(value.get(tag)))
        return chosen(path, value) if chosen else one_of(*shapes)(f"{path}.{tag}".lstrip("."), value.get(tag))

    return check


PHONE_NUMBER = text(least=3, most=40)

SERVER = shape(
    {
        "url": text(pattern="https?://.+"),
        "timeoutSeconds": number(1, 300),
        "credentialId": text(),
        "headers": mapping,
        "secret": text(),
        "staticIpAddressesEnabled": boolean,
        "encryptedPaths": list_of(text()),
        "backoffPlan": shape(
            {
                "type": one_of("fixed", "exponential"),
                "maxRetries": number(0, 10),
                "baseDelaySeconds": number(0, 10),
                "excludedStatusCodes": list_of(number(100, 599)),
            },
            required=("type", "maxRetries", "baseDelaySeconds"),
        ),
    }
)

DESTINATION = tagged(
    "type",
    {
        "number": shape(
            {
                "type": text(),
                "number": PHONE_NUMBER,
                "extension": text(least=1, most=10),
                "callerId": text(most=40),
                "message": either(text(), mapping),
                "transferPlan": mapping,
                "numberE164CheckEnabled": boolean,
                "description": text(),
            },
            required=("number",),
        ),
        "sip": shape(
            {
                "type": text(),
                "sipUri": text(),
                "sipHeaders": mapping,
                "callerId": text(most=40),
                "message": either(text(), mapping),
                "transferPlan": mapping,
                "description": text(),
            },
            required=("sipUri",),
        ),
    },
)

_HOOK_ACTION = tagged(
    "type",
    {
        "say": shape({"type": text(), "exact": text(most=4000), "prompt": text()}),
        "transfer": shape({"type": text(), "destination": DESTINATION}, required=("destination",)),
    },
)
REQUEST_FAILURES = (
    "assistant-request-failed",
    "assistant-request-returned-error",
    "assistant-request-returned-unspeakable-error",
    "assistant-request-returned-invalid-assistant",
    "assistant-request-returned-no-assistant",
    "assistant-request-returned-forwarding-phone-number",
)
HOOK = tagged(
    "on",
    {
        "call.ringing": shape(
            {
                "on": text(),
                "do": list_of(_HOOK_ACTION),
                "filters": list_of(
                    shape(
                        {
                            "type": one_of("startsWith"),
                            "key": one_of("number"),
                            "startsWith": list_of(text(most=20)),
                        },
                        required=("type", "key", "startsWith"),
                    )
                ),
            },
            required=("do",),
        ),
        "call.ending": shape(
            {
                "on": text(),
                "do": _HOOK_ACTION,
                "filters": list_of(
                    shape(
                        {
                            "type": one_of("oneOf"),
                            "key": one_of("call.endedReason"),
                            "oneOf": list_of(one_of(*REQUEST_FAILURES)),
                        },
                        required=("type", "key", "oneOf"),
                    )
                ),
            },
        ),
    },
)

_NUMBER_FIELDS: Mapping[str, Check] = {
    "provider": text(),
    "name": text(most=40),
    "assistantId": identifier,
    "squadId": identifier,
    "workflowId": identifier,
    "server": SERVER,
    "fallbackDestination": DESTINATION,
    "hooks": list_of(HOOK),
}
_VAPI_FIELDS: Mapping[str, Check] = {
    **_NUMBER_FIELDS,
    "sipUri": text(pattern=r"sip:[^@\s]+@sip\.(eu\.)?vapi\.ai"),
    "authentication": shape(
        {"realm": text(), "username": text(least=20, most=40), "password": text(least=20, most=40)},
        required=("username", "password"),
    ),
}
_TWILIO_FIELDS: Mapping[str, Check] = {
    **_NUMBER_FIELDS,
    "number": PHONE_NUMBER,
    "smsEnabled": boolean,
    "twilioAccountSid": text(),
    "twilioAuthToken": text(),
    "twilioApiKey": text(),
    "twilioApiSecret": text(),
}
_CARRIER_FIELDS: Mapping[str, Check] = {**_NUMBER_FIELDS, "number": PHONE_NUMBER, "credentialId": identifier}
_BYO_FIELDS: Mapping[str, Check] = {**_CARRIER_FIELDS, "numberE164CheckEnabled": boolean}

CREATE_PHONE_NUMBER: Mapping[str, Check] = {
    "vapi": shape({**_VAPI_FIELDS, "numberDesiredAreaCode": text(least=3, most=3)}),
    "twilio": shape(_TWILIO_FIELDS, required=("number", "twilioAccountSid")),
    "vonage": shape(_CARRIER_FIELDS, required=("number", "credentialId")),
    "telnyx": shape(_CARRIER_FIELDS, required=("number", "credentialId")),
    "byo-phone-number": shape(_BYO_FIELDS, required=("credentialId",)),
}
"""By provider (vapi.md 1.2)."""

UPDATE_PHONE_NUMBER: Mapping[str, Check] = {
    "vapi": shape(_VAPI_FIELDS),
    "twilio": shape(_TWILIO_FIELDS),
    "vonage": shape(_CARRIER_FIELDS),
    "telnyx": shape(_CARRIER_FIELDS),
    "byo-phone-number": shape(_BYO_FIELDS),
}
"""By provider: as create, all optional, without the area code (vapi.md 1.4)."""

SERVER_MESSAGES = (
    "assistant.started",
    "assistant.speechStarted",
    "conversation-update",
    "end-of-call-report",
    "function-call",
    "hang",
    "language-changed",
    "language-change-detected",
    "model-output",
    "phone-call-control",
    "speech-update",
    "status-update",
    "transcript",
    'transcript[transcriptType="final"]',
    "tool-calls",
    "transfer-destination-request",
    "handoff-destination-request",
    "transfer-update",
    "user-interrupted",
    "voice-input",
    "chat.created",
    "chat.deleted",
    "session.created",
    "session.updated",
    "session.deleted",
    "call.deleted",
    "call.delete.failed",
    "call.artifact.upload",
)

_OPAQUE_ASSISTANT_FIELDS = (
    "transcriber",
    "voice",
    "firstMessageInterruptionsEnabled",
    "firstMessageMode",
    "voicemailDetection",
    "clientMessages",
    "backgroundSound",
    "modelOutputInMessagesEnabled",
    "transportConfigurations",
    "observabilityPlan",
    "credentials",
    "hooks",
    "voicemailMessage",
    "endCallMessage",
    "endCallPhrases",
    "compliancePlan",
    "backgroundSpeechDenoisingPlan",
    "analysisPlan",
    "startSpeakingPlan",
    "stopSpeakingPlan",
    "monitorPlan",
    "credentialIds",
    "keypadInputPlan",
)
_ASSISTANT_FIELDS: Mapping[str, Check] = {
    **dict.fromkeys(_OPAQUE_ASSISTANT_FIELDS, anything),
    "name": text(most=40),
    "firstMessage": text(),
    "model": mapping,
    "serverMessages": list_of(one_of(*SERVER_MESSAGES)),
    "maxDurationSeconds": number(10, 43200),
    "metadata": mapping,
    "artifactPlan": mapping,
    "server": SERVER,
}
ASSISTANT = shape(_ASSISTANT_FIELDS)
ASSISTANT_OVERRIDES = shape({**_ASSISTANT_FIELDS, "variableValues": mapping, "tools:append": list_of(mapping)})

_SQUAD_FIELDS: Mapping[str, Check] = {
    "name": text(),
    "membersOverrides": ASSISTANT_OVERRIDES,
    "members": list_of(
        shape(
            {
                "assistantId": identifier,
                "assistant": ASSISTANT,
                "assistantOverrides": ASSISTANT_OVERRIDES,
                "assistantDestinations": list_of(mapping),
                "assistantVersion": text(),
            }
        )
    ),
}
SQUAD = shape(_SQUAD_FIELDS, required=("members",))
SQUAD_UPDATE = shape(_SQUAD_FIELDS)
WORKFLOW = mapping
TOOL = mapping

_CUSTOMER = shape(
    {
        "number": PHONE_NUMBER,
        "numberE164CheckEnabled": boolean,
        "extension": text(most=10),
        "sipUri": text(),
        "name": text(most=40),
        "email": text(most=40),
        "externalId": text(most=40),
        "assistantOverrides": ASSISTANT_OVERRIDES,
        "squadOverrides": ASSISTANT_OVERRIDES,
    }
)
ANSWERER_FIELDS: Mapping[str, Check] = {
    "assistantId": identifier,
    "assistant": ASSISTANT,
    "assistantOverrides": ASSISTANT_OVERRIDES,
    "squadId": identifier,
    "squad": SQUAD,
    "squadOverrides": ASSISTANT_OVERRIDES,
    "workflowId": identifier,
    "workflow": WORKFLOW,
    "workflowOverrides": mapping,
}
"""Who talks, as an assistant-request's answer and ``POST /call`` name it (vapi.md 2.3, 5.1)."""

CREATE_CALL = shape(
    {
        **ANSWERER_FIELDS,
        "assistantVersion": text(),
        "phoneNumberId": identifier,
        "phoneNumber": mapping,
        "customer": _CUSTOMER,
        "customers": list_of(_CUSTOMER),
        "customerId": identifier,
        "name": text(most=40),
        "schedulePlan": mapping,
        "transport": mapping,
        "metadata": mapping,
    }
)
UPDATE_CALL = shape({"name": text(most=40)})
