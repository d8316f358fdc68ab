"""A number's calls as files, on the deployed template: asked for, written, and downloaded by their URLs."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import httpx
from pyarrow import parquet

from local.eventually import eventually
from local.stack import Stack
from tests.stack.acting import active_number

Api = Callable[..., httpx.Client]
CALLERS = ("+12025550123", "+12025550187", "+12025550123")


def test_calls_are_downloaded_as_csv_compressed_lines_and_parquet(stack: Stack, api: Api) -> None:
    acme = api("acme")
    number = active_number(acme)
    rung = [stack.vapi.ring(number["phoneNumber"], caller)["callId"] for caller in CALLERS]
    path = f"/phone-numbers/{number['id']}"
    calls = eventually(lambda: listed(acme, path, len(rung)), what="the calls in the index")
    since, until = calls[0]["createdAt"], calls[-1]["createdAt"] + 1

    def downloaded(**wanted: Any) -> httpx.Response:
        body = {"from": since, "to": until, **wanted}
        export = acme.post(f"{path}/exports", json=body).raise_for_status().json()

        def done() -> dict[str, Any]:
            found: dict[str, Any] = acme.get(f"{path}/exports/{export['exportId']}").raise_for_status().json()
            assert found["status"] != "failed", found
            return found if found["status"] == "ready" else {}

        ready = eventually(done, timeout=120, what="the export")
        assert (ready["rows"], ready["percent"]) == (len(rung), 100)
        return httpx.get(ready["url"]).raise_for_status()

    of_csv = downloaded(format="csv")
    rows = list(csv.DictReader(io.StringIO(of_csv.content.decode("utf-8-sig"), newline="")))
    assert [row["id"] for row in rows] == [call["id"] for call in calls]
    assert [row["caller"] for row in rows] == [f"'{call['caller']}" for call in calls]
    assert of_csv.headers["content-disposition"].startswith(f'attachment; filename="calls-{number["phoneNumber"]}-')

    lines = gzip.decompress(downloaded(format="jsonl", compress=True).content).splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == [call["outcome"] for call in calls]

    table = parquet.read_table(io.BytesIO(downloaded(format="parquet", timezone="Europe/Berlin").content))
    assert table["id"].to_pylist() == [call["id"] for call in calls]
    assert [int(at.timestamp()) for at in table["createdAt"].to_pylist()] == [call["createdAt"] for call in calls]

    assert api("globex").post(f"{path}/exports", json={"from": since, "to": until, "format": "csv"}).status_code == 404


def listed(acme: httpx.Client, path: str, many: int) -> list[dict[str, Any]]:
    """The number's calls, the oldest first, once there are so many that are over."""
    found: list[dict[str, Any]] = acme.get(f"{path}/calls").raise_for_status().json()["items"]
    is_over = len(found) == many and all(call["outcome"] for call in found)
    return sorted(found, key=lambda call: (call["createdAt"], call["id"])) if is_over else []
