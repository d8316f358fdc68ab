"""Twilio's REST API, as much of it as Switchboard uses. Shapes: Twilio's OpenAPI documents (api v2010, pricing v1)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, ClassVar

import phonenumbers

from switchboard.carriers.carrier import (
    TAG_PREFIX,
    LineType,
    Offer,
    Order,
    Owned,
    Prices,
    Wanted,
    holds_no_caller_id_name,
)
from switchboard.carriers.http import FORM, Api, Complaint, Refused, basic
from switchboard.errors import NotAvailable, OutcomeUnknown, ProviderNotConfigured, RequirementMissing
from switchboard.model.number import Capabilities

API_URL = "https://api.twilio.com"
PRICING_URL = "https://pricing.twilio.com"

PAGE = 1000
"""Twilio's greatest page."""

READ_TIMEOUT = 10

REMEDY = (
    'put {"accountSid": "AC...", "apiKeySid": "SK...", "apiKeySecret": "..."} into its secret,'
    ' or "authToken" instead of the API key.'
)

_PATHS: Mapping[LineType, str] = {"local": "Local", "toll-free": "TollFree", "mobile": "Mobile"}
_OWNED_AS: Mapping[str, LineType] = {"local": "local", "tollfree": "toll-free", "mobile": "mobile"}
_PRICED_AS: Mapping[LineType, str] = {"local": "local", "toll-free": "toll free", "mobile": "mobile"}

NOT_AVAILABLE = frozenset({"21422"})
"""Not Twilio's, sold meanwhile, or held for another account."""

REQUIREMENTS = frozenset({"21613", "21615", "21631", "21649", "21650", "21651"})
"""A certification, a local address, an address, a regulatory bundle, an identity document, or the right document."""

# How the registration of a number's emergency address ends, and how it stands while that takes its time.
_UNREGISTERED, _UNREGISTERING, _STUCK = "unregistered", "pending-unregistration", "unregistration-failure"


