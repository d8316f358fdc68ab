"""What a number costs: the carrier's own word first, then the price table; cents of the deployment's currency."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.carriers.carrier import Offer, Owned, Prices
from switchboard.errors import ProviderNotConfigured
from switchboard.model.number import Capabilities
from switchboard.model.record import NumberFacts
from switchboard.provisioning.pricing import Pricing

TABLE = '{"bandwidth": {"US": {"local": {"monthlyFee": 35, "setupFee": 10, "perMinuteCost": 0.55}}}}'
amounts = st.decimals(0, 10_000, places=6)


def pricing(rates: str = "EUR=1.10, GBP = 1.27", table: str = TABLE) -> Pricing:
    return Pricing.read("USD", "US", rates, table)


def offer(**known: Any) -> Offer:
    return Offer(
        **{"number": "+14155550100", "country": "US", "type": "local", "capabilities": Capabilities(voice=True)} | known
    )


def fees(provider: str, offered: Offer, prices: Prices) -> tuple[Decimal | None, ...]:
    candidate = pricing().candidate(provider, offered, prices)
    return candidate.monthly_fee, candidate.setup_fee, candidate.per_minute_cost


@pytest.mark.parametrize(
    ("amount", "currency", "cents"),
    [
        ("1.15", "USD", "115"),
        ("1.15", None, "115"),
        ("0.90", "EUR", "99"),
        ("1", "GBP", "127"),
        ("0.0085", "USD", "0.85"),
        ("0.000001", "USD", "0.0001"),
        ("0.0000005", "USD", "0.0001"),
        ("0", "EUR", "0"),
    ],
)
def test_an_amount_becomes_cents_by_the_deployments_rates(amount: str, currency: str | None, cents: str) -> None:
    assert pricing().cents(Decimal(amount), currency, "twilio") == Decimal(cents)


def test_what_is_unknown_stays_unknown_in_any_currency() -> None:
    assert pricing().cents(None, "XXX", "twilio") is None


def test_a_currency_without_a_rate_is_never_guessed() -> None:
    with pytest.raises(ProviderNotConfigured, match="JPY=<its worth in USD>"):
        pricing().cents(Decimal(1), "JPY", "vonage")


@given(amounts, st.sampled_from(["USD", "EUR", "GBP"]))
def test_cents_have_four_decimals_and_are_never_more_than_half_of_one_off(amount: Decimal, currency: str) -> None:
    prices = pricing()
    rate = {"USD": Decimal(1), **prices.rates}[currency]
    cents = prices.cents(amount, currency, "twilio")
    assert cents is not None
    assert cents.as_tuple().exponent == -4
    assert abs(cents - amount * rate * 100) <= Decimal("0.00005")


def test_the_offers_own_fees_come_before_the_price_list_and_that_before_the_table() -> None:
    listed = Prices(monthly_fee=Decimal(2), per_minute=Decimal("0.01"), currency="USD")
    assert fees("bandwidth", offer(), Prices()) == (Decimal(35), Decimal(10), Decimal("0.55"))
    assert fees("bandwidth", offer(), listed) == (Decimal(200), Decimal(10), Decimal(1))
    own = offer(monthly_fee=Decimal(1), setup_fee=Decimal(3), currency="EUR")
    assert fees("bandwidth", own, listed) == (Decimal(110), Decimal(330), Decimal(1))


def test_zero_is_known_and_the_absent_is_not() -> None:
    free = offer(monthly_fee=Decimal(0), setup_fee=Decimal(0), currency="USD")
    assert fees("bandwidth", free, Prices()) == (Decimal(0), Decimal(0), Decimal("0.55"))
    assert fees("twilio", offer(), Prices()) == (None, None, None)


@pytest.mark.parametrize(
    ("country", "kind", "shown"), [("US", "toll-free", "toll-free"), ("GB", "local", "international")]
)
def test_a_number_of_another_country_is_international(country: str, kind: str, shown: str) -> None:
    assert pricing().candidate("twilio", offer(country=country, type=kind), Prices()).type == shown


def test_a_number_that_is_owned_already_costs_its_month_and_no_setting_up() -> None:
    owned = Owned(number="+14155550100", country=None, capabilities=Capabilities(voice=True))
    facts = NumberFacts(type="local", country="US", region="CA", city="San Francisco", area_code="415")
    candidate = pricing().candidate_of("bandwidth", owned, "US", "local", facts, Prices())
    assert (candidate.monthly_fee, candidate.setup_fee, candidate.per_minute_cost) == (35, None, Decimal("0.55"))
    assert (candidate.country, candidate.region, candidate.city) == ("US", "CA", "San Francisco")


@pytest.mark.parametrize(("rates", "table"), [("EUR=", TABLE), ("EUR", TABLE), ("EUR=x", TABLE), ("", "{")])
def test_parameters_that_cannot_be_read_are_an_error(rates: str, table: str) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        pricing(rates, table)


def test_no_rates_and_no_table_are_read_too() -> None:
    assert Pricing.read("USD", "US", "", "").cents(Decimal(1), "USD", "twilio") == 100
