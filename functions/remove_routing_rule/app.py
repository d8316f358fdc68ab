"""DELETE /phone-numbers/{id}/routing-rules/{ruleId}: remove a routing rule from a number."""

from http import HTTPStatus

from switchboard.api.http import (
    CurrentBusiness,
    IfMatch,
    NumberId,
    RuleId,
    answers,
    http_app,
    http_entry,
    if_version,
)
from switchboard.api.representation import shown
from switchboard.model.number import VapiPhoneNumber
from switchboard.provisioning.connected import changes

app = http_app()

PROBLEMS = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)


@app.delete("/phone-numbers/<id>/routing-rules/<ruleId>", **answers(HTTPStatus.OK, *PROBLEMS))
def remove_routing_rule(
    number_id: NumberId, rule_id: RuleId, business: CurrentBusiness, if_match: IfMatch = None
) -> VapiPhoneNumber:
    """The number without the rule."""
    return shown(changes().remove_rule(number_id, business, rule_id, if_version(if_match)))


lambda_handler = http_entry(app)
