"""The plain way: all pages in a list, csv.DictWriter into a file, upload_file. Its rows hold the same."""

import csv
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key

from switchboard.calls.record import call_from_item
from switchboard.calls.rows import COLUMNS, Kind
from tests.bench.export_cases import asked


def export(calls: int) -> None:
    wanted = asked(calls)
    since, until = wanted.wanted.from_ * 1000, wanted.wanted.to * 1000 - 1
    question: dict[str, Any] = {
        "IndexName": "calls-by-time",
        "KeyConditionExpression": Key("callsOf").eq(wanted.number_id) & Key("calledAt").between(since, until),
    }
    table = boto3.resource("dynamodb").Table("table")
    items: list[Any] = []
    while True:
        answer = table.query(**question)
        items += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            break
        question["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8-sig") as file:
        lines = csv.DictWriter(file, fieldnames=list(COLUMNS))
        lines.writeheader()
        for item in items:
            call = call_from_item(item)
            row = {name: column.of(call) for name, column in COLUMNS.items()}
            for name, column in COLUMNS.items():
                if column.kind is Kind.INSTANT and row[name] is not None:
                    row[name] = datetime.fromtimestamp(row[name] / 1000, UTC).isoformat()
            lines.writerow(row)
        file.flush()
        assert Path(file.name).stat().st_size > calls * 100
        boto3.client("s3").upload_file(file.name, "bucket", wanted.key)
