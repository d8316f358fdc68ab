"""The telephone exchange: inbound calls that a test rings, outbound calls that the API was asked for."""

import re
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from local.simulators.vapi.answering import Answerer, Unfit, Verdict, judge, resolve
from local.simulators.vapi.clock import call_id, iso, now, parse
from local.simulators.vapi.delivery import (
    ASSISTANT_REQUEST_SECONDS,
    Courier,
    Delivery,
    Reply,
    Step,
    in_order,
    json_or_text,
)
from local.simulators.vapi.errors import CannotRing
from local.simulators.vapi.script import Callee, Ring
from local.simulators.vapi.state import ORG_ID, Row, Store
from local.simulators.vapi.story import REPORT_LAG_MILLIS, Call, transport_of

ASKED_AFTER_MILLIS = 140
"""From a call's creation to its assistant-request; captures have 136 to 151 (vapi.md 2.3)."""

SETUP_MILLIS = 2300
"""From a call's creation to its start, or to its end when nobody takes it, if the server answers quickly."""

PICK_UP_MILLIS = 500
"""From the server's answer to the call's start, at least."""


class Exchange:
    """Makes calls happen in the store and tells servers about them.

    ``concurrency_limit`` calls may be alive at once; over it, calls are refused (vapi.md 6.1).
    """

    def __init__(self, store: Store, courier: Courier, concurrency_limit: int) -> None:
        self.store = store
        self.courier = courier
        self.concurrency_limit = concurrency_limit
        self.request_timeout_seconds = ASSISTANT_REQUEST_SECONDS
        self.delivery = Delivery()
        self.callee = Callee()
        self._held: dict[str, Call] = {}
        self._forgotten = threading.Event()
        self._lock = threading.Lock()

    def ring(self, ring: Ring) -> Row:
        """Makes an inbound call; answers with its whole story when every message has been delivered.

        ``{callId, from, to, asked, answered, messages, outcome}``: ``asked`` is the assistant-request's body or null,
        ``answered`` is ``{status, body, millis}`` or null, ``messages`` are ``Courier.deliver``'s reports,
        ``outcome`` is ``{status, endedReason, answeredBy, seconds, cost, spoken?, forwardedTo?}``. Raises
        ``CannotRing``.
        """
        number = self._called(ring.to)
        free = self.subscription()["remainingConcurrentCalls"] > 0
        call = self._incoming(number, ring)
        asked, reply, verdict = self._who_answers(call) if free else (None, None, _NO_LINE)
        set_up = call.created + max(SETUP_MILLIS, ASKED_AFTER_MILLIS + (reply.millis if reply else 0) + PICK_UP_MILLIS)
        if not (verdict.answerer and call.behaviour.connects):
            self._play(call, call.fails(verdict, set_up))
        else:
            self._connect(call, verdict.answerer)
            call.started = set_up
            if ring.hold:
                self._play(call, call.opens())
                with self._lock:
                    self._held[call.id] = call
            else:
                self._play(call, [*call.opens(), *call.closes(call.started + call.talk_millis())])
        return {
            "callId": call.id,
            "from": ring.caller,
            "to": number.get("number"),
            "asked": asked,
            "answered": {"status": reply.status, "body": json_or_text(reply), "millis": reply.millis}
            if reply
            else None,
            "messages": call.reports,
            "outcome": self._outcome(call, verdict),
        }

    def ring_many(self, rings: Sequence[Ring], concurrency: int = 4) -> list[Row]:
        """Rings all, at most ``concurrency`` at a time; results in the order given.

        A call that cannot be made is ``{from, to, error}``.
        """

        def attempt(ring: Ring) -> Row:
            try:
                return self.ring(ring)
            except CannotRing as error:
                return {"from": ring.caller, "to": ring.to, "error": error.reason}

        with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="vapi-ring") as pool:
            return list(pool.map(attempt, rings))

    def hang_up(self, held_call_id: str, ended_reason: str | None = None) -> Row:
        """Ends a held call now.

        Answers ``{callId, messages, outcome}``, with the messages since it was held. Raises ``CannotRing`` for a call
        that is not held.
        """
        with self._lock:
            call = self._held.pop(held_call_id, None)
        if call is None:
            raise CannotRing(f"No call {held_call_id} is held", status=404)
        if ended_reason:
            call.script = replace(call.script, ended_reason=ended_reason)
        call.reports = []
        self._play(call, call.closes(now()))
        verdict = Verdict(by=call.answerer.kind if call.answerer else "nobody")
        return {"callId": call.id, "messages": call.reports, "outcome": self._outcome(call, verdict)}

    def place(self, row: Row, number: Row | None, answerer: Answerer) -> Call:
        """An outbound call for a row just made by ``POST /call``; nothing happens before ``dial``."""
        customer = row["customer"]
        script = replace(self.callee.script(customer.get("number") or customer["sipUri"]), delivery=self.delivery)
        snapshot = {key: value for key, value in row.items() if key != "cost"}
        tools = list(answerer.handed_over().tools(self.store))
        return Call(snapshot, number, script, now(), self._forgotten, answerer, tools)

    def dial(self, call: Call, ring_seconds: float) -> None:
        """Runs an outbound call in real time: queued, ringing, in-progress, ended, report."""
        self._play(call, call.begins("queued"))
        self._play(call, call.begins("ringing"))
        call.forgotten.wait(ring_seconds)
        if not call.behaviour.connects:
            self._play(call, call.fails(Verdict(by="nobody"), now()))
            return
        call.started = now()
        self._play(call, call.opens())
        call.forgotten.wait(call.talk_millis() / 1000)
        self._play(call, call.closes(now()))

    def subscription(self) -> Row:
        """``subscriptionLimits``, as ``POST /call`` answers it."""
        alive = sum(row["status"] not in ("ended", "not-found") for row in self.store.rows("call"))
        return {
            "concurrencyBlocked": False,
            "concurrencyLimit": self.concurrency_limit,
            "remainingConcurrentCalls": max(0, self.concurrency_limit - alive),
        }

    def clear(self) -> None:
        """Forgets all calls, those under way too, and puts delivery and callee back to their defaults.

        A forgotten call sends nothing more, not even what is waiting to be sent again.
        """
        with self._lock:
            self._held.clear()
            self._forgotten.set()
            self._forgotten = threading.Event()
        self.delivery, self.callee = Delivery(), Callee()

    def _called(self, to: str) -> Row:
        for row in self.store.rows("phone-number"):
            number = str(row.get("number")).removeprefix("+")  # Vonage's are imported without
            if to in (f"+{number}", row["id"]):
                if row.get("status") != "active":
                    raise CannotRing(f"{to} is {row.get('status')}, not active")
                return row
        raise CannotRing(f"{to} is not in service", status=404)

    def _incoming(self, number: Row, ring: Ring) -> Call:
        created = now() - SETUP_MILLIS - ring.talk_millis - REPORT_LAG_MILLIS
        provider = transport_of(number)
        leg = f"CA{uuid.uuid4().hex}" if provider == "twilio" else str(uuid.uuid4())
        transport: Row = {"provider": provider, "conversationType": "voice", "callSid": leg}
        if provider == "twilio":
            transport["accountSid"] = number.get("twilioAccountSid")
            if ring.forwarded_from:
                transport["forwardedFrom"] = ring.forwarded_from
        row: Row = {
            "id": call_id(created),
            "orgId": ORG_ID,
            "createdAt": iso(created),
            "updatedAt": iso(created),
            "type": "inboundPhoneCall",
            "status": "ringing",
            "phoneCallProvider": "vapi" if provider == "vapi.sip" else provider,
            "phoneCallProviderId": leg,
            "phoneCallTransport": "sip" if number.get("sipUri") else "pstn",
            "phoneNumberId": number["id"],
            "assistantId": None,
            "squadId": None,
            "transport": transport,
        }
        if customer := _customer(ring):
            row["customer"] = customer
        self.store.insert("call", row)
        return Call(row, number, ring, created, self._forgotten)

    def _who_answers(self, call: Call) -> tuple[Row | None, Reply | None, Verdict]:
        number = call.number or {}
        if hooked := _ringing_hook(number, call.script.caller):
            return None, None, hooked
        try:
            attached = resolve(number, self.store)
        except Unfit as error:
            debugging = {"error": str(error)}
            return None, None, Verdict(by="nobody", ended_reason="assistant-not-found", debugging=debugging)
        if attached:
            return None, None, Verdict(by=attached.kind, answerer=attached)
        if not call.server:
            return None, None, Verdict(by="nobody", ended_reason="call-start-error-neither-assistant-nor-server-set")
        request = call.message("assistant-request", call.created + ASKED_AFTER_MILLIS)
        for _ in range((call.script.delivery or self.delivery).repeat_request):
            reply = self.courier.post(request, call.server, self.request_timeout_seconds)
        return {"message": request}, reply, _rescued(number, judge(reply, self.store))

    def _connect(self, call: Call, answerer: Answerer) -> None:
        gained = {**answerer.keys, "monitor": monitor(call.id)}
        call.answerer, call.tools = answerer, list(answerer.handed_over().tools(self.store))
        call.snapshot = {**call.snapshot, **gained}
        self.store.update("call", call.id, gained)

    def _play(self, call: Call, steps: Sequence[Step]) -> None:
        """Changes the row and sends the messages, step by step; shuffled messages find the row as it is in the end.

        For a call that is forgotten nothing is left to do: its row is gone.
        """
        delivery = call.script.delivery or self.delivery
        if delivery.shuffle:
            for step in steps:
                self.store.update("call", call.id, step.changes)
        for step in in_order(steps, delivery):
            if call.forgotten.is_set():
                return
            if step.changes and not delivery.shuffle:
                self.store.update("call", call.id, step.changes)
            call.reports += self.courier.deliver(step, delivery, call.forgotten)

    def _outcome(self, call: Call, verdict: Verdict) -> Row:
        row = self.store.get("call", call.id) or {}
        talked = "startedAt" in row and "endedAt" in row
        outcome: Row = {
            "status": row.get("status"),
            "endedReason": row.get("endedReason"),
            "answeredBy": verdict.by if call.behaviour.connects else "nobody",
            "seconds": round((parse(row["endedAt"]) - parse(row["startedAt"])) / 1000, 3) if talked else 0.0,
            "cost": row.get("cost"),
        }
        if verdict.spoken is not None and call.behaviour.connects:
            outcome["spoken"] = verdict.spoken
        if destination := row.get("destination"):
            outcome["forwardedTo"] = destination.get("number") or destination.get("sipUri")
        return outcome


