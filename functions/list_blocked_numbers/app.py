"""GET /phone-numbers/{id}/blocked-numbers: who is blocked, why and until when."""

import re
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from switchboard.api.http import CurrentBusiness, NumberId, answers, cursor_of, http_app, http_entry, position_of
from switchboard.model.screening import BlockedNumber, BlockedNumberList
from switchboard.store.numbers import numbers
from switchboard.store.screening import screening

app = http_app()

POSITION = re.compile(r"\+[1-9][0-9]{0,14}\*?")


@app.get(
    "/phone-numbers/<id>/blocked-numbers",
    **answers(HTTPStatus.OK, HTTPStatus.NOT_FOUND, description="A page of blocked callers"),
)
def list_blocked_numbers(
    number_id: NumberId,
    business: CurrentBusiness,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> BlockedNumberList:
    """By their numbers, prefixes among them. What has expired is not listed."""
    page = screening().page(numbers().get(number_id, business), limit, position_of(cursor, POSITION))
    return BlockedNumberList(
        items=[BlockedNumber.of(entry) for entry in page.entries], next_cursor=cursor_of(page.last_key)
    )


lambda_handler = http_entry(app)
