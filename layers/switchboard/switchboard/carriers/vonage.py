"""Vonage's Numbers API. Shapes: Vonage's OpenAPI document of it; what that leaves open is said where it matters.

On the wire a number has no plus, and goes with its country. Vonage keeps no tag and no id of a number, and no name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from itertools import islice
from typing import Any, ClassVar

import phonenumbers

from switchboard.carriers.carrier import LineType, Offer, Order, Owned, Prices, Wanted, holds_no_caller_id_name
from switchboard.carriers.fitting import fits
from switchboard.carriers.http import FORM, Api, Complaint, Refused, basic
from switchboard.errors import (
    NotAvailable,
    OutcomeUnknown,
    ProviderBusy,
    ProviderCredentialsRejected,
    ProviderError,
    ProviderFailed,
    ProviderNotConfigured,
)
from switchboard.model.number import Capabilities

API_URL = "https://rest.nexmo.com"
READ_TIMEOUT = 10
REMEDY = 'put {"apiKey": "...", "apiSecret": "...", "vapiCredentialId": "..."} into its secret.'

PAGE = 100
SEARCHED_PAGES = 5
"""How far a search goes that Vonage cannot do by itself (an area code together with digits anywhere)."""

METHOD_FAILED = 420
"""For whatever forbids an action: the number is somebody else's, our own already, or in the wrong state."""

STARTS_WITH, CONTAINS = 0, 1
NORTH_AMERICA = frozenset({"US", "CA"})
TYPES: Mapping[LineType, str] = {"local": "landline", "mobile": "mobile-lvn", "toll-free": "landline-toll-free"}
FEATURES = {
    frozenset(spelling.split(",")): spelling
    for spelling in ("SMS", "VOICE", "SMS,VOICE", "MMS", "SMS,MMS", "VOICE,MMS", "SMS,MMS,VOICE")
}
"""Each set of features in the only spelling that the document allows."""

SETTINGS = ("app_id", "moHttpUrl", "voiceCallbackType", "voiceCallbackValue")
OLD_SETTINGS = ("messagesCallbackType", "messagesCallbackValue")
"""Superseded by `app_id`."""

FORWARDS = frozenset({"sip", "tel"})
"""Where a number's calls go past its application, and so past Vapi."""


