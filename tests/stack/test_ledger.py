"""Three hundred calls of all kinds, their messages repeated, shuffled and lost, come out exact wherever they are shown.

What was sent is known from the simulator alone: from each call's story and from its row at Vapi.
"""

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import ceil, isqrt
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import httpx
import pytest
from pyarrow import parquet

from local.events import BusEvents
from local.eventually import eventually
from local.simulators.vapi import Delivery, Ring
from local.simulators.vapi.clock import parse
from local.stack import VAPI_API_KEY, Stack
from tests.stack.acting import active_number, events_by_kind, made_at_vapi
from tests.support.zones import at_noon

Api = Callable[..., httpx.Client]

CALLS = 300
DAY = 86_400
KATHMANDU = ZoneInfo("Asia/Kathmandu")
DESK = "+14155550199"
PATIENCE = 240
"""Seconds; what is waited for takes a few where the machine has nothing else to do."""


@dataclass(frozen=True)
class Kind:
    """A kind of call. callers: how their numbers begin; None withholds them. assistant: who was chosen."""

    callers: str | None
    behaviour: str
    outcome: str
    assistant: str | None = None
    rule: str | None = None


TALK = Kind("+1202555", "talk", "answered", "Front desk")
AT_NIGHT = Kind("+1213555", "talk", "answered", "Night desk", "night")
HUNG_UP = Kind("+1202555", "hang-up-before-answer", "missed", "Front desk")
HANDED_ON = Kind("+1202555", "assistant-forwards", "forwarded", "Front desk")
KINDS = (
    TALK,
    HUNG_UP,
    AT_NIGHT,
    TALK,
    HANDED_ON,
    Kind("+1303555", "talk", "voicemail", rule="message"),
    TALK,
    Kind(None, "talk", "rejected"),
    Kind("+1202555", "assistant-ends", "answered", "Front desk"),
    TALK,
    Kind("+1312555", "talk", "blocked"),
    HUNG_UP,
    Kind("+1646555", "talk", "forwarded", rule="after-hours"),
    TALK,
    Kind("+1202555", "pipeline-error", "failed", "Front desk"),
    Kind("+1303555", "silence", "missed", rule="message"),
    AT_NIGHT,
    HANDED_ON,
    Kind("+1202555", "silence", "answered", "Front desk"),
    TALK,
)
"""A round of calls, rung again and again.

All that decides them stands on the number itself: so it does not matter if a machine that is busy with other things
makes one be decided by what was last seen of the number.
"""

LOST = {0: {"end-of-call-report"}, 3: {"ended", "end-of-call-report"}}
"""By a call's position modulo seven: what of its end never arrives."""


class Row(NamedTuple):
    """What a call is, wherever it is shown. created: Unix milliseconds; seconds of talk; cost in cents."""

    id: str
    caller: str | None
    outcome: str
    created: int
    seconds: Decimal
    cost: Decimal
    ended_reason: str


class Sent(NamedTuple):
    """A call as the simulator knows it. spoken: when somebody was connected and when not any more, Unix minutes."""

    kind: Kind
    row: Row
    spoken: range


