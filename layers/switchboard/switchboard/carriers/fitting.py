"""Whether a number is what was searched for, for the carriers that cannot tell by themselves."""

import re

import phonenumbers

from switchboard.carriers.carrier import Wanted


def fits(number: str, wanted: Wanted) -> bool:
    """Whether the national part of an E.164 number begins with the area code wanted and contains the digits wanted."""
    national = phonenumbers.national_significant_number(phonenumbers.parse(number))
    digits = re.escape(wanted.contains or "").replace(r"\*", r"\d")
    return national.startswith(wanted.area_code or "") and re.search(digits, national) is not None


def area_code_of(national: str, country: str) -> str | None:
    """The area code of a whole national number; None for one that has none, and for what is only a part of one."""
    try:
        number = phonenumbers.parse(national, country)
    except phonenumbers.NumberParseException:
        return None
    digits = phonenumbers.length_of_geographical_area_code(number)
    return national[:digits] if digits and national.isdecimal() and phonenumbers.is_valid_number(number) else None
