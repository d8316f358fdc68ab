"""Twilio's REST API: available numbers, the account's numbers, addresses, prices (carriers.md 1).

Paths, parameters and rows are those of the published OpenAPI documents.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, request

from local.simulators.twilio.errors import Refusal
from local.simulators.twilio.state import VERSION, Row, Store
from local.simulators.twilio.stock import COUNTRIES, KINDS, PRICES, for_sale, offered

DEFAULT_PAGE, GREATEST_PAGE = 50, 1000
ADDRESS_NEEDS = ("CustomerName", "Street", "City", "Region", "PostalCode", "IsoCountry")


def rest_api(store: Store, only_one: Callable[[], bool]) -> Blueprint:
    """The routes of the account. only_one: whether it is a trial account, which may have one number."""
    api = Blueprint("rest", __name__, url_prefix=f"/{VERSION}/Accounts/{store.account_sid}")

    @api.get("/AvailablePhoneNumbers/<country>/<kind>.json")
    def search(country: str, kind: str) -> Response:
        rows = _matching(store, country, kind)
        return jsonify({"available_phone_numbers": rows, "uri": request.path})

    @api.post("/IncomingPhoneNumbers.json")
    def buy() -> tuple[Response, int]:
        fields = request.form.to_dict()
        number, area_code = fields.pop("PhoneNumber", None), fields.pop("AreaCode", None)
        if area_code is not None and number is None:
            number = _any_in(store, area_code)
        if number is None or not re.fullmatch(r"\+[1-9]\d{6,14}", number):
            raise Refusal(21421)
        return jsonify(store.buy(number, fields, only_one=only_one())), 201

    @api.get("/IncomingPhoneNumbers.json")
    def owned() -> Response:
        return jsonify(_page(_filtered(store.numbers())))

    @api.get("/IncomingPhoneNumbers/<sid>.json")
    def get(sid: str) -> Response:
        return jsonify(store.number(sid))

    @api.post("/IncomingPhoneNumbers/<sid>.json")
    def update(sid: str) -> Response:
        return jsonify(store.change(sid, request.form.to_dict()))

    @api.delete("/IncomingPhoneNumbers/<sid>.json")
    def release(sid: str) -> tuple[str, int]:
        store.release(sid)
        return "", 204

    _add_addresses(api, store)
    return api


def _add_addresses(api: Blueprint, store: Store) -> None:
    @api.post("/Addresses.json")
    def add_address() -> tuple[Response, int]:
        if missing := [name for name in ADDRESS_NEEDS if not request.form.get(name)]:
            raise Refusal(20001, f"{missing[0]} is required")
        return jsonify(store.add_address(request.form.to_dict())), 201


def pricing_api(base_url: Callable[[], str]) -> Blueprint:
    """The price lists, which Twilio has on a host of their own."""
    api = Blueprint("pricing", __name__, url_prefix="/v1")

    @api.get("/PhoneNumbers/Countries/<country>")
    def numbers(country: str) -> Response:
        found = {kind: month for kind, (month, _) in _prices(country).items()}
        return _priced(country, {"phone_number_prices": _rows(found)})

    @api.get("/Voice/Countries/<country>")
    def voice(country: str) -> Response:
        found = {kind: minute for kind, (_, minute) in _prices(country).items()}
        outbound = {"prefixes": ["1907"], "friendly_name": "Alaska", "base_price": "0.090", "current_price": "0.090"}
        return _priced(country, {"outbound_prefix_prices": [outbound], "inbound_call_prices": _rows(found)})

    def _priced(country: str, prices: Row) -> Response:
        named = {"country": COUNTRIES[country], "iso_country": country, "price_unit": "USD"}
        return jsonify({**named, **prices, "url": base_url() + request.path})

    return api


def _prices(country: str) -> dict[str, tuple[str, str]]:
    if country not in PRICES:
        raise Refusal(20404, request.path)
    return PRICES[country]


def _rows(prices: dict[str, str]) -> list[Row]:
    return [{"number_type": kind, "base_price": price, "current_price": price} for kind, price in prices.items()]


def _matching(store: Store, country: str, kind_name: str) -> list[Row]:
    """What is for sale, by the parameters of the search. 404 where the country has no numbers of that type."""
    kind, given = KINDS.get((country, kind_name)), request.args
    if kind is None:
        raise Refusal(20404, request.path)
    area_code = given.get("AreaCode")
    if area_code is not None and not area_code.isdecimal():
        raise Refusal(21451)
    pattern = _pattern(given.get("Contains"))
    found: list[Row] = []
    if given.get("ExcludeAllAddressRequired") == "true" and kind.address_requirements != "none":
        return found
    for number in for_sale(kind, area_code):
        row = offered(number, kind)
        wanted = [name for name in ("voice", "sms", "mms", "fax") if given.get(f"{name.capitalize()}Enabled") == "true"]
        if pattern.search(number) and all(row["capabilities"][name] for name in wanted) and store.free(number):
            found.append(row)
        if len(found) == _page_size():
            break
    return found


def _pattern(contains: str | None) -> re.Pattern[str]:
    """`*` is any digit and `%` any digits; `+` begins a number and `$` ends it."""
    if contains is None:
        return re.compile("")
    if not re.fullmatch(r"\+?[0-9A-Za-z*%]{2,16}\$?", contains):
        raise Refusal(20001, "Contains")
    return re.compile(
        "^" * contains.startswith("+")
        + re.escape(contains).replace(r"\*", r"\d").replace("%", r"\d*").replace(r"\$", "$")
    )


def _any_in(store: Store, area_code: str) -> str:
    """The first number that is left in an area code, as a purchase by area code gets it."""
    numbers = for_sale(KINDS["US", "Local"], area_code) if area_code.isdecimal() else iter(())
    number = next(filter(store.free, numbers), None)
    if number is None:
        raise Refusal(21452)
    return number


def _filtered(rows: list[Row]) -> list[Row]:
    """By PhoneNumber, whole or in part with `*` for any digit, by FriendlyName and by Origin."""
    number, name, origin = (request.args.get(key) for key in ("PhoneNumber", "FriendlyName", "Origin"))
    if number:
        pattern = re.compile(re.escape(number).replace(r"\*", r"\d"))
        rows = [row for row in rows if pattern.search(row["phone_number"])]
    if name:
        rows = [row for row in rows if row["friendly_name"] == name]
    return [row for row in rows if origin in (None, row["origin"])]


def _page_size() -> int:
    size = request.args.get("PageSize", str(DEFAULT_PAGE))
    if not size.isdecimal() or not 1 <= int(size) <= GREATEST_PAGE:
        raise Refusal(20001, "PageSize")
    return int(size)


def _page(rows: list[Row]) -> Row:
    """One page, and where the others are; the token of the next one is the last id of this one."""
    size, number = _page_size(), int(request.args.get("Page", 0))
    token = request.args.get("PageToken", "").removeprefix("PA")
    sids = [row["sid"] for row in rows]
    start = sids.index(token) + 1 if token in sids else number * size
    page = rows[start : start + size]

    def uri(**changed: Any) -> str:
        query = {**request.args.to_dict(), "PageSize": size, **changed}
        return f"{request.path}?{urlencode(query)}"

    more = start + size < len(rows)
    return {
        "incoming_phone_numbers": page,
        "page": number,
        "page_size": size,
        "start": start,
        "end": start + max(len(page) - 1, 0),
        "uri": uri(Page=number),
        "first_page_uri": uri(Page=0),
        "next_page_uri": uri(Page=number + 1, PageToken=f"PA{page[-1]['sid']}") if more else None,
        "previous_page_uri": uri(Page=number - 1) if number else None,
    }
