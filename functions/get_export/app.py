"""GET /phone-numbers/{id}/exports/{exportId}: how far an export is, and its file's URL."""

from http import HTTPStatus

from switchboard.api.http import CurrentBusiness, ExportId, NumberId, answers, http_app, http_entry
from switchboard.exports.ask import asking
from switchboard.model.export import Export

app = http_app()


@app.get(
    "/phone-numbers/<id>/exports/<exportId>", **answers(HTTPStatus.OK, HTTPStatus.NOT_FOUND, description="The export")
)
def get_export(number_id: NumberId, export_id: ExportId, business: CurrentBusiness) -> Export:
    """A fresh URL each time; the file is kept for seven days."""
    return asking().show(number_id, business, export_id)


lambda_handler = http_entry(app)
