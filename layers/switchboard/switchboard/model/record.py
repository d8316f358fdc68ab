"""A number as it is kept: what its owner sees, and what only the service knows. Each move of its life is a method.

Pure: times and entropy are arguments. The states of provisioning:

    purchasing -> (importing ->) activating -> ready -> releasing -> released
        |             |             |                       ^
        |             v             +-----------------------+   (delete, at any point before)
        +-> failed <- undoing

A number of Vapi's own is never importing. undoing: Vapi will not import it, so its carrier gets it back.

A record is never changed, a move makes a new one. `version` counts changes of what the owner sees (it is the ETag),
`revision` every write (it is what a write is conditioned on).
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Self

from pydantic import Field
from ulid import ULID

from switchboard.errors import FieldError, InvalidRequest, RuleNotFound, StatusConflict
from switchboard.model.at_carrier import AtCarrier
from switchboard.model.base import MADE_HERE, Money, Shape, Timestamp
from switchboard.model.hours import BusinessHours
from switchboard.model.number import (
    CONFIGURABLE,
    CONFIGURATION_BYTES,
    COUNTERS,
    MASK,
    MAX_RULES,
    READ_ONLY,
    STATUS_MOVES,
    NumberConfiguration,
    NumberType,
    PhoneNumberRequest,
    Provisioning,
    ProvisioningError,
    Status,
    VapiAssistant,
    VapiPhoneNumber,
    contradictions,
    too_large,
)
from switchboard.model.rules import RoutingRule
from switchboard.model.screening import (
    MOST_PREFIXES,
    BlockRequest,
    Listed,
    Lists,
    listed,
    prefixes,
    too_many_at_once,
)

ID_PREFIX = "pn_"

PROFILE_BYTES = 40_000
"""How much of a number's item the profiles of all its assistants may take."""

UNFINISHED = frozenset({"purchasing", "importing", "activating", "undoing", "releasing"})
"""States in which the provider has still to be asked or told something."""

GONE_AT_PROVIDER = "gone_at_provider"
"""The code of the error of a number that its provider had no more."""

GONE = frozenset({"failed", "released"})
"""States of a number that is nobody's any more: what it held is free for others."""

KEPT_OUTSIDE = frozenset({"name", "forwarding_number", "status", "caller_id_name"})
"""Fields of which Vapi or the carrier holds a copy: name, CNAM and, while the number is active, fallbackDestination."""


LOOKED_AT_SECONDS = 300
"""How often an order is looked at that its provider takes hours or days for."""

LONGEST_WAIT = 86_400
"""Seconds that a number is left in peace at the most, whatever its provider asks for."""

LISTS = {"blockedNumbers": "blocked_numbers", "allowedNumbers": "allowed_numbers"}
"""Lists of callers, whose exact entries are kept beside the record."""

INACTIVE = "The number is in service but inactive: change what forwards in a circle, then make it active."

OWN_SERVER = (
    "The assistant has a server of its own, to which Vapi sends its messages. It is left alone: "
    "its calls are learnt from Vapi's call list, about a minute late."
)


PLANS_DIFFER = (
    "Members of the squad have an artifactPlan of their own: recordingEnabled and transcriptionEnabled are left to "
    "them where they are true, and where one is false only what all members share is left of their plans."
)


class AssistantProfile(Shape):
    """What the call plane must know of an assistant, read from Vapi when the number or a rule of it names it.

    own_server: it, or a member of the squad, has a server of its own, which the answer must leave alone.
    server_messages: its own list; None is Vapi's default, which holds our two messages already.
    metadata, artifact_plan: its own, since an override may replace the whole object. Of a squad the plan is what all
    members share, and artifact_plans_differ says whether any of them has more; its members' metadata is never touched.
    max_duration_seconds: how long it lets a call last; None is Vapi's default.
    """

    model_config = MADE_HERE

    own_server: bool = False
    server_messages: list[str] | None = None
    metadata: dict[str, Any] = {}
    artifact_plan: dict[str, Any] = {}
    artifact_plans_differ: bool = False
    max_duration_seconds: int | None = None

    @property
    def size(self) -> int:
        """Bytes as it is kept."""
        return len(json.dumps(self.model_dump(by_alias=True)))


