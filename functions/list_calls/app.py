"""GET /phone-numbers/{id}/calls: the calls of a number, the newest first."""

import re
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from switchboard.api.http import CurrentBusiness, NumberId, answers, cursor_of, http_app, http_entry, position_of
from switchboard.ledger.look_up import LATEST, Wanted, calls_of_number
from switchboard.model.base import E164
from switchboard.model.call import CallList, Direction, Outcome

app = http_app()

POSITION = re.compile(r"\d{1,14}/pn_[0-9A-Z]{26}/[A-Za-z0-9-]{1,64}")
Since = Annotated[int, Query(alias="from", ge=0, le=LATEST, description="Calls that came to be then or later.")]
Until = Annotated[int, Query(alias="to", ge=0, le=LATEST, description="Calls that came to be before then.")]


@app.get(
    "/phone-numbers/<id>/calls",
    **answers(HTTPStatus.OK, HTTPStatus.NOT_FOUND, description="A page of the number's calls"),
)
def list_calls(
    number_id: NumberId,
    business: CurrentBusiness,
    since: Since = 0,
    until: Until = LATEST,
    direction: Annotated[Direction | None, Query()] = None,
    outcome: Annotated[Outcome | None, Query()] = None,
    caller: Annotated[E164 | None, Query(description="The other party, in calls of either direction.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> CallList:
    """All filters given must hold. A page may be short or empty: there is more as long as there is a `nextCursor`."""
    wanted = Wanted(since, until, direction, outcome, caller)
    page = calls_of_number(number_id, business, wanted, limit, position_of(cursor, POSITION))
    return CallList(items=page.calls, next_cursor=cursor_of(page.last))


lambda_handler = http_entry(app)
