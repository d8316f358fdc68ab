"""Bandwidth's Numbers API, v2: XML, telephone numbers in E.164. Shapes: Bandwidth's OpenAPI document of it.

Purchases and disconnects are orders that are carried out later; what is wrong with one is often told only then. An
order carries our tag as its CustomerOrderId, by which it is found again, and a number knows the order it came by.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import quote, unquote
from xml.etree import ElementTree as ET

from switchboard.carriers.carrier import LineType, Offer, Order, Owned, Prices, Wanted, holds_no_caller_id_name
from switchboard.carriers.countries import ALPHA_3
from switchboard.carriers.fitting import area_code_of, fits
from switchboard.carriers.http import FORM, JSON, XML, Api, ClientCredentials, Complaint, Refused, basic
from switchboard.errors import (
    FieldError,
    InvalidRequest,
    NotAvailable,
    OutcomeUnknown,
    ProviderError,
    ProviderNotConfigured,
)
from switchboard.model.number import Capabilities

API_URL = "https://api.bandwidth.com"
READ_TIMEOUT = 10
REMEDY = (
    'put {"clientId": "...", "clientSecret": "...", "accountId": "...", "siteId": "...", "vapiCredentialId": "..."}'
    ' into its secret, with "peerId" unless it is the site\'s default one, and "vcpId" on the Universal Platform.'
)
TOKEN_PATH = "/api/v1/oauth2/token"  # noqa: S105 - where tokens come from
PAGE = 500
LARGEST_SEARCH = 5000
"""Asked for where the search has to be narrowed here: the document's limit."""

ENDED = frozenset({"COMPLETE", "PARTIAL", "FAILED"})
"""An order in any other state may still bring the number."""

FAILED = frozenset({"PARTIAL", "FAILED"})
"""An order of one number in either state has not done its work."""

IN_SERVICE = "Inservice"
ON_ACCOUNT = frozenset({IN_SERVICE, "InAccount"})
"""What a number's status is while it is the account's; `InAccount` is not routed yet."""

TAKEN_OR_OURS = frozenset({"5071", "5124", "5218"})
"""Not available, exists, is being processed by another order: an earlier order of ours may be the reason."""

ORDERED = "Order/ExistingTelephoneNumberOrderType/TelephoneNumberList/TelephoneNumber"
"""Where an order says what it is for."""

GONE = frozenset({"5074", "5076"})
"""Not in service, not on this account."""

UNAVAILABLE = TAKEN_OR_OURS | {"5041"}

NORTH_AMERICA = frozenset({"US", "CA"})
TYPES: Mapping[LineType, str] = {"local": "GEOGRAPHIC", "mobile": "MOBILE", "toll-free": "TOLL_FREE"}
FEATURES = {"voice": "VOICE", "sms": "MESSAGING_SMS"}
VANITY = re.compile(r"\d{4,7}")
"""What a search in North America takes as digits anywhere in the last seven."""

WHOLE = re.compile(r"\d{10}")
"""All national digits of a number in North America."""

CALLER_ID_NAMES = "+1"
"""Calling names are kept in a database that only North America has (LIDB)."""


@dataclass(frozen=True)
class CallerIdName:
    """What called people see, empty if nothing, and whether an order of it is still under way."""

    name: str
    is_pending: bool


