"""POST /phone-numbers/{id}/exports: a number's calls as a file."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from switchboard.api.exports import export_answer
from switchboard.api.http import BODY_PROBLEMS, CurrentBusiness, ExportKey, NumberId, answers, http_app, http_entry
from switchboard.exports.ask import asking
from switchboard.model.export import Export, ExportRequest

app = http_app()

ANSWERS = answers(
    HTTPStatus.OK,
    HTTPStatus.NOT_FOUND,
    *BODY_PROBLEMS,
    description="The export is over: ready, with its URL, or failed",
    accepted="The export is under way: ask at `Location` how far it is",
)


@app.post("/phone-numbers/<id>/exports", **ANSWERS)
def export_calls(
    number_id: NumberId, body: ExportRequest, business: CurrentBusiness, idempotency_key: ExportKey = None
) -> Response[Export]:
    """Answers with the file's URL if it is written within 20 s; else it goes on, and can be asked for."""
    return export_answer(number_id, asking().ask(number_id, business, body, idempotency_key))


lambda_handler = http_entry(app)
