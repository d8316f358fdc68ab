"""What follows from a change of the table. Each consumer may see any change again, and late.

There are two, `publish_events` and `tally_usage`, as many readers as a shard of the stream serves without throttling.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger

from switchboard.bus import Bus
from switchboard.calls.record import Call, call_from_item
from switchboard.events import Event, block_events, call_events, number_events, threshold_events
from switchboard.ledger.watch import Changed, Watch
from switchboard.store.calls import is_erased
from switchboard.store.expired import CountContended, Expired
from switchboard.store.lines import Lines
from switchboard.store.stream import Change, changes, expired_blocks, failures
from switchboard.store.thresholds import FiringContended
from switchboard.store.usage import TallyContended, Usage
from switchboard.store.windows import Windows

logger = Logger()

_EVENTS_OF = {
    "NUMBER": number_events,
    "CALL": call_events,
    "BLOCK": block_events,
    "THRESHOLD": threshold_events,
}


def publish_events(event: Mapping[str, Any], bus: Bus) -> dict[str, Any]:
    """Publishes the events of a stream batch; the batch comes again from the first change that is not on the bus.

    Nothing is told of what is left of an erased call.
    """
    events: list[Event] = []
    sequences: list[str] = []
    for change in changes(event):
        if is_erased(change.new):
            continue
        for made in _EVENTS_OF[change.kind](change.old, change.new):
            events.append(made)
            sequences.append(change.sequence)
    published = bus.publish(events)
    logger.info("events", published=published, made=len(events))
    return failures(None if published == len(events) else sequences[published])


def tally_usage(event: Mapping[str, Any], usage: Usage, lines: Lines, windows: Windows) -> dict[str, Any]:
    """What follows from the calls of a stream batch: lines given back, callers' behaviour noted, usage counted.

    The batch comes again from the first call that could not be counted.
    """
    counted = freed = 0
    for change in changes(event):
        if change.kind != "CALL":
            continue
        call = call_from_item(change.new)
        if _may_hold_a_line(call):
            freed += lines.give_back(call.number_id, call.id)
        noted = False
        if change.old is None or (call.is_short and not call_from_item(change.old).is_short):
            noted = windows.note(call)
        try:
            counted += usage.count(change.new, partial(windows.forget, call) if noted else None)
        except TallyContended:
            logger.warning("tally contended", callId=change.new["callId"])
            return failures(change.sequence)
    logger.info("tallied", counted=counted, freed=freed)
    return failures(None)


def watch_thresholds(event: Mapping[str, Any], watch: Watch) -> dict[str, Any]:
    """Usage thresholds that the calls of a counted stream batch have reached, or a change of the number has, fire.

    Calls that were counted before are looked at again: whoever counted them may have failed before looking. The batch
    comes again from the first change of a number whose thresholds could not be written.
    """
    changed: defaultdict[str, Changed] = defaultdict(Changed)
    first: dict[str, str] = {}
    for change in changes(event):
        if change.kind == "CALL":
            call = call_from_item(change.new)
            number_id = call.number_id
            changed[number_id].created.add(call.created_at // 1000)
            if call.started_at is not None and not _had_started(change):
                changed[number_id].started.add(call.started_at // 1000)
        elif change.kind == "NUMBER" and _is_watched_anew(change):
            number_id = change.new["id"]
            changed.setdefault(number_id, Changed())
        else:
            continue
        first.setdefault(number_id, change.sequence)
    try:
        fired = watch.look(changed)
    except FiringContended as contended:
        logger.warning("thresholds contended", numberId=contended.number_id)
        return failures(first[contended.number_id])
    logger.info("thresholds", fired=fired)
    return failures(None)


def uncount_expired_blocks(event: Mapping[str, Any], expired: Expired) -> dict[str, Any]:
    """Counts the blocks of a stream batch that expired no more; it comes again from the first that could not be."""
    for block, sequence in expired_blocks(event):
        try:
            expired.uncount(block)
        except CountContended:
            logger.warning("count of blocks contended", phoneNumberId=block["blockedOn"])
            return failures(sequence)
    return failures(None)


def together(*answers: dict[str, Any]) -> dict[str, Any]:
    """What several consumers of one batch answer: it comes again from the earliest of their failures."""
    return {"batchItemFailures": [failure for answer in answers for failure in answer["batchItemFailures"]]}


def _had_started(change: Change) -> bool:
    """Of a call: that it was taken was known before the change."""
    return change.old is not None and call_from_item(change.old).started_at is not None


def _is_watched_anew(change: Change) -> bool:
    """Of a number: its thresholds are others now, or the zone that their periods are reckoned in."""
    before, now = ((image or {}).get("usageThresholds") for image in (change.old, change.new))
    zones = [((image or {}).get("businessHours") or {}).get("timezone") for image in (change.old, change.new)]
    return bool(now) and (before != now or zones[0] != zones[1])


def _may_hold_a_line(call: Call) -> bool:
    """Of a call that is over. Its decision says whether the number had lines; one that was not written may have."""
    had_lines = call.decision is None or "line" in call.decision
    return call.direction == "inbound" and call.status == "ended" and had_lines
