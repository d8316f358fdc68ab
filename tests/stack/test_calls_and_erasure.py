"""On the deployed template: what was said is in the bucket, calls are in the indexes, an erased caller in neither."""

import json
from collections.abc import Callable
from typing import Any

import httpx

from local.eventually import eventually
from local.stack import Stack
from tests.stack.acting import active_number, made_at_vapi, settled_counters, stored_call

Api = Callable[..., httpx.Client]

CALLER, OTHER = "+12025550141", "+12025550142"


def everything(stack: Stack) -> list[str]:
    """Each item of the table, as text."""
    table = stack.aws.session.resource("dynamodb", endpoint_url=stack.aws.endpoint_url).Table(
        stack.outputs["TableName"]
    )
    found: list[dict[str, Any]] = []
    page: Any = {}
    while not found or "LastEvaluatedKey" in page:
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if found else {}
        page = table.scan(**start)
        found += page["Items"]
    return [json.dumps(item, default=str) for item in found]


def kept(stack: Stack, number_id: str) -> list[str]:
    """The keys of what was said on a number."""
    bucket = stack.aws.session.client("s3", endpoint_url=stack.aws.endpoint_url)
    found = bucket.list_objects_v2(
        Bucket=stack.outputs["ExportsBucketName"], Prefix=f"transcripts/acme/{number_id}/"
    ).get("Contents", [])
    return [each["Key"] for each in found]


def test_what_was_said_is_kept_and_shown_until_its_caller_is_erased(stack: Stack, api: Api) -> None:
    acme = api("acme")
    assistant = made_at_vapi(stack, "assistant", name="Kept")
    number = active_number(
        acme, assistant={"id": assistant["id"]}, transcriptionEnabled=True, recordingEnabled=True, name="Kept"
    )
    path = f"/phone-numbers/{number['id']}"
    stories = [stack.vapi.ring(to=number["phoneNumber"], caller=caller) for caller in (CALLER, OTHER, CALLER)]
    ids = [story["callId"] for story in stories]
    settled_counters(acme, number["id"], totalCalls=3)

    calls = acme.get(f"{path}/calls").raise_for_status().json()["items"]
    assert {call["id"] for call in calls} == {*ids}
    by_caller = acme.get(f"{path}/calls", params={"caller": CALLER, "limit": 1}).raise_for_status().json()
    assert [call["caller"] for call in by_caller["items"]] == [CALLER]
    assert by_caller["nextCursor"]
    shown = acme.get(f"{path}/calls/{ids[0]}").raise_for_status().json()
    assert shown["transcript"]
    assert shown["recordingUrl"]
    assert shown["costs"]
    assert len(kept(stack, number["id"])) == 3

    erased = acme.delete(f"/callers/{CALLER.replace('+', '%2B')}")
    assert erased.status_code == 200, erased.text
    assert erased.json() | {"calls": 2, "transcripts": 2, "complete": True} == erased.json()

    eventually(
        lambda: not [text for text in everything(stack) if CALLER in text], what="a table without the erased caller"
    )
    assert acme.get(f"{path}/calls/{ids[0]}").status_code == 404
    assert [call["id"] for call in acme.get(f"{path}/calls").json()["items"]] == [ids[1]]
    assert kept(stack, number["id"]) == [f"transcripts/acme/{number['id']}/{ids[1]}.json.gz"]
    assert stored_call(stack, number["id"], ids[0])["erased"] is True
    assert acme.get(path).json()["totalCalls"] == 3
