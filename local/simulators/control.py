"""A simulator's own routes under ``/_simulator``: what people and tests steer it with. No key; loopback only."""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Blueprint, Response, jsonify, request

from local.simulators.faults import Fault

if TYPE_CHECKING:
    from local.simulators.server import Simulator

CONTROL = "/_simulator"

Settings = TypeVar("Settings")


class Unreadable(Exception):
    """Settings that name unknown keys or have impossible values; answered with 400."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = list(reasons)


def control_api(simulator: "Simulator") -> Blueprint:
    """The routes that every simulator has. Bodies are the dataclasses' fields in camelCase."""
    api = Blueprint("control", __name__, url_prefix=CONTROL)

    @api.post("/faults")
    def faults() -> Response:
        body = request.get_json()
        simulator.faults.add(*(read(Fault, each) for each in (body if isinstance(body, list) else [body])))
        return jsonify({})

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

    return api


def read(kind: type[Settings], body: Mapping[str, Any]) -> Settings:
    """A dataclass from camelCase JSON. Raises Unreadable."""
    names = {_camel(field.name): field.name for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := [key for key in body if key not in names]:
        raise Unreadable(*(f"property {key} should not exist" for key in unknown))
    try:
        return kind(**{names[key]: value for key, value in body.items()})
    except (TypeError, ValueError) as error:
        raise Unreadable(str(error)) from error


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)
