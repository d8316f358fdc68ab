"""GET /phone-numbers and GET /phone-numbers/{id}; who may see what, on every route."""

from typing import Any

import pytest

from switchboard.api.http import cursor_of
from switchboard.store.clients import bind_client
from tests.functions.conftest import CLIENTS, Deployment

NOBODY = "pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD"


def buy(aws: Deployment, business: str = "acme", **wanted: Any) -> dict[str, Any]:
    answer = aws.api("POST", "/phone-numbers", business, body={"provider": "vapi", **wanted})
    assert answer.status == 201
    bought: dict[str, Any] = answer.body
    return bought


def listed(aws: Deployment, business: str = "acme", **query: str) -> list[str]:
    """The names of all numbers that a query finds, page by page."""
    names: list[str] = []
    while True:
        page = aws.api("GET", "/phone-numbers", business, query=query)
        assert page.status == 200, page.body
        names += [number["name"] for number in page.body["items"]]
        if page.body.get("nextCursor") is None:
            return names
        query = {**query, "cursor": page.body["nextCursor"]}


def test_a_number_is_read_with_its_version(aws: Deployment) -> None:
    number = aws.bought(name="Main")
    read = aws.api("GET", f"/phone-numbers/{number['id']}")
    assert (read.status, read.body, read.headers["etag"]) == (200, number, f'"{number["version"]}"')


def test_a_number_that_nobody_has_is_not_found(aws: Deployment) -> None:
    read = aws.api("GET", f"/phone-numbers/{NOBODY}")
    assert (read.status, read.body["code"]) == (404, "number_not_found")


def test_a_list_shows_whole_numbers_of_the_business_alone(aws: Deployment) -> None:
    mine = aws.bought(name="Mine")
    buy(aws, "globex", name="Theirs")
    page = aws.api("GET", "/phone-numbers")
    assert page.body == {"items": [mine], "nextCursor": None}


def test_an_empty_list_has_no_next_page(aws: Deployment) -> None:
    assert aws.api("GET", "/phone-numbers").body == {"items": [], "nextCursor": None}


def test_a_list_is_filtered_by_status_provider_and_tag_at_once(aws: Deployment) -> None:
    aws.bought(name="a", tags=["sales", "east"])
    aws.bought(name="b", tags=["east"])
    buy(aws, name="c", tags=["sales"])
    assert sorted(listed(aws)) == ["a", "b", "c"]
    assert sorted(listed(aws, tag="east")) == ["a", "b"]
    assert listed(aws, tag="eas") == []
    assert listed(aws, status="inactive") == ["c"]
    assert listed(aws, status="active", tag="sales") == ["a"]
    assert sorted(listed(aws, provider="vapi")) == ["a", "b", "c"]
    assert listed(aws, provider="twilio") == []


@pytest.mark.parametrize("limit", ["1", "2", "7"])
def test_paging_shows_every_number_once_the_newest_first(aws: Deployment, limit: str) -> None:
    made = [buy(aws, name=f"n{position}", tags=["odd"] if position % 2 else []) for position in range(5)]
    for position, number in enumerate(made):
        key = {"PK": f"NUMBER#{number['id']}", "SK": "NUMBER"}
        order = f"{1_785_862_800 + position:010d}#{number['id']}"
        aws.table.update_item(Key=key, UpdateExpression="SET listOrder = :o", ExpressionAttributeValues={":o": order})
    assert listed(aws, limit=limit) == ["n4", "n3", "n2", "n1", "n0"]
    assert listed(aws, limit=limit, tag="odd") == ["n3", "n1"]


def test_a_number_bought_while_paging_moves_no_other(aws: Deployment) -> None:
    for name in ("a", "b", "c"):
        buy(aws, name=name)
    first = aws.api("GET", "/phone-numbers", query={"limit": "1"}).body
    buy(aws, name="late")
    rest = listed(aws, cursor=first["nextCursor"])
    assert sorted([first["items"][0]["name"], *(name for name in rest if name != "late")]) == ["a", "b", "c"]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many", ""])
def test_a_limit_out_of_bounds_is_refused_by_its_name(aws: Deployment, limit: str) -> None:
    refused = aws.api("GET", "/phone-numbers", query={"limit": limit})
    assert (refused.status, [error["path"] for error in refused.body["errors"]]) == (422, ["limit"])