def monitor(of_call: str) -> Row:
    """A call's live-control addresses; nothing listens there."""
    host = "aws-us-west-2-production1-phone-call-websocket.vapi.ai"
    return {"listenUrl": f"wss://{host}/{of_call}/listen", "controlUrl": f"https://{host}/{of_call}/control"}


def is_e164(number: str) -> bool:
    """Whether it is written as ``+`` and 7 to 15 digits."""
    return re.fullmatch(r"\+[1-9]\d{6,14}", number) is not None


_NO_LINE = Verdict(by="nobody", ended_reason="call.start.error-subscription-concurrency-limit-reached")


def _customer(ring: Ring) -> Row | None:
    if ring.caller is None and ring.anonymous_as == "missing":
        return None
    caller = "anonymous" if ring.caller is None else ring.caller
    return {"number": caller} if is_e164(caller) else {"number": caller, "numberE164CheckEnabled": False}


def _ringing_hook(number: Row, caller: str | None) -> Verdict | None:
    """What the first ``call.ringing`` hook does whose filters hold; prefixes carry no ``+`` (vapi.md 1.6)."""
    digits = (caller or "").lstrip("+")
    for hook in number.get("hooks") or []:
        if hook["on"] != "call.ringing" or not hook["do"]:
            continue
        if all(digits.startswith(tuple(each["startsWith"])) for each in hook.get("filters") or []):
            return _hooked("call.ringing", hook["do"][0])
    return None


def _rescued(number: Row, verdict: Verdict) -> Verdict:
    """Who takes the caller when nobody was found: the fallback, else a ``call.ending`` hook (vapi.md 1.5, 1.6).

    The hook also acts on errors and destinations, if its filter names their reasons or it has none.
    """
    if verdict.by == "nobody" and number.get("fallbackDestination"):
        return replace(verdict, by="fallbackDestination", destination=number["fallbackDestination"])
    for hook in [] if verdict.answerer else number.get("hooks") or []:
        if hook["on"] != "call.ending" or not hook.get("do"):
            continue
        if all(verdict.ended_reason in each["oneOf"] for each in hook.get("filters") or []):
            return replace(_hooked("call.ending", hook["do"]), debugging=verdict.debugging)
    return verdict


def _hooked(on: str, action: Row) -> Verdict:
    reason = f"{on}.hook-executed-{action['type']}"
    return Verdict(by="hook", ended_reason=reason, spoken=action.get("exact"), destination=action.get("destination"))
