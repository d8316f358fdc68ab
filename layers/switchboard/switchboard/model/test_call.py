"""A test call as its owner asks for it: a real call from the number, which rings somebody and costs money. Pure."""

import hashlib
from typing import Annotated, ClassVar

from pydantic import Field
from ulid import ULID

from switchboard.errors import FieldError, InvalidRequest, OutboundForbidden, StatusConflict
from switchboard.model.base import AS_NUMBER, E164, Shape
from switchboard.model.number import SpokenText, Status, VapiAssistant
from switchboard.model.record import NumberRecord

ID_PREFIX = "tc_"


class TestCallRequest(Shape):
    """Input of testCall."""

    __test__: ClassVar[bool] = False  # the name is the specification's; pytest would take it for a class of tests

    to: Annotated[E164, Field(description="Who is called.")]
    assistant: Annotated[VapiAssistant | None, Field(description="Who talks; the number's own if there is none.")] = (
        None
    )
    max_duration_seconds: Annotated[
        int, Field(ge=10, le=600, description="The number's outboundSettings may allow less."), AS_NUMBER
    ] = 60
    message: Annotated[SpokenText | None, Field(description="What the assistant says first.")] = None


def refuse(record: NumberRecord, request: TestCallRequest, country: str | None) -> VapiAssistant:
    """Who is to talk; raises what forbids the call: StatusConflict, OutboundForbidden, InvalidRequest.

    country: of the number to be called (ISO 3166-1 alpha-2), None where it has none or nobody looked.
    """
    number = record.number
    if number.status != Status.ACTIVE:
        raise StatusConflict(f"The number is {number.status}: only an active number can call.")
    if record.state != "ready" or record.vapi_id is None:
        raise StatusConflict(f"The number is still {record.state} at its provider.")
    if number.direction == "inbound":
        raise OutboundForbidden
    errors = []
    allowed = number.outbound_settings.allowed_countries
    if request.to == number.phone_number:
        errors.append(FieldError("to", "is the number itself"))
    elif allowed is not None and country not in allowed:
        where = f"is in {country}" if country else "is in no country"
        errors.append(FieldError("to", f"{where}; outboundSettings.allowedCountries has no such one"))
    assistant = request.assistant or number.assistant
    if assistant is None:
        errors.append(FieldError("assistant", "the number has no assistant of its own, so one has to be named"))
    elif request.message is not None and assistant.type != "assistant":
        # A squad's overrides go to each of its members, which would all begin with it; a workflow's have no such thing.
        errors.append(FieldError("message", f"only an assistant can be told what to say first, not a {assistant.type}"))
    if assistant is not None and assistant.type == "workflow" and "max_duration_seconds" in request.model_fields_set:
        errors.append(FieldError("maxDurationSeconds", "Vapi cannot be told how long a workflow may last"))
    if errors or assistant is None:
        raise InvalidRequest(*errors)
    return assistant


def longest_seconds(record: NumberRecord, request: TestCallRequest) -> int:
    """How long the call may last: as asked for, or as the number allows if that is less."""
    allowed = record.number.outbound_settings.max_duration_seconds
    return request.max_duration_seconds if allowed is None else min(request.max_duration_seconds, allowed)


def id_of_test(business: str, number_id: str, idempotency_key: str | None, at_ms: int, entropy: bytes) -> str:
    """`tc_` and a ULID: from business, number and key where there is a key, so that a retry names the same call.

    entropy: 10 random bytes. As a call's name at Vapi it is at most 40 characters.
    """
    if idempotency_key is None:
        return f"{ID_PREFIX}{ULID.from_bytes(at_ms.to_bytes(6) + entropy[:10])}"
    seed = hashlib.sha256(f"{business}\0{number_id}\0{idempotency_key}".encode()).digest()
    return f"{ID_PREFIX}{ULID.from_bytes(seed[:16])}"