class NumberFacts(Shape):
    """What is known of a number once its provider has told its E.164."""

    model_config = MADE_HERE

    type: NumberType | None = None
    country: str | None = None
    region: str | None = None
    city: str | None = None
    area_code: str | None = None


class NumberRecord(Shape):
    """rule_profiles: by the id of the assistant, squad or workflow, of all that the rules and the thresholds name.

    The number's blockedNumbers and allowedNumbers hold the prefixes, and exact callers only `with_lists`.
    blocked_prefixes, allowed_prefixes: the same with reason and expiry. blocked_version, allowed_version: the version
    that last changed the list by the number's own record. lapsed_blocks: with `with_lists`, see Lists. listed_at: when
    the lists were replaced that are to be written, in Unix milliseconds.
    thresholds_since: since when the number has the usage thresholds that it has; None where it has none.
    vapi_org_id: the organisation of Vapi's that vapi_id is in; None where it is not known.
    carrier: what is known of the number there; None for Vapi's own. committed: cents a month that budgets bear for it.
    failures: how often in a row its provider has failed; it is not asked again before retry_at. is_forced: released
    whoever is talking.
    """

    model_config = MADE_HERE

    number: VapiPhoneNumber
    revision: Annotated[int, Field(ge=1)] = 1
    server_url: str
    request_digest: str
    attempt: str
    vapi_id: str | None = None
    vapi_org_id: str | None = None
    profile: AssistantProfile | None = None
    rule_profiles: dict[str, AssistantProfile] = {}
    webhook_secret: str | None = None
    previous_webhook_secret: str | None = None
    out_of_step: bool = False
    blocked_prefixes: list[Listed] = []
    allowed_prefixes: list[Listed] = []
    blocked_version: int | None = None
    allowed_version: int | None = None
    lapsed_blocks: dict[str, int] = {}
    listed_at: int = 0
    thresholds_since: Timestamp | None = None
    carrier: AtCarrier | None = None
    committed: Money = Decimal(0)
    failures: int = 0
    retry_at: Timestamp | None = None
    is_forced: bool = False

    @classmethod
    def requested(
        cls,
        request: PhoneNumberRequest,
        *,
        number_id: str,
        business: str,
        server_url: str,
        attempt: str,
        webhook_secret: str,
        assistant: VapiAssistant | None,
        profile: AssistantProfile | None,
        rule_profiles: Mapping[str, AssistantProfile] | None = None,
        carrier: AtCarrier | None = None,
        committed: Decimal = Decimal(0),
        at: Timestamp,
    ) -> Self:
        """The intent of a purchase: inactive, and not yet known to the provider. assistant: as Vapi names it.

        Raises InvalidRequest where the request contradicts itself.
        """
        _refuse(contradictions(request, request.provider, request.phone_number))
        _refuse(too_many_at_once(((), request.blocked_numbers), ((), request.allowed_numbers)))
        wanted = {name: getattr(request, name) for name in NumberConfiguration.model_fields}
        wanted |= {"assistant": assistant, "webhook_secret": None}
        given = None if request.webhook_secret == MASK else request.webhook_secret
        secret = given or (webhook_secret if request.webhook_url else None)
        number = VapiPhoneNumber(
            **wanted,
            id=number_id,
            business=business,
            status=Status.INACTIVE,
            provider=request.provider,
            area_code=request.area_code,
            country=request.country,
            created=at,
            updated=at,
            version=1,
            provisioning=Provisioning(state="purchasing", since=at),
        )
        return cls(
            number=number,
            server_url=server_url,
            request_digest=digest(request),
            attempt=attempt,
            webhook_secret=secret,
            blocked_prefixes=prefixes(request.blocked_numbers, (), at),
            allowed_prefixes=prefixes(request.allowed_numbers, (), at),
            listed_at=at * 1000,
            thresholds_since=at if request.usage_thresholds else None,
            carrier=carrier,
            committed=committed,
        ).with_profiles(profile, rule_profiles or {})

    @property
    def state(self) -> str:
        return self.number.provisioning.state

    @property
    def unfinished(self) -> bool:
        """Whether the provider has still to be asked or told something."""
        return self.state in UNFINISHED or (self.out_of_step and self.state == "ready")

    @property
    def is_lost(self) -> bool:
        """Whether it ended since its provider had it no more. What shows up of it again is not ours to give away."""
        error = self.number.provisioning.error
        return error is not None and error.code == GONE_AT_PROVIDER

    @property
    def claimed(self) -> str | None:
        """The E.164 that no other number of the deployment may have: its own, or the one that it is to get."""
        return self.number.phone_number or (None if self.carrier is None else self.carrier.claimed)

    def noted(self, **changes: Any) -> Self:
        """What was asked of the carrier or told by it, of which the owner sees nothing. changes: of AtCarrier."""
        carrier = self.carrier and self.carrier.changed(**changes)
        return self.model_copy(update={"carrier": carrier, "revision": self.revision + 1})

    def not_available(self) -> Self:
        """The carrier does not sell this candidate: the next is tried."""
        left = self.carrier.candidates[1:] if self.carrier else []
        return self.noted(candidates=left, account=None, asked_since=None, asked_last=None, asker=None, order=None)

    def bought(self, reference: str | None, facts: NumberFacts, at: Timestamp) -> Self:
        """The carrier has confirmed the number, and Vapi is to import it; one that was deleted meanwhile goes back."""
        noted = self.noted(reference=reference, order=None)
        if noted.carrier is None or noted.carrier.tried is None:
            return self
        candidate = noted.carrier.tried
        state = "releasing" if self.number.status == Status.CANCELLED else "importing"
        known = facts.model_dump(by_alias=False, exclude_none=True)
        told = candidate.model_dump(by_alias=False, include={"type", "country", "region", "city", "area_code"})
        known |= {name: value for name, value in told.items() if value is not None}
        moved = self._moved(
            at,
            {
                **known,
                "phone_number": candidate.number,
                "capabilities": candidate.capabilities,
                "monthly_fee": candidate.monthly_fee,
                "setup_fee": candidate.setup_fee,
                "per_minute_cost": candidate.per_minute_cost,
                "purchase_date": at,
                "provisioning": Provisioning(state=state, since=at),
            },
        )
        committed = Decimal(0) if noted.carrier.is_added else candidate.monthly_fee or Decimal(0)
        update = {"carrier": noted.carrier.changed(candidates=[candidate]), "committed": committed}
        return moved.model_copy(update=update).answered()

    def not_in_service(self, detail: str, at: Timestamp) -> Self:
        """The carrier does not let the number's calls arrive: it is asked to again later, and its owner is told why."""
        error = ProvisioningError(code="activation_failed", detail=detail)
        importing = self.number.provisioning.model_copy(update={"error": error})
        told = self if self.number.provisioning == importing else self._moved(at, {"provisioning": importing})
        return told.noted(activation=None).delayed(at)

    def imported(self, vapi_id: str, at: Timestamp, org_id: str | None = None) -> Self:
        """Vapi has imported the number. One that was deleted meanwhile goes on to be released.

        The carrier is told the caller id name once the number is in service, so that a refused one holds nothing up.
        """
        state = "releasing" if self.number.status == Status.CANCELLED else "activating"
        moved = self._moved(at, {"provisioning": Provisioning(state=state, since=at)})
        to_be_told = self.out_of_step or self.number.caller_id_name is not None
        is_out_of_step = state == "activating" and to_be_told
        update = {"vapi_id": vapi_id, "vapi_org_id": org_id, "out_of_step": is_out_of_step}
        return moved.model_copy(update=update).answered()

    def not_imported(self, code: str, detail: str, at: Timestamp) -> Self:
        """Vapi will not import the number, or nobody wants it any more: its carrier gets it back. Cancelled."""
        error = ProvisioningError(code=code, detail=detail)
        undoing = Provisioning(state="undoing", since=at, error=error)
        moved = self._moved(at, {"status": Status.CANCELLED, "provisioning": undoing})
        return moved.model_copy(update={"out_of_step": False}).answered()

    def lost_at_vapi(self, at: Timestamp) -> Self:
        """Vapi does not have the number any more, while its carrier does: it is to be imported anew, and told all."""
        noted = self.noted(import_asked=None, import_refusals=0, asker=None)
        moved = noted._moved(at, {"provisioning": Provisioning(state="importing", since=at)})  # noqa: SLF001
        return moved.model_copy(update={"vapi_id": None, "vapi_org_id": None, "out_of_step": True})

    def given_back(self, at: Timestamp) -> Self:
        """The carrier has the number back, since its owner released it or Vapi would not have it."""
        error = self.number.provisioning.error
        return self.released(at) if error is None else self.failed(error.code, error.detail, at)

    def to_be_released(self, at: Timestamp) -> Self:
        """Nothing is under way any more that a release would have to wait for."""
        return self._moved(at, {"provisioning": Provisioning(state="releasing", since=at)})

    def is_due(self, at: Timestamp) -> bool:
        """Whether its provider may be asked again yet."""
        return self.retry_at is None or self.retry_at <= at

    def delayed(self, at: Timestamp, asked_to_wait: int = 0) -> Self:
        """Its provider failed or is busy: it is left in peace for a minute, then for two, at most for an hour.

        asked_to_wait: seconds that it has asked for; it gets them, up to a day.
        """
        wait = max(min(60 * 2 ** min(self.failures, 6), 3600), min(asked_to_wait, LONGEST_WAIT))
        return self.model_copy(
            update={"failures": self.failures + 1, "retry_at": at + wait, "revision": self.revision + 1}
        )

    def awaited(self, at: Timestamp) -> Self:
        """Its provider is carrying out what it was told, and is looked at again in a while."""
        update = {"failures": 0, "retry_at": at + LOOKED_AT_SECONDS, "revision": self.revision + 1}
        return self.model_copy(update=update)

    def answered(self) -> Self:
        """Its provider does answer. Part of another move, which is the write."""
        return self.model_copy(update={"failures": 0, "retry_at": None})

    def monthly_fee_from(self, start: Timestamp) -> Decimal | None:
        """Cents for a month that starts then: none before the number was bought, and none after it was released."""
        gone = self.state in ("released", "failed") and self.number.provisioning.since < start
        return None if gone or self.number.purchase_date is None else self.number.monthly_fee

    def purchased(
        self, vapi_id: str, at: Timestamp, org_id: str | None = None, fees: Mapping[str, Decimal] = MappingProxyType({})
    ) -> Self:
        """Vapi has confirmed the number. One that was deleted meanwhile goes on to be released.

        fees: in cents, by their names in Python; Vapi itself tells none.
        """
        state = "releasing" if self.number.status == Status.CANCELLED else "activating"
        moved = self._moved(at, {**fees, "purchase_date": at, "provisioning": Provisioning(state=state, since=at)})
        committed = fees.get("monthly_fee", Decimal(0))
        update = {"vapi_id": vapi_id, "vapi_org_id": org_id, "committed": committed}
        return moved.model_copy(update=update).answered()

    def activated(self, phone_number: str, facts: NumberFacts, at: Timestamp) -> Self:
        """The number can answer: it has its E.164 and what follows from it.

        What its carrier has told of it stays, as does the status that its owner gave it before it was imported anew.
        """
        status = Status.ACTIVE if self.number.activation_date is None else self.number.status
        since = self.number.activation_date or at
        ready = Provisioning(state="ready", since=at)
        return self._in_service(phone_number, facts, at, status=status, activation_date=since, provisioning=ready)

    def left_inactive(self, phone_number: str, facts: NumberFacts, detail: str, at: Timestamp) -> Self:
        """The number could answer, but would send its callers round in a circle: its owner has to make it active.

        Vapi may hold a fallback of it already, and is told that there is none.
        """
        error = ProvisioningError(code="forwards_in_circle", detail=f"{INACTIVE} {detail}")
        ready = Provisioning(state="ready", since=at, error=error)
        moved = self._in_service(phone_number, facts, at, status=Status.INACTIVE, provisioning=ready)
        return moved.model_copy(update={"out_of_step": True})

    def _in_service(self, phone_number: str, facts: NumberFacts, at: Timestamp, **changes: Any) -> Self:
        known = facts.model_dump(by_alias=False, exclude_none=True) if self.carrier is None else {}
        return self._moved(at, {**known, "phone_number": phone_number, **changes}).answered()

    def blocked(self, detail: str, at: Timestamp) -> Self:
        """Its provider does not let it be used, and may yet: its owner is told, and it is asked ever less often."""
        error = ProvisioningError(code="blocked_at_provider", detail=detail)
        held = self.number.provisioning
        if held.error == error:
            return self.delayed(at)
        return self._moved(at, {"provisioning": held.model_copy(update={"error": error})}).delayed(at)

    def failed(self, code: str, detail: str, at: Timestamp) -> Self:
        """The purchase is known not to have happened, or the number is gone at its provider. Final."""
        error = ProvisioningError(code=code, detail=detail)
        return self._moved(
            at, {"status": Status.CANCELLED, "provisioning": Provisioning(state="failed", since=at, error=error)}
        ).model_copy(update={"out_of_step": False, "committed": Decimal(0)})

    def cancelled(self, at: Timestamp, *, force: bool = False) -> Self:
        """The owner released the number; force: without waiting for its calls to end.

        While its purchase or import is unsettled it stays to be looked up, then released.
        """
        is_forced = self.is_forced or force
        if self.number.status == Status.CANCELLED:
            if is_forced == self.is_forced or not self.unfinished:
                return self
            return self.model_copy(update={"is_forced": is_forced, "revision": self.revision + 1})
        changes: dict[str, Any] = {"status": Status.CANCELLED}
        if self.state not in ("purchasing", "importing"):
            changes["provisioning"] = Provisioning(state="releasing", since=at)
        return self._moved(at, changes).answered().model_copy(update={"out_of_step": False, "is_forced": is_forced})

    def released(self, at: Timestamp) -> Self:
        """The provider no longer holds the number."""
        moved = self._moved(at, {"provisioning": Provisioning(state="released", since=at)})
        return moved.model_copy(update={"committed": Decimal(0)})

    def in_step(self) -> Self:
        """Vapi, and the carrier where there is one, hold what we hold."""
        return self.model_copy(update={"out_of_step": False, "revision": self.revision + 1}).answered()

    def to_be_told(self) -> Self:
        """Vapi may hold another name or fallback than we do."""
        return self.model_copy(update={"out_of_step": True, "revision": self.revision + 1})

    def assigned(self, assistant: VapiAssistant | None, profile: AssistantProfile | None, at: Timestamp) -> Self:
        """The number's default answerer. Unchanged where it is the same already."""
        if (assistant, profile) == (self.number.assistant, self.profile):
            return self
        self.refuse_if_cancelled()
        return self._moved(at, {"assistant": assistant}).with_profiles(profile, self.rule_profiles)

    def with_rule(self, rule: RoutingRule, profile: AssistantProfile | None, at: Timestamp) -> Self:
        """The rule added; where it is there already only its profile is new. Raises InvalidRequest.

        profile: of the assistant, squad or workflow that the rule names.
        """
        known = self.rule_profiles if profile is None else {**self.rule_profiles, str(rule.then.id): profile}
        if rule in self.number.call_routing_rules:
            return self.examined(self.profile, known, at)
        self.refuse_if_cancelled()
        rules = [*self.number.call_routing_rules, rule]
        if len(rules) > MAX_RULES:
            raise InvalidRequest(FieldError("id", f"the number has {MAX_RULES} rules, which is as many as it can have"))
        wanted = self.number.model_copy(update={"call_routing_rules": rules})
        _refuse(
            FieldError(_path_within_rule(error.path, len(rules) - 1), error.message)
            for error in contradictions(wanted, wanted.provider, wanted.phone_number)
        )
        return self._moved(at, {"call_routing_rules": rules}).with_profiles(self.profile, known)

    def without_rule(self, rule_id: str, at: Timestamp) -> Self:
        """Raises RuleNotFound."""
        rules = [rule for rule in self.number.call_routing_rules if rule.id != rule_id]
        if len(rules) == len(self.number.call_routing_rules):
            raise RuleNotFound(rule_id)
        self.refuse_if_cancelled()
        return self._moved(at, {"call_routing_rules": rules}).with_profiles(self.profile, self.rule_profiles)

    def with_hours(self, hours: BusinessHours, at: Timestamp) -> Self:
        """The business hours replaced as a whole; unchanged where they are the same already."""
        if hours == self.number.business_hours:
            return self
        self.refuse_if_cancelled()
        moved = self._moved(at, {"business_hours": hours})
        if too_large(moved.number) is not None:
            message = f"leaves no room: a number's configuration has at most {CONFIGURATION_BYTES} bytes"
            raise InvalidRequest(FieldError("openingHoursSpecification", message))
        return moved

    def with_lists(self, lists: Lists, at: Timestamp) -> Self:
        """The same record, which shows its exact callers too; what has lapsed at that instant is not shown."""
        blocked = [entry.pattern for entry in self.blocked_prefixes if not entry.lapsed(at)]
        allowed = [entry.pattern for entry in self.allowed_prefixes if not entry.lapsed(at)]
        number = self.number.model_copy(
            update={
                "blocked_numbers": [*blocked, *lists.blocked],
                "allowed_numbers": [*allowed, *lists.allowed],
                "blocked_numbers_count": len(blocked) + lists.blocked_count,
            }
        )
        return self.model_copy(update={"number": number, "lapsed_blocks": dict(lists.lapsed)})

    def blocking(self, request: BlockRequest, at: float) -> Self:
        """The prefix blocked; unchanged where it is blocked already and the request says nothing new of it."""
        held = next((entry for entry in self.blocked_prefixes if entry.pattern == request.phone_number), None)
        entry = listed(request, held, at)
        if entry == held:
            return self
        others = [
            other for other in self.blocked_prefixes if other.pattern != entry.pattern and not other.lapsed(int(at))
        ]
        if len(others) >= MOST_PREFIXES:
            raise InvalidRequest(FieldError("phoneNumber", f"the number has {MOST_PREFIXES} prefixes, the most it can"))
        return self._with_blocked_prefixes([*others, entry], int(at))

    def unblocking(self, pattern: str, at: Timestamp) -> Self:
        """The prefix not blocked any more; unchanged where it is not blocked."""
        others = [entry for entry in self.blocked_prefixes if entry.pattern != pattern]
        return self if len(others) == len(self.blocked_prefixes) else self._with_blocked_prefixes(others, at)

    def _with_blocked_prefixes(self, entries: list[Listed], at: Timestamp) -> Self:
        self.refuse_if_cancelled()
        moved = self._moved(at, {"blocked_numbers": [entry.pattern for entry in entries]})
        return moved.model_copy(update={"blocked_prefixes": entries, "blocked_version": moved.number.version})

    def with_profiles(self, profile: AssistantProfile | None, rule_profiles: Mapping[str, AssistantProfile]) -> Self:
        """Part of another move, which is the write. Profiles of whom neither rules nor thresholds name are dropped.

        Raises InvalidRequest, by whoever has most to be kept, where all together are more than a number can hold.
        """
        paths: dict[str | None, str] = {}
        for at, rule in enumerate(self.number.call_routing_rules):
            paths.setdefault(rule.then.id, f"callRoutingRules.{at}.then.id")
        for at, threshold in enumerate(self.number.usage_thresholds):
            paths.setdefault(threshold.assistant_id, f"usageThresholds.{at}.assistantId")
        kept = {target: each for target, each in rule_profiles.items() if target in paths}
        sizes = {paths[target]: each.size for target, each in kept.items()}
        sizes |= {} if profile is None else {"assistant.id": profile.size}
        if sum(sizes.values()) > PROFILE_BYTES:
            message = f"has metadata and artifactPlan at Vapi for which a number's {PROFILE_BYTES} bytes leave no room"
            raise InvalidRequest(FieldError(max(sizes, key=lambda path: sizes[path]), message))
        return self.model_copy(update={"profile": profile, "rule_profiles": kept})

    def examined(
        self, profile: AssistantProfile | None, rule_profiles: Mapping[str, AssistantProfile], at: Timestamp
    ) -> Self:
        """As `with_profiles`, as a move of its own: unchanged where they are the same already."""
        known = self.with_profiles(profile, rule_profiles)
        if known == self:
            return self
        self.refuse_if_cancelled()
        return known._moved(at, {})  # noqa: SLF001

    def updated(self, patch: dict[str, Any], at: float) -> Self:
        """The JSON merge patch (RFC 7396) of a VapiPhoneNumber, applied. at: Unix seconds with their fraction.

        A read-only value that is unchanged is accepted, one that differs is an InvalidRequest; counters and a masked
        secret are ignored. Raises StatusConflict where the status may not move so. A patch that changes nothing
        returns the record itself.
        """
        shown = json.loads(self.shown().model_dump_json(by_alias=True))
        wanted = {name: value for name, value in patch.items() if name not in COUNTERS}
        if wanted.get("webhookSecret") == MASK:
            del wanted["webhookSecret"]
        unknown = [name for name in wanted if name not in CONFIGURABLE | READ_ONLY | {"status"}]
        fixed = [name for name in wanted if name in READ_ONLY and wanted[name] != shown[name]]
        _refuse(
            [FieldError(name, "is not a field of a phone number") for name in unknown]
            + [FieldError(name, "is read-only and differs from the number's") for name in fixed]
        )
        status = self._status_after(wanted.get("status", self.number.status))
        current = {name: shown[name] for name in CONFIGURABLE - {"webhookSecret"}}
        merged = merge_patch(current, {name: wanted[name] for name in wanted if name in CONFIGURABLE})
        kept_lists = [alias for alias in LISTS if _same_entries(merged.get(alias, []), shown[alias])]
        for alias in kept_lists:
            merged.pop(alias, None)
        configuration = NumberConfiguration.model_validate(merged)
        _refuse(contradictions(configuration, self.number.provider, self.number.phone_number))
        _refuse(_taken_away(self.number, configuration))
        secret = configuration.webhook_secret
        kept = {"webhook_secret", *(LISTS[alias] for alias in kept_lists)}
        configured = configuration.model_dump(by_alias=False, exclude=kept)
        before = self.number.model_dump(by_alias=False, include=set(configured))
        changes: dict[str, Any] = {
            name: getattr(configuration, name) for name in configured if configured[name] != before[name]
        }
        becomes = {name: changes.get(name, getattr(self.number, name)) for name in LISTS.values()}
        _refuse(
            too_many_at_once(
                (self.number.blocked_numbers, becomes["blocked_numbers"]),
                (self.number.allowed_numbers, becomes["allowed_numbers"]),
            )
        )
        changes |= self._with_status(status, int(at))
        new_secret = secret is not None and secret != self.webhook_secret
        if not changes and not new_secret:
            return self
        self.refuse_if_cancelled()
        moved = self._moved(int(at), changes)
        update: dict[str, Any] = {"listed_at": int(at * 1000)}
        if not KEPT_OUTSIDE.isdisjoint(changes):  # told at once, unless its provider fails
            update |= {"out_of_step": True, "retry_at": self.retry_at if self.failures else None}
        if new_secret:
            update |= {"webhook_secret": secret, "previous_webhook_secret": self.webhook_secret}
        version = moved.number.version
        if "blocked_numbers" in changes:
            entries = prefixes(changes["blocked_numbers"], self.blocked_prefixes, at)
            update |= {"blocked_prefixes": entries, "blocked_version": version}
        if "allowed_numbers" in changes:
            entries = prefixes(changes["allowed_numbers"], self.allowed_prefixes, at)
            update |= {"allowed_prefixes": entries, "allowed_version": version}
        if "usage_thresholds" in changes:
            update["thresholds_since"] = int(at) if changes["usage_thresholds"] else None
        return moved.model_copy(update=update)

    def _with_status(self, status: Status, at: Timestamp) -> dict[str, Any]:
        """What changes with the status; a number that was left inactive is in service from now on."""
        changes: dict[str, Any] = {} if status == self.number.status else {"status": status}
        if status == Status.ACTIVE and self.number.activation_date is None:
            ready = self.number.provisioning.model_copy(update={"error": None})
            changes |= {"activation_date": at, "provisioning": ready}
        return changes

    def with_webhook_secret(self, secret: str) -> Self:
        """The record with a secret to sign its webhooks by, where it posts any and has none."""
        if self.number.webhook_url is None or self.webhook_secret is not None:
            return self
        return self.model_copy(update={"webhook_secret": secret})

    @property
    def fallback(self) -> str | None:
        """Where Vapi sends callers when we do not answer; nowhere while the number is not to answer at all."""
        return self.number.forwarding_number if self.number.status == Status.ACTIVE else None

    def shown(self, *, counters: Mapping[str, Any] | None = None, told_secret: bool = False) -> VapiPhoneNumber:
        """What the owner sees. counters: by their names in Python. The secret is told by one answer only."""
        secret = None if self.webhook_secret is None else self.webhook_secret if told_secret else MASK
        warnings = [] if self.profile is None else self._warnings(self.profile)
        if self.state == "ready" and self.number.provisioning.error is not None:
            warnings.append(self.number.provisioning.error.detail)
        by_rules = {rule.then.id for rule in self.number.call_routing_rules}
        for target, profile in self.rule_profiles.items():
            named_by = "routing rule" if target in by_rules else "usage threshold"
            warnings += [f"{target}, which a {named_by} names: {warning}" for warning in self._warnings(profile)]
        return self.number.model_copy(
            update={"webhook_secret": secret, "warnings": warnings, **(counters or {})},
        )

    def _warnings(self, profile: AssistantProfile) -> list[str]:
        warnings = [OWN_SERVER] if profile.own_server else []
        sets = (self.number.recording_enabled, self.number.transcription_enabled)
        if profile.artifact_plans_differ and sets != (None, None):
            warnings.append(PLANS_DIFFER)
        return warnings

    def refuse_if_cancelled(self) -> None:
        """Raises StatusConflict."""
        if self.number.status == Status.CANCELLED:
            raise StatusConflict("The number is cancelled: nothing of it can be changed any more.")

    def _status_after(self, wanted: Any) -> Status:
        try:
            status = Status(wanted)
        except ValueError:
            raise InvalidRequest(FieldError("status", f"must be one of {', '.join(Status)}")) from None
        if status == self.number.status:
            return status
        if (self.number.status, status) not in STATUS_MOVES:
            raise StatusConflict(f"A number that is {self.number.status} cannot become {status} by an update.")
        if self.state != "ready":
            raise StatusConflict(f"The number is still {self.state} at its provider.")
        return status

    def _moved(self, at: Timestamp, changes: dict[str, Any]) -> Self:
        number = self.number.model_copy(update={**changes, "updated": at, "version": self.number.version + 1})
        return self.model_copy(update={"number": number, "revision": self.revision + 1})


