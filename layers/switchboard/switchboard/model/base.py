"""What all public shapes share: camelCase in JSON, unknown fields refused, immutable once made."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

E164_FORM = re.compile(r"\+[1-9][0-9]{6,14}")
PREFIX_FORM = re.compile(r"\+[1-9][0-9]{0,13}\*")


class Shape(BaseModel):
    """A public shape: unknown fields are refused by path, values are not changed after validation."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        serialize_by_alias=True,
        extra="forbid",
        frozen=True,
        str_strip_whitespace=True,
    )


MADE_HERE = ConfigDict(validate_by_name=True, validate_by_alias=True)
"""For shapes that no request brings: the service makes them, by their fields' names in Python."""


def _e164(value: str) -> str:
    if not E164_FORM.fullmatch(value):
        raise PydanticCustomError("e164", "must be an E.164 number such as +14155550100")
    return value


def _number_or_prefix(value: str) -> str:
    if not (E164_FORM.fullmatch(value) or PREFIX_FORM.fullmatch(value)):
        raise PydanticCustomError("number_or_prefix", "must be an E.164 number or a prefix such as +1900*")
    return value


def _https(value: str) -> str:
    if not re.fullmatch(r"https://[^\s/?#]+\S*", value):
        raise PydanticCustomError("https_url", "must be an https:// URL")
    return value


def _number(value: Any) -> Any:
    """Python takes true for 1, and pydantic a text for the number that it spells."""
    if isinstance(value, bool | str):
        raise PydanticCustomError("number", "must be a number")
    return value


E164 = Annotated[str, AfterValidator(_e164), Field(examples=["+14155550100"])]
"""A phone number as ITU-T E.164 writes it: a plus and 7 to 15 digits."""

NumberOrPrefix = Annotated[str, AfterValidator(_number_or_prefix), Field(examples=["+14155550100", "+1900*"])]
"""One caller, or all callers whose E.164 number starts so."""

HttpsUrl = Annotated[str, StringConstraints(max_length=2048), AfterValidator(_https)]

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), Field(examples=["US"])]
"""ISO 3166-1 alpha-2."""

VapiId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
"""Vapi's ids are UUIDs; nothing here depends on that."""

AS_NUMBER = BeforeValidator(_number)
"""Of an integer that a request brings; it stands last, so that the bounds before it are shown in the schema."""

Timestamp = Annotated[int, Field(ge=0, examples=[1785862800]), AS_NUMBER]
"""Unix seconds."""

Money = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json"), Field(examples=[115])]
"""Cents of the deployment's currency, with up to four decimals."""

UsMoney = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json"), Field(examples=[10.12])]
"""US cents, in which Vapi tells what a call cost, with up to four decimals."""
