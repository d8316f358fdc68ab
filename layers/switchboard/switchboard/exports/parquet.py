"""Rows as a Parquet file. Loads pyarrow, which the worker's own layer carries; nobody else imports this."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from switchboard.calls.rows import Column, Kind, Row

ROWS_OF_A_GROUP = 65_536

_MOST_DIGITS = 28
"""Digits of an amount, as decimals are reckoned here; 4 of them are behind the point."""


class ParquetFile:
    """A file whose footer tells of everything before it, so that nobody but who began it can end it.

    Text columns are strings, instants timestamps in milliseconds with the zone, amounts decimals. Compressed by zstd.
    """

    media_type, extension = "application/vnd.apache.parquet", "parquet"

    def __init__(self, columns: Sequence[Column], timezone: str, rows_of_a_group: int = ROWS_OF_A_GROUP) -> None:
        types = {
            Kind.TEXT: pa.string(),
            Kind.INSTANT: pa.timestamp("ms", tz=timezone),
            Kind.AMOUNT: pa.decimal128(_MOST_DIGITS, 4),
            Kind.FLAG: pa.bool_(),
        }
        self._schema = pa.schema([(column.name, types[column.kind]) for column in columns])
        self._rows_of_a_group = rows_of_a_group
        self._group: list[Any] = []
        self._rows = 0
        self._waiting = bytearray()
        self._writer = parquet.ParquetWriter(_Sink(self._waiting), self._schema, compression="zstd")

    def add(self, rows: Sequence[Row]) -> None:
        if rows:
            values = zip(*rows, strict=True)
            arrays = [pa.array(held, field.type) for held, field in zip(values, self._schema, strict=True)]
            self._group.append(pa.record_batch(arrays, schema=self._schema))
            self._rows += len(rows)
        if self._rows >= self._rows_of_a_group:
            self._end_group()

    def size(self) -> int:
        return len(self._waiting)

    def take(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken

    def rest(self) -> bytes:
        return b""

    def end(self) -> bytes:
        self._end_group()
        self._writer.close()
        return self.take()

    def _end_group(self) -> None:
        if self._group:
            self._writer.write_table(pa.Table.from_batches(self._group, self._schema))
            self._group, self._rows = [], 0


class _Sink:
    """A file that is written to and never read, whose bytes are taken away as it grows."""

    closed = False

    def __init__(self, waiting: bytearray) -> None:
        self._waiting = waiting
        self._written = 0

    def write(self, data: Any) -> int:
        piece = memoryview(data).cast("B")
        self._waiting += piece
        self._written += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._written

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """What waits is still to be taken."""
