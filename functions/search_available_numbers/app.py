"""GET /available-phone-numbers: what a carrier would sell, with its price."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from switchboard.api.http import PROVIDER_PROBLEMS, CurrentBusiness, answers, http_app, http_entry
from switchboard.model.available import AvailableNumbers, Capability
from switchboard.model.number import NumberType, Provider
from switchboard.provisioning.searching import search

app = http_app()


@app.get(
    "/available-phone-numbers", **answers(HTTPStatus.OK, *PROVIDER_PROBLEMS, description="Numbers that could be bought")
)
def search_available_numbers(
    _business: CurrentBusiness,
    provider: Annotated[Provider, Query(description="vapi has no search: it chooses the number itself.")],
    country: Annotated[str | None, Query(pattern="^[A-Z]{2}$", description="Default: the deployment's own.")] = None,
    area_code: Annotated[str | None, Query(alias="areaCode", pattern="^[0-9]{2,5}$")] = None,
    kind: Annotated[NumberType, Query(alias="type")] = "local",
    contains: Annotated[str | None, Query(pattern="^[0-9*]{2,16}$")] = None,
    capability: Annotated[list[Capability] | None, Query(description="All of them; default: voice.")] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> AvailableNumbers:
    """Asks the carrier now. Nothing is reserved: `create` with the number buys it if it is still there."""
    return search(provider, country, area_code, kind, contains, tuple(capability or ("voice",)), limit)


lambda_handler = http_entry(app)
