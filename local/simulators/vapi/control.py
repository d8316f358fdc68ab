"""What only the simulator of Vapi can be told, under ``/_simulator``: to ring, how messages travel, who picks up."""

from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, request

from local.simulators.control import CONTROL, Unreadable, read
from local.simulators.vapi.delivery import Delivery
from local.simulators.vapi.errors import CannotRing, not_found
from local.simulators.vapi.script import Callee, Ring
from local.simulators.vapi.state import Row

if TYPE_CHECKING:
    from local.simulators.vapi.server import VapiSimulator


def calls_control(simulator: "VapiSimulator") -> Blueprint:
    """The routes. Bodies are the dataclasses' fields in camelCase; ``Ring.caller`` is called ``from``."""
    api = Blueprint("calls_control", __name__, url_prefix=CONTROL)
    _add_calls(api, simulator)
    _add_settings(api, simulator)
    return api


def _add_calls(api: Blueprint, simulator: "VapiSimulator") -> None:
    @api.post("/ring")
    def ring() -> Response:
        return jsonify(simulator.exchange.ring(read_ring(request.get_json())))

    @api.post("/rings")
    def rings() -> Response:
        """A list of rings, or ``{rings, concurrency}``."""
        body = request.get_json()
        given = body if isinstance(body, list) else body["rings"]
        concurrency = 4 if isinstance(body, list) else int(body.get("concurrency", 4))
        return jsonify(simulator.exchange.ring_many([read_ring(each) for each in given], concurrency))

    @api.post("/calls/<call_id>/hang-up")
    def hang_up(call_id: str) -> Response:
        body = request.get_json(silent=True) or {}
        return jsonify(simulator.exchange.hang_up(call_id, body.get("endedReason")))

    @api.errorhandler(CannotRing)
    def cannot_ring(error: CannotRing) -> tuple[Response, int]:
        return jsonify({"error": error.reason}), error.status


def _add_settings(api: Blueprint, simulator: "VapiSimulator") -> None:
    @api.post("/delivery")
    def delivery() -> Response:
        simulator.delivery = _delivery(request.get_json())
        return jsonify({})

    @api.post("/callee")
    def callee() -> Response:
        simulator.callee = read(Callee, request.get_json())
        return jsonify({})

    @api.patch("/<table>/<row_id>")
    def edit(table: str, row_id: str) -> Response:
        """Changes any keys of a row, as only Vapi itself or someone in its Dashboard could."""
        row = simulator.store.update(table, row_id, request.get_json())
        if row is None:
            raise not_found()
        return jsonify(row)


def read_ring(body: Row) -> Ring:
    """A ``Ring`` from its JSON; ``from`` must be there, null for a withheld caller id."""
    if "from" not in body:
        raise Unreadable("from must be a string or null")
    given = {"caller" if key == "from" else key: value for key, value in body.items()}
    if given.get("delivery") is not None:
        given["delivery"] = _delivery(given["delivery"])
    return read(Ring, given)


def _delivery(body: Row) -> Delivery:
    return read(Delivery, {key: frozenset(value) if key == "drop" else value for key, value in body.items()})
