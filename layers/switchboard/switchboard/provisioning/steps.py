"""The steps in a number's life that are the same wherever it was bought: all that happens at Vapi once it is there."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, Self

from switchboard.carriers.vapi import BLOCKED, Vapi, VapiNumber, held_at_vapi, server_of
from switchboard.errors import (
    InvalidRequest,
    NotAvailable,
    ProviderNotConfigured,
    PurchaseRefused,
    RequirementMissing,
    SwitchboardError,
)
from switchboard.model.at_carrier import AtCarrier, Candidate
from switchboard.model.number import PhoneNumberRequest
from switchboard.model.record import NumberRecord
from switchboard.provisioning.changes import Changes
from switchboard.provisioning.facts import facts_of

UNSURE_SECONDS = 600
"""How long what was asked for and not heard is looked up before it is taken not to have happened."""

CLOCK_SKEW_SECONDS = 120
"""How far a provider's clock may be behind ours when we ask for what was made since."""

LONGEST_CALL_SECONDS = 43_200
"""Vapi's upper limit: a call that began before is over, whatever its row says."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a purchase will try, and cents that a budget has to bear: each month, and once."""

    carrier: AtCarrier | None = None
    monthly: Decimal = Decimal(0)
    once: Decimal = Decimal(0)

    @classmethod
    def buying(cls, carrier: AtCarrier) -> Self:
        """A budget has to bear whichever candidate it will be."""
        once = max((candidate.setup_fee or Decimal(0) for candidate in carrier.candidates), default=Decimal(0))
        return cls(carrier=carrier, monthly=carrier.dearest, once=once)

    def cheaper(self) -> "Plan | None":
        """The same without the dearest candidates; None if that leaves none."""
        candidates = self.carrier.candidates if self.carrier is not None else []
        most = max(map(_cost, candidates), default=Decimal(0))
        left = [candidate for candidate in candidates if _cost(candidate) < most]
        return Plan.buying(self.carrier.changed(candidates=left)) if self.carrier is not None and left else None


def _cost(candidate: Candidate) -> Decimal:
    return (candidate.monthly_fee or Decimal(0)) + (candidate.setup_fee or Decimal(0))


class Purchasing(Protocol):
    """How numbers of one provider are bought, and brought to where they are wanted from wherever they stand."""

    def refuse(self, request: PhoneNumberRequest) -> None:
        """Raises InvalidRequest for what this provider cannot do at all. Asks nobody."""
        ...

    def plan(self, request: PhoneNumberRequest) -> Plan:
        """What to try. Buys nothing. Raises NotAvailable, InvalidRequest, ProviderError."""
        ...

    def buy(self, intent: NumberRecord) -> NumberRecord:
        """Takes the first steps of an intent that this process has just written.

        Raises what says that nothing was bought: the intent is then gone, or kept as a failed number.
        """
        ...

    def advance(self, record: NumberRecord) -> NumberRecord:
        """Takes the next step that is due, if any. Raises ProviderError or Refused if the outside does not go along."""
        ...

    def lost_at_vapi(self, record: NumberRecord) -> NumberRecord:
        """Vapi does not have a number that is in service. Raises ProviderNotConfigured if its key is a wrong one."""
        ...


@dataclass(frozen=True, kw_only=True)
class Steps(Changes):
    """token: the server URL's token for a number's id and business. home_country: ISO 3166-1, the deployment's."""

    vapi: Vapi
    token: Callable[[str, str], str]
    home_country: str

    def registration(self, record: NumberRecord, **of_provider: Any) -> dict[str, Any]:
        """The body that makes the number known to Vapi: no assistant, our server with our token, our name and fallback.

        A number without an assistant makes Vapi ask us who answers.
        """
        number = record.number
        held = held_at_vapi(name=number.name, fallback=number.forwarding_number)
        wanted = {**of_provider, **held, "server": server_of(record.server_url, self.token(number.id, number.business))}
        return {key: value for key, value in wanted.items() if value is not None}

    def leave_vapi(self, record: NumberRecord) -> None:
        """Has Vapi let go of the number. Repeatable. Raises ProviderNotConfigured as `refuse_other_organisation`."""
        if not self.vapi.release_number(str(record.vapi_id)):
            self.refuse_other_organisation(record)

    def refuse_other_organisation(self, record: NumberRecord) -> None:
        """For what Vapi does not have. Raises ProviderNotConfigured if its key is of another organisation by now."""
        if record.vapi_org_id is not None and self.vapi.org_id() not in (None, record.vapi_org_id):
            raise ProviderNotConfigured("vapi", "its key is of another organisation than the number is in.")

    def activated(self, record: NumberRecord, held: VapiNumber) -> NumberRecord:
        """Takes the number into service once Vapi has; a number of Vapi's own gets its E.164 now.

        A number that would forward its callers back to itself is not lost, but stays inactive.
        """
        if held.status == BLOCKED:
            return self.step(record, lambda now: now.blocked("Vapi has blocked the number.", self._now()))
        phone_number = record.number.phone_number or held.number
        if held.status != "active" or phone_number is None:
            return record
        facts = facts_of(phone_number, self.home_country)
        try:
            return self.step(record, lambda now: now.activated(phone_number, facts, self._now()))
        except InvalidRequest as circle:
            detail = "; ".join(f"{error.path} {error.message}" for error in circle.errors)
            return self.step(record, lambda now: now.left_inactive(phone_number, facts, detail, self._now()))

    def in_call(self, record: NumberRecord) -> bool:
        """Whether somebody is talking on the number right now, as Vapi's call list has it."""
        since = self._now() - LONGEST_CALL_SECONDS
        return record.vapi_id is not None and self.vapi.is_in_call(record.vapi_id, since)

    def told_vapi(self, record: NumberRecord, provider: str) -> bool:
        """Gives Vapi the name and the fallback that we hold; False if it does not have the number (any more)."""
        held = held_at_vapi(name=record.number.name, fallback=record.fallback)
        return self.vapi.update_number(str(record.vapi_id), provider, held)

    def told(self, record: NumberRecord) -> NumberRecord:
        """What was told has arrived. What was changed meanwhile may have arrived before it did, and is told again."""
        return self.step(record, lambda now: now.in_step() if now.revision == record.revision else now.to_be_told())

    def not_bought(self, record: NumberRecord, code: str, detail: str) -> NumberRecord:
        """The purchase is known not to have happened. Final."""
        return self.step(record, lambda now: now.failed(code, detail, self._now()))

    def step(self, record: NumberRecord, move: Callable[[NumberRecord], NumberRecord]) -> NumberRecord:
        """Writes down a step in the number's life as it is by now, unless somebody else has taken a step meanwhile."""
        start = (record.state, record.attempt, record.carrier)
        return self._change(
            record.number.id,
            record.number.business,
            None,
            lambda now: move(now) if (now.state, now.attempt, now.carrier) == start else now,
        )


NOT_BOUGHT = (NotAvailable, PurchaseRefused, RequirementMissing)
"""What says for good that nothing was bought."""


def refusal(code: str, detail: str) -> SwitchboardError:
    """The error of a purchase that was kept as failed, by its code: a repeated request is told the same."""
    known = {NotAvailable.code: NotAvailable, RequirementMissing.code: RequirementMissing}
    return known.get(code, PurchaseRefused)(detail)


def new_asker() -> str:
    """Who asks: a step that is written under this name is known to be one's own."""
    return secrets.token_hex(8)