@dataclass(frozen=True)
class Ledger:
    """A number whose calls are all over and counted. assistants: their ids by name. sent: the newest call first."""

    acme: httpx.Client
    number: dict[str, Any]
    assistants: dict[str, str]
    sent: list[Sent]

    @property
    def path(self) -> str:
        return f"/phone-numbers/{self.number['id']}"

    @property
    def rows(self) -> list[Row]:
        return [each.row for each in self.sent]

    @property
    def range(self) -> dict[str, int]:
        return {"from": self.number["created"] - DAY, "to": self.number["created"] + DAY}

    def seconds(self, *outcomes: str) -> list[Decimal]:
        """How long the calls were, in their order; of those outcomes, if any are given."""
        return sorted(row.seconds for row in self.rows if not outcomes or row.outcome in outcomes)

    @property
    def cost(self) -> Decimal:
        return total(row.cost for row in self.rows)

    def analysed(self) -> dict[str, Any]:
        asked = self.range | {"timezone": KATHMANDU.key}
        found: dict[str, Any] = self.acme.post(f"{self.path}/usage-analyses", json=asked).raise_for_status().json()
        return found

    def listed(self, limit: int = 100, **filters: str) -> list[dict[str, Any]]:
        """All pages of the list."""
        found: list[dict[str, Any]] = []
        asked: dict[str, Any] = {"limit": limit, **filters}
        while True:
            page = self.acme.get(f"{self.path}/calls", params=asked).raise_for_status().json()
            found += page["items"]
            if page["nextCursor"] is None:
                return found
            asked["cursor"] = page["nextCursor"]

    def all_counted(self) -> bool:
        """Whether every call has its outcome and its cost. The lost ones have them from Vapi's call list."""
        totals = self.analysed()["totals"]
        return (totals["calls"], totals["undecided"], totals["cost"]) == (CALLS, 0, float(self.cost))


@pytest.fixture(scope="module")
def ledger(stack: Stack, api: Api) -> Ledger:
    """Three hundred calls rung through the deployed call plane, waited for until they are counted."""
    acme = api("acme")
    number = active_number(acme)
    assistants = {
        "Front desk": made_at_vapi(stack, "assistant", name="Front desk", serverMessages=["tool-calls"])["id"],
        "Night desk": made_at_vapi(stack, "assistant", name="Night desk")["id"],
    }
    path = f"/phone-numbers/{number['id']}"
    configured = {
        "businessHours": at_noon(number["created"]),
        "blockedNumbers": ["+1312555*"],
        "inboundSettings": {"rejectAnonymous": True},
        "voicemailEnabled": True,
        "callRoutingRules": [
            rule("night", 1, {"callerPrefixes": ["+1213555"]}, action="assistant", id=assistants["Night desk"]),
            rule("message", 2, {"callerPrefixes": ["+1303555"]}, action="voicemail"),
            rule("after-hours", 3, {"callerPrefixes": ["+1646"], "hours": "closed"}, action="forward", number=DESK),
        ],
        "usageThresholds": [
            {"id": "busy", "period": "day", "metric": "calls", "limit": 250},
            {"id": "full", "period": "day", "metric": "calls", "limit": CALLS + 1, "action": "reject"},
        ],
    }
    changed = acme.patch(path, json=configured)
    assert changed.status_code == 200, changed.text
    acme.put(f"{path}/assistant", json={"id": assistants["Front desk"]}).raise_for_status()
    stack.warm_up(4, "POST /vapi/{id}")
    kinds = [KINDS[position % len(KINDS)] for position in range(CALLS)]

    stories = stack.vapi.ring_many(rings(number["phoneNumber"], kinds), concurrency=4)

    assert {story["answered"]["status"] for story in stories} == {200}
    sent = [sent_by(stack, kind, story) for kind, story in zip(kinds, stories, strict=True)]
    sent.sort(key=lambda each: (each.row.created, each.row.id), reverse=True)
    rung = Ledger(acme, number, assistants, sent)
    eventually(rung.all_counted, timeout=PATIENCE, what="all calls with outcome and cost")
    return rung


def rule(rule_id: str, priority: int, when: dict[str, Any], **then: Any) -> dict[str, Any]:
    return {"id": rule_id, "priority": priority, "when": when, "then": then}


def rings(to: str, kinds: Iterable[Kind]) -> list[Ring]:
    """A call of each kind. Of every prefix's callers each calls more often than the one before."""
    made: list[Ring] = []
    before: Counter[str] = Counter()
    for position, kind in enumerate(kinds):
        caller = None
        if kind.callers is not None:
            caller = f"{kind.callers}{1000 + isqrt(2 * before[kind.callers])}"
            before[kind.callers] += 1
        made.append(
            Ring(
                to=to,
                caller=caller,
                behaviour=kind.behaviour,
                talk_seconds=5 + 0.217 * position,
                anonymous_as="anonymous" if position % 40 < 20 else "missing",
                delivery=Delivery(
                    repeat=2,
                    repeat_request=2,
                    shuffle=True,
                    seed=position,
                    drop=frozenset(LOST.get(position % 7, ())),
                ),
            )
        )
    return made


