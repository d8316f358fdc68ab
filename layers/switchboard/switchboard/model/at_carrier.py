"""A number at its carrier: which numbers are tried, what the carrier was asked, and what it is known by there. Pure.

No carrier takes an idempotency key. What makes a purchase safe to ask for twice is that it names one exact number,
which an account can own only once; so each number that is tried is written down before it is asked for.
"""

from decimal import Decimal
from typing import Self

from switchboard.model.base import E164, MADE_HERE, Country, Money, Shape, Timestamp
from switchboard.model.number import Capabilities, NumberType


class Candidate(Shape):
    """A number that the carrier offered. Fees are cents of the deployment's currency; None is unknown, never free."""

    model_config = MADE_HERE

    number: E164
    type: NumberType | None = None
    country: Country
    region: str | None = None
    city: str | None = None
    area_code: str | None = None
    capabilities: Capabilities = Capabilities()
    monthly_fee: Money | None = None
    setup_fee: Money | None = None
    per_minute_cost: Money | None = None


class AtCarrier(Shape):
    """candidates: still to be tried, the first of them now; of a number that is bought, the one that it is.

    asked_since: when the carrier may first have been asked to sell the first candidate; None: it has not been.
    asked_last: when it may have been asked again. asker: a name that only the asking process knows.
    order, release_order: what a pending purchase or release is asked after by. reference: the carrier's own id.
    activation: the order that is to make its calls arrive.
    is_added: the business owned the number before, so that it is never released there.
    account: in which the number may have been asked for, or is; None: it was not, or before accounts were kept.
    import_asked: when Vapi may have been asked to import the number. import_refusals: how often it has refused to.
    left_vapi: Vapi has let go of the number, and its carrier is next.
    """

    model_config = MADE_HERE

    candidates: list[Candidate]
    is_added: bool = False
    account: str | None = None
    asked_since: Timestamp | None = None
    asked_last: Timestamp | None = None
    asker: str | None = None
    order: str | None = None
    reference: str | None = None
    activation: str | None = None
    import_asked: Timestamp | None = None
    import_refusals: int = 0
    left_vapi: bool = False
    release_order: str | None = None

    @property
    def tried(self) -> Candidate | None:
        """The number that is being bought, or was; None when there is none left to try."""
        return self.candidates[0] if self.candidates else None

    @property
    def claimed(self) -> str | None:
        """The E.164 that nobody else in the deployment may try to buy meanwhile."""
        return self.candidates[0].number if self.candidates and self.asked_since is not None else None

    @property
    def dearest(self) -> Decimal:
        """Cents a month that a budget has to bear, whichever candidate it will be."""
        return max((candidate.monthly_fee or Decimal(0) for candidate in self.candidates), default=Decimal(0))

    def changed(self, **changes: object) -> Self:
        """The same with other values, by their names in Python."""
        return self.model_copy(update=changes)
