"""What a number's own digits tell, by libphonenumber: country, type, region, city, area code."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumberType

from switchboard.carriers.carrier import LineType
from switchboard.errors import FieldError, InvalidRequest
from switchboard.model.number import NumberType, PhoneNumberRequest
from switchboard.model.record import NumberFacts

NORTH_AMERICA = 1
"""The calling code whose area codes have three digits, all of them."""

AREA_CODE_DIGITS = 3

NOWHERE = "001"
"""libphonenumber's country of calling codes that are no country's, such as +800."""

SHARED = frozenset({PhoneNumberType.TOLL_FREE})
"""What all countries of a calling code have in common."""

ANY_KIND: tuple[LineType, ...] = ("local", "mobile", "toll-free")
_KINDS: Mapping[int, tuple[LineType, ...]] = {
    PhoneNumberType.FIXED_LINE: ("local",),
    PhoneNumberType.MOBILE: ("mobile",),
    PhoneNumberType.FIXED_LINE_OR_MOBILE: ("local", "mobile"),
    PhoneNumberType.TOLL_FREE: ("toll-free",),
}

_TYPES: dict[int, NumberType] = {
    phonenumbers.PhoneNumberType.TOLL_FREE: "toll-free",
    phonenumbers.PhoneNumberType.MOBILE: "mobile",
}


@dataclass(frozen=True, slots=True)
class Possible:
    """What a number can be by its digits, the likeliest first; only its carrier knows.

    countries: ISO 3166-1. Numbers of a shared calling code may be sold as those of its main country, toll-free ones as
    those of any. kinds: many plans tell mobile numbers from others, North America's does not.
    """

    countries: tuple[str, ...]
    kinds: tuple[LineType, ...]


def possible(phone_number: str, home_country: str) -> Possible:
    """Raises InvalidRequest for what is in no country's numbering plan."""
    regions: tuple[str, ...] = (NOWHERE,)
    with suppress(phonenumbers.NumberParseException):
        parsed = phonenumbers.parse(phone_number)
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(parsed.country_code or 0)]
    if regions == (NOWHERE,):
        raise InvalidRequest(FieldError("phoneNumber", "is in no country's numbering plan"))
    country, kind = phonenumbers.region_code_for_number(parsed), phonenumbers.number_type(parsed)
    if country is None or kind in SHARED:
        likeliest = (home_country, country, *regions) if home_country in regions else (country, *regions)
    elif phonenumbers.length_of_geographical_area_code(parsed):
        likeliest = (country,)
    else:
        likeliest = (country, regions[0])
    return Possible(tuple(dict.fromkeys(each for each in likeliest if each)), _KINDS.get(kind, ANY_KIND))


def wanted_as(request: PhoneNumberRequest, home_country: str) -> Possible:
    """What the number that a request names may be, once its country and type have chosen.

    Raises InvalidRequest where its digits rule them out.
    """
    can = possible(str(request.phone_number), home_country)
    countries, kinds = can.countries, can.kinds
    if request.country is not None:
        if request.country not in countries:
            raise InvalidRequest(FieldError("country", f"{request.phone_number} is no number of {request.country}"))
        countries = (request.country,)
    if request.type == "international":
        countries = tuple(country for country in countries if country != home_country)
    elif request.type is not None:
        kinds = tuple(kind for kind in kinds if kind == request.type)
    if not (countries and kinds):
        raise InvalidRequest(FieldError("type", f"{request.phone_number} is not {request.type}"))
    return Possible(countries, kinds)


def refuse_area_code(area_code: str | None, country: str) -> None:
    """Raises InvalidRequest for one that the country cannot have, as far as that is known."""
    is_north_american = phonenumbers.country_code_for_region(country) == NORTH_AMERICA
    if area_code is not None and is_north_american and len(area_code) != AREA_CODE_DIGITS:
        raise InvalidRequest(FieldError("areaCode", f"must have {AREA_CODE_DIGITS} digits in {country}"))


def national(phone_number: str) -> str:
    """The digits without the country's."""
    digits: str = phonenumbers.national_significant_number(phonenumbers.parse(phone_number))
    return digits


def type_of(kind: LineType, country: str, home_country: str) -> NumberType:
    """A country other than the deployment's makes a number international."""
    return kind if country == home_country else "international"


def facts_of(phone_number: str, home_country: str) -> NumberFacts:
    """The facts of an E.164 number, as far as its digits tell them."""
    # Imported here: the geocoder loads some 80 MB of place names, and only a number that is activated needs them.
    from phonenumbers import geocoder  # noqa: PLC0415

    parsed = phonenumbers.parse(phone_number)
    country = phonenumbers.region_code_for_number(parsed)
    kind = _TYPES.get(phonenumbers.number_type(parsed), "local")
    place = geocoder.description_for_valid_number(parsed, "en")
    city, region = _place(place, geocoder.country_name_for_number(parsed, "en"))
    national = phonenumbers.national_significant_number(parsed)
    area_digits = phonenumbers.length_of_geographical_area_code(parsed) or (
        phonenumbers.length_of_national_destination_code(parsed)
    )
    return NumberFacts(
        type="international" if country not in (None, home_country) else kind,
        country=country,
        region=region,
        city=city,
        area_code=national[:area_digits] or None,
    )


def _place(place: str, country_name: str) -> tuple[str | None, str | None]:
    """("San Francisco", "CA") of "San Francisco, CA"; a region alone has no city, a country alone is neither."""
    if not place or place == country_name:
        return None, None
    both = re.fullmatch(r"(.+), ([^,]+)", place)
    return (both[1], both[2]) if both else (None, place)
