"""When a business is open: schema.org's terms, local wall-clock time in an IANA zone."""

from datetime import date, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from switchboard.model.base import Shape

Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("timezone", "must be an IANA time zone such as America/New_York") from None
    return value


Zone = Annotated[str, AfterValidator(_zone), Field(examples=["America/New_York"])]

_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]"
Opens = Annotated[str, StringConstraints(pattern=f"^{_TIME}$"), Field(examples=["09:00"])]
Closes = Annotated[str, StringConstraints(pattern=f"^({_TIME}|24:00)$"), Field(examples=["17:00"])]


class OpeningHours(Shape):
    """A weekly window; `closes` before `opens` ends the next day, all day is 00:00 to 24:00."""

    day_of_week: Annotated[list[Weekday], Field(min_length=1, max_length=7)]
    opens: Opens
    closes: Closes

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.opens == self.closes:
            raise PydanticCustomError("window", "closes must differ from opens; all day is 00:00 to 24:00")
        return self


class SpecialOpeningHours(Shape):
    """Days that replace the weekly windows, both ends included; without times they are closed."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    valid_from: date
    valid_through: date
    opens: Opens | None = None
    closes: Closes | None = None

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if self.valid_through < self.valid_from:
            raise PydanticCustomError("dates", "validThrough must not be before validFrom")
        if self.valid_through - self.valid_from > timedelta(days=366):
            raise PydanticCustomError("dates", "a special entry spans a year at most")
        if (self.opens is None) != (self.closes is None):
            raise PydanticCustomError("window", "opens and closes come together, or neither")
        if self.opens is not None and self.opens == self.closes:
            raise PydanticCustomError("window", "closes must differ from opens; all day is 00:00 to 24:00")
        return self


class BusinessHours(Shape):
    """Input of updateBusinessHours. No weekly window at all means closed but for the special days."""

    timezone: Zone
    opening_hours_specification: Annotated[list[OpeningHours], Field(max_length=100)]
    special_opening_hours_specification: Annotated[list[SpecialOpeningHours], Field(max_length=400)] = []

    @model_validator(mode="after")
    def _no_day_is_open_and_closed(self) -> Self:
        special = self.special_opening_hours_specification
        closed = [entry for entry in special if entry.opens is None]
        opened = [entry for entry in special if entry.opens is not None]
        for shut in closed:
            for open_ in opened:
                if shut.valid_from <= open_.valid_through and open_.valid_from <= shut.valid_through:
                    raise PydanticCustomError(
                        "contradiction",
                        "'{open}' opens a day that '{closed}' closes",
                        {"open": open_.name, "closed": shut.name},
                    )
        return self
