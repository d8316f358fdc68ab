"""A usage threshold: how much of what within a period is told, and what it may do to the calls after that."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, WithJsonSchema, model_validator

from switchboard.model.base import Money, Shape, VapiId
from switchboard.routing.thresholds import MOST, limit_text

MAX_THRESHOLDS = 20

ThresholdId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def _shown_without_default(schema: dict[str, Any]) -> None:
    schema.pop("default")


class UsageThreshold(Shape):
    """Fires when the metric reaches the limit, once a period, which is a day or a month in the number's zone.

    `calls`, `minutes` and `missedRate` leave test calls out. `calls` also leaves out whom the number turned away, so
    that a blocked caller uses up none. `cost` is in cents of the deployment's currency, carrier minutes and test calls
    included, the monthly fee not; it is never reached while the deployment does not know what a US dollar, in which
    Vapi bills, is worth. `concurrentCalls` are all calls in progress at once, to the minute. `missedRate` is a fraction
    of the inbound calls that were let in (neither blocked nor spam nor rejected) and whose outcome is known, looked at
    from the tenth on; a caller who meets closed hours or no free line is missed.
    """

    id: Annotated[
        ThresholdId,
        Field(
            description="Made of metric, period and limit where none is given.",
            json_schema_extra=_shown_without_default,
        ),
    ] = ""
    period: Literal["day", "month"]
    metric: Literal["calls", "minutes", "cost", "concurrentCalls", "missedRate"]
    limit: Annotated[
        Money,
        Field(gt=0, le=MOST, decimal_places=4),
        WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": int(MOST), "examples": [100]}),
    ]
    action: Annotated[
        Literal["notify", "reject", "voicemail", "assistant"],
        Field(description="What becomes of the calls after it fired, until the period ends; notify leaves them alone."),
    ] = "notify"
    assistant_id: Annotated[VapiId | None, Field(description="Who takes the calls, with action assistant.")] = None
    message: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None,
        Field(description="Spoken to the caller, with action reject or voicemail."),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("id") is not None:
            return given
        named = {name: value for name, value in given.items() if name != "id"}
        try:
            limit = limit_text(Decimal(str(given.get("limit"))))
        except InvalidOperation:  # no number, which is refused as the limit that it is
            return named
        return {**named, "id": f"{given.get('metric')}-{given.get('period')}-{limit.replace('.', '_')}"}
