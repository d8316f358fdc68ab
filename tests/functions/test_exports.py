"""Exports: asked for over HTTP, written by the worker, interrupted anywhere, and read back by others' readers."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import polars as pl
import pytest
from botocore.exceptions import EndpointConnectionError
from moto.s3 import models
from pyarrow import parquet

from local.eventually import eventually
from switchboard.calls.kinds import Kind
from switchboard.calls.messages import Fact
from switchboard.errors import IdempotencyKeyReused
from switchboard.exports.ask import asking
from switchboard.exports.work import MOST_RESTARTS, MOST_TRIES, Writer, write_exports, writer
from switchboard.model.export import ExportRequest
from switchboard.store import dynamo
from switchboard.store.calls import calls
from switchboard.store.objects import objects
from switchboard.store.queue import export_queue
from tests.functions.conftest import BUCKET, REGION, Deployment
from tests.functions.outside import Killed, dies, outside
from tests.functions.ringing import CALLER, T, ends, rings
from tests.support.invoking import Answer, Context, invoke

OTHER, NEEDLE = "+12025550187", "+12025550155"
FROM, TO = T // 1000 - 60, T // 1000 + 3600
NASTY = '=HYPERLINK("http://x"),\r\n"quoted", \u00e9\U0001f600'
AWAY = 1_000.0
"""Seconds after which whoever died holds no lease any more."""

_owners = count()


@pytest.fixture
def number(aws: Deployment) -> dict[str, Any]:
    return aws.bought()


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 takes parts of 5 MiB at least; here it takes any. And as S3 does, it takes none of an upload that is over."""
    monkeypatch.setattr(models, "S3_UPLOAD_PART_MIN_SIZE", 1)
    take = models.S3Backend.upload_part

    def upload_part(bucket: Any, bucket_name: str, multipart_id: str, part_id: int, value: bytes) -> Any:
        if multipart_id not in bucket.get_bucket(bucket_name).multiparts:
            raise models.NoSuchUpload(upload_id=multipart_id)
        return take(bucket, bucket_name, multipart_id, part_id, value)

    monkeypatch.setattr(models.S3Backend, "upload_part", upload_part)


def happened(number: dict[str, Any], call_id: str, at: int = T, **facts: Any) -> None:
    """A call that is over, as its decision and report tell of it. at: Unix milliseconds."""
    told = {"createdAt": at, "direction": "inbound", "customer": CALLER, "ours": number["phoneNumber"]}
    told |= {"reason": "customer-ended-call", "startedAt": at + 1_500, "endedAt": at + 63_750} | facts
    told = {name: value for name, value in told.items() if value is not None}
    trace = [{"step": "default", "outcome": "decided"}]
    decided = {"createdAt": at, "action": "assistant", "reason": "default", "id": "a1", "trace": trace}
    where = number["id"], number["business"]
    if told["direction"] == "inbound":
        assert calls().record(*where, Fact(call_id, Kind.DECISION, at + 100, decided))
    assert calls().record(*where, Fact(call_id, Kind.REPORT, at + 65_000, told))


def history(number: dict[str, Any], size: int = 23) -> None:
    """Calls of all sorts; some came to be in the same millisecond."""
    for position in range(size):
        at = T + position // 3 * 1_234
        sorts: tuple[dict[str, Any], ...] = (
            {"cost": Decimal("12.3456"), "summary": NASTY},
            {"direction": "outbound", "customer": OTHER, "assistantId": "a2"},
            {"customer": None, "startedAt": None, "reason": "customer-did-not-answer"},
            {"recordingUrl": "https://vapi.example/r.wav", "test": True},
        )
        happened(number, f"call-{position * 7 % size:03d}", at, **sorts[position % len(sorts)])


def ask(aws: Deployment, number: dict[str, Any], key: str | None = None, business: str = "acme", **body: Any) -> Answer:
    wanted = {"from": FROM, "to": TO, "format": "jsonl", **body}
    headers = {} if key is None else {"Idempotency-Key": key}
    return aws.api("POST", f"/phone-numbers/{number['id']}/exports", business, body=wanted, headers=headers)


def look(aws: Deployment, number: dict[str, Any], export: dict[str, Any], business: str = "acme") -> Answer:
    return aws.api("GET", f"/phone-numbers/{number['id']}/exports/{export['exportId']}", business)


def messages() -> Iterator[dict[str, Any]]:
    """What the queue holds, as Lambda brings it: whatever is still hidden too."""
    sqs = boto3.client("sqs", region_name=REGION)
    url = export_queue().url
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1).get("Messages"):
        for message in found:
            yield {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
            }


