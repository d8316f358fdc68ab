"""The phone number: what callers may set, what the service fills in, and what must hold between fields.

Names are the specification's, in camelCase. Fields marked "ours" are additions.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from switchboard.errors import FieldError
from switchboard.model.base import (
    AS_NUMBER,
    E164,
    MADE_HERE,
    Country,
    HttpsUrl,
    Money,
    NumberOrPrefix,
    Shape,
    Timestamp,
    VapiId,
)
from switchboard.model.hours import BusinessHours
from switchboard.model.rules import RoutingRule
from switchboard.model.shadowing import shadowed
from switchboard.model.thresholds import MAX_THRESHOLDS, UsageThreshold

MAX_RULES = 500
MAX_LINES = 1000
"""As many calls in progress as one item of the table holds for certain, whatever their callers are called."""
CONFIGURATION_BYTES = 240_000
"""Of JSON. An item of DynamoDB has 400 KB; escapes, reasons of blocks and profiles of assistants need the rest."""

METADATA_BYTES = 16_384
METADATA_LEVELS = 32
MASK = "whsec_********"
"""How a webhook secret is shown after the answer that first told it."""


class Status(StrEnum):
    """Only an active number answers; cancelled is final and reached by delete alone."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


STATUS_MOVES = frozenset(
    {
        (Status.INACTIVE, Status.ACTIVE),
        (Status.ACTIVE, Status.INACTIVE),
        (Status.ACTIVE, Status.SUSPENDED),
        (Status.SUSPENDED, Status.ACTIVE),
    }
)
"""The moves that an update may make; delete moves any status to cancelled."""

Provider = Literal["twilio", "vonage", "bandwidth", "vapi"]
HOLDS_CALLER_ID_NAME: frozenset[Provider] = frozenset({"bandwidth"})
"""Who can set the name that is shown of a number's own calls (CNAM)."""

NumberType = Literal["local", "toll-free", "mobile", "international"]
Direction = Literal["inbound", "outbound", "both"]
Fallback = Literal["voicemail", "forward", "reject"]
Seconds = Annotated[int, Field(ge=10, le=43_200, description="Seconds; Vapi's own bounds."), AS_NUMBER]
SpokenText = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=64)]
AreaCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,5}$"), Field(examples=["415"])]
WebhookSecret = Annotated[str, StringConstraints(pattern=r"^whsec_([A-Za-z0-9+/=]{8,100}|\*{8})$")]
"""Standard Webhooks: `whsec_` and base64. The mask is accepted too, and means the secret that there is."""


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    level: list[Any] = [value]
    for _ in range(METADATA_LEVELS):
        level = [inner for outer in level for inner in _inside(outer)]
    if level:
        raise PydanticCustomError("metadata", "must be at most {limit} levels deep", {"limit": METADATA_LEVELS})
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except ValueError:
        raise PydanticCustomError("metadata", "must be JSON in UTF-8, which has no NaN and no lone surrogate") from None
    if size > METADATA_BYTES:
        raise PydanticCustomError("metadata", "must be at most {limit} bytes of JSON", {"limit": METADATA_BYTES})
    return value


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


class VapiAssistant(Shape):
    """Input of assignAssistant: an assistant, squad or workflow that lives at Vapi.

    Each call tells it what it may say, as Vapi's variables: {{businessName}} is the number's name or, where it has
    none, its business; {{isOpen}} is true or false by businessHours; {{closesAt}} while open and {{nextOpenAt}} while
    closed are words such as "Tuesday 4 August at 17:00", on the clocks of businessHours; {{holiday}} is the name of
    the special day. What there is nothing to say of is left out.
    """

    id: VapiId
    type: Literal["assistant", "squad", "workflow"] = "assistant"
    name: Annotated[str, StringConstraints(max_length=80)] | None = None


class InboundSettings(Shape):
    allow_list_only: bool = False
    reject_anonymous: bool = False
    spam_action: Literal["reject", "voicemail", "observe"] = "reject"
    spam_threshold: Annotated[int, Field(ge=1, le=100), AS_NUMBER] = 70
    when_busy: Fallback = "reject"
    reject_message: SpokenText | None = None
    max_duration_seconds: Seconds | None = None


