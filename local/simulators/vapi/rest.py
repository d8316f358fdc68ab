"""Vapi's REST API: phone numbers, assistants, squads, tools and calls (vapi.md 1, 5).

Only paths of the published OpenAPI document are here, so workflows are not: it has none.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, request

from local.simulators.vapi import schema
from local.simulators.vapi.answering import Answerer, Unfit, resolve
from local.simulators.vapi.clock import call_id, iso, now, parse
from local.simulators.vapi.errors import Refusal, bad_request, not_found
from local.simulators.vapi.ringing import Exchange, is_e164, monitor
from local.simulators.vapi.state import Row, Store
from local.simulators.vapi.story import transport_of

DEFAULT_LIMIT, GREATEST_LIMIT = 100, 1000
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "Gt": lambda value, bound: value > bound,
    "Lt": lambda value, bound: value < bound,
    "Ge": lambda value, bound: value >= bound,
    "Le": lambda value, bound: value <= bound,
}
_UNASSIGNED: Row = {"assistantId": None, "squadId": None, "workflowId": None}
_PLAIN_RESOURCES: Mapping[str, tuple[schema.Check, schema.Check]] = {
    "assistant": (schema.ASSISTANT, schema.ASSISTANT),
    "squad": (schema.SQUAD, schema.SQUAD_UPDATE),
    "tool": (schema.TOOL, schema.TOOL),
}
"""What each takes at its creation and in an update."""


@dataclass(frozen=True)
class Limits:
    """What can be had: how many bought (None: any number of them), in which area codes none; who owns which E.164."""

    phone_numbers: int | None
    unavailable_area_codes: frozenset[str]
    owners: Mapping[str, Callable[[str], bool]]


def rest_api(store: Store, exchange: Exchange, limits: Limits, in_background: Callable[..., None]) -> Blueprint:
    """The API's routes. ``in_background`` runs a function with its arguments on another thread."""
    api = Blueprint("rest", __name__)
    numbers = _PhoneNumbers(store, limits)
    calls = _Calls(store, exchange, in_background)

    api.add_url_rule("/phone-number", "create_number", lambda: _created(numbers.create(_body())), methods=["POST"])
    api.add_url_rule("/phone-number", "list_numbers", lambda: _listed(store.rows("phone-number")))
    api.add_url_rule("/v2/phone-number", "page_numbers", lambda: jsonify(numbers.page(request.args)))
    api.add_url_rule("/phone-number/<row_id>", "get_number", lambda row_id: _found(store.get("phone-number", row_id)))
    api.add_url_rule(
        "/phone-number/<row_id>",
        "update_number",
        lambda row_id: jsonify(numbers.update(row_id, _body())),
        methods=["PATCH"],
    )
    api.add_url_rule(
        "/phone-number/<row_id>",
        "delete_number",
        lambda row_id: _found(store.delete("phone-number", row_id)),
        methods=["DELETE"],
    )
    for resource in _PLAIN_RESOURCES:
        _add_plain_resource(api, store, resource)
    api.add_url_rule("/call", "create_call", lambda: _created(calls.create(_body())), methods=["POST"])
    api.add_url_rule("/call", "list_calls", lambda: _listed(calls.matching(request.args)))
    api.add_url_rule("/call/<row_id>", "get_call", lambda row_id: _found(store.get("call", row_id)))
    api.add_url_rule(
        "/call/<row_id>",
        "update_call",
        lambda row_id: _found(store.update("call", row_id, _checked(schema.UPDATE_CALL, _body()))),
        methods=["PATCH"],
    )
    api.add_url_rule(
        "/call/<row_id>", "delete_call", lambda row_id: _found(store.delete("call", row_id)), methods=["DELETE"]
    )
    return api


def _add_plain_resource(api: Blueprint, store: Store, resource: str) -> None:
    """Create, list, get, update and delete of a resource that is only kept."""
    on_create, on_update = _PLAIN_RESOURCES[resource]
    one, many = f"/{resource}/<row_id>", f"/{resource}"

    def create() -> tuple[Response, int]:
        return _created(store.insert(resource, _checked(on_create, _body())))

    def change(row_id: str) -> Response:
        return _found(store.update(resource, row_id, _checked(on_update, _body())))

    api.add_url_rule(many, f"create_{resource}", create, methods=["POST"])
    api.add_url_rule(many, f"list_{resource}", lambda: _listed(store.rows(resource)))
    api.add_url_rule(one, f"get_{resource}", lambda row_id: _found(store.get(resource, row_id)))
    api.add_url_rule(one, f"update_{resource}", change, methods=["PATCH"])
    api.add_url_rule(
        one, f"delete_{resource}", lambda row_id: _found(store.delete(resource, row_id)), methods=["DELETE"]
    )


