"""GET /phone-numbers/{id}/active-calls: who holds a line of a capped number, and since when."""

import time
from dataclasses import asdict
from http import HTTPStatus

from switchboard.api.http import CurrentBusiness, NumberId, answers, http_app, http_entry
from switchboard.model.active_call import ActiveCall, ActiveCalls
from switchboard.store.lines import lines
from switchboard.store.numbers import numbers

app = http_app()


@app.get("/phone-numbers/<id>/active-calls", **answers(HTTPStatus.OK, HTTPStatus.NOT_FOUND))
def active_calls(number_id: NumberId, business: CurrentBusiness) -> ActiveCalls:
    """Lines are counted on a number with `maxConcurrentCalls`; one whose call's end was never told runs out."""
    number = numbers().get(number_id, business).number
    return ActiveCalls(items=[ActiveCall(**asdict(line)) for line in lines().in_use(number.id, int(time.time()))])


lambda_handler = http_entry(app)
