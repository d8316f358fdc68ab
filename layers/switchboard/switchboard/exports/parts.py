"""A file that is written in parts, from rows that come in portions. Memory holds one part and one portion at most."""

import zlib
from collections.abc import Sequence
from typing import Protocol

from switchboard.calls.rows import Row
from switchboard.exports.text import Text

_GZIP = 16 + zlib.MAX_WBITS
"""zlib's word for a gzip member with its head and check sum."""


class File(Protocol):
    """What rows become. Whatever was taken, in order, and then the end make up the whole file."""

    media_type: str
    extension: str

    def add(self, rows: Sequence[Row]) -> None:
        """Some more rows."""

    def size(self) -> int:
        """Bytes that wait to be taken, or at least how many."""

    def take(self) -> bytes:
        """What waits, as the next part."""

    def rest(self) -> bytes:
        """What waits, and goes on waiting: with it whoever comes next makes the same part; empty where nobody can."""

    def end(self) -> bytes:
        """The last part; it may be empty."""


class TextFile:
    """Text that can be gone on with by whoever knows how many rows it has so far, and what of it waits.

    compress: each part is one gzip member or several, and gzip's members in a row are one file. waiting: the rest of
    a file that others began; None for a new one.
    """

    def __init__(self, text: Text, *, compress: bool, rows: int = 0, waiting: bytes | None = None) -> None:
        self.media_type = "application/gzip" if compress else text.media_type
        self.extension = f"{text.extension}.gz" if compress else text.extension
        self._text = text
        self._compress = compress
        self._member = self._new_member()
        self._waiting = bytearray(waiting or b"")
        self._rows = rows
        if waiting is None:
            self._write(text.head())

    def add(self, rows: Sequence[Row]) -> None:
        if rows:
            self._write(self._text.rows(rows, first=self._rows == 0))
            self._rows += len(rows)

    def size(self) -> int:
        return len(self._waiting)

    def take(self) -> bytes:
        taken = self.rest()
        self._waiting.clear()
        return taken

    def rest(self) -> bytes:
        if self._member is not None:
            self._waiting += self._member.flush()
            self._member = self._new_member()
        return bytes(self._waiting)

    def end(self) -> bytes:
        self._write(self._text.tail())
        return self.take()

    def _write(self, text: str) -> None:
        spelled = text.encode()
        self._waiting += spelled if self._member is None else self._member.compress(spelled)

    def _new_member(self) -> "zlib._Compress | None":
        return zlib.compressobj(wbits=_GZIP) if self._compress else None
