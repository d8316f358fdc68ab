"""The judge of all other tests is awake: it accepts Vapi's own shapes and notices what differs from them."""

import copy

import httpx
import pytest

from local.simulators.vapi import VapiSimulator
from tests.simulators.conftest import Json, Receiver, Wire


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("timestamp",), "2026-08-04T17:00:00Z"),
        (("endedReason",), "bored"),
        (("cost",), "0.1"),
        (("costs", 0, "provider"), "pigeon"),
        (("artifact", "messages", 1, "time"), "soon"),
        (("call", "status"), "dead"),
        (("phoneNumber", "createdAt"), 1),
    ],
)
def test_a_wrong_value_in_a_message_is_noticed(
    vapi: VapiSimulator, receiver: Receiver, number: Json, assistant: Json, path: tuple[str | int, ...], wrong: object
) -> None:
    receiver.answer = {"assistantId": assistant["id"]}
    vapi.ring(number["number"], "+12025550123")
    judge = Wire()
    report = copy.deepcopy(receiver.received[-1].message)
    judge.judge_message(report)
    assert judge.mistakes == []

    inner = report
    for key in path[:-1]:
        inner = inner[key]  # type: ignore[index]
    inner[path[-1]] = wrong  # type: ignore[index]
    judge.judge_message(report)
    assert judge.mistakes


def test_a_wrong_row_and_a_wrong_error_are_noticed(number: Json) -> None:
    judge = Wire()
    request = httpx.Request("GET", f"http://vapi/phone-number/{number['id']}")
    judge.judge_answer(httpx.Response(200, json=number, request=request))
    assert judge.mistakes == []
    judge.judge_answer(httpx.Response(200, json={**number, "status": "sleeping"}, request=request))
    judge.judge_answer(httpx.Response(404, json={"message": "Not Found", "statusCode": 400}, request=request))
    assert len(judge.mistakes) == 2