@pytest.mark.parametrize(
    "cursor", ["", "x", "bm9uc2Vuc2U", "ümlaut", "W10", cursor_of("NUMBER#1"), cursor_of("x" * 300), "x" * 501]
)
def test_a_cursor_that_this_list_did_not_give_out_is_refused(aws: Deployment, cursor: str) -> None:
    refused = aws.api("GET", "/phone-numbers", query={"cursor": cursor})
    assert (refused.status, [error["path"] for error in refused.body["errors"]]) == (422, ["cursor"])


@pytest.mark.parametrize("query", [{"status": "asleep"}, {"provider": "acme"}, {"tag": ""}])
def test_a_filter_that_can_find_nothing_is_refused_by_its_name(aws: Deployment, query: dict[str, str]) -> None:
    refused = aws.api("GET", "/phone-numbers", query=query)
    assert (refused.status, [error["path"] for error in refused.body["errors"]]) == (422, list(query))


def test_a_cursor_shows_nobody_elses_numbers(aws: Deployment) -> None:
    for name in ("a", "b"):
        buy(aws, name=name)
    cursor = aws.api("GET", "/phone-numbers", query={"limit": "1"}).body["nextCursor"]
    assert aws.api("GET", "/phone-numbers", "globex", query={"cursor": cursor}).body["items"] == []


ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("PATCH", "", {"name": "Mine now"}),
    ("DELETE", "", None),
    ("PUT", "/assistant", {"id": "11111111-1111-4111-8111-111111111111", "type": "workflow"}),
]


@pytest.mark.parametrize(("method", "below", "body"), ROUTES)
def test_another_businesss_number_does_not_exist(aws: Deployment, method: str, below: str, body: Any) -> None:
    number = buy(aws, "acme", name="Main")
    before = aws.items("NUMBER#")
    theirs = aws.api(method, f"/phone-numbers/{number['id']}{below}", "globex", body=body)
    nobodys = aws.api(method, f"/phone-numbers/{NOBODY}{below}", "globex", body=body)
    assert (theirs.status, nobodys.status) == (404, 404)
    assert theirs.body["detail"].replace(number["id"], NOBODY) == nobodys.body["detail"]
    assert aws.items("NUMBER#") == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        *((method, f"/phone-numbers/{NOBODY}{below}", body) for method, below, body in ROUTES),
        ("GET", "/phone-numbers", None),
        ("POST", "/phone-numbers", {"provider": "vapi"}),
    ],
)
def test_a_client_of_no_business_is_forbidden(aws: Deployment, method: str, path: str, body: Any) -> None:
    refused = aws.api(method, path, "client-nobody", body=body)
    assert (refused.status, refused.body["code"]) == (403, "unknown_client")
    assert (aws.items(), aws.purchases()) == ([], [])


def test_a_client_bound_after_its_first_try_is_let_in(aws: Deployment) -> None:
    assert aws.api("GET", "/phone-numbers", "client-new").status == 403
    bind_client(aws.table, "client-new", "acme")
    assert aws.api("GET", "/phone-numbers", "client-new").status == 200


@pytest.mark.parametrize("name", ["client_id", "azp", "aud"])
def test_the_client_is_named_by_whichever_claim_the_issuer_has(aws: Deployment, name: str) -> None:
    buy(aws, name="Main")
    page = aws.api("GET", "/phone-numbers", claims={name: CLIENTS["acme"]})
    assert [number["name"] for number in page.body["items"]] == ["Main"]


def test_a_business_may_be_named_by_a_claim_of_its_own_issuer(aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUSINESS_CLAIM", "org")
    claims = {"sub": "someone", "org": "initech"}
    made = aws.api("POST", "/phone-numbers", body={"provider": "vapi"}, claims=claims)
    assert (made.status, made.body["business"]) == (201, "initech")
    assert len(aws.api("GET", "/phone-numbers", claims=claims).body["items"]) == 1
    assert aws.api("GET", "/phone-numbers", claims={**claims, "org": "hooli"}).body["items"] == []


@pytest.mark.parametrize("claims", [{"sub": "someone"}, {"sub": "someone", "org": ""}, {"client_id": "client-acme"}])
def test_a_token_without_the_business_claim_is_forbidden(
    aws: Deployment, monkeypatch: pytest.MonkeyPatch, claims: dict[str, str]
) -> None:
    monkeypatch.setenv("BUSINESS_CLAIM", "org")
    refused = aws.api("GET", "/phone-numbers", claims=claims)
    assert (refused.status, refused.body["code"]) == (403, "unknown_client")
