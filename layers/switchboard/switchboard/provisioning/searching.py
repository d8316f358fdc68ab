"""A search among the numbers that a carrier would sell."""

import os

from switchboard.carriers.carrier import Offer, Prices, Wanted
from switchboard.errors import FieldError, InvalidRequest
from switchboard.model.available import AvailableNumber, AvailableNumbers, Capability
from switchboard.model.number import NumberType, Provider
from switchboard.provisioning.at_carrier import line_type
from switchboard.provisioning.carriers import carrier
from switchboard.provisioning.connected import pricing
from switchboard.provisioning.facts import refuse_area_code
from switchboard.provisioning.pricing import Pricing


def search(
    provider: Provider,
    country: str | None,
    area_code: str | None,
    kind: NumberType,
    contains: str | None,
    capabilities: tuple[Capability, ...],
    limit: int,
) -> AvailableNumbers:
    """What the carrier offers, with fees in cents. Raises InvalidRequest, ProviderNotConfigured, ProviderError."""
    if provider == "vapi":
        raise InvalidRequest(
            FieldError("provider", "vapi has no search: it chooses the number, at most by an areaCode")
        )
    home = os.environ["HOME_COUNTRY"]
    if kind == "international" and country in (None, home):
        raise InvalidRequest(FieldError("type", f"international needs a country other than {home}"))
    refuse_area_code(area_code, country or home)
    wanted = Wanted(
        country=country or home,
        type=line_type(kind),
        area_code=area_code,
        contains=contains,
        capabilities=capabilities,
        limit=limit,
    )
    seller = carrier(provider)
    offers = seller.search(wanted)
    prices = seller.prices(wanted.country, wanted.type) if offers else Prices()
    rates = pricing()
    return AvailableNumbers(items=[_shown(provider, offer, prices, rates) for offer in offers])


def _shown(provider: Provider, offer: Offer, prices: Prices, rates: Pricing) -> AvailableNumber:
    candidate = rates.candidate(provider, offer, prices).model_dump(by_alias=False)
    return AvailableNumber.model_validate({"provider": provider, "phone_number": candidate.pop("number"), **candidate})
