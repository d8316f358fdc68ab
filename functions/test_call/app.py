"""POST /phone-numbers/{id}/test-calls: make a test call to verify the configuration."""

from http import HTTPStatus

from switchboard.api.http import (
    BODY_PROBLEMS,
    PROVIDER_PROBLEMS,
    CurrentBusiness,
    IdempotencyKey,
    NumberId,
    answers,
    http_app,
    http_entry,
)
from switchboard.model.call import Call
from switchboard.model.test_call import TestCallRequest
from switchboard.placing import placing

app = http_app()

PROBLEMS = (
    *BODY_PROBLEMS,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_MANY_REQUESTS,
    *PROVIDER_PROBLEMS,
)


@app.post("/phone-numbers/<id>/test-calls", **answers(HTTPStatus.CREATED, *PROBLEMS, description="The call"))
def test_call(
    number_id: NumberId,
    body: TestCallRequest,
    business: CurrentBusiness,
    idempotency_key: IdempotencyKey = None,  # noqa: PT028 - this is no test
) -> Call:
    """Rings somebody and costs money. It is counted apart from other calls, and against dailyCallLimit."""
    return placing().test_call(number_id, business, body, idempotency_key)


lambda_handler = http_entry(app)
