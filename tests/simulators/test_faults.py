"""Trouble on the REST API, as the saga of a purchase has to survive it."""

import threading

import httpx
import pytest

from local.simulators.vapi import Fault, VapiSimulator

BODY = {"provider": "vapi"}


def test_an_error_is_answered_without_doing_the_work(vapi: VapiSimulator, client: httpx.Client) -> None:
    vapi.fault(Fault("POST", "/phone-number", status=429), Fault("POST", "/phone-number", status=500, times=2))
    limited = client.post("/phone-number", json=BODY)
    assert (limited.status_code, limited.json()["message"]) == (429, "Rate limit exceeded")
    assert [client.post("/phone-number", json=BODY).status_code for _ in range(3)] == [500, 500, 201]
    assert len(client.get("/phone-number").json()) == 1
    assert len(vapi.requests_to("POST", "/phone-number")) == 4


@pytest.mark.parametrize(("cut", "numbers"), [("before", 0), ("after", 1)])
def test_a_connection_cut_before_or_after_the_work(client: httpx.Client, cut: str, numbers: int) -> None:
    client.post("/_simulator/faults", json=[{"method": "POST", "path": "/phone-number*", "cut": cut}])
    with pytest.raises(httpx.TransportError):
        client.post("/phone-number", json=BODY)
    assert len(client.get("/phone-number").json()) == numbers


@pytest.mark.parametrize("seen", [{"cut": "before"}, {"status": 504}])
def test_a_purchase_that_commits_late(vapi: VapiSimulator, client: httpx.Client, seen: dict[str, object]) -> None:
    vapi.fault(Fault("POST", "/phone-number", commit_after_seconds=0.1, **seen))  # type: ignore[arg-type]
    try:
        assert client.post("/phone-number", json={**BODY, "name": "late"}).status_code == 504
    except httpx.TransportError:
        assert "cut" in seen
    vapi.settle()
    assert [row["name"] for row in client.get("/phone-number").json()] == ["late"]
    assert len(vapi.requests_to("POST", "/phone-number")) == 1


def test_a_reset_forgets_what_would_commit_late(vapi: VapiSimulator, client: httpx.Client) -> None:
    vapi.fault(Fault("POST", "/phone-number", status=504, commit_after_seconds=3600))
    assert client.post("/phone-number", json=BODY).status_code == 504
    vapi.reset()
    vapi.settle()
    assert client.get("/phone-number").json() == []


def test_a_slow_answer_still_does_the_work(vapi: VapiSimulator, client: httpx.Client) -> None:
    vapi.fault(Fault("POST", "/phone-number", delay_seconds=0.3))
    with pytest.raises(httpx.ReadTimeout):
        client.post("/phone-number", json=BODY, timeout=0.05)
    done = threading.Event()
    for _ in range(100):
        if client.get("/phone-number").json():
            break
        done.wait(0.02)
    assert len(client.get("/phone-number").json()) == 1


def test_a_fault_can_spare_the_first_and_meet_every_later_one(vapi: VapiSimulator, client: httpx.Client) -> None:
    client.post(
        "/_simulator/faults",
        json={
            "path": "/assistant",
            "skip": 1,
            "times": None,
            "status": 503,
            "body": {"message": "Down", "statusCode": 503},
        },
    )
    assert [client.get("/assistant").status_code for _ in range(3)] == [200, 503, 503]
    assert client.get("/phone-number").status_code == 200
    vapi.reset()
    assert client.get("/assistant").status_code == 200


def test_a_request_that_something_on_the_way_sends_again_does_its_work_twice(
    vapi: VapiSimulator, client: httpx.Client
) -> None:
    vapi.fault(Fault("POST", "/phone-number", twice=True))
    answered = client.post("/phone-number", json=BODY).json()
    rows = client.get("/phone-number").json()
    assert len(rows) == 2
    assert rows[0]["id"] == answered["id"]
    assert len(vapi.requests_to("POST", "/phone-number")) == 1


def test_a_planned_answer_may_have_headers(vapi: VapiSimulator, client: httpx.Client) -> None:
    client.post("/_simulator/faults", json={"status": 429, "headers": {"Retry-After": "7"}})
    assert client.post("/phone-number", json=BODY).headers["Retry-After"] == "7"
    assert vapi.state()["numbers"] == []
