"""The part of Bandwidth's Universal Platform that makes a number's calls arrive. JSON, outside the Numbers API's paths.

No document of it is at hand: this is what Bandwidth's own command-line tool sends and reads (carriers.md 3.3).
"""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from local.simulators.bandwidth.rest import Refusal
from local.simulators.bandwidth.state import Order, Store

VOICE = frozenset({"INBOUND", "OUTBOUND_NATIONAL", "OUTBOUND_INTERNATIONAL"})


def platform_api(store: Store, voice_packages: frozenset[str]) -> Blueprint:
    """Voice configuration packages and the activation of voice. An account of the older platform gets a 403."""
    api = Blueprint("platform", __name__)

    @api.before_request
    def own_account() -> None:
        account = (request.view_args or {}).get("account")
        if account != store.account or not store.universal:
            raise Refusal(403)

    @api.post("/v2/accounts/<account>/voiceConfigurationPackages/<package>/phoneNumbers/bulk")
    def bulk(account: str, package: str) -> Response:  # noqa: ARG001 - checked above
        body = request.get_json()
        if package not in voice_packages:
            return _error(404, "The voice configuration package does not exist.")
        if body["action"] != "ADD" or not all(store.package(number, package) for number in body["phoneNumbers"]):
            return _error(400, "A phone number does not belong to this account.")
        return jsonify(None)

    @api.post("/api/v2/accounts/<account>/serviceActivation")
    def activate(account: str) -> Response:  # noqa: ARG001
        body = request.get_json()
        voice = set(body["services"].get("voice", ()))
        if body["action"] != "ACTIVATE" or not voice or not voice <= VOICE:
            return _error(400, "At least one service must be specified.")
        order, _ = store.put("activation", body["phoneNumbers"], body.get("customerOrderId"), {})
        return _order(order, 201)

    @api.get("/api/v2/accounts/<account>/serviceActivation/<order_id>")
    def activation(account: str, order_id: str) -> Response:  # noqa: ARG001
        order = store.order("activation", order_id)
        return _error(404, "The order does not exist.") if order is None else _order(order, 200)

    return api


def _order(order: Order, status: int) -> Response:
    errors = [{"description": mistake.description} for mistake in order.mistakes if not order.is_open]
    return _json({"links": [], "data": {"orderId": order.id, "orderStatus": order.status}, "errors": errors}, status)


def _error(status: int, description: str) -> Response:
    return _json({"links": [], "data": None, "errors": [{"description": description}]}, status)


def _json(body: dict[str, Any], status: int) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    return answer
