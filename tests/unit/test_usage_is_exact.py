"""Whatever comes in which order, twice, in parts, to several consumers at once: the buckets are the sum of the calls.

The table is a small model of the two requests that counting makes, so that consumers can be stopped at each of them.
That DynamoDB understands the same requests so is shown on moto (tests/functions/test_consumers.py).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switchboard.calls.kinds import EARLIEST_WINS, Kind
from switchboard.calls.usage import differences
from switchboard.store.calls import Place
from switchboard.store.dynamo import Item, Table, plain, wire
from switchboard.store.erasure import Erasure, ErasureContended
from switchboard.store.usage import TallyContended, Usage, counted
from tests.support.buckets import due, held
from tests.support.turns import Turns

T = 1_785_862_800_000
NUMBER = "pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD"
Fact = tuple[Kind, dict[str, Any]]


class Refused(ClientError):
    """A transaction that was cancelled."""


@dataclass
class Store:
    """As much of DynamoDB as counting asks for. wait: is called before each request.

    unheard: takes one of them for each transaction, True if it works but its answer is lost.
    """

    wait: Callable[[], None]
    unheard: Callable[[], bool]
    items: dict[tuple[str, str], Item] = field(default_factory=dict)

    class exceptions:  # noqa: N801 - as a client of botocore has it
        TransactionCanceledException = Refused

    def get_item(self, *, Key: Any, ConsistentRead: bool, **_: Any) -> dict[str, Any]:  # noqa: N803
        assert ConsistentRead
        self.wait()
        found = self.items.get(self._key(Key))
        return {} if found is None else {"Item": wire(found)}

    def transact_write_items(self, *, TransactItems: list[Any]) -> None:  # noqa: N803
        self.wait()
        put, *updates = TransactItems
        receipt = plain(put["Put"]["Item"])
        before = self.items.get((receipt["PK"], receipt["SK"]))
        values = plain(put["Put"].get("ExpressionAttributeValues", {}))
        as_read = before is not None and before["rev"] == values.get(":read")
        holds = {
            "attribute_not_exists(PK)": before is None,
            "rev = :read AND attribute_not_exists(erased)": as_read and "erased" not in (before or {}),
            "rev = :read AND attribute_exists(erased)": as_read and "erased" in (before or {}),
        }
        if not holds[put["Put"]["ConditionExpression"]]:
            reasons = [{"Code": "ConditionalCheckFailed"}, *({"Code": "None"} for _ in updates)]
            raise Refused({"Error": {}, "CancellationReasons": reasons}, "TransactWriteItems")  # type: ignore[typeddict-item]
        self.items[receipt["PK"], receipt["SK"]] = receipt
        keys = [self._key(update["Update"]["Key"]) for update in updates]
        assert len({*keys}) == len(keys), "DynamoDB takes one operation an item"
        for key, update in zip(keys, updates, strict=True):
            self._change(self.items.setdefault(key, {"PK": key[0], "SK": key[1]}), update["Update"])
        if self.unheard():
            raise ConnectionClosedError(endpoint_url="https://dynamodb.example")

    def _change(self, item: Item, update: Mapping[str, Any]) -> None:
        removed = re.fullmatch(
            r"SET expiresAt = if_not_exists\(expiresAt, :expires\) REMOVE (#\d+(?:, #\d+)*)", update["UpdateExpression"]
        )
        if removed is None:
            self._add(item, update)
            return
        item.setdefault("expiresAt", plain(update["ExpressionAttributeValues"])[":expires"])
        for name in removed[1].split(", "):
            item.pop(update["ExpressionAttributeNames"][name], None)

    def _add(self, item: Item, update: Mapping[str, Any]) -> None:
        terms = re.fullmatch(r"(SET expiresAt = :expires )?ADD ((?:#\d+ :\d+(?:, )?)+)", update["UpdateExpression"])
        assert terms, update
        values = plain(update["ExpressionAttributeValues"])
        for name, value in re.findall(r"(#\d+) (:\d+)", terms[2]):
            attribute = update["ExpressionAttributeNames"][name]
            item[attribute] = item.get(attribute, Decimal(0)) + values[value]
        if terms[1]:
            item["expiresAt"] = values[":expires"]

    @staticmethod
    def _key(key: Any) -> tuple[str, str]:
        named = plain(key)
        return named["PK"], named["SK"]


def images(call_id: str, facts: list[Fact]) -> list[Item]:
    """The call after each fact that changed it, as the ledger writes it."""
    now: Item = {"callId": call_id, "numberId": NUMBER, "business": "acme", "rev": 0, "expiresAt": T // 1000}
    written = []
    for kind, fact in facts:
        held_at = now.get(kind, {}).get("at")
        if held_at is None or (fact["at"] < held_at if kind in EARLIEST_WINS else fact["at"] > held_at):
            now = {**now, kind.value: fact, "rev": now["rev"] + 1}
            written.append(now)
    return written


@st.composite
def stories(draw: st.DrawFn) -> list[Fact]:
    """The facts of one call, in any order, some again, the last of them perhaps never told."""
    created = T + draw(st.integers(0, 7_200_000))
    start = created + draw(st.integers(0, 60_000))
    end = start + draw(st.integers(0, 4_000_000))
    who = {
        "createdAt": draw(st.sampled_from([created, created, None])),
        "direction": draw(st.sampled_from(["inbound", "inbound", "outbound"])),
        "customer": draw(st.sampled_from(["+12025550123", "+12025550187", None])),
        "assistantId": draw(st.sampled_from(["assistant-1", None])),
        "test": draw(st.sampled_from([None, None, None, True])),
    }
    who = {name: value for name, value in who.items() if value is not None}
    reason = draw(st.sampled_from(["customer-ended-call", "assistant-forwarded-call", "customer-did-not-answer"]))
    ended = {"reason": reason, "endedAt": end, "cost": Decimal(draw(st.integers(0, 99_999))) / 10_000}
    decision = {"action": "assistant", "id": "assistant-2", "reason": "rule", "ruleId": "rule_1"}
    facts: list[Fact] = [
        (Kind.DECISION, {"at": created, **who, **decision}),
        (Kind.IN_PROGRESS, {"at": start, **who}),
        (Kind.IN_PROGRESS, {"at": start + 5_000, **who}),
        (Kind.ENDED, {"at": end + 100, **who, "reason": reason}),
        (Kind.LISTED, {"at": created + 1_000, **who}),
        (Kind.REPORT, {"at": end + 5_000, **who, **ended, "startedAt": start}),
        (Kind.LISTED, {"at": end + 9_000, **who, **ended, "ended": True, "cost": Decimal("0.5")}),
    ]
    told = draw(st.lists(st.sampled_from(facts), min_size=1, max_size=9))
    return told if draw(st.booleans()) else [*told, *draw(st.permutations(facts))]


histories = st.lists(stories(), min_size=1, max_size=3)


def consumer(usage: Usage, batch: list[Item]) -> Callable[[], None]:
    def run() -> None:
        """Lambda brings a batch again: from the record that is named, or all of it when the function died."""
        left = batch
        while left:
            for position, image in enumerate(left):
                try:
                    usage.count(image)
                except TallyContended:
                    left = left[position:]
                    break
                except ConnectionClosedError:
                    half = len(left) // 2
                    left = left if position < half or half == 0 else left[half:]
                    break
            else:
                return

    return run


def eraser(erasure: Erasure, call_ids: list[str]) -> Callable[[], None]:
    def run() -> None:
        """Whoever asked for it asks again until it is done."""
        left = call_ids
        while left:
            try:
                erasure.forget_in_usage(Place(T, NUMBER, left[0]), T // 1000)
            except (ErasureContended, ConnectionClosedError):
                continue
            left = left[1:]

    return run


@given(histories, st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_buckets_are_the_sum_of_the_calls_whatever_consumers_do_at_once(
    history: list[list[Fact]], data: st.DataObject
) -> None:
    calls = [images(f"c{position}", facts) for position, facts in enumerate(history)]
    records = [image for written in calls for image in written]
    # One consumer sees all in the stream's order; others see parts of it at the same time, again, late and mixed up.
    parts = st.lists(st.lists(st.sampled_from(records), min_size=1, max_size=6), max_size=4)
    batches = [records, *data.draw(parts)]
    turns = Turns()
    lost = iter(data.draw(st.lists(st.booleans(), max_size=6)))
    store = Store(turns.wait, lambda: next(lost, False))
    usage = Usage(Table(store, "table"))  # type: ignore[arg-type]

    turns.play([consumer(usage, batch) for batch in batches], data.draw(st.lists(st.integers(0, 11), max_size=80)))

    finals = [written[-1] for written in calls]
    assert held(store.items.values()) == due(finals)
    receipts = {item["SK"]: item for item in store.items.values() if item["SK"].startswith("TALLY#")}
    assert receipts.keys() == {f"TALLY#{call['callId']}" for call in finals}
    for call in finals:
        receipt = receipts[f"TALLY#{call['callId']}"]
        assert receipt["rev"] == call["rev"]
        assert differences(counted(receipt), due([call])) == {}


@given(histories, st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_calls_that_are_erased_meanwhile_are_counted_as_ever_but_for_who_called(
    history: list[list[Fact]], data: st.DataObject
) -> None:
    calls = [images(f"c{position}", facts) for position, facts in enumerate(history)]
    records = [image for written in calls for image in written]
    turns = Turns()
    lost = iter(data.draw(st.lists(st.booleans(), max_size=6)))
    table = Table(Store(turns.wait, lambda: next(lost, False)), "table")  # type: ignore[arg-type]
    programs = [
        consumer(Usage(table), records),
        consumer(Usage(table), data.draw(st.lists(st.sampled_from(records), max_size=6))),
        eraser(Erasure(table), data.draw(st.permutations([f"c{position}" for position in range(len(calls))]))),
    ]
    turns.play(programs, data.draw(st.lists(st.integers(0, 11), max_size=80)))

    items = table.client.items.values()  # type: ignore[attr-defined]
    sums = due(written[-1] for written in calls)
    assert held(items) == {sort: each for sort, each in sums.items() if not sort.startswith("USAGE#CALLERS#")}
    assert "+12025550" not in repr(items)


def test_a_call_that_moves_to_another_hour_after_its_callers_other_call_was_erased_leaves_no_name_behind() -> None:
    table = Table(Store(lambda: None, lambda: False), "table")  # type: ignore[arg-type]
    usage, erasure = Usage(table), Erasure(table)
    who = {"direction": "inbound", "customer": "+12025550123"}
    (other,) = images("c0", [(Kind.DECISION, {"at": T + 1, **who})])
    late, early = images("c1", [(Kind.ENDED, {"at": T + 3_600_000, **who}), (Kind.DECISION, {"at": T, **who})])
    for image in (other, late):
        usage.count(image)
    erasure.forget_in_usage(Place(T, NUMBER, "c0"), T // 1000)
    usage.count(early)
    erasure.forget_in_usage(Place(T, NUMBER, "c1"), T // 1000)
    assert "+12025550123" not in repr(table.client.items)  # type: ignore[attr-defined]
