"""PATCH /phone-numbers/{id}: modify a number's configuration by JSON merge patch (RFC 7396)."""

from http import HTTPStatus

from switchboard.api.http import (
    BODY_PROBLEMS,
    PROVIDER_PROBLEMS,
    CurrentBusiness,
    IfMatch,
    MergePatch,
    NumberId,
    answers,
    http_app,
    http_entry,
    if_version,
)
from switchboard.api.representation import shown
from switchboard.model.number import VapiPhoneNumber
from switchboard.provisioning.connected import lifecycle

app = http_app()

PROBLEMS = (
    *BODY_PROBLEMS,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.PRECONDITION_FAILED,
    *PROVIDER_PROBLEMS,
)


@app.patch("/phone-numbers/<id>", **answers(HTTPStatus.OK, *PROBLEMS))
def update(
    number_id: NumberId, body: MergePatch, business: CurrentBusiness, if_match: IfMatch = None
) -> VapiPhoneNumber:
    """A whole VapiPhoneNumber, or any part of it: null unsets, objects merge, lists replace.

    Read-only values are accepted unchanged; counters and the masked secret are ignored.
    """
    record, is_new_secret = lifecycle().update(number_id, business, body, if_version(if_match))
    return shown(record, told_secret=is_new_secret)


lambda_handler = http_entry(app)
