"""Plain values and DynamoDB's typed ones. As boto3's own serializer does it, without loading boto3.

Text, booleans, None, integers, Decimals, lists, mappings and sets of text; anything else is refused, floats too.
"""

from collections.abc import Mapping
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from typing import Any

_NUMBERS = Context(Emin=-128, Emax=126, prec=38, traps=[Clamped, Inexact, Overflow, Rounded, Underflow])
"""What DynamoDB can keep of a number: one that would be rounded is refused (ArithmeticError)."""


_SCALARS = frozenset({"S", "N", "BOOL"})


def typed(value: Any) -> dict[str, Any]:  # noqa: PLR0911 - one for each type
    """A plain value in DynamoDB's own types. Raises TypeError for one that the table does not hold."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": _number(value)}
        case Mapping():
            return {"M": {name: typed(each) for name, each in value.items()}}
        case list() | tuple():
            return {"L": [typed(each) for each in value]}
        case set() | frozenset() if value and all(isinstance(each, str) for each in value):
            return {"SS": list(value)}
    raise TypeError(f"{type(value).__name__} has no place in the table")


def untyped(value: Mapping[str, Any]) -> Any:
    """The plain value of one in DynamoDB's own types; numbers are Decimals. Raises TypeError for another type."""
    ((kind, held),) = value.items()
    match kind:
        case "S" | "BOOL":
            return held
        case "N":
            return _NUMBERS.create_decimal(held)
        case "M":
            return {name: untyped(each) for name, each in held.items()}
        case "L":
            return [untyped(each) for each in held]
        case "NULL":
            return None
        case "SS":
            return set(held)
    raise TypeError(f"the table holds no {kind}")


def shallow(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Plain values of typed ones and of those in maps among them, at half the price; what lies deeper is left out."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        for kind, held in value.items():
            if kind == "M":
                found[name] = {
                    inner: _NUMBERS.create_decimal(text) if of == "N" else text
                    for inner, typed_ in held.items()
                    for of, text in typed_.items()
                    if of in _SCALARS
                }
            elif kind in _SCALARS:
                found[name] = _NUMBERS.create_decimal(held) if kind == "N" else held
    return found


def _number(value: int | Decimal) -> str:
    text = str(_NUMBERS.create_decimal(value))
    if text in ("Infinity", "-Infinity", "NaN"):
        raise TypeError(f"{text} has no place in the table")
    return text
