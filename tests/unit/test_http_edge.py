"""Small parts of the HTTP edge: If-Match, cursors, what a route documents."""

import base64
import json
import re
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.api.http import answers, cursor_of, if_version, position_of
from switchboard.errors import InvalidRequest
from switchboard.store.keys import list_order

FORM = re.compile(r"\d{10}#pn_[0-9A-Z]{26}")
POSITION = "1785862800#pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD"
ANYTHING = re.compile(r".*", re.DOTALL)

IF_MATCH = [
    pytest.param(None, None, id="without the header any version will do"),
    pytest.param("*", None, id="a star too"),
    pytest.param(" * ", None, id="with white space around it"),
    pytest.param('"7"', 7, id="an ETag of ours names its version"),
    pytest.param(' "7" ', 7, id="with white space around it as well"),
    pytest.param("7", 0, id="a bare number is no ETag"),
    pytest.param('W/"7"', 0, id="a weak ETag matches nothing (RFC 9110, 13.1.1)"),
    pytest.param('"seven"', 0, id="another service's ETag matches nothing"),
    pytest.param('""', 0, id="an empty ETag matches nothing"),
    pytest.param("", 0, id="an empty header matches nothing"),
    pytest.param('"-1"', 0, id="a negative version matches nothing"),
    pytest.param('"' + "9" * 5000 + '"', 0, id="a version longer than Python converts matches nothing"),
]


@pytest.mark.parametrize(("header", "version"), IF_MATCH)
def test_if_match_asks_for_a_version(header: str | None, version: int | None) -> None:
    assert if_version(header) == version


@given(st.integers(1, 10**17))
def test_the_etag_of_any_version_is_understood(version: int) -> None:
    assert if_version(f'"{version}"') == version


def packed(held: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(held).encode()).decode().rstrip("=")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_position_comes_back_from_its_cursor(position: str) -> None:
    cursor = cursor_of(position)
    assert cursor is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor), "a cursor goes into a URL as it is"
    assert position_of(cursor, ANYTHING) == position


def test_the_end_of_a_list_has_no_cursor_and_its_beginning_none_either() -> None:
    assert cursor_of(None) is None
    assert position_of(None, FORM) is None


def test_the_order_of_the_list_is_a_position() -> None:
    assert FORM.fullmatch(list_order(1785862800, "pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD"))


NO_CURSORS = [
    pytest.param("", id="nothing"),
    pytest.param("next", id="a word"),
    pytest.param("é", id="a letter that is not ASCII"),
    pytest.param("a", id="a length that base64 has not"),
    pytest.param(packed(POSITION), id="a position in no envelope"),
    pytest.param(packed([POSITION]), id="a list"),
    pytest.param(packed({"v": 1}), id="an envelope without a position"),
    pytest.param(packed({"after": POSITION}), id="an envelope without a version"),
    pytest.param(packed({"v": 2, "after": POSITION}), id="a version to come"),
    pytest.param(packed({"v": 1, "after": None}), id="a position that is null"),
    pytest.param(packed({"v": 1, "after": 1785862800}), id="a position that is a number"),
    pytest.param(packed({"v": 1, "after": "NUMBER#pn_1"}), id="a position of another form"),
    pytest.param(packed({"v": 1, "after": POSITION + "\n"}), id="a position with something behind it"),
    pytest.param(cursor_of("+14155550100"), id="the cursor of another list"),
]


@pytest.mark.parametrize("cursor", NO_CURSORS)
def test_what_this_list_did_not_give_out_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        position_of(cursor, FORM)
    assert [found.path for found in error.value.errors] == ["cursor"]


@given(st.text())
def test_any_text_is_a_cursor_of_ours_or_refused(cursor: str) -> None:
    try:
        position = position_of(cursor, FORM)
    except InvalidRequest:
        return
    assert position is not None
    assert FORM.fullmatch(position)


def test_a_route_documents_its_success_and_every_problem() -> None:
    documented = answers(HTTPStatus.CREATED, HTTPStatus.CONFLICT)
    assert documented["status_code"] == 201
    assert documented["responses"].keys() == {201, 401, 403, 409, 422}
    for status, described in documented["responses"].items():
        assert described["description"]
        assert ("application/problem+json" in described.get("content", {})) == (status >= 400)
