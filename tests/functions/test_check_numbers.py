"""The schedule: every number that waits for its provider gets on, whatever becomes of the others."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local.simulators.vapi import Fault
from tests.functions.conftest import Deployment
from tests.functions.outside import outside
from tests.support.invoking import invoke


def bought(aws: Deployment, **wanted: Any) -> str:
    """The path of a number that is not active yet."""
    answer = aws.api("POST", "/phone-numbers", body={"provider": "vapi", **wanted})
    assert answer.status == 201
    return f"/phone-numbers/{answer.body['id']}"


def at_vapi(aws: Deployment, path: str, **changes: Any) -> None:
    """Changes a number's row, as only Vapi itself could."""
    (row,) = aws.rows(path.rpartition("/")[2])
    aws.vapi.store.update("phone-number", row["id"], changes)


def state(aws: Deployment, path: str) -> tuple[str, str]:
    number = aws.api("GET", path).body
    return number["status"], number["provisioning"]["state"]


def test_an_activated_number_becomes_active_with_the_facts_of_its_digits(aws: Deployment) -> None:
    path = bought(aws, areaCode="415")
    assert invoke("check_numbers", {}) == {"checked": 1}
    number = aws.api("GET", path).body
    assert (number["status"], number["provisioning"]["state"]) == ("active", "ready")
    assert number["phoneNumber"].startswith("+1415")
    facts = {name: number[name] for name in ("type", "country", "region", "city", "areaCode")}
    assert facts == {
        "type": "local",
        "country": "US",
        "region": "CA",
        "city": "San Francisco",
        "areaCode": "415",
    }
    assert number["activationDate"] >= number["purchaseDate"]
    assert [event["detail-type"] for event in aws.events()] == ["created", "activated"]


@pytest.mark.parametrize(
    ("phone_number", "facts"),
    [
        ("+12125550142", ("local", "US", "NY", "New York", "212")),
        ("+17015550142", ("local", "US", "North Dakota", None, "701")),
        ("+18005550142", ("toll-free", "US", None, None, "800")),
        ("+442079460142", ("international", "GB", "London", None, "20")),
    ],
)
def test_the_facts_are_those_of_the_number_that_vapi_gave(
    aws: Deployment, phone_number: str, facts: tuple[str | None, ...]
) -> None:
    path = bought(aws)
    at_vapi(aws, path, number=phone_number)
    aws.check()
    number = aws.api("GET", path).body
    assert tuple(number[name] for name in ("type", "country", "region", "city", "areaCode")) == facts


@pytest.mark.parametrize(
    "half",
    [{"number": "+1415****0100"}, {"number": None}, {"status": "activating"}, {"status": "blocked"}, {"status": None}],
    ids=["masked", "no number", "activating", "blocked", "no status"],
)
def test_a_number_waits_until_it_is_active_and_its_digits_are_known(aws: Deployment, half: dict[str, Any]) -> None:
    path = bought(aws)
    (row,) = aws.rows()
    at_vapi(aws, path, **half)
    aws.check()
    assert state(aws, path) == ("inactive", "activating")
    assert aws.api("GET", path).body["phoneNumber"] is None
    at_vapi(aws, path, number=row["number"], status="active")
    aws.check(100)
    assert state(aws, path) == ("active", "ready")


def test_a_number_that_is_gone_at_vapi_is_cancelled_and_says_why(aws: Deployment) -> None:
    path = bought(aws)
    aws.vapi.store.delete("phone-number", aws.rows()[0]["id"])
    aws.check()
    number = aws.api("GET", path).body
    assert (number["status"], number["provisioning"]["state"]) == ("cancelled", "failed")
    assert number["provisioning"]["error"]["code"] == "gone_at_provider"
    assert aws.items("VAPI#") == []
    assert [event["detail-type"] for event in aws.events()] == ["created", "deleted"]
    assert aws.check() == 0


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_a_provider_that_fails_is_asked_again_in_a_minute(aws: Deployment, status: int) -> None:
    path = bought(aws)
    aws.vapi.fault(Fault("GET", "/phone-number/*", status=status, times=None))
    assert invoke("check_numbers", {}) == {"checked": 1}
    assert state(aws, path) == ("inactive", "activating")
    aws.vapi.faults.clear()
    aws.check(later=50)
    assert state(aws, path) == ("inactive", "activating")
    aws.check(later=61)
    assert state(aws, path) == ("active", "ready")


