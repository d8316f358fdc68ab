"""The receipt of a caller's erasure."""

from typing import Annotated

from pydantic import Field

from switchboard.model.base import E164, MADE_HERE, Shape, Timestamp

Count = Annotated[int, Field(ge=0)]


class CallerErasure(Shape):
    """What this request erased. One that was done before by another request is not counted again."""

    model_config = MADE_HERE

    phone_number: E164
    erased_at: Timestamp
    calls: Count
    transcripts: Count
    windows: Annotated[Count, Field(description="Hours of the caller's recent behaviour.")]
    blocked_entries: Annotated[Count, Field(description="Numbers of the business on which the caller was blocked.")]
    allowed_entries: Annotated[Count, Field(description="Numbers of the business on which the caller was allowed.")]
    complete: Annotated[bool, Field(description="False where there was more than one request can erase: repeat it.")]
