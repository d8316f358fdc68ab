"""Numbers of a carrier: searched, bought one exact number at a time, imported into Vapi, and given back in that order.

Each outside call is preceded by a write that says it may be made, under a name of its own (`asker`): only who wrote it
makes the call. What was not heard is looked up the carrier's own way; and since an account can own a number only once,
an exact number may be asked for again when nobody can be asking for it any more. Only what the carrier has surely not
sold is passed over for the next candidate.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from switchboard.carriers.carrier import TAG_PREFIX, Carrier, LineType, Offer, Order, Owned, Wanted
from switchboard.carriers.http import Refused, turn
from switchboard.carriers.vapi import VapiNumber
from switchboard.errors import (
    ChangedMeanwhile,
    FieldError,
    InvalidRequest,
    NotAvailable,
    NumberTaken,
    OutcomeUnknown,
    ProviderBusy,
    ProviderCredentialsRejected,
    ProviderError,
    ProviderFailed,
    ProviderNotConfigured,
    ProviderUnreachable,
    PurchaseRefused,
    RequirementMissing,
)
from switchboard.model.at_carrier import AtCarrier, Candidate
from switchboard.model.number import PhoneNumberRequest, Status, contradictions
from switchboard.model.record import GONE_AT_PROVIDER, ID_PREFIX, NumberRecord
from switchboard.provisioning.facts import facts_of, national, refuse_area_code, wanted_as
from switchboard.provisioning.pricing import Pricing
from switchboard.provisioning.steps import CLOCK_SKEW_SECONDS, UNSURE_SECONDS, Plan, Steps, new_asker, refusal

CANDIDATES = 5
"""How many numbers of one search are tried; whoever finds five taken should search again."""

SEARCHED = 20

SEARCHED_COUNTRIES = 2
"""As numbers of how many countries one exact number is looked for that may be of several."""

ASKING_SECONDS = 60
"""How long a carrier may be asked to sell one number, with all that its client asks it before."""

IN_FLIGHT_SECONDS = 90
"""Longer than that: whoever asked before waits for no answer any more."""

IMPORT_TRIES = 5
"""Vapi may not see a number yet that was bought a moment ago; what it refuses so often it will not have."""

_NEVER_SENT = (ProviderUnreachable, ProviderCredentialsRejected, ProviderBusy)
"""The provider has not done what it was asked, and would do it another time."""


@dataclass(frozen=True, kw_only=True)
class NumbersOfCarrier(Steps):
    """carrier: asked for when it is needed, since a deployment may have no credentials for it (any more)."""

    carrier: Carrier
    pricing: Pricing

    def refuse(self, request: PhoneNumberRequest) -> None:
        is_named = request.phone_number is not None
        no_country = () if is_named else (None,)
        if request.type == "international" and request.country in (*no_country, self.home_country):
            raise InvalidRequest(FieldError("type", f"international needs a country other than {self.home_country}"))
        if is_named and (request.area_code or request.contains):
            raise InvalidRequest(FieldError("phoneNumber", "names the number: no areaCode or contains beside it"))
        if is_named:
            wanted_as(request, self.home_country)
        refuse_area_code(request.area_code, request.country or self.home_country)

    def plan(self, request: PhoneNumberRequest) -> Plan:
        if not request.purchase:
            candidate = self._added(request)
            return Plan(carrier=AtCarrier(candidates=[candidate], is_added=True, account=self.carrier.account))
        candidates = self._candidates(request)
        if not candidates:
            raise NotAvailable(f"{self.carrier.name} has no number like the one that is wanted.")
        refused = tuple(contradictions(request, request.provider, candidates[0].number))
        if refused:
            raise InvalidRequest(*refused)
        return Plan.buying(AtCarrier(candidates=candidates))

    def buy(self, intent: NumberRecord) -> NumberRecord:
        return self._settled_or(intent, lambda: self._purchase(intent, is_request=True))

    def advance(self, record: NumberRecord) -> NumberRecord:
        """As Purchasing.advance. An account that does not have the number could only say that there is none."""
        if _at(record).account not in (None, self.carrier.account):
            remedy = "its secret names another account than the one that the number is in."
            raise ProviderNotConfigured(self.carrier.name, remedy)
        match record.state:
            case "purchasing":
                return self._purchase(record)
            case "importing":
                return self._import(record)
            case "activating":
                held = self.vapi.get_number(str(record.vapi_id))
                return self.lost_at_vapi(record) if held is None else self.activated(record, held)
            case "undoing" | "releasing":
                return self._release(record)
            case _:
                return self._bring_in_step(record)

    # ---- what to try ---------------------------------------------------------------------------------------------

    def _added(self, request: PhoneNumberRequest) -> Candidate:
        """A number of the account's. Its carrier has the first word on its country and type, where it tells them."""
        name, phone_number = self.carrier.name, str(request.phone_number)
        owned = self._held(phone_number, "")
        if owned is None:
            missing = f"is not among the numbers of this deployment's {name} account"
            raise InvalidRequest(FieldError("phoneNumber", missing))
        can = wanted_as(request, self.home_country)
        if request.country not in (None, owned.country or request.country):
            raise InvalidRequest(FieldError("country", f"at {name} the number is one of {owned.country}"))
        if request.type not in (None, "international", owned.type or request.type):
            raise InvalidRequest(FieldError("type", f"at {name} the number is {owned.type}"))
        country, kind = owned.country or can.countries[0], owned.type or can.kinds[0]
        facts = facts_of(phone_number, self.home_country)
        return self.pricing.candidate_of(name, owned, country, kind, facts, self.carrier.prices(country, kind))

    def _candidates(self, request: PhoneNumberRequest) -> list[Candidate]:
        """The offers that fit, with their fees, in the carrier's order; one that is claimed is passed over later."""
        offers = self._found(request)[:CANDIDATES]
        if not offers:
            return []
        prices = self.carrier.prices(offers[0].country, offers[0].type)
        return [self.pricing.candidate(self.carrier.name, offer, prices) for offer in offers]

    def _found(self, request: PhoneNumberRequest) -> list[Offer]:
        exact = request.phone_number
        if exact is None:
            country, kind = request.country or self.home_country, line_type(request.type)
            wanted = Wanted(
                country=country, type=kind, area_code=request.area_code, contains=request.contains, limit=SEARCHED
            )
            return self.carrier.search(wanted)
        if self._held(exact, "") is not None:
            there = f"is in this deployment's {self.carrier.name} account already: purchase false adds it"
            raise InvalidRequest(FieldError("phoneNumber", there))
        can = wanted_as(request, self.home_country)
        for country, kind in product(can.countries[:SEARCHED_COUNTRIES], can.kinds):
            wanted = Wanted(country=country, type=kind, contains=national(exact), limit=SEARCHED)
            offers = [offer for offer in self.carrier.search(wanted) if offer.number == exact]
            if offers:
                return offers
        return []

    # ---- the purchase --------------------------------------------------------------------------------------------

    def _purchase(self, record: NumberRecord, *, is_request: bool = False) -> NumberRecord:
        """From wherever the purchase stands to a number that is bought, or none that could be."""
        while record.state == "purchasing":
            at = _at(record)
            if at.order is not None:
                after = self._follow(record, at.order)
            elif at.asked_since is not None:
                after = self._look_up(record)
            elif record.number.status == Status.CANCELLED:
                return self.not_bought(record, "cancelled", "The number was deleted before it was bought.")
            elif at.tried is None:
                detail = f"{self.carrier.name} does not sell any of the numbers that were found. Nothing was bought."
                self.not_bought(record, NotAvailable.code, detail)
                raise NotAvailable(detail)
            elif at.is_added:
                return self._add(record)
            else:
                after = self._claim_and_ask(record, is_request=is_request)
            if after == record:
                return record
            record = after
        return self._went_on(record)

    def _claim_and_ask(self, record: NumberRecord, *, is_request: bool) -> NumberRecord:
        asker, at = new_asker(), self._now()

        def claimed(now: NumberRecord) -> NumberRecord:
            is_cancelled = now.number.status == Status.CANCELLED  # since it was read
            if is_cancelled:
                return now
            return now.noted(account=self.carrier.account, asked_since=at, asked_last=at, asker=asker)

        try:
            asking = self.step(record, claimed)
        except NumberTaken:
            return self.step(record, lambda now: now.not_available())
        if _at(asking).asker != asker:
            return asking
        try:
            return self._ask(asking)
        except NotAvailable:
            return self.step(asking, lambda now: now.not_available())
        except _NEVER_SENT as error:
            if not is_request:
                self.step(asking, lambda now: now.noted(account=None, asked_since=None, asked_last=None, asker=None))
                raise
            self._take_back(asking, error)
            raise

    def _ask(self, asking: NumberRecord) -> NumberRecord:
        """Asks for the exact number, once. Raises NotAvailable, and what says that the request was never processed."""
        candidate = _tried(asking)
        try:
            with turn(ASKING_SECONDS):
                order = self.carrier.buy(candidate.number, candidate.country, tag_of(asking))
        except RequirementMissing as missing:
            self.not_bought(asking, missing.code, missing.detail)
            raise
        except Refused as refused:
            self.not_bought(asking, PurchaseRefused.code, refused.message)
            raise PurchaseRefused(refused.message) from refused
        except (OutcomeUnknown, ProviderFailed):
            return asking
        return self._ordered(asking, order)

    def _ordered(self, record: NumberRecord, order: Order) -> NumberRecord:
        if order.state == "done":
            return self._confirmed(record, order.reference)
        if order.state == "pending":
            return self.step(record, lambda now: now.noted(order=order.reference))
        if order.code == NotAvailable.code:
            return self.step(record, lambda now: now.not_available())
        detail = f"{self.carrier.name} could not carry out the order: {order.detail or order.code}"
        code = order.code or PurchaseRefused.code
        self.not_bought(record, code, detail)
        raise refusal(code, detail)

    def _follow(self, record: NumberRecord, reference: str) -> NumberRecord:
        order = self.carrier.order(reference)
        return record if order.state == "pending" else self._ordered(record, order)

    def _look_up(self, record: NumberRecord) -> NumberRecord:
        """What became of a purchase that nobody heard of. It is given up only after it was asked for again."""
        at, candidate, now = _at(record), _tried(record), self._now()
        found = self.carrier.find(candidate.number, candidate.country, tag_of(record))
        if isinstance(found, Order):
            return self._ordered(record, found)
        if found is not None and self._is_ours(found, record):
            return self._confirmed(record, found.reference)
        if now - (at.asked_last or 0) < IN_FLIGHT_SECONDS:
            return record
        is_cancelled = record.number.status == Status.CANCELLED
        is_late = now - (at.asked_since or 0) >= UNSURE_SECONDS and (is_cancelled or at.asked_last != at.asked_since)
        if found is not None or is_late:
            return self.step(record, lambda now: now.not_available())
        return record if is_cancelled else self._ask_again(record)

    def _ask_again(self, record: NumberRecord) -> NumberRecord:
        """Nobody can be asking for the number any more, and it can be owned only once."""
        asker, at = new_asker(), self._now()
        asking = self.step(record, lambda now: now.noted(asked_last=at, asker=asker))
        if _at(asking).asker != asker:
            return asking
        try:
            return self._ask(asking)
        except NotAvailable:  # perhaps since our own first request is still on its way
            return asking

    def _is_ours(self, owned: Owned, record: NumberRecord) -> bool:
        return not self.carrier.tags_numbers or owned.tag == tag_of(record)

    def _take_back(self, asking: NumberRecord, error: ProviderError) -> None:
        """Nothing was asked for after all, so that a retry of the request starts anew."""
        try:
            self.numbers.forget(asking)
        except ChangedMeanwhile:  # its owner has changed or deleted it meanwhile, and is to find it as it ended
            self.not_bought(asking, error.code, error.detail)

    def _confirmed(self, record: NumberRecord, reference: str | None) -> NumberRecord:
        facts = facts_of(_tried(record).number, self.home_country)
        return self.step(record, lambda now: now.bought(reference, facts, self._now()))

    def _add(self, record: NumberRecord) -> NumberRecord:
        """A number that the business owns already is only taken note of."""
        candidate = _tried(record)
        owned = self._held(candidate.number, candidate.country)
        if owned is None:
            detail = f"{self.carrier.name} does not have the number any more."
            self.not_bought(record, NotAvailable.code, detail)
            raise NotAvailable(detail)
        try:
            return self._went_on(self._confirmed(record, owned.reference))
        except NumberTaken as taken:
            self.not_bought(record, taken.code, taken.detail)
            raise

    def _went_on(self, record: NumberRecord) -> NumberRecord:
        """The steps after a purchase, as far as they go at once; what is bought stands, even if Vapi fails."""
        if record.state not in ("importing", "releasing"):
            return record
        return self._settled_or(record, lambda: self.advance(record))

    def _settled_or(self, record: NumberRecord, work: Callable[[], NumberRecord]) -> NumberRecord:
        """What is written down stands and is finished by the schedule, whoever did not go along; nothing else does."""
        try:
            return work()
        except (ProviderError, Refused):
            found = self.numbers.find(record.number.id)
            if found is None or not found.unfinished:
                raise
            return found

    # ---- at Vapi, and back ---------------------------------------------------------------------------------------

    def _import(self, record: NumberRecord) -> NumberRecord:
        asked = _at(record).import_asked
        if asked is not None:
            found = self.vapi.find_numbers(record.server_url, asked - CLOCK_SKEW_SECONDS)
            if found:
                return self._imported(record, found[0])
            if self._now() - asked < UNSURE_SECONDS:
                return record
        if record.number.status == Status.CANCELLED:
            return self._went_on(self.step(record, lambda now: now.to_be_released(self._now())))
        owned = self._owned(record)
        if owned is None:
            return record if self._is_fresh(record) else self._gone(record)
        return self._in_service(record, owned)

    def _in_service(self, record: NumberRecord, owned: Owned) -> NumberRecord:
        """Vapi is told of a number once its calls arrive."""
        ordered = _at(record).activation
        if ordered is None:
            self.carrier.configure(owned)
        order = self.carrier.put_in_service(owned, ordered)
        if order.state == "done":
            return self._ask_vapi(record)
        if order.state == "failed":  # another one is made later
            detail = f"{self.carrier.name} did not put the number into service: {order.detail}"
            return self.step(record, lambda now: now.not_in_service(detail, self._now()))
        return (
            record if order.reference == ordered else self.step(record, lambda n: n.noted(activation=order.reference))
        )

    def _ask_vapi(self, record: NumberRecord) -> NumberRecord:
        asker, at = new_asker(), self._now()
        body = self.registration(record, **self.carrier.registration(_tried(record).number))
        asking = self.step(record, lambda now: now.noted(import_asked=at, asker=asker))
        if _at(asking).asker != asker:
            return asking
        try:
            row = self.vapi.register_number(body)
        except Refused as refused:
            return self._import_refused(asking, refused)
        except _NEVER_SENT:
            self.step(asking, lambda now: now.noted(import_asked=None, asker=None))
            raise
        except (OutcomeUnknown, ProviderFailed):
            return asking
        return self._imported(asking, row)

    def _gone(self, record: NumberRecord) -> NumberRecord:
        detail = f"{self.carrier.name} does not have the number any more."
        return self.step(record, lambda now: now.failed(GONE_AT_PROVIDER, detail, self._now()))

    def _import_refused(self, asking: NumberRecord, refused: Refused) -> NumberRecord:
        """A number that nobody could use yet is given back in the end; one that was in service is never given away."""
        found = self.vapi.find_numbers(asking.server_url, asking.number.created - CLOCK_SKEW_SECONDS)
        if found:  # it was refused since Vapi has it already, by an import that nobody heard of
            return self._imported(asking, found[0])
        refusals = 1 + _at(asking).import_refusals
        if refusals < IMPORT_TRIES or asking.number.activation_date is not None:
            return self.step(
                asking,
                lambda now: now.noted(import_asked=None, asker=None, import_refusals=refusals).delayed(self._now()),
            )
        detail = f"Vapi will not import the number: {refused.message}"
        undoing = self.step(asking, lambda now: now.not_imported("import_refused", detail, self._now()))
        return self._settled_or(undoing, lambda: self.advance(undoing))

    def _imported(self, record: NumberRecord, row: VapiNumber) -> NumberRecord:
        imported = self.step(record, lambda now: now.imported(row.id, self._now(), row.org_id))
        if imported.state == "activating":
            return self.activated(imported, row)
        return self._went_on(imported)

    def lost_at_vapi(self, record: NumberRecord) -> NumberRecord:
        """Somebody has deleted it there; it is wanted and paid, so it is imported anew."""
        self.refuse_other_organisation(record)
        return self._went_on(self.step(record, lambda now: now.lost_at_vapi(self._now())))

    def _bring_in_step(self, record: NumberRecord) -> NumberRecord:
        if not self.told_vapi(record, self.carrier.registration(str(record.number.phone_number))["provider"]):
            return self.lost_at_vapi(record)
        if self.carrier.sets_caller_id_name:
            owned = self._owned(record)
            name = record.number.caller_id_name
            if owned is not None and not self.carrier.configure(owned, caller_id_name=name):
                return self.step(record, lambda now: now.awaited(self._now()))
        return self.told(record)

    def _release(self, record: NumberRecord) -> NumberRecord:
        """Vapi first: a number that was given back belongs to somebody else soon. Repeatable at every point."""
        if record.state not in ("undoing", "releasing"):  # somebody else has given it back: it is nobody's any more
            return record
        at = _at(record)
        if not at.left_vapi:
            if not record.is_forced and self.in_call(record):
                return record
            if record.vapi_id is not None:
                self.leave_vapi(record)
            record = self.step(record, lambda now: now.noted(left_vapi=True))
            return self._release(record) if _at(record).left_vapi else record
        if not (at.is_added or record.is_lost):
            order = self._released(record)
            if order.state == "failed":  # another order is made the next time
                self.step(record, lambda now: now.noted(release_order=None))
                raise ProviderFailed(f"{self.carrier.name} does not release the number: {order.detail}", 0)
            if order.state == "pending":
                return record if order.reference == at.release_order else self._releasing(record, order)
        return self.step(record, lambda now: now.given_back(self._now()))

    def _releasing(self, record: NumberRecord, order: Order) -> NumberRecord:
        return self.step(record, lambda now: now.noted(release_order=order.reference))

    def _released(self, record: NumberRecord) -> Order:
        order = _at(record).release_order
        if order is not None:
            return self.carrier.release_order(order)
        owned = self._owned(record)
        if owned is not None:
            return self.carrier.release(owned)
        return Order(state="pending" if self._is_fresh(record) else "done")

    def _is_fresh(self, record: NumberRecord) -> bool:
        """Whether it was bought so lately that its carrier may not list it yet. What is at Vapi was listed."""
        was_seen = record.vapi_id is not None or record.number.activation_date is not None
        return not was_seen and self._now() - (record.number.purchase_date or 0) < UNSURE_SECONDS

    def _owned(self, record: NumberRecord) -> Owned | None:
        candidate = _tried(record)
        return self._held(candidate.number, candidate.country, tag_of(record))

    def _held(self, phone_number: str, country: str, tag: str = "") -> Owned | None:
        """The number as the account has it; None also while a purchase of it is only under way."""
        found = self.carrier.find(phone_number, country, tag)
        return found if isinstance(found, Owned) else None


def tag_of(record: NumberRecord) -> str:
    """What our purchase is called at the carrier: made of the number's id, 38 letters, digits and a dash."""
    return TAG_PREFIX + record.number.id.removeprefix(ID_PREFIX)


def id_of_tag(tag: str | None) -> str | None:
    """The id of the number that a tag of ours was made for; None for any other."""
    return ID_PREFIX + tag.removeprefix(TAG_PREFIX) if tag is not None and tag.startswith(TAG_PREFIX) else None


def _at(record: NumberRecord) -> AtCarrier:
    if record.carrier is None:
        raise ValueError(f"{record.number.id} is not a number of a carrier")
    return record.carrier


def _tried(record: NumberRecord) -> Candidate:
    candidate = _at(record).tried
    if candidate is None:
        raise ValueError(f"{record.number.id} has no number at its carrier")
    return candidate


def line_type(kind: str | None) -> LineType:
    """What a carrier calls a number of ours: one of another country is a local one there."""
    return kind if kind in ("toll-free", "mobile") else "local"  # type: ignore[return-value]
