"""DELETE /phone-numbers/{id}: release a number."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from switchboard.api.http import CurrentBusiness, IfMatch, NumberId, answers, http_app, http_entry, if_version
from switchboard.api.representation import shown
from switchboard.model.number import VapiPhoneNumber
from switchboard.provisioning.connected import lifecycle

app = http_app()

Force = Annotated[bool, Query(description="Release it even while it is in a call.")]

PROBLEMS = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)


@app.delete("/phone-numbers/<id>", **answers(HTTPStatus.OK, *PROBLEMS))
def delete(
    number_id: NumberId, business: CurrentBusiness, if_match: IfMatch = None, *, force: Force = False
) -> VapiPhoneNumber:
    """The number is cancelled at once, and released at Vapi and its carrier when nobody talks on it. Repeatable."""
    return shown(lifecycle().release(number_id, business, if_version(if_match), force=force))


lambda_handler = http_entry(app)
