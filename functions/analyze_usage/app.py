"""POST /phone-numbers/{id}/usage-analyses: what a number's calls were like in a range of time."""

from http import HTTPStatus

from switchboard.api.http import BODY_PROBLEMS, CurrentBusiness, NumberId, answers, http_app, http_entry
from switchboard.ledger.analyse import analyse
from switchboard.model.analysis import AnalysisRequest, PhoneAnalytics

app = http_app()

PROBLEMS = (*BODY_PROBLEMS, HTTPStatus.NOT_FOUND)


@app.post("/phone-numbers/<id>/usage-analyses", **answers(HTTPStatus.OK, *PROBLEMS, description="The analysis"))
def analyze_usage(number_id: NumberId, body: AnalysisRequest, business: CurrentBusiness) -> PhoneAnalytics:
    """Calls by period and hour of the week, outcomes, durations, concurrency, callers, reasons, assistants and rules.

    It costs reads by the hours that had calls, and not by their number.
    """
    return analyse(number_id, business, body)


lambda_handler = http_entry(app)
