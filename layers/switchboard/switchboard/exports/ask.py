"""Asking for an export, and how far it is."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from switchboard.errors import ExportNotFound, IdempotencyKeyReused
from switchboard.exports.record import Asked, export_id, shown
from switchboard.model.export import Export, ExportRequest
from switchboard.store.downloads import Downloads, downloads
from switchboard.store.dynamo import Item
from switchboard.store.exports import Exports, exports
from switchboard.store.numbers import Numbers, numbers
from switchboard.store.queue import ExportQueue, export_queue

WAITED_SECONDS = 20.0
"""How long a request waits for its export; the API's limit is 30 s."""

LOOK_SECONDS = 0.3


@dataclass(frozen=True)
class Asking:
    """clock: Unix seconds. sleep: for so many seconds."""

    numbers: Numbers
    exports: Exports
    queue: ExportQueue
    downloads: Callable[[], Downloads]
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def ask(self, number_id: str, business: str, request: ExportRequest, idempotency_key: str | None) -> Export:
        """The export, ready if it is within 20 s. The same key and request are one export, however often they come.

        Raises NumberNotFound, also for another business's number, and IdempotencyKeyReused.
        """
        phone_number = self.numbers.get(number_id, business).number.phone_number
        now = self.clock()
        asked = Asked(
            export_id=export_id(business, number_id, idempotency_key, int(now * 1000), secrets.token_bytes(10)),
            number_id=number_id,
            business=business,
            phone_number=phone_number,
            request=request.model_dump_json(by_alias=True),
            created=int(now),
        )
        item = self._find(asked) if idempotency_key else None
        if item is None:
            # First the message: if this is where we die, the export is written all the same, and a retry finds it.
            self.queue.send(asked)
            self.exports.add(asked)
        elif Asked.of(item).request != asked.request:
            raise IdempotencyKeyReused
        return self._waited_for(asked)

    def show(self, number_id: str, business: str, export_id: str) -> Export:
        """Raises NumberNotFound, also for another business's number, and ExportNotFound."""
        self.numbers.get(number_id, business)
        item = self.exports.find(number_id, export_id, int(self.clock()))
        if item is None:
            raise ExportNotFound(export_id)
        return self._shown(item)

    def _find(self, asked: Asked) -> Item | None:
        return self.exports.find(asked.number_id, asked.export_id, int(self.clock()))

    def _waited_for(self, asked: Asked) -> Export:
        until = self.clock() + WAITED_SECONDS
        while True:
            item = self._find(asked)
            if item is None:
                raise ExportNotFound(asked.export_id)
            if Asked.of(item).request != asked.request:
                raise IdempotencyKeyReused  # another request with this key came at the same time
            if item["status"] != "running" or self.clock() >= until:
                return self._shown(item)
            self.sleep(LOOK_SECONDS)

    def _shown(self, item: Item) -> Export:
        export = shown(item)
        if export.status != "ready":
            return export
        asked = Asked.of(item)
        return export.shows(*self.downloads().url(asked.key, asked.filename, asked.expires_at))


@lru_cache(maxsize=1)
def asking() -> Asking:
    return Asking(numbers(), exports(), export_queue(), downloads)
