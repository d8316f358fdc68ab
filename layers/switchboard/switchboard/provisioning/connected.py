"""The lifecycle with its real collaborators: the table, Vapi under the deployment's key, the webhook key."""

import os
from functools import lru_cache

from switchboard.carriers.vapi import Vapi
from switchboard.errors import ProviderNotConfigured
from switchboard.provisioning.changes import Changes
from switchboard.provisioning.lifecycle import Lifecycle
from switchboard.store.numbers import numbers
from switchboard.store.screening import screening
from switchboard.store.secrets import secret
from switchboard.webhook_token import make_token


def vapi() -> Vapi:
    """Vapi under the key that is current. Raises ProviderNotConfigured if the deployment has none."""
    api_key = secret("VAPI_SECRET_ARN").get("apiKey")
    if not api_key:
        arn = os.environ["VAPI_SECRET_ARN"]
        raise ProviderNotConfigured("vapi", f'put {{"apiKey": "..."}} into the secret {arn}.')
    return _vapi(os.environ["VAPI_BASE_URL"], api_key)


def changes() -> Changes:
    """For what needs nothing of the provider, and goes on while it cannot be reached."""
    return Changes(numbers=numbers())


def lifecycle() -> Lifecycle:
    return Lifecycle(
        numbers=numbers(),
        screening=screening(),
        vapi=vapi(),
        token=lambda number_id, business: make_token(secret("WEBHOOK_SECRET_ARN"), number_id, business),
        home_country=os.environ["HOME_COUNTRY"],
    )


@lru_cache(maxsize=1)
def _vapi(base_url: str, api_key: str) -> Vapi:
    return Vapi.connect(base_url, api_key)