@dataclass(frozen=True)
class Bandwidth:
    """Bandwidth under one account; a `Carrier`.

    site: the sub-account that numbers are ordered into; peer: its location, the site's default one if None.
    voice_package: the voice configuration package that routes to Vapi, on the Universal Platform; None on the older
    one, where the location does. vapi_credential: Vapi's id of the SIP trunk to this account.
    """

    name: ClassVar[str] = "bandwidth"
    asynchronous: ClassVar[bool] = True
    tags_numbers: ClassVar[bool] = True
    sets_caller_id_name: ClassVar[bool] = True

    api: Api
    platform: Api
    account: str
    site: str
    peer: str | None
    voice_package: str | None
    vapi_credential: str

    @classmethod
    def connect(
        cls,
        credentials: Mapping[str, str],
        api_url: str = API_URL,
    ) -> "Bandwidth":
        """credentials: {clientId, clientSecret, accountId, siteId, peerId?, vcpId?, vapiCredentialId}.

        Raises ProviderNotConfigured if one is missing.
        """
        names = ("clientId", "clientSecret", "accountId", "siteId", "vapiCredentialId")
        if not all(credentials.get(name) for name in names):
            raise ProviderNotConfigured("bandwidth", REMEDY)
        client, secret, account, site, vapi_credential = (credentials[name] for name in names)
        issuer = Api("Bandwidth", api_url, basic(client, secret), FORM, read_timeout=READ_TIMEOUT)
        token = ClientCredentials(issuer, TOKEN_PATH)
        numbers = f"{api_url.rstrip('/')}/api/v2"
        return cls(
            Api("Bandwidth", numbers, token, XML, complaint=_complaint, read_timeout=READ_TIMEOUT),
            Api("Bandwidth", api_url, token, JSON, complaint=_platform_complaint, read_timeout=READ_TIMEOUT),
            account,
            site,
            credentials.get("peerId"),
            credentials.get("vcpId"),
            vapi_credential,
        )

    def search(self, wanted: Wanted) -> list[Offer]:
        """Raises InvalidRequest for a search in North America by neither an area code nor four to seven digits."""
        criteria = _criteria(wanted)
        if criteria is None:
            return []
        narrowed = wanted.contains is not None or wanted.type == "toll-free"
        quantity = max(wanted.limit, LARGEST_SEARCH) if narrowed else wanted.limit
        found = self._ask("GET", "/availableNumbers", query={**criteria, "quantity": quantity, "enableTNDetail": True})
        rows = [] if found is None else found.iterfind("TelephoneNumberDetailList/TelephoneNumberDetail")
        offers = [_offer(row, wanted) for row in rows if _text(row, "PhoneNumberType") in (None, TYPES[wanted.type])]
        return [offer for offer in offers if fits(offer.number, wanted)][: wanted.limit]

    def buy(self, number: str, country: str, tag: str) -> Order:
        posted = _element(
            "Order",
            _element("CustomerOrderId", tag),
            _element("SiteId", self.site),
            *([_element("PeerId", self.peer)] if self.peer else []),
            _element("PartialAllowed", "false"),
            _element("BackOrderRequested", "false"),
            _element("ExistingTelephoneNumberOrderType", _numbers("TelephoneNumberList", number)),
        )
        try:
            answer = self._ask("POST", "/orders", body=posted)
        except Refused as refused:
            if refused.code not in UNAVAILABLE:
                raise
            if (earlier := self._earlier(number, country, tag, refused)) is not None:
                return earlier
            raise NotAvailable(f"Bandwidth did not sell {number} ({refused.code}): {refused.message}") from refused
        return self._accepted(answer, "Order/id")

    def order(self, reference: str) -> Order:
        answer = self._known("orders", reference)
        progress = self._progress(answer, reference, done="CompletedNumbers/TelephoneNumber/FullNumber")
        if progress.state != "failed" or progress.code not in UNAVAILABLE:
            return progress
        number, tag = _text(answer, ORDERED), _text(answer, "Order/CustomerOrderId")
        found = self.find(number, "", tag) if number and tag else None
        if isinstance(found, Order):
            return found
        if found is not None and found.tag == tag:
            return Order(state="done", reference=found.reference)
        return Order(state="failed", reference=reference, code=NotAvailable.code, detail=progress.detail)

    def find(self, number: str, country: str, tag: str) -> Owned | Order | None:
        """An Order while the tag's purchase is under way. The tag of the answer is the one that the number came by."""
        orders = list(self._tagged(tag)) if tag else []  # before the number, lest it arrive between the two
        row = self._number(number)
        if row is None:
            under_way = (reference for reference, status in orders if status not in ENDED)
            pending = next((reference for reference in under_way if self._may_bring(reference, number)), None)
            return Order(state="pending", reference=pending) if pending else None
        came_by = _text(row, "OrderId")
        references = [came_by] if came_by else []
        references += [reference for reference, _ in orders if reference not in references]
        reference, own_tag = self._proof(number, references)
        return Owned(
            number=number,
            country=country or None,
            reference=reference,
            tag=own_tag,
            capabilities=Capabilities(),
            settings=_settings(row),
            since=_instant(_text(row, "InServiceDate")),
        )

    def owned(self) -> Iterator[Owned]:
        """Without tags, which the list does not show; `find` tells one number's."""
        seen: set[str] = set()
        page: str | None = "1"
        while page is not None:
            answer = self.api.ask("GET", "/tns", query={"accountId": self.account, "page": page, "size": PAGE})
            rows = [] if answer is None else list(answer.iterfind("TelephoneNumbers/TelephoneNumber"))
            fresh = [row for row in rows if (number := _text(row, "FullNumber")) and number not in seen]
            seen |= {_text(row, "FullNumber") or "" for row in fresh}
            yield from (_listed(row) for row in fresh if self._is_ours(row))
            page = _page_after(page, answer, len(rows)) if fresh else None

    def configure(self, owned: Owned, *, tag: str | None = None, caller_id_name: str | None = None) -> bool:  # noqa: ARG002
        """Routes it to Vapi where each number has to be, and orders the name that called people see.

        A number may be in this package already, or in another one. A tag stays as the purchase set it.
        """
        if self.voice_package is not None:
            package = f"/v2/accounts/{self.account}/voiceConfigurationPackages/{_segment(self.voice_package)}"
            body = {"action": "ADD", "phoneNumbers": [owned.number]}
            self.platform.ask("POST", f"{package}/phoneNumbers/bulk", body=body)
        return caller_id_name is None or self._named(owned.number, caller_id_name)

    def put_in_service(self, owned: Owned, reference: str | None) -> Order:
        """As Carrier.put_in_service: on the Universal Platform a number that was bought is not routed before that.

        An order that is complete is pending until the number's status says so. As Bandwidth's own command-line tool
        does it.
        """
        if self.voice_package is None or owned.settings.get("status") == IN_SERVICE:
            return Order(state="done", reference=reference)
        path = f"/api/v2/accounts/{self.account}/serviceActivation"
        if reference is None:
            body = {"action": "ACTIVATE", "phoneNumbers": [owned.number], "services": {"voice": ["INBOUND"]}}
            reference = _of_platform(self.platform.ask("POST", path, body=body), "orderId")
            if reference is None:
                raise OutcomeUnknown("Bandwidth took an activation and did not say which.")
            return Order(state="pending", reference=reference)
        try:
            answer = self.platform.ask("GET", f"{path}/{_segment(reference)}")
        except Refused as refused:
            return Order(state="failed", reference=reference, detail=refused.message)
        if _of_platform(answer, "orderStatus") not in FAILED:
            return Order(state="pending", reference=reference)
        _, message = _platform_complaint(answer)
        return Order(state="failed", reference=reference, detail=self.api.redacted(message)[:300])

    def _named(self, number: str, caller_id_name: str) -> bool:
        """Whether the number shows this name, which is ordered otherwise, as soon as no other order is under way."""
        if not number.startswith(CALLER_ID_NAMES):
            raise holds_no_caller_id_name("Bandwidth, outside North America,")
        shown = self._caller_id_name(number)
        if shown.is_pending:
            return False
        if shown.name.casefold() == caller_id_name.casefold():
            return True
        group = _element(
            "LidbTnGroup",
            _numbers("TelephoneNumbers", number),
            _element("SubscriberInformation", caller_id_name),
            _element("UseType", "BUSINESS"),
            _element("Visibility", "PUBLIC"),
        )
        answer = self._ask("POST", "/lidbs", body=_element("LidbOrder", _element("LidbTnGroups", group)))
        code, message = _complaint(answer)
        if code is not None:
            raise Refused(HTTPStatus.CONFLICT, self.api.redacted(message), code)
        return False

    def release(self, owned: Owned) -> Order:
        posted = _element(
            "DisconnectTelephoneNumberOrder",
            *([_element("CustomerOrderId", owned.tag)] if owned.tag else []),
            _element(
                "DisconnectTelephoneNumberOrderType",
                _numbers("TelephoneNumberList", owned.number),
                _element("Protected", "UNCHANGED"),
            ),
        )
        try:
            answer = self._ask("POST", "/disconnects", body=posted)
        except Refused as refused:
            if refused.code in GONE:
                return Order(state="done")
            raise
        return self._accepted(answer, "orderRequest/id")

    def release_order(self, reference: str) -> Order:
        answer = self._known("disconnects", reference)
        progress = self._progress(answer, reference, done="DisconnectedTelephoneNumberList/TelephoneNumber")
        if progress.state == "failed" and progress.code in GONE:
            return Order(state="done", reference=reference)
        return progress

    def prices(self, country: str, kind: LineType) -> Prices:  # noqa: ARG002
        """No API tells them; the account's contract does."""
        return Prices()

    def registration(self, number: str) -> dict[str, Any]:
        """Vapi has no such provider: the number is one of a SIP trunk that it is told of."""
        return {
            "provider": "byo-phone-number",
            "number": number,
            "numberE164CheckEnabled": False,
            "credentialId": self.vapi_credential,
        }

    def _ask(
        self, method: str, path: str, *, body: ET.Element | None = None, query: Mapping[str, Any] | None = None
    ) -> ET.Element | None:
        answer: ET.Element | None = self.api.ask(method, f"/accounts/{self.account}{path}", body=body, query=query)
        return answer

    def _known(self, kind: str, reference: str) -> ET.Element | None:
        """An order; None if there is none of that kind, or not yet."""
        try:
            return self._ask("GET", f"/{kind}/{_segment(reference)}")
        except Refused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _progress(self, answer: ET.Element | None, reference: str, *, done: str) -> Order:
        """How far an order of one number is. done: where it stands once it was carried out."""
        status = _text(answer, "OrderStatus")
        if status not in ENDED:
            return Order(state="pending", reference=reference)
        if status == "COMPLETE" or any(_texts(answer, done)):
            return Order(state="done", reference=reference)
        code, message = _complaint(answer)
        return Order(state="failed", reference=reference, code=code, detail=self.api.redacted(message)[:300])

    def _accepted(self, answer: ET.Element | None, path: str) -> Order:
        """The order that was taken down. Without its id nobody knows what was."""
        reference = _text(answer, path)
        if reference is None:
            raise OutcomeUnknown("Bandwidth took an order and did not say which.")
        return Order(state="pending", reference=reference)

    def _earlier(self, number: str, country: str, tag: str, refused: Refused) -> Order | None:
        """What an earlier order under the same tag, unheard of until now, came to."""
        try:
            found = self.find(number, country, tag)
        except (ProviderError, Refused) as error:
            raise OutcomeUnknown(f"Bandwidth refused {number} and did not say why: {refused.message}") from error
        if isinstance(found, Owned):
            return Order(state="done", reference=found.reference) if found.tag == tag else None
        return found

    def _tagged(self, tag: str) -> Iterator[tuple[str, str]]:
        """Reference and status of each purchase under a tag."""
        try:
            answer = self._ask("GET", "/orders", query={"customerOrderId": tag})
        except Refused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return
            raise
        for row in [] if answer is None else answer.iter("OrderIdUserIdDate"):
            reference = _text(row, "orderId") or _text(row, "OrderId")  # the document has it both ways
            if reference:
                yield reference, _text(row, "OrderStatus") or ""

    def _may_bring(self, reference: str, number: str) -> bool:
        """Whether an order is for a number; one tag may have tried several."""
        order = self._known("orders", reference)
        return order is None or number in _texts(order, ORDERED)

    def _proof(self, number: str, references: list[str]) -> tuple[str | None, str | None]:
        """The purchase that a number came by, and its tag; neither if none of these orders was it."""
        for reference in references:
            order = self._known("orders", reference)
            if number in _texts(order, "CompletedNumbers/TelephoneNumber/FullNumber"):
                return reference, _text(order, "Order/CustomerOrderId")
        return None, None

    def _number(self, number: str) -> ET.Element | None:
        """A number of this account; None for any other."""
        row = self._asked_about(f"/tns/{_segment(number)}")
        return row if row is not None and self._is_ours(row) else None

    def _caller_id_name(self, number: str) -> CallerIdName:
        row = self._asked_about(f"/tns/{_segment(number)}/tndetails")
        held = None if row is None else row.find("TelephoneNumberDetails/Features/Lidb")
        return CallerIdName(_text(held, "SubscriberInformation") or "", _text(held, "Status") == "Pending")

    def _asked_about(self, path: str) -> ET.Element | None:
        """None for a number that Bandwidth does not know: 404, or a 400 that calls it invalid."""
        try:
            answer: ET.Element | None = self.api.ask("GET", path)
        except Refused as refused:
            if refused.status in (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST):
                return None
            raise
        return answer

    def _is_ours(self, row: ET.Element) -> bool:
        return _text(row, "AccountId") == self.account and _text(row, "Status") in ON_ACCOUNT


