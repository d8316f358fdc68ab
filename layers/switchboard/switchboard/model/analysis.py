"""What is asked of a number's usage, and what is answered: analyzeUsage."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from switchboard.model.base import AS_NUMBER, MADE_HERE, Money, Shape, Timestamp
from switchboard.model.hours import Zone

DAY = 86_400
LONGEST_DAYS = 400
LONGEST_DAYS_BY_HOUR = 31
A_LONGER_HOUR = 3600
"""Seconds by which the clocks can make so many days longer."""

Instant = Annotated[int, Field(ge=946_684_800, le=32_503_680_000, examples=[1785862800]), AS_NUMBER]
"""Unix seconds within the years 2000 to 2999."""

GroupBy = Literal["hour", "day", "week", "month", "hourOfWeek"]


class AnalysisRequest(Shape):
    """Input of analyzeUsage: which time, cut into which periods of which zone's clocks."""

    from_: Annotated[Instant, Field(alias="from", description="Included; widened to a quarter of an hour.")]
    to: Annotated[
        Instant,
        Field(description=f"Excluded; widened to a quarter of an hour. At most {LONGEST_DAYS} days after from."),
    ]
    timezone: Annotated[
        Zone | None, Field(description="The number's own if it is absent: its businessHours', else the deployment's.")
    ] = None
    group_by: Annotated[
        GroupBy,
        Field(description=f"Weeks begin on Monday. hour is for {LONGEST_DAYS_BY_HOUR} days at most."),
    ] = "day"
    compare_with_previous: Annotated[
        bool, Field(description="Beside it the time before, of the same length by the zone's clocks.")
    ] = False

    @field_validator("to")
    @classmethod
    def _is_after_from(cls, to: int, info: ValidationInfo) -> int:
        begins = info.data.get("from_")
        if begins is not None and to <= begins:
            raise PydanticCustomError("range", "must be after from")
        if begins is not None and to - begins > LONGEST_DAYS * DAY + A_LONGER_HOUR:
            raise PydanticCustomError("range", "must be at most {days} days after from", {"days": LONGEST_DAYS})
        return to

    @field_validator("group_by")
    @classmethod
    def _is_not_too_fine(cls, group_by: GroupBy, info: ValidationInfo) -> GroupBy:
        if group_by == "hour" and {"from_", "to"} <= info.data.keys():
            length = info.data["to"] - info.data["from_"]
            if length > LONGEST_DAYS_BY_HOUR * DAY + A_LONGER_HOUR:
                most = {"days": LONGEST_DAYS_BY_HOUR}
                raise PydanticCustomError("range", "hour is for {days} days at most", most)
        return group_by


COST = "What Vapi charged; null while the deployment does not know what a US dollar is worth in its currency."


class Usage(Shape):
    """Calls that were no tests, by how they came out, with their minutes of talk and their cost.

    calls are all calls, those too that were turned away. Outbound calls have outcomes too; the rates are of inbound
    calls alone, and of those that were let in.
    """

    model_config = MADE_HERE

    calls: int
    inbound_calls: int
    outbound_calls: int
    answered: int
    forwarded: int
    voicemail: int
    missed: int
    rejected: int
    blocked: int
    spam: int
    failed: int
    undecided: Annotated[int, Field(description="Calls that have no outcome yet.")]
    answer_rate: Annotated[
        float | None,
        Field(
            description="Answered ones among the inbound calls that have an outcome and were let in, which is all but"
            " blocked, spam and rejected ones; null if there is none."
        ),
    ]
    missed_rate: Annotated[float | None, Field(description="Missed ones among the same.")]
    minutes: float
    cost: Annotated[Money | None, Field(description=COST)]
    carrier_cost: Annotated[Money, Field(description="minutes times the number's perMinuteCost as it is now.")]


class UsagePeriod(Usage):
    """The first period of a series begins with the range, the last ends with it; all others are whole."""

    start: Timestamp
    start_local: Annotated[
        str, Field(description="ISO 8601 with the zone's offset.", examples=["2026-08-04T00:00:00-04:00"])
    ]


class UsageHourOfWeek(Usage):
    hour_of_week: Annotated[int, Field(ge=0, lt=168, description="0 is Monday from 00:00 to 01:00 by the clocks.")]


class Durations(Shape):
    """Seconds of the answered calls; null if there were none. Percentiles are right within 2 %."""

    model_config = MADE_HERE

    average: float | None
    p50: float | None
    p90: float | None
    p99: float | None


class PeakConcurrency(Shape):
    """The most calls in progress within one minute, tests included, and the first minute that had so many."""

    model_config = MADE_HERE

    calls: int
    at: Timestamp | None


class CallerCount(Shape):
    model_config = MADE_HERE

    caller: Annotated[str, Field(examples=["+12025550123"])]
    calls: int


class ReasonCount(Shape):
    model_config = MADE_HERE

    reason: str
    calls: int


class IdCount(Shape):
    model_config = MADE_HERE

    id: str
    calls: int


class TestUsage(Shape):
    """Test calls are in no other figure but peakConcurrency."""

    model_config = MADE_HERE

    calls: int
    minutes: float
    cost: Annotated[Money | None, Field(description=COST)]


class UsageChange(Shape):
    """By how much each total changed relative to what it was: 0.25 is a quarter more. Null where it was nothing."""

    model_config = MADE_HERE

    calls: float | None
    inbound_calls: float | None
    outbound_calls: float | None
    answered: float | None
    forwarded: float | None
    voicemail: float | None
    missed: float | None
    rejected: float | None
    blocked: float | None
    spam: float | None
    failed: float | None
    undecided: float | None
    answer_rate: float | None
    missed_rate: float | None
    minutes: float | None
    cost: float | None
    carrier_cost: float | None


class PreviousUsage(Shape):
    model_config = MADE_HERE

    from_: Annotated[Timestamp, Field(alias="from")]
    to: Timestamp
    totals: Usage
    duration: Durations
    change: UsageChange


class PhoneAnalytics(Shape):
    """Output of analyzeUsage. `from` and `to` say what was covered; money is cents of the deployment's currency.

    topCallers, endedReasons, assistants and rules name at most 20, by their calls.
    """

    model_config = MADE_HERE

    from_: Annotated[Timestamp, Field(alias="from")]
    to: Timestamp
    timezone: str
    group_by: GroupBy
    totals: Usage
    duration: Durations
    series: list[UsagePeriod | UsageHourOfWeek]
    by_hour_of_week: list[UsageHourOfWeek]
    peak_concurrency: PeakConcurrency
    top_callers: Annotated[
        list[CallerCount] | None, Field(description="Of the calls since topCallersFrom, exact; null if none are kept.")
    ]
    top_callers_from: Annotated[
        Timestamp | None,
        Field(
            description="From when on callers are ranked: from, or later where calls have been kept for their time"
            " and callers with them. An erased caller is never ranked."
        ),
    ]
    ended_reasons: list[ReasonCount]
    assistants: list[IdCount]
    rules: list[IdCount]
    tests: TestUsage
    previous: PreviousUsage | None = None
