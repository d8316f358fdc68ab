"""The token by which Vapi proves itself: one number's and one business's, good under both living keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.webhook_token import business_of_token, make_token

OLD = {"current": "old-key"}
ROTATED = {"current": "new-key", "previous": "old-key"}
ROTATED_TWICE = {"current": "newest-key", "previous": "new-key"}

businesses = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(businesses)
def test_a_token_names_its_business_whatever_it_is_called(business: str) -> None:
    assert business_of_token(OLD, "pn_1", make_token(OLD, "pn_1", business)) == business


def test_a_rotation_cuts_nobody_off_and_the_next_one_does() -> None:
    token = make_token(OLD, "pn_1", "acme")
    assert business_of_token(ROTATED, "pn_1", token) == "acme"
    assert business_of_token(ROTATED_TWICE, "pn_1", token) is None


def test_new_tokens_are_made_with_the_current_key() -> None:
    token = make_token(ROTATED, "pn_1", "acme")
    assert business_of_token({"current": "new-key"}, "pn_1", token) == "acme"
    assert business_of_token(OLD, "pn_1", token) is None


GOOD = make_token(OLD, "pn_1", "acme")
MAC = GOOD.rpartition(".")[2]
FORGED = [
    pytest.param("", id="nothing"),
    pytest.param(".", id="a dot"),
    pytest.param("acme", id="a business alone"),
    pytest.param("acme.", id="a business without a MAC"),
    pytest.param(MAC, id="a MAC without a business"),
    pytest.param(f".{MAC}", id="a MAC of nobody"),
    pytest.param(f"globex.{MAC}", id="another business with this one's MAC"),
    pytest.param(f"acme.x.{MAC}", id="a business that is longer"),
    pytest.param(GOOD[:-1], id="a MAC cut short"),
    pytest.param(GOOD + "0", id="a MAC that is longer"),
    pytest.param(GOOD.replace(MAC, MAC.upper()), id="a MAC in capitals"),
    pytest.param(f"acme.{MAC[:-1]}é", id="a MAC that is not ASCII"),
    pytest.param(make_token(OLD, "pn_2", "acme"), id="the token of another number"),
    pytest.param(make_token({"current": "guess"}, "pn_1", "acme"), id="a token under a guessed key"),
    pytest.param(make_token({"current": ""}, "pn_1", "acme"), id="a token under an empty key"),
]


@pytest.mark.parametrize("keys", [OLD, ROTATED, {**OLD, "previous": ""}], ids=["one key", "two keys", "an empty key"])
@pytest.mark.parametrize("token", FORGED)
def test_what_is_not_this_numbers_token_is_nobodys(token: str, keys: dict[str, str]) -> None:
    assert business_of_token(keys, "pn_1", token) is None


def test_a_deployment_without_a_key_takes_no_token() -> None:
    assert business_of_token({}, "pn_1", GOOD) is None


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_is_a_token_by_chance(token: str) -> None:
    assert business_of_token(ROTATED, "pn_1", token) is None


def test_a_token_of_nobody_is_never_made_good_by_its_mac() -> None:
    assert business_of_token(OLD, "pn_1", make_token(OLD, "pn_1", "")) is None
