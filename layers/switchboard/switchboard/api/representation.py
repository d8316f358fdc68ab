"""Numbers as their owner sees them: the record, its lists of callers and its counters."""

from collections.abc import Sequence

from switchboard.model.number import VapiPhoneNumber
from switchboard.model.record import NumberRecord
from switchboard.store.screening import screening
from switchboard.store.usage import usage


def shown(record: NumberRecord, *, told_secret: bool = False) -> VapiPhoneNumber:
    """told_secret: this answer is the one that tells the webhook secret."""
    counters = usage().of_numbers([record.number.id])
    (loaded,) = screening().loaded([record])
    return loaded.shown(counters=counters[record.number.id], told_secret=told_secret)


def shown_all(records: Sequence[NumberRecord]) -> list[VapiPhoneNumber]:
    counters = usage().of_numbers(record.number.id for record in records)
    return [record.shown(counters=counters[record.number.id]) for record in screening().loaded(records)]
