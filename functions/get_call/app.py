"""GET /phone-numbers/{id}/calls/{callId}: one call of a number."""

from http import HTTPStatus

from switchboard.api.http import CallId, CurrentBusiness, NumberId, answers, http_app, http_entry
from switchboard.ledger.look_up import call_of_number
from switchboard.model.call import Call

app = http_app()


@app.get(
    "/phone-numbers/<id>/calls/<callId>",
    **answers(HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE, description="The call"),
)
def get_call(number_id: NumberId, call_id: CallId, business: CurrentBusiness) -> Call:
    """What has become of it so far, the decision on who was to answer it with its trace, and what was said if kept."""
    return call_of_number(number_id, business, call_id)


lambda_handler = http_entry(app)
