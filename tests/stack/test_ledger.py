"""Two hundred calls whose messages are repeated and shuffled come out exact."""

from collections import Counter
from collections.abc import Callable
from itertools import cycle, islice

import httpx

from local.events import BusEvents
from local.eventually import eventually
from local.simulators.vapi import Delivery, Ring
from local.stack import Stack
from tests.stack.acting import active_number, events_by_kind, made_at_vapi, settled_counters

Api = Callable[..., httpx.Client]

CALLS = 200
DAY = 86_400
BEHAVIOURS = ("talk", "hang-up-before-answer", "assistant-forwards", "talk", "pipeline-error")


def test_repeated_and_shuffled_messages_are_counted_and_told_once(
    stack: Stack, api: Api, bus_events: BusEvents
) -> None:
    acme = api("acme")
    number = active_number(acme)
    assistant = made_at_vapi(stack, "assistant", name="Ledger")
    acme.put(f"/phone-numbers/{number['id']}/assistant", json={"id": assistant["id"]}).raise_for_status()
    stack.warm_up(4, "POST /vapi/{id}")
    rings = [
        Ring(
            to=number["phoneNumber"],
            caller=f"+1202555{1000 + position}",
            behaviour=behaviour,
            talk_seconds=10 + position,
            delivery=Delivery(repeat=2, repeat_request=2, shuffle=True, seed=position),
        )
        for position, behaviour in enumerate(islice(cycle(BEHAVIOURS), CALLS))
    ]

    stories = stack.vapi.ring_many(rings, concurrency=4)

    assert {story["answered"]["status"] for story in stories} == {200}
    seconds = {
        behaviour: sum(s["outcome"]["seconds"] for s, r in zip(stories, rings, strict=True) if r.behaviour == behaviour)
        for behaviour in BEHAVIOURS
    }
    by_behaviour = Counter(ring.behaviour for ring in rings)
    settled = settled_counters(
        acme,
        number["id"],
        totalCalls=CALLS,
        inboundCalls=CALLS,
        averageCallDuration=round(seconds["talk"] / by_behaviour["talk"], 3),
        totalMinutes=round(sum(seconds.values()) / 60, 4),
    )
    assert settled["outboundCalls"] == 0
    asked = {"from": number["created"] - DAY, "to": number["created"] + DAY, "timezone": "Asia/Kathmandu"}
    found = acme.post(f"/phone-numbers/{number['id']}/usage-analyses", json=asked).raise_for_status().json()
    assert (found["totals"]["calls"], found["totals"]["missed"]) == (CALLS, by_behaviour["hang-up-before-answer"])
    assert sum(period["calls"] for period in found["series"]) == CALLS
    assert found["duration"]["average"] == settled["averageCallDuration"]
    assert found["topCallers"] == [{"caller": f"+1202555{1000 + position}", "calls": 1} for position in range(20)]
    assert found["assistants"] == [{"id": assistant["id"], "calls": CALLS}]
    wanted = {
        "created": 1,
        "activated": 1,
        "updated": 1,
        "Call.inbound": CALLS,
        "Call.missed": by_behaviour["hang-up-before-answer"],
    }
    eventually(lambda: events_by_kind(bus_events, number["id"]) == wanted, timeout=60, what=f"the events {wanted}")
    delivered = Counter(event["detail"]["eventId"] for event in bus_events.of(number["id"]))
    assert set(delivered.values()) == {1}
