"""Buying, activating, keeping in step and releasing a number, so that a crash anywhere loses and doubles nothing.

What is wanted is written before the outside is asked, and `advance` brings the outside to it from wherever it stands:
the request, a retry of it and the schedule all take the same steps. Vapi has no idempotency key, so the number's item
is the lock of its purchase, and a purchase whose answer was lost is looked up by our id in its server URL.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from switchboard.carriers.http import Refused
from switchboard.carriers.vapi import Vapi, VapiNumber, held_at_vapi, registration
from switchboard.errors import (
    ChangedMeanwhile,
    FieldError,
    IdempotencyKeyReused,
    InvalidRequest,
    OutcomeUnknown,
    ProviderBusy,
    ProviderCredentialsRejected,
    ProviderError,
    ProviderFailed,
    ProviderNotConfigured,
    ProviderUnreachable,
    PurchaseRefused,
)
from switchboard.model.number import PhoneNumberRequest, VapiAssistant
from switchboard.model.record import LISTS, NumberRecord, digest, number_id, rule_id, webhook_secret
from switchboard.model.rules import NewRoutingRule, RoutingRule
from switchboard.provisioning.assistants import examine, examine_rule, examine_rules, examine_thresholds
from switchboard.provisioning.changes import Changes
from switchboard.provisioning.facts import facts_of
from switchboard.provisioning.forwarding import refuse_circles
from switchboard.store.screening import Screening

UNSURE_SECONDS = 600
"""How long an unheard purchase is looked up before it is taken not to have happened: one may commit late."""

CLOCK_SKEW_SECONDS = 120
"""How far Vapi's clock may be behind ours when we ask for what was made since."""