@dataclass(frozen=True)
class Twilio:
    """Twilio under one account; a `Carrier`. keys: what Vapi is given to answer the account's numbers."""

    name: ClassVar[str] = "twilio"
    asynchronous: ClassVar[bool] = False
    tags_numbers: ClassVar[bool] = True
    sets_caller_id_name: ClassVar[bool] = False
    """VoiceCallerIdLookup looks up callers' names; the name shown of one's own calls is no setting of a number."""

    api: Api
    pricing: Api
    account_sid: str
    keys: Mapping[str, str] = field(repr=False)

    @classmethod
    def connect(
        cls, credentials: Mapping[str, str], api_url: str = API_URL, pricing_url: str = PRICING_URL
    ) -> "Twilio":
        """credentials: {accountSid, apiKeySid, apiKeySecret} or {accountSid, authToken}; the API key is preferred.

        Raises ProviderNotConfigured if they are neither.
        """
        account_sid = credentials.get("accountSid")
        key, secret, token = (credentials.get(name) for name in ("apiKeySid", "apiKeySecret", "authToken"))
        if account_sid and key and secret:
            authorization, keys = basic(key, secret), {"twilioApiKey": key, "twilioApiSecret": secret}
        elif account_sid and token:
            authorization, keys = basic(account_sid, token), {"twilioAuthToken": token}
        else:
            raise ProviderNotConfigured("twilio", REMEDY)
        api, pricing = (
            Api("Twilio", url, authorization, FORM, complaint=_complaint, read_timeout=READ_TIMEOUT)
            for url in (api_url, pricing_url)
        )
        return cls(api, pricing, account_sid, keys)

    @property
    def account(self) -> str:
        return self.account_sid

    def search(self, wanted: Wanted) -> list[Offer]:
        """Leaves out numbers that need an address, which would be refused."""
        query: dict[str, Any] = {f"{each.capitalize()}Enabled": True for each in wanted.capabilities}
        size = PAGE if wanted.contains and not _fits_exactly(wanted) else wanted.limit
        query |= {"ExcludeAllAddressRequired": True, "PageSize": size, **_digits_wanted(wanted)}
        path = self._path(f"/AvailablePhoneNumbers/{wanted.country}/{_PATHS[wanted.type]}.json")
        try:
            found = self.api.ask("GET", path, query=query)
        except Refused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:  # the country has no numbers of this type
                return []
            raise
        offers = [_offer(row, wanted) for row in found["available_phone_numbers"]]
        start = _start(wanted)
        return [offer for offer in offers if offer.number.startswith(start)][: wanted.limit]

    def buy(self, number: str, country: str, tag: str) -> Order:
        """As Carrier.buy.

        Twilio answers a purchase of a number that the account has already like an update, which would rename it and
        make it ours. So the account is looked at first; that also makes a purchase that is asked again harmless.
        """
        held = self.find(number, country, tag)
        if held is None:
            body = {"PhoneNumber": number, "FriendlyName": tag}
            try:
                bought = self.api.ask("POST", self._path("/IncomingPhoneNumbers.json"), body=body)
            except Refused as refused:
                raise _named(refused) from refused
            return Order(state="done", reference=bought["sid"])
        if held.tag != tag:
            raise NotAvailable(f"This Twilio account has {number} already, for something else.")
        return Order(state="done", reference=held.reference)

    def order(self, reference: str) -> Order:
        """Done: Twilio sells at once."""
        return Order(state="done", reference=reference)

    def find(self, number: str, country: str, tag: str) -> Owned | None:  # noqa: ARG002 - the number tells
        # Twilio also finds numbers that only contain these digits.
        return next((held for held in self._listed({"PhoneNumber": number}) if held.number == number), None)

    def owned(self) -> Iterator[Owned]:
        return self._listed({})

    def configure(self, owned: Owned, *, tag: str | None = None, caller_id_name: str | None = None) -> bool:
        """Tags it, and takes away a trunk or an application, either of which would keep its calls from Vapi."""
        if caller_id_name is not None:
            raise holds_no_caller_id_name(self.name)
        changes = {"TrunkSid": "" if owned.settings.get("trunk_sid") else None}
        changes["VoiceApplicationSid"] = "" if owned.settings.get("voice_application_sid") else None
        changes["FriendlyName"] = None if tag in (None, owned.tag) else tag
        if any(value is not None for value in changes.values()):
            self.api.ask("POST", self._number_path(str(owned.reference)), body=changes)
        return True

    def put_in_service(self, owned: Owned, reference: str | None) -> Order:  # noqa: ARG002
        """A number that was bought is in service."""
        return Order(state="done")

    def release(self, owned: Owned) -> Order:
        """A number with an emergency address is pending until that is unregistered, as Twilio demands."""
        sid = str(owned.reference)
        row = self._row(sid)
        if row is None and self.find(owned.number, "", "") is not None:
            # Twilio may answer 404 for a moment after a purchase; a number that it lists is not gone.
            return Order(state="pending", reference=sid)
        return self._released(sid, row, first=True)

    def release_order(self, reference: str) -> Order:
        """As Carrier.release_order; fails if the emergency address cannot be unregistered. `release` tries anew."""
        return self._released(reference, self._row(reference), first=False)

    def prices(self, country: str, kind: LineType) -> Prices:
        """The account's own prices. Twilio has no set-up fees."""
        numbers = self._price_list("PhoneNumbers", country)
        calls = self._price_list("Voice", country)
        currency = numbers.get("price_unit")
        same = currency == calls.get("price_unit")
        return Prices(
            monthly_fee=_price(numbers.get("phone_number_prices"), kind),
            per_minute=_price(calls.get("inbound_call_prices"), kind) if same else None,
            currency=currency,
        )

    def registration(self, number: str) -> dict[str, Any]:
        """smsEnabled: unless told not to, Vapi takes the number's messages away from whoever gets them now."""
        return {
            "provider": "twilio",
            "number": number,
            "twilioAccountSid": self.account_sid,
            **self.keys,
            "smsEnabled": False,
        }

    def _path(self, path: str) -> str:
        return f"/2010-04-01/Accounts/{self.account_sid}{path}"

    def _number_path(self, sid: str) -> str:
        return self._path(f"/IncomingPhoneNumbers/{sid}.json")

    def _listed(self, query: Mapping[str, Any]) -> Iterator[Owned]:
        """All pages; Twilio says where the next one is."""
        page = self.api.ask("GET", self._path("/IncomingPhoneNumbers.json"), query={**query, "PageSize": PAGE})
        while True:
            yield from map(_owned, page["incoming_phone_numbers"])
            following = page.get("next_page_uri")
            if not following:
                return
            if not following.startswith(self._path("/")):
                raise OutcomeUnknown("Twilio named a page that is not of this account.")
            page = self.api.ask("GET", following)

    def _row(self, sid: str) -> Mapping[str, Any] | None:
        try:
            row: Mapping[str, Any] = self.api.ask("GET", self._number_path(sid))
        except Refused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return row

    def _released(self, sid: str, row: Mapping[str, Any] | None, *, first: bool) -> Order:
        if row is None:
            return Order(state="done", reference=sid)
        status = row.get("emergency_address_status") or _UNREGISTERED
        if status == _STUCK and not first:
            detail = "Twilio could not unregister the number's emergency address."
            return Order(state="failed", reference=sid, code=status, detail=detail)
        if status not in (_UNREGISTERED, _UNREGISTERING):
            row = self.api.ask("POST", self._number_path(sid), body={"EmergencyAddressSid": ""})
            status = row.get("emergency_address_status") or _UNREGISTERED
        if status != _UNREGISTERED:
            return Order(state="pending", reference=sid)
        try:
            self.api.ask("DELETE", self._number_path(sid))
        except Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
        return Order(state="done", reference=sid)

    def _price_list(self, what: str, country: str) -> Mapping[str, Any]:
        try:
            found: Mapping[str, Any] = self.pricing.ask("GET", f"/v1/{what}/Countries/{country}")
        except Refused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return {}
            raise
        return found


