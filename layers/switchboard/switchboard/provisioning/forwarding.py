"""Forwards that would come round in a circle through other numbers of the same business."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from switchboard.errors import FieldError, InvalidRequest
from switchboard.model.number import Status, forwards
from switchboard.model.record import NumberRecord
from switchboard.model.screening import exact
from switchboard.store.numbers import Numbers

MAX_HOPS = 10
"""How far forwards are followed. Networks end a call that has been diverted fewer times than that."""


MOST_MET = 90
"""How many numbers a write can watch: DynamoDB takes 100 things in a transaction, and the number itself is some."""

MOST_ASKED = 1000
"""How many E.164 are looked up for one change, so that it ends while its owner waits."""


class _TooMany(Exception):
    """The forwards lead over more numbers than can be watched or looked up."""


@dataclass(frozen=True)
class _Walk:
    """From one forward on: by E.164, the numbers that the calls come to; None for one that is not the business's.

    room: how many of the business's may be met.
    """

    numbers: Numbers
    business: str
    room: int
    met: dict[str, NumberRecord | None] = field(default_factory=dict)

    @property
    def ours(self) -> list[NumberRecord]:
        return [record for record in self.met.values() if record is not None]

    def comes_to(self, start: str, goal: str) -> list[str] | None:
        """The numbers on a way from `start` to `goal`, both included; None if there is none. Raises _TooMany."""
        ways = [[start]]
        reached = {start}
        for _ in range(MAX_HOPS):
            ways = [[*way, onward] for way in ways for onward in self._onward(way[-1]) if onward not in reached]
            for way in ways:
                if way[-1] == goal:
                    return way
            reached |= {way[-1] for way in ways}
        return None

    def _onward(self, phone_number: str) -> Iterable[str]:
        if phone_number not in self.met:
            found = self.numbers.by_phone_number(phone_number)
            ours = found is not None and found.number.business == self.business
            self.met[phone_number] = found if ours else None
            if len(self.ours) > self.room or len(self.met) > MOST_ASKED:
                raise _TooMany
        record = self.met[phone_number]
        if record is None or record.number.status == Status.CANCELLED:
            return ()
        return set(forwards(record.number).values())


def refuse_circles(numbers: Numbers, old: NumberRecord, new: NumberRecord) -> list[NumberRecord]:
    """Raises InvalidRequest with the path of each forward of `new` that comes back to it.

    The numbers that were looked at: only as long as they stay as they are is the change known to close no circle.
    Nothing is looked at where the change leaves the forwards as they were, unless the number becomes active by it. So
    what could not be known while it was bought is known before it answers anybody.
    """
    leads = forwards(new.number)
    adds = not set(leads.values()) <= set(forwards(old.number).values())
    becomes_active = new.number.status == Status.ACTIVE != old.number.status
    if new.claimed is None or not (adds or becomes_active):
        return []
    was, becomes = old.number, new.number
    lists = (was.blocked_numbers, becomes.blocked_numbers), (was.allowed_numbers, becomes.allowed_numbers)
    listed = sum(len(exact(before) ^ exact(after)) for before, after in lists)
    return refuse_circle(numbers, new.number.business, new.claimed, leads, room=MOST_MET - listed)


def refuse_circle(
    numbers: Numbers, business: str, own: str, leads: Mapping[str, str], *, room: int = MOST_MET
) -> list[NumberRecord]:
    """As `refuse_circles`. leads: path of the field -> the E.164 to which the number `own` would forward.

    room: how many numbers of the business the write can watch. Raises InvalidRequest too where there are more.
    """
    walk = _Walk(numbers, business, room)
    circles = []
    for path, start in leads.items():
        try:
            way = walk.comes_to(start, own)
        except _TooMany:
            message = (
                f"leads over too many numbers: one update can watch {room} of the business's, and ask of {MOST_ASKED}"
            )
            raise InvalidRequest(FieldError(path, message)) from None
        if way is not None:
            circles.append(FieldError(path, f"comes back to the number itself, by way of {', '.join(way[:-1])}"))
    if circles:
        raise InvalidRequest(*circles)
    return walk.ours