def number_id(deployment: str, business: str, idempotency_key: str | None, at_ms: int, entropy: bytes) -> str:
    """`pn_` and a ULID: made of business and key where there is a key, so that a retry names the same number.

    deployment: its own name, since carriers and Vapi know a number by its id, and two deployments may share an account.
    entropy: 10 random bytes.
    """
    if idempotency_key is None:
        return f"{ID_PREFIX}{ULID.from_bytes(at_ms.to_bytes(6) + entropy[:10])}"
    seed = hashlib.sha256(f"{deployment}\0{business}\0{idempotency_key}".encode()).digest()
    return f"{ID_PREFIX}{ULID.from_bytes(seed[:16])}"


def rule_id(at_ms: int, entropy: bytes) -> str:
    """`rr_` and a ULID. entropy: 10 random bytes."""
    return f"rr_{ULID.from_bytes(at_ms.to_bytes(6) + entropy[:10])}"


def webhook_secret(entropy: bytes) -> str:
    """A Standard Webhooks secret of 24 random bytes."""
    return "whsec_" + base64.b64encode(entropy[:24]).decode()


def digest(request: Shape) -> str:
    """What an Idempotency-Key is held against: two requests are the same when they ask for the same."""
    asked = json.dumps(request.model_dump(mode="json", by_alias=True), sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396: null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def _taken_away(number: VapiPhoneNumber, wanted: NumberConfiguration) -> Iterator[FieldError]:
    """What nobody can take away again once it was given. Source: Bandwidth's LIDB orders only ever set a name."""
    if number.caller_id_name is not None and wanted.caller_id_name is None:
        yield FieldError("callerIdName", "no carrier takes a caller id name (CNAM) away; another one can be given")


def _same_entries(wanted: Any, shown: list[str]) -> bool:
    """Whether a list is what is shown, in whatever order. What is no list of texts is not, and is refused later."""
    return isinstance(wanted, list) and all(isinstance(entry, str) for entry in wanted) and set(wanted) == set(shown)


def _path_within_rule(path: str, position: int) -> str:
    """The path as the one rule's own request has it; what is wrong with another rule comes of this one's conditions."""
    of_rule = f"callRoutingRules.{position}"
    if path == of_rule or not path.startswith(f"{of_rule}."):
        return "when"
    return path.removeprefix(f"{of_rule}.")


def _refuse(errors: Any) -> None:
    found = tuple(errors)
    if found:
        raise InvalidRequest(*found)
