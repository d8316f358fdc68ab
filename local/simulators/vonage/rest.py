"""Vonage's Numbers API, on the rows of a store. Shapes, codes and refusals: its OpenAPI document, and carriers.md 2."""

import base64
import binascii
import hmac
from typing import Any

from flask import Blueprint, Response, jsonify, request

from local.simulators.vonage.state import REGULATED, Row, Store

GREATEST_SIZE = 100
DASHBOARD = (
    "Numbers from this country can be requested from the Dashboard (https://dashboard.nexmo.com/buy-numbers)"
    " as they require a valid local address to be provided before being purchased."
)


class Refusal(Exception):
    """An answer other than success: its status and its body."""

    def __init__(self, status: int, body: Row) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


def unauthorized() -> Refusal:
    return Refusal(401, _outcome("401", "authentication failed"))


def method_failed(label: str = "method failed") -> Refusal:
    """420, for whatever forbids the action; the number may even be the account's own already."""
    return Refusal(420, _outcome("420", label))


def standard_body(status: int) -> Row:
    """What a planned fault of that status answers."""
    labels = {401: "authentication failed", 420: "method failed", 429: "throttled"}
    return _outcome(str(status), labels.get(status, "internal error"))


def numbers_api(store: Store) -> Blueprint:
    """The search, the list of one's own numbers, and the three actions."""
    api = Blueprint("numbers", __name__)
    api.add_url_rule("/number/search", "search", lambda: _search(store))
    api.add_url_rule("/account/numbers", "owned", lambda: _own(store))

    @api.post("/number/buy")
    def buy() -> Response:
        given = _required(request.form, "country", "msisdn")
        if given["country"] in REGULATED:
            raise method_failed(DASHBOARD)
        return _done(store.sell(given["country"], given["msisdn"]))

    @api.post("/number/cancel")
    def cancel() -> Response:
        given = _required(request.form, "country", "msisdn")
        return _done(store.take_back(given["country"], given["msisdn"]))

    @api.post("/number/update")
    def update() -> Response:
        given = _required(request.form, "country", "msisdn")
        if ("voiceCallbackType" in request.form) != ("voiceCallbackValue" in request.form):
            raise method_failed()
        return _done(store.configure(given["country"], given["msisdn"], request.form.to_dict()))

    return api


def authenticate(api_key: str, api_secret: str) -> None:
    """Key and secret by HTTP Basic, or in the query as older clients have it. Raises the 401."""
    given = request.args.get("api_key", ""), request.args.get("api_secret", "")
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise unauthorized() from None
        given = key, secret
    if not hmac.compare_digest("\0".join(given).encode(), f"{api_key}\0{api_secret}".encode()):
        raise unauthorized()


def _search(store: Store) -> Response:
    country = _required(request.args, "country")["country"]
    rows = [row for row in store.for_sale() if row["country"] == country]
    if kind := request.args.get("type"):
        rows = [row for row in rows if row["type"] == kind]
    if features := request.args.get("features"):
        rows = [row for row in rows if set(features.split(",")) <= set(row["features"])]
    return _page(rows)


def _own(store: Store) -> Response:
    rows = store.owned()
    if country := request.args.get("country"):
        rows = [row for row in rows if row["country"] == country]
    if application := request.args.get("application_id"):
        rows = [row for row in rows if row.get("app_id") == application]
    if linked := request.args.get("has_application"):
        rows = [row for row in rows if ("app_id" in row) == (linked == "true")]
    return _page(rows)


def _outcome(code: str, label: str) -> Row:
    return {"error-code": code, "error-code-label": label}


def _done(worked: bool) -> Response:
    if not worked:
        raise method_failed()
    return jsonify(_outcome("200", "success"))


def _required(given: Any, *names: str) -> dict[str, str]:
    """The named fields; only a form's count in a body. Refused as Vonage does: by name."""
    if missing := {name: "Is required." for name in names if not given.get(name)}:
        raise Refusal(400, missing)
    return {name: given[name] for name in names}


def _page(rows: list[Row]) -> Response:
    """One page of what matches the pattern. `count` and `numbers` are absent when nothing does."""
    if pattern := request.args.get("pattern"):
        rows = [row for row in rows if _matches(row["msisdn"], pattern, request.args.get("search_pattern", "0"))]
    size, index = int(request.args.get("size", 10)), int(request.args.get("index", 1))
    if not 0 < size <= GREATEST_SIZE or index < 1:
        raise Refusal(400, {"size": "Is invalid."})
    if not rows:
        return jsonify({})
    return jsonify({"count": len(rows), "numbers": rows[(index - 1) * size : index * size]})


def _matches(msisdn: str, pattern: str, how: str) -> bool:
    """how: 0 begins with the pattern, 1 contains it, 2 ends with it."""
    if how == "0":
        return msisdn.startswith(pattern)
    return pattern in msisdn if how == "1" else msisdn.endswith(pattern)
