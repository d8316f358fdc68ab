"""The HTTP edge of the management plane: one resolver a function, the same problems, headers and logs in each."""

import base64
import json
import os
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Depends, Request, Response
from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestUnsupportedContentType, RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Body, Header, Path
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from switchboard import errors
from switchboard.api import problems
from switchboard.carriers.http import Refused, turn
from switchboard.store.clients import business_of

logger = Logger()

BODY_PROBLEMS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
"""What an action answers that takes a body: it is no JSON, or does not say that it is."""

PROVIDER_PROBLEMS = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
"""What an action answers that cannot do without its provider."""

FOR_OURSELVES = 4
"""Seconds of a function's time that are left when no provider is waited for any more: to write down what became of it,
and to answer."""

MERGE_PATCH = "application/merge-patch+json"


def http_app() -> APIGatewayHttpResolver:
    """A resolver with request validation, whose errors are problems and whose numbers carry their ETag."""
    app = APIGatewayHttpResolver(enable_validation=True, response_validation_error_http_code=500)
    app.use(middlewares=[_with_headers])

    app.exception_handler(errors.SwitchboardError)(problems.of_domain)
    app.exception_handler(Refused)(problems.of_refusal)
    app.exception_handler([RequestValidationError, ValidationError])(problems.of_validation)
    app.exception_handler(RequestUnsupportedContentType)(problems.of_media_type)
    app.exception_handler(ServiceError)(problems.of_edge)
    app.exception_handler(RecursionError)(problems.of_nesting)
    return app


def http_entry(app: APIGatewayHttpResolver) -> Callable[[dict[str, Any], LambdaContext], dict[str, Any]]:
    """The function's `lambda_handler`. An error that nobody named leaves it, so that the function counts as failed."""

    @logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
    def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        headers = event.get("headers") or {}
        if headers.get("content-type", "").startswith(MERGE_PATCH):
            event = {**event, "headers": {**headers, "content-type": "application/json"}}
        with turn(context.get_remaining_time_in_millis() / 1000 - FOR_OURSELVES):
            return app.resolve(event, context)

    return lambda_handler


def answers(
    status: HTTPStatus,
    *problem_statuses: HTTPStatus,
    description: str = "The phone number",
    accepted: str | None = None,
) -> dict[str, Any]:
    """Route keywords: the success status and the problems that the OpenAPI document names beside it.

    accepted: what a 202 means, of an action that may answer so too. `responses` replaces what Powertools would document
    of the success, so it has to be said here again.
    """
    always = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY)
    documented: dict[int, Any] = {status.value: {"description": description}}
    if accepted is not None:
        documented[HTTPStatus.ACCEPTED.value] = {"description": accepted}
    for other in sorted({*always, *problem_statuses}):
        documented[other.value] = {
            "description": other.phrase,
            "content": {problems.PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return {"status_code": status.value, "responses": documented}


def _current_business(request: Request) -> str:
    claims = request.resolved_event["requestContext"]["authorizer"]["jwt"]["claims"]
    claim = os.environ["BUSINESS_CLAIM"]
    if claim:
        business = claims.get(claim)
        if not business:
            raise errors.UnknownClient
        return str(business)
    return business_of(str(claims.get("client_id") or claims.get("azp") or claims.get("aud")))


def _base_url(request: Request) -> str:
    """Where the outside reaches us: the parameter, else the name by which this request came."""
    configured = os.environ["PUBLIC_BASE_URL"]
    return configured or f"https://{request.resolved_event['requestContext']['domainName']}"


CurrentBusiness = Annotated[str, Depends(_current_business)]
"""The owner in whose name the token speaks; never from the body. Raises UnknownClient."""

BaseUrl = Annotated[str, Depends(_base_url)]

NumberId = Annotated[str, Path(alias="id", description="The number's id.", examples=["pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD"])]

RuleId = Annotated[str, Path(alias="ruleId", description="The rule's id.", examples=["rr_01K9Z3V7Q8M4X2C6B5N1T0R8WD"])]

CallId = Annotated[str, Path(alias="callId", description="The call's id at Vapi.", max_length=128)]

ExportId = Annotated[str, Path(alias="exportId", description="The export's id.", max_length=64)]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="The same key and request are done once, however often they are sent.",
    ),
]

ExportKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="The same key and request are one export of the number, however often they are sent.",
    ),
]

IfMatch = Annotated[str | None, Header(alias="If-Match", description='The ETag that must still be current, or "*".')]


MergePatch = Annotated[dict[str, Any], Body(description="A JSON merge patch (RFC 7396) of a VapiPhoneNumber.")]


def if_version(header: str | None) -> int | None:
    """The version that If-Match asks for; None if any will do. What is no ETag of ours matches no version."""
    if header is None or header.strip() == "*":
        return None
    known = re.fullmatch(r'"(\d{1,18})"', header.strip())
    return int(known[1]) if known else 0


def cursor_of(position: str | None) -> str | None:
    """An opaque cursor for a place in a list; None where the list ends."""
    if position is None:
        return None
    return base64.urlsafe_b64encode(json.dumps({"v": 1, "after": position}).encode()).decode().rstrip("=")


def position_of(cursor: str | None, form: re.Pattern[str]) -> str | None:
    """The place that a cursor of ours names. Raises InvalidRequest for anything else."""
    if cursor is None:
        return None
    try:
        held = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        position = held["after"] if held["v"] == 1 else None
    except (ValueError, KeyError, TypeError):
        position = None
    if not isinstance(position, str) or not form.fullmatch(position):
        raise errors.InvalidRequest(errors.FieldError("cursor", "is not a cursor that this list gave out"))
    return position


def _with_headers(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[Any]:
    response: Response[Any] = next_middleware(app)
    shown = response.body
    if isinstance(shown, dict) and "version" in shown:
        response.headers["ETag"] = f'"{shown["version"]}"'
        if response.status_code == HTTPStatus.CREATED:
            response.headers["Location"] = f"/phone-numbers/{shown['id']}"
    return response
