"""What other currencies are worth in the deployment's, as its parameters say."""

import os
from collections.abc import Mapping
from decimal import Decimal

VAPIS = "USD"
"""The currency in which Vapi bills (ISO 4217)."""


def rates_of(spelled: str) -> dict[str, Decimal]:
    """From `EUR=1.08,GBP=1.27`: what one unit of each is worth. Raises ArithmeticError for what is no amount."""
    pairs = (pair.partition("=") for pair in spelled.split(",") if pair.strip())
    return {code.strip(): Decimal(rate.strip()) for code, _, rate in pairs}


def rate_of(code: str, currency: str, rates: Mapping[str, Decimal]) -> Decimal | None:
    """What one unit of a currency is worth in the deployment's; None where nobody said so."""
    return Decimal(1) if code == currency else rates.get(code)


def dollar() -> Decimal | None:
    """What a US dollar, and so a cent of Vapi's, is worth; None where `CurrencyRates` does not say so."""
    return rate_of(VAPIS, os.environ["CURRENCY"], rates_of(os.environ["CURRENCY_RATES"]))
