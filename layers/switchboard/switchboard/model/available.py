"""Numbers that could be bought, as a search of a carrier shows them."""

from typing import Annotated, Literal

from pydantic import Field

from switchboard.model.base import E164, MADE_HERE, Country, Money, Shape
from switchboard.model.number import Capabilities, NumberType, Provider

Capability = Literal["voice", "sms", "mms", "fax"]


class AvailableNumber(Shape):
    """A number that its carrier would sell; nothing reserves it. Fees are null where nobody tells them."""

    model_config = MADE_HERE

    phone_number: E164
    provider: Provider
    type: NumberType
    country: Country
    region: str | None = None
    city: str | None = None
    area_code: str | None = None
    capabilities: Capabilities
    monthly_fee: Annotated[Money | None, Field(description="Cents of the deployment's currency.")] = None
    setup_fee: Money | None = None
    per_minute_cost: Money | None = None


class AvailableNumbers(Shape):
    """What one search found, in the carrier's order. There are no pages: ask more precisely."""

    model_config = MADE_HERE

    items: list[AvailableNumber]
