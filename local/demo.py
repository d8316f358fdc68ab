"""One phone number's life over HTTP, on a fresh local stack: bought, assigned, called twice, counted, released."""

from collections import Counter
from typing import Any
from uuid import uuid4

import httpx

from local.eventually import eventually
from local.progress import Progress
from local.ring import in_words, ring
from local.stack import Stack, running_stack

CALLERS = {"talk": "+12025550123", "hang-up-before-answer": "+12025550187"}
"""Who calls, by what the caller does."""
SHOWN = ("id", "phoneNumber", "status", "name", "type", "country", "areaCode", "assistant", "created", "activationDate")
COUNTERS = ("totalCalls", "inboundCalls", "outboundCalls", "averageCallDuration", "totalMinutes", "monthlyCost")


def demo() -> None:
    """Runs it all and prints it for people; raises StepFailed at the first step that goes wrong."""
    print("Bringing a fresh stack up")
    with running_stack("demo") as stack, stack.http("acme") as api:
        life = Life(stack, api)
        print("\nOne number's life, by business acme over HTTP")
        life.buy("Buying a number in area code 415", {"provider": "vapi", "areaCode": "415", "name": "Front desk"})
        life.assign()
        life.call()
        life.count()
        life.release()
        life.show_events()
        print("\nA carrier's number: searched for and bought at Twilio, imported into Vapi, given back")
        of_carrier = Life(stack, api)
        of_carrier.buy("Buying the first one found", {"provider": "twilio", "phoneNumber": of_carrier.search("twilio")})
        of_carrier.release()
        print("\nTaking the stack down")


class Life:
    """The steps, in order; each prints what came of it."""

    def __init__(self, stack: Stack, api: httpx.Client) -> None:
        self.stack = stack
        self.api = api
        self.progress = Progress(stack.logs)
        self.events = stack.bus_events()
        self.number: dict[str, Any] = {}

    def search(self, provider: str) -> str:
        with self.progress.step("Looking for numbers in area code 212"):
            found = self._ask("GET", f"/available-phone-numbers?provider={provider}&areaCode=212&limit=3")["items"]
        _say(*(f"{offer['phoneNumber']}  {offer['monthlyFee']} cents a month" for offer in found))
        return str(found[0]["phoneNumber"])

    def buy(self, title: str, wish: dict[str, str]) -> None:
        with self.progress.step(title):
            self.number = self._ask("POST", "/phone-numbers", wish, {"Idempotency-Key": str(uuid4())})
        with self.progress.step("Waiting until it is active"):
            eventually(lambda: self._read()["status"] == "active", what="status active")
        _say(f"{self.number['phoneNumber']} is ours: {self.number['id']}")

    def assign(self) -> None:
        with self.progress.step("Making an assistant at Vapi and assigning it"):
            assistant = {"id": self.stack.new_assistant("Receptionist"), "type": "assistant"}
            self._ask("PUT", f"{self._path}/assistant", assistant)

    def call(self) -> None:
        for behaviour, caller in CALLERS.items():
            with self.progress.step(f"Ringing it: the caller's plan is to {behaviour.replace('-', ' ')}"):
                dialogue = ring(self.stack.vapi.url, caller, self.number["phoneNumber"], behaviour)
            _say(*in_words(dialogue))

    def count(self) -> None:
        with self.progress.step("Waiting until both calls are counted"):
            eventually(self._is_counted, what=f"{len(CALLERS)} calls and an average duration")
        _say(*(f"{name:<20} {self.number[name]}" for name in SHOWN + COUNTERS if self.number.get(name) is not None))

    def release(self) -> None:
        with self.progress.step("Releasing it"):
            released = self._ask("DELETE", self._path)
            if released["status"] != "cancelled":
                raise RuntimeError(f"it is {released['status']}")
        with self.progress.step("Waiting for the event `deleted`"):
            eventually(lambda: "deleted" in self._counted_events(), what="the event `deleted`")

    def show_events(self) -> None:
        print("\nWhat arrived on the bus")
        _say(*(f"{count:>3}  {kind}" for kind, count in self._counted_events().items()))

    @property
    def _path(self) -> str:
        return f"/phone-numbers/{self.number['id']}"

    def _ask(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """A request that must succeed; gives the answer's body."""
        answer = self.api.request(method, path, json=body, headers=headers)
        if answer.is_error:
            raise RuntimeError(f"{method} {path} answered {answer.status_code}: {answer.text}")
        result: dict[str, Any] = answer.json()
        return result

    def _read(self) -> dict[str, Any]:
        self.number = self._ask("GET", self._path)
        return self.number

    def _is_counted(self) -> bool:
        number = self._read()
        return bool(number["totalCalls"] == len(CALLERS) and number["averageCallDuration"] > 0)

    def _counted_events(self) -> Counter[str]:
        return Counter(event["detail-type"] for event in self.events.of(self.number["id"]))


def _say(*lines: str) -> None:
    """Prints the outcome of a step under it."""
    for line in lines:
        print(f"      {line}")
