"""What a number's own digits tell, by libphonenumber: country, type, region, city, area code."""

import re

import phonenumbers

from switchboard.model.number import NumberType
from switchboard.model.record import NumberFacts

_TYPES: dict[int, NumberType] = {
    phonenumbers.PhoneNumberType.TOLL_FREE: "toll-free",
    phonenumbers.PhoneNumberType.MOBILE: "mobile",
}


def facts_of(phone_number: str, home_country: str) -> NumberFacts:
    """The facts of an E.164 number; a country other than the deployment's makes it international."""
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
