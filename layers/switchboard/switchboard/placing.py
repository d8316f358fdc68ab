"""Test calls: a real call from a number, placed once however often it is asked for with the same key.

Vapi has no idempotency key for a call. So what is wanted is written down before Vapi is asked, under an id that is also
the call's name at Vapi; only who wrote it asks, and asks once. What was not heard is looked up by number and name.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from switchboard.calls.messages import read_placed
from switchboard.calls.periods import day_window
from switchboard.calls.record import call_from_item
from switchboard.calls.usage import window_sums
from switchboard.carriers.http import Refused
from switchboard.carriers.vapi import Vapi
from switchboard.errors import (
    CallNotFound,
    CallNotPlaced,
    ChangedMeanwhile,
    IdempotencyKeyReused,
    OutcomeUnknown,
    ProviderBusy,
    ProviderCredentialsRejected,
    ProviderError,
    ProviderFailed,
    ProviderUnreachable,
)
from switchboard.incoming import numbering_plan
from switchboard.model.call import Call
from switchboard.model.number import VapiAssistant
from switchboard.model.record import AssistantProfile, NumberRecord, digest
from switchboard.model.test_call import TestCallRequest, id_of_test, longest_seconds, refuse
from switchboard.provisioning.assistants import Assistants, examine
from switchboard.provisioning.connected import dialling_vapi, vapi
from switchboard.provisioning.steps import CLOCK_SKEW_SECONDS, UNSURE_SECONDS
from switchboard.routing.number import number_from_item
from switchboard.routing.outbound import body_of_test
from switchboard.store.calls import Calls, calls, is_erased
from switchboard.store.numbers import Numbers, numbers, stored
from switchboard.store.placed import Intent, Limit, Placed, placed
from switchboard.store.usage import Usage, usage
from switchboard.zones import zone_of

_TRIES = 5

# A request of the API ends after 30 seconds, and so does the function a second before. Vapi is asked to dial within the
# first 8, which takes 9 at the most, and is last asked what became of it before 19 are over, which takes 9 again.
LAST_DIAL_SECONDS = 8
LAST_LOOK_SECONDS = 19

PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 4.0)
"""Seconds before each look for a call of which nothing was heard: it may be committed late."""


@dataclass(frozen=True, kw_only=True)
class Placing:
    """dialling: Vapi for who waits. pause: lets so many seconds pass. elapsed: a monotonic clock, in seconds."""

    numbers: Numbers
    calls: Calls
    usage: Usage
    placed: Placed
    vapi: Vapi
    dialling: Vapi
    clock: Callable[[], float] = time.time
    pause: Callable[[float], object] = time.sleep
    elapsed: Callable[[], float] = time.monotonic

    def test_call(
        self, number_id: str, business: str, request: TestCallRequest, idempotency_key: str | None = None
    ) -> Call:
        """Places the call, or tells what became of it if it was asked for with this key before.

        Raises, while nothing has been dialled: NumberNotFound, StatusConflict, OutboundForbidden, InvalidRequest,
        DailyCallLimitReached, IdempotencyKeyReused, CallNotPlaced if Vapi will not, or a ProviderError. OutcomeUnknown
        alone may be a call that rings; CallNotFound one that was erased.
        """
        began = self.elapsed()
        entropy, attempt = secrets.token_bytes(10), secrets.token_hex(8)
        test_id = id_of_test(business, number_id, idempotency_key, int(self.clock() * 1000), entropy)
        for _ in range(_TRIES):
            record = self.numbers.get(number_id, business)
            held = self.placed.find(number_id, test_id) if idempotency_key is not None else None
            call = None
            if held is None:
                try:
                    call = self._begun(record, request, test_id, attempt, began)
                except ChangedMeanwhile:
                    continue
            elif held.digest != digest(request):
                raise IdempotencyKeyReused
            else:
                call = self._looked_up(held, record, request, began)
            if call is not None:
                return call
        raise ChangedMeanwhile

    def _begun(
        self, record: NumberRecord, request: TestCallRequest, test_id: str, attempt: str, began: float
    ) -> Call | None:
        """The call, placed; None if somebody else has begun it meanwhile, or it has to be begun anew."""
        at, number = int(self.clock()), record.number
        anywhere = number.outbound_settings.allowed_countries is None
        assistant = refuse(record, request, None if anywhere else numbering_plan(request.to)[0])
        profile = record.profile
        if request.assistant is not None:
            assistant, profile = examine(Assistants(self.vapi), assistant, "assistant.id")
        body = self._body(record, request, assistant, profile, test_id, at)
        zone = zone_of(number.business_hours.timezone if number.business_hours else None)
        intent = Intent(
            id=test_id,
            number_id=number.id,
            vapi_id=str(record.vapi_id),
            digest=digest(request),
            attempt=attempt,
            asked_at=at,
            day=day_window(zone, at),
        )
        limit = self._limit(record, intent)
        if self.elapsed() - began > LAST_DIAL_SECONDS:
            raise ProviderUnreachable("Vapi was too slow to tell of the assistant. Nobody was called.")
        held = self.placed.begin(intent, number.version, limit)
        return self._dialled(intent, record, request, body, began) if held.attempt == attempt else None

    def _body(
        self,
        record: NumberRecord,
        request: TestCallRequest,
        assistant: VapiAssistant,
        profile: AssistantProfile | None,
        test_id: str,
        at: int,
    ) -> dict[str, Any]:
        named = record.number.model_copy(update={"assistant": assistant})
        number = number_from_item(stored(record.model_copy(update={"number": named, "profile": profile})))
        return body_of_test(
            number,
            assistant.type,
            assistant.id,
            vapi_id=str(record.vapi_id),
            test_id=test_id,
            to=request.to,
            seconds=longest_seconds(record, request),
            message=request.message,
            at=at,
        )

    def _limit(self, record: NumberRecord, intent: Intent) -> Limit | None:
        """Usage has every outbound call that is no test, so what it counts is what was placed elsewhere."""
        most = record.number.outbound_settings.daily_call_limit
        if most is None:
            return None
        sums = window_sums(intent.day, self.usage.hours(intent.number_id, *intent.day.hours))
        return Limit(most, int(sums.get("outbound", 0)))

    def _dialled(
        self, intent: Intent, record: NumberRecord, request: TestCallRequest, body: dict[str, Any], began: float
    ) -> Call | None:
        try:
            row = self.dialling.place_call(body)
        except Refused as refused:
            self.placed.take_back(intent)
            raise CallNotPlaced(f"Vapi will not place the call: {refused.message}") from refused
        except (ProviderUnreachable, ProviderCredentialsRejected, ProviderBusy):
            self.placed.take_back(intent)
            raise
        except (OutcomeUnknown, ProviderFailed):
            return self._looked_up(intent, record, request, began)
        return self._known(intent, record, request, row) or self._looked_up(intent, record, request, began)

    def _looked_up(self, intent: Intent, record: NumberRecord, request: TestCallRequest, began: float) -> Call | None:
        """What became of a call that was asked for; None if it was taken back, so that it may be begun anew."""
        for seconds in PAUSES:
            self.pause(seconds)
            if self.elapsed() - began > LAST_LOOK_SECONDS:
                break
            now = self.placed.find(intent.number_id, intent.id)
            if now is None:
                return None
            if now.call_id is not None:
                return self._shown(intent.number_id, now.call_id)
            if now.is_lost:
                raise CallNotPlaced("Vapi never placed this call. Ask again with another Idempotency-Key.")
            try:
                row = self.dialling.find_call(intent.vapi_id, intent.id, intent.asked_at - CLOCK_SKEW_SECONDS)
            except (ProviderError, Refused):
                continue
            call = None if row is None else self._known(intent, record, request, row)
            if call is not None:
                return call
            if self.clock() - intent.asked_at >= UNSURE_SECONDS:
                self.placed.give_up(intent)
        raise OutcomeUnknown(
            "Vapi did not say whether it placed the call, so it may ring. Ask again with the same Idempotency-Key, by"
            f" which nobody is called twice, or look for it in the number's calls, or at Vapi by its name {intent.id}."
        )

    def _known(
        self, intent: Intent, record: NumberRecord, request: TestCallRequest, row: dict[str, Any]
    ) -> Call | None:
        """Records the call that Vapi has placed, as a test whatever Vapi says of it; None if the row names no call."""
        number = record.number
        fact = read_placed(row, to=request.to, ours=number.phone_number, asked_at=intent.asked_at * 1000)
        if fact is None:
            return None
        self.calls.record(number.id, number.business, fact)
        self.placed.know(intent, fact.call_id)
        return self._shown(number.id, fact.call_id)

    def _shown(self, number_id: str, call_id: str) -> Call:
        item = self.calls.find(number_id, call_id)
        if item is None or is_erased(item):
            raise CallNotFound(call_id)
        return Call.of(call_from_item(item))


def placing(clock: Callable[[], float] = time.time, pause: Callable[[float], object] = time.sleep) -> Placing:
    """With its real collaborators. Raises ProviderNotConfigured."""
    return Placing(
        numbers=numbers(),
        calls=calls(),
        usage=usage(),
        placed=placed(),
        vapi=vapi(),
        dialling=dialling_vapi(),
        clock=clock,
        pause=pause,
    )
