"""Scheduled functions, invoked every two seconds instead of every minute, so that nobody waits for the clock."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from local.aws import Aws
from local.intrinsics import ACCOUNT, Resolver

PERIOD_SECONDS = 2.0
EACH_MINUTE = "rate(1 minute)"


@dataclass(frozen=True)
class Scheduled:
    """One schedule of the template: the function it invokes, and the input it gives, if any."""

    function_arn: str
    input: str | None


def scheduled_functions(template: Mapping[str, Any], resolver: Resolver) -> list[Scheduled]:
    """Every schedule by the minute in the processed template: rules, and EventBridge Scheduler's schedules.

    What runs less often nobody waits for; who wants it invokes it.
    """
    found = []
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if properties.get("ScheduleExpression") != EACH_MINUTE:
            continue
        if resource["Type"] == "AWS::Events::Rule":
            targets = properties["Targets"]
        elif resource["Type"] == "AWS::Scheduler::Schedule":
            targets = [properties["Target"]]
        else:
            continue
        found += [
            Scheduled(resolver.resolve(target["Arn"]), resolver.resolve(target.get("Input"))) for target in targets
        ]
    return found


@contextmanager
def hurried_schedules(aws: Aws, schedules: Sequence[Scheduled], log: Path) -> Iterator[None]:
    """Invokes each function again and again, one invocation at a time, until the block ends; failures go to `log`."""
    ended = threading.Event()
    threads = [
        threading.Thread(target=_repeat, args=(aws, scheduled, ended, log), name="schedule", daemon=True)
        for scheduled in schedules
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _repeat(aws: Aws, scheduled: Scheduled, ended: threading.Event, log: Path) -> None:
    client = aws.session.client("lambda", endpoint_url=aws.endpoint_url)
    while not ended.wait(PERIOD_SECONDS):
        answer = client.invoke(FunctionName=scheduled.function_arn, Payload=scheduled.input or _event(aws))
        if "FunctionError" in answer:
            with log.open("a") as failures:
                failures.write(f"{scheduled.function_arn}: {answer['Payload'].read().decode()}\n")


def _event(aws: Aws) -> str:
    """What EventBridge sends a function on schedule."""
    return json.dumps(
        {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": aws.session.region_name,
            "resources": [],
            "detail": {},
        }
    )
