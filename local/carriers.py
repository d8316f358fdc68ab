"""The carriers of the local stack: a simulator of each, and what the deployment has to be told of them."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from local.simulators.bandwidth import BandwidthSimulator
from local.simulators.twilio import TwilioSimulator
from local.simulators.vonage import VonageSimulator

RATES = "EUR=1.08"
"""Vonage bills in euros."""

PRICES = {"bandwidth": {"US": {"local": {"monthlyFee": 35, "setupFee": 0, "perMinuteCost": 0.55}}}}
"""In cents, for the carrier that tells no prices."""

VONAGE_AT_VAPI = "5f0d7f5e-0000-4000-8000-00000000c4ed"
BANDWIDTH_AT_VAPI = "5f0d7f5e-0000-4000-8000-00000000ba2d"
"""Ids of the credentials that an operator makes at Vapi for these accounts."""


@dataclass(frozen=True)
class Carriers:
    """The simulators, good while `running_carriers` runs."""

    twilio: TwilioSimulator
    vonage: VonageSimulator
    bandwidth: BandwidthSimulator

    @property
    def parameters(self) -> dict[str, str]:
        """The template's parameters that are about carriers."""
        return {
            "TwilioBaseUrl": self.twilio.url,
            "TwilioPricingUrl": self.twilio.url,
            "VonageBaseUrl": self.vonage.url,
            "BandwidthBaseUrl": self.bandwidth.url,
            "CurrencyRates": RATES,
            "PriceTable": json.dumps(PRICES),
        }

    @property
    def credentials(self) -> dict[str, dict[str, str]]:
        """What each secret of the template has to hold, by the secret's logical id."""
        return {
            "TwilioSecret": self.twilio.credentials,
            "VonageSecret": {**self.vonage.credentials, "vapiCredentialId": VONAGE_AT_VAPI},
            "BandwidthSecret": {**self.bandwidth.credentials, "vapiCredentialId": BANDWIDTH_AT_VAPI},
        }

    @property
    def owners(self) -> Mapping[str, Callable[[str], bool]]:
        """By provider, whether the account there has a number (E.164), as Vapi learns it."""
        return {"twilio": self.twilio.owns, "vonage": self.vonage.owns, "bandwidth": self.bandwidth.owns}


@contextmanager
def running_carriers() -> Iterator[Carriers]:
    """All carriers, while the block lasts."""
    with TwilioSimulator() as twilio, VonageSimulator() as vonage, BandwidthSimulator() as bandwidth:
        yield Carriers(twilio, vonage, bandwidth)
