"""The lifecycle with its real collaborators: the table, Vapi and the carriers under the deployment's keys."""

import os
import time
from collections.abc import Callable
from functools import lru_cache, partial

from switchboard.carriers.vapi import Vapi
from switchboard.errors import ProviderNotConfigured
from switchboard.model.number import Provider
from switchboard.provisioning.at_carrier import NumbersOfCarrier
from switchboard.provisioning.at_vapi import NumbersOfVapi
from switchboard.provisioning.carriers import carrier, credentials
from switchboard.provisioning.changes import Changes
from switchboard.provisioning.lifecycle import Lifecycle
from switchboard.provisioning.pricing import Pricing
from switchboard.provisioning.steps import Purchasing
from switchboard.store.budgets import budgets
from switchboard.store.numbers import numbers
from switchboard.store.screening import screening
from switchboard.store.secrets import secret
from switchboard.webhook_token import make_token


def vapi() -> Vapi:
    """Vapi under the key that is current. Raises ProviderNotConfigured if the deployment has none."""
    return _vapi(*_account())


def dialling_vapi() -> Vapi:
    """The same for who places a call while its owner waits."""
    return _dialling_vapi(*_account())


def _account() -> tuple[str, str]:
    """Where Vapi is, and our key there. Raises ProviderNotConfigured."""
    api_key = credentials("VAPI_SECRET_ARN").get("apiKey")
    if not api_key:
        arn = os.environ["VAPI_SECRET_ARN"]
        raise ProviderNotConfigured("vapi", f'put {{"apiKey": "..."}} into the secret {arn}.')
    return os.environ["VAPI_BASE_URL"], api_key


def changes() -> Changes:
    """For what needs nothing of the provider, and goes on while it cannot be reached."""
    return Changes(numbers=numbers())


def lifecycle(clock: Callable[[], float] = time.time) -> Lifecycle:
    return Lifecycle(
        clock=clock,
        deployment=os.environ["DEPLOYMENT_ID"],
        numbers=numbers(),
        screening=screening(),
        budgets=budgets(os.environ["MONTHLY_BUDGET_CENTS"], os.environ["BUSINESS_MONTHLY_BUDGET_CENTS"]),
        vapi=vapi(),
        purchasing=partial(purchasing, clock),
    )


def purchasing(clock: Callable[[], float], provider: Provider) -> Purchasing:
    """How numbers of a provider are bought. Raises ProviderNotConfigured."""
    at_vapi = NumbersOfVapi(
        clock=clock,
        numbers=numbers(),
        vapi=vapi(),
        token=lambda number_id, business: make_token(secret("WEBHOOK_SECRET_ARN"), number_id, business),
        home_country=os.environ["HOME_COUNTRY"],
        pricing=pricing(),
    )
    if provider == "vapi":
        return at_vapi
    return NumbersOfCarrier(**vars(at_vapi), carrier=carrier(provider))


def pricing() -> Pricing:
    """Fees in the deployment's currency, by its rates and its table."""
    return _pricing(
        os.environ["CURRENCY"], os.environ["HOME_COUNTRY"], os.environ["CURRENCY_RATES"], os.environ["PRICE_TABLE"]
    )


@lru_cache(maxsize=1)
def _pricing(currency: str, home_country: str, rates: str, table: str) -> Pricing:
    return Pricing.read(currency, home_country, rates, table)


@lru_cache(maxsize=1)
def _vapi(base_url: str, api_key: str) -> Vapi:
    return Vapi.connect(base_url, api_key)


@lru_cache(maxsize=1)
def _dialling_vapi(base_url: str, api_key: str) -> Vapi:
    return Vapi.dialling(base_url, api_key)
