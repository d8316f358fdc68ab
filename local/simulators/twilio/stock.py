"""What Twilio has for sale, as rows of its own shape. All numbers are kept free for fiction by their countries."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local.simulators.twilio.errors import NEEDS_ADDRESS, NEEDS_BUNDLE

TOLL_FREE = ("800", "833", "844", "855", "866", "877", "888")
CANADIAN = {"416": ("Toronto", "ON", "M5H"), "514": ("Montreal", "QC", "H2Y"), "604": ("Vancouver", "BC", "V6B")}
PLACES = {
    "212": ("New York", "NY", "10001"),
    "415": ("San Francisco", "CA", "94103"),
    "701": ("Bismarck", "ND", "58501"),
    "808": ("Hilo", "HI", "96720"),
    **CANADIAN,
}
"""Area code -> locality, region, postal code; other area codes of the US are nameless."""

SHOWN_AREA_CODES = ("212", "415", "701", "808")
"""Where a search in the US looks that names no area code."""


@dataclass(frozen=True)
class Kind:
    """Numbers of a country and type. requires: the error's code for want of an address or a bundle."""

    country: str
    type: str
    address_requirements: str = "none"
    requires: int | None = None


KINDS = {
    ("US", "Local"): Kind("US", "Local"),
    ("US", "TollFree"): Kind("US", "TollFree"),
    ("CA", "Local"): Kind("CA", "Local"),
    ("CA", "TollFree"): Kind("CA", "TollFree"),
    ("GB", "Local"): Kind("GB", "Local"),
    ("GB", "Mobile"): Kind("GB", "Mobile", requires=NEEDS_BUNDLE),
    ("DE", "Local"): Kind("DE", "Local", "local", requires=NEEDS_ADDRESS),
}


def for_sale(kind: Kind, area_code: str | None) -> Iterator[str]:
    """Numbers in E.164. area_code acts in the US and Canada only, as at Twilio."""
    if kind.type == "TollFree":
        for area in TOLL_FREE if area_code is None else {area_code} & set(TOLL_FREE):
            yield from (f"+1{area}55501{serial:02}" for serial in range(100))
    elif kind.country in ("US", "CA"):
        shown = tuple(CANADIAN) if kind.country == "CA" else SHOWN_AREA_CODES
        for area in shown if area_code is None else (area_code,):
            if kind_of(f"+1{area}5550100") == kind:
                yield from (f"+1{area}55501{serial:02}" for serial in range(100))
    else:
        start, digits = {"GB Local": ("+442079460", 3), "GB Mobile": ("+447700900", 3), "DE Local": ("+493023125", 3)}[
            f"{kind.country} {kind.type}"
        ]
        yield from (f"{start}{serial:0{digits}}" for serial in range(1000))


def kind_of(number: str) -> Kind | None:
    """The kind that a number is sold as; None if Twilio has no such number."""
    if match := re.fullmatch(r"\+1([2-9]\d\d)55501\d\d", number):
        area = match[1]
        country = "CA" if area in CANADIAN else "US"
        return KINDS[country, "TollFree" if area in TOLL_FREE else "Local"]
    for start, kind in (
        ("+442079460", ("GB", "Local")),
        ("+447700900", ("GB", "Mobile")),
        ("+493023125", ("DE", "Local")),
    ):
        if re.fullmatch(re.escape(start) + r"\d{3}", number):
            return KINDS[kind]
    return None


def capabilities(kind: Kind) -> dict[str, bool]:
    texts = kind.country in ("US", "CA") or kind.type == "Mobile"
    return {"voice": True, "sms": texts, "mms": texts and kind.type == "Local", "fax": False}


def friendly(number: str) -> str:
    """As Twilio labels a number that nobody has named."""
    match = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number)
    return f"({match[1]}) {match[2]}-{match[3]}" if match else number


def offered(number: str, kind: Kind) -> dict[str, Any]:
    """The number as a search shows it."""
    locality, region, postal_code = PLACES.get(number[2:5], (None, None, None)) if kind.type == "Local" else (None,) * 3
    row: dict[str, Any] = {
        "address_requirements": kind.address_requirements,
        "beta": False,
        "capabilities": capabilities(kind),
        "friendly_name": friendly(number),
        "iso_country": kind.country,
        "phone_number": number,
    }
    if kind.type == "Local":
        row |= {
            "lata": "834",
            "latitude": "19.720000",
            "locality": locality,
            "longitude": "-155.090000",
            "postal_code": postal_code,
            "rate_center": locality and locality.upper()[:10],
            "region": region,
        }
    return row


PRICES: dict[str, dict[str, tuple[str, str]]] = {
    "US": {"local": ("1.15", "0.0085"), "toll free": ("2.15", "0.0220")},
    "CA": {"local": ("1.15", "0.0085"), "toll free": ("2.15", "0.0220")},
    "GB": {"local": ("1.15", "0.0100"), "mobile": ("1.15", "0.0100")},
    "DE": {"local": ("1.15", "0.0100")},
}
"""Country -> number_type -> per month, per inbound minute; in US dollars."""

COUNTRIES = {"US": "United States", "CA": "Canada", "GB": "United Kingdom", "DE": "Germany"}
