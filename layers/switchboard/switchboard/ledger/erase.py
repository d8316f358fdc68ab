"""One caller taken out of all that a business has: what a data subject may ask for.

A crash at any step leaves only what a repeat finds again. Calls go first: one whose record is found has taken its line
before. Callers' windows go last, since a message that was taken before may still write a window until its call's
receipt says that it was erased.
"""

from switchboard.errors import TranscriptUnavailable
from switchboard.model.erasure import CallerErasure
from switchboard.store.calls import Place
from switchboard.store.dynamo import Deadline, OutOfTime
from switchboard.store.erasure import Erasure, ErasureContended
from switchboard.store.sdk import BucketUnavailable
from switchboard.store.transcripts import Transcripts

_STEP_SECONDS = 1.0
"""No call is begun that might end too late."""


def erase_caller(
    erasure: Erasure, transcripts: Transcripts, business: str, caller: str, at: int, deadline: Deadline
) -> CallerErasure:
    """What was erased, counted; not complete where the time ran out, so that it is to be repeated. at: Unix seconds.

    Raises TranscriptUnavailable.
    """
    erased = {"calls": 0, "transcripts": 0, "windows": 0, "blocked_entries": 0, "allowed_entries": 0}
    complete = False
    try:
        for place in erasure.calls_of(business, caller):
            deadline.must_allow(_STEP_SECONDS)
            calls, texts = _erase_call(erasure, transcripts, business, place)
            erased["calls"] += calls
            erased["transcripts"] += texts
        deadline.must_allow(_STEP_SECONDS)
        numbers = list(erasure.numbers_of(business))
        erasure.forget_on_lines(numbers, caller)
        blocked, allowed = erasure.forget_in_lists(numbers, caller)
        erased |= {"blocked_entries": blocked, "allowed_entries": allowed}
        erased["windows"] = erasure.forget_windows(business, caller)
        complete = True
    except BucketUnavailable as error:
        raise TranscriptUnavailable from error
    except (OutOfTime, ErasureContended):
        pass
    return CallerErasure(phone_number=caller, erased_at=at, complete=complete, **erased)


def _erase_call(erasure: Erasure, transcripts: Transcripts, business: str, place: Place) -> tuple[int, int]:
    """How many calls and transcripts were erased; neither if that was done before."""
    left = erasure.close(place)
    if left is None:
        return 0, 0
    # Whatever the record says: what was said may have been written by a report whose record came too late.
    transcripts.forget(business, place.number_id, place.call_id)
    erasure.forget_in_usage(place, left["expiresAt"])
    return (1, int("hadTranscript" in left)) if erasure.let_go(place) else (0, 0)
