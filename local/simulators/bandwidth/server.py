"""The simulator as an HTTP server on loopback, and as an object in the process of a test."""

import ssl
from dataclasses import asdict

from flask import Flask, Response, jsonify, request

from local.simulators.bandwidth.rest import TOKEN_PATH, Refusal, Settings, Tokens, numbers_api
from local.simulators.bandwidth.state import Store
from local.simulators.control import CONTROL
from local.simulators.server import Row, Simulator


class BandwidthSimulator(Simulator):
    """Bandwidth, as far as Switchboard can tell: one account with its sites, and numbers in a few area codes.

    ``order_seconds`` pass before an order is carried out. ``settings`` may be changed at any time.
    """

    def __init__(
        self,
        client_id: str = "bandwidth-simulator-client",
        client_secret: str = "bandwidth-simulator-secret",  # noqa: S107 - a simulator's
        port: int = 0,
        *,
        account: str = "5500042",
        sites: frozenset[str] = frozenset({"743"}),
        order_seconds: float = 1.0,
        token_seconds: int = 3600,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.account = account
        self.sites = sites
        self.settings = Settings()
        self.tokens = Tokens(client_id, client_secret, token_seconds)
        self.store = Store(account, order_seconds)
        super().__init__("bandwidth", port, tls)

    def prepare(self, app: Flask) -> None:
        """Tokens and numbers; `POST /_simulator/sold-elsewhere {number}`, `/orders/hold`, `/orders/proceed`."""
        app.register_error_handler(
            Refusal,
            lambda refusal: Response(refusal.body, refusal.status, content_type="application/xml"),
        )
        app.add_url_rule(TOKEN_PATH, "token", self.tokens.issue, methods=["POST"])
        app.register_blueprint(numbers_api(self.store, self.sites, self.settings))

        @app.post(f"{CONTROL}/sold-elsewhere")
        def sold_elsewhere() -> Response:
            self.sold_elsewhere(request.get_json()["number"])
            return jsonify({})

        @app.post(f"{CONTROL}/orders/hold")
        def hold() -> Response:
            self.hold_orders()
            return jsonify({})

        @app.post(f"{CONTROL}/orders/proceed")
        def proceed() -> Response:
            self.proceed()
            return jsonify({})

    def authenticate(self) -> None:
        """A token that is still good, but for where tokens come from; raises the 401."""
        if request.path != TOKEN_PATH:
            self.tokens.check()

    def failure(self, status: int) -> Response:
        """Bandwidth says nothing."""
        return Response(b"", status, content_type="application/xml")

    def state(self) -> dict[str, list[Row]]:
        """``{numbers, orders}``: what the account has or had, and all its orders, the newest first."""
        numbers = [asdict(number) for number in self.store.numbers() if number.account == self.account]
        orders = [asdict(order) for kind in ("purchase", "disconnect", "lidb") for order in self.store.orders(kind)]
        return {"numbers": numbers, "orders": orders}

    def clear(self) -> None:
        """No order was ever made, and everything is for sale again."""
        self.store.clear()

    def hold_orders(self) -> None:
        """From now on no order is carried out."""
        self.store.held = True

    def proceed(self) -> None:
        """Orders are carried out again when they are due."""
        self.store.held = False

    def sold_elsewhere(self, number: str) -> None:
        """Somebody else has a number, and searches show it all the same."""
        self.store.sold_elsewhere(number)
