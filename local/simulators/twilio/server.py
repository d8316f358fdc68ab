"""The simulator as an HTTP server on loopback, and as an object in the process of a test."""

import hmac
import time
from collections.abc import Callable

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from local.simulators.control import CONTROL
from local.simulators.server import Simulator
from local.simulators.twilio.errors import Refusal, answered, body
from local.simulators.twilio.rest import pricing_api, rest_api
from local.simulators.twilio.state import Row, Store, sid


class TwilioSimulator(Simulator):
    """Twilio, as far as Switchboard can tell: the REST API and the price lists, both at ``url``.

    It is made anew with an account, an auth token and an API key of its own. A ``trial`` account may have one number;
    one that is ``suspended`` may do nothing. ``emergency_seconds`` pass until an emergency address is registered or
    unregistered, by ``clock`` (seconds). All but the clock may be changed at any time.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        emergency_seconds: float = 1.0,
        trial: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.account_sid = sid("AC")
        self.auth_token = sid("")
        self.api_key_sid = sid("SK")
        self.api_key_secret = sid("")
        self.trial = trial
        self.suspended = False
        self.store = Store(self.account_sid, emergency_seconds, clock)
        super().__init__("twilio", port)

    @property
    def credentials(self) -> dict[str, str]:
        """``{accountSid, apiKeySid, apiKeySecret}``, as a deployment's secret has them."""
        return {"accountSid": self.account_sid, "apiKeySid": self.api_key_sid, "apiKeySecret": self.api_key_secret}

    def take(self, number: str) -> None:
        """Somebody else buys the number, which searches may have shown a moment ago."""
        self.store.take(number)

    def owns(self, number: str) -> bool:
        """Whether the account has the number (E.164)."""
        return any(row["phone_number"] == number for row in self.store.numbers())

    def state(self) -> dict[str, list[Row]]:
        """``{numbers, addresses}``, numbers the newest first."""
        return {"numbers": self.store.numbers(), "addresses": self.store.addresses()}

    def clear(self) -> None:
        """Forgets numbers, addresses, and what others have taken."""
        self.store.clear()

    def prepare(self, app: Flask) -> None:
        """The REST API, the price lists, and what tells the simulator what others do."""
        app.register_error_handler(Refusal, answered)
        app.register_error_handler(HTTPException, _unrouted)
        app.register_blueprint(rest_api(self.store, lambda: self.trial))
        app.register_blueprint(pricing_api(lambda: self.url))
        app.register_blueprint(_others(self))

    def authenticate(self) -> Response | None:
        """The account with its token, or an API key with its secret; of no other account's path."""
        given = request.authorization
        user, password = (given.get("username"), given.get("password")) if given else (None, None)
        known = {self.account_sid: self.auth_token, self.api_key_sid: self.api_key_secret}
        if not hmac.compare_digest(str(password).encode(), known.get(str(user), sid("")).encode()):
            raise Refusal(20003)
        if "/Accounts/" in request.path and f"/Accounts/{self.account_sid}/" not in request.path:
            raise Refusal(20003)
        if self.suspended:
            raise Refusal(20403)
        return None

    def failure(self, status: int) -> Response:
        """Twilio's body for that status."""
        codes = {401: 20003, 403: 20403, 404: 20404, 429: 20429, 500: 20500, 503: 20503}
        return answered(Refusal(codes[status])) if status in codes else body(status + 20000, "Error", status)


def _others(simulator: TwilioSimulator) -> Blueprint:
    api = Blueprint("others", __name__, url_prefix=CONTROL)

    @api.post("/taken")
    def taken() -> Response:
        """``{phoneNumber}``: somebody else buys it."""
        simulator.take(request.get_json()["phoneNumber"])
        return jsonify({})

    @api.patch("/numbers/<number_sid>")
    def edit(number_sid: str) -> Response:
        """Changes any keys of a number, as only Twilio itself or someone in its Console could."""
        return jsonify(simulator.store.edit(number_sid, request.get_json()))

    return api


def _unrouted(error: HTTPException) -> Response:
    """Twilio answers 404 for paths that it does not have."""
    if error.code in (404, 405):
        return answered(Refusal(20404, request.path))
    return body(20001, error.description or error.name, error.code or 500)
