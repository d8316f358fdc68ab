"""Bandwidth's Numbers API on a store, and the tokens that open it.

Paths, shapes and codes: Bandwidth's OpenAPI document (v2: telephone numbers are E.164), and carriers.md 3.
"""

import base64
import hmac
import re
import secrets
import time
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from flask import Blueprint, Response, jsonify, request

from local.simulators.bandwidth.state import Mistake, Number, Order, Store
from local.simulators.bandwidth.xml import document, element, optional, text, texts

TOKEN_PATH = "/api/v1/oauth2/token"  # noqa: S105 - where tokens come from
ACCOUNT = "/accounts/<account>"
GREATEST_PAGE = 2500
CUSTOMER_ORDER_ID = re.compile(r"[A-Za-z0-9 -]{1,40}")
AMERICAN = frozenset({"USA", "CAN", "USA,CAN"})
CRITERIA = frozenset(
    {"areaCode", "npaNxx", "npaNxxx", "rateCenter", "state", "city", "zip", "lata", "localVanity", "tollFreeVanity"}
    | {"tollFreeWildCardPattern"}
)
CRITERIA_ELSEWHERE = frozenset({"phoneNumberType", "areaCode", "city", "features"})


class Refusal(Exception):
    """An answer other than success: its status and its body, which may be empty."""

    def __init__(self, status: int, body: bytes = b"") -> None:
        super().__init__(f"{status}: {body!r}")
        self.status = status
        self.body = body


class Tokens:
    """OAuth2 access tokens by client credentials."""

    def __init__(self, client_id: str, client_secret: str, seconds: int) -> None:
        self.seconds = seconds
        self._client = f"{client_id}:{client_secret}"
        self._good_until: dict[str, float] = {}

    def issue(self) -> Response:
        """Answers a token request."""
        wanted = "Basic " + base64.b64encode(self._client.encode()).decode()
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), wanted.encode()):
            return _json({"error": "invalid_client"}, 401)
        if request.form.get("grant_type") != "client_credentials":
            return _json({"error": "unsupported_grant_type"}, 400)
        token = secrets.token_urlsafe(24)
        self._good_until[token] = time.monotonic() + self.seconds
        return _json({"access_token": token, "token_type": "Bearer", "expires_in": self.seconds}, 200)

    def revoke(self) -> None:
        """No token issued so far is good any more."""
        self._good_until.clear()

    def check(self) -> None:
        """Raises the 401, whose body is empty, unless the request carries a good token."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or self._good_until.get(token, 0) <= time.monotonic():
            raise Refusal(401)


def numbers_api(store: Store, sites: frozenset[str], settings: "Settings") -> Blueprint:
    """Search, orders, disconnects, calling names and the inventory of one account."""
    api = Blueprint("numbers", __name__, url_prefix="/api/v2")

    @api.before_request
    def own_account() -> None:
        account = (request.view_args or {}).get("account", store.account)
        if account != store.account:
            raise Refusal(403)

    @api.get(f"{ACCOUNT}/availableNumbers")
    def search(account: str) -> Response:  # noqa: ARG001 - checked above
        return _search(store, settings)

    _add_orders(api, store, sites, settings)
    _add_disconnects(api, store, settings)
    _add_names(api, store)
    _add_inventory(api, store)
    return api


class Settings:
    """How it behaves where the published documents leave it open.

    errors_at_once: errors of an order's numbers are told by a 400 when it is posted, else in the finished order.
    empty: what a search without a match answers.
    """

    def __init__(self) -> None:
        self.errors_at_once = False
        self.empty: str = "count"


def _search(store: Store, settings: Settings) -> Response:
    asked = request.args
    country = asked.get("countryCodeA3", "USA,CAN")
    if not (CRITERIA if country in AMERICAN else CRITERIA_ELSEWHERE) & asked.keys():
        raise _search_error(4010, "One of more required search parameters are null or empty")
    quantity = asked.get("quantity", 5000, int)
    if not 1 <= quantity <= 5000:  # noqa: PLR2004 - the document's limits
        raise _search_error(4002, "The quantity is out of range")
    for_sale = [number for number in store.numbers() if number.status == "Available"]
    rows = [number for number in for_sale if number.country in country.split(",") and _meets(number)]
    if asked.get("LCA", "true") == "true" and rows:
        nearby = [row for row in for_sale if row.state and row.state == rows[0].state and row not in rows]
        rows += nearby
    rows = rows[:quantity]
    if not rows and settings.empty == "nothing":
        return Response(b"", 200, content_type="application/xml")
    count = element("ResultCount", len(rows))
    if not rows:
        return _xml(element("SearchResult", count))
    if asked.get("enableTNDetail") == "true":
        return _xml(element("SearchResult", count, element("TelephoneNumberDetailList", *map(_offer, rows))))
    plain = [element("TelephoneNumber", row.number) for row in rows]
    return _xml(element("SearchResult", count, element("TelephoneNumberList", *plain)))


def _meets(number: Number) -> bool:
    asked = request.args
    national = number.number[2:] if number.country == "USA" else number.number[3:]
    wild = asked.get("tollFreeWildCardPattern")
    if wild and not (number.kind == "TOLL_FREE" and re.fullmatch(wild.replace("*", r"\d"), national[:3])):
        return False
    vanity = asked.get("tollFreeVanity")
    if vanity and not (number.kind == "TOLL_FREE" and national.endswith(vanity)):
        return False
    return (
        national.startswith(asked.get("areaCode", ""))
        and asked.get("localVanity", "") in national[3:]
        and asked.get("phoneNumberType", number.kind) == number.kind
        and asked.get("state", number.state) == number.state
        and asked.get("city", number.city).upper() == number.city
    )


def _offer(number: Number) -> ET.Element:
    return element(
        "TelephoneNumberDetail",
        element("CountryCodeA3", number.country),
        element("PhoneNumberType", number.kind),
        *_place(number),
        element("FullNumber", number.number),
        *_vendor(),
    )


def _place(number: Number, lata: str = "LATA") -> list[ET.Element | None]:
    """lata: how the element is spelt, which a search and a number's details do not agree on."""
    if not number.state:
        return [optional("City", number.city or None)]
    return [
        element("City", number.city),
        element(lata, 426),
        element("RateCenter", number.city.replace(" ", "")),
        element("State", number.state),
    ]


