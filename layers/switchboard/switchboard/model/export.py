"""Exports of a number's calls: what is asked for, and how far it is."""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from switchboard.calls.rows import COLUMNS
from switchboard.model.base import AS_NUMBER, E164, MADE_HERE, Shape, Timestamp
from switchboard.model.call import Direction, Outcome
from switchboard.model.hours import Zone

MOST_DAYS = 400
LATEST = 9_999_999_999
"""The last instant that can be asked for, in Unix seconds."""

Format = Literal["csv", "json", "jsonl", "parquet"]
FieldName = Literal[
    "id",
    "phoneNumberId",
    "direction",
    "caller",
    "called",
    "status",
    "outcome",
    "createdAt",
    "startedAt",
    "endedAt",
    "duration",
    "cost",
    "endedReason",
    "forwardedTo",
    "reason",
    "action",
    "ruleId",
    "assistantId",
    "test",
    "recordingUrl",
    "summary",
]
"""The names of `calls.rows.COLUMNS`; a test holds the two together."""

Instant = Annotated[int, Field(ge=0, le=LATEST, examples=[1785862800]), AS_NUMBER]


class ExportFilters(Shape):
    """All that are given must hold. caller: the other party of the call, whoever called whom."""

    direction: Direction | None = None
    outcome: Outcome | None = None
    caller: E164 | None = None


class ExportRequest(Shape):
    """Input of exportCalls: the calls that came to be from `from` on and before `to`, at most 400 days of them."""

    from_: Annotated[Instant, Field(alias="from", description="Unix seconds, inclusive.")]
    to: Annotated[Instant, Field(description="Unix seconds, exclusive.")]
    format: Format
    fields_: Annotated[
        list[FieldName] | None,
        Field(
            alias="fields",
            min_length=1,
            description="Which, and in which order; all if it is absent. The cost is in US cents.",
        ),
    ] = None
    filters: ExportFilters = ExportFilters()
    timezone: Annotated[Zone, Field(description="Of the times in the file. The number's own zone plays no part.")] = (
        "UTC"
    )
    compress: Annotated[bool, Field(description="By gzip. Parquet is compressed anyway.")] = False

    @field_validator("to")
    @classmethod
    def _is_a_range(cls, to: int, info: ValidationInfo) -> int:
        since = info.data.get("from_")
        if since is not None and to <= since:
            raise PydanticCustomError("range", "has to be after from")
        if since is not None and to - since > MOST_DAYS * 86_400:
            raise PydanticCustomError("range", "must be at most {days} days after from", {"days": MOST_DAYS})
        return to

    @field_validator("fields_")
    @classmethod
    def _names_each_once(cls, names: list[FieldName] | None) -> list[FieldName] | None:
        if names is not None and len(set(names)) < len(names):
            raise PydanticCustomError("repeated", "must name each field once")
        return names

    @field_validator("compress")
    @classmethod
    def _is_not_compressed_twice(cls, compress: bool, info: ValidationInfo) -> bool:
        if compress and info.data.get("format") == "parquet":
            raise PydanticCustomError("compressed", "parquet is compressed by itself")
        return compress

    def columns(self) -> list[str]:
        """The chosen fields in their order."""
        return list(COLUMNS) if self.fields_ is None else list(self.fields_)


class Export(Shape):
    """How far an export is. While it is `ready`, each answer has a fresh URL, which needs no token."""

    model_config = MADE_HERE

    export_id: Annotated[str, Field(examples=["ex_01K9Z3V7Q8M4X2C6B5N1T0R8WD"])]
    status: Literal["running", "ready", "failed"]
    format: Format
    rows: Annotated[int, Field(ge=0, description="Written so far.")]
    percent: Annotated[int, Field(ge=0, le=100, description="Of the time that is asked for.")]
    url: Annotated[str | None, Field(description="Where the file is, to be read with GET.")] = None
    expires_at: Annotated[Timestamp | None, Field(description="Until when the URL is good.")] = None
    error: Annotated[str | None, Field(description="Why it failed.")] = None
    created: Timestamp

    def shows(self, url: str, expires_at: int) -> Self:
        """With the URL of its file."""
        return self.model_copy(update={"url": url, "expires_at": expires_at})
