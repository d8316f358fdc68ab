"""What subscribers of the bus rely on: a schema and a sample for each event and version, which the code keeps to."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.calls.kinds import Kind
from switchboard.events import (
    SOURCE,
    VERSION,
    Event,
    block_events,
    call_events,
    number_events,
    threshold_events,
)
from switchboard.model.record import NumberFacts, NumberRecord
from switchboard.model.screening import BlockRequest
from switchboard.store.numbers import _item
from tests.support.template import ROOT, functions
from tests.unit.made import AT, active, configurations, requested

EVENTS = ROOT / "events"
NAMES = sorted(path.stem for path in (EVENTS / "schemas").glob("*.json"))
"""`<detail-type>.v<version>`, each."""

T = AT * 1000


def sample(name: str) -> dict[str, Any]:
    held: dict[str, Any] = json.loads((EVENTS / "bus" / f"{name}.json").read_text())
    return held


@cache
def contract(name: str) -> jsonschema.Draft4Validator:
    schema = json.loads((EVENTS / "schemas" / f"{name}.json").read_text())
    jsonschema.Draft4Validator.check_schema(schema)
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())


def keeps_to_its_contract(event: Event) -> None:
    time = datetime.fromtimestamp(event.detail["occurredAt"], UTC).isoformat()
    envelope = {"source": SOURCE, "detail-type": event.detail_type, "time": time, "detail": event.detail}
    contract(f"{event.detail_type}.v{VERSION}").validate(json.loads(json.dumps(envelope)))


def life(record: NumberRecord) -> list[Event]:
    """The events of a number that is bought as `record` intends, changed, suspended, resumed and released."""
    bought = record.purchased("vapi-1", AT + 1)
    ready = bought.activated("+14155550100", NumberFacts(type="local", country="US"), AT + 2)
    changed = ready.updated({"tags": ["changed"]}, AT + 3)
    suspended = changed.updated({"status": "suspended"}, AT + 4)
    resumed = suspended.updated({"status": "active"}, AT + 5)
    cancelled = resumed.cancelled(AT + 6)
    steps = [record, bought, ready, changed, suspended, resumed, cancelled, cancelled.released(AT + 7)]
    return [event for old, new in pairwise(map(_item, steps)) for event in number_events(old, new)]


def call(direction: str, **facts: dict[str, Any]) -> dict[str, Any]:
    who = {"at": T, "createdAt": T, "direction": direction, "customer": "+12025550123", "ours": "+14155550100"}
    head = {"callId": "c1", "numberId": "pn_1", "business": "acme", "rev": 1}
    return head | {kind: who | fact for kind, fact in facts.items()}


def calls_events() -> Iterator[Event]:
    rings = call("inbound", decision={"reason": "default"})
    yield from call_events(None, rings)
    yield from call_events(rings, rings | call("inbound", report={"reason": "customer-ended-call"}))
    yield from call_events(None, call("outbound", dialling={}))
    spam = {"score": 80, "threshold": 70, "enforced": True, "reasons": [{"reason": "short-calls", "weight": 80}]}
    left = {"reason": "customer-ended-call", "spoke": True, "transcript": "User: Hello?"}
    message = call("inbound", decision={"action": "voicemail", "reason": "spam", "spam": spam})
    yield from (event for event in call_events(None, message) if event.detail_type == "Spam.detected")
    yield from call_events(message, message | call("inbound", report=left))


def block(**more: Any) -> dict[str, Any]:
    who = {"pattern": "+12025550123", "addedAt": T, "blockedOn": "pn_1", "business": "acme", "ours": "+14155550100"}
    return {"PK": "NUMBER#pn_1", "SK": "BLOCK#+12025550123", **who, **more}


def fired(**more: Any) -> dict[str, Any]:
    """That a threshold fired, as it is kept."""
    which = {"thresholdId": "t", "metric": "calls", "period": "day", "limit": Decimal(100), "action": "reject"}
    when = {"periodStart": Decimal(AT - 3600), "periodEnd": Decimal(AT + 82_800), "firedAt": Decimal(AT)}
    who = {"numberId": "pn_1", "business": "acme", "ours": "+14155550100", "value": Decimal(100)}
    return {"PK": "NUMBER#pn_1", "SK": f"THRESHOLD#t#calls#day#100#{AT - 3600}", **which, **when, **who, **more}


def test_every_event_has_its_schema_and_its_sample_and_no_other_has() -> None:
    made = {
        f"{event.detail_type}.v{VERSION}"
        for event in [
            *life(requested()),
            *calls_events(),
            *block_events(None, block()),
            *threshold_events(None, fired()),
        ]
    }
    assert made == set(NAMES) == {path.stem for path in (EVENTS / "bus").glob("*.json")}


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_keeps_to_its_schema(name: str) -> None:
    contract(name).validate(sample(name))
    detail_type, _, version = name.rpartition(".v")
    assert (sample(name)["detail-type"], sample(name)["detail"]["version"]) == (detail_type, int(version))


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_names_one_instant_only(name: str) -> None:
    held = sample(name)
    assert datetime.fromisoformat(held["time"]).timestamp() == held["detail"]["occurredAt"]


@given(configurations())
def test_what_a_number_makes_keeps_to_its_schema(wanted: dict[str, Any]) -> None:
    for event in life(requested(**wanted)):
        keeps_to_its_contract(event)


fact = st.fixed_dictionaries(
    {"at": st.integers(1, 10**13)},
    optional={
        "createdAt": st.integers(1, 10**13),
        "direction": st.sampled_from(["inbound", "outbound"]),
        "customer": st.text(max_size=20),
        "ours": st.sampled_from(["+14155550100"]),
        "reason": st.sampled_from(["customer-busy", "customer-ended-call", "made-up"]),
        "test": st.just(value=True),
        "voicemail": st.just(value=True),
        "spoke": st.just(value=True),
        "transcript": st.text(max_size=20),
        "action": st.sampled_from(["assistant", "voicemail", "reject"]),
        "spam": st.fixed_dictionaries(
            {
                "score": st.integers(0, 100),
                "threshold": st.integers(0, 100),
                "enforced": st.booleans(),
                "reasons": st.just([{"reason": "short-calls", "weight": 40}]),
            }
        ),
    },
)


@given(st.dictionaries(st.sampled_from([kind.value for kind in Kind]), fact, min_size=1))
def test_what_a_call_makes_keeps_to_its_schema(facts: dict[str, Any]) -> None:
    for event in call_events(None, {"callId": "c1", "numberId": "pn_1", "business": "acme"} | facts):
        keeps_to_its_contract(event)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", [(), ("detail",), ("detail", "data")], ids=["envelope", "detail", "data"])
def test_a_field_may_be_added_but_none_taken_away(name: str, path: tuple[str, ...]) -> None:
    def changed() -> tuple[dict[str, Any], dict[str, Any]]:
        whole = copy.deepcopy(sample(name))
        part = whole
        for step in path:
            part = part[step]
        return whole, part

    whole, part = changed()
    part["addedLater"] = {"any": "thing"}
    assert contract(name).is_valid(whole)
    promised = {"source", "detail-type", "time", "detail"} if not path else set(part) - {"addedLater"}
    for field in promised:
        whole, part = changed()
        del part[field]
        assert not contract(name).is_valid(whole), field


def test_the_source_is_one_and_the_same_everywhere() -> None:
    assert {sample(name)["source"] for name in NAMES} == {SOURCE}
    (statement,) = functions()["publish_events"]["Policies"][0]["Statement"]
    assert statement["Action"] == ["events:PutEvents"]
    assert statement["Condition"] == {"StringEquals": {"events:source": SOURCE}}
    layer = ROOT / "layers" / "switchboard" / "switchboard"
    spelled = [path.name for path in layer.rglob("*.py") if f'"{SOURCE}"' in path.read_text()]
    assert spelled == ["events.py"]


def test_a_number_has_each_event_of_its_life_once_and_in_order() -> None:
    assert [event.detail_type for event in life(requested())] == [
        *("created", "activated", "updated", "deactivated", "activated", "deactivated", "deleted"),
    ]


def test_a_purchase_that_failed_was_never_created_nor_deleted() -> None:
    intent = requested()
    assert not list(number_events(_item(intent), _item(intent.failed("refused", "No such area code.", AT + 1))))


def test_a_number_that_its_carrier_lost_is_deleted() -> None:
    ready = active()
    kinds = [event.detail_type for event in number_events(_item(ready), _item(ready.failed("gone", "", AT + 9)))]
    assert kinds == ["deactivated", "deleted"]


def test_updated_names_what_changed_and_never_a_secret() -> None:
    old = active(webhookUrl="https://example.com/hook")
    new = old.updated({"tags": ["b"], "webhookSecret": "whsec_AAAAAAAAAAAAAAAA", "metadata": {"a": 1}}, AT + 9)
    (event,) = number_events(_item(old), _item(new))
    assert event.detail["data"]["changed"] == ["metadata", "tags", "webhookSecret"]
    assert "whsec_" not in json.dumps(event.detail)


def test_what_the_owner_cannot_see_makes_no_event() -> None:
    ready = active()
    assert not list(number_events(_item(ready), _item(ready.in_step())))


def test_the_same_change_has_the_same_event_id_and_every_other_its_own() -> None:
    first, again = ([event.detail for event in [*life(requested()), *calls_events()]] for _ in range(2))
    assert first == again
    assert len({detail["eventId"] for detail in first}) == len(first)


def test_a_missed_call_is_told_the_same_whether_its_end_or_its_report_came_first() -> None:
    rings = call("inbound", decision={"reason": "default"})
    ended = call("inbound", ended={"at": T + 20_999, "reason": "customer-did-not-answer"})
    report = call("inbound", report={"at": T + 30_000, "reason": "customer-did-not-answer", "endedAt": T + 21_001})
    assert list(call_events(rings, rings | ended)) == list(call_events(rings, rings | report))
    assert not list(call_events(rings | ended, rings | ended | report))


def test_a_call_that_is_missed_when_first_heard_of_has_both_events() -> None:
    (begun, missed) = call_events(None, call("inbound", listed={"ended": True, "reason": "customer-ended-call"}))
    assert (begun.detail_type, missed.detail_type) == ("Call.inbound", "Call.missed")


@pytest.mark.parametrize("reason", ["assistant-forwarded-call", "pipeline-error-x", "voicemail"])
def test_no_other_outcome_is_a_missed_call(reason: str) -> None:
    rings = call("inbound", decision={"reason": "default"})
    assert not list(call_events(rings, rings | call("inbound", report={"reason": reason})))


def test_spam_is_told_once_and_whether_or_not_it_decided_the_call() -> None:
    for enforced in (True, False):
        spam = {
            "score": 80,
            "threshold": 70,
            "enforced": enforced,
            "reasons": [{"reason": "short-calls", "weight": 80}],
        }
        rings = call("inbound", decision={"reason": "spam", "spam": spam})
        (_begun, detected) = call_events(None, rings)
        assert detected.detail_type == "Spam.detected"
        assert detected.detail["data"]["enforced"] is enforced
        assert not list(call_events(rings, rings | call("inbound", inProgress={})))


def test_a_message_is_told_once_whichever_told_of_it_first() -> None:
    rings = call("inbound", decision={"action": "voicemail", "reason": "after-hours"})
    left = {"reason": "customer-ended-call", "spoke": True, "endedAt": T + 9000, "startedAt": T + 1000}
    report, listed = call("inbound", report=left), call("inbound", listed=left | {"ended": True})
    (told,) = call_events(rings, rings | report)
    assert [told] == list(call_events(rings, rings | listed))
    assert (told.detail_type, told.detail["data"]["duration"]) == ("Voicemail.received", 8.0)
    assert not list(call_events(rings | report, rings | report | listed))


def test_a_machine_that_took_an_outbound_call_left_us_no_message() -> None:
    dialling = call("outbound", dialling={})
    assert not list(call_events(dialling, dialling | call("outbound", report={"reason": "voicemail", "spoke": True})))


def test_the_other_party_of_a_call_is_the_caller_or_the_called() -> None:
    (inbound,) = call_events(None, call("inbound", decision={}))
    (outbound,) = call_events(None, call("outbound", dialling={}))
    assert (inbound.detail["data"]["caller"], inbound.detail["data"]["called"]) == ("+12025550123", "+14155550100")
    assert (outbound.detail["data"]["caller"], outbound.detail["data"]["called"]) == ("+14155550100", "+12025550123")


# ---- blocked callers


@pytest.mark.parametrize("more", [{}, {"reason": "robocalls", "expiresAt": AT + 60}], ids=["plain", "with all"])
def test_a_blocked_caller_keeps_to_its_schema(more: dict[str, Any]) -> None:
    (event,) = block_events(None, block(**more))
    keeps_to_its_contract(event)
    told = {"blocked": "+12025550123", "reason": None, "expiresAt": None} | more
    assert (event.detail["data"], event.detail["occurredAt"]) == (told, AT)


def test_another_reason_is_no_news_and_a_block_made_anew_is() -> None:
    old = block()
    assert not list(block_events(old, block(reason="another", expiresAt=AT + 60)))
    (first,), (anew,) = block_events(None, old), block_events(old, block(addedAt=T + 1))
    assert first.detail["eventId"] != anew.detail["eventId"]


def test_a_prefix_that_is_added_is_one_event_and_keeps_to_its_schema() -> None:
    old = active(blockedNumbers=["+1900*"])
    new = old.blocking(BlockRequest(phoneNumber="+1976*", reason="premium"), AT + 9.5)
    events = list(number_events(_item(old), _item(new)))
    assert [event.detail_type for event in events] == ["updated", "Number.blocked"]
    assert events[0].detail["data"]["changed"] == ["blockedNumbers"]
    assert events[1].detail["data"] == {"blocked": "+1976*", "reason": "premium", "expiresAt": None}
    for event in events:
        keeps_to_its_contract(event)
    again = new.blocking(BlockRequest(phoneNumber="+1976*", reason="dear"), AT + 10)
    assert [event.detail_type for event in number_events(_item(new), _item(again))] == ["updated"]


# ---- usage thresholds


FIRED = [
    pytest.param({}, {"limit": 100, "value": 100, "forecast": None}, id="whole numbers"),
    pytest.param({"forecast": Decimal("171.4286")}, {"forecast": 171.4286}, id="with a forecast"),
    pytest.param(
        {"metric": "missedRate", "limit": Decimal("0.25"), "value": Decimal("0.3")},
        {"metric": "missedRate", "limit": 0.25, "value": 0.3},
        id="fractions",
    ),
]


@pytest.mark.parametrize(("kept", "told"), FIRED)
def test_a_threshold_that_fired_is_told_as_it_was_then_and_keeps_to_its_schema(
    kept: dict[str, Any], told: dict[str, Any]
) -> None:
    (event,) = threshold_events(None, fired(**kept))
    keeps_to_its_contract(event)
    assert (event.detail_type, event.detail["occurredAt"]) == ("Threshold.exceeded", AT)
    assert told.items() <= event.detail["data"].items()
    of_period = {"thresholdId": "t", "period": "day", "periodStart": AT - 3600, "periodEnd": AT + 82_800}
    assert of_period.items() <= event.detail["data"].items()


def test_a_threshold_is_told_again_by_the_same_id_and_in_another_period_by_another() -> None:
    (first,), (again,) = threshold_events(None, fired()), threshold_events(None, fired())
    (next_day,) = threshold_events(None, fired(SK=f"THRESHOLD#t#calls#day#100#{AT + 82_800}"))
    assert first == again
    assert first.detail["eventId"] != next_day.detail["eventId"]


def test_what_is_kept_of_a_threshold_is_told_only_when_it_came_to_be() -> None:
    assert not list(threshold_events(fired(), fired(expiresAt=Decimal(AT))))
