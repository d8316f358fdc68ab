"""How exports are answered over HTTP."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from switchboard.model.export import Export


def export_answer(number_id: str, export: Export) -> Response[Export]:
    """200 for one that is over; 202 for one under way, with the place where it can be asked for."""
    headers = {"Location": f"/phone-numbers/{number_id}/exports/{export.export_id}"}
    status = HTTPStatus.ACCEPTED if export.status == "running" else HTTPStatus.OK
    return Response(status.value, "application/json", export, headers)
