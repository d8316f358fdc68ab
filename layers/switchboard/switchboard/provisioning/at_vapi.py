"""Numbers of Vapi's own, which has no search and no idempotency key: it is asked once, and looked up by our id."""

from dataclasses import dataclass
from decimal import Decimal

from switchboard.carriers.http import Refused
from switchboard.carriers.vapi import VapiNumber
from switchboard.errors import (
    ChangedMeanwhile,
    FieldError,
    InvalidRequest,
    OutcomeUnknown,
    ProviderBusy,
    ProviderCredentialsRejected,
    ProviderError,
    ProviderFailed,
    ProviderUnreachable,
    PurchaseRefused,
)
from switchboard.model.number import PhoneNumberRequest
from switchboard.model.record import GONE_AT_PROVIDER, NumberRecord
from switchboard.provisioning.pricing import Pricing
from switchboard.provisioning.steps import CLOCK_SKEW_SECONDS, UNSURE_SECONDS, Plan, Steps

AREA_CODE_DIGITS = 3
"""Vapi's schema."""


@dataclass(frozen=True, kw_only=True)
class NumbersOfVapi(Steps):
    """The number's item is the lock of its purchase: only who put it asks Vapi, and asks once."""

    pricing: Pricing

    def refuse(self, request: PhoneNumberRequest) -> None:
        errors = []
        if request.country not in (None, "US"):
            errors.append(FieldError("country", "Vapi's own numbers are US numbers"))
        if request.type not in (None, "local"):
            errors.append(FieldError("type", "Vapi's own numbers are local numbers"))
        if request.phone_number is not None:
            errors.append(FieldError("phoneNumber", "Vapi chooses the number; an areaCode can be asked for"))
        if request.contains is not None:
            errors.append(FieldError("contains", "Vapi chooses the number; an areaCode can be asked for"))
        if not request.purchase:
            errors.append(FieldError("purchase", "a number of Vapi's own can only be bought"))
        if request.area_code is not None and len(request.area_code) != AREA_CODE_DIGITS:
            errors.append(FieldError("areaCode", f"must have {AREA_CODE_DIGITS} digits"))
        if errors:
            raise InvalidRequest(*errors)

    def plan(self, _request: PhoneNumberRequest) -> Plan:
        fees = self.pricing.of_vapi()
        return Plan(monthly=fees.get("monthly_fee", Decimal(0)), once=fees.get("setup_fee", Decimal(0)))

    def buy(self, intent: NumberRecord) -> NumberRecord:
        body = self.registration(intent, provider="vapi", numberDesiredAreaCode=intent.number.area_code)
        try:
            bought = self.vapi.register_number(body)
        except Refused as refused:
            self.not_bought(intent, PurchaseRefused.code, refused.message)
            raise PurchaseRefused(refused.message) from refused
        except (ProviderUnreachable, ProviderCredentialsRejected, ProviderBusy) as error:
            try:
                self.numbers.forget(intent)
            except ChangedMeanwhile:  # its owner has changed or deleted it meanwhile, and is to find it as it ended
                self.not_bought(intent, error.code, error.detail)
            raise
        except (OutcomeUnknown, ProviderFailed):
            return self._looked_up_now(intent)
        return self._confirmed(intent, bought)

    def advance(self, record: NumberRecord) -> NumberRecord:
        match record.state:
            case "purchasing":
                return self._look_up(record)
            case "activating":
                held = self.vapi.get_number(str(record.vapi_id))
                return self.lost_at_vapi(record) if held is None else self.activated(record, held)
            case "releasing":
                return self._release(record)
            case _:
                return self.told(record) if self.told_vapi(record, "vapi") else self.lost_at_vapi(record)

    def _looked_up_now(self, record: NumberRecord) -> NumberRecord:
        """The intent stands, whether or not Vapi can be asked what became of it at once."""
        try:
            return self._look_up(record)
        except (ProviderError, Refused):
            return record

    def _look_up(self, record: NumberRecord) -> NumberRecord:
        since = record.number.provisioning.since
        found = self.vapi.find_numbers(record.server_url, since - CLOCK_SKEW_SECONDS)
        if found:
            return self._confirmed(record, found[0])
        if self._now() - since < UNSURE_SECONDS:
            return record
        detail = "Vapi never confirmed the purchase, so nothing was bought. Ask again with another Idempotency-Key."
        return self.not_bought(record, OutcomeUnknown.code, detail)

    def _confirmed(self, record: NumberRecord, bought: VapiNumber) -> NumberRecord:
        fees = self.pricing.of_vapi()
        confirmed = self.step(record, lambda now: now.purchased(bought.id, self._now(), bought.org_id, fees))
        if confirmed.state == "activating":
            return self.activated(confirmed, bought)
        try:
            return self.advance(confirmed) if confirmed.unfinished else confirmed
        except (ProviderError, Refused):
            return confirmed

    def lost_at_vapi(self, record: NumberRecord) -> NumberRecord:
        self.refuse_other_organisation(record)
        detail = "Vapi no longer has this number."
        return self.step(record, lambda now: now.failed(GONE_AT_PROVIDER, detail, self._now()))

    def _release(self, record: NumberRecord) -> NumberRecord:
        if not record.is_forced and self.in_call(record):
            return record
        self.leave_vapi(record)
        return self.step(record, lambda now: now.released(self._now()))
