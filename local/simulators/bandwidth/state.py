"""What Bandwidth has for sale and what the simulated account has, with the orders that move numbers between the two.

An order does its work when it is due, not when it is posted: until then it is RECEIVED, or PROCESSING. Then it is
COMPLETE, PARTIAL or FAILED, and only then are its errors known. Telephone numbers are E.164 and kept free for fiction.
"""

import copy
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

OTHER_ACCOUNT = "9900000"
ON_ACCOUNT = frozenset({"Inservice", "InAccount"})
PLACES = {
    "212": ("NEW YORK", "NY"),
    "279": ("SACRAMENTO", "CA"),
    "406": ("HELENA", "MT"),
    "415": ("SAN FRANCISCO", "CA"),
    "701": ("FARGO", "ND"),
    "919": ("CARY", "NC"),
}
"""City and state of each area code."""

Kind = Literal["purchase", "disconnect", "lidb", "activation"]


@dataclass
class Number:
    """A telephone number that Bandwidth knows of. status: as `GET /tns/{tn}` has it."""

    number: str
    country: str
    kind: str
    city: str
    state: str
    status: str = "Available"
    account: str | None = None
    site: str | None = None
    peer: str | None = None
    order: str | None = None
    since: str | None = None
    caller_id_name: str | None = None
    voice_package: str | None = None


@dataclass(frozen=True)
class Mistake:
    """An error of an order, about one of its numbers or about all of it."""

    code: int
    description: str
    number: str | None = None


@dataclass
class Order:
    """An order of any kind. values: what else was asked for."""

    id: str
    kind: Kind
    numbers: tuple[str, ...]
    created: str
    due: float
    customer_order_id: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    status: str = "RECEIVED"
    done: list[str] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.status in ("RECEIVED", "PROCESSING")


