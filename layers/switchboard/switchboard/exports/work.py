"""Writing exports: page by page into a file of parts, saved with each part and now and then between two.

Whoever writes an export holds its lease until the very instant at which their function would be ended, so that there
are never two, and nobody has to say that they are alive. What is safe stands in the export's item, and what is less
than a part in an object beside the file, the rest; whoever comes next goes on from there, writes the part that was
under way again, under the same number, and ends with the same file.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from aws_lambda_powertools import Logger

from switchboard.calls.record import Call, call_from_item
from switchboard.calls.rows import COLUMNS, Column, rows_of
from switchboard.exports.parts import File, TextFile
from switchboard.exports.record import Asked
from switchboard.exports.text import TEXTS
from switchboard.model.export import ExportFilters
from switchboard.store.calls import Calls, bulk_calls
from switchboard.store.dynamo import FAILED, Item
from switchboard.store.exports import Claimed, Exports, LeaseHeld, LeaseLost, Progress, exports
from switchboard.store.objects import Objects, UploadGone, objects
from switchboard.store.queue import ExportQueue, export_queue

logger = Logger()

PART_BYTES = 8 * 1024 * 1024
"""S3 takes parts of 5 MiB at least, the last one aside."""

PAGES_UNSAVED = 100
"""How many pages are read between two saves, where they do not fill a part: a few seconds."""

MOST_PARTS = 5_000
"""S3 takes 10,000; the item that holds their ETags, 400 KB."""

MARGIN_MS = 150_000
"""What is left of a function's time when it hands over: a part whose every attempt hangs, and a page likewise."""

SLACK_MS = 2_000
"""By how much two machines' clocks may differ."""

MOST_TRIES = 5
MOST_RESTARTS = 3
PAUSE_SECONDS = 30
"""Before a failure is tried again, and again twice as long."""

_TOO_MANY = "There are too many calls for one Parquet file. Ask for a shorter range, or for jsonl."
_TOO_LARGE = "There are too many calls for one file. Ask for a shorter range."
_GAVE_UP = "It could not be written, though it was tried again and again. Ask for it anew."


class TryAgain(Exception):
    """The work could not be done now. seconds: when it is worth another try."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class _GivenUp(Exception):
    """There will be no file. error: for its owner to read."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True)
