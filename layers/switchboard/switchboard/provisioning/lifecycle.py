"""Buying, activating, keeping in step and releasing a number, so that a crash anywhere loses and doubles nothing.

What is wanted is written before the outside is asked, and `advance` brings the outside to it from wherever it stands:
the request, a retry of it and the schedule all take the same steps. How a number is bought and given back depends on
where (at_vapi.py, at_carrier.py); what its owner may ask of it does not.
"""

import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from switchboard.carriers.carrier import Carrier
from switchboard.carriers.http import Refused
from switchboard.carriers.vapi import Vapi
from switchboard.errors import (
    BudgetExceeded,
    ChangedMeanwhile,
    FieldError,
    IdempotencyKeyReused,
    InvalidRequest,
    NotAvailable,
    NumberNotFound,
    ProviderBusy,
    ProviderError,
    ProviderNotConfigured,
)
from switchboard.model.number import PhoneNumberRequest, Provider, VapiAssistant, forwards
from switchboard.model.record import GONE_AT_PROVIDER, LISTS, NumberRecord, digest, number_id, rule_id, webhook_secret
from switchboard.model.rules import NewRoutingRule, RoutingRule
from switchboard.provisioning.assistants import Assistants, examine, examine_rule, examine_rules, examine_thresholds
from switchboard.provisioning.changes import Changes
from switchboard.provisioning.forwarding import refuse_circle, refuse_circles
from switchboard.provisioning.steps import NOT_BOUGHT, Plan, Purchasing, refusal
from switchboard.store.budgets import Budget, Budgets
from switchboard.store.screening import Screening


