"""A routing rule: when all its conditions hold, who answers."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from switchboard.model.base import AS_NUMBER, E164, Country, Shape, VapiId
from switchboard.model.hours import BusinessHours

RuleId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
CallerPrefix = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{0,13}$"), Field(examples=["+1415"])]


class When(Shape):
    """Conditions; all that are given must hold, none given always holds."""

    caller_numbers: Annotated[list[E164], Field(min_length=1, max_length=1000)] | None = None
    caller_prefixes: Annotated[list[CallerPrefix], Field(min_length=1, max_length=1000)] | None = None
    caller_countries: Annotated[list[Country], Field(min_length=1, max_length=250)] | None = None
    anonymous: bool | None = None
    schedule: BusinessHours | None = None
    hours: Literal["open", "closed"] | None = None
    share: Annotated[int | None, Field(ge=0, le=100, description="Percent of callers."), AS_NUMBER] = None

    @model_validator(mode="after")
    def _can_hold(self) -> Self:
        by_number = {
            "callerNumbers": self.caller_numbers,
            "callerPrefixes": self.caller_prefixes,
            "callerCountries": self.caller_countries,
        }
        for name, value in by_number.items():
            if self.anonymous and value is not None:
                raise PydanticCustomError("contradiction", "anonymous callers have no {name}", {"name": name})
        if self.caller_numbers and self.caller_prefixes and not self.named_callers:
            raise PydanticCustomError("contradiction", "none of callerNumbers begins with one of callerPrefixes")
        return self

    @property
    def named_callers(self) -> frozenset[str] | None:
        """The only numbers for which the conditions can hold; None where no numbers are named."""
        if self.caller_numbers is None:
            return None
        prefixes = tuple(self.caller_prefixes) if self.caller_prefixes is not None else ("",)
        return frozenset(number for number in self.caller_numbers if number.startswith(prefixes))


class Then(Shape):
    """Who answers: `id` names an assistant, squad or workflow; `number` is a forward's goal; `message` is spoken."""

    action: Literal["assistant", "squad", "workflow", "forward", "voicemail", "reject"]
    id: VapiId | None = None
    number: E164 | None = None
    message: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None

    @model_validator(mode="after")
    def _names_its_target(self) -> Self:
        if self.action in ("assistant", "squad", "workflow") and self.id is None:
            raise PydanticCustomError("target", "action {action} needs an id", {"action": self.action})
        if self.action == "forward" and self.number is None:
            raise PydanticCustomError("target", "action forward needs a number")
        return self


class NewRoutingRule(Shape):
    """Input of addRoutingRule: a RoutingRule, whose `id` is made where none is given."""

    id: RuleId | None = None
    name: Annotated[str, StringConstraints(max_length=100)] = ""
    priority: Annotated[int, Field(ge=0, le=1_000_000), AS_NUMBER]
    enabled: bool = True
    when: When = When()
    then: Then


class RoutingRule(NewRoutingRule):
    """Priorities are unique on a number, the lowest is looked at first."""

    id: RuleId
