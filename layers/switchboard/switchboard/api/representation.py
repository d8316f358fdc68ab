"""Numbers as their owner sees them: the record and its counters."""

from collections.abc import Sequence

from switchboard.model.number import VapiPhoneNumber
from switchboard.model.record import NumberRecord
from switchboard.store.usage import usage


def shown(record: NumberRecord, *, told_secret: bool = False) -> VapiPhoneNumber:
    """told_secret: this answer is the one that tells the webhook secret."""
    counters = usage().of_numbers([record.number.id])
    return record.shown(counters=counters[record.number.id], told_secret=told_secret)


def shown_all(records: Sequence[NumberRecord]) -> list[VapiPhoneNumber]:
    counters = usage().of_numbers(record.number.id for record in records)
    return [record.shown(counters=counters[record.number.id]) for record in records]
