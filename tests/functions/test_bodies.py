"""What every route that takes a body makes of one that it cannot read, as docs/openapi.json says."""

import json

import pytest

from tests.functions.conftest import Deployment
from tests.functions.documented import DOCUMENT

PATHS = json.loads(DOCUMENT.read_text())["paths"]
ROUTES = [
    (method.upper(), path)
    for path, methods in PATHS.items()
    for method, operation in methods.items()
    if "requestBody" in operation and "/vapi/" not in path
]


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=[" ".join(route) for route in ROUTES])
def test_a_body_that_is_no_json_is_refused_and_both_answers_are_documented(
    aws: Deployment, method: str, route: str
) -> None:
    path = route.replace("{id}", "pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD")
    text = aws.api(method, path, body="never", headers={"Content-Type": "text/plain"})
    assert (text.status, text.body["code"]) == (415, "not_json")
    broken = aws.api(method, path, raw="{", headers={"Content-Type": "application/json"})
    assert (broken.status, broken.body["code"]) == (400, "not_json")


@pytest.mark.parametrize("wrong", [True, "7"], ids=["a truth value", "a text"])
def test_what_is_not_spelled_as_a_number_is_none(aws: Deployment, wrong: object) -> None:
    path = f"/phone-numbers/{aws.bought()['id']}"
    for suffix, method, body, where in (
        ("", "PATCH", {"maxConcurrentCalls": wrong}, "maxConcurrentCalls"),
        ("", "PATCH", {"inboundSettings": {"spamThreshold": wrong}}, "inboundSettings.spamThreshold"),
        ("", "PATCH", {"outboundSettings": {"dailyCallLimit": wrong}}, "outboundSettings.dailyCallLimit"),
        ("", "PATCH", {"outboundSettings": {"maxDurationSeconds": wrong}}, "outboundSettings.maxDurationSeconds"),
        ("/usage-analyses", "POST", {"from": wrong, "to": 1_785_862_800}, "from"),
        ("/route-explanations", "POST", {"caller": "+12025550123", "at": wrong}, "at"),
        ("/blocked-numbers", "POST", {"phoneNumber": "+12025550123", "expiresAt": wrong}, "expiresAt"),
    ):
        answer = aws.api(method, f"{path}{suffix}", body=body)
        assert answer.status == 422, (where, answer.body)
        assert where in [error["path"] for error in answer.body["errors"]], answer.body
