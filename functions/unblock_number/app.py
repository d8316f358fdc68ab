"""DELETE /phone-numbers/{id}/blocked-numbers/{phoneNumber}: take a caller or a prefix off the list of the blocked."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import BeforeValidator

from switchboard.api.http import CurrentBusiness, IfMatch, NumberId, answers, http_app, http_entry, if_version
from switchboard.api.representation import shown
from switchboard.model.base import NumberOrPrefix
from switchboard.model.number import VapiPhoneNumber
from switchboard.store.screening import screening

app = http_app()

PROBLEMS = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)
BlockedPattern = Annotated[NumberOrPrefix, BeforeValidator(unquote), Path(alias="phoneNumber")]


@app.delete("/phone-numbers/<id>/blocked-numbers/<phoneNumber>", **answers(HTTPStatus.OK, *PROBLEMS))
def unblock_number(
    number_id: NumberId, pattern: BlockedPattern, business: CurrentBusiness, if_match: IfMatch = None
) -> VapiPhoneNumber:
    """One that is not blocked is answered alike. The plus sign is sent as %2B."""
    return shown(screening().unblock(number_id, business, pattern, if_version(if_match)))


lambda_handler = http_entry(app)
