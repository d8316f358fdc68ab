"""Forwards that would come round in a circle through other numbers of the same business."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from switchboard.errors import FieldError, InvalidRequest
from switchboard.model.number import Status, forwards
from switchboard.model.record import NumberRecord
from switchboard.store.numbers import Numbers

MAX_HOPS = 10
"""How far forwards are followed. Networks end a call that has been diverted fewer times than that."""


@dataclass(frozen=True)
class _Walk:
    """From one forward on: by E.164, the numbers that the calls come to; None for one that is not the business's."""

    numbers: Numbers
    business: str
    met: dict[str, NumberRecord | None]

    def comes_to(self, start: str, goal: str) -> list[str] | None:
        """The numbers on a way from `start` to `goal`, both included; None if there is none."""
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
    return refuse_circle(numbers, new.number.business, new.claimed, leads)


def refuse_circle(numbers: Numbers, business: str, own: str, leads: Mapping[str, str]) -> list[NumberRecord]:
    """As `refuse_circles`. leads: path of the field -> the E.164 to which the number `own` would forward."""
    walk = _Walk(numbers, business, {})
    ways = {path: walk.comes_to(start, own) for path, start in leads.items()}
    circles = [
        FieldError(path, f"comes back to the number itself, by way of {', '.join(way[:-1])}")
        for path, way in ways.items()
        if way is not None
    ]
    if circles:
        raise InvalidRequest(*circles)
    return [record for record in walk.met.values() if record is not None]