@dataclass(frozen=True, kw_only=True)
class Lifecycle(Changes):
    """deployment: its own name. purchasing: how numbers of a provider are bought; raises ProviderNotConfigured."""

    deployment: str
    vapi: Vapi
    screening: Screening
    budgets: Budgets
    purchasing: Callable[[Provider], Purchasing]

    def create(
        self, request: PhoneNumberRequest, *, business: str, idempotency_key: str | None, base_url: str
    ) -> tuple[NumberRecord, bool]:
        """Buys a number once, however often it is asked with the same key; True if this call wrote the intent.

        Raises InvalidRequest, ProviderNotConfigured, BudgetExceeded, NotAvailable, RequirementMissing, PurchaseRefused,
        NumberTaken, IdempotencyKeyReused, or a ProviderError when it is certain that nothing was bought. While it is
        uncertain the number is returned as it stands: purchasing.
        """
        purchasing = self.purchasing(request.provider)
        purchasing.refuse(request)
        at = self._now()
        wanted_id = number_id(self.deployment, business, idempotency_key, at * 1000, secrets.token_bytes(10))
        earlier = self.numbers.find(wanted_id) if idempotency_key else None
        if earlier is not None:
            return self._resumed(earlier, request), False
        there, assistant, profile = Assistants(self.vapi), request.assistant, None
        if assistant is not None:
            assistant, profile = examine(there, assistant, "assistant.id")
        rule_profiles = examine_rules(there, request.call_routing_rules)
        rule_profiles |= examine_thresholds(there, request.usage_thresholds)
        try:
            if request.phone_number is not None:
                refuse_circle(self.numbers, business, request.phone_number, forwards(request))
            plan = purchasing.plan(request)
            bearing = self._bearing(plan, request, business)
        except (InvalidRequest, NotAvailable, ProviderNotConfigured):
            earlier = self.numbers.find(wanted_id)
            if earlier is None:
                raise
            return self._resumed(earlier, request), False  # bought meanwhile, by the same request
        intent = NumberRecord.requested(
            request,
            assistant=assistant,
            profile=profile,
            rule_profiles=rule_profiles,
            carrier=plan.carrier,
            committed=plan.monthly,
            number_id=wanted_id,
            business=business,
            server_url=f"{base_url.rstrip('/')}/vapi/{wanted_id}",
            attempt=secrets.token_hex(8),
            webhook_secret=webhook_secret(secrets.token_bytes(24)),
            at=at,
        )
        intent, held = self._added(intent, plan, bearing, request)
        if held.attempt != intent.attempt:
            return self._resumed(held, request), False
        return purchasing.buy(intent), True

    def advance(self, record: NumberRecord) -> NumberRecord:
        """Takes the next step that the number needs outside, if any; somebody else may take it at the same time.

        Raises ProviderError or Refused when the outside does not go along, and what says for good that nothing was
        bought; an unfinished number is tried again.
        """
        if not record.unfinished or not record.is_due(self._now()):
            return record
        return self.purchasing(record.number.provider).advance(record)

    def left_in_peace(self, wanted_id: str, error: Exception) -> None:
        """Its provider has failed: it is asked again for this number in a minute, then in two, at most in an hour.

        One that is busy is not asked sooner than it says.
        """
        asked_to_wait = (error.retry_after if isinstance(error, ProviderBusy) else None) or 0
        with suppress(ChangedMeanwhile, NumberNotFound):
            self._change(
                wanted_id,
                None,
                None,
                lambda record: record.delayed(self._now(), asked_to_wait) if record.unfinished else record,
            )

    def assign(self, wanted_id: str, business: str, assistant: VapiAssistant, if_version: int | None) -> NumberRecord:
        """Makes an assistant the number's default answerer. Raises InvalidRequest if Vapi does not have it."""
        self.numbers.get(wanted_id, business)
        named, profile = examine(Assistants(self.vapi), assistant, "id")
        try:
            return self._change(
                wanted_id, business, if_version, lambda record: record.assigned(named, profile, self._now())
            )
        except InvalidRequest as refused:
            raise InvalidRequest(*map(_within_assistant, refused.errors)) from None

    def add_rule(self, wanted_id: str, business: str, rule: NewRoutingRule, if_version: int | None) -> NumberRecord:
        """Adds a routing rule, with an id made here where it has none.

        Raises InvalidRequest with paths within the rule, also if Vapi does not have whom the rule names.
        """
        self.numbers.get(wanted_id, business)
        profile = examine_rule(Assistants(self.vapi), rule, "then.id")
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
        made, there = webhook_secret(secrets.token_bytes(24)), Assistants(self.vapi)
        changed = self._change(
            wanted_id,
            business,
            if_version,
            lambda record: self._patched(record, patch, there).with_webhook_secret(made),
            self.screening if LISTS.keys() & patch.keys() else None,
        )
        return self._followed_now(changed), changed.webhook_secret == made

    def draft(self, wanted_id: str, business: str, patch: dict[str, Any]) -> NumberRecord:
        """The number as the merge patch would leave it, refused as an update would be; nothing is written."""
        record = self.numbers.get(wanted_id, business)
        if LISTS.keys() & patch.keys():
            (record,) = self.screening.loaded([record])
        drafted = self._patched(record, patch, Assistants(self.vapi))
        refuse_circles(self.numbers, record, drafted)
        return drafted

    def release(self, wanted_id: str, business: str, if_version: int | None, *, force: bool = False) -> NumberRecord:
        """Cancels the number at once, and releases it at Vapi and then at its carrier. Repeatable.

        A number that is in a call is released when that has ended, or with `force` at once. If the outside fails, the
        schedule does it later.
        """
        return self._followed_now(
            self._change(wanted_id, business, if_version, lambda record: record.cancelled(self._now(), force=force))
        )

    def gone_at_vapi(self, record: NumberRecord) -> NumberRecord:
        """Vapi has lost a number that is in service: one of a carrier's is imported anew, one of Vapi's own is gone."""
        return self.purchasing(record.number.provider).lost_at_vapi(record)

    def gone_at_carrier(self, record: NumberRecord, carrier: Carrier) -> bool:
        """Marks a number that its carrier does not have any more, and takes it off Vapi. False if it is still there."""
        number = record.number
        country = record.carrier.candidates[0].country if record.carrier else ""
        if carrier.find(str(number.phone_number), country, "") is not None:
            return False
        detail = f"{carrier.name} does not have the number any more."
        gone = self._change(
            number.id,
            number.business,
            None,
            lambda now: now.not_imported(GONE_AT_PROVIDER, detail, self._now()) if now.state == "ready" else now,
        )
        self._tried_now(gone)
        return True

    def now(self) -> int:
        """Unix seconds."""
        return self._now()

    def _added(
        self, intent: NumberRecord, plan: Plan, bearing: list[Budget], request: PhoneNumberRequest
    ) -> tuple[NumberRecord, NumberRecord]:
        """The intent as it was written, and the record that is there. The dearest candidates go until budgets bear it.

        Raises BudgetExceeded.
        """
        while True:
            try:
                return intent, self.numbers.add(intent, bearing)
            except BudgetExceeded:
                cheaper = plan.cheaper()
                if cheaper is None:
                    raise
                plan, bearing = cheaper, self._bearing(cheaper, request, intent.number.business)
                intent = intent.model_copy(update={"carrier": plan.carrier, "committed": plan.monthly})

    def _bearing(self, plan: Plan, request: PhoneNumberRequest, business: str) -> list[Budget]:
        """The budgets that have to bear a purchase. Raises ProviderNotConfigured where one could not know whether."""
        is_added = plan.carrier is not None and plan.carrier.is_added
        candidates = [] if plan.carrier is None else plan.carrier.candidates
        unknown = any(candidate.monthly_fee is None for candidate in candidates)
        if is_added or not (unknown or plan.monthly or plan.once):
            return []
        budgets = self.budgets.of(business, plan.once)
        if unknown and any(budget.limit is not None for budget in budgets):
            remedy = "there is a budget, and nobody tells the number's price: put it into the parameter PriceTable."
            raise ProviderNotConfigured(request.provider, remedy)
        return budgets if plan.monthly or plan.once else []

    def _patched(self, record: NumberRecord, patch: dict[str, Any], there: Assistants) -> NumberRecord:
        """Whom the patch names is read from Vapi again, also where the number names them already."""
        new = record.updated(patch, self.clock())
        assistant, profile = new.number.assistant, new.profile
        if assistant is None:
            profile = None
        elif assistant != record.number.assistant:
            if "name" not in patch["assistant"]:  # the merge has left the name of the one before
                assistant = assistant.model_copy(update={"name": None})
            named, profile = examine(there, assistant, "assistant.id")
            new = new.model_copy(update={"number": new.number.model_copy(update={"assistant": named})})
        elif "assistant" in patch:
            _, profile = examine(there, assistant, "assistant.id")
        profiles = dict(record.rule_profiles)
        if "callRoutingRules" in patch:
            profiles |= examine_rules(there, new.number.call_routing_rules)
        if "usageThresholds" in patch:
            profiles |= examine_thresholds(there, new.number.usage_thresholds)
        if new.revision == record.revision:
            return new.examined(profile, profiles, self._now())
        return new.with_profiles(profile, profiles)

    def _tried_now(self, record: NumberRecord) -> NumberRecord:
        """What is written stands, whether or not Vapi follows at once."""
        if not record.unfinished:
            return record
        try:
            return self.advance(record)
        except ProviderBusy as busy:
            self.left_in_peace(record.number.id, busy)
        except (ProviderError, ProviderNotConfigured, Refused):
            pass
        return record

    def _followed_now(self, record: NumberRecord) -> NumberRecord:
        """As `_tried_now`; a purchase that is found to have failed is no failure of what its owner asks of it."""
        try:
            return self._tried_now(record)
        except NOT_BOUGHT:
            return self.numbers.get(record.number.id)

    def _resumed(self, record: NumberRecord, request: PhoneNumberRequest) -> NumberRecord:
        if record.request_digest != digest(request):
            raise IdempotencyKeyReused
        error = record.number.provisioning.error
        if error is not None and record.vapi_id is None and record.state != "importing":
            raise refusal(error.code, error.detail)
        return self._tried_now(record)


def _within_assistant(error: FieldError) -> FieldError:
    """The error as the request of one assistant has it."""
    return FieldError(error.path.removeprefix("assistant."), error.message)


def _within_rule(error: FieldError) -> FieldError:
    """The error as the request of one rule has it: circles, and a lack of room, are found in the whole number."""
    if error.path == "assistant.id" or error.path.startswith("usageThresholds."):
        return FieldError("then.id", error.message)
    return FieldError(re.sub(r"^callRoutingRules\.\d+\.", "", error.path), error.message)
