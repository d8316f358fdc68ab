"""Changes of a number that ask nothing of its provider, and how every change is written."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from switchboard.errors import ChangedMeanwhile, VersionMismatch
from switchboard.model.hours import BusinessHours
from switchboard.model.record import NumberRecord
from switchboard.provisioning.forwarding import refuse_circles
from switchboard.provisioning.refreshing import Profiles, refreshed
from switchboard.store.numbers import Numbers
from switchboard.store.screening import Screening

_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class Changes:
    """if_version: the version that If-Match names; None if any will do. Another one is a VersionMismatch."""

    numbers: Numbers
    clock: Callable[[], float] = time.time

    def remove_rule(self, wanted_id: str, business: str, rule_id: str, if_version: int | None) -> NumberRecord:
        """Removes a routing rule. Raises RuleNotFound."""
        return self._change(wanted_id, business, if_version, lambda record: record.without_rule(rule_id, self._now()))

    def set_hours(self, wanted_id: str, business: str, hours: BusinessHours, if_version: int | None) -> NumberRecord:
        """Replaces the business hours as a whole."""
        return self._change(wanted_id, business, if_version, lambda record: record.with_hours(hours, self._now()))

    def keep_profiles(self, wanted_id: str, fresh: Profiles) -> NumberRecord:
        """Keeps what Vapi has of the assistants that the number names. Raises InvalidRequest if there is no room."""
        return self._change(wanted_id, None, None, lambda record: refreshed(record, fresh, self._now()))

    def _change(
        self,
        wanted_id: str,
        business: str | None,
        if_version: int | None,
        move: Callable[[NumberRecord], NumberRecord],
        screening: Screening | None = None,
    ) -> NumberRecord:
        """screening: what the move needs the number's exact callers from, if it does."""
        for _ in range(_TRIES):
            record = self.numbers.get(wanted_id, business)
            if screening is not None:
                (record,) = screening.loaded([record])
            if if_version is not None and if_version != record.number.version:
                raise VersionMismatch(record.number.version)
            new = move(record)
            try:
                return self.numbers.save(record, new, refuse_circles(self.numbers, record, new))
            except ChangedMeanwhile:
                continue
        raise ChangedMeanwhile

    def _now(self) -> int:
        return int(self.clock())