class _PhoneNumbers:
    def __init__(self, store: Store, limits: Limits) -> None:
        self._store = store
        self._limits = limits

    def create(self, body: Row) -> Row:
        """Buys (``vapi``) or imports a number; a bought one has no ``number`` until it is active (vapi.md 1.1, 1.3)."""
        check = schema.tagged("provider", schema.CREATE_PHONE_NUMBER)
        _checked(check, body)
        self._check_answerer(body)
        if body["provider"] != "vapi":
            self._check_owned(body)
            return self._store.insert("phone-number", {**_UNASSIGNED, **body, "status": "active"})
        if "sipUri" in body:
            return self._store.insert("phone-number", {**_UNASSIGNED, **body, "status": "active"})
        area_code = body.get("numberDesiredAreaCode")
        if area_code and not self._available(area_code):
            raise bad_request("This area code is currently not available. Hint: Try one of 701, 279, 406.")
        row = self._store.insert(
            "phone-number", {**_UNASSIGNED, **body, "status": "activating"}, only_if=self._within_limit
        )
        self._store.activate_later(row["id"], area_code, self._is_sold)
        return row

    def update(self, row_id: str, body: Row) -> Row:
        """Keys that are given replace whole values, null un-assigns, others stay (vapi.md 1.4)."""
        row = self._store.get("phone-number", row_id)
        if row is None:
            raise not_found()
        if body.get("provider", row["provider"]) != row["provider"]:
            raise bad_request([f"provider must be one of the following values: {row['provider']}"])
        _checked(schema.UPDATE_PHONE_NUMBER[row["provider"]], body)
        self._check_answerer(body)
        updated = self._store.update("phone-number", row_id, body)
        if updated is None:
            raise not_found()
        return updated

    def page(self, query: Mapping[str, str]) -> Row:
        """``{results, metadata}`` of ``GET /v2/phone-number``."""
        limit, page = _whole(query, "limit", DEFAULT_LIMIT, 0, GREATEST_LIMIT), _whole(query, "page", 1, 1, 1_000_000)
        order = query.get("sortOrder", "DESC")
        if order not in ("ASC", "DESC"):
            raise bad_request(["sortOrder must be one of the following values: ASC, DESC"])
        rows = _between(self._store.rows("phone-number"), query)
        if search := query.get("search", "").lower():
            texts = ("name", "number", "sipUri")
            rows = [row for row in rows if any(search in str(row.get(key) or "").lower() for key in texts)]
        if order == "ASC":
            rows.reverse()
        pages = -(-len(rows) // limit) if limit else 0
        metadata = {
            "itemsPerPage": limit,
            "totalItems": len(rows),
            "currentPage": page,
            "totalPages": pages,
            "hasNextPage": page < pages,
            "sortOrder": order,
        }
        return {"results": rows[(page - 1) * limit : page * limit], "metadata": metadata}

    def _available(self, area_code: str) -> bool:
        """North American area codes are ``[2-9][0-8]x`` and never ``x11``."""
        plausible = re.fullmatch(r"[2-9][0-8]\d", area_code) and not area_code.endswith("11")
        return bool(plausible) and area_code not in self._limits.unavailable_area_codes

    def _within_limit(self, rows: list[Row]) -> None:
        """The text of Vapi's refusal is not documented (vapi.md 1.8); this one is made up."""
        bought = sum(row["provider"] == "vapi" and not row.get("sipUri") for row in rows)
        if self._limits.phone_numbers is not None and bought >= self._limits.phone_numbers:
            raise bad_request("You have reached the limit of free phone numbers. Import a number instead.")

    def _is_sold(self, number: str) -> bool:
        return any(owner(number) for owner in self._limits.owners.values())

    def _check_owned(self, body: Row) -> None:
        """Vapi asks the carrier for the number; of a SIP trunk there is nobody to ask (carriers.md 7).

        The text is Vapi's for Twilio; its status, and that Vonage's reads alike, is made up.
        """
        owner = self._limits.owners.get(body["provider"])
        if owner is not None and not owner(f"+{body['number'].removeprefix('+')}"):
            raise bad_request(f"Number Not Found on {body['provider'].capitalize()}")

    def _check_answerer(self, body: Row) -> None:
        try:
            resolve(body, self._store)
        except Unfit as error:
            raise bad_request(str(error)) from error


class _Calls:
    def __init__(self, store: Store, exchange: Exchange, in_background: Callable[..., None]) -> None:
        self._store = store
        self._exchange = exchange
        self._in_background = in_background

    def create(self, body: Row) -> Row:
        """Queues an outbound call and dials it at once; with ``customers``, one each, as a batch (vapi.md 5.1)."""
        _checked(schema.CREATE_CALL, body)
        try:
            answerer = resolve(body, self._store)
        except Unfit as error:
            raise bad_request(str(error)) from error
        if answerer is None:
            raise bad_request("Need either `assistantId`, `assistant`, `squadId`, `squad`, `workflowId` or `workflow`.")
        number = self._number(body)
        if "customers" not in body:
            return self._queue(body, self._reachable(body.get("customer")), number, answerer)
        results, errors = [], []
        for customer in body["customers"]:
            try:
                results.append(self._queue(body, self._reachable(customer), number, answerer))
            except Refusal as refusal:
                errors.append({"customer": customer, "error": str(refusal.message)})
        return {"results": results, "errors": errors, "subscriptionLimits": self._exchange.subscription()}

    def matching(self, query: Mapping[str, str]) -> list[Row]:
        """Calls that the filters ``id``, ``assistantId`` and ``phoneNumberId`` leave."""
        wanted = {key: query[key] for key in ("id", "assistantId", "phoneNumberId") if key in query}
        return [row for row in self._store.rows("call") if all(row.get(key) == wanted[key] for key in wanted)]

    def _number(self, body: Row) -> Row | None:
        if "phoneNumberId" not in body:
            if "phoneNumber" not in body:
                raise bad_request("Need either `phoneNumberId` or `phoneNumber`.")
            return None
        number = self._store.get("phone-number", body["phoneNumberId"])
        if number is None:
            raise bad_request(f"Couldn't Get Phone Number. `phoneNumberId` {body['phoneNumberId']} does not exist.")
        if number.get("status") != "active":
            raise bad_request(f"Phone Number {body['phoneNumberId']} is {number.get('status')}.")
        return number

    @staticmethod
    def _reachable(customer: Row | None) -> Row:
        if not customer or not (customer.get("number") or customer.get("sipUri")):
            raise bad_request("Need either `customer.number` or `customer.sipUri`.")
        checked = customer.get("numberE164CheckEnabled") is not False and customer.get("number") is not None
        if checked and not is_e164(customer["number"]):
            raise bad_request(["customer.number must be a valid phone number in the E.164 format."])
        return customer

    def _queue(self, body: Row, customer: Row, number: Row | None, answerer: Answerer) -> Row:
        if self._exchange.subscription()["remainingConcurrentCalls"] == 0:
            raise bad_request("Over Concurrency Limit. Wait for a call to end, or buy more lines.")
        created = now()
        new_id = call_id(created)
        extra: Row = {key: body[key] for key in ("name", "metadata", "schedulePlan", "phoneNumber") if key in body}
        provider = transport_of(number or {}).replace("vapi.sip", "vapi")
        row = self._store.insert(
            "call",
            {
                "id": new_id,
                "createdAt": iso(created),
                "updatedAt": iso(created),
                "type": "outboundPhoneCall",
                "status": "queued",
                "phoneCallProvider": provider,
                "phoneCallProviderId": call_id(created),
                "phoneCallTransport": "pstn",
                "transport": {"provider": transport_of(number or {}), "conversationType": "voice"},
                "phoneNumberId": number["id"] if number else None,
                "customer": customer,
                "cost": 0,
                **answerer.keys,
                **extra,
                "monitor": monitor(new_id),
            },
        )
        call = self._exchange.place(row, number, answerer)
        self._in_background(self._exchange.dial, call, self._exchange.callee.ring_seconds)
        return {**row, "subscriptionLimits": self._exchange.subscription()}


def _body() -> Row:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise bad_request("Unexpected token in JSON body")
    return body


def _checked(check: schema.Check, body: Row) -> Row:
    if complaints := check("", body):
        raise bad_request(complaints)
    return body


def _created(row: Row) -> tuple[Response, int]:
    return jsonify(row), 201


def _found(row: Row | None) -> Response:
    if row is None:
        raise not_found()
    return jsonify(row)


def _listed(rows: list[Row]) -> Response:
    limit = _whole(request.args, "limit", DEFAULT_LIMIT, 0, GREATEST_LIMIT)
    return jsonify(_between(rows, request.args)[:limit])


def _whole(query: Mapping[str, str], key: str, default: int, least: int, most: int) -> int:
    try:
        value = float(query.get(key, default))
    except ValueError:
        raise bad_request([f"{key} must be a number conforming to the specified constraints"]) from None
    if value < least:
        raise bad_request([f"{key} must not be less than {least}"])
    if value > most:
        raise bad_request([f"{key} must not be greater than {most}"])
    return int(value)


def _between(rows: list[Row], query: Mapping[str, str]) -> list[Row]:
    """The rows that ``createdAt{Gt,Lt,Ge,Le}`` and ``updatedAt{...}`` leave."""
    for field in ("createdAt", "updatedAt"):
        for suffix, holds in _COMPARISONS.items():
            if (given := query.get(f"{field}{suffix}")) is None:
                continue
            try:
                bound = parse(given)
            except ValueError:
                raise bad_request([f"{field}{suffix} must be a valid ISO 8601 date string"]) from None
            rows = [row for row in rows if holds(parse(row[field]), bound)]
    return rows


def answer_refusal(refusal: Refusal) -> tuple[Any, int]:
    """The Flask answer for a refusal."""
    return jsonify(refusal.body), refusal.status
