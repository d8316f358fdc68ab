"""GET /phone-numbers/{id}: one number with its counters."""

from http import HTTPStatus

from switchboard.api.http import CurrentBusiness, NumberId, answers, http_app, http_entry
from switchboard.api.representation import shown
from switchboard.model.number import VapiPhoneNumber
from switchboard.store.numbers import numbers

app = http_app()


@app.get("/phone-numbers/<id>", **answers(HTTPStatus.OK, HTTPStatus.NOT_FOUND))
def get(number_id: NumberId, business: CurrentBusiness) -> VapiPhoneNumber:
    """A released number stays readable."""
    return shown(numbers().get(number_id, business))


lambda_handler = http_entry(app)
