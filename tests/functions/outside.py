"""What a piece of work asks of the outside, AWS, Vapi and carriers: listed, and interrupted at a step."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

import urllib3
from botocore.exceptions import ConnectionClosedError
from moto.core.models import botocore_stubber

from switchboard.provisioning import carriers
from switchboard.store import clients, dynamo, secrets

Result = TypeVar("Result")


class Killed(BaseException):
    """The process ends here, as that of a function which has run out of time: no handler of errors sees it."""


def dies() -> None:
    raise Killed


@contextmanager
def outside(
    at: int | None = None, before: Callable[[], object] | None = None, *, lost: bool = False, more: Iterable[Any] = ()
) -> Iterator[list[str]]:
    """Lists the requests made while it is open, in order, and interrupts number `at` (None: each).

    before: done before that request is sent; what it asks for itself is not interrupted. lost: AWS does what that
    request asks, but its answer is never heard (botocore then asks again). more: clients beside those of every number.
    """
    taken: list[str] = []
    lock = threading.Lock()
    interrupting = False

    def interrupted(name: str) -> bool:
        nonlocal interrupting
        mine = at in (None, len(taken)) and not interrupting
        taken.append(name)
        if mine and before is not None:
            interrupting = True
            before()
            interrupting = False
        return mine

    def to_aws(request: Any, event_name: str, **_: Any) -> Any:
        mine = interrupted(event_name)
        with lock:  # moto does not check a condition and write in one step
            answer = botocore_stubber(event_name, request)
        if mine and lost:
            raise ConnectionClosedError(endpoint_url=request.url)
        return answer

    ask = urllib3.PoolManager.request

    def to_provider(pool: urllib3.PoolManager, method: str, url: str, **kwargs: Any) -> Any:
        interrupted(f"{method} {url}")
        return ask(pool, method, url, **kwargs)

    ours = (dynamo.table().client, dynamo.answering_table().client, secrets._client(), *more)
    for client in ours:
        # All handlers of this event are called, and moto's own would do everything a second time.
        client.meta.events.unregister("before-send", botocore_stubber)
        client.meta.events.register_first("before-send", to_aws)
    try:
        with patch.object(urllib3.PoolManager, "request", to_provider):
            yield taken
    finally:
        for client in ours:
            client.meta.events.unregister("before-send", to_aws)
            client.meta.events.register("before-send", botocore_stubber)


def writes(step: str) -> bool:
    """Whether a request, as `outside` lists it, may change anything."""
    return not step.startswith("GET ") and not step.rpartition(".")[2].startswith(("Get", "BatchGet", "Query"))


@contextmanager
def cold() -> Iterator[None]:
    """An instance that has just started, so that a piece of work takes all of its steps."""
    clients.business_of.cache_clear()
    secrets._values.clear()
    for client in (carriers._twilio, carriers._vonage, carriers._bandwidth):
        client.cache_clear()
    yield
