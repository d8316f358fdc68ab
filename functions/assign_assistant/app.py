"""PUT /phone-numbers/{id}/assistant: assign an assistant, squad or workflow to a number."""

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
from switchboard.model.number import VapiAssistant, VapiPhoneNumber
from switchboard.provisioning.connected import lifecycle

app = http_app()

PROBLEMS = (
    *BODY_PROBLEMS,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.PRECONDITION_FAILED,
    *PROVIDER_PROBLEMS,
)


@app.put("/phone-numbers/<id>/assistant", **answers(HTTPStatus.OK, *PROBLEMS))
def assign_assistant(
    number_id: NumberId, body: VapiAssistant, business: CurrentBusiness, if_match: IfMatch = None
) -> VapiPhoneNumber:
    """It must exist at Vapi. `warnings` says so if it has a server of its own, which is then left alone."""
    return shown(lifecycle().assign(number_id, business, body, if_version(if_match)))


lambda_handler = http_entry(app)
