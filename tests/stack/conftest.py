"""What the tests on the deployed template share: one stack for all of them, and ways to use it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from local.events import BusEvents
from local.processes import end_in_order
from local.stack import Stack, running_stack


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """The deployed template on the emulator, with IAM enforced, beside simulators of Vapi and the carriers."""
    end_in_order()
    with running_stack("test") as running:
        yield running


@pytest.fixture(scope="package")
def api(stack: Stack) -> Iterator[Callable[..., httpx.Client]]:
    """`api("acme")` is an HTTP client with that business' token; `api("acme", "phone-numbers/read")` has one scope."""
    clients: dict[tuple[str, str | None], httpx.Client] = {}
    with ExitStack() as opened:

        def client(business: str, scopes: str | None = None) -> httpx.Client:
            if (business, scopes) not in clients:
                clients[business, scopes] = opened.enter_context(stack.http(business, scopes))
            return clients[business, scopes]

        yield client


@pytest.fixture(scope="package")
def bus_events(stack: Stack) -> BusEvents:
    """The only reader of the bus: `drain()` gives every event so far, `of(id)` those of one number."""
    return stack.bus_events()