class OutboundSettings(Shape):
    allowed_countries: Annotated[list[Country], Field(max_length=250)] | None = None
    daily_call_limit: Annotated[int, Field(ge=0, le=1_000_000), AS_NUMBER] | None = None
    max_duration_seconds: Seconds | None = None


class Capabilities(Shape):
    voice: bool = True
    sms: bool = False
    mms: bool = False
    fax: bool = False


class ProvisioningError(Shape):
    code: str
    detail: str


class Provisioning(Shape):
    """Ours: how far the number is at its provider, since when, and what went wrong."""

    state: Literal["purchasing", "importing", "activating", "ready", "undoing", "failed", "releasing", "released"]
    since: Timestamp
    error: ProvisioningError | None = None


class NumberConfiguration(Shape):
    """Everything that the owner of a number may set, at creation and by update."""

    assistant: VapiAssistant | None = None
    name: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    description: Annotated[str, StringConstraints(max_length=1000)] | None = None
    direction: Direction = "both"
    inbound_settings: InboundSettings = InboundSettings()
    outbound_settings: OutboundSettings = OutboundSettings()
    voicemail_enabled: bool = False
    voicemail_url: HttpsUrl | None = None
    recording_enabled: Annotated[
        bool | None,
        Field(
            description="null: as the assistant is set at Vapi. A recording's link is kept here only if true; that of a"
            " message left for the business unless false."
        ),
    ] = None
    transcription_enabled: Annotated[
        bool | None,
        Field(
            description="null: as the assistant is set at Vapi. A transcript is kept here only if true; that of a"
            " message left for the business unless false."
        ),
    ] = None
    caller_id_name: Annotated[str, StringConstraints(min_length=1, max_length=15)] | None = None
    forwarding_enabled: bool = False
    forwarding_number: E164 | None = None
    business_hours: BusinessHours | None = None
    after_hours_action: Fallback | None = None
    after_hours_message: SpokenText | None = None
    blocked_numbers: Annotated[list[NumberOrPrefix], Field(max_length=90)] = []
    allowed_numbers: Annotated[list[NumberOrPrefix], Field(max_length=90)] = []
    spam_filter: bool = False
    max_concurrent_calls: Annotated[
        int | None,
        Field(
            ge=1,
            le=MAX_LINES,
            description=(
                "How many inbound calls may be at Vapi at once; null: no limit. Calls that were answered while there"
                " was no limit do not count, nor do test calls."
            ),
        ),
        AS_NUMBER,
    ] = None
    call_routing_rules: Annotated[list[RoutingRule], Field(max_length=MAX_RULES)] = []
    usage_thresholds: Annotated[
        list[UsageThreshold],
        Field(max_length=MAX_THRESHOLDS, description="Ours: what Threshold.exceeded is told of, and what may follow."),
    ] = []
    webhook_url: HttpsUrl | None = None
    webhook_secret: WebhookSecret | None = None
    tags: Annotated[list[Tag], Field(max_length=50)] = []
    metadata: Annotated[dict[str, Any], AfterValidator(_metadata)] = {}


class PhoneNumberRequest(NumberConfiguration):
    """Input of create: which number is wanted, and how it is to be configured from the start."""

    provider: Provider
    country: Country | None = None
    area_code: AreaCode | None = None
    type: NumberType | None = None
    contains: Annotated[str, StringConstraints(pattern=r"^[0-9*]{2,16}$")] | None = None
    phone_number: E164 | None = None
    purchase: Annotated[bool, Field(description="false: the business already owns the number at the carrier.")] = True

    @model_validator(mode="after")
    def _names_what_it_owns(self) -> Self:
        if not self.purchase and self.phone_number is None:
            raise PydanticCustomError("purchase", "purchase false needs the phoneNumber that the business owns")
        return self


