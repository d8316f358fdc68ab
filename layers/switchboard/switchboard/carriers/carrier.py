"""What Switchboard asks of a carrier, in words that fit all of them. One client a carrier implements it.

No carrier takes an idempotency key, so every purchase names one exact number and is sent once; what became of one whose
answer was not heard is looked up. Money is in major units of the currency named beside it, as the carrier says it.

All methods raise the ProviderErrors of `switchboard.errors`, and `Refused` for a no that has no error of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

from switchboard.errors import FieldError, InvalidRequest
from switchboard.model.number import Capabilities

LineType = Literal["local", "toll-free", "mobile"]
"""What carriers sell; `international` is a matter of where the deployment is at home."""

Capability = Literal["voice", "sms", "mms", "fax"]

TAG_PREFIX = "switchboard-"
"""What every tag begins with, so that a carrier's label that somebody else has written is not taken for one of ours.
A tag is the prefix and our operation's id: at most 40 letters, digits and dashes, which every carrier takes."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to search for.

    country: ISO 3166-1 alpha-2. area_code: national digits that the number starts with. contains: digits anywhere in
    the national number, `*` standing for any one digit.
    """

    country: str = "US"
    type: LineType = "local"
    area_code: str | None = None
    contains: str | None = None
    capabilities: tuple[Capability, ...] = ("voice",)
    limit: int = 20


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A number that could be bought a moment ago; nothing reserves it. number: E.164.

    A fee is None where the search does not tell it, and `Carrier.prices` may.
    """

    number: str
    country: str
    type: LineType
    region: str | None = None
    city: str | None = None
    area_code: str | None = None
    capabilities: Capabilities
    monthly_fee: Decimal | None = None
    setup_fee: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, kw_only=True)
class Owned:
    """A number of the account. number: E.164.

    country, type: None where the carrier does not tell.
    reference: the carrier's own id of it, where it has one besides the digits. tag: what `buy` was given, None where
    the carrier keeps no tag or the number has none of ours. settings: the carrier's own fields. since: Unix seconds.
    is_diverted: its settings send its calls past Vapi, which `configure` puts right.
    """

    number: str
    country: str | None
    type: LineType | None = None
    reference: str | None = None
    tag: str | None = None
    capabilities: Capabilities
    settings: Mapping[str, Any] = field(default_factory=dict)
    since: int | None = None
    is_diverted: bool = False


@dataclass(frozen=True, kw_only=True)
class Order:
    """How far a purchase or a release is. reference: what to ask for it by, None where there is nothing to ask.

    code: why it failed, NotAvailable's or RequirementMissing's code where it is one of these, else the carrier's own.
    detail: the carrier's words, free of secrets.
    """

    state: Literal["done", "pending", "failed"]
    reference: str | None = None
    code: str | None = None
    detail: str | None = None


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What a number of a kind costs this account; None is unknown, never free. per_minute: of an inbound call."""

    monthly_fee: Decimal | None = None
    setup_fee: Decimal | None = None
    per_minute: Decimal | None = None
    currency: str | None = None


class Carrier(Protocol):
    """A carrier under one account's credentials.

    account: the account's id, which is no secret and stays when its credentials are renewed.
    asynchronous: `buy` may answer `pending`, to be followed by `order`. tags_numbers: the carrier shows a number's tag
    again, so that a number that nobody remembers can be proved to be ours. sets_caller_id_name: it can hold one.
    """

    @property
    def name(self) -> str: ...

    @property
    def account(self) -> str: ...

    @property
    def asynchronous(self) -> bool: ...

    @property
    def tags_numbers(self) -> bool: ...

    @property
    def sets_caller_id_name(self) -> bool: ...

    def search(self, wanted: Wanted) -> list[Offer]:
        """At most `wanted.limit` offers, in the carrier's order; none if it has none, or none of that kind."""
        ...

    def buy(self, number: str, country: str, tag: str) -> Order:
        """Buys exactly this number; sent once. tag: TAG_PREFIX and our operation's id.

        Raises NotAvailable if another one has to be tried (this one is not to be had, or the account has it already
        and not by this tag), RequirementMissing if the account has to meet a condition
        first, Refused for any other no, OutcomeUnknown or ProviderFailed if it may have been bought all the same
        (`find` tells), and other ProviderErrors if it certainly was not.
        """
        ...

    def order(self, reference: str) -> Order:
        """How far a pending purchase is; it fails in the answer, never by an error."""
        ...

    def find(self, number: str, country: str, tag: str) -> Owned | Order | None:
        """The number as the account has it by now, with the tag that it came by; None if it has it not.

        country: "" for whichever it is of. tag: the purchase's. An Order, pending, while a purchase under this tag is
        under way at an asynchronous carrier: what `order` is to be asked.
        """
        ...

    def owned(self) -> Iterator[Owned]:
        """Every number of the account, all pages. One that comes without a tag may show it to `find`."""
        ...

    def configure(self, owned: Owned, *, tag: str | None = None, caller_id_name: str | None = None) -> bool:
        """Makes a number ready to be answered by Vapi, and gives it what the carrier can hold of ours; repeatable.

        False while the carrier does not show the name yet. None leaves a value as it is. Raises InvalidRequest for a
        caller id name where the carrier holds none.
        """
        ...

    def put_in_service(self, owned: Owned, reference: str | None) -> Order:
        """Done once the number's calls arrive. reference: of what was ordered for that before; None orders it.

        Failed where an order has come to nothing: another one may be made.
        """
        ...

    def release(self, owned: Owned) -> Order:
        """Gives the number back; one that is gone already is done. Repeatable."""
        ...

    def release_order(self, reference: str) -> Order:
        """How far a pending release is, taking its next step if that is due."""
        ...

    def prices(self, country: str, kind: LineType) -> Prices:
        """What the carrier's price list says; all None where it publishes none."""
        ...

    def registration(self, number: str) -> dict[str, Any]:
        """The part of Vapi's import (POST /phone-number) that is about the carrier. Holds secrets."""
        ...


def holds_no_caller_id_name(carrier: str) -> InvalidRequest:
    """The refusal of `configure` where the carrier has no such thing."""
    return InvalidRequest(FieldError("callerIdName", f"{carrier} has no caller id name for a number"))
