"""A number's life through the real handlers: bought, active, assigned, rung, read, released."""

from tests.functions.conftest import Deployment


def test_a_number_is_bought_rung_counted_and_released(aws: Deployment) -> None:
    assistant = aws.at_vapi("assistant", name="Front desk")
    bought = aws.api("POST", "/phone-numbers", body={"provider": "vapi", "areaCode": "415", "name": "Main"})
    assert bought.status == 201
    number = aws.bought(name="Main line", areaCode="415")
    assert number["phoneNumber"].startswith("+1415")
    assigned = aws.api("PUT", f"/phone-numbers/{number['id']}/assistant", body={"id": assistant["id"]})
    assert assigned.status == 200
    assert assigned.body["assistant"] == {"id": assistant["id"], "type": "assistant", "name": "Front desk"}
    released = aws.api("DELETE", f"/phone-numbers/{number['id']}")
    assert (released.status, released.body["status"]) == (200, "cancelled")
    kinds = [event["detail-type"] for event in aws.events() if event["detail"]["phoneNumberId"] == number["id"]]
    assert kinds == ["created", "activated", "updated", "deactivated", "deleted"]