def _criteria(wanted: Wanted) -> dict[str, Any] | None:
    """The search as Bandwidth has it; None for what it does not sell."""
    if wanted.country in NORTH_AMERICA:
        return _north_american(wanted)
    country, digits = ALPHA_3.get(wanted.country), wanted.contains or ""
    area_code = wanted.area_code or area_code_of(digits, wanted.country)
    if country is None or not FEATURES.keys() >= set(wanted.capabilities):
        return None
    features = [FEATURES[capability] for capability in wanted.capabilities]
    kind = TYPES[wanted.type]
    return {"countryCodeA3": country, "phoneNumberType": kind, "areaCode": area_code, "features": features}


def _north_american(wanted: Wanted) -> dict[str, Any] | None:
    """Here a number's capabilities beyond voice are a matter of the account, and no search tells them."""
    if not {"voice"} >= set(wanted.capabilities) or wanted.type == "mobile":
        return None
    area_code, digits = wanted.area_code, wanted.contains or ""
    if WHOLE.fullmatch(digits) and wanted.type == "toll-free":
        return {"tollFreeVanity": digits[3:]}
    if WHOLE.fullmatch(digits):
        area_code, digits = digits[:3], digits[3:]
    if wanted.type == "toll-free":
        return {"tollFreeWildCardPattern": f"{area_code[:2]}*" if area_code else "8**"}
    vanity = digits if VANITY.fullmatch(digits) else None
    if area_code is None and vanity is None:
        raise InvalidRequest(FieldError("areaCode", "is needed to search for a number of Bandwidth in this country"))
    criteria = {"countryCodeA3": ALPHA_3[wanted.country], "areaCode": area_code, "localVanity": vanity}
    return criteria if vanity else {**criteria, "LCA": False}


