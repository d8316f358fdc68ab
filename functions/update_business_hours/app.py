"""PUT /phone-numbers/{id}/business-hours: set when a number's business is open."""

from http import HTTPStatus

from switchboard.api.http import (
    BODY_PROBLEMS,
    CurrentBusiness,
    IfMatch,
    NumberId,
    answers,
    http_app,
    http_entry,
    if_version,
)
from switchboard.api.representation import shown
from switchboard.model.hours import BusinessHours
from switchboard.model.number import VapiPhoneNumber
from switchboard.provisioning.connected import changes

app = http_app()

PROBLEMS = (*BODY_PROBLEMS, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)


@app.put("/phone-numbers/<id>/business-hours", **answers(HTTPStatus.OK, *PROBLEMS))
def update_business_hours(
    number_id: NumberId, body: BusinessHours, business: CurrentBusiness, if_match: IfMatch = None
) -> VapiPhoneNumber:
    """They replace the hours before as a whole, from the next call on."""
    return shown(changes().set_hours(number_id, business, body, if_version(if_match)))


lambda_handler = http_entry(app)
