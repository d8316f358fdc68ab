"""The event bus: events in tens, refused entries again, and what was still refused is told to the caller."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.config import Config

from switchboard.events import SOURCE, Event

AT_ONCE = 10
"""Entries of one PutEvents call, EventBridge's limit."""

_TRIES = 3


@dataclass(frozen=True)
class Bus:
    client: Any
    name: str

    def publish(self, events: Sequence[Event]) -> int:
        """Publishes in order; how many of the first events are certainly on the bus.

        PutEvents answers 200 also when it refused entries, so each entry's own verdict is read.
        """
        for start in range(0, len(events), AT_ONCE):
            refused = self._put(list(range(start, min(start + AT_ONCE, len(events)))), events)
            if refused:
                return min(refused)
        return len(events)

    def _put(self, pending: list[int], events: Sequence[Event]) -> list[int]:
        for _ in range(_TRIES):
            answer = self.client.put_events(Entries=[self._entry(events[position]) for position in pending])
            verdicts = zip(pending, answer["Entries"], strict=True)
            pending = [position for position, verdict in verdicts if verdict.get("ErrorCode")]
            if not pending:
                break
        return pending

    def _entry(self, event: Event) -> dict[str, Any]:
        return {
            "EventBusName": self.name,
            "Source": SOURCE,
            "DetailType": event.detail_type,
            "Detail": json.dumps(event.detail, ensure_ascii=False),  # what counts towards EventBridge's limit is UTF-8
            "Time": event.detail["occurredAt"],
        }


@lru_cache(maxsize=1)
def bus() -> Bus:
    config = Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
    return Bus(botocore.session.get_session().create_client("events", config=config), os.environ["EVENT_BUS_NAME"])