def _vendor() -> list[ET.Element]:
    return [element("Tier", 0), element("VendorId", 49), element("VendorName", "Bandwidth CLEC")]


def _add_orders(api: Blueprint, store: Store, sites: frozenset[str], settings: Settings) -> None:
    def refuse(mistakes: Sequence[Mistake], posted: ET.Element) -> Refusal:
        return Refusal(400, document(element("OrderResponse", _errors(mistakes), posted)))

    @api.post(f"{ACCOUNT}/orders")
    def post_order(account: str) -> Response:  # noqa: ARG001
        posted = _posted("Order")
        if posted.find("TelephoneNumberList") is not None:
            raise Refusal(500)
        numbers = list(texts(posted, "ExistingTelephoneNumberOrderType/TelephoneNumberList/TelephoneNumber"))
        site, customer_order_id = text(posted, "SiteId"), text(posted, "CustomerOrderId")
        if mistake := _wrong_order(numbers, site, sites, customer_order_id):
            raise refuse([mistake], posted)
        names = ("SiteId", "PeerId", "Name", "PartialAllowed", "BackOrderRequested")
        values = {name: value for name in names if (value := text(posted, name))}
        order, at_once = store.put("purchase", numbers, customer_order_id, values)
        if at_once and settings.errors_at_once:
            store.withdraw(order.id)
            raise refuse(at_once, posted)
        status = element("OrderStatus", order.status)
        return _xml(element("OrderResponse", _purchase(order), status), 201, f"{request.url}/{order.id}")

    @api.get(f"{ACCOUNT}/orders")
    def list_orders(account: str) -> Response:  # noqa: ARG001
        wanted = request.args.get("customerOrderId")
        rows = [order for order in store.orders("purchase") if order.customer_order_id == wanted]
        return _xml(
            element(
                "ResponseSelectWrapper",
                element("ListOrderIdUserIdDate", element("TotalCount", len(rows)), *map(_listed, rows)),
            )
        )

    @api.get(f"{ACCOUNT}/orders/<order_id>")
    def get_order(account: str, order_id: str) -> Response:  # noqa: ARG001
        order = _found(store.order("purchase", order_id))
        numbers = [element("TelephoneNumber", element("FullNumber", number)) for number in order.done]
        return _xml(
            element(
                "OrderResponse",
                None if order.is_open else element("CompletedQuantity", len(order.done)),
                element("CreatedByUser", "simulated"),
                element("LastModifiedDate", order.created),
                _errors(order.mistakes) if not order.is_open and order.mistakes else None,
                _purchase(order),
                element("OrderStatus", order.status),
                element("CompletedNumbers", *numbers) if numbers else None,
                None if order.is_open else element("FailedQuantity", len(order.numbers) - len(order.done)),
            )
        )


