"""DELETE /callers/{phoneNumber}: erase one caller from all that the business has."""

import time
from http import HTTPStatus
from typing import Annotated
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import BeforeValidator

from switchboard.api.http import CurrentBusiness, answers, http_app, http_entry
from switchboard.ledger.erase import erase_caller as erase
from switchboard.model.base import E164
from switchboard.model.erasure import CallerErasure
from switchboard.store.dynamo import Deadline
from switchboard.store.erasure import erasure
from switchboard.store.transcripts import transcripts

app = http_app()

WITHIN_SECONDS = 20
MORE = "There is more than one request can erase: repeat it"
Caller = Annotated[E164, BeforeValidator(unquote), Path(alias="phoneNumber")]


@app.delete(
    "/callers/<phoneNumber>",
    operation_id="erase_caller",
    **answers(HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE, description="What was erased", accepted=MORE),
)
def erase_caller(caller: Caller, business: CurrentBusiness) -> tuple[CallerErasure, int]:
    """On all numbers, cancelled ones too. Sums stay, and what is told of the calls later is counted without the caller.

    A call in progress goes on, and holds its line without a number. Exports that were made before are not touched.

    The plus sign is sent as %2B. May be repeated.
    """
    deadline = Deadline(time.monotonic() + WITHIN_SECONDS)
    done = erase(erasure(), transcripts(), business, caller, int(time.time()), deadline)
    return done, HTTPStatus.OK if done.complete else HTTPStatus.ACCEPTED


lambda_handler = http_entry(app)
