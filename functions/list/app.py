"""GET /phone-numbers: the business's numbers, the newest first."""

import re
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from switchboard.api.http import CurrentBusiness, answers, cursor_of, http_app, http_entry, position_of
from switchboard.api.representation import shown_all
from switchboard.model.number import NumberList, Provider, Status
from switchboard.store.numbers import numbers

app = http_app()

POSITION = re.compile(r"\d{10}#pn_[0-9A-Z]{26}")


@app.get("/phone-numbers", **answers(HTTPStatus.OK, description="A page of phone numbers"))
def list_phone_numbers(
    business: CurrentBusiness,
    status: Annotated[Status | None, Query()] = None,
    provider: Annotated[Provider | None, Query()] = None,
    tag: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> NumberList:
    """Cancelled numbers are listed too; `status=active` leaves them out. All filters given must hold."""
    wanted = {"status": status, "provider": provider, "tag": tag}
    filters = {name: str(value) for name, value in wanted.items() if value is not None}
    page = numbers().page(business, limit, position_of(cursor, POSITION), filters)
    return NumberList(items=shown_all(page.records), next_cursor=cursor_of(page.last_key))


lambda_handler = http_entry(app)
