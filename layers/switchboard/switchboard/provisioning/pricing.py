"""What a number costs in cents of the deployment's currency: by its carrier's answers, else by the price table."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from switchboard.carriers.carrier import LineType, Offer, Owned, Prices
from switchboard.currency import rate_of, rates_of
from switchboard.errors import ProviderNotConfigured
from switchboard.model.at_carrier import Candidate
from switchboard.model.number import NumberType
from switchboard.model.record import NumberFacts
from switchboard.provisioning.facts import type_of

FOUR_DECIMALS = Decimal("0.0001")


@dataclass(frozen=True, kw_only=True)
class Pricing:
    """currency: ISO 4217, the deployment's. rates: what one unit of another currency is worth in it.

    table: provider -> country -> type -> {monthlyFee, setupFee, perMinuteCost} in cents, for what no carrier tells.
    """

    currency: str
    home_country: str
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    table: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Decimal]]]] = field(default_factory=dict)

    @classmethod
    def read(cls, currency: str, home_country: str, rates: str, table: str) -> "Pricing":
        """From the deployment's parameters. rates: `EUR=1.08,GBP=1.27`. table: JSON. Raises ValueError."""
        return cls(
            currency=currency,
            home_country=home_country,
            rates=rates_of(rates),
            table=json.loads(table or "{}", parse_float=Decimal, parse_int=Decimal),
        )

    def cents(self, amount: Decimal | None, currency: str | None, provider: str) -> Decimal | None:
        """An amount in major units of a currency, in cents with four decimals. Raises ProviderNotConfigured."""
        if amount is None:
            return None
        code = currency or self.currency
        rate = rate_of(code, self.currency, self.rates)
        if rate is None:
            remedy = f"it bills in {code}: put {code}=<its worth in {self.currency}> into the parameter CurrencyRates."
            raise ProviderNotConfigured(provider, remedy)
        return (amount * rate * 100).quantize(FOUR_DECIMALS, ROUND_HALF_UP)

    def candidate(self, provider: str, offer: Offer, prices: Prices) -> Candidate:
        """An offer with its fees. Raises ProviderNotConfigured for a currency without a rate."""
        listed = self._listed(provider, offer.country, offer.type)
        return Candidate(
            number=offer.number,
            type=type_of(offer.type, offer.country, self.home_country),
            country=offer.country,
            region=offer.region,
            city=offer.city,
            area_code=offer.area_code,
            capabilities=offer.capabilities,
            monthly_fee=_first(
                self.cents(offer.monthly_fee, offer.currency, provider),
                self.cents(prices.monthly_fee, prices.currency, provider),
                listed.get("monthlyFee"),
            ),
            setup_fee=_first(
                self.cents(offer.setup_fee, offer.currency, provider),
                self.cents(prices.setup_fee, prices.currency, provider),
                listed.get("setupFee"),
            ),
            per_minute_cost=_first(
                self.cents(prices.per_minute, prices.currency, provider), listed.get("perMinuteCost")
            ),
        )

    def candidate_of(
        self, provider: str, owned: Owned, country: str, kind: LineType, facts: NumberFacts, prices: Prices
    ) -> Candidate:
        """A number that the business owns already. Nothing is paid for setting it up."""
        listed = self._listed(provider, country, kind)
        return Candidate(
            number=owned.number,
            type=type_of(kind, country, self.home_country),
            country=country,
            region=facts.region,
            city=facts.city,
            area_code=facts.area_code,
            capabilities=owned.capabilities,
            monthly_fee=_first(self.cents(prices.monthly_fee, prices.currency, provider), listed.get("monthlyFee")),
            per_minute_cost=_first(
                self.cents(prices.per_minute, prices.currency, provider), listed.get("perMinuteCost")
            ),
        )

    def of_vapi(self) -> Mapping[str, Decimal]:
        """The fees of Vapi's own numbers, by their names in Python: those in the table, since Vapi tells none."""
        listed = self._listed("vapi", "US", "local")
        names = {"monthlyFee": "monthly_fee", "setupFee": "setup_fee", "perMinuteCost": "per_minute_cost"}
        return {names[name]: cents for name, cents in listed.items() if name in names}

    def _listed(self, provider: str, country: str, kind: NumberType) -> Mapping[str, Decimal]:
        return self.table.get(provider, {}).get(country, {}).get(kind, {})


def _first(*amounts: Decimal | None) -> Decimal | None:
    """The first that is known; zero is known."""
    return next((amount for amount in amounts if amount is not None), None)
