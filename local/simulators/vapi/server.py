"""The simulator as an HTTP server on loopback, and as an object in the process of a test."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from local.simulators.server import Simulator
from local.simulators.vapi.control import calls_control
from local.simulators.vapi.delivery import Courier, Delivery
from local.simulators.vapi.errors import Refusal, not_found, unauthorized
from local.simulators.vapi.rest import Limits, answer_refusal, rest_api
from local.simulators.vapi.ringing import Exchange
from local.simulators.vapi.script import Callee, Ring
from local.simulators.vapi.state import Row, Store


class VapiSimulator(Simulator):
    """Vapi, as far as Switchboard can tell: the REST API at ``url``, and calls that it makes when told to.

    ``activation_seconds`` pass before a bought number is active. ``port`` 0 takes a free one. ``number_limit`` is how
    many numbers may be bought (None: any number; Vapi's own is 5 free ones, vapi.md 6.1), ``concurrency_limit`` how
    many calls may be alive at once. ``owners`` says by provider whether the carrier's account has a number
    (E.164): others of it are not imported. ``delivery``, ``callee`` and ``faults`` may be changed at any time.
    """

    def __init__(
        self,
        api_key: str = "vapi-simulator-key",
        activation_seconds: float = 1.0,
        port: int = 0,
        *,
        number_limit: int | None = None,
        concurrency_limit: int = 1000,
        unavailable_area_codes: frozenset[str] = frozenset({"000"}),
        owners: Mapping[str, Callable[[str], bool]] = MappingProxyType({}),
        request_timeout_seconds: float = 7.5,
    ) -> None:
        self.api_key = api_key
        self.limits = Limits(number_limit, unavailable_area_codes, owners)
        self.store = Store(activation_seconds)
        self._courier = Courier()
        self.exchange = Exchange(self.store, self._courier, concurrency_limit)
        self.exchange.request_timeout_seconds = request_timeout_seconds
        super().__init__("vapi", port)

    @property
    def delivery(self) -> Delivery:
        """How messages travel when a ring does not say."""
        return self.exchange.delivery

    @delivery.setter
    def delivery(self, delivery: Delivery) -> None:
        self.exchange.delivery = delivery

    @property
    def callee(self) -> Callee:
        """Whom outbound calls reach from now on."""
        return self.exchange.callee

    @callee.setter
    def callee(self, callee: Callee) -> None:
        self.exchange.callee = callee

    def stop(self) -> None:
        """Stops listening and abandons what is still under way. A stopped simulator stays stopped."""
        super().stop()
        self.exchange.clear()
        self._courier.close()

    def ring(
        self,
        to: str,
        caller: str | None,
        behaviour: str = "talk",
        talk_seconds: float = 63.0,
        *,
        ended_reason: str | None = None,
        anonymous_as: Literal["anonymous", "missing"] = "anonymous",
        hold: bool = False,
        forward_to: str = "+14155550199",
        forwarded_from: str | None = None,
        delivery: Delivery | None = None,
    ) -> Row:
        """Calls a number and returns what became of it (``Exchange.ring``); parameters are ``Ring``'s."""
        return self.exchange.ring(
            Ring(
                to,
                caller,
                behaviour,
                talk_seconds,
                ended_reason,
                anonymous_as,
                hold,
                forward_to,
                forwarded_from,
                delivery,
            )
        )

    def ring_many(self, rings: Sequence[Ring], concurrency: int = 4) -> list[Row]:
        """Rings all, at most ``concurrency`` at a time; results in the order given."""
        return self.exchange.ring_many(rings, concurrency)

    def hang_up(self, call_id: str, ended_reason: str | None = None) -> Row:
        """Ends a call that was rung with ``hold``."""
        return self.exchange.hang_up(call_id, ended_reason)

    def state(self) -> dict[str, list[Row]]:
        """``{numbers, assistants, squads, tools, calls}``, newest first."""
        names = {
            "phone-number": "numbers",
            "assistant": "assistants",
            "squad": "squads",
            "tool": "tools",
            "call": "calls",
        }
        return {names[table]: rows for table, rows in self.store.dump().items()}

    def clear(self) -> None:
        """Forgets rows and calls, those under way too; puts delivery and callee back to their defaults."""
        self.store.clear()
        self.exchange.clear()

    def prepare(self, app: Flask) -> None:
        """The REST API, and what tells the simulator to ring."""
        app.register_error_handler(Refusal, answer_refusal)
        app.register_error_handler(HTTPException, _unrouted)
        app.register_blueprint(rest_api(self.store, self.exchange, self.limits, self.in_background))
        app.register_blueprint(calls_control(self))

    def authenticate(self) -> Response | None:
        """The private key, from a client that Vapi's edge lets pass."""
        if request.headers.get("User-Agent", "").startswith("Python-urllib"):
            return Response("error code: 1010", 403, content_type="text/plain; charset=UTF-8")
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.api_key}".encode()):
            raise unauthorized()
        return None

    def failure(self, status: int) -> Response:
        """NestJS's body for that status."""
        answer = jsonify(Refusal(status, _STANDARD_MESSAGES.get(status, "Internal server error")).body)
        answer.status_code = status
        return answer


_STANDARD_MESSAGES = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Rate limit exceeded"}


def _unrouted(error: HTTPException) -> tuple[Any, int]:
    """Vapi answers 404 for paths and methods that it does not have."""
    if error.code in (404, 405):
        return answer_refusal(not_found())
    return answer_refusal(Refusal(error.code or 500, error.description or error.name))
