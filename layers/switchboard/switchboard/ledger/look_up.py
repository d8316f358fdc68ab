"""Calls as their number's owner asks for them."""

from switchboard.calls.record import call_from_item
from switchboard.errors import CallNotFound
from switchboard.model.call import Call
from switchboard.store.calls import calls
from switchboard.store.numbers import numbers


def call_of_number(number_id: str, business: str, call_id: str) -> Call:
    """Raises NumberNotFound, also for another business's number, and CallNotFound."""
    numbers().get(number_id, business)
    item = calls().find(number_id, call_id)
    if item is None:
        raise CallNotFound(call_id)
    return Call.of(call_from_item(item))
