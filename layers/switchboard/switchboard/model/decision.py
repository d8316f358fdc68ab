"""Who answers a call, and why: as it is explained, and as it stands on the call's record."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints

from switchboard.model.base import MADE_HERE, Shape, Timestamp

Action = Literal["assistant", "squad", "workflow", "forward", "voicemail", "reject"]
Reason = Literal[
    "inactive",
    "direction",
    "not-allowed",
    "blocked",
    "anonymous",
    "spam",
    "threshold",
    "forwarding",
    "rule",
    "after-hours",
    "default",
    "fallback",
    "capacity",
]


class TraceStep(Shape):
    """What one step of the pipeline said; `decided` is the last that did."""

    model_config = MADE_HERE

    step: str
    outcome: Literal["passed", "skipped", "observed", "decided"]
    detail: str | None = None


class SpamReason(Shape):
    model_config = MADE_HERE

    reason: str
    weight: int


class Suspicion(Shape):
    """Ours: a spam score that reached the threshold. enforced: false where it was only observed."""

    model_config = MADE_HERE

    score: int
    threshold: int
    enforced: bool
    reasons: list[SpamReason]


class Decision(Shape):
    """`id` answers at Vapi, `number` is where a forward goes, `message` is spoken. Times are Unix seconds."""

    model_config = MADE_HERE

    action: Action
    reason: Reason
    rule_id: str | None = None
    id: str | None = None
    number: str | None = None
    message: str | None = None
    is_open: bool = True
    closes_at: Timestamp | None = None
    next_open_at: Timestamp | None = None
    holiday: Annotated[str | None, Field(description="Ours: the special day's name.")] = None
    spam: Suspicion | None = None
    trace: list[TraceStep] = []

    @classmethod
    def of(cls, account: Mapping[str, Any]) -> Self:
        """From the account of a decision, and from the fact on a call's record, which holds more."""
        names = {field.alias or name for name, field in cls.model_fields.items()}
        return cls.model_validate({name: value for name, value in account.items() if name in names})


class RouteQuestion(Shape):
    """Input of the explanation: which caller, when, and on the number with which changes."""

    caller: Annotated[
        Annotated[str, StringConstraints(max_length=256)] | None,
        Field(description="As Vapi gives it: E.164, a SIP address, or anything; null is an anonymous caller."),
    ]
    at: Annotated[Timestamp | None, Field(description="When; now if it is absent.")] = None
    changes: Annotated[
        dict[str, Any],
        Field(description="What if: a JSON merge patch of the number, checked like an update's and never stored."),
    ] = {}