class VapiPhoneNumber(NumberConfiguration):
    """A phone number configured for use with Vapi voice assistants for inbound and outbound calling.

    Timestamps are Unix seconds, money is cents of the deployment's currency.
    """

    model_config = MADE_HERE

    id: str
    phone_number: E164 | None = None
    business: str
    status: Status
    type: NumberType | None = None
    provider: Provider
    country: Country | None = None
    region: str | None = None
    city: str | None = None
    area_code: str | None = None
    capabilities: Capabilities = Capabilities()
    blocked_numbers: Annotated[
        list[NumberOrPrefix], Field(description="Prefixes, then the newest 1,000 callers; the rest is paged.")
    ] = []
    allowed_numbers: list[NumberOrPrefix] = []
    blocked_numbers_count: Annotated[int, Field(ge=0, description="Ours: how many entries blockedNumbers has.")] = 0
    purchase_date: Timestamp | None = None
    activation_date: Timestamp | None = None
    monthly_fee: Money | None = None
    per_minute_cost: Money | None = None
    setup_fee: Money | None = None
    total_calls: int = 0
    inbound_calls: int = 0
    outbound_calls: int = 0
    average_call_duration: Annotated[float, Field(description="Seconds, over answered calls.")] = 0
    total_minutes: float = 0
    monthly_cost: Annotated[
        Money | None,
        Field(
            description=(
                "Cents in the current month of the number's zone: calls, tests, carrier minutes and fee; null while the"
                " deployment does not know what a US dollar, in which Vapi bills, is worth in its currency."
            )
        ),
    ] = Decimal(0)
    created: Timestamp
    updated: Timestamp
    version: Annotated[int, Field(ge=1, description="Ours: the configuration's version, also the ETag.")]
    provisioning: Annotated[Provisioning, Field(description="Ours: how far the number is at its provider.")]
    warnings: Annotated[list[str], Field(description="Ours: what the owner should know of this answer.")] = []


COUNTERS = frozenset(
    {
        "totalCalls",
        "inboundCalls",
        "outboundCalls",
        "averageCallDuration",
        "totalMinutes",
        "monthlyCost",
        "blockedNumbersCount",
    }
)
"""Counters move by themselves, so an update that carries them back is neither a change nor an error."""

CONFIGURABLE = frozenset(field.alias or name for name, field in NumberConfiguration.model_fields.items())
READ_ONLY = (
    frozenset(field.alias or name for name, field in VapiPhoneNumber.model_fields.items()) - CONFIGURABLE - {"status"}
)


class NumberList(Shape):
    """A page of numbers, the newest first; `nextCursor` is absent on the last."""

    model_config = MADE_HERE

    items: list[VapiPhoneNumber]
    next_cursor: str | None = None


def forwards(configuration: NumberConfiguration) -> dict[str, str]:
    """Path of the field -> the E.164 to which it may send a call.

    Every forwardingNumber counts, for while the number is active it is Vapi's fallback even where nothing else uses it.
    """
    found = {
        f"callRoutingRules.{position}.then.number": rule.then.number
        for position, rule in enumerate(configuration.call_routing_rules)
        if rule.enabled and rule.then.action == "forward" and rule.then.number is not None
    }
    if configuration.forwarding_number is not None:
        found["forwardingNumber"] = configuration.forwarding_number
    return found


def too_large(configuration: NumberConfiguration) -> str | None:
    """The largest field of a configuration that is larger than a number can hold; None of any other.

    The lists of callers do not count: of them only prefixes, which are few, are kept with the number.
    """
    counted = set(NumberConfiguration.model_fields) - {"blocked_numbers", "allowed_numbers"}
    if len(configuration.model_dump_json(include=counted, exclude_none=True).encode()) <= CONFIGURATION_BYTES:
        return None
    sizes = {name: len(configuration.model_dump_json(include={name}, exclude_none=True)) for name in counted}
    return to_camel(max(sizes, key=lambda name: sizes[name]))


