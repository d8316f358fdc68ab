"""Errors as application/problem+json (RFC 9457): one table from the domain's errors to HTTP."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestUnsupportedContentType, RequestValidationError
from pydantic import ValidationError

from switchboard import errors
from switchboard.carriers.http import Refused

logger = Logger()

PROBLEM_JSON = "application/problem+json"

STATUS: dict[type[errors.SwitchboardError], HTTPStatus] = {
    errors.InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NumberNotFound: HTTPStatus.NOT_FOUND,
    errors.RuleNotFound: HTTPStatus.NOT_FOUND,
    errors.CallNotFound: HTTPStatus.NOT_FOUND,
    errors.ExportNotFound: HTTPStatus.NOT_FOUND,
    errors.UnknownClient: HTTPStatus.FORBIDDEN,
    errors.StatusConflict: HTTPStatus.CONFLICT,
    errors.VersionMismatch: HTTPStatus.PRECONDITION_FAILED,
    errors.ChangedMeanwhile: HTTPStatus.CONFLICT,
    errors.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ProviderNotConfigured: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PurchaseRefused: HTTPStatus.CONFLICT,
    errors.NotAvailable: HTTPStatus.CONFLICT,
    errors.RequirementMissing: HTTPStatus.CONFLICT,
    errors.BudgetExceeded: HTTPStatus.CONFLICT,
    errors.NumberTaken: HTTPStatus.CONFLICT,
    errors.OutboundForbidden: HTTPStatus.CONFLICT,
    errors.DailyCallLimitReached: HTTPStatus.TOO_MANY_REQUESTS,
    errors.CallNotPlaced: HTTPStatus.CONFLICT,
    errors.TranscriptUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ProviderCredentialsRejected: HTTPStatus.BAD_GATEWAY,
    errors.ProviderBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ProviderUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ProviderRefused: HTTPStatus.BAD_GATEWAY,
    errors.ProviderFailed: HTTPStatus.BAD_GATEWAY,
    errors.OutcomeUnknown: HTTPStatus.GATEWAY_TIMEOUT,
}
"""An error without a status here is a defect: a test walks the tree of `errors`."""

MAY_BE_REPEATED = {HTTPStatus.SERVICE_UNAVAILABLE: "5"}
"""Status -> Retry-After, in seconds."""


def problem(status: HTTPStatus, code: str, detail: str, found: Iterable[errors.FieldError] = ()) -> Response[str]:
    """`{type, title, status, code, detail, errors?: [{path, message}]}`."""
    body: dict[str, Any] = {
        "type": f"urn:switchboard:problem:{code}",
        "title": status.phrase,
        "status": status.value,
        "code": code,
        "detail": detail,
    }
    listed = [{"path": error.path, "message": error.message} for error in found]
    if listed:
        body["errors"] = listed
    headers: dict[str, Any] = {"Retry-After": MAY_BE_REPEATED[status]} if status in MAY_BE_REPEATED else {}
    return Response(status.value, PROBLEM_JSON, json.dumps(body), headers)


def of_domain(error: errors.SwitchboardError) -> Response[str]:
    status = STATUS[type(error)]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.warning("a provider failed this request", code=error.code, cause=repr(error.__cause__))
    found = error.errors if isinstance(error, errors.InvalidRequest) else ()
    response = problem(status, error.code, error.detail, found)
    if isinstance(error, errors.ProviderBusy | errors.DailyCallLimitReached) and error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def of_refusal(refused: Refused) -> Response[str]:
    """A provider's no that has no error of its own: to a search, or to the question whether it has an assistant."""
    return of_domain(
        errors.ProviderRefused(f"The provider refused what it was asked ({refused.status}): {refused.message}")
    )


def of_edge(error: ServiceError) -> Response[str]:
    """What Powertools itself refuses, such as a route that it does not have."""
    status = HTTPStatus(error.status_code)
    return problem(status, status.phrase.lower().replace(" ", "_"), str(error.msg))


def of_media_type(_error: RequestUnsupportedContentType) -> Response[str]:
    return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_json", "The body has to be of type application/json.")


def of_nesting(_error: RecursionError) -> Response[str]:
    """Only bodies are followed level by level here, so it is the body that has too many."""
    return problem(HTTPStatus.BAD_REQUEST, "too_deep", "The body is nested too deeply to be read.")


def of_validation(error: RequestValidationError | ValidationError) -> Response[str]:
    """422 with the path of each refused field; 400 for a body that is no JSON."""
    details: list[Any] = list(error.errors())
    if any(detail["type"] == "json_invalid" for detail in details):
        return problem(HTTPStatus.BAD_REQUEST, "not_json", "The body is not JSON.")
    found = [errors.FieldError(_path(detail), _message(detail)) for detail in details]
    return of_domain(errors.InvalidRequest(*found))


def _path(detail: Mapping[str, Any]) -> str:
    parts = [str(part) for part in detail["loc"]]
    where = parts[1:] if len(parts) > 1 and parts[0] in ("body", "query", "header", "path") else parts
    return ".".join(where)


def _message(detail: Mapping[str, Any]) -> str:
    return "is not a field of this request" if detail["type"] == "extra_forbidden" else str(detail["msg"])
