"""Errors as problems of RFC 9457: every error of the domain has its status, every refused field its path."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from pydantic import ValidationError

from switchboard import errors
from switchboard.api import problems
from switchboard.model.number import NumberConfiguration


def leaves(error: type[errors.SwitchboardError]) -> Iterator[type[errors.SwitchboardError]]:
    below = error.__subclasses__()
    if not below:
        yield error
    for child in below:
        yield from leaves(child)


LEAVES = sorted(leaves(errors.SwitchboardError), key=lambda error: error.__name__)


def made(error: type[errors.SwitchboardError]) -> errors.SwitchboardError:
    """An error with whatever it asks for."""
    arguments: dict[type[errors.SwitchboardError], tuple[Any, ...]] = {
        errors.InvalidRequest: (errors.FieldError("name", "is too long"),),
        errors.NumberNotFound: ("pn_1",),
        errors.UnknownClient: (),
        errors.TranscriptUnavailable: (),
        errors.VersionMismatch: (7,),
        errors.ChangedMeanwhile: (),
        errors.IdempotencyKeyReused: (),
        errors.BudgetExceeded: (),
        errors.OutboundForbidden: (),
        errors.DailyCallLimitReached: (5, 3600),
        errors.ProviderNotConfigured: ("twilio", "there are no credentials."),
        errors.ProviderFailed: ("Vapi failed with 500", 500),
    }
    return error(*arguments.get(error, ("It went wrong.",)))


def body(response: Response[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(str(response.body))
    return found


def validated(*details: dict[str, Any]) -> dict[str, Any]:
    """The body of the problem for these findings of the request's validation."""
    return body(problems.of_validation(RequestValidationError(details)))


def finding(*where: str | int, kind: str = "string_type", message: str = "should be text") -> dict[str, Any]:
    return {"loc": where, "type": kind, "msg": message}


@pytest.mark.parametrize("error", LEAVES)
def test_every_error_has_a_status_and_a_code_of_its_own(error: type[errors.SwitchboardError]) -> None:
    assert error in problems.STATUS
    assert [other.code for other in LEAVES].count(error.code) == 1


def test_every_status_is_for_an_error_that_there_is() -> None:
    assert set(problems.STATUS) == set(LEAVES)


@pytest.mark.parametrize("error", LEAVES)
def test_every_error_is_a_problem_of_rfc_9457(error: type[errors.SwitchboardError]) -> None:
    raised = made(error)
    response = problems.of_domain(raised)
    told = body(response)
    assert response.content_type == "application/problem+json"
    assert told["status"] == response.status_code == problems.STATUS[error]
    assert told["title"] == HTTPStatus(response.status_code).phrase
    assert told["type"] == f"urn:switchboard:problem:{error.code}"
    assert (told["code"], told["detail"]) == (error.code, raised.detail)
    assert told["detail"]


@pytest.mark.parametrize("error", LEAVES)
def test_only_a_problem_that_may_pass_says_when_to_try_again(error: type[errors.SwitchboardError]) -> None:
    response = problems.of_domain(made(error))
    may_pass = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)
    assert ("Retry-After" in response.headers) == (response.status_code in may_pass)


def test_an_invalid_request_names_every_field() -> None:
    error = errors.InvalidRequest(errors.FieldError("a.b", "is wrong"), errors.FieldError("c", "is wrong too"))
    told = body(problems.of_domain(error))
    assert told["errors"] == [{"path": "a.b", "message": "is wrong"}, {"path": "c", "message": "is wrong too"}]
    assert told["detail"] == "a.b: is wrong; c: is wrong too"


def test_no_list_of_fields_stands_where_there_are_none() -> None:
    assert "errors" not in body(problems.of_domain(made(errors.UnknownClient)))


PATHS = [
    pytest.param(("body", "name"), "name", id="of the body"),
    pytest.param(("body", "callRoutingRules", 0, "then", "number"), "callRoutingRules.0.then.number", id="deep in it"),
    pytest.param(("query", "limit"), "limit", id="of the query"),
    pytest.param(("header", "Idempotency-Key"), "Idempotency-Key", id="of a header"),
    pytest.param(("path", "number_id"), "number_id", id="of the path"),
    pytest.param(("businessHours", "timezone"), "businessHours.timezone", id="of a patch, which has no part before it"),
    pytest.param(("body",), "body", id="the body as a whole"),
]


@pytest.mark.parametrize(("where", "path"), PATHS)
def test_a_finding_is_told_by_the_callers_path(where: tuple[str | int, ...], path: str) -> None:
    told = validated(finding(*where))
    assert (told["status"], told["code"]) == (422, "invalid_request")
    assert told["errors"] == [{"path": path, "message": "should be text"}]


def test_an_unknown_field_is_told_in_plain_words() -> None:
    told = validated(finding("body", "colour", kind="extra_forbidden", message="Extra inputs are not permitted"))
    assert told["errors"] == [{"path": "colour", "message": "is not a field of this request"}]


def test_what_pydantic_finds_in_a_patched_configuration_is_told_alike() -> None:
    with pytest.raises(ValidationError) as error:
        NumberConfiguration.model_validate({"colour": 1, "inboundSettings": {"spamThreshold": 0}})
    found = body(problems.of_validation(error.value))["errors"]
    assert [refusal["path"] for refusal in found] == ["inboundSettings.spamThreshold", "colour"]


def test_a_body_that_is_no_json_is_a_400() -> None:
    told = validated(finding("body", 1, kind="json_invalid", message="JSON decode error"))
    assert (told["status"], told["code"]) == (400, "not_json")


def test_a_field_whose_name_is_no_unicode_is_refused_like_any_other() -> None:
    assert validated(finding("body", "\ud800"))["errors"][0]["path"] == "\ud800"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        pytest.param(NotFoundError("Not found"), 404, "not_found", id="no such route"),
        pytest.param(BadRequestError("No"), 400, "bad_request", id="a bad request"),
    ],
)
def test_what_powertools_refuses_is_a_problem_too(error: Any, status: int, code: str) -> None:
    response = problems.of_edge(error)
    told = body(response)
    assert response.content_type == "application/problem+json"
    assert (response.status_code, told["status"], told["code"], told["detail"]) == (status, status, code, error.msg)


def test_a_busy_provider_says_itself_when_to_try_again() -> None:
    assert problems.of_domain(errors.ProviderBusy("Busy.", 30)).headers["Retry-After"] == "30"


def test_a_day_that_is_used_up_says_when_the_next_begins() -> None:
    assert problems.of_domain(errors.DailyCallLimitReached(5, 3600)).headers["Retry-After"] == "3600"
