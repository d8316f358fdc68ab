"""Rows as text: CSV (RFC 4180), one JSON array, or a JSON object a line. Pure; the pieces of a file add up to it."""

import csv
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from switchboard.calls.rows import Column, Kind, Row

_LIKE_A_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""A cell that a spreadsheet would reckon, or one that looks like it with apostrophes before it."""

_BOM = "\ufeff"
"""Without it Excel takes UTF-8 for something else."""


class Text(Protocol):
    """How rows are spelled. The file is the head, then rows in one go or in several, then the tail."""

    media_type: str
    extension: str

    def head(self) -> str:
        """What stands before the rows."""

    def rows(self, rows: Sequence[Row], *, first: bool) -> str:
        """Some rows, at least one. first: no row has come before."""

    def tail(self) -> str:
        """What stands after the rows."""


def iso(zone: ZoneInfo) -> Callable[[int | None], str | None]:
    """Unix milliseconds as ISO 8601 in a zone, with its offset then: 2026-11-01T01:30:00.123-04:00."""

    def of(instant_ms: int | None) -> str | None:
        if instant_ms is None:
            return None
        seconds, thousandths = divmod(instant_ms, 1000)
        return (
            datetime.fromtimestamp(seconds, zone).replace(microsecond=thousandths * 1000).isoformat("T", "milliseconds")
        )

    return of


def harmless(cell: str | None) -> str | None:
    """A text that no spreadsheet takes for a formula, or a phone number for a sum.

    Reversible: whoever reads the file takes one apostrophe off each cell that matches '+[=+-@ TAB CR].
    """
    if cell and _LIKE_A_FORMULA.match(cell):
        return f"'{cell}"
    return cell


class Csv:
    """UTF-8 with a byte order mark and a header; nothing known is an empty cell, amounts are plain decimals."""

    media_type, extension = "text/csv; charset=utf-8", "csv"

    def __init__(self, columns: Sequence[Column], zone: ZoneInfo) -> None:
        spelled: dict[Kind, Callable[[Any], str | None]] = {
            Kind.TEXT: harmless,
            Kind.INSTANT: iso(zone),
            Kind.AMOUNT: lambda amount: None if amount is None else f"{amount:f}",
            Kind.FLAG: lambda flag: "true" if flag else "false",
        }
        self._names = [column.name for column in columns]
        self._ways = [spelled[column.kind] for column in columns]

    def head(self) -> str:
        return _BOM + _lines([self._names])

    def rows(self, rows: Sequence[Row], *, first: bool) -> str:  # noqa: ARG002 - rows are told apart by their ends
        ways = self._ways
        return _lines([[way(value) for way, value in zip(ways, row, strict=True)] for row in rows])

    def tail(self) -> str:
        return ""


def _lines(rows: Sequence[Sequence[str | None]]) -> str:
    written: list[str] = []
    csv.writer(_Sink(written.append)).writerows(rows)
    return "".join(written)


@dataclass(frozen=True, slots=True)
class _Sink:
    """What csv.writer writes to."""

    write: Callable[[str], object]


class JsonLines:
    """An object a line."""

    media_type, extension = "application/x-ndjson", "jsonl"

    def __init__(self, columns: Sequence[Column], zone: ZoneInfo) -> None:
        spelled: dict[Kind, Callable[[Any], Any] | None] = {
            Kind.TEXT: None,
            Kind.INSTANT: iso(zone),
            # A float is spelled by the shortest decimal that is it: the amount's own, of which 4 places are kept.
            Kind.AMOUNT: lambda amount: None if amount is None else float(amount),
            Kind.FLAG: bool,
        }
        self._names = [column.name for column in columns]
        self._ways = [(at, way) for at, column in enumerate(columns) if (way := spelled[column.kind]) is not None]
        self._spell = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

    def head(self) -> str:
        return ""

    def rows(self, rows: Sequence[Row], *, first: bool) -> str:  # noqa: ARG002 - rows are told apart by their ends
        return "".join([f"{spelled}\n" for spelled in self.objects(rows)])

    def tail(self) -> str:
        return ""

    def objects(self, rows: Sequence[Row]) -> list[str]:
        """Each row as a JSON object."""
        names, spell = self._names, self._spell
        spelled = []
        for row in rows:
            values = list(row)
            for at, way in self._ways:
                values[at] = way(values[at])
            spelled.append(spell(dict(zip(names, values, strict=True))))
        return spelled


class Json:
    """One array of objects, each on a line."""

    media_type, extension = "application/json", "json"

    def __init__(self, columns: Sequence[Column], zone: ZoneInfo) -> None:
        self._lines = JsonLines(columns, zone)

    def head(self) -> str:
        return "["

    def rows(self, rows: Sequence[Row], *, first: bool) -> str:
        return ("\n" if first else ",\n") + ",\n".join(self._lines.objects(rows))

    def tail(self) -> str:
        return "\n]\n"


TEXTS: dict[str, type[Csv | Json | JsonLines]] = {"csv": Csv, "json": Json, "jsonl": JsonLines}
"""By an export's format."""