class Writer:
    """part_bytes: how large a part is, at least. at_once: calls of one read, else 1 MB. clock: Unix seconds.

    pages_unsaved: how many reads a death costs at most.
    """

    exports: Exports
    calls: Calls
    objects: Objects
    queue: ExportQueue
    part_bytes: int = PART_BYTES
    at_once: int | None = None
    pages_unsaved: int = PAGES_UNSAVED
    clock: Callable[[], float] = time.time

    def write(self, asked: Asked, owner: str, remaining_ms: Callable[[], int]) -> None:
        """Writes an export to its end, or until the time is nearly over and the next is asked to go on.

        owner: nobody else's name; the same one for a message that comes again. Nothing happens to an export that is
        over. Raises TryAgain.
        """
        now = int(self.clock() * 1000)
        try:
            claimed = self.exports.claim(asked, owner, now, now + remaining_ms() + SLACK_MS)
        except LeaseHeld as held:
            raise TryAgain(max(1, (held.until - now) // 1000 + 1)) from None
        if claimed is None:
            return
        try:
            self._go_on(claimed, remaining_ms)
        except LeaseLost:
            logger.warning("lease lost", exportId=asked.export_id)
        except FAILED as failed:
            logger.warning(
                "export not written, to be tried again",
                exportId=asked.export_id,
                error=str(failed),
                tries=claimed.tries,
            )
            self._let_go(claimed)
            raise TryAgain(PAUSE_SECONDS * 2 ** (claimed.tries - 1)) from None

    def bring_again(self, receipt: str, seconds: int) -> None:
        """A message comes again after so many seconds; if SQS fails too, after the queue's own visibility timeout."""
        try:
            self.queue.bring_again(receipt, seconds)
        except FAILED as failed:
            logger.warning("message not put off", error=str(failed))

    def _go_on(self, claimed: Claimed, remaining_ms: Callable[[], int]) -> None:
        run = _Run(self, claimed)
        try:
            is_whole = run.write(remaining_ms)
        except UploadGone:
            run.clear_away()
            self.exports.start_again(claimed)
            raise TryAgain(1) from None
        except _GivenUp as given_up:
            run.clear_away()
            self.exports.fail(claimed, given_up.error)
            return
        if is_whole:
            self.exports.finish(claimed, run.rows)
            return
        # First the message: whoever gets it while the lease is not free yet comes again.
        self.queue.send(claimed.asked, delay_seconds=1)
        self.exports.release(claimed)

    def _let_go(self, claimed: Claimed) -> None:
        try:
            self.exports.release(claimed)
        except (*FAILED, LeaseLost):
            return  # it runs out by itself


class _Run:
    """One function's work on one export. rows: how many the file has so far."""

    def __init__(self, writer: Writer, claimed: Claimed) -> None:
        self.rows = claimed.progress.rows
        self._writer = writer
        self._claimed = claimed
        self._asked = claimed.asked
        self._saved = claimed.progress
        self._upload = claimed.progress.upload

    def write(self, remaining_ms: Callable[[], int]) -> bool:
        """Whether the file is whole; False if the time is nearly over. Raises UploadGone, _GivenUp, LeaseLost."""
        wanted = self._asked.wanted
        if self._claimed.tries > MOST_TRIES or self._claimed.restarts > MOST_RESTARTS:
            raise _GivenUp(_GAVE_UP)
        if wanted.format == "parquet" and self._saved.cursor is not None:
            raise UploadGone  # whoever began it knew what its footer needs
        columns = [COLUMNS[name] for name in wanted.columns()]
        file, row, fits = self._file(columns), rows_of(columns), _fitting(wanted.filters)
        margin = min(MARGIN_MS, remaining_ms() // 2)
        cursor = self._saved.cursor
        start = wanted.from_ * 1000 if cursor is None else cursor + 1
        unsaved = 0
        for page in self._pages(start, wanted.to * 1000):
            rows = [row(call) for call in map(call_from_item, page) if fits(call)]
            file.add(rows)
            self.rows += len(rows)
            unsaved += 1
            is_late = remaining_ms() < margin
            if is_late and wanted.format == "parquet":
                raise _GivenUp(_TOO_MANY)
            if file.size() >= self._writer.part_bytes:
                self._save_part(file, int(page[-1]["calledAt"]))
                unsaved = 0
            elif is_late or unsaved == self._writer.pages_unsaved:
                self._save_rest(file, int(page[-1]["calledAt"]))
                unsaved = 0
            if is_late:
                return False
        self._end(file)
        return True

    def _pages(self, from_ms: int, to_ms: int) -> Iterator[list[Item]]:
        writer = self._writer
        return writer.calls.outlines(self._asked.number_id, from_ms, to_ms, at_once=writer.at_once)

    def clear_away(self) -> None:
        """Removes the parts that were uploaded, and the rest."""
        if self._upload is not None:
            self._writer.objects.abort(self._asked.key, self._upload)
        self._writer.objects.forget(self._asked.rest_key)

    def _file(self, columns: Sequence[Column]) -> File:
        wanted, waiting = self._asked.wanted, self._waiting()
        if wanted.format == "parquet":
            from switchboard.exports.parquet import ParquetFile  # noqa: PLC0415 - a library of 100 MB

            return ParquetFile(columns, wanted.timezone)
        text = TEXTS[wanted.format](columns, ZoneInfo(wanted.timezone))
        return TextFile(text, compress=wanted.compress, rows=self.rows, waiting=waiting)

    def _waiting(self) -> bytes | None:
        """What waits of the file, where somebody has begun it; then the run goes on from there."""
        if not self._saved.rest:
            return None if self._saved.cursor is None else b""
        rest, said = self._writer.objects.kept(self._asked.rest_key)
        self._saved = replace(self._saved, cursor=int(said["cursor"]), rows=int(said["rows"]))
        self.rows = self._saved.rows
        return rest

    def _save_part(self, file: File, cursor: int) -> None:
        """Uploads what waits; then it is safe, up to the call at `cursor`."""
        if len(self._saved.parts) == MOST_PARTS:
            raise _GivenUp(_TOO_LARGE)
        etag = self._uploaded(file, file.take())
        self._saved = Progress(self._upload, (*self._saved.parts, etag), cursor, self.rows)
        self._writer.exports.save(self._claimed, self._saved)

    def _save_rest(self, file: File, cursor: int) -> None:
        """Keeps what waits, and it goes on waiting; then it is safe, up to the call at `cursor`.

        The rest says itself up to where it goes, so that it is replaced and gone on from in one write. Of a file that
        only who began it can end, the cursor tells no more than how far it is.
        """
        rest = file.rest()
        if rest:
            said = {"cursor": str(cursor), "rows": str(self.rows)}
            self._writer.objects.keep(self._asked.rest_key, rest, said)
        self._saved = Progress(self._upload, self._saved.parts, cursor, self.rows, rest=bool(rest))
        self._writer.exports.save(self._claimed, self._saved)

    def _end(self, file: File) -> None:
        last = file.end()
        if self._upload is None:
            self._writer.objects.put(self._asked.key, last, file.media_type)
        else:
            etags = [*self._saved.parts, self._uploaded(file, last)] if last else self._saved.parts
            self._writer.objects.complete(self._asked.key, self._upload, etags)
        self._writer.objects.forget(self._asked.rest_key)

    def _uploaded(self, file: File, part: bytes) -> str:
        objects = self._writer.objects
        if self._upload is None:
            self._upload = objects.begin(self._asked.key, file.media_type)
        return objects.part(self._asked.key, self._upload, len(self._saved.parts) + 1, part)


def _fitting(filters: ExportFilters) -> Callable[[Call], bool]:
    """Whether a call is wanted."""
    direction, outcome, caller = filters.direction, filters.outcome, filters.caller
    return lambda call: (
        (direction is None or call.direction == direction)
        and (outcome is None or call.outcome == outcome)
        and (caller is None or call.customer == caller)
    )


def write_exports(event: Mapping[str, Any], writer: Writer, context: Any) -> dict[str, Any]:
    """Works off messages of the queue; those that could not be done come again when it is worth it.

    context: Lambda's, of this invocation.
    """
    failed = []
    for message in event["Records"]:
        asked = Asked.from_message(message["body"])
        try:
            writer.write(asked, context.aws_request_id, context.get_remaining_time_in_millis)
        except TryAgain as again:
            writer.bring_again(message["receiptHandle"], again.seconds)
            failed.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failed}


@lru_cache(maxsize=1)
def writer() -> Writer:
    return Writer(exports(), bulk_calls(), objects(), export_queue())
