"""What follows from a change of the table: events on the bus, and usage. Each may see any change again, and late."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from switchboard.bus import Bus
from switchboard.events import Event, call_events, number_events
from switchboard.store.stream import changes, failures
from switchboard.store.usage import TallyContended, Usage

logger = Logger()

_EVENTS_OF = {"NUMBER": number_events, "CALL": call_events}


def publish_events(event: Mapping[str, Any], bus: Bus) -> dict[str, Any]:
    """Publishes the events of a stream batch; the batch comes again from the first change that is not on the bus."""
    events: list[Event] = []
    sequences: list[str] = []
    for change in changes(event):
        for made in _EVENTS_OF[change.kind](change.old, change.new):
            events.append(made)
            sequences.append(change.sequence)
    published = bus.publish(events)
    logger.info("events", published=published, made=len(events))
    return failures(None if published == len(events) else sequences[published])


def tally_usage(event: Mapping[str, Any], usage: Usage) -> dict[str, Any]:
    """Counts the calls of a stream batch; the batch comes again from the first that could not be counted."""
    counted = 0
    for change in changes(event):
        try:
            counted += usage.count(change.new)
        except TallyContended:
            logger.warning("tally contended", callId=change.new["callId"])
            return failures(change.sequence)
    logger.info("tallied", counted=counted)
    return failures(None)