def test_a_provider_that_goes_on_failing_is_asked_less_and_less_at_most_once_an_hour(aws: Deployment) -> None:
    bought(aws)
    asked = []
    aws.vapi.fault(Fault("GET", "/phone-number/*", status=400, times=None))
    for minute in range(200):
        before = len(aws.vapi.requests)
        aws.check(later=minute * 60 + 30)
        if len(aws.vapi.requests) > before:
            asked.append(minute)
    assert asked == [0, 1, 3, 7, 15, 31, 63, 123, 183]


def test_a_provider_that_asks_for_an_hours_patience_does_not_hold_the_function(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch, impatient: str
) -> None:
    path = bought(aws)
    slept: list[float] = []
    monkeypatch.setenv("VAPI_BASE_URL", impatient)
    monkeypatch.setattr("time.sleep", slept.append)
    aws.check()
    assert sum(slept) < 10
    assert state(aws, path) == ("inactive", "activating")


@pytest.fixture
def impatient() -> Iterator[str]:
    """A provider that is always busy and says when to come again."""

    class Busy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(429)
            self.send_header("Retry-After", "3600")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_one_number_that_nobody_can_read_does_not_hold_up_the_others_and_is_seen(aws: Deployment) -> None:
    first, broken, last = bought(aws), bought(aws), bought(aws)
    key = {"PK": f"NUMBER#{broken.rpartition('/')[2]}", "SK": "NUMBER"}
    aws.table.update_item(Key=key, UpdateExpression="SET direction = :d", ExpressionAttributeValues={":d": "sideways"})
    with pytest.raises(ExceptionGroup, match="could not be advanced"):
        invoke("check_numbers", {})
    assert (state(aws, first), state(aws, last)) == (("active", "ready"), ("active", "ready"))


def test_a_number_whose_digits_another_one_holds_does_not_take_them_and_is_seen(aws: Deployment) -> None:
    holder = aws.bought()
    path = bought(aws)
    at_vapi(aws, path, number=holder["phoneNumber"])
    with pytest.raises(ExceptionGroup, match="could not be advanced"):
        invoke("check_numbers", {})
    assert state(aws, path) == ("inactive", "activating")
    (item,) = aws.items("E164#")
    assert item["numberId"] == holder["id"]


def test_all_unfinished_numbers_are_looked_at_and_no_others(aws: Deployment) -> None:
    aws.bought()
    for _ in range(3):
        bought(aws)
    aws.bought(business="globex")
    assert aws.check() == 0
    numbers = [bought(aws) for _ in range(3)]
    assert aws.check() == 3
    assert {state(aws, path) for path in numbers} == {("active", "ready")}
    assert aws.check() == 0


def test_a_number_that_vapi_blocks_says_so_and_is_asked_for_ever_less_often_until_it_is_not(aws: Deployment) -> None:
    path = bought(aws)
    at_vapi(aws, path, status="blocked")
    with outside() as taken:
        for later in (0, 30, 70, 100):
            aws.check(later)
    assert len([step for step in taken if step.startswith("GET ")]) == 2
    blocked = aws.api("GET", path).body
    assert (blocked["status"], blocked["provisioning"]["state"]) == ("inactive", "activating")
    assert blocked["provisioning"]["error"]["code"] == "blocked_at_provider"
    assert [event["detail-type"] for event in aws.events()] == ["created"]
    at_vapi(aws, path, status="active")
    aws.check(10_000)
    active = aws.api("GET", path).body
    assert (active["status"], active["provisioning"]["error"]) == ("active", None)


def test_a_number_that_is_blocked_is_released_when_it_is_deleted(aws: Deployment) -> None:
    path = bought(aws)
    at_vapi(aws, path, status="blocked")
    aws.check()
    assert aws.api("DELETE", path).body["provisioning"]["state"] == "released"
    assert aws.rows() == []
