"""What the simulated account owns: numbers and addresses, as rows of Twilio's own shape."""

import copy
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any, TypeAlias

from local.simulators.twilio.errors import NEEDS_ADDRESS, NEEDS_BUNDLE, Refusal
from local.simulators.twilio.stock import Kind, capabilities, friendly, kind_of

Row: TypeAlias = dict[str, Any]

VERSION = "2010-04-01"
LONGEST_NAME = 64
_SETTLES = {"pending-registration": "registered", "pending-unregistration": "unregistered"}


def sid(prefix: str) -> str:
    """A new id: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


class Store:
    """Numbers and addresses. Safe for threads; every row that comes out is a copy.

    ``emergency_seconds``: how long it takes to register or unregister an emergency address.
    """

    def __init__(self, account_sid: str, emergency_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.account_sid = account_sid
        self.emergency_seconds = emergency_seconds
        self._clock = clock
        self._lock = threading.RLock()
        self._numbers: dict[str, Row] = {}
        self._addresses: dict[str, Row] = {}
        self._settling: dict[str, float] = {}
        self._taken: set[str] = set()

    def free(self, number: str) -> bool:
        """Whether a number is neither the account's nor anybody else's."""
        with self._lock:
            return number not in self._taken and all(row["phone_number"] != number for row in self._numbers.values())

    def take(self, number: str) -> None:
        """Somebody else buys the number."""
        with self._lock:
            self._taken.add(number)

    def buy(self, number: str, fields: Mapping[str, str], *, only_one: bool) -> Row:
        """Adds the number, or updates the one that the account has already (carriers.md 1.6). Raises Refusal."""
        _check(fields)
        with self._lock:
            for held in self._numbers.values():
                if held["phone_number"] == number:
                    return self.change(str(held["sid"]), fields)
            if only_one and self._numbers:
                raise Refusal(21404)
            kind = kind_of(number)
            if kind is None or not self.free(number):
                raise Refusal(21422)
            if kind.requires == NEEDS_ADDRESS and "AddressSid" not in fields:
                raise Refusal(NEEDS_ADDRESS)
            if kind.requires == NEEDS_BUNDLE and "BundleSid" not in fields:
                raise Refusal(NEEDS_BUNDLE, f"for country: [{kind.country}] and numberType: [{kind.type.upper()}]")
            row = self._fresh(number, kind)
            self._numbers[row["sid"]] = row
            return self.change(row["sid"], fields)

    def change(self, number_sid: str, fields: Mapping[str, str]) -> Row:
        """Sets what is given in Twilio's own names of parameters. Raises Refusal."""
        with self._lock:
            row = self._number(number_sid)
            _check(fields)
            for name, value in fields.items():
                key = _snake(name)
                if key == "emergency_address_sid":
                    self._move_emergency_address(row, value)
                elif key in row and key not in ("phone_number", "sid"):
                    row[key] = (value == "true") if isinstance(row[key], bool) else value or None
            if fields.get("TrunkSid"):
                row["voice_application_sid"] = None
            elif fields.get("VoiceApplicationSid"):
                row["trunk_sid"] = None
            row["date_updated"] = _now()
            return copy.deepcopy(row)

    def number(self, number_sid: str) -> Row:
        """The number. Raises Refusal if there is none."""
        with self._lock:
            return copy.deepcopy(self._number(number_sid))

    def numbers(self) -> list[Row]:
        """All numbers, the newest first."""
        with self._lock:
            return [self.number(number_sid) for number_sid in reversed(self._numbers)]

    def release(self, number_sid: str) -> None:
        """Raises Refusal for a number that is not there, or has an emergency address; nobody documents its code."""
        with self._lock:
            if self._number(number_sid)["emergency_address_status"] != "unregistered":
                raise Refusal(20001, "the emergency address has to be removed before the number can be released")
            del self._numbers[number_sid]

    def add_address(self, fields: Mapping[str, str]) -> Row:
        row: Row = {
            "sid": sid("AD"),
            "account_sid": self.account_sid,
            **{_snake(name): value for name, value in fields.items()},
            "emergency_enabled": fields.get("EmergencyEnabled") == "true",
            "validated": True,
            "verified": False,
            "date_created": _now(),
            "date_updated": _now(),
        }
        row["uri"] = f"/{VERSION}/Accounts/{self.account_sid}/Addresses/{row['sid']}.json"
        row.pop("auto_correct_address", None)
        with self._lock:
            self._addresses[row["sid"]] = row
        return copy.deepcopy(row)

    def addresses(self) -> list[Row]:
        with self._lock:
            return copy.deepcopy(list(self._addresses.values()))

    def edit(self, number_sid: str, changes: Mapping[str, Any]) -> Row:
        """Changes any keys of a number, as only Twilio itself or someone in its Console could."""
        with self._lock:
            self._settling.pop(number_sid, None)
            self._number(number_sid).update(changes)
            return self.number(number_sid)

    def clear(self) -> None:
        """Forgets numbers, addresses, and what others have taken."""
        with self._lock:
            for kept in (self._numbers, self._addresses, self._settling):
                kept.clear()
            self._taken.clear()

    def _number(self, number_sid: str) -> Row:
        row = self._numbers.get(number_sid)
        if row is None:
            raise Refusal(20404, number_sid)
        if self._settling.get(number_sid, float("inf")) <= self._clock():
            del self._settling[number_sid]
            row["emergency_address_status"] = _SETTLES[row["emergency_address_status"]]
        return row

    def _move_emergency_address(self, row: Row, address_sid: str) -> None:
        if address_sid and address_sid not in self._addresses:
            raise Refusal(20001, "EmergencyAddressSid is not an address of this account")
        row["emergency_address_sid"] = address_sid or None
        if address_sid or row["emergency_address_status"] != "unregistered":
            row["emergency_address_status"] = "pending-registration" if address_sid else "pending-unregistration"
            self._settling[row["sid"]] = self._clock() + self.emergency_seconds

    def _fresh(self, number: str, kind: Kind) -> Row:
        number_sid = sid("PN")
        return {
            "sid": number_sid,
            "account_sid": self.account_sid,
            "phone_number": number,
            "friendly_name": friendly(number),
            "type": {"Local": "local", "TollFree": "tollfree", "Mobile": "mobile"}[kind.type],
            "status": "in-use",
            "origin": "twilio",
            "beta": False,
            "address_requirements": kind.address_requirements,
            "address_sid": None,
            "bundle_sid": None,
            "identity_sid": None,
            "emergency_status": "Active",
            "emergency_address_sid": None,
            "emergency_address_status": "unregistered",
            "capabilities": capabilities(kind),
            "voice_url": None,
            "voice_method": "POST",
            "voice_fallback_url": None,
            "voice_fallback_method": "POST",
            "voice_caller_id_lookup": False,
            "voice_application_sid": None,
            "voice_receive_mode": "voice",
            "trunk_sid": None,
            "sms_url": None,
            "sms_method": "POST",
            "sms_fallback_url": None,
            "sms_fallback_method": "POST",
            "sms_application_sid": None,
            "status_callback": None,
            "status_callback_method": "POST",
            "api_version": VERSION,
            "date_created": _now(),
            "date_updated": _now(),
            "uri": f"/{VERSION}/Accounts/{self.account_sid}/IncomingPhoneNumbers/{number_sid}.json",
        }


def _check(fields: Mapping[str, str]) -> None:
    if len(fields.get("FriendlyName", "")) > LONGEST_NAME:
        raise Refusal(20001, "FriendlyName is longer than 64 characters")


def _now() -> str:
    """RFC 2822, as Twilio writes instants."""
    return formatdate(time.time(), localtime=False).replace("-0000", "+0000")


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
