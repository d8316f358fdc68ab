"""POST /phone-numbers/{id}/blocked-numbers: block a caller, or all callers whose number starts so."""

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
from switchboard.model.number import VapiPhoneNumber
from switchboard.model.screening import BlockRequest
from switchboard.store.screening import screening

app = http_app()

PROBLEMS = (*BODY_PROBLEMS, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)


@app.post("/phone-numbers/<id>/blocked-numbers", **answers(HTTPStatus.OK, *PROBLEMS))
def block_number(
    number_id: NumberId, body: BlockRequest, business: CurrentBusiness, if_match: IfMatch = None
) -> VapiPhoneNumber:
    """One that is blocked already takes this reason and expiry. A prefix changes the number's version, a caller not."""
    return shown(screening().block(number_id, business, body, if_version(if_match)))


lambda_handler = http_entry(app)