@dataclass(frozen=True, kw_only=True)
class Lifecycle(Changes):
    """token: the server URL's token for a number's id and business. home_country: ISO 3166-1, the deployment's."""

    vapi: Vapi
    screening: Screening
    token: Callable[[str, str], str]
    home_country: str

    def create(
        self, request: PhoneNumberRequest, *, business: str, idempotency_key: str | None, base_url: str
    ) -> tuple[NumberRecord, bool]:
        """Buys a number once, however often it is asked with the same key; True if this call wrote the intent.

        Raises InvalidRequest, ProviderNotConfigured, PurchaseRefused, IdempotencyKeyReused, or a ProviderError when it
        is certain that nothing was bought. While it is uncertain the number is returned as it stands: purchasing.
        """
        _refuse_what_vapi_cannot(request)
        at = self._now()
        wanted_id = number_id(business, idempotency_key, at * 1000, secrets.token_bytes(10))
        earlier = self.numbers.find(wanted_id) if idempotency_key else None
        if earlier is not None:
            return self._resumed(earlier, request), False
        assistant, profile = request.assistant, None
        if assistant is not None:
            assistant, profile = examine(self.vapi, assistant, "assistant.id")
        intent = NumberRecord.requested(
            request,
            assistant=assistant,
            profile=profile,
            rule_profiles=examine_rules(self.vapi, request.call_routing_rules)
            | examine_thresholds(self.vapi, request.usage_thresholds),
            number_id=wanted_id,
            business=business,
            server_url=f"{base_url.rstrip('/')}/vapi/{wanted_id}",
            attempt=secrets.token_hex(8),
            webhook_secret=webhook_secret(secrets.token_bytes(24)),
            at=at,
        )
        held = self.numbers.add(intent)
        if held.attempt != intent.attempt:
            return self._resumed(held, request), False
        return self._bought(intent), True

    def advance(self, record: NumberRecord) -> NumberRecord:
        """Takes the next step that the number needs at Vapi, if any; somebody else may take it at the same time.

        Raises ProviderError or Refused when Vapi does not go along; the number stays unfinished and is tried again.
        """
        if not record.unfinished:
            return record
        steps: dict[str, Callable[[NumberRecord], NumberRecord]] = {
            "purchasing": self._look_up,
            "activating": self._activate,
            "releasing": self._release,
        }
        return steps.get(record.state, self._bring_in_step)(record)

    def assign(self, wanted_id: str, business: str, assistant: VapiAssistant, if_version: int | None) -> NumberRecord:
        """Makes an assistant the number's default answerer. Raises InvalidRequest if Vapi does not have it."""
        self.numbers.get(wanted_id, business)
        named, profile = examine(self.vapi, assistant, "id")
        return self._change(
            wanted_id, business, if_version, lambda record: record.assigned(named, profile, self._now())
        )

    def add_rule(self, wanted_id: str, business: str, rule: NewRoutingRule, if_version: int | None) -> NumberRecord:
        """Adds a routing rule, with an id made here where it has none.

        Raises InvalidRequest with paths within the rule, also if Vapi does not have whom the rule names.
        """
        self.numbers.get(wanted_id, business)
        profile = examine_rule(self.vapi, rule, "then.id")
        made_id = rule.id or rule_id(self._now() * 1000, secrets.token_bytes(10))
        named = RoutingRule.model_validate({**rule.model_dump(by_alias=True), "id": made_id})
        try:
            return self._change(
                wanted_id, business, if_version, lambda record: record.with_rule(named, profile, self._now())
            )
        except InvalidRequest as refused:
            raise InvalidRequest(*map(_within_rule, refused.errors)) from None

    def update(
        self, wanted_id: str, business: str, patch: dict[str, Any], if_version: int | None
    ) -> tuple[NumberRecord, bool]:
        """Applies a merge patch, then brings Vapi in step; if Vapi fails, the schedule does it later.

        True if the number has a webhook secret that nobody has been told yet.
        """
        made = webhook_secret(secrets.token_bytes(24))
        changed = self._change(
            wanted_id,
            business,
            if_version,
            lambda record: self._patched(record, patch).with_webhook_secret(made),
            self.screening if LISTS.keys() & patch.keys() else None,
        )
        return self._tried_now(changed), changed.webhook_secret == made

    def draft(self, wanted_id: str, business: str, patch: dict[str, Any]) -> NumberRecord:
        """The number as the merge patch would leave it, refused as an update would be; nothing is written."""
        record = self.numbers.get(wanted_id, business)
        if LISTS.keys() & patch.keys():
            (record,) = self.screening.loaded([record])
        drafted = self._patched(record, patch)
        refuse_circles(self.numbers, record, drafted)
        return drafted

    def release(self, wanted_id: str, business: str, if_version: int | None) -> NumberRecord:
        """Cancels the number at once and releases it at Vapi; if Vapi fails, the schedule does it later. Repeatable."""
        return self._tried_now(
            self._change(wanted_id, business, if_version, lambda record: record.cancelled(self._now()))
        )

    def _patched(self, record: NumberRecord, patch: dict[str, Any]) -> NumberRecord:
        new = record.updated(patch, self._now())
        assistant = new.number.assistant
        if assistant is not None and assistant != record.number.assistant:
            if "name" not in patch["assistant"]:  # the merge has left the name of the one before
                assistant = assistant.model_copy(update={"name": None})
            named, profile = examine(self.vapi, assistant, "assistant.id")
            number = new.number.model_copy(update={"assistant": named})
            new = new.model_copy(update={"number": number, "profile": profile})
        elif assistant is None and new.profile is not None:
            new = new.model_copy(update={"profile": None})
        rules, thresholds = new.number.call_routing_rules, new.number.usage_thresholds
        if (rules, thresholds) != (record.number.call_routing_rules, record.number.usage_thresholds):
            profiles = record.rule_profiles | examine_rules(self.vapi, rules, record.number.call_routing_rules)
            profiles |= examine_thresholds(self.vapi, thresholds, record.number.usage_thresholds)
            new = new.with_rule_profiles(profiles)
        return new

    def _tried_now(self, record: NumberRecord) -> NumberRecord:
        """What is written stands, whether or not Vapi follows at once."""
        if not record.unfinished:
            return record
        try:
            return self.advance(record)
        except (ProviderError, Refused):
            return record

    def _resumed(self, record: NumberRecord, request: PhoneNumberRequest) -> NumberRecord:
        if record.request_digest != digest(request):
            raise IdempotencyKeyReused
        error = record.number.provisioning.error
        if error is not None and record.vapi_id is None:
            raise PurchaseRefused(error.detail)
        return self._tried_now(record)

    def _bought(self, intent: NumberRecord) -> NumberRecord:
        number = intent.number
        body = registration(
            server_url=intent.server_url,
            token=self.token(number.id, number.business),
            name=number.name,
            area_code=number.area_code,
            fallback=number.forwarding_number,
        )
        try:
            bought = self.vapi.buy_number(body)
        except Refused as refused:
            self._not_bought(intent, PurchaseRefused.code, refused.message)
            raise PurchaseRefused(refused.message) from refused
        except (ProviderUnreachable, ProviderCredentialsRejected, ProviderBusy) as error:
            try:
                self.numbers.forget(intent)
            except ChangedMeanwhile:  # its owner has changed or deleted it meanwhile, and is to find it as it ended
                self._not_bought(intent, error.code, error.detail)
            raise
        except (OutcomeUnknown, ProviderFailed):
            return self._tried_now(intent)
        return self._confirmed(intent, bought)

    def _look_up(self, record: NumberRecord) -> NumberRecord:
        since = record.number.provisioning.since
        found = self.vapi.find_numbers(record.server_url, since - CLOCK_SKEW_SECONDS)
        if found:
            return self._confirmed(record, found[0])
        if self._now() - since < UNSURE_SECONDS:
            return record
        detail = "Vapi never confirmed the purchase, so nothing was bought. Ask again with another Idempotency-Key."
        return self._not_bought(record, OutcomeUnknown.code, detail)

    def _not_bought(self, record: NumberRecord, code: str, detail: str) -> NumberRecord:
        return self._step(record, lambda now: now.failed(code, detail, self._now()))

    def _confirmed(self, record: NumberRecord, bought: VapiNumber) -> NumberRecord:
        confirmed = self._step(record, lambda now: now.purchased(bought.id, self._now()))
        if confirmed.state == "activating":
            return self._activated(confirmed, bought)
        return self._tried_now(confirmed)

    def _activate(self, record: NumberRecord) -> NumberRecord:
        held = self.vapi.get_number(str(record.vapi_id))
        return self._gone(record) if held is None else self._activated(record, held)

    def _activated(self, record: NumberRecord, held: VapiNumber) -> NumberRecord:
        if held.status != "active" or held.number is None:
            return record
        phone_number, facts = held.number, facts_of(held.number, self.home_country)
        return self._step(record, lambda now: now.activated(phone_number, facts, self._now()))

    def _bring_in_step(self, record: NumberRecord) -> NumberRecord:
        held = held_at_vapi(name=record.number.name, fallback=record.fallback)
        if not self.vapi.update_number(str(record.vapi_id), held):
            return self._gone(record)
        # What was changed meanwhile may have come to Vapi before this did, and is told again.
        return self._step(record, lambda now: now.in_step() if now.revision == record.revision else now.to_be_told())

    def _gone(self, record: NumberRecord) -> NumberRecord:
        detail = "Vapi no longer has this number."
        return self._step(record, lambda now: now.failed("gone_at_provider", detail, self._now()))

    def _release(self, record: NumberRecord) -> NumberRecord:
        self.vapi.release_number(str(record.vapi_id))
        return self._step(record, lambda now: now.released(self._now()))

    def _step(self, record: NumberRecord, move: Callable[[NumberRecord], NumberRecord]) -> NumberRecord:
        """Writes down a step in the number's life as it is by now, unless somebody else has taken that step already."""
        start = (record.state, record.attempt)
        return self._change(
            record.number.id,
            record.number.business,
            None,
            lambda now: move(now) if (now.state, now.attempt) == start else now,
        )


def _within_rule(error: FieldError) -> FieldError:
    """The error as the request of one rule has it: a circle is found in the whole number."""
    return FieldError(re.sub(r"^callRoutingRules\.\d+\.", "", error.path), error.message)


def _refuse_what_vapi_cannot(request: PhoneNumberRequest) -> None:
    if request.provider != "vapi":
        remedy = f"this release buys numbers at Vapi only; {request.provider} has no credentials here."
        raise ProviderNotConfigured(request.provider, remedy)
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
    if request.area_code is not None and len(request.area_code) != 3:  # noqa: PLR2004 - Vapi's schema
        errors.append(FieldError("areaCode", "must have 3 digits"))
    if errors:
        raise InvalidRequest(*errors)