class Store:
    """Numbers and orders. Safe for threads; what comes out is a copy.

    universal: the account is on the Universal Platform, where a number that was bought is not in service until its
    voice is activated. order_seconds pass before an order is carried out. held: none is, until it is set back.
    """

    def __init__(self, account: str, order_seconds: float, *, universal: bool = False) -> None:
        self.account = account
        self.universal = universal
        self.order_seconds = order_seconds
        self.held = False
        self._lock = threading.RLock()
        self._numbers: dict[str, Number] = {}
        self._orders: dict[str, Order] = {}
        self.clear()

    def clear(self) -> None:
        """No order was ever made, and everything is for sale again."""
        with self._lock:
            self.held = False
            self._orders.clear()
            self._numbers = {number.number: number for number in _stock()}

    def numbers(self) -> list[Number]:
        """Every number that Bandwidth knows of, in order."""
        with self._lock:
            self._carry_out()
            return copy.deepcopy([self._numbers[number] for number in sorted(self._numbers)])

    def number(self, number: str) -> Number | None:
        """One of them."""
        with self._lock:
            self._carry_out()
            return copy.deepcopy(self._numbers.get(number))

    def package(self, number: str, voice_package: str) -> bool:
        """Puts a number of the account into a voice configuration package; False if the account has it not."""
        with self._lock:
            self._carry_out()
            if self._not_ours(number):
                return False
            self._numbers[number].voice_package = voice_package
            return True

    def take(self, number: str) -> None:
        """Somebody else has a number; searches show it all the same."""
        with self._lock:
            known = self._numbers[number]
            known.status, known.account = "Available", OTHER_ACCOUNT

    def put(
        self, kind: Kind, numbers: Sequence[str], customer_order_id: str | None, values: dict[str, str]
    ) -> tuple[Order, list[Mistake]]:
        """Takes an order down. The mistakes are those that could be told at once."""
        with self._lock:
            self._carry_out()
            now = _now()
            order = Order(
                str(uuid.uuid4()),
                kind,
                tuple(numbers),
                now,
                time.monotonic() + self.order_seconds,
                customer_order_id,
                values,
            )
            order.mistakes = [mistake for number in numbers if (mistake := self._in_the_way(order, number))]
            at_once = order.mistakes + self._cannot(order)
            self._orders[order.id] = order
            return copy.deepcopy(order), at_once

    def name_under_way(self, number: str) -> str | None:
        """The calling name that an order which is not carried out yet gives a number."""
        with self._lock:
            self._carry_out()
            orders = [order for order in self._orders.values() if order.kind == "lidb" and number in order.numbers]
            return next((order.values.get("SubscriberInformation") for order in orders if order.is_open), None)

    def withdraw(self, order_id: str) -> None:
        """As if the order had never been made."""
        with self._lock:
            del self._orders[order_id]

    def order(self, kind: Kind, order_id: str) -> Order | None:
        """An order as far as it is."""
        with self._lock:
            self._carry_out()
            order = self._orders.get(order_id)
            if order is None or order.kind != kind:
                return None
            if order.is_open:
                order.status = "PROCESSING"
            return copy.deepcopy(order)

    def orders(self, kind: Kind) -> list[Order]:
        """All orders of a kind, the newest first."""
        with self._lock:
            self._carry_out()
            return copy.deepcopy([order for order in self._orders.values() if order.kind == kind])[::-1]

    def _carry_out(self) -> None:
        if self.held:
            return
        for order in self._orders.values():
            if order.is_open and order.due <= time.monotonic():
                self._work(order)

    def _work(self, order: Order) -> None:
        failed = {mistake.number for mistake in order.mistakes}
        order.mistakes += [mistake for mistake in self._cannot(order) if mistake.number not in failed]
        failed = {mistake.number for mistake in order.mistakes}
        order.done = [number for number in order.numbers if number not in failed]
        for number in order.done:
            _EFFECTS[order.kind](self._numbers[number], order, self.account)
            if order.kind == "purchase" and self.universal:
                self._numbers[number].status = "InAccount"
        order.status = "COMPLETE" if not order.mistakes else "PARTIAL" if order.done else "FAILED"

    def _in_the_way(self, order: Order, number: str) -> Mistake | None:
        others = (other for other in self._orders.values() if other.is_open and other.kind == order.kind)
        if not any(number in other.numbers for other in others):
            return None
        if order.kind == "lidb":
            already = "Cannot add LIDB to a telephone number that already has LIDB or is in process"
            return Mistake(11020, already, number)
        if order.kind == "purchase":
            return Mistake(5218, f"Telephone number {number} is already being processed on another order.", number)
        return None

    def _cannot(self, order: Order) -> list[Mistake]:
        """What forbids an order as things stand."""
        judges: dict[Kind, Callable[[str], Mistake | None]] = {
            "purchase": self._unsaleable,
            "activation": self._not_packaged,
        }
        judge = judges.get(order.kind, self._not_ours)
        return [mistake for number in order.numbers if (mistake := judge(number))]

    def _unsaleable(self, number: str) -> Mistake | None:
        known = self._numbers.get(number)
        if known and known.account == self.account and known.status in ON_ACCOUNT:
            return Mistake(5124, f"Telephone number {number} already exists.", number)
        if known is None or known.status != "Available" or known.account:
            return Mistake(5071, f"Telephone number {number} is not available on the system.", number)
        return None

    def _not_ours(self, number: str) -> Mistake | None:
        known = self._numbers.get(number)
        if known is None or known.account != self.account:
            return Mistake(5076, f"Telephone number {number} does not belong to this account.", number)
        if known.status not in ON_ACCOUNT:
            return Mistake(5074, f"Telephone number {number} is not in service.", number)
        return None

    def _not_packaged(self, number: str) -> Mistake | None:
        known = self._numbers.get(number)
        if known is None or self._not_ours(number) or known.voice_package is None:
            return Mistake(0, f"Telephone number {number} cannot be activated.", number)
        return None


def _bought(number: Number, order: Order, account: str) -> None:
    number.status, number.account, number.order, number.since = "Inservice", account, order.id, _now()
    number.site, number.peer = order.values.get("SiteId"), order.values.get("PeerId")


def _disconnected(number: Number, _order: Order, _account: str) -> None:
    number.status, number.caller_id_name, number.voice_package = "Aging", None, None


def _named(number: Number, order: Order, _account: str) -> None:
    number.caller_id_name = order.values["SubscriberInformation"]


def _activated(number: Number, _order: Order, _account: str) -> None:
    number.status = "Inservice"


_EFFECTS: dict[Kind, Callable[[Number, Order, str], None]] = {
    "purchase": _bought,
    "disconnect": _disconnected,
    "lidb": _named,
    "activation": _activated,
}


def _stock() -> Iterator[Number]:
    for area_code, line in itertools.product(PLACES, range(100, 200)):
        yield Number(f"+1{area_code}5550{line}", "USA", "GEOGRAPHIC", *PLACES[area_code])
    for line in range(100, 200):
        yield Number(f"+18005550{line}", "USA", "TOLL_FREE", "", "")
        yield Number(f"+442079460{line}", "GBR", "GEOGRAPHIC", "LONDON", "")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