def sent_by(stack: Stack, kind: Kind, story: dict[str, Any]) -> Sent:
    at_vapi = stack.vapi.store.get("call", story["callId"]) or {}
    outcome = story["outcome"]
    row = Row(
        id=story["callId"],
        caller=story["from"],
        outcome=kind.outcome,
        created=round(parse(at_vapi["createdAt"])),
        seconds=Decimal(str(outcome["seconds"])),
        cost=Decimal(str(outcome["cost"])) * 100,
        ended_reason=outcome["endedReason"],
    )
    if "startedAt" not in at_vapi:
        return Sent(kind, row, range(0))
    began, ended = (int(parse(at_vapi[name]) // 60_000) for name in ("startedAt", "endedAt"))
    return Sent(kind, row, range(began, ended + 1))


def total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def most(what: str, calls: Counter[Any]) -> list[dict[str, Any]]:
    """The twenty with most calls as an analysis names them, ties by name."""
    ranked = sorted(calls.items(), key=lambda each: (-each[1], each[0]))
    return [{what: name, "calls": count} for name, count in ranked[:20]]


def test_the_numbers_counters_are_exact(ledger: Ledger) -> None:
    number = ledger.acme.get(ledger.path).raise_for_status().json()
    answered = ledger.seconds("answered")
    expected = {
        "totalCalls": CALLS,
        "inboundCalls": CALLS,
        "outboundCalls": 0,
        "averageCallDuration": float(round(total(answered) / len(answered), 3)),
        "totalMinutes": float(round(total(ledger.seconds()) / 60, 4)),
        "monthlyCost": float(ledger.cost),
    }
    assert {name: number[name] for name in expected} == expected


def test_an_analysis_has_the_outcomes_minutes_and_cost_of_the_calls(ledger: Ledger) -> None:
    totals = ledger.analysed()["totals"]
    outcomes = Counter(row.outcome for row in ledger.rows)
    assert {outcome: totals[outcome] for outcome in outcomes} == outcomes
    assert sum(outcomes.values()) == CALLS == totals["calls"] == totals["inboundCalls"]
    assert totals["minutes"] == float(round(total(ledger.seconds()) / 60, 4))
    let_in = CALLS - sum(outcomes[outcome] for outcome in ("blocked", "spam", "rejected"))
    assert totals["answerRate"] == round(outcomes["answered"] / let_in, 4)
    assert totals["missedRate"] == round(outcomes["missed"] / let_in, 4)


def test_an_analysis_has_the_durations_of_the_answered_calls(ledger: Ledger) -> None:
    found, answered = ledger.analysed()["duration"], ledger.seconds("answered")
    assert found["average"] == float(round(total(answered) / len(answered), 3))
    for percent in (50, 90, 99):
        exact = float(answered[ceil(percent * len(answered) / 100) - 1])
        assert found[f"p{percent}"] == pytest.approx(exact, rel=0.02)


def test_an_analysis_is_cut_by_the_clocks_of_kathmandu(ledger: Ledger) -> None:
    found = ledger.analysed()
    local = [datetime.fromtimestamp(row.created // 1000, KATHMANDU) for row in ledger.rows]
    by_day = {period["startLocal"][:10]: period["calls"] for period in found["series"] if period["calls"]}
    assert by_day == Counter(f"{at:%Y-%m-%d}" for at in local)
    by_hour = {hour["hourOfWeek"]: hour["calls"] for hour in found["byHourOfWeek"] if hour["calls"]}
    assert by_hour == Counter(at.weekday() * 24 + at.hour for at in local)


def test_an_analysis_names_callers_reasons_assistants_and_rules(ledger: Ledger) -> None:
    found, kinds = ledger.analysed(), [each.kind for each in ledger.sent]
    callers = Counter(row.caller for row in ledger.rows if row.caller is not None)
    assert len(callers) > 20
    assert found["topCallers"] == most("caller", callers)
    assert found["endedReasons"] == most("reason", Counter(row.ended_reason for row in ledger.rows))
    chosen = Counter(ledger.assistants[kind.assistant] for kind in kinds if kind.assistant)
    assert found["assistants"] == most("id", chosen)
    assert found["rules"] == most("id", Counter(kind.rule for kind in kinds if kind.rule))


def test_an_analysis_has_the_minute_with_most_calls_in_progress(ledger: Ledger) -> None:
    by_minute = Counter(minute for each in ledger.sent for minute in each.spoken)
    peak = max(by_minute.values())
    first = min(minute for minute, calls in by_minute.items() if calls == peak)
    assert ledger.analysed()["peakConcurrency"] == {"calls": peak, "at": first * 60}


def test_everything_is_told_once(ledger: Ledger, bus_events: BusEvents) -> None:
    number_id, kinds = ledger.number["id"], [each.kind for each in ledger.sent]
    wanted = {
        "created": 1,
        "activated": 1,
        "updated": 2,
        "Number.blocked": 1,
        "Call.inbound": CALLS,
        "Call.missed": sum(kind.outcome == "missed" for kind in kinds),
        "Voicemail.received": sum(kind.outcome == "voicemail" for kind in kinds),
        "Threshold.exceeded": 1,
    }
    eventually(lambda: events_by_kind(bus_events, number_id) == wanted, timeout=PATIENCE, what=f"the events {wanted}")
    events = bus_events.of(number_id)
    assert set(Counter(event["detail"]["eventId"] for event in events).values()) == {1}
    (exceeded,) = (event["detail"]["data"] for event in events if event["detail-type"] == "Threshold.exceeded")
    assert (exceeded["thresholdId"], exceeded["limit"], exceeded["action"]) == ("busy", 250, "notify")
    assert 250 <= exceeded["value"] <= CALLS


def test_the_list_pages_through_the_calls_the_newest_first(ledger: Ledger) -> None:
    found = ledger.listed()
    assert [of_list(call) for call in found] == [in_whole_seconds(row) for row in ledger.rows]
    assert ledger.listed(limit=37, direction="inbound") == found
    assert ledger.listed(direction="outbound") == []


def test_the_list_is_filtered_by_outcome_and_by_caller(ledger: Ledger) -> None:
    for outcome in {row.outcome for row in ledger.rows}:
        of_outcome = [row.id for row in ledger.rows if row.outcome == outcome]
        assert [call["id"] for call in ledger.listed(outcome=outcome)] == of_outcome
    (caller, many), *_ = Counter(row.caller for row in ledger.rows if row.caller).most_common(1)
    of_caller = [row for row in ledger.rows if row.caller == caller]
    assert [call["id"] for call in ledger.listed(limit=7, caller=str(caller))] == [row.id for row in of_caller]
    assert len(of_caller) == many > 7
    answered = [row.id for row in of_caller if row.outcome == "answered"]
    assert [call["id"] for call in ledger.listed(caller=str(caller), outcome="answered")] == answered


def of_csv(content: bytes) -> list[Row]:
    lines = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return [of_json(line | {"caller": line["caller"].removeprefix("'") or None}) for line in lines]


def of_json(call: dict[str, Any]) -> Row:
    created = datetime.fromisoformat(call["createdAt"])
    return shown(call | {"createdAt": round(created.timestamp() * 1000)})


def of_parquet(content: bytes) -> list[Row]:
    calls = parquet.read_table(io.BytesIO(content)).to_pylist()
    return [shown(call | {"createdAt": round(call["createdAt"].timestamp() * 1000)}) for call in calls]


def of_list(call: dict[str, Any]) -> Row:
    """A call of the list, which has whole seconds where its values are instants."""
    return shown(call | {"createdAt": call["createdAt"] * 1000})


def in_whole_seconds(row: Row) -> Row:
    return row._replace(created=row.created // 1000 * 1000)


def shown(call: dict[str, Any]) -> Row:
    return Row(
        id=call["id"],
        caller=call.get("caller"),
        outcome=call["outcome"],
        created=call["createdAt"],
        seconds=Decimal(str(call["duration"])),
        cost=Decimal(str(call["cost"])),
        ended_reason=call["endedReason"],
    )


FORMATS = [
    pytest.param({"format": "csv"}, of_csv, id="csv"),
    pytest.param({"format": "json"}, lambda content: [of_json(call) for call in json.loads(content)], id="json"),
    pytest.param(
        {"format": "jsonl", "compress": True},
        lambda content: [of_json(json.loads(line)) for line in gzip.decompress(content).splitlines()],
        id="jsonl, compressed",
    ),
    pytest.param({"format": "parquet", "timezone": KATHMANDU.key}, of_parquet, id="parquet"),
]


@pytest.mark.parametrize(("wanted", "read"), FORMATS)
def test_an_export_is_row_for_row_what_the_list_shows(
    ledger: Ledger, wanted: dict[str, Any], read: Callable[[bytes], list[Row]]
) -> None:
    asked = ledger.acme.post(f"{ledger.path}/exports", json=ledger.range | wanted).raise_for_status().json()

    def done() -> dict[str, Any]:
        export = f"{ledger.path}/exports/{asked['exportId']}"
        found: dict[str, Any] = ledger.acme.get(export).raise_for_status().json()
        assert found["status"] != "failed", found
        return found if found["status"] == "ready" else {}

    ready = eventually(done, timeout=PATIENCE, what="the export")

    assert (ready["rows"], ready["percent"]) == (CALLS, 100)
    rows = read(httpx.get(ready["url"]).raise_for_status().content)
    assert rows == ledger.rows[::-1]
    assert [in_whole_seconds(row) for row in rows] == [of_list(call) for call in ledger.listed()][::-1]


# ---- calls of the other kinds: spam, calls that a threshold turns away, outbound ones, tests ----

SPAM = "+12020550123"
"""An exchange that begins with 0: there is no such number."""


class Known(NamedTuple):
    """A call as the simulator knows it, beside what was asked for. cost: cents."""

    id: str
    direction: str
    outcome: str
    test: bool
    seconds: Decimal
    cost: Decimal


def known(stack: Stack, call_id: str, direction: str, outcome: str, *, test: bool = False) -> Known:
    at_vapi = stack.vapi.store.get("call", call_id) or {}
    began, ended = (round(parse(at_vapi[name])) if name in at_vapi else 0 for name in ("startedAt", "endedAt"))
    seconds = Decimal(ended - began) / 1000 if began else Decimal(0)
    return Known(call_id, direction, outcome, test, seconds, Decimal(str(at_vapi["cost"])) * 100)


def test_spam_outbound_and_test_calls_and_those_beyond_a_threshold_are_what_vapi_knows_of_them(
    stack: Stack, api: Api
) -> None:
    acme = api("acme")
    assistant = made_at_vapi(stack, "assistant", name="Front desk", serverMessages=["tool-calls"])["id"]
    number = active_number(acme, assistant={"id": assistant})
    path = f"/phone-numbers/{number['id']}"
    configured = {
        "spamFilter": True,
        "inboundSettings": {"spamThreshold": 50},
        "businessHours": at_noon(number["created"]),
        "usageThresholds": [{"id": "full", "period": "day", "metric": "calls", "limit": 6, "action": "reject"}],
    }
    acme.patch(path, json=configured).raise_for_status()

    def read(what: str = "") -> dict[str, Any]:
        found: dict[str, Any] = acme.get(f"{path}{what}").raise_for_status().json()
        return found

    def rung(caller: str) -> str:
        return str(stack.vapi.ring(number["phoneNumber"], caller, talk_seconds=21.5)["callId"])

    expected = {rung(f"+1202555010{at}"): ("inbound", "answered", False) for at in range(3)}
    expected |= {rung(SPAM): ("inbound", "spam", False) for _ in range(3)}
    (at_vapi,) = (each["id"] for each in stack.vapi.state()["numbers"] if each["number"] == number["phoneNumber"])
    for at in range(3):
        asked = {"assistantId": assistant, "phoneNumberId": at_vapi, "customer": {"number": f"+1202555015{at}"}}
        headers = {"Authorization": f"Bearer {VAPI_API_KEY}"}
        placed = httpx.post(f"{stack.vapi.url}/call", json=asked, headers=headers).raise_for_status().json()
        expected[placed["id"]] = ("outbound", "answered", False)
    for at in range(2):
        asked = {"to": f"+1202555017{at}"}
        test = acme.post(f"{path}/test-calls", json=asked, headers={"Idempotency-Key": f"t{at}"}).raise_for_status()
        expected[test.json()["id"]] = ("outbound", "answered", True)
    eventually(lambda: read()["totalCalls"] == 9, timeout=PATIENCE, what="nine calls that are no tests")

    def turned_away() -> bool:
        call_id = rung("+12025550199")
        decision = eventually(lambda: read(f"/calls/{call_id}")["decision"], what="the decision")
        expected[call_id] = ("inbound", "rejected" if decision["reason"] == "threshold" else "answered", False)
        return bool(decision["reason"] == "threshold")

    eventually(turned_away, timeout=PATIENCE, what="a call beyond the threshold")

    def all_known() -> list[Known]:
        calls = [known(stack, call_id, *kind[:2], test=kind[2]) for call_id, kind in expected.items()]
        rows = [Known(*(row[name] for name in NAMES)) for row in exported(acme, path, number)]
        rows = [row._replace(seconds=Decimal(str(row.seconds)), cost=Decimal(str(row.cost))) for row in rows]
        return calls if sorted(calls) == sorted(rows) else []

    calls = eventually(all_known, timeout=PATIENCE, what="all calls in an export as Vapi knows them")
    real, tests = [call for call in calls if not call.test], [call for call in calls if call.test]
    asked = {"from": number["created"] - DAY, "to": number["created"] + DAY, "timezone": "UTC"}
    found = acme.post(f"{path}/usage-analyses", json=asked).raise_for_status().json()
    outcomes = Counter(call.outcome for call in real)
    assert {name: found["totals"][name] for name in outcomes} == outcomes
    directions = Counter(call.direction for call in real)
    assert (found["totals"]["inboundCalls"], found["totals"]["outboundCalls"]) == (directions["inbound"], 3)
    assert found["totals"]["cost"] == float(total(call.cost for call in real))
    assert found["tests"] == {
        "calls": 2,
        "minutes": float(round(total(call.seconds for call in tests) / 60, 4)),
        "cost": float(total(call.cost for call in tests)),
    }
    shown = read()
    assert (shown["totalCalls"], shown["inboundCalls"], shown["outboundCalls"]) == (
        len(real),
        directions["inbound"],
        3,
    )
    assert shown["monthlyCost"] == float(total(call.cost for call in calls))


NAMES = ("id", "direction", "outcome", "test", "duration", "cost")


def exported(acme: httpx.Client, path: str, number: dict[str, Any]) -> list[dict[str, Any]]:
    """All calls of a number as an export has them."""
    asked = {"from": number["created"] - DAY, "to": number["created"] + DAY, "format": "jsonl", "fields": NAMES}
    export = acme.post(f"{path}/exports", json=asked).raise_for_status().json()

    def ready() -> dict[str, Any]:
        found: dict[str, Any] = acme.get(f"{path}/exports/{export['exportId']}").raise_for_status().json()
        return found if found["status"] == "ready" else {}

    file = httpx.get(eventually(ready, timeout=PATIENCE, what="the export")["url"]).raise_for_status().content
    return [json.loads(line) for line in file.splitlines()]
