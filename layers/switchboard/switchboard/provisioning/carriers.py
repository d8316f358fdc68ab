"""The carriers, under the credentials that are current in their secrets."""

import json
import os
from functools import lru_cache

from switchboard.carriers.carrier import Carrier
from switchboard.errors import ProviderNotConfigured
from switchboard.model.number import Provider
from switchboard.store.secrets import SecretMalformed, secret


def carrier(provider: Provider) -> Carrier:
    """The client of a carrier; one an instance, as long as its credentials stay. Raises ProviderNotConfigured."""
    match provider:
        case "twilio":
            return _twilio(json.dumps(credentials("TWILIO_SECRET_ARN"), sort_keys=True))
        case "vonage":
            return _vonage(json.dumps(credentials("VONAGE_SECRET_ARN"), sort_keys=True))
        case "bandwidth":
            return _bandwidth(json.dumps(credentials("BANDWIDTH_SECRET_ARN"), sort_keys=True))
        case "vapi":
            raise ProviderNotConfigured("vapi", "Vapi is no carrier.")


def credentials(variable: str) -> dict[str, str]:
    """What an operator has put into a secret; nothing where it cannot be read, so that its remedy is named."""
    try:
        return secret(variable)
    except SecretMalformed:
        return {}


# Imported where they are used: an instance needs the client of one carrier, if any.


@lru_cache(maxsize=1)
def _twilio(credentials: str) -> Carrier:
    from switchboard.carriers.twilio import Twilio  # noqa: PLC0415

    return Twilio.connect(json.loads(credentials), os.environ["TWILIO_BASE_URL"], os.environ["TWILIO_PRICING_URL"])


@lru_cache(maxsize=1)
def _vonage(credentials: str) -> Carrier:
    from switchboard.carriers.vonage import Vonage  # noqa: PLC0415

    held = json.loads(credentials)
    return Vonage.connect(held, os.environ["VONAGE_BASE_URL"], currency=held.get("currency", "EUR"))


@lru_cache(maxsize=1)
def _bandwidth(credentials: str) -> Carrier:
    from switchboard.carriers.bandwidth import Bandwidth  # noqa: PLC0415

    return Bandwidth.connect(json.loads(credentials), os.environ["BANDWIDTH_BASE_URL"])
