"""The files of exports: each format as its own readers read it, whatever a caller put into a text."""

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from switchboard.calls.rows import COLUMNS, Kind, Row
from switchboard.exports.parquet import ParquetFile
from switchboard.exports.parts import File, TextFile
from switchboard.exports.text import TEXTS, Csv, Json, JsonLines, harmless, iso
from switchboard.model import export

SOME = [COLUMNS[name] for name in ("id", "summary", "createdAt", "cost", "test")]
"""Of each kind."""

NEW_YORK = ZoneInfo("America/New_York")

texts = st.none() | st.text(st.characters(codec="utf-8"), max_size=20)
nasty = st.builds(
    "{}{}{}".format, st.sampled_from(["", "'", "''"]), st.sampled_from("=+-@\t\r\n\",'"), st.text('a=,"\r\n')
)
instants = st.none() | st.integers(0, 253_000_000_000_000)
amounts = st.none() | st.decimals(0, 10**8, places=4)
VALUES = {Kind.TEXT: texts | nasty, Kind.INSTANT: instants, Kind.AMOUNT: amounts, Kind.FLAG: st.booleans()}
rows = st.tuples(*(VALUES[column.kind] for column in SOME))
portions = st.lists(st.lists(rows, max_size=4), max_size=4)


def written(file: File, rows: list[list[Row]], *, take: bool = True) -> list[bytes]:
    """The parts of a file, one for each portion of rows if they are taken, and the last."""
    parts = []
    for portion in rows:
        file.add(portion)
        if take:
            parts.append(file.take())
    return [*parts, file.end()]


def resumed(new: Callable[..., File], portions: list[list[Row]]) -> bytes:
    """The same file, each portion by somebody else, who knows no more than how many rows there are and what waits.

    Every second of them fills a part.
    """
    parts: list[bytes] = []
    waiting, rows = None, 0
    for portion in portions:
        file = new(waiting=waiting, rows=rows)
        file.add(portion)
        rows += len(portion)
        if len(parts) % 2:
            parts.append(file.take())
            waiting = b""
        else:
            waiting = file.rest()
            parts.append(b"")
    return b"".join(parts) + new(waiting=waiting, rows=rows).end()


def plain(value: Any, kind: Kind) -> Any:
    """What a reader of JSON has."""
    if value is None or kind in (Kind.TEXT, Kind.FLAG):
        return value
    return float(value) if kind is Kind.AMOUNT else iso(NEW_YORK)(value)


def objects(rows: list[list[Row]]) -> list[dict[str, Any]]:
    return [
        {column.name: plain(value, column.kind) for column, value in zip(SOME, row, strict=True)}
        for portion in rows
        for row in portion
    ]


def test_the_fields_that_can_be_asked_for_are_the_columns_that_there_are() -> None:
    assert list(get_args(export.FieldName)) == list(COLUMNS)
    assert "transcript" not in COLUMNS


@given(portions)
def test_csv_is_read_by_the_csv_module_cell_for_cell(portions: list[list[Row]]) -> None:
    text = b"".join(written(TextFile(Csv(SOME, NEW_YORK), compress=False), portions)).decode("utf-8-sig")
    head, *read = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert head == ["id", "summary", "createdAt", "cost", "test"]
    spelled = {
        Kind.TEXT: lambda value: harmless(value) or "",
        Kind.INSTANT: lambda value: iso(NEW_YORK)(value) or "",
        Kind.AMOUNT: lambda value: "" if value is None else f"{value:f}",
        Kind.FLAG: lambda value: str(value).lower(),
    }
    expected = [
        [spelled[column.kind](value) for column, value in zip(SOME, row, strict=True)]
        for portion in portions
        for row in portion
    ]
    assert read == expected
    assert not re.search("(?<!\r)\n", text) or any("\n" in cell for row in expected for cell in row)


@given(nasty | texts)
def test_no_cell_is_a_formula_and_each_can_be_had_back(text: str | None) -> None:
    cell = harmless(text)
    if cell is None:
        assert text is None
        return
    assert not cell.startswith(tuple("=+-@\t\r"))
    assert (cell[1:] if re.match(r"'+[=+\-@\t\r]", cell) else cell) == text


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("+14155550100", "'+14155550100"),
        ("=1+1", "'=1+1"),
        ("'=1+1", "''=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2", "'-2"),
        ("\t=1", "'\t=1"),
        ("a=1", "a=1"),
        ("'tis", "'tis"),
        ("", ""),
        (None, None),
    ],
)
def test_what_a_spreadsheet_would_reckon_is_text(text: str | None, cell: str | None) -> None:
    assert harmless(text) == cell


@given(portions)
def test_json_is_one_array_and_a_line_of_jsonl_is_an_object(portions: list[list[Row]]) -> None:
    array = b"".join(written(TextFile(Json(SOME, NEW_YORK), compress=False), portions))
    lines = b"".join(written(TextFile(JsonLines(SOME, NEW_YORK), compress=False), portions))
    assert json.loads(array) == objects(portions)
    assert [json.loads(line) for line in lines.split(b"\n")[:-1]] == objects(portions)
    assert lines[-1:] in (b"", b"\n")


def test_an_amount_in_json_is_its_own_decimal() -> None:
    column = [COLUMNS["cost"]]
    assert JsonLines(column, NEW_YORK).rows([(Decimal("12345.6789"),)], first=True) == '{"cost":12345.6789}\n'


@pytest.mark.parametrize("form", TEXTS)
@pytest.mark.parametrize("compress", [False, True])
@given(portions=portions)
def test_a_file_that_others_go_on_with_is_the_same_file(form: str, compress: bool, portions: list[list[Row]]) -> None:
    def new(**so_far: int) -> File:
        return TextFile(TEXTS[form](SOME, NEW_YORK), compress=compress, **so_far)

    whole = b"".join(written(new(), portions, take=False))
    others = resumed(new, portions)
    if compress:
        whole, others = gzip.decompress(whole), gzip.decompress(others)
    assert others == whole


@given(portions)
def test_each_compressed_part_is_a_member_of_its_own(portions: list[list[Row]]) -> None:
    parts = written(TextFile(Csv(SOME, NEW_YORK), compress=True), portions)
    assert b"".join(map(gzip.decompress, parts)) == gzip.decompress(b"".join(parts))


@given(portions, st.integers(1, 5))
def test_parquet_is_read_by_pyarrow_value_for_value(portions: list[list[Row]], group: int) -> None:
    file = b"".join(written(ParquetFile(SOME, "America/New_York", group), portions))
    table = parquet.read_table(io.BytesIO(file))
    types = {str(field.type) for field in table.schema}
    assert types == {"string", "timestamp[ms, tz=America/New_York]", "decimal128(28, 4)", "bool"}
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    read = [
        tuple(
            (value - epoch) // timedelta(milliseconds=1) if isinstance(value, datetime) else value
            for value in row.values()
        )
        for row in table.to_pylist()
    ]
    assert read == [row for portion in portions for row in portion]


def test_the_offset_is_the_zones_own_at_that_instant() -> None:
    assert iso(NEW_YORK)(1_793_511_000_007) == "2026-11-01T01:30:00.007-04:00"
    assert iso(NEW_YORK)(1_793_514_600_999) == "2026-11-01T01:30:00.999-05:00"
    assert iso(ZoneInfo("Asia/Kathmandu"))(0) == "1970-01-01T05:30:00.000+05:30"
    assert iso(ZoneInfo("UTC"))(None) is None
