"""Carrier, Vapi and table compared: half-done work finished, drift put right, orphans told and at last given back."""

import json
import re
import time
from typing import Any

import httpx
import pytest

from local.simulators.faults import Fault
from local.simulators.vapi.clock import iso
from switchboard.provisioning import carriers
from switchboard.provisioning.at_carrier import TAG_PREFIX
from tests.functions.conftest import Deployment, make_table
from tests.functions.outside import outside, writes
from tests.functions.ringing import rings
from tests.functions.sellers import Seller
from tests.functions.test_carriers import PROVIDERS, active, buy
from tests.functions.test_transcripts import bucket
from tests.support.invoking import invoke
from tests.support.streams import stream_as_dynamodb_does

DAY = 86_400


def reconciler(**wanted: Any) -> Any:
    from switchboard.provisioning import reconcile  # noqa: PLC0415 - its metrics read the environment

    return reconcile.reconciler(**wanted)


@pytest.fixture(params=PROVIDERS)
def seller(request: pytest.FixtureRequest, aws: Deployment) -> Seller:
    return aws.configure(request.param)


def found(report: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Class -> (found, done)."""
    return {kind: (count["found"], count["done"]) for kind, count in report["classes"].items()}


def at_vapi(aws: Deployment, **changes: Any) -> dict[str, Any]:
    """Changes the one number there as somebody in Vapi's Dashboard does."""
    (row,) = aws.vapi.state()["numbers"]
    headers = {"Authorization": f"Bearer {aws.vapi.api_key}", "User-Agent": "tests"}
    body = {"provider": row["provider"], **changes}
    answer = httpx.patch(f"{aws.vapi.url}/phone-number/{row['id']}", json=body, headers=headers)
    answer.raise_for_status()
    changed: dict[str, Any] = answer.json()
    return changed


def tag(number_id: str) -> str:
    return TAG_PREFIX + number_id.removeprefix("pn_")


def left_behind(aws: Deployment, seller: Seller, number_id: str, area_code: str = "212") -> str:
    """A number that the carrier has delivered for one of ours, which does not know of it."""
    client = carriers.carrier(seller.provider)  # type: ignore[arg-type]
    offers = aws.api(
        "GET", "/available-phone-numbers", query={"provider": seller.provider, "areaCode": area_code}
    ).body["items"]
    number: str = offers[0]["phoneNumber"]
    client.buy(number, "US", tag(number_id))
    assert number in seller.owned()
    return number


def test_where_nothing_differs_nothing_is_found_and_nothing_written(aws: Deployment, seller: Seller) -> None:
    active(aws, seller, name="Front desk", forwardingNumber="+14155550199")
    with outside() as taken:
        report = aws.reconcile()
    assert (report["numbers"], report["findings"]) == (1, [])
    assert [step for step in taken if writes(step)] == []


def test_what_is_half_done_is_finished(aws: Deployment, seller: Seller) -> None:
    aws.vapi.fault(Fault("POST", "/phone-number", status=429))
    bought = buy(aws, seller)
    assert bought.body["status"] == "inactive"
    assert found(aws.reconcile(dry_run=True)) == {"unfinished": (1, 0)}
    assert found(aws.reconcile())["unfinished"] == (1, 1)
    aws.reconcile(100)
    assert aws.api("GET", f"/phone-numbers/{bought.body['id']}").body["status"] == "active"
    assert aws.reconcile(100)["findings"] == []


DRIFT = {
    "assistant": lambda assistant: {"assistantId": assistant},
    "server URL": lambda _: {"server": {"url": "https://elsewhere.example/hook"}},
    "name": lambda _: {"name": "Somebody's name"},
    "fallback": lambda _: {"fallbackDestination": {"type": "number", "number": "+12025550111", "message": ""}},
    "fallback by SIP": lambda _: {"fallbackDestination": {"type": "sip", "sipUri": "sip:thief@evil.example"}},
    "fallback's extension": lambda _: {
        "fallbackDestination": {"type": "number", "number": "+14155550199", "extension": "7"}
    },
    "fallback's caller id": lambda _: {
        "fallbackDestination": {"type": "number", "number": "+14155550199", "callerId": "+12025550111"}
    },
    "hooks": lambda _: {
        "hooks": [{"on": "call.ringing", "do": [{"type": "say", "exact": "This number has moved."}]}],
    },
}


@pytest.mark.parametrize("what", DRIFT)
def test_what_was_changed_at_vapi_behind_our_back_is_put_right(aws: Deployment, what: str) -> None:
    seller = aws.configure("twilio")
    number = active(aws, seller, name="Front desk", forwardingNumber="+14155550199")
    (before,) = aws.vapi.state()["numbers"]
    at_vapi(aws, **DRIFT[what](aws.at_vapi("assistant", name="Other")["id"]))

    dry = aws.reconcile(dry_run=True)
    assert found(dry) == {"drift": (1, 0)}
    assert re.split(r" by |'s ", what)[0] in dry["findings"][0]["detail"]
    assert aws.vapi.state()["numbers"][0] != before

    report = aws.reconcile()
    assert found(report) == {"drift": (1, 1)}
    assert report["findings"][0]["subject"] == number["id"]
    (after,) = aws.vapi.state()["numbers"]
    kept = ("assistantId", "squadId", "workflowId", "server", "name", "fallbackDestination", "number")
    assert {name: after.get(name) for name in kept} == {name: before.get(name) for name in kept}
    assert not after.get("hooks")
    assert aws.reconcile()["findings"] == []


def test_an_assistant_is_taken_off_a_number_of_which_its_carrier_has_still_to_be_told_something(
    aws: Deployment,
) -> None:
    seller = aws.configure("bandwidth")
    number = active(aws, seller, name="Front desk")
    seller.simulator.hold_orders()  # type: ignore[attr-defined]
    aws.api("PATCH", f"/phone-numbers/{number['id']}", body={"callerIdName": "ACME", "name": "Reception"})
    at_vapi(aws, assistantId=aws.at_vapi("assistant", name="Other")["id"], name="Front desk")
    drifts = [finding for finding in aws.reconcile()["findings"] if finding["kind"] == "drift"]
    assert [(drift["detail"], drift["done"]) for drift in drifts] == [("assistant", True)]
    assert aws.rows()[0]["assistantId"] is None


def test_a_fallback_by_sip_of_a_number_that_has_none_is_taken_away(aws: Deployment) -> None:
    aws.bought()
    at_vapi(aws, fallbackDestination={"type": "sip", "sipUri": "sip:thief@evil.example"})
    assert found(aws.reconcile()) == {"drift": (1, 1)}
    assert aws.rows()[0]["fallbackDestination"] is None
    assert aws.reconcile()["findings"] == []


def test_a_fallback_with_what_vapi_fills_in_of_itself_is_the_same(aws: Deployment) -> None:
    aws.bought(forwardingNumber="+14155550199")
    filled_in = {"numberE164CheckEnabled": True, "transferPlan": {"mode": "blind-transfer"}, "message": ""}
    at_vapi(aws, fallbackDestination={"type": "number", "number": "+14155550199", **filled_in})
    assert aws.reconcile()["findings"] == []


@pytest.mark.parametrize(
    "changed",
    [{"trunk_sid": f"TK{'0' * 32}"}, {"voice_application_sid": f"AP{'0' * 32}"}],
    ids=["trunk", "application"],
)
def test_calls_that_were_turned_away_from_vapi_at_twilio_come_back(aws: Deployment, changed: dict[str, str]) -> None:
    seller = aws.configure("twilio")
    number = active(aws, seller)
    (row,) = seller.simulator.state()["numbers"]
    seller.simulator.store.edit(row["sid"], changed)  # type: ignore[attr-defined]
    assert found(aws.reconcile(dry_run=True)) == {"drift": (1, 0)}
    report = aws.reconcile()
    assert found(report) == {"drift": (1, 1)}
    assert report["findings"][0]["subject"] == number["id"]
    (row,) = seller.simulator.state()["numbers"]
    assert not any(row[name] for name in changed)
    assert aws.reconcile()["findings"] == []


def test_a_forward_past_vapi_at_vonage_is_taken_away(aws: Deployment) -> None:
    seller = aws.configure("vonage")
    active(aws, seller)
    (row,) = seller.simulator.state()["owned"]
    forward = {"voiceCallbackType": "tel", "voiceCallbackValue": "12025550111"}
    seller.simulator.store.configure(row["country"], row["msisdn"], forward)  # type: ignore[attr-defined]
    assert found(aws.reconcile()) == {"drift": (1, 1)}
    assert "voiceCallbackType" not in seller.simulator.state()["owned"][0]
    assert aws.reconcile()["findings"] == []


def test_a_number_of_vapis_own_that_is_gone_there_is_cancelled_and_says_why(aws: Deployment) -> None:
    number = aws.bought()
    aws.vapi.store.delete("phone-number", aws.rows()[0]["id"])
    assert found(aws.reconcile(dry_run=True)) == {"gone-at-vapi": (1, 0)}
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body["status"] == "active"
    assert found(aws.reconcile()) == {"gone-at-vapi": (1, 1)}
    gone = aws.api("GET", f"/phone-numbers/{number['id']}").body
    assert (gone["status"], gone["provisioning"]["error"]["code"]) == ("cancelled", "gone_at_provider")
    assert aws.reconcile()["findings"] == []


def test_a_carriers_number_that_vapi_has_lost_is_imported_anew(aws: Deployment, seller: Seller) -> None:
    number = active(aws, seller)
    aws.vapi.store.delete("phone-number", aws.rows()[0]["id"])
    assert found(aws.reconcile())["gone-at-vapi"] == (1, 1)
    for later in (0, 100):
        aws.check(later)
    (row,) = aws.rows(number["id"])
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body["provisioning"]["state"] == "ready"
    (mapping,) = aws.items("VAPI#")
    assert mapping["PK"] == f"VAPI#{row['id']}"
    assert len(seller.paid()) == 1
    assert aws.reconcile(100)["findings"] == []


def test_a_number_that_its_carrier_has_no_more_is_cancelled_and_taken_off_vapi(aws: Deployment, seller: Seller) -> None:
    number = active(aws, seller)
    aws.events()
    client = carriers.carrier(seller.provider)  # type: ignore[arg-type]
    client.release(next(client.owned()))
    assert seller.owned() == []
    assert found(aws.reconcile(dry_run=True)) == {"gone-at-carrier": (1, 0)}
    assert found(aws.reconcile()) == {"gone-at-carrier": (1, 1)}
    for later in (0, 100):
        aws.check(later)
    gone = aws.api("GET", f"/phone-numbers/{number['id']}").body
    assert (gone["status"], gone["provisioning"]["state"]) == ("cancelled", "failed")
    assert gone["provisioning"]["error"]["code"] == "gone_at_provider"
    assert aws.vapi.state()["numbers"] == []
    assert [event["detail-type"] for event in aws.events()] == ["deactivated", "deleted"]
    assert aws.reconcile(100)["findings"] == []


def test_an_orphan_at_vapi_is_released_when_it_is_a_day_old(aws: Deployment) -> None:
    number = aws.bought()
    server = aws.rows()[0]["server"]
    aws.at_vapi("phone-number", provider="vapi", server=server)
    assert len(aws.rows(number["id"])) == 2
    assert found(aws.reconcile()) == {"orphan-at-vapi": (1, 0)}
    assert found(aws.reconcile(DAY + 60, dry_run=True)) == {"orphan-at-vapi": (1, 0)}
    assert len(aws.rows(number["id"])) == 2
    assert found(aws.reconcile(DAY + 60)) == {"orphan-at-vapi": (1, 1)}
    assert [row["id"] for row in aws.rows(number["id"])] == [aws.items("NUMBER#")[0]["vapiId"]]


def test_a_number_at_vapi_that_names_a_number_nobody_knows_is_told_and_left_alone(aws: Deployment) -> None:
    url = "https://switchboard.example/vapi/pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD"
    aws.at_vapi("phone-number", provider="vapi", server={"url": url})
    aws.at_vapi("phone-number", provider="vapi", server={"url": "https://elsewhere.example/hook"})
    assert found(aws.reconcile(30 * DAY)) == {"unknown-at-vapi": (1, 0)}
    assert len(aws.vapi.state()["numbers"]) == 2


def test_a_number_at_vapi_of_another_deployment_is_never_released_though_it_has_the_same_id(aws: Deployment) -> None:
    number = aws.bought()
    url = f"https://staging.example/vapi/{number['id']}"
    aws.at_vapi("phone-number", provider="vapi", server={"url": url})
    assert found(aws.reconcile(30 * DAY)) == {"unknown-at-vapi": (1, 0)}
    assert len(aws.rows(number["id"])) == 2


def test_two_deployments_in_one_account_leave_each_others_numbers_alone(
    aws: Deployment, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    active(aws, seller)
    aws.table.delete()
    make_table(aws.table)
    aws.vapi.reset()
    monkeypatch.setenv("DEPLOYMENT_ID", "another-deployment")
    active(aws, seller)  # the same business, the same Idempotency-Key
    assert found(aws.reconcile(2 * DAY)) == {"unknown-at-carrier": (1, 0)}
    assert len(seller.owned()) == 2


def test_an_orphan_at_its_carrier_is_given_back_when_the_table_knows_that_it_is_nobodys(
    aws: Deployment, seller: Seller
) -> None:
    number = active(aws, seller)
    orphan = left_behind(aws, seller, number["id"])
    tagged = seller.provider != "vonage"
    kind = "orphan-at-carrier" if tagged else "unknown-at-carrier"

    assert found(aws.reconcile()) == {kind: (1, 0)}
    assert found(aws.reconcile(DAY + 60, dry_run=True)) == {kind: (1, 0)}
    assert orphan in seller.owned()
    assert found(aws.reconcile(DAY + 60)) == {kind: (1, int(tagged))}
    assert (orphan in seller.owned()) is not tagged
    assert number["phoneNumber"] in seller.owned()


def test_a_number_with_the_tag_of_another_deployment_is_never_given_back(aws: Deployment, seller: Seller) -> None:
    other = left_behind(aws, seller, "pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD")
    assert found(aws.reconcile(365 * DAY)) == {"unknown-at-carrier": (1, 0)}
    assert seller.owned() == [other]


def test_a_carrier_without_credentials_is_told_only_where_it_has_numbers_of_ours(aws: Deployment) -> None:
    assert aws.reconcile()["findings"] == []
    active(aws, aws.configure("twilio"))
    aws.put_credentials("twilio", {})
    (finding,) = aws.reconcile()["findings"]
    assert (finding["kind"], finding["subject"], finding["done"]) == ("not-compared", "twilio", False)


def test_a_call_whose_end_was_never_told_is_learnt_and_gives_its_line_back(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream_as_dynamodb_does(monkeypatch)
    assistant = aws.at_vapi("assistant", name="Front desk")["id"]
    number = aws.bought(assistant={"id": assistant}, maxConcurrentCalls=1)
    began = round(time.time() * 1000)
    rings(aws, number, "call-1", began=began)
    (row,) = aws.rows(number["id"])
    held = f"/phone-numbers/{number['id']}/active-calls"
    assert len(aws.api("GET", held).body["items"]) == 1
    ended = {
        "id": "call-1",
        "type": "inboundPhoneCall",
        "status": "ended",
        "phoneNumberId": row["id"],
        "customer": {"number": "+12025550123"},
        "createdAt": iso(began),
        "startedAt": iso(began + 2_000),
        "endedAt": iso(began + 62_000),
        "updatedAt": iso(began + 63_000),
        "endedReason": "customer-ended-call",
        "cost": 0.05,
    }
    aws.vapi.store.insert("call", ended)
    with outside() as taken:
        assert found(aws.reconcile(700, dry_run=True)) == {"missing-call": (1, 0), "stale-line": (1, 0)}
    assert [step for step in taken if writes(step)] == []
    assert found(aws.reconcile(700)) == {"missing-call": (1, 1), "stale-line": (1, 1)}
    aws.deliver_stream()
    call = aws.api("GET", f"/phone-numbers/{number['id']}/calls/call-1").body
    assert (call["status"], call["outcome"], call["duration"]) == ("ended", "answered", 60)
    assert aws.api("GET", held).body["items"] == []
    assert aws.reconcile(700)["findings"] == aws.reconcile(700, dry_run=True)["findings"] == []


def test_a_line_of_a_call_that_goes_on_is_kept(aws: Deployment) -> None:
    assistant = aws.at_vapi("assistant", name="Front desk")["id"]
    number = aws.bought(assistant={"id": assistant}, maxConcurrentCalls=1)
    began = round(time.time() * 1000)
    rings(aws, number, "call-1", began=began)
    (row,) = aws.rows(number["id"])
    going_on = {"id": "call-1", "type": "inboundPhoneCall", "status": "in-progress", "phoneNumberId": row["id"]}
    aws.vapi.store.insert("call", {**going_on, "createdAt": iso(began), "updatedAt": iso(began)})
    assert aws.reconcile(700)["findings"] == []
    assert len(aws.api("GET", f"/phone-numbers/{number['id']}/active-calls").body["items"]) == 1


@pytest.mark.parametrize("status", ["not-found", "deletion-failed"])
def test_a_line_of_a_call_that_vapi_does_not_have_is_given_back(aws: Deployment, status: str) -> None:
    assistant = aws.at_vapi("assistant", name="Front desk")["id"]
    number = aws.bought(assistant={"id": assistant}, maxConcurrentCalls=1)
    began = round(time.time() * 1000)
    rings(aws, number, "call-1", began=began)
    (row,) = aws.rows(number["id"])
    lost = {"id": "call-1", "type": "inboundPhoneCall", "status": status, "phoneNumberId": row["id"]}
    aws.vapi.store.insert("call", {**lost, "createdAt": iso(began), "updatedAt": iso(began)})
    assert found(aws.reconcile(700)) == {"stale-line": (1, 1)}


def test_a_number_that_vapi_has_blocked_is_told(aws: Deployment) -> None:
    number = aws.bought()
    aws.vapi.store.update("phone-number", aws.rows()[0]["id"], {"status": "blocked"})
    report = aws.reconcile()
    assert found(report) == {"blocked-at-vapi": (1, 0)}
    assert report["findings"][0]["subject"] == number["id"]


def test_one_provider_that_fails_does_not_hold_up_the_others(aws: Deployment) -> None:
    seller = aws.configure("twilio")
    number = active(aws, seller)
    seller.simulator.fault(Fault("*", "/2010-04-01/*", status=503, times=None))
    at_vapi(aws, name="Somebody's name")
    report = aws.reconcile()
    assert found(report)["drift"] == (1, 1)
    assert found(report)["not-compared"] == (1, 0)
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body["status"] == "active"


def test_a_number_whose_intent_is_taken_back_meanwhile_is_passed_over(aws: Deployment) -> None:
    aws.bought()
    with outside() as taken:
        aws.reconcile()
    (item,) = aws.items("NUMBER#")
    read = next(at for at, step in enumerate(taken) if step.endswith("GetItem"))
    with outside(read, lambda: aws.table.delete_item(Key={"PK": item["PK"], "SK": item["SK"]})):
        report = aws.reconcile()
    assert report["numbers"] == 0
    assert found(report) == {"unknown-at-vapi": (1, 0)}


def test_one_number_that_vapi_will_not_change_does_not_hold_up_the_others(aws: Deployment) -> None:
    for name in ("One", "Two"):
        aws.bought(name=name)
    rows = aws.rows()
    for row in rows:
        aws.vapi.store.update("phone-number", row["id"], {"name": "Somebody's name"})
    aws.vapi.fault(Fault("PATCH", f"/phone-number/{rows[0]['id']}", status=400, times=None))
    report = aws.reconcile()
    assert found(report) == {"drift": (2, 1)}
    assert [finding["detail"] for finding in report["findings"]] == ["name: Refused", "name"]


def test_one_orphan_that_its_carrier_does_not_take_back_does_not_hold_up_the_others(aws: Deployment) -> None:
    seller = aws.configure("twilio")
    number = active(aws, seller)
    orphans = [left_behind(aws, seller, number["id"], area_code) for area_code in ("212", "415")]
    seller.simulator.fault(Fault(*seller.release, status=400))
    assert found(aws.reconcile(DAY + 60)) == {"orphan-at-carrier": (2, 1)}
    assert len({*orphans} & {*seller.owned()}) == 1


def test_a_number_that_vapi_has_lost_and_whose_carrier_has_no_credentials_is_told_with_the_others(
    aws: Deployment,
) -> None:
    seller = aws.configure("twilio")
    lost, kept = active(aws, seller), active(aws, seller, "k2", name="Two")
    aws.vapi.store.delete("phone-number", aws.rows(lost["id"])[0]["id"])
    aws.vapi.store.update("phone-number", aws.rows(kept["id"])[0]["id"], {"name": "Somebody's name"})
    aws.put_credentials("twilio", {})
    report = aws.reconcile()
    assert found(report) == {"drift": (1, 1), "gone-at-vapi": (1, 0), "not-compared": (1, 0)}
    (gone,) = (finding for finding in report["findings"] if finding["kind"] == "gone-at-vapi")
    assert gone["detail"].endswith(": ProviderNotConfigured")


def test_a_bucket_that_fails_leaves_calls_to_the_next_turn_and_the_report_whole(aws: Deployment) -> None:
    number = aws.bought(transcriptionEnabled=True)
    (row,) = aws.rows(number["id"])
    ended = {"id": "call-1", "type": "inboundPhoneCall", "status": "ended", "phoneNumberId": row["id"]}
    instant = iso(round(time.time() * 1000))
    said = {"endedReason": "customer-ended-call", "endedAt": instant, "artifact": {"transcript": "User: Hello.\n"}}
    aws.vapi.store.insert("call", {**ended, **said, "createdAt": instant, "updatedAt": instant})
    at_vapi(aws, name="Somebody's name")
    with bucket(fails=True):
        assert found(aws.reconcile()) == {"drift": (1, 1), "not-compared": (1, 0)}
    assert found(aws.reconcile()) == {"missing-call": (1, 1)}
    assert aws.api("GET", f"/phone-numbers/{number['id']}/calls/call-1").body["transcript"] == "User: Hello."


def lists(taken: list[str]) -> list[str]:
    """What was asked of Bandwidth, each without its query."""
    return [
        step.partition("?")[0].rpartition("/")[2] for step in taken if step.startswith("GET ") and "/api/v2" in step
    ]


def test_old_numbers_of_others_at_a_carrier_whose_list_shows_no_tags_cost_no_request_each(aws: Deployment) -> None:
    seller = aws.configure("bandwidth")
    for line in range(3):
        seller.hand_over(f"+1415555010{line}", "")
    with outside() as taken:
        assert aws.reconcile()["findings"][0]["detail"].startswith("3 numbers")
    assert len(lists(taken)) == 1 + 2 * 3  # each, and the order that it came by
    with outside() as taken:
        assert aws.reconcile(8 * DAY)["findings"][0]["detail"].startswith("3 numbers")
    assert lists(taken) == ["tns"]


def test_what_there_is_no_time_for_is_left_to_the_next_turn_and_calls_come_first(aws: Deployment) -> None:
    seller = aws.configure("twilio")
    number = active(aws, seller)
    client = carriers.carrier("twilio")
    client.release(next(client.owned()))
    at_vapi(aws, name="Somebody's name")
    instant = iso(round(time.time() * 1000))
    ended = {"id": "call-1", "type": "inboundPhoneCall", "status": "ended", "phoneNumberId": aws.rows()[0]["id"]}
    said = {"endedReason": "customer-ended-call", "createdAt": instant, "endedAt": instant, "updatedAt": instant}
    aws.vapi.store.insert("call", {**ended, **said})
    patched = ("PATCH", f"/phone-number/{aws.rows()[0]['id']}")

    def remaining_ms() -> int:
        return 900_000 if len(aws.vapi.requests_to(*patched)) == 1 else 0  # ours is the second

    report = reconciler(dry_run=False, remaining_ms=remaining_ms).run().as_json()
    assert [(finding["kind"], finding["subject"]) for finding in report["findings"]] == [
        ("missing-call", "call-1"),
        ("drift", number["id"]),
        ("not-compared", "vapi"),
        ("not-compared", "twilio"),
        ("not-compared", "assistants"),
    ]
    assert aws.api("GET", f"/phone-numbers/{number['id']}").body["status"] == "active"
    assert found(aws.reconcile()) == {"gone-at-carrier": (1, 1)}


def test_without_time_to_read_all_numbers_nothing_is_compared(aws: Deployment) -> None:
    aws.bought()
    at_vapi(aws, name="Somebody's name")
    remaining = iter([900_000])
    report = reconciler(dry_run=False, remaining_ms=lambda: next(remaining, 0)).run().as_json()
    assert [(finding["kind"], finding["subject"]) for finding in report["findings"]] == [("not-compared", "numbers")]


def test_the_function_answers_the_report(aws: Deployment) -> None:
    aws.bought()
    report = invoke("reconcile", {"dryRun": True})
    assert report == {"dryRun": True, "numbers": 1, "left": 0, "classes": {}, "findings": []}


def measured(capsys: pytest.CaptureFixture[str], event: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The function's report, and its metrics, which it logs in CloudWatch's embedded metric format."""
    invoke("reconcile", {"dryRun": True})  # logs what comparisons outside of a function have measured
    capsys.readouterr()
    report: dict[str, Any] = invoke("reconcile", event)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    groups = [(line, group) for line in told for group in line["_aws"]["CloudWatchMetrics"]]
    return report, {each["Name"]: line[each["Name"]] for line, group in groups for each in group["Metrics"]}


def test_numbers_that_are_none_of_ours_are_told_and_ring_no_alarm(
    seller: Seller, capsys: pytest.CaptureFixture[str]
) -> None:
    seller.hand_over("+14155550142", "")
    report, metrics = measured(capsys, {})
    assert (found(report), report["left"]) == ({"unknown-at-carrier": (1, 0)}, 0)
    assert metrics == {"ReconcileUnknownAtCarrier": [1], "ReconcileLeft": [0]}


def test_what_is_left_is_counted_for_the_alarm_unless_in_a_dry_run(
    aws: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.bought()
    aws.at_vapi("phone-number", provider="vapi", server=aws.rows()[0]["server"])
    report, metrics = measured(capsys, {"dryRun": True})
    assert (report["left"], metrics) == (1, {})
    report, metrics = measured(capsys, {})
    assert (report["left"], metrics) == (1, {"ReconcileOrphanAtVapi": [1], "ReconcileLeft": [1]})
