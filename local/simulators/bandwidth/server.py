"""The simulator as an HTTP server on loopback, and as an object in the process of a test."""

import ssl
from dataclasses import asdict
from typing import get_args

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from local.simulators.bandwidth.platform import platform_api
from local.simulators.bandwidth.rest import TOKEN_PATH, Refusal, Settings, Tokens, numbers_api
from local.simulators.bandwidth.state import ON_ACCOUNT, Kind, Store
from local.simulators.control import CONTROL
from local.simulators.server import Row, Simulator


class BandwidthSimulator(Simulator):
    """Bandwidth, as far as Switchboard can tell: one account with its sites, and numbers in a few area codes.

    ``voice_packages``: those of an account on the Universal Platform, where a number needs one to be in service; an
    account without any is on the older platform. ``order_seconds`` pass before an order is carried out. ``settings``
    may be changed at any time.
    """

    def __init__(
        self,
        client_id: str = "bandwidth-simulator-client",
        client_secret: str = "bandwidth-simulator-secret",  # noqa: S107 - a simulator's
        port: int = 0,
        *,
        account: str = "5500042",
        sites: frozenset[str] = frozenset({"743"}),
        voice_packages: frozenset[str] = frozenset(),
        order_seconds: float = 1.0,
        token_seconds: int = 3600,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.account = account
        self.sites = sites
        self.voice_packages = voice_packages
        self.settings = Settings()
        self.tokens = Tokens(client_id, client_secret, token_seconds)
        self.store = Store(account, order_seconds, universal=bool(voice_packages))
        super().__init__("bandwidth", port, tls)

    @property
    def credentials(self) -> dict[str, str]:
        """``{clientId, clientSecret, accountId, siteId}``, with ``vcpId`` on the Universal Platform.

        As a deployment's secret has them, beside Vapi's id of its trunk.
        """
        known = {"clientId": self.client_id, "clientSecret": self.client_secret, "accountId": self.account}
        packages = {"vcpId": min(self.voice_packages)} if self.voice_packages else {}
        return {**known, "siteId": min(self.sites), **packages}

    def prepare(self, app: Flask) -> None:
        """Tokens and numbers; `POST /_simulator/taken {phoneNumber}`, `/orders/hold`, `/orders/proceed`."""
        app.register_error_handler(
            Refusal,
            lambda refusal: Response(refusal.body, refusal.status, content_type="application/xml"),
        )
        app.register_error_handler(HTTPException, lambda error: self.failure(error.code or 500))
        app.add_url_rule(TOKEN_PATH, "token", self.tokens.issue, methods=["POST"])
        app.register_blueprint(numbers_api(self.store, self.sites, self.settings))
        app.register_blueprint(platform_api(self.store, self.voice_packages))

        @app.post(f"{CONTROL}/taken")
        def taken() -> Response:
            self.take(request.get_json()["phoneNumber"])
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
        """``{numbers, orders}``: what the account has or had, and its orders by kind, the newest first."""
        numbers = [asdict(number) for number in self.store.numbers() if number.account == self.account]
        orders = [asdict(order) for kind in get_args(Kind) for order in self.store.orders(kind)]
        return {"numbers": numbers, "orders": orders}

    def clear(self) -> None:
        """No order was ever made, and everything is for sale again."""
        self.store.clear()

    def owns(self, number: str) -> bool:
        """Whether the account has the number (E.164), as far as its orders have been carried out."""
        known = self.store.number(number)
        return known is not None and known.account == self.account and known.status in ON_ACCOUNT

    def hold_orders(self) -> None:
        """From now on no order is carried out."""
        self.store.held = True

    def proceed(self) -> None:
        """Orders are carried out again when they are due."""
        self.store.held = False

    def take(self, number: str) -> None:
        """Somebody else buys the number, and searches show it all the same."""
        self.store.take(number)