def _wrong_order(
    numbers: Sequence[str], site: str | None, sites: frozenset[str], customer_order_id: str | None
) -> Mistake | None:
    if not numbers:
        return Mistake(5001, "The order type is missing or not supported.")
    if site is None:
        return Mistake(5022, "SiteId is required.")
    if site not in sites:
        return Mistake(5016, "The SiteId submitted is invalid.")
    if customer_order_id is not None and not CUSTOMER_ORDER_ID.fullmatch(customer_order_id):
        allowed = "Only alphanumeric values, dashes and spaces are allowed. Max length is 40 characters."
        return Mistake(5052, f"Customer order ID is invalid. {allowed}")
    if len(set(numbers)) < len(numbers):
        return Mistake(5072, "The order has duplicate telephone numbers.")
    return None


def _purchase(order: Order) -> ET.Element:
    numbers = [element("TelephoneNumber", number) for number in order.numbers]
    return element(
        "Order",
        optional("CustomerOrderId", order.customer_order_id),
        element("id", order.id),
        element("OrderCreateDate", order.created),
        *(element(name, value) for name, value in order.values.items()),
        element("ExistingTelephoneNumberOrderType", element("TelephoneNumberList", *numbers)),
    )


def _listed(order: Order) -> ET.Element:
    return element(
        "OrderIdUserIdDate",
        element("CountOfTNs", len(order.done)),
        optional("CustomerOrderId", order.customer_order_id),
        element("lastModifiedDate", order.created),
        element("OrderDate", order.created),
        element("orderId", order.id),
        element("OrderStatus", order.status),
        element("userId", "simulated"),
    )


def _add_disconnects(api: Blueprint, store: Store, settings: Settings) -> None:
    root = "DisconnectTelephoneNumberOrderResponse"

    @api.post(f"{ACCOUNT}/disconnects")
    def post_disconnect(account: str) -> Response:  # noqa: ARG001
        posted = _posted("DisconnectTelephoneNumberOrder")
        numbers = list(texts(posted, "DisconnectTelephoneNumberOrderType/TelephoneNumberList/TelephoneNumber"))
        customer_order_id = text(posted, "CustomerOrderId")
        mistakes = [] if numbers else [Mistake(5001, "The disconnect order type is missing.")]
        if customer_order_id and not CUSTOMER_ORDER_ID.fullmatch(customer_order_id):
            mistakes = [Mistake(5052, "Customer order ID is invalid.")]
        if mistakes:
            raise Refusal(400, document(element(root, _errors(mistakes))))
        order, at_once = store.put("disconnect", numbers, customer_order_id, {})
        if at_once and settings.errors_at_once:
            store.withdraw(order.id)
            raise Refusal(400, document(element(root, _errors(at_once))))
        body = element(root, _disconnect(order), element("OrderStatus", order.status))
        return _xml(body, 201, f"{request.url}/{order.id}")

    @api.get(f"{ACCOUNT}/disconnects/<order_id>")
    def get_disconnect(account: str, order_id: str) -> Response:  # noqa: ARG001
        order = _found(store.order("disconnect", order_id))
        numbers = [element("TelephoneNumber", number) for number in order.done]
        return _xml(
            element(
                root,
                element("DisconnectedTelephoneNumberList", *numbers) if numbers else None,
                _errors(order.mistakes) if not order.is_open and order.mistakes else None,
                _disconnect(order),
                element("OrderStatus", order.status),
            )
        )


def _disconnect(order: Order) -> ET.Element:
    numbers = [element("TelephoneNumber", number) for number in order.numbers]
    return element(
        "orderRequest",
        optional("CustomerOrderId", order.customer_order_id),
        element("id", order.id),
        element("OrderCreateDate", order.created),
        element(
            "DisconnectTelephoneNumberOrderType",
            element("DisconnectMode", "normal"),
            element("Protected", "UNCHANGED"),
            element("TelephoneNumberList", *numbers),
        ),
    )


def _add_names(api: Blueprint, store: Store) -> None:
    root = "LidbOrderResponse"

    @api.post(f"{ACCOUNT}/lidbs")
    def post_lidb(account: str) -> Response:  # noqa: ARG001
        posted = _posted("LidbOrder")
        group = "LidbTnGroups/LidbTnGroup/"
        numbers = list(texts(posted, f"{group}TelephoneNumbers/TelephoneNumber"))
        names = ("SubscriberInformation", "UseType", "Visibility")
        values = {name: value for name in names if (value := text(posted, group + name))}
        if values.get("Visibility") not in ("PUBLIC", "PRIVATE"):
            mistake = Mistake(11007, "No visibility supplied. Visibility must be one of PUBLIC, PRIVATE")
            raise Refusal(400, document(element(root, _errors([mistake]))))
        order, mistakes = store.put("lidb", numbers, text(posted, "CustomerOrderId"), values)
        return _xml(
            element(
                root,
                element(
                    "LidbOrder",
                    element("orderId", order.id),
                    optional("CustomerOrderId", order.customer_order_id),
                    element("ProcessingStatus", order.status),
                    _errors(mistakes),
                ),
            ),
            201,
            f"{request.url}/{order.id}",
        )

    @api.get(f"{ACCOUNT}/lidbs/<order_id>")
    def get_lidb(account: str, order_id: str) -> Response:  # noqa: ARG001
        order = _found(store.order("lidb", order_id))
        status = element("ProcessingStatus", order.status)
        return _xml(element("LidbOrder", element("orderId", order.id), status, _errors(order.mistakes)))