def _offer(row: ET.Element, wanted: Wanted) -> Offer:
    number = _text(row, "FullNumber") or ""
    at_home = wanted.country in NORTH_AMERICA
    return Offer(
        number=number,
        country=wanted.country,
        type=wanted.type,
        region=_text(row, "State"),
        city=_text(row, "City"),
        area_code=number[2:5] if at_home else _text(row, "AreaCode"),
        capabilities=Capabilities(voice=at_home or "voice" in wanted.capabilities, sms="sms" in wanted.capabilities),
    )


def _listed(row: ET.Element) -> Owned:
    return Owned(
        number=_text(row, "FullNumber") or "",
        country=None,
        capabilities=Capabilities(),
        settings=_settings(row),
        since=_instant(_text(row, "InServiceDate")),
    )


def _settings(row: ET.Element) -> dict[str, Any]:
    """A number's state and where it is routed, as far as this view of it tells."""
    found = {
        "status": _text(row, "Status"),
        "siteId": _text(row, "SiteId") or _text(row, "Site/Id"),
        "peerId": _text(row, "SipPeer/PeerId"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _page_after(page: str, answer: ET.Element | None, rows: int) -> str | None:
    """What the link to the next page names; where there is no link, the next number of a full page."""
    link = re.search(r"[?&]page=([^&>;\s]+)", _text(answer, "Links/next") or "")
    if link:
        return unquote(link[1])
    return str(int(page) + 1) if rows == PAGE and page.isdecimal() else None


def _complaint(body: Any) -> Complaint:
    """The first code and all words of an ErrorList, which stands at various depths, or of a ResponseStatus."""
    if body is None:
        return None, ""
    errors = list(body.iter("Error"))
    if errors:
        return _text(errors[0], "Code"), "; ".join(_text(error, "Description") or "" for error in errors)
    status = body.find("ResponseStatus")
    return _text(status, "ErrorCode"), _text(status, "Description") or ""


def _of_platform(answer: Any, name: str) -> str | None:
    """A field of {"data": {...}}."""
    data = answer.get("data") if isinstance(answer, dict) else None
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, str) else None


def _platform_complaint(body: Any) -> Complaint:
    """The words of {"errors": [{"description"}]}."""
    errors = body.get("errors") or [] if isinstance(body, dict) else []
    return None, "; ".join(str(error.get("description", "")) for error in errors)


def _element(name: str, *content: ET.Element | str) -> ET.Element:
    made = ET.Element(name)
    for each in content:
        if isinstance(each, str):
            made.text = each
        else:
            made.append(each)
    return made


def _numbers(name: str, number: str) -> ET.Element:
    return _element(name, _element("TelephoneNumber", number))


def _texts(root: ET.Element | None, path: str) -> list[str]:
    """The texts at a path, without the white space around them, and without the empty ones."""
    found = [] if root is None else root.iterfind(path)
    return [text for each in found if (text := (each.text or "").strip())]


def _text(root: ET.Element | None, path: str) -> str | None:
    return next(iter(_texts(root, path)), None)


def _instant(text: str | None) -> int | None:
    """Unix seconds of an ISO 8601 instant; None if it is none."""
    try:
        return int(datetime.fromisoformat(text or "").timestamp())
    except ValueError:
        return None


def _segment(text: str) -> str:
    return quote(text, safe="")
