"""Bringing server messages to the customer's server: attempts, retries and, on request, trouble."""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from local.simulators.vapi.state import Row

ASSISTANT_REQUEST_SECONDS = 7.5
"""Vapi's fixed limit for an assistant-request, end to end (vapi.md 2.3)."""

DEFAULT_TIMEOUT_SECONDS = 20.0
"""``server.timeoutSeconds`` when it is not set (vapi.md 1.7)."""


@dataclass(frozen=True)
class Delivery:
    """How a call's messages travel. The default is a faultless network.

    ``repeat``: each message arrives this many times. ``repeat_request``: so does the assistant-request, whose last
    answer is obeyed. ``shuffle``: the messages come in a random order, by ``seed``. ``delay_seconds``: real time
    before each message. ``drop``: kinds that never leave: a type (``end-of-call-report``) or a status (``ended``).
    ``retry_delay_scale`` multiplies the waits of ``server.backoffPlan``; 0 retries at once.
    """

    repeat: int = 1
    repeat_request: int = 1
    shuffle: bool = False
    seed: int = 0
    delay_seconds: float = 0.0
    drop: frozenset[str] = frozenset()
    retry_delay_scale: float = 1.0


@dataclass(frozen=True)
class Reply:
    """What a server answered. ``status`` is None when it did not: refused, cut or too late, as ``failure`` says."""

    status: int | None
    text: str
    millis: int
    failure: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it was a 2xx."""
        return self.status is not None and httpx.codes.is_success(self.status)


@dataclass(frozen=True)
class Step:
    """A moment of a call: how its row changes, and the message that says so, if Vapi sends one then."""

    message: Row | None = None
    server: Row | None = None
    changes: Row = field(default_factory=dict)

    @property
    def kinds(self) -> set[str]:
        """The names by which ``Delivery.drop`` may mean this message."""
        return {str(self.message[key]) for key in ("type", "status") if key in self.message} if self.message else set()


class Courier:
    """Posts messages, each on a connection of its own, so that none is lost to one gone stale. Safe for threads."""

    def __init__(self) -> None:
        self._client = httpx.Client(
            trust_env=False,
            headers={"User-Agent": "Vapi/1.0 (simulator)"},
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def post(self, message: Row, server: Row, timeout_seconds: float) -> Reply:
        """One attempt: ``{"message": ...}`` to ``server.url`` with ``server.headers``; never raises.

        ``X-Vapi-Secret`` is there, empty, as Vapi sends it when there is no bearer credential (vapi.md 3).
        """
        headers = httpx.Headers({"X-Vapi-Secret": ""})
        headers.update({name: str(value) for name, value in (server.get("headers") or {}).items()})
        begun = time.monotonic()
        try:
            response = self._client.post(
                server["url"], json={"message": message}, headers=headers, timeout=timeout_seconds
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            late = isinstance(error, httpx.TimeoutException)
            failure = f"timeout of {timeout_seconds * 1000:.0f}ms exceeded" if late else str(error) or repr(error)
            return Reply(None, "", _millis_since(begun), failure)
        if time.monotonic() - begun > timeout_seconds:
            return Reply(None, "", _millis_since(begun), f"timeout of {timeout_seconds * 1000:.0f}ms exceeded")
        status = response.status_code
        refused = None if response.is_success else f"Request failed with status code {status}"
        return Reply(status, response.text, _millis_since(begun), refused)

    def send(self, message: Row, server: Row, delivery: Delivery, forgotten: threading.Event) -> tuple[Reply, int]:
        """Posts until a 2xx, an excluded status or the last retry of ``server.backoffPlan`` (vapi.md 4).

        Without a plan there is one attempt. A connection that fails counts as a failed attempt. A call that is
        ``forgotten`` is not tried again. Returns the last reply and the number of attempts.
        """
        plan = server.get("backoffPlan") or {}
        timeout = float(server.get("timeoutSeconds") or DEFAULT_TIMEOUT_SECONDS)
        retries = int(plan.get("maxRetries", 0))
        for attempt in range(retries + 1):
            reply = self.post(message, server, timeout)
            if reply.ok or reply.status in plan.get("excludedStatusCodes", []) or attempt == retries:
                break
            growth = 2**attempt if plan.get("type") == "exponential" else 1
            if forgotten.wait(float(plan["baseDelaySeconds"]) * growth * delivery.retry_delay_scale):
                break
        return reply, attempt + 1

    def deliver(self, step: Step, delivery: Delivery, forgotten: threading.Event) -> list[Row]:
        """Sends a step's message as ``delivery`` has it and reports each sending, until its call is ``forgotten``.

        A report is ``{type, status?, deliveredTo, httpStatus, attempts, response?}``. ``deliveredTo`` is null for
        what was dropped (``dropped: true``) and where no server is set. ``response`` is there for messages that ask
        for an answer.
        """
        message = step.message
        if message is None:
            return []
        report: Row = {key: message[key] for key in ("type", "status") if key in message}
        report |= {"deliveredTo": None, "httpStatus": None, "attempts": 0}
        if step.kinds & delivery.drop:
            return [{**report, "dropped": True}]
        if not step.server:
            return [report]
        reports = []
        for _ in range(delivery.repeat):
            if forgotten.wait(delivery.delay_seconds):
                break
            reply, attempts = self.send(message, step.server, delivery, forgotten)
            sent = {**report, "deliveredTo": step.server["url"], "httpStatus": reply.status, "attempts": attempts}
            reports.append({**sent, "response": json_or_text(reply)} if message["type"] == "tool-calls" else sent)
        return reports


def in_order(steps: Sequence[Step], delivery: Delivery) -> list[Step]:
    """The steps as they happen, or shuffled by the delivery's seed."""
    if not delivery.shuffle:
        return list(steps)
    return random.Random(delivery.seed).sample(list(steps), len(steps))  # noqa: S311 - no secret


def json_or_text(reply: Reply) -> Any:
    """A reply's body as JSON, as text where it is none."""
    try:
        return httpx.Response(200, text=reply.text).json()
    except ValueError:
        return reply.text


def _millis_since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