def _start(wanted: Wanted) -> str:
    """What an E.164 number has to begin with."""
    return f"+{phonenumbers.country_code_for_region(wanted.country)}{wanted.area_code or ''}"


def _fits_exactly(wanted: Wanted) -> bool:
    """Whether Twilio narrows the search by itself; elsewhere an area code beside other digits is looked for here."""
    return wanted.area_code is None or wanted.country in ("US", "CA")


def _digits_wanted(wanted: Wanted) -> dict[str, str]:
    """AreaCode acts in the US and Canada only; elsewhere the digits are a pattern from the number's start."""
    if wanted.area_code is None:
        return {"Contains": wanted.contains} if wanted.contains else {}
    if _fits_exactly(wanted):
        return {"AreaCode": wanted.area_code} | ({"Contains": wanted.contains} if wanted.contains else {})
    return {"Contains": wanted.contains or _start(wanted)}


def _offer(row: Mapping[str, Any], wanted: Wanted) -> Offer:
    return Offer(
        number=row["phone_number"],
        country=row.get("iso_country") or wanted.country,
        type=wanted.type,
        region=row.get("region") or None,
        city=row.get("locality") or None,
        area_code=wanted.area_code,
        capabilities=_capabilities(row),
    )


def _owned(row: Mapping[str, Any]) -> Owned:
    label, since, number = row.get("friendly_name") or "", row.get("date_created"), row["phone_number"]
    return Owned(
        number=number,
        country=None,
        type=_OWNED_AS.get(row.get("type") or ""),
        reference=row["sid"],
        tag=label if label.startswith(TAG_PREFIX) else None,
        capabilities=_capabilities(row),
        settings=row,
        since=int(parsedate_to_datetime(since).timestamp()) if since else None,
        is_diverted=bool(row.get("trunk_sid") or row.get("voice_application_sid")),
    )


def _capabilities(row: Mapping[str, Any]) -> Capabilities:
    """Twilio writes some of their names in capitals, in some answers."""
    given = {name.lower(): bool(value) for name, value in (row.get("capabilities") or {}).items()}
    names = ("voice", "sms", "mms", "fax")
    return Capabilities(**{name: given.get(name, False) for name in names})


def _price(prices: list[Mapping[str, Any]] | None, kind: LineType) -> Decimal | None:
    found = [row for row in prices or [] if row.get("number_type") == _PRICED_AS[kind]]
    return Decimal(str(found[0]["current_price"])) if found and found[0].get("current_price") else None


def _complaint(body: Any) -> Complaint:
    """{code, message}, or RFC 9457's {code, title, detail} from newer parts of Twilio."""
    code = body.get("code")
    message = body.get("message") or body.get("detail") or body.get("title") or ""
    return None if code is None else str(code), str(message)


def _named(refused: Refused) -> NotAvailable | RequirementMissing | Refused:
    if refused.code in NOT_AVAILABLE:
        return NotAvailable(f"Twilio does not have this number (any more): {refused.message}")
    if refused.code in REQUIREMENTS:
        return RequirementMissing(f"Twilio wants more of this account first: {refused.message} ({refused.code})")
    return refused
