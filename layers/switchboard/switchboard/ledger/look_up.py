"""Calls as their number's owner asks for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from switchboard.calls import record
from switchboard.calls.record import call_from_item
from switchboard.errors import CallNotFound, FieldError, InvalidRequest, TranscriptUnavailable
from switchboard.model.call import Call, Direction, ListedCall, Outcome
from switchboard.store.calls import Place, calls, is_erased, place_of
from switchboard.store.dynamo import Item
from switchboard.store.numbers import numbers
from switchboard.store.sdk import BucketUnavailable
from switchboard.store.transcripts import transcripts

LATEST = 9_999_999_999
"""The last instant that can be asked for, in Unix seconds."""

MOST_LOOKED_AT = 1000
"""Records of one page, whatever is asked of them; so a page costs at most some requests to the table."""

_AT_ONCE = 250
"""Records that one request reads where some will not be shown."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calls: by when they came to be (Unix seconds, since inclusive, until exclusive); None for any."""

    since: int
    until: int
    direction: Direction | None = None
    outcome: Outcome | None = None
    caller: str | None = None

    def fits(self, call: record.Call) -> bool:
        """Whether direction and outcome are the wanted ones."""
        return self.direction in (None, call.direction) and self.outcome in (None, call.outcome)


@dataclass(frozen=True, slots=True)
class CallPage:
    calls: list[ListedCall]
    last: str | None
    """The place to go on after, as text; None on the last page."""


def call_of_number(number_id: str, business: str, call_id: str) -> Call:
    """With what was said, as far as it is kept.

    Raises NumberNotFound, also for another business's number, CallNotFound and TranscriptUnavailable.
    """
    numbers().get(number_id, business)
    item = calls().find(number_id, call_id)
    if item is None or is_erased(item):
        raise CallNotFound(call_id)
    call = call_from_item(item)
    try:
        transcript = transcripts().text(call.transcript_key) if call.transcript_key is not None else call.transcript
    except BucketUnavailable as error:
        raise TranscriptUnavailable from error
    return Call.with_transcript(call, transcript)


def calls_of_number(number_id: str, business: str, wanted: Wanted, limit: int, after: str | None) -> CallPage:
    """A number's calls, the newest first, at most `limit` of at most 1,000 records.

    after: a place that an earlier page gave. Raises NumberNotFound, also for another business's number, and
    InvalidRequest for a range that ends before it begins and a place outside it.
    """
    numbers().get(number_id, business)
    if wanted.until <= wanted.since:
        raise InvalidRequest(FieldError("to", "has to be after from"))
    place = _place(number_id, wanted, after)
    found: list[ListedCall] = []
    last: Place | None = None
    for looked_at, (stands, item) in enumerate(_records(number_id, business, wanted, place, limit)):
        if len(found) == limit or looked_at == MOST_LOOKED_AT:
            return CallPage(found, _text(last))
        last = stands
        if item is None or is_erased(item) or item["numberId"] != number_id:
            continue
        call = call_from_item(item)
        if wanted.fits(call):
            found.append(ListedCall.of(call))
    return CallPage(found, None)


def _records(
    number_id: str, business: str, wanted: Wanted, after: Place | None, limit: int
) -> Iterator[tuple[Place, Item | None]]:
    """What is looked at, and one more."""
    since, until = wanted.since * 1000, wanted.until * 1000
    if wanted.caller is not None:
        return islice(calls().by_caller(business, wanted.caller, since, until, after), MOST_LOOKED_AT + 1)
    at_once = limit + 1 if wanted.direction is None and wanted.outcome is None else _AT_ONCE
    start = None if after is None else (after.called_at, after.call_id)
    items = calls().by_time(number_id, since, until, start, newest_first=True, at_once=at_once)
    return ((place_of(item), item) for item in islice(items, MOST_LOOKED_AT + 1))


def _place(number_id: str, wanted: Wanted, after: str | None) -> Place | None:
    """The place that a page gave. Raises InvalidRequest for one of another list."""
    if after is None:
        return None
    called_at, of_number, call_id = after.split("/")
    place = Place(int(called_at), of_number, call_id)
    is_inside = wanted.since * 1000 <= place.called_at < wanted.until * 1000
    if not is_inside or (wanted.caller is None and of_number != number_id):
        raise InvalidRequest(FieldError("cursor", "is of a list with another range or caller"))
    return place


def _text(place: Place | None) -> str | None:
    return None if place is None else f"{place.called_at}/{place.number_id}/{place.call_id}"
