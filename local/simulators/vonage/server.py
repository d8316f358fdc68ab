"""The simulator as an HTTP server on loopback, and as an object in the process of a test."""

import ssl

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from local.simulators.control import CONTROL
from local.simulators.server import Simulator
from local.simulators.vonage.rest import Refusal, authenticate, numbers_api, standard_body
from local.simulators.vonage.state import Row, Store


class VonageSimulator(Simulator):
    """Vonage, as far as Switchboard can tell: one account, and numbers for sale in a few area codes and countries."""

    def __init__(
        self,
        api_key: str = "a1b2c3d4",
        api_secret: str = "vonage-simulator-secret",  # noqa: S107 - a simulator's
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.api_key = api_key
        self.api_secret = api_secret
        self.store = Store()
        super().__init__("vonage", port, tls)

    @property
    def credentials(self) -> dict[str, str]:
        """``{apiKey, apiSecret}``, as a deployment's secret has them beside Vapi's id of them."""
        return {"apiKey": self.api_key, "apiSecret": self.api_secret}

    def prepare(self, app: Flask) -> None:
        """The Numbers API, and `POST /_simulator/taken {phoneNumber, shown}`."""
        app.register_error_handler(Refusal, lambda refusal: _answer(refusal.body, refusal.status))
        app.register_error_handler(HTTPException, lambda error: self.failure(error.code or 500))
        app.register_blueprint(numbers_api(self.store))

        @app.post(f"{CONTROL}/taken")
        def taken() -> Response:
            body = request.get_json()
            self.take(body["phoneNumber"], shown=body.get("shown", False))
            return jsonify({})

    def authenticate(self) -> None:
        """Key and secret; raises the 401."""
        authenticate(self.api_key, self.api_secret)

    def failure(self, status: int) -> Response:
        """Vonage's body for that status."""
        return _answer(standard_body(status), status)

    def state(self) -> dict[str, list[Row]]:
        """``{owned}``: the account's numbers, in the order of their purchases."""
        return {"owned": self.store.owned()}

    def clear(self) -> None:
        """Nothing is owned any more, and everything is for sale again."""
        self.store.clear()

    def owns(self, number: str) -> bool:
        """Whether the account has the number (E.164)."""
        return any(f"+{row['msisdn']}" == number for row in self.store.owned())

    def take(self, number: str, *, shown: bool = False) -> None:
        """Somebody else buys the number (E.164). shown: searches have not noticed yet."""
        self.store.take(number.removeprefix("+"), shown=shown)


def _answer(body: Row, status: int) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    return answer
