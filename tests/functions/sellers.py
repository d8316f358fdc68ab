"""The carriers' simulators as the tests of buying see them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local.simulators.bandwidth import BandwidthSimulator
from local.simulators.server import Simulator
from local.simulators.twilio import TwilioSimulator
from local.simulators.vonage import VonageSimulator


@dataclass(frozen=True)
class Seller:
    """purchase, release: method and path of the carrier's own requests. credentials: as its secret holds them.

    hand_over: makes a number (E.164, of the US) the account's under a tag, as a purchase does that commits late.
    take: somebody else buys a number.
    """

    provider: str
    simulator: Simulator
    base_urls: Mapping[str, str]
    credentials: Mapping[str, str]
    purchase: tuple[str, str]
    release: tuple[str, str]
    hand_over: Callable[[str, str], object]
    take: Callable[[str], object]

    def owned(self) -> list[str]:
        """The account's numbers, E.164."""
        state = self.simulator.state()
        rows = state.get("owned", state.get("numbers", []))
        return sorted(_e164(row) for row in rows if row.get("status", "in-use").lower() in HELD)

    def paid(self) -> list[dict[str, Any]]:
        """The purchases that came to something: orders that were carried out, else requests that were granted."""
        if isinstance(self.simulator, BandwidthSimulator):
            return [
                order for order in self.simulator.state()["orders"] if order["kind"] == "purchase" and order["done"]
            ]
        return [seen for seen in self.simulator.requests_to(*self.purchase) if seen["status"] in (200, 201)]


HELD = ("in-use", "inservice", "inaccount")


def _e164(row: Mapping[str, Any]) -> str:
    number = str(row.get("msisdn") or row.get("phone_number") or row.get("number"))
    return number if number.startswith("+") else f"+{number}"


@contextmanager
def sellers() -> Iterator[dict[str, Seller]]:
    """All carriers, while the block lasts."""
    with TwilioSimulator() as twilio, VonageSimulator() as vonage, BandwidthSimulator(order_seconds=0) as bandwidth:
        of_account = f"/api/v2/accounts/{bandwidth.account}"
        twilio_numbers = f"/2010-04-01/Accounts/{twilio.account_sid}/IncomingPhoneNumbers"
        yield {
            "twilio": Seller(
                "twilio",
                twilio,
                {"TWILIO_BASE_URL": twilio.url, "TWILIO_PRICING_URL": twilio.url},
                twilio.credentials,
                ("POST", f"{twilio_numbers}.json"),
                ("DELETE", f"{twilio_numbers}/*.json"),
                lambda number, tag: twilio.store.buy(number, {"FriendlyName": tag}, only_one=False),
                twilio.take,
            ),
            "vonage": Seller(
                "vonage",
                vonage,
                {"VONAGE_BASE_URL": vonage.url},
                {
                    "apiKey": vonage.api_key,
                    "apiSecret": vonage.api_secret,
                    "vapiCredentialId": "5f0d7f5e-0000-4000-8000-00000000c4ed",
                },
                ("POST", "/number/buy"),
                ("POST", "/number/cancel"),
                lambda number, _: vonage.store.sell("US", number.removeprefix("+")),
                lambda number: vonage.take(number, shown=True),
            ),
            "bandwidth": Seller(
                "bandwidth",
                bandwidth,
                {"BANDWIDTH_BASE_URL": bandwidth.url},
                {
                    "clientId": bandwidth.client_id,
                    "clientSecret": bandwidth.client_secret,
                    "accountId": bandwidth.account,
                    "siteId": min(bandwidth.sites),
                    "vapiCredentialId": "5f0d7f5e-0000-4000-8000-00000000ba2d",
                },
                ("POST", f"{of_account}/orders"),
                ("POST", f"{of_account}/disconnects"),
                lambda number, tag: bandwidth.store.put("purchase", [number], tag or None, {"SiteId": "743"}),
                bandwidth.take,
            ),
        }
