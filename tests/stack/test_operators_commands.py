"""What an operator runs against a deployed stack with credentials of their own, here on the local one."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from local.paths import REPOSITORY
from local.processes import environment
from local.stack import Stack
from tests.stack.acting import active_number, made_at_vapi, settled_counters

Api = Callable[..., httpx.Client]

LAYER = REPOSITORY / "layers" / "switchboard"


def run(stack: Stack, command: str, *arguments: str) -> str:
    """What `python -m local.COMMAND` prints; its exit code says what it found."""
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-m", f"local.{command}", *arguments],
        env=environment(PYTHONPATH=str(LAYER), **stack.aws.environment),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def findings(report: str, subject: str) -> list[str]:
    """The lines about one subject, each as `done kind subject: detail` with single blanks."""
    return [" ".join(line.split()) for line in report.splitlines() if f" {subject}:" in line]


def test_reconcile_puts_right_what_was_changed_behind_our_back_and_a_dry_run_only_tells(stack: Stack, api: Api) -> None:
    number = active_number(api("acme"), name="Reconciled")
    assistant = made_at_vapi(stack, "assistant", name="Somebody's own")
    row = at_vapi(stack, number["id"])
    drift = {"provider": "vapi", "assistantId": assistant["id"], "server": {"url": "https://example.com/elsewhere"}}
    change_at_vapi(stack, row["id"], drift)

    told = run(stack, "reconcile", "--dry-run")
    detail = "server URL, token, assistant"
    assert findings(told, number["id"]) == [f"left drift {number['id']}: {detail}"]
    left = at_vapi_by_id(stack, row["id"])
    assert (left["assistantId"], left["server"]["url"]) == (assistant["id"], "https://example.com/elsewhere")

    told = run(stack, "reconcile")
    assert findings(told, number["id"]) == [f"done drift {number['id']}: {detail}"]
    healed = at_vapi_by_id(stack, row["id"])
    assert (healed["assistantId"], healed["server"]) == (None, row["server"])
    assert findings(run(stack, "reconcile", "--dry-run"), number["id"]) == []


def test_reconcile_learns_a_call_that_nobody_told_us_of_with_what_was_said(stack: Stack, api: Api) -> None:
    acme = api("acme")
    number = active_number(acme, transcriptionEnabled=True)
    assistant = made_at_vapi(stack, "assistant", name="Told of")
    acme.put(f"/phone-numbers/{number['id']}/assistant", json={"id": assistant["id"]}).raise_for_status()
    story = stack.vapi.ring(number["phoneNumber"], "+12025550123", talk_seconds=60)
    settled_counters(acme, number["id"], totalCalls=1)
    call_id = str(uuid4())
    yesterday = (datetime.now(UTC) - timedelta(hours=20)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = next(row for row in stack.vapi.state()["calls"] if row["id"] == story["callId"])
    stack.vapi.store.insert("call", {**told, "id": call_id, "createdAt": yesterday, "updatedAt": yesterday})

    report = run(stack, "reconcile")

    assert findings(report, call_id) == [f"done missing-call {call_id}: of {number['id']}"]
    settled_counters(acme, number["id"], totalCalls=2)
    first, learnt = (acme.get(f"/phone-numbers/{number['id']}/calls/{each}").json() for each in (told["id"], call_id))
    assert learnt["transcript"] == first["transcript"] is not None


def test_a_budget_refuses_a_purchase_until_it_is_taken_away(stack: Stack, api: Api) -> None:
    globex = api("globex")
    wish = {"provider": "twilio", "areaCode": "808"}
    assert run(stack, "budget", "--business", "globex", "--cents", "100") == "globex: 100 cents a month\n"
    refused = globex.post("/phone-numbers", json=wish, headers={"Idempotency-Key": str(uuid4())})
    assert (refused.status_code, refused.json()["code"]) == (409, "budget_exceeded")
    run(stack, "budget", "--business", "globex")
    bought = active_number(globex, **wish)
    assert globex.delete(f"/phone-numbers/{bought['id']}").status_code == 200


def at_vapi(stack: Stack, number_id: str) -> dict[str, Any]:
    """The number's row, found by its server URL."""
    return next(row for row in stack.vapi.state()["numbers"] if row["server"]["url"].endswith(number_id))


def at_vapi_by_id(stack: Stack, vapi_id: str) -> dict[str, Any]:
    return next(row for row in stack.vapi.state()["numbers"] if row["id"] == vapi_id)


def change_at_vapi(stack: Stack, vapi_id: str, changes: dict[str, Any]) -> None:
    """As somebody does it in Vapi's Dashboard."""
    headers = {"Authorization": f"Bearer {stack.vapi.api_key}"}
    httpx.patch(f"{stack.vapi.url}/phone-number/{vapi_id}", json=changes, headers=headers).raise_for_status()