def asked_by(queue_message: dict[str, Any]) -> dict[str, Any]:
    return {"Records": [queue_message]}


def a_context(remaining: Callable[[], int] = lambda: 900_000) -> Context:
    """Of another invocation, with so many milliseconds left."""

    class Another(Context):
        def get_remaining_time_in_millis(self) -> int:
            return remaining()

    return Another(aws_request_id=f"request-{next(_owners)}")


def time_for(pages: int) -> Context:
    """Of an invocation that reads so many pages: beside each, the claim and the margin ask how much time is left."""
    asked = count()
    return a_context(lambda: 900_000 if next(asked) < pages + 1 else 1_000)


def later(of: Writer, seconds: float = AWAY) -> Writer:
    return replace(of, clock=lambda: of.clock() + seconds)


def in_small_parts(wanted: Mapping[str, Any]) -> Writer:
    """A part for about each page of four calls. Compression holds back what it has until the part is taken."""
    holds_back = wanted.get("compress") or wanted.get("format") == "parquet"
    return replace(writer(), part_bytes=4 if holds_back else 500, at_once=4)


def work(of: Writer | None = None, context: Context | None = None) -> int:
    """Everything that is asked for is written; how many messages could not be worked off."""
    sqs = boto3.client("sqs", region_name=REGION)
    failed = 0
    for message in messages():
        answer = write_exports(asked_by(message), of or writer(), context or a_context())
        failed += len(answer["batchItemFailures"])
        if not answer["batchItemFailures"]:
            sqs.delete_message(QueueUrl=export_queue().url, ReceiptHandle=message["receiptHandle"])
    return failed


def stored(export: dict[str, Any]) -> list[bytes]:
    """The bucket's objects of an export."""
    s3 = boto3.client("s3", region_name=REGION)
    found = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    return [s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in found if export["exportId"] in key]


def open_uploads() -> list[str]:
    found = boto3.client("s3", region_name=REGION).list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    return [each["UploadId"] for each in found]


def file_of(aws: Deployment, number: dict[str, Any], of: Writer | None = None, **body: Any) -> bytes:
    """The file of a new export."""
    export = ask(aws, number, **body).body
    assert work(of) == 0
    done = look(aws, number, export).body
    assert (done["status"], done["percent"]) == ("ready", 100)
    (file,) = stored(export)
    return file


def ledger(aws: Deployment, number: dict[str, Any]) -> list[dict[str, Any]]:
    """The number's calls as GET shows each, in the order of an export, in its columns, with their instants in ms."""
    rows = []
    for item in aws.items(f"NUMBER#{number['id']}"):
        if not item["SK"].startswith("CALL#"):
            continue
        call = aws.api("GET", f"/phone-numbers/{number['id']}/calls/{item['callId']}").body
        decision = call.pop("decision") or {}
        assistant = {"outbound": item["report"].get("assistantId"), "inbound": decision.get("id")}
        row = {name: value for name, value in call.items() if name not in ("transcript", "costs")}
        row |= {name: decision.get(name) for name in ("reason", "action", "ruleId")}
        row["assistantId"] = assistant[call["direction"]]
        kept = item["report"]
        row["createdAt"] = kept["createdAt"]
        row["startedAt"], row["endedAt"] = kept.get("startedAt"), kept.get("endedAt")
        rows.append(row)
    return sorted(rows, key=lambda row: (row["createdAt"], row["id"]))


def instant(text: str | None) -> int | None:
    """Milliseconds of an ISO 8601 text."""
    if not text:
        return None
    since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


INSTANTS = ("createdAt", "startedAt", "endedAt")


def by_json(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {name: instant(row[name]) for name in INSTANTS} for row in rows]


def by_csv(text: str) -> list[dict[str, Any]]:
    """What the csv module reads."""
    return by_cells(csv.DictReader(io.StringIO(text, newline="")))


def by_cells(lines: Iterable[Mapping[str, str | None]]) -> list[dict[str, Any]]:
    """Cells as values, with the one apostrophe taken off that says: this is text."""
    found = []
    for cells in lines:
        row: dict[str, Any] = {name: cell or None for name, cell in cells.items()}
        for name, cell in row.items():
            if cell is not None and cell.startswith("'") and cell.lstrip("'").startswith(tuple("=+-@\t\r")):
                row[name] = cell[1:]
        row |= {name: instant(row[name]) for name in INSTANTS}
        row |= {name: float(row[name] or 0) for name in ("duration", "cost")}
        row["test"] = {"true": True, "false": False}[row["test"]]
        found.append(row)
    return found


