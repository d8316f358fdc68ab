"""GET /phone-numbers/{id}/calls/{callId}: one call, with the decision on it."""

from tests.functions.conftest import Deployment
from tests.functions.ringing import CALLER, T, ends, rings


def test_a_call_is_shown_from_its_ring_to_its_report(aws: Deployment) -> None:
    made = aws.at_vapi("assistant", name="a")
    number = aws.bought(assistant={"id": made["id"]})
    path = f"/phone-numbers/{number['id']}/calls/call-1"
    rings(aws, number, "call-1")
    ringing = aws.api("GET", path)
    assert ringing.status == 200
    assert (ringing.body["status"], ringing.body["outcome"], ringing.body["endedAt"]) == ("ringing", None, None)
    ends(aws, number, "call-1")
    call = aws.api("GET", path).body
    decision = call.pop("decision")
    assert (decision["action"], decision["reason"], decision["id"]) == ("assistant", "default", made["id"])
    assert decision["trace"][-1] == {"step": "default", "outcome": "decided", "detail": "default"}
    assert call == {
        "id": "call-1",
        "phoneNumberId": number["id"],
        "direction": "inbound",
        "caller": CALLER,
        "called": number["phoneNumber"],
        "status": "ended",
        "outcome": "answered",
        "createdAt": T // 1000,
        "startedAt": T // 1000 + 2,
        "endedAt": T // 1000 + 62,
        "duration": 60,
        "cost": 0,
        "costs": {},
        "endedReason": "customer-ended-call",
        "forwardedTo": None,
        "test": False,
        "recordingUrl": None,
        "transcript": None,
        "summary": None,
    }


def test_an_anonymous_caller_is_nobody(aws: Deployment) -> None:
    number = aws.bought()
    rings(aws, number, "call-1", None)
    assert aws.api("GET", f"/phone-numbers/{number['id']}/calls/call-1").body["caller"] is None


def test_a_call_that_was_not_is_not_found(aws: Deployment) -> None:
    number, other = aws.bought(), aws.bought()
    rings(aws, other, "call-1")
    answer = aws.api("GET", f"/phone-numbers/{number['id']}/calls/call-1")
    assert (answer.status, answer.body["code"]) == (404, "call_not_found")


def test_another_businesss_call_does_not_exist(aws: Deployment) -> None:
    number = aws.bought()
    rings(aws, number, "call-1")
    answer = aws.api("GET", f"/phone-numbers/{number['id']}/calls/call-1", business="globex")
    assert (answer.status, answer.body["code"]) == (404, "number_not_found")
