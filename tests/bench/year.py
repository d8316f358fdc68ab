"""A year's analysis, by the CPU of its process and by the pages that it reads.

python -m tests.bench.year   tells on stderr, as JSON: `cpu`, seconds for a year of about a million calls; `copied`, the
same with botocore's own copy of every value; `strangers`, the same as `cpu` where nobody of a million ever called
before; `pages`, the requests for that year, for ten times the calls by the same callers, and for that of the strangers.
DynamoDB's answers are made beforehand; they come by botocore, without a network.
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

from botocore.awsrequest import AWSResponse

from switchboard.calls.analysis import analysis, covering, hours_of_calls
from switchboard.calls.costs import Tariff
from switchboard.calls.outcome import OUTCOMES
from switchboard.calls.periods import HOUR, QUARTER, hour_of
from switchboard.model.analysis import PhoneAnalytics
from switchboard.store import keys
from switchboard.store.dynamo import Table, bulk_table, table, wire
from switchboard.store.usage import Usage
from tests.bench import cases

HOURS = 365 * 24
SHARDS = 8
STRANGERS = 15
"""Calls of one shard of an hour; 1,051,200 in the year."""

_PAGE = 1_000_000
"""Bytes of items that DynamoDB puts into one answer, about."""


class _Body(BytesIO):
    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


def hour_sums(made: random.Random, often: int) -> dict[str, Decimal]:
    """An hour of a busy number. often: by how much each sum is multiplied."""
    names = ["calls", "inbound", "outbound", "seconds", "answeredSeconds", "cost", "settled", "inboundAnswered"]
    names += [*OUTCOMES, *(f"duration.{made.randrange(150, 350)}" for _ in range(20))]
    names += [f"reason.{'r' * 20}{n}" for n in range(7)] + [f"rule.rr_01K9Z3V7Q8M4X2C6B5N1T0R8W{n}" for n in range(6)]
    names += [f"assistant.5f0d7f5e-0000-4000-8000-0000000a551{n}" for n in range(3)]
    sums = {f"{quarter}.{name}": Decimal(made.randint(1, 56) * often) for quarter in range(4) for name in names}
    minutes = {f"{kind}.{made.randrange(60)}": Decimal(often) for kind in ("start", "end") for _ in range(60)}
    return sums | minutes | {"ago.1": Decimal(often)}


def callers_sums(made: random.Random, often: int) -> dict[str, Decimal]:
    """One shard of an hour's callers: nine calls, by callers some of whom call again and again."""
    return {f"{n % 4}.+1{2025550000 + int(made.paretovariate(0.3)) % 200_000}": Decimal(often) for n in range(9)}


def strangers_sums(first: int) -> dict[str, Decimal]:
    """The same of calls each of which is somebody's only one. first: how many called before."""
    return {f"{n % 4}.+1{2_000_000_000 + first + n}": Decimal(1) for n in range(STRANGERS)}


def pages(often: int, *, strangers: bool = False) -> tuple[list[bytes], list[bytes]]:
    """What DynamoDB answers, page by page: the hours, and the callers. strangers: nobody called twice."""
    made = random.Random(1)  # noqa: S311 - made up, the same each time
    hours = [hour_of((cases.AT + n * HOUR) * 1000) for n in range(HOURS)]
    sums = [keys.hour(cases.NUMBER_ID, hour) | hour_sums(made, often) for hour in hours]
    callers = [
        keys.callers(cases.NUMBER_ID, hour, str(shard))
        | (strangers_sums((at * SHARDS + shard) * STRANGERS) if strangers else callers_sums(made, often))
        for at, hour in enumerate(hours)
        for shard in range(SHARDS)
    ]
    return list(_paged(sums)), list(_paged(callers))


def _paged(items: list[dict[str, Any]]) -> Iterator[bytes]:
    page: list[dict[str, Any]] = []
    size = 0
    for position, item in enumerate(items):
        page.append(wire(item))
        size += sum(len(name) + (len(value) if isinstance(value, str) else 3) for name, value in item.items())
        last = position == len(items) - 1
        if size >= _PAGE or last:
            more = {} if last else {"LastEvaluatedKey": wire({"PK": item["PK"], "SK": item["SK"]})}
            yield json.dumps({"Count": len(page), "Items": page, **more}).encode()
            page, size = [], 0


def spent(here: Table, hours: list[bytes], callers: list[bytes]) -> float:
    """Seconds of CPU of one analysis."""
    left = [*hours, *callers]

    def answer(request: Any, **_: Any) -> AWSResponse:
        body = left.pop(0)
        return AWSResponse(request.url, 200, {"content-length": str(len(body))}, _Body(body))

    here.client.meta.events.register("before-send.dynamodb.Query", answer)
    window = covering(cases.AT - cases.AT % QUARTER, cases.AT + HOURS * HOUR)
    usage = Usage(here)
    began = time.process_time()
    found = analysis(
        window,
        ZoneInfo("America/New_York"),
        "day",
        usage.hours(cases.NUMBER_ID, *hours_of_calls(window)),
        window,
        usage.callers(cases.NUMBER_ID, *window.hours),
        Tariff(Decimal("0.85"), Decimal(1)),
    )
    PhoneAnalytics.model_validate(found).model_dump_json()
    took = time.process_time() - began
    here.client.meta.events.unregister("before-send.dynamodb.Query", answer)
    assert not left
    assert found["totals"]["calls"] > 0
    return took


def main() -> None:
    hours, callers = pages(1)
    cpu, copied = (spent(here, hours, callers) for here in (bulk_table(), table()))
    once = pages(1, strangers=True)
    strangers = spent(bulk_table(), *once)
    counts = [len(hours) + len(callers), sum(map(len, pages(10))), sum(map(len, once))]
    sys.stderr.write(json.dumps({"cpu": cpu, "copied": copied, "strangers": strangers, "pages": counts}) + "\n")


if __name__ == "__main__":
    main()
