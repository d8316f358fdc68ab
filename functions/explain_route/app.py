"""POST /phone-numbers/{id}/route-explanations: who would answer this caller, and why."""

from http import HTTPStatus

from switchboard.api.http import (
    BODY_PROBLEMS,
    PROVIDER_PROBLEMS,
    CurrentBusiness,
    NumberId,
    answers,
    http_app,
    http_entry,
)
from switchboard.explanation import explain
from switchboard.model.decision import Decision, RouteQuestion

app = http_app()

PROBLEMS = (*BODY_PROBLEMS, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, *PROVIDER_PROBLEMS)


@app.post("/phone-numbers/<id>/route-explanations", **answers(HTTPStatus.OK, *PROBLEMS, description="Who would answer"))
def explain_route(number_id: NumberId, body: RouteQuestion, business: CurrentBusiness) -> Decision:
    """What a live call at that instant would be told, with its trace. Dials nobody and changes nothing."""
    return explain(number_id, business, body)


lambda_handler = http_entry(app)