@dataclass(frozen=True)
class Vonage:
    """Vonage under one account; a `Carrier`.

    account: its API key, by which Vonage names it. currency: the account's, ISO 4217; Vonage does not name it.
    vapi_credential: Vapi's id of this account's keys.
    """

    name: ClassVar[str] = "vonage"
    asynchronous: ClassVar[bool] = False
    tags_numbers: ClassVar[bool] = False
    sets_caller_id_name: ClassVar[bool] = False

    api: Api
    account: str
    currency: str
    vapi_credential: str

    @classmethod
    def connect(cls, credentials: Mapping[str, str], api_url: str = API_URL, *, currency: str = "EUR") -> "Vonage":
        """credentials: {apiKey, apiSecret, vapiCredentialId}. Raises ProviderNotConfigured if one is missing."""
        key, secret, vapi_credential = (credentials.get(name) for name in ("apiKey", "apiSecret", "vapiCredentialId"))
        if not (key and secret and vapi_credential):
            raise ProviderNotConfigured("vonage", REMEDY)
        api = Api("Vonage", api_url, basic(key, secret), FORM, complaint=_complaint, read_timeout=READ_TIMEOUT)
        return cls(api, key, currency, vapi_credential)

    def search(self, wanted: Wanted) -> list[Offer]:
        features = FEATURES.get(frozenset(capability.upper() for capability in wanted.capabilities))
        if features is None and wanted.capabilities:
            return []
        query = {"country": wanted.country, "features": features, **_type_of(wanted), **_pattern_of(wanted)}
        exact = wanted.contains is None
        pages = self._pages("/number/search", query, wanted.limit if exact else PAGE, SEARCHED_PAGES)
        fitting = (offer for row in pages if (offer := self._offer(row, wanted)))
        return list(islice(fitting, wanted.limit))

    def buy(self, number: str, country: str, tag: str) -> Order:  # noqa: ARG002 - Vonage keeps no tag
        """Done at once, also if the account has the number already: Vonage cannot tell by which purchase.

        Which of our purchases a number is for must have been settled before it is bought. A number that cannot be had
        without an address is NotAvailable too, since only Vonage's words, which are in the error, tell it from others.
        """
        try:
            self._act("buy", number, country)
        except Refused as refused:
            if not _is_ambiguous(refused):
                raise
            if self._is_held(number, country, refused):
                return Order(state="done")
            raise NotAvailable(f"Vonage did not sell {number}: {refused.message}") from refused
        return Order(state="done")

    def order(self, reference: str) -> Order:  # noqa: ARG002
        """Nothing is ever pending."""
        return Order(state="done")

    def find(self, number: str, country: str, tag: str) -> Owned | None:  # noqa: ARG002
        row = self._row(number, country)
        return None if row is None else _owned(row)

    def owned(self) -> Iterator[Owned]:
        return map(_owned, self._pages("/account/numbers", {}, PAGE))

    def configure(self, owned: Owned, *, tag: str | None = None, caller_id_name: str | None = None) -> bool:  # noqa: ARG002
        """Vapi points the number to its own application by itself; a forward that would go past it is taken away.

        An update replaces all settings, so all that shall stay are sent again.
        """
        if caller_id_name is not None:
            raise holds_no_caller_id_name("Vonage")
        row = self._row(owned.number, owned.country)
        if row is None or row.get("voiceCallbackType") not in FORWARDS:
            return True
        kept = SETTINGS[:2] if "app_id" in row else (*SETTINGS[:2], *OLD_SETTINGS)
        self._act("update", owned.number, row["country"], {key: row[key] for key in kept if key in row})
        return True

    def put_in_service(self, owned: Owned, reference: str | None) -> Order:  # noqa: ARG002
        """A number that was bought is in service."""
        return Order(state="done")

    def release(self, owned: Owned) -> Order:
        row = self._row(owned.number, owned.country)
        if row is None:
            return Order(state="done")
        try:
            self._act("cancel", owned.number, row["country"])
        except Refused as refused:
            if not _is_ambiguous(refused) or self._row(owned.number, owned.country):
                raise
        return Order(state="done")

    def release_order(self, reference: str) -> Order:  # noqa: ARG002
        """Nothing is ever pending."""
        return Order(state="done")

    def prices(self, country: str, kind: LineType) -> Prices:  # noqa: ARG002
        """Each offer has its own; there is no list of them, nor of the price of inbound minutes."""
        return Prices()

    def registration(self, number: str) -> dict[str, Any]:
        return {"provider": "vonage", "number": _digits(number), "credentialId": self.vapi_credential}

    def _act(self, action: str, number: str, country: str, settings: Mapping[str, str] | None = None) -> None:
        """One of the actions on a number. An answer of 200 may carry another code in its body."""
        body = {"country": country, "msisdn": _digits(number), **(settings or {})}
        outcome = self.api.ask("POST", f"/number/{action}", body=body)
        code, message = _complaint(outcome)
        if code != str(int(HTTPStatus.OK)):
            raise _error(code, self.api.redacted(message))

    def _is_held(self, number: str, country: str, refused: Refused) -> bool:
        """Whether the refused number is the account's own, by an earlier purchase that was not heard."""
        try:
            return self._row(number, country) is not None
        except (ProviderError, Refused) as error:
            raise OutcomeUnknown(f"Vonage refused {number} and did not say whose it is: {refused.message}") from error

    def _row(self, number: str, country: str | None) -> dict[str, Any] | None:
        query = {"country": country or None, "pattern": _digits(number), "search_pattern": STARTS_WITH}
        rows = self._pages("/account/numbers", query, PAGE)
        return next((row for row in rows if row["msisdn"] == _digits(number)), None)

    def _pages(
        self, path: str, query: Mapping[str, Any], size: int, most: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """The rows of a list, page by page; `count` and `numbers` are absent where there are none."""
        size, page = min(size, PAGE), 1
        while most is None or page <= most:
            answer = self.api.ask("GET", path, query={**query, "size": size, "index": page}) or {}
            rows = answer.get("numbers", [])
            yield from rows
            if len(rows) < size or page * size == answer.get("count"):
                return
            page += 1

    def _offer(self, row: Mapping[str, Any], wanted: Wanted) -> Offer | None:
        """None for a number that is of another type, or fits the search only as Vonage understands it."""
        if (row.get("type") == TYPES["toll-free"]) != (wanted.type == "toll-free"):
            return None
        number = "+" + row["msisdn"]
        if not fits(number, wanted):
            return None
        return Offer(
            number=number,
            country=row.get("country", wanted.country),
            type=wanted.type,
            area_code=wanted.area_code,
            capabilities=_capabilities(row),
            monthly_fee=_money(row.get("cost")),
            setup_fee=_money(row.get("initialPrice")),
            currency=self.currency,
        )


def _type_of(wanted: Wanted) -> dict[str, str]:
    """In North America ordinary numbers are called mobile, or landline; there only toll-free ones are a type."""
    if wanted.country in NORTH_AMERICA and wanted.type != "toll-free":
        return {}
    return {"type": TYPES[wanted.type]}


def _pattern_of(wanted: Wanted) -> dict[str, Any]:
    """The part of the search that Vonage can do; `fits` does the rest."""
    if wanted.area_code:
        calling_code = phonenumbers.country_code_for_region(wanted.country)
        return {"pattern": f"{calling_code}{wanted.area_code}", "search_pattern": STARTS_WITH}
    digits = max((wanted.contains or "").split("*"), key=len)
    return {"pattern": digits, "search_pattern": CONTAINS} if digits else {}


def _is_ambiguous(refused: Refused) -> bool:
    return refused.status in (METHOD_FAILED, HTTPStatus.NOT_FOUND)


def _error(code: str | None, message: str) -> ProviderError | Refused:
    """What an answer of 200 means whose body has another code. Without a code nobody knows what was done."""
    status = int(code) if code and code.isdecimal() else 0
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ProviderCredentialsRejected(f"Vonage rejected this deployment's credentials ({code}).")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ProviderBusy(f"Vonage asks to slow down: {message}")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ProviderFailed(f"Vonage failed with {code}: {message}", status)
    if status >= HTTPStatus.BAD_REQUEST:
        return Refused(status, message, code)
    return OutcomeUnknown(f"Vonage did not say what became of the request: {message}")


def _complaint(body: Any) -> Complaint:
    """Code and words of {"error-code", "error-code-label"}, or of {field: what is wrong with it}."""
    fields = body if isinstance(body, dict) else {}
    if "error-code" in fields:
        return str(fields["error-code"]), str(fields.get("error-code-label", ""))
    return None, "; ".join(f"{name}: {what}" for name, what in fields.items() if isinstance(what, str))


def _owned(row: Mapping[str, Any]) -> Owned:
    return Owned(
        number="+" + row["msisdn"],
        country=row["country"],
        type=_kind_of(row),
        capabilities=_capabilities(row),
        settings={key: row[key] for key in (*SETTINGS, *OLD_SETTINGS, "type") if key in row},
        is_diverted=row.get("voiceCallbackType") in FORWARDS,
    )


def _kind_of(row: Mapping[str, Any]) -> LineType | None:
    """Ordinary numbers of North America are called mobile, or landline, and are neither."""
    known = next((kind for kind, name in TYPES.items() if name == row.get("type")), None)
    return None if row["country"] in NORTH_AMERICA and known != "toll-free" else known


def _capabilities(row: Mapping[str, Any]) -> Capabilities:
    features = row.get("features", [])
    return Capabilities(voice="VOICE" in features, sms="SMS" in features, mms="MMS" in features)


def _money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _digits(number: str) -> str:
    return number.removeprefix("+")