def _add_inventory(api: Blueprint, store: Store) -> None:
    @api.get("/tns")
    def inventory() -> Response:
        """Everything of the account, whatever its status. `page` is the first number of the page wanted."""
        size = request.args.get("size", 500, int)
        if not 1 <= size <= GREATEST_PAGE:
            status = element("ResponseStatus", element("ErrorCode", 1006), element("Description", "Invalid size"))
            raise Refusal(400, document(element("TelephoneNumbersResponse", status)))
        if request.args.get("accountId") != store.account:
            raise Refusal(403)
        first = request.args.get("page", "1")
        rows = [number for number in store.numbers() if number.account == store.account]
        rows = [number for number in rows if first == "1" or number.number >= f"+{first.lstrip(' +')}"]
        link = f'Link=<{request.base_url}?accountId={store.account}&page={{}}&size={size}>;rel="{{}}";'
        links = [element("first", link.format(1, "first"))]
        if len(rows) > size:
            links.append(element("next", link.format(rows[size].number, "next")))
        page = [element("TelephoneNumber", *_detail(number)) for number in rows[:size]]
        return _xml(
            element(
                "TelephoneNumbersResponse",
                element("TelephoneNumberCount", len(page)),
                element("Links", *links),
                element("TelephoneNumbers", *page),
            )
        )

    @api.get("/tns/<number>")
    def status(number: str) -> Response:
        row = _known(store, number)
        return _xml(
            element(
                "TelephoneNumberResponse",
                element("TelephoneNumber", row.number),
                element("Status", row.status),
                optional("OrderId", row.order),
                optional("InServiceDate", row.since),
                optional("SiteId", row.site),
                optional("AccountId", row.account),
            )
        )

    @api.get("/tns/<number>/tndetails")
    def details(number: str) -> Response:
        row = _known(store, number)
        under_way = store.name_under_way(number)
        name = under_way or row.caller_id_name
        lidb = element(
            "Lidb",
            element("Status", "Pending" if under_way else "Success"),
            element("SubscriberInformation", name),
            element("UseType", "BUSINESS"),
            element("Visibility", "PUBLIC"),
        )
        features = element("Features", lidb if name else None)
        return _xml(element("TelephoneNumberResponse", element("TelephoneNumberDetails", *_detail(row), features)))


def _known(store: Store, number: str) -> Number:
    row = store.number(number)
    if row is None:
        status = element("ResponseStatus", element("ErrorCode", 12512), element("Description", "is not valid"))
        raise Refusal(400, document(element("TelephoneNumberResponse", status)))
    return row


def _detail(number: Number) -> list[ET.Element | None]:
    return [
        *_place(number, "Lata"),
        element("FullNumber", number.number),
        *_vendor(),
        element("Status", number.status),
        optional("AccountId", number.account),
        element("Site", element("Id", number.site)) if number.site else None,
        element("SipPeer", element("PeerId", number.peer)) if number.peer else None,
        optional("LastModified", number.since),
        optional("InServiceDate", number.since),
    ]


def _errors(mistakes: Sequence[Mistake]) -> ET.Element:
    return element(
        "ErrorList",
        *(
            element(
                "Error",
                element("Code", mistake.code),
                element("Description", mistake.description),
                optional("TelephoneNumber", mistake.number),
            )
            for mistake in mistakes
        ),
    )


def _search_error(code: int, description: str) -> Refusal:
    error = element("Error", element("Code", code), element("Description", description))
    return Refusal(400, document(element("SearchResult", error)))


def _posted(root: str) -> ET.Element:
    """The request's document. One that is none, or has another root, is refused without a word."""
    try:
        posted = ET.fromstring(request.get_data())  # noqa: S314 - our own clients, on loopback
    except ET.ParseError:
        raise Refusal(400) from None
    if request.mimetype not in ("application/xml", "text/xml"):
        raise Refusal(415)
    if posted.tag != root:
        raise Refusal(400)
    return posted


def _found(order: Order | None) -> Order:
    if order is None:
        raise Refusal(404)
    return order


def _xml(root: ET.Element, status: int = 200, location: str | None = None) -> Response:
    answer = Response(document(root), status, content_type="application/xml")
    if location:
        answer.headers["Location"] = location
    return answer


def _json(body: dict[str, object], status: int) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    return answer
