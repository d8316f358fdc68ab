"""A call that holds one of a capped number's lines."""

from switchboard.model.base import MADE_HERE, Shape, Timestamp


class ActiveCall(Shape):
    """since: when it took the line. until: when the line is free at the latest, whatever becomes of the call."""

    model_config = MADE_HERE

    call_id: str
    since: Timestamp
    until: Timestamp
    caller: str | None = None


class ActiveCalls(Shape):
    """The calls that hold a line, the longest first; none on a number without maxConcurrentCalls."""

    model_config = MADE_HERE

    items: list[ActiveCall]