def by_pyarrow(file: bytes) -> list[dict[str, Any]]:
    return by_values(parquet.read_table(io.BytesIO(file)).to_pylist())


def by_values(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Instants are aware datetimes, amounts decimals."""
    found = []
    for row in rows:
        instants = {name: instant(row[name].isoformat()) if row[name] else None for name in INSTANTS}
        found.append({**row} | instants | {name: float(row[name]) for name in ("duration", "cost")})
    return found


READERS: dict[tuple[str, bool], Callable[[bytes], list[dict[str, Any]]]] = {
    ("csv", False): lambda file: by_csv(file.decode("utf-8-sig")),
    ("csv", True): lambda file: by_csv(gzip.decompress(file).decode("utf-8-sig")),
    ("json", False): lambda file: by_json(json.loads(file)),
    ("json", True): lambda file: by_json(json.loads(gzip.decompress(file))),
    ("jsonl", False): lambda file: by_json([json.loads(line) for line in file.splitlines()]),
    ("jsonl", True): lambda file: by_json([json.loads(line) for line in gzip.decompress(file).splitlines()]),
    ("parquet", False): by_pyarrow,
}


POLARS: dict[str, Callable[[bytes], list[dict[str, Any]]]] = {
    "csv": lambda file: by_cells(pl.read_csv(file, infer_schema=False).to_dicts()),
    "jsonl": lambda file: by_json(pl.read_ndjson(file, infer_schema_length=None).to_dicts()),
    "parquet": lambda file: by_values(pl.read_parquet(file, use_pyarrow=False).to_dicts()),
}
"""A reader that shares nothing with what writes: all of it is Rust's."""


@pytest.mark.usefixtures("small_parts")
def test_another_makers_reader_finds_row_for_row_what_the_ledger_shows(aws: Deployment, number: dict[str, Any]) -> None:
    history(number)
    rings(aws, number, "live")
    ends(aws, number, "live")
    rows = ledger(aws, number)
    for form, read in POLARS.items():
        wanted = {"format": form, "timezone": "America/New_York"}
        assert read(file_of(aws, number, in_small_parts(wanted), **wanted)) == rows, form


@pytest.mark.parametrize("parts", ["one", "several"])
@pytest.mark.usefixtures("small_parts")
def test_an_export_is_row_for_row_what_the_ledger_shows(aws: Deployment, number: dict[str, Any], parts: str) -> None:
    history(number)
    rings(aws, number, "live")
    ends(aws, number, "live")
    rows = ledger(aws, number)
    assert len(rows) == 24
    for (form, compress), read in READERS.items():
        wanted = {"format": form, "compress": compress, "timezone": "America/New_York"}
        file = file_of(aws, number, writer() if parts == "one" else in_small_parts(wanted), **wanted)
        assert read(file) == rows, (form, compress)


def test_of_a_number_without_calls_there_is_an_empty_file(aws: Deployment, number: dict[str, Any]) -> None:
    assert json.loads(file_of(aws, number, format="json")) == []
    assert file_of(aws, number, format="jsonl") == b""
    assert gzip.decompress(file_of(aws, number, format="jsonl", compress=True)) == b""
    assert by_pyarrow(file_of(aws, number, format="parquet")) == []
    fields = {"format": "csv", "fields": ["caller", "id"]}
    assert file_of(aws, number, **fields) == b"\xef\xbb\xbfcaller,id\r\n"


def test_from_is_inclusive_and_to_exclusive(aws: Deployment, number: dict[str, Any]) -> None:
    for position, at in enumerate((T - 1, T, T + 1999, T + 2000)):
        happened(number, f"c{position}", at)
    file = file_of(aws, number, **{"from": T // 1000, "to": T // 1000 + 2}, fields=["id"])
    assert file == b'{"id":"c1"}\n{"id":"c2"}\n'


def test_all_filters_must_hold(aws: Deployment, number: dict[str, Any]) -> None:
    history(number)
    rows = ledger(aws, number)
    for filters, wanted in (
        ({"direction": "outbound"}, [row for row in rows if row["direction"] == "outbound"]),
        ({"outcome": "missed"}, [row for row in rows if row["outcome"] == "missed"]),
        ({"caller": OTHER}, [row for row in rows if row["called"] == OTHER]),
        ({"caller": CALLER, "outcome": "answered"}, [row for row in rows if row["caller"] == CALLER]),
        ({"caller": OTHER, "direction": "inbound"}, []),
    ):
        file = file_of(aws, number, filters=filters)
        assert READERS["jsonl", False](file) == wanted


def test_times_are_told_in_the_zone_that_was_asked_for(aws: Deployment, number: dict[str, Any]) -> None:
    happened(number, "c1", 1_793_511_000_007)
    range_ = {"from": 1_793_510_000, "to": 1_793_512_000}
    file = file_of(aws, number, **range_, format="csv", fields=["createdAt"], timezone="America/New_York")
    assert file.decode("utf-8-sig").splitlines()[1] == "2026-11-01T01:30:00.007-04:00"


def test_a_wrong_request_is_refused_by_its_fields(aws: Deployment, number: dict[str, Any]) -> None:
    for wrong, path in (
        ({"to": FROM}, "to"),
        ({"to": FROM + 400 * 86_400 + 1}, "to"),
        ({"from": -1}, "from"),
        ({"from": True}, "from"),
        ({"to": str(TO)}, "to"),
        ({"format": "xlsx"}, "format"),
        ({"fields": ["id", "transcript"]}, "fields.1"),
        ({"fields": ["id", "id"]}, "fields"),
        ({"fields": []}, "fields"),
        ({"filters": {"caller": "anonymous"}}, "filters.caller"),
        ({"filters": {"from": 1}}, "filters.from"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"format": "parquet", "compress": True}, "compress"),
        ({"page": 1}, "page"),
    ):
        answer = ask(aws, number, **wrong)
        assert (answer.status, [error["path"] for error in answer.body["errors"]]) == (422, [path]), wrong
    assert list(messages()) == []


def test_another_businesss_export_does_not_exist(aws: Deployment, number: dict[str, Any]) -> None:
    assert ask(aws, number, business="globex").status == 404
    export = ask(aws, number).body
    assert look(aws, number, export, business="globex").body["code"] == "number_not_found"
    assert look(aws, aws.bought(), export).body["code"] == "export_not_found"


def test_an_export_that_has_expired_is_gone_before_it_is_removed(aws: Deployment, number: dict[str, Any]) -> None:
    export = ask(aws, number).body
    key = {"PK": f"NUMBER#{number['id']}", "SK": f"EXPORT#{export['exportId']}"}
    change = {"UpdateExpression": "SET expiresAt = :now", "ExpressionAttributeValues": {":now": export["created"]}}
    aws.table.update_item(Key=key, **change)
    assert look(aws, number, export).body["code"] == "export_not_found"


def test_an_export_that_is_under_way_is_accepted_and_can_be_asked_for(aws: Deployment, number: dict[str, Any]) -> None:
    happened(number, "c1")
    answer = ask(aws, number)
    path = f"/phone-numbers/{number['id']}/exports/{answer.body['exportId']}"
    assert (answer.status, answer.headers["location"]) == (202, path)
    assert (answer.body["status"], answer.body["percent"], answer.body["url"]) == ("running", 0, None)
    for message in messages():
        assert invoke("write_exports", asked_by(message)) == {"batchItemFailures": []}
    done = look(aws, number, answer.body).body
    assert (done["status"], done["rows"], done["percent"], done["error"]) == ("ready", 1, 100, None)


def test_sqs_is_told_whose_export_a_message_is_of(aws: Deployment, number: dict[str, Any]) -> None:
    """By that it lets other businesses' exports go before those of one that keeps the workers busy."""
    history(number, FEW)
    case = interrupted(aws, number)
    assert case.write(replace(writer(), at_once=4), time_for(pages=2)), "it hands over by a message of its own"
    ask(aws, number)
    ask(aws, aws.bought("globex"), business="globex")
    sqs = boto3.client("sqs", region_name=REGION)
    groups: dict[str, list[str | None]] = {}

    def all_of_them() -> bool:
        found = sqs.receive_message(
            QueueUrl=export_queue().url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["MessageGroupId"]
        )
        for message in found.get("Messages", []):
            business = json.loads(message["Body"])["business"]
            groups.setdefault(business, []).append(message.get("Attributes", {}).get("MessageGroupId"))
        return {business: len(found) for business, found in groups.items()} == {"acme": 2, "globex": 1}

    eventually(all_of_them, what="the messages of both")
    assert len({*groups["acme"]}) == 1
    assert {*groups["acme"]}.isdisjoint(groups["globex"])
    assert None not in groups["acme"] + groups["globex"]


def test_a_request_waits_for_its_export(
    aws: Deployment, number: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchboard.exports.ask.WAITED_SECONDS", 60.0)
    request = ExportRequest.model_validate({"from": FROM, "to": TO, "format": "csv"})
    patient = replace(asking(), sleep=lambda _: work())
    assert patient.ask(number["id"], "acme", request, None).status == "ready"
    assert aws.items(f"NUMBER#{number['id']}")


def test_the_url_is_signed_for_that_file_alone_and_says_how_long_it_is_good(
    aws: Deployment, number: dict[str, Any]
) -> None:
    export = ask(aws, number, format="csv", compress=True).body
    work()
    done = look(aws, number, export).body
    url = urlsplit(done["url"])
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert url.path.endswith(f"/exports/acme/{number['id']}/{export['exportId']}.csv.gz")
    signed = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%S%z").timestamp()
    assert 3_000 <= int(query["X-Amz-Expires"]) <= 3_600
    assert abs(signed + int(query["X-Amz-Expires"]) - done["expiresAt"]) <= 1
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    name = f"calls-{number['phoneNumber']}-2026-08-04-2026-08-04.csv.gz"
    assert query["response-content-disposition"] == f'attachment; filename="{name}"'


def test_the_same_key_and_request_are_one_export_and_another_request_is_refused(
    aws: Deployment, number: dict[str, Any]
) -> None:
    first = ask(aws, number, "k1").body
    assert ask(aws, number, "k1").body["exportId"] == first["exportId"]
    work()
    again = ask(aws, number, "k1")
    assert (again.status, again.body["exportId"], again.body["status"]) == (200, first["exportId"], "ready")
    assert ask(aws, number, "k1", format="csv").body["code"] == "idempotency_key_reused"
    assert ask(aws, number, "k2").body["exportId"] != first["exportId"]
    assert ask(aws, aws.bought(), "k1").body["exportId"] != first["exportId"]


def test_a_request_that_dies_anywhere_leaves_an_export_that_a_retry_finds(
    aws: Deployment, number: dict[str, Any]
) -> None:
    happened(number, "c1")
    clients = (export_queue().client,)
    with outside(more=clients) as taken:
        ask(aws, number, "k0")
    for at in range(len(taken)):
        with suppress(Killed), outside(at, dies, more=clients):
            ask(aws, number, f"k{at + 1}")
        work()
        again = ask(aws, number, f"k{at + 1}")
        if again.body["status"] == "running":
            work()
        assert look(aws, number, again.body).body["rows"] == 1


def test_two_requests_with_one_key_at_the_same_time_are_one_export(aws: Deployment, number: dict[str, Any]) -> None:
    clients = (export_queue().client,)
    csv_ = ExportRequest.model_validate({"from": FROM, "to": TO, "format": "csv"})
    json_ = ExportRequest.model_validate({"from": FROM, "to": TO, "format": "json"})
    with outside(more=clients) as taken:
        asking().ask(number["id"], "acme", csv_, "k")
    for at in range(len(taken)):
        first: list[Any] = []

        def another(at: int = at, first: list[Any] = first) -> None:
            first.append(asking().ask(number["id"], "acme", json_, f"k{at}"))

        with outside(at, another, more=clients):
            if at < len(taken) - 1:
                with pytest.raises(IdempotencyKeyReused):
                    asking().ask(number["id"], "acme", csv_, f"k{at}")
        work()
    assert aws.items()


# ---- the worker, interrupted ---------------------------------------------------------------------------------------

FEW = 13
IN_ORDER = [call_id for _, call_id in sorted((at // 3, f"call-{at * 7 % FEW:03d}") for at in range(FEW))]
"""The ids of a history of so many calls."""


@dataclass
class Interrupted:
    """An export that is asked for and not written, of a number with a history."""

    aws: Deployment
    number: dict[str, Any]
    wanted: dict[str, Any]
    export: dict[str, Any]
    message: dict[str, Any]

    def write(self, of: Writer, context: Context | None = None) -> bool:
        """Whether the message was worked off."""
        return write_exports(asked_by(self.message), of, context or a_context()) == {"batchItemFailures": []}

    def assert_whole(self, ids: Sequence[str] = IN_ORDER) -> None:
        """The file holds each call once, nothing else of the export is left, and its item says how many."""
        done = look(self.aws, self.number, self.export).body
        assert (done["status"], done["rows"]) == ("ready", len(ids)), done
        (file,) = stored(self.export)
        read = READERS[self.wanted.get("format", "jsonl"), self.wanted.get("compress", False)](file)
        assert [row["id"] for row in read] == list(ids)

    def is_over(self) -> bool:
        """Asks past the interrupted clients."""
        key = {"PK": f"NUMBER#{self.number['id']}", "SK": f"EXPORT#{self.export['exportId']}"}
        return bool(self.aws.table.get_item(Key=key)["Item"]["status"] != "running")

    def hand_on(self, of: Writer, since: float = 0) -> int:
        """Workers with time for two pages each, one after the other, until it is over; how many there were.

        since: seconds from now.
        """
        for turn in range(30):
            if self.is_over():
                return turn
            self.write(later(of, since + turn * AWAY), time_for(pages=2))
        raise AssertionError("it never ends")


def interrupted(aws: Deployment, number: dict[str, Any], **wanted: Any) -> Interrupted:
    export = ask(aws, number, **wanted).body
    (message,) = (each for each in messages() if export["exportId"] in each["body"])
    return Interrupted(aws, number, wanted, export, message)


def clients() -> tuple[Any, ...]:
    return dynamo.bulk_table().client, objects().client, export_queue().client


RESUMED = [{"format": "csv"}, {"format": "json"}, {"format": "jsonl", "compress": True}, {"format": "parquet"}]


@pytest.mark.parametrize("wanted", RESUMED, ids=["csv", "json", "jsonl.gz", "parquet"])
@pytest.mark.usefixtures("small_parts")
def test_a_worker_that_dies_anywhere_is_replaced_and_the_file_is_the_same(
    aws: Deployment, number: dict[str, Any], wanted: dict[str, Any]
) -> None:
    history(number, FEW)
    of = in_small_parts(wanted)
    undisturbed = interrupted(aws, number, **wanted)
    with outside(more=clients()) as taken:
        assert undisturbed.write(of)
    assert sum("UploadPart" in step for step in taken) >= (1 if wanted["format"] == "parquet" else 3)
    for at in range(len(taken)):
        case = interrupted(aws, number, **wanted)
        with suppress(Killed), outside(at, dies, more=clients()):
            case.write(of)
        first = case.write(later(of))
        if not first:  # what was saved could not be gone on with: it was begun anew
            assert case.write(later(of, 2 * AWAY))
        case.assert_whole()
    began = sum("CreateMultipartUpload" in step for step in taken)
    assert len(open_uploads()) <= 2 * began, "an upload is forgotten between its beginning and its first part alone"


@pytest.mark.parametrize("wanted", RESUMED, ids=["csv", "json", "jsonl.gz", "parquet"])
@pytest.mark.usefixtures("small_parts")
def test_an_answer_of_aws_that_is_lost_changes_nothing(
    aws: Deployment, number: dict[str, Any], wanted: dict[str, Any]
) -> None:
    history(number, FEW)
    of = in_small_parts(wanted)
    undisturbed = interrupted(aws, number, **wanted)
    with outside(more=clients()) as taken:
        assert undisturbed.write(of)
    for at in range(len(taken)):
        case = interrupted(aws, number, **wanted)
        with outside(at, lambda: None, lost=True, more=clients()):
            done = case.write(of)
        assert done or case.write(later(of)) or case.write(later(of, 2 * AWAY))
        case.assert_whole()


@pytest.mark.parametrize("wanted", RESUMED[:3], ids=["csv", "json", "jsonl.gz"])
@pytest.mark.usefixtures("small_parts")
def test_a_worker_whose_time_is_nearly_over_hands_over(
    aws: Deployment, number: dict[str, Any], wanted: dict[str, Any]
) -> None:
    history(number, FEW)
    of = in_small_parts(wanted)
    export = ask(aws, number, **wanted).body
    seen: list[dict[str, Any]] = []

    def handed_over() -> bool:
        assert work(of, time_for(pages=2)) == 0
        seen.append(look(aws, number, export).body)
        return bool(seen[-1]["status"] == "ready")

    eventually(handed_over, what="the worker that ends it")  # a message that hands over is hidden for a second
    assert len({each["rows"] for each in seen}) > 1
    assert [each["percent"] for each in seen] == sorted(each["percent"] for each in seen)
    Interrupted(aws, number, wanted, export, {}).assert_whole()
    assert open_uploads() == []


FILTERED = [
    {"format": form, "compress": compress, "filters": {"caller": NEEDLE}, "from": T // 1000, "to": T // 1000 + 6}
    for form, compress in (("csv", False), ("json", True), ("jsonl", False))
]


def some_needles(number: dict[str, Any]) -> None:
    """Two calls of one caller among many of others, in the same page neither with each other nor with the first."""
    history(number, FEW)
    for position, at in enumerate((T + 2_000, T + 4_500)):
        happened(number, f"needle-{position}", at, customer=NEEDLE)


NEEDLES = ["needle-0", "needle-1"]


@pytest.mark.parametrize("wanted", FILTERED, ids=["csv", "json.gz", "jsonl"])
def test_an_export_of_few_among_many_is_gone_on_with_where_the_last_worker_stopped(
    aws: Deployment, number: dict[str, Any], wanted: dict[str, Any]
) -> None:
    some_needles(number)
    case = interrupted(aws, number, **wanted)
    workers, seen = count(), []
    while not case.is_over():
        assert case.write(later(replace(writer(), at_once=4), next(workers) * AWAY), time_for(pages=1))
        seen.append(look(aws, number, case.export).body)
    assert [each["percent"] for each in seen] == sorted({each["percent"] for each in seen}), "each gets further"
    assert len(seen) > MOST_TRIES - 1
    assert {each["rows"] for each in seen} == {0, 1, 2}
    case.assert_whole(NEEDLES)
    assert open_uploads() == []


@pytest.mark.parametrize(
    ("wanted", "lost"),
    [(FILTERED[0], False), (FILTERED[1], False), (FILTERED[2], True)],
    ids=["csv, a death", "json.gz, a death", "jsonl, a lost answer"],
)
def test_a_hand_over_that_is_interrupted_anywhere_loses_no_row_and_repeats_none(
    aws: Deployment, number: dict[str, Any], wanted: dict[str, Any], lost: bool
) -> None:
    some_needles(number)
    of = replace(writer(), at_once=4)
    undisturbed = interrupted(aws, number, **wanted)
    with outside(more=clients()) as taken:
        assert undisturbed.hand_on(of) > 1
    undisturbed.assert_whole(NEEDLES)
    for at in range(len(taken)):
        case = interrupted(aws, number, **wanted)
        with suppress(Killed), outside(at, (lambda: None) if lost else dies, lost=lost, more=clients()):
            case.hand_on(of)
        case.hand_on(of, since=30 * AWAY)
        case.assert_whole(NEEDLES)


@pytest.mark.parametrize("wanted", RESUMED[:3], ids=["csv", "json", "jsonl.gz"])
@pytest.mark.usefixtures("small_parts")
def test_what_waits_for_the_next_part_is_handed_over_with_the_parts(
    aws: Deployment, number: dict[str, Any], wanted: dict[str, Any]
) -> None:
    """Parts of some pages each, workers of two pages: a rest follows a part, and a part takes up a rest."""
    history(number, FEW)
    of = replace(writer(), part_bytes={"csv": 2_500, "json": 6_000, "jsonl": 60}[wanted["format"]], at_once=4)
    undisturbed = interrupted(aws, number, **wanted)
    with outside(more=clients()) as taken:
        undisturbed.hand_on(of)
    undisturbed.assert_whole()
    kept = [step.rpartition(".")[2] for step in taken if "s3" in step]
    assert {"UploadPart", "PutObject", "GetObject", "CompleteMultipartUpload"} <= set(kept), kept
    for at in range(len(taken)):
        case = interrupted(aws, number, **wanted)
        with suppress(Killed), outside(at, dies, more=clients()):
            case.hand_on(of)
        case.hand_on(of, since=30 * AWAY)
        case.assert_whole()


def test_progress_is_saved_now_and_then_where_no_part_is_filled(aws: Deployment, number: dict[str, Any]) -> None:
    some_needles(number)
    of = replace(writer(), at_once=4, pages_unsaved=1)
    case = interrupted(aws, number, **FILTERED[0])
    seen: list[dict[str, Any]] = []

    def looked() -> int:
        seen.append(look(aws, number, case.export).body)
        return 900_000

    assert case.write(of, a_context(looked))
    assert len({each["percent"] for each in seen}) > 2
    assert seen[-1]["rows"] > 0
    case.assert_whole(NEEDLES)


@pytest.mark.usefixtures("small_parts")
def test_of_an_export_that_fails_after_a_hand_over_nothing_is_left(aws: Deployment, number: dict[str, Any]) -> None:
    some_needles(number)
    of = replace(writer(), at_once=4)
    case = interrupted(aws, number, filters={"caller": NEEDLE}, format="csv")
    assert case.write(of, time_for(pages=2))
    assert len(stored(case.export)) == 1, "what waits"

    def fails(request: Any, **_: Any) -> None:
        raise EndpointConnectionError(endpoint_url=request.url)

    dynamo.bulk_table().client.meta.events.register_first("before-send.dynamodb.Query", fails)
    for attempt in range(1, MOST_TRIES + 2):
        case.write(later(of, attempt * AWAY))
    assert look(aws, number, case.export).body["status"] == "failed"
    assert stored(case.export) == []


def test_a_parquet_file_that_takes_longer_than_a_worker_has_fails_and_says_why(
    aws: Deployment, number: dict[str, Any]
) -> None:
    history(number, FEW)
    export = ask(aws, number, format="parquet").body
    looks = count()
    assert work(in_small_parts({"format": "parquet"}), a_context(lambda: 900_000 if next(looks) < 5 else 1_000)) == 0
    done = look(aws, number, export).body
    assert (done["status"], done["url"]) == ("failed", None)
    assert done["error"] == "There are too many calls for one Parquet file. Ask for a shorter range, or for jsonl."
    assert (stored(export), open_uploads()) == ([], [])


def test_nobody_else_writes_an_export_while_somebody_does(aws: Deployment, number: dict[str, Any]) -> None:
    history(number, FEW)
    seen: list[bool] = []
    undisturbed = interrupted(aws, number)
    with outside(more=clients()) as taken:
        assert undisturbed.write(writer())
    for at in range(1, len(taken)):
        case = interrupted(aws, number)

        def another(case: Interrupted = case) -> None:
            seen.append(case.write(writer()))

        with outside(at, another, more=clients()):
            assert case.write(writer())
        case.assert_whole()
    assert not any(seen), "they come again when the first must be over"


def test_a_message_that_comes_twice_changes_nothing(aws: Deployment, number: dict[str, Any]) -> None:
    history(number, FEW)
    case = interrupted(aws, number)
    assert case.write(writer())
    before = aws.items(f"NUMBER#{number['id']}")
    happened(number, "one-more", T + 5)
    assert case.write(later(writer()))
    assert [item for item in before if item["SK"].startswith("EXPORT#")] == [
        item for item in aws.items(f"NUMBER#{number['id']}") if item["SK"].startswith("EXPORT#")
    ]
    case.assert_whole()


@pytest.mark.usefixtures("small_parts")
def test_who_fails_again_and_again_gives_up_and_leaves_nothing(aws: Deployment, number: dict[str, Any]) -> None:
    history(number, FEW)
    case = interrupted(aws, number, format="csv")

    def fails(request: Any, **_: Any) -> None:
        raise EndpointConnectionError(endpoint_url=request.url)

    of = in_small_parts({"format": "csv"})
    events = objects().client.meta.events
    events.register_first("before-send.s3.UploadPart", fails)
    for attempt in range(MOST_TRIES):
        assert not case.write(later(of, attempt * AWAY)), "it is tried again"
    assert look(aws, number, case.export).body["status"] == "running"
    assert case.write(later(of, MOST_TRIES * AWAY))
    done = look(aws, number, case.export).body
    assert (done["status"], done["error"]) == (
        "failed",
        "It could not be written, though it was tried again and again. Ask for it anew.",
    )
    assert stored(case.export) == []


@pytest.mark.usefixtures("small_parts")
def test_an_upload_that_is_taken_away_is_begun_anew_and_given_up_on_at_last(
    aws: Deployment, number: dict[str, Any]
) -> None:
    history(number, FEW)
    case = interrupted(aws, number, format="csv")
    s3 = boto3.client("s3", region_name=REGION)

    def taken_away() -> None:
        for upload in s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
            s3.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])

    of = in_small_parts({"format": "csv"})
    for attempt in range(MOST_RESTARTS + 1):
        at = 5  # after the first part: claim, two pages, the upload, the part, its save
        with outside(at, taken_away, more=clients()) as taken:
            assert not case.write(later(of, attempt * AWAY))
        assert "before-send.s3.UploadPart" in taken
    assert case.write(later(of, (MOST_RESTARTS + 1) * AWAY))
    assert look(aws, number, case.export).body["status"] == "failed"
    assert (stored(case.export), open_uploads()) == ([], [])
