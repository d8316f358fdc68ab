"""What Vonage has for sale, and what the simulated account owns, as rows of Vonage's own shape.

Telephone numbers stand without a plus, as Vonage writes them. All of them are kept free for fiction.
"""

import copy
import threading
from collections.abc import Iterator
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]

AREA_CODES = ("212", "279", "406", "415", "646", "701", "919")
REGULATED = frozenset({"DE"})
"""Numbers of these countries are shown, and sold only in the Dashboard, with an address (carriers.md 2.5)."""
SETTINGS = (
    "app_id",
    "moHttpUrl",
    "voiceCallbackType",
    "voiceCallbackValue",
    "messagesCallbackType",
    "messagesCallbackValue",
)
"""What an update sets, as it is shown again."""


class Store:
    """Numbers for sale and numbers owned. Safe for threads; every row that comes out is a copy."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._for_sale: dict[str, Row] = {}
        self._owned: dict[str, Row] = {}
        self._taken: set[str] = set()
        self.clear()

    def clear(self) -> None:
        """Nothing is owned or taken any more, and everything is for sale again."""
        with self._lock:
            self._owned.clear()
            self._taken.clear()
            self._for_sale = {row["msisdn"]: row for row in _stock()}

    def for_sale(self) -> list[Row]:
        """What a search may show, in the order of the numbers."""
        with self._lock:
            return [copy.deepcopy(self._for_sale[msisdn]) for msisdn in sorted(self._for_sale)]

    def owned(self) -> list[Row]:
        """What the account owns, in the order of the purchases."""
        with self._lock:
            return copy.deepcopy(list(self._owned.values()))

    def offer(self, country: str, msisdn: str, kind: str, cost: str = "1.00") -> None:
        """One more number is for sale. kind: as Vonage calls types. cost: by the month."""
        with self._lock:
            self._for_sale[msisdn] = _row(country, msisdn, kind, cost, ["VOICE"])

    def sell(self, country: str, msisdn: str) -> bool:
        """Hands a number to the account; False if it is not there to be had."""
        with self._lock:
            row = self._for_sale.get(msisdn)
            if row is None or row["country"] != country or msisdn in self._taken:
                return False
            del self._for_sale[msisdn]
            self._owned[msisdn] = {key: row[key] for key in ("country", "msisdn", "type", "features")}
            return True

    def take_back(self, country: str, msisdn: str) -> bool:
        """Takes a number from the account, and does not offer it again; False if the account has it not."""
        with self._lock:
            return self._is_owned(country, msisdn) and self._owned.pop(msisdn) is not None

    def configure(self, country: str, msisdn: str, settings: Row) -> bool:
        """Replaces all settings of a number: what is not given is cleared. False if the account has it not."""
        with self._lock:
            if not self._is_owned(country, msisdn):
                return False
            kept = {key: value for key, value in self._owned[msisdn].items() if key not in SETTINGS}
            self._owned[msisdn] = kept | {key: value for key, value in settings.items() if key in SETTINGS and value}
            return True

    def take(self, msisdn: str, *, shown: bool) -> None:
        """Somebody else has a number. shown: the search has not noticed yet."""
        with self._lock:
            self._taken.add(msisdn)
            if not shown:
                self._for_sale.pop(msisdn, None)

    def _is_owned(self, country: str, msisdn: str) -> bool:
        return msisdn in self._owned and self._owned[msisdn]["country"] == country


def _stock() -> Iterator[Row]:
    for area_code in AREA_CODES:
        for line in range(100, 200):
            yield _row("US", f"1{area_code}5550{line}", "mobile-lvn", "0.90", ["SMS", "VOICE", "MMS"])
    for line in range(100, 200):
        yield _row("US", f"18005550{line}", "landline-toll-free", "1.80", ["VOICE"])
        yield _row("GB", f"442079460{line}", "landline", "1.00", ["VOICE"])
        yield _row("GB", f"447700900{line}", "mobile-lvn", "1.25", ["SMS", "VOICE"])
        yield _row("FR", f"33199000{line}", "landline", "1.00", ["VOICE"], initial="2.50")
        yield _row("DE", f"493023125{line}", "landline", "1.10", ["VOICE"])


def _row(country: str, msisdn: str, kind: str, cost: str, features: list[str], *, initial: str = "0.00") -> Row:
    fees = {"cost": cost, "initialPrice": initial}
    return {"country": country, "msisdn": msisdn, "type": kind, **fees, "features": features}