def contradictions(
    configuration: NumberConfiguration, provider: Provider, own_number: str | None = None
) -> Iterator[FieldError]:
    """What is wrong between the fields of a configuration whose single fields are right.

    `own_number` is the E.164 that the configuration stands on, if it is known.
    """
    part = too_large(configuration)
    if part is not None:
        yield FieldError(part, f"leaves no room: a number's configuration has at most {CONFIGURATION_BYTES} bytes")
        return
    if configuration.caller_id_name is not None:
        yield from _wrong_name(provider, own_number)
    forwards = configuration.forwarding_number is not None
    if configuration.forwarding_enabled and not forwards:
        yield FieldError("forwardingEnabled", "needs a forwardingNumber")
    if forwards and configuration.forwarding_number == own_number:
        yield FieldError("forwardingNumber", "is the number itself")
    actions = {
        "afterHoursAction": configuration.after_hours_action,
        "inboundSettings.whenBusy": configuration.inbound_settings.when_busy,
    }
    for path, action in actions.items():
        if action == "forward" and not forwards:
            yield FieldError(path, "forward needs a forwardingNumber")
        if action == "voicemail" and not configuration.voicemail_enabled:
            yield FieldError(path, "voicemail needs voicemailEnabled")
    if configuration.inbound_settings.spam_action == "voicemail" and not configuration.voicemail_enabled:
        yield FieldError("inboundSettings.spamAction", "voicemail needs voicemailEnabled")
    yield from _wrong_thresholds(configuration)
    yield from _wrong_rules(configuration, own_number)
    yield from _wrong_order(configuration.call_routing_rules)


def _wrong_order(rules: list[RoutingRule]) -> Iterator[FieldError]:
    doubles = list(_doubles(rules))
    yield from doubles
    if doubles:  # which of two comes first is then not known
        return
    for position, earlier in shadowed(rules):
        rule = rules[position]
        message = f"{rule.id} is never reached: {earlier.id} comes first and takes every call that it could take"
        yield FieldError(f"callRoutingRules.{position}", message)


def _wrong_name(provider: Provider, own_number: str | None) -> Iterator[FieldError]:
    if provider not in HOLDS_CALLER_ID_NAME:
        yield FieldError("callerIdName", f"provider {provider} has no caller id name (CNAM) to set")
    elif own_number is not None and not own_number.startswith("+1"):
        yield FieldError("callerIdName", "only numbers of North America have a caller id name (CNAM) to set")


def _wrong_rules(configuration: NumberConfiguration, own_number: str | None) -> Iterator[FieldError]:
    for position, rule in enumerate(configuration.call_routing_rules):
        path = f"callRoutingRules.{position}.then"
        if rule.then.action == "voicemail" and not configuration.voicemail_enabled:
            yield FieldError(f"{path}.action", f"{rule.id}: voicemail needs voicemailEnabled")
        if rule.then.action == "forward" and rule.then.number == own_number:
            yield FieldError(f"{path}.number", f"{rule.id} forwards to the number itself")


def _wrong_thresholds(configuration: NumberConfiguration) -> Iterator[FieldError]:
    seen: set[str] = set()
    for position, threshold in enumerate(configuration.usage_thresholds):
        path, action = f"usageThresholds.{position}", threshold.action
        if threshold.id in seen:
            yield FieldError(f"{path}.id", f"{threshold.id} is there twice")
        seen.add(threshold.id)
        if threshold.metric == "missedRate" and threshold.limit > 1:
            yield FieldError(f"{path}.limit", "a missedRate is a fraction, at most 1")
        if action == "voicemail" and not configuration.voicemail_enabled:
            yield FieldError(f"{path}.action", "voicemail needs voicemailEnabled")
        if action == "assistant" and threshold.assistant_id is None:
            yield FieldError(f"{path}.assistantId", "action assistant needs one")
        if action != "assistant" and threshold.assistant_id is not None:
            yield FieldError(f"{path}.assistantId", f"action {action} has no assistant")
        if action not in ("reject", "voicemail") and threshold.message is not None:
            yield FieldError(f"{path}.message", f"action {action} says nothing to the caller")


def _doubles(rules: list[RoutingRule]) -> Iterator[FieldError]:
    by_priority: dict[int, str] = {}
    by_id: set[str] = set()
    for position, rule in enumerate(rules):
        if rule.priority in by_priority:
            other = by_priority[rule.priority]
            yield FieldError(f"callRoutingRules.{position}.priority", f"{rule.id} has the priority of {other}")
        if rule.id in by_id:
            yield FieldError(f"callRoutingRules.{position}.id", f"{rule.id} is there twice")
        by_priority.setdefault(rule.priority, rule.id)
        by_id.add(rule.id)
