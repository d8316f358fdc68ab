"""POST /phone-numbers/{id}/routing-rules: add a routing rule to a number."""

from http import HTTPStatus

from switchboard.api.http import (
    BODY_PROBLEMS,
    PROVIDER_PROBLEMS,
    CurrentBusiness,
    IfMatch,
    NumberId,
    answers,
    http_app,
    http_entry,
    if_version,
)
from switchboard.api.representation import shown
from switchboard.model.number import VapiPhoneNumber
from switchboard.model.rules import NewRoutingRule
from switchboard.provisioning.connected import lifecycle

app = http_app()

PROBLEMS = (
    *BODY_PROBLEMS,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.PRECONDITION_FAILED,
    *PROVIDER_PROBLEMS,
)


@app.post("/phone-numbers/<id>/routing-rules", **answers(HTTPStatus.CREATED, *PROBLEMS))
def add_routing_rule(
    number_id: NumberId, body: NewRoutingRule, business: CurrentBusiness, if_match: IfMatch = None
) -> VapiPhoneNumber:
    """Refused if it could never be reached, made another unreachable, or forwarded in a circle.

    The same rule added again, by its id, changes nothing.
    """
    return shown(lifecycle().add_rule(number_id, business, body, if_version(if_match)))


lambda_handler = http_entry(app)
