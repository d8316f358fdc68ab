"""The simulator's own routes under ``/_simulator``: what people and tests steer it with. No key; loopback only."""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Blueprint, Response, jsonify, request

from local.simulators.vapi.delivery import Delivery
from local.simulators.vapi.errors import CannotRing, bad_request, not_found
from local.simulators.vapi.faults import Fault
from local.simulators.vapi.script import Callee, Ring
from local.simulators.vapi.state import Row

if TYPE_CHECKING:
    from local.simulators.vapi.server import VapiSimulator

Settings = TypeVar("Settings", Ring, Delivery, Fault, Callee)


def control_api(simulator: "VapiSimulator") -> Blueprint:
    """The routes. Bodies are the dataclasses' fields in camelCase; ``Ring.caller`` is called ``from``."""
    api = Blueprint("control", __name__, url_prefix="/_simulator")
    _add_calls(api, simulator)
    _add_trouble(api, simulator)
    _add_insight(api, simulator)
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


def _add_trouble(api: Blueprint, simulator: "VapiSimulator") -> None:
    @api.post("/delivery")
    def delivery() -> Response:
        simulator.delivery = read(Delivery, request.get_json())
        return jsonify({})

    @api.post("/callee")
    def callee() -> Response:
        simulator.callee = read(Callee, request.get_json())
        return jsonify({})

    @api.post("/faults")
    def faults() -> Response:
        body = request.get_json()
        simulator.faults.add(*(read(Fault, each) for each in (body if isinstance(body, list) else [body])))
        return jsonify({})


def _add_insight(api: Blueprint, simulator: "VapiSimulator") -> None:
    @api.patch("/<table>/<row_id>")
    def edit(table: str, row_id: str) -> Response:
        """Changes any keys of a row, as only Vapi itself or someone in its Dashboard could."""
        row = simulator.store.update(table, row_id, request.get_json())
        if row is None:
            raise not_found()
        return jsonify(row)

    @api.post("/reset")
    def reset() -> Response:
        simulator.reset()
        return jsonify({})

    @api.get("/state")
    def state() -> Response:
        return jsonify(simulator.state())

    @api.get("/requests")
    def requests() -> Response:
        return jsonify(simulator.requests)


def read_ring(body: Row) -> Ring:
    """A ``Ring`` from its JSON; ``from`` must be there, null for a withheld caller id."""
    if "from" not in body:
        raise bad_request(["from must be a string or null"])
    given = {"caller" if key == "from" else key: value for key, value in body.items()}
    if given.get("delivery") is not None:
        given["delivery"] = read(Delivery, given["delivery"])
    return read(Ring, given)


def read(kind: type[Settings], body: Mapping[str, Any]) -> Settings:
    """A settings object from camelCase JSON; raises a 400 ``Refusal`` for unknown keys and impossible values."""
    names = {_camel(field.name): field.name for field in fields(kind)}
    if unknown := [key for key in body if key not in names]:
        raise bad_request([f"property {key} should not exist" for key in unknown])
    given: dict[str, Any] = {names[key]: frozenset(value) if key == "drop" else value for key, value in body.items()}
    try:
        return kind(**given)
    except (TypeError, ValueError) as error:
        raise bad_request([str(error)]) from error


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)
