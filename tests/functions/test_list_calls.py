"""GET /phone-numbers/{id}/calls: a number's calls, the newest first, as far as the filters ask for them."""

from collections.abc import Iterator
from typing import Any

import pytest

from switchboard.calls.kinds import Kind
from switchboard.calls.messages import Fact
from switchboard.ledger import look_up
from switchboard.store import keys
from switchboard.store.calls import Calls, calls
from tests.functions.conftest import Deployment
from tests.functions.ringing import CALLER, T, ends, rings
from tests.support.invoking import Answer

OTHER = "+12025550187"
NUMBER = "pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD"


@pytest.fixture
def number(aws: Deployment) -> dict[str, Any]:
    return aws.bought()


def happened(number: dict[str, Any], call_id: str, at: int = T, caller: str | None = CALLER, **facts: Any) -> None:
    """A call that is over, as its report tells of it. at: Unix milliseconds."""
    told = {"createdAt": at, "direction": "inbound", "reason": "customer-busy", **facts}
    if caller is not None:
        told["customer"] = caller
    assert calls().record(number["id"], number["business"], Fact(call_id, Kind.REPORT, at + 5_000, told))


def listed(aws: Deployment, number: dict[str, Any], business: str = "acme", **query: object) -> Answer:
    sent = {name.strip("_"): str(value) for name, value in query.items()}
    return aws.api("GET", f"/phone-numbers/{number['id']}/calls", business, query=sent)


def pages(aws: Deployment, number: dict[str, Any], **query: object) -> Iterator[list[str]]:
    """The ids on each page, to the last."""
    more: dict[str, object] = {}
    while True:
        body = listed(aws, number, **query, **more).body
        yield [call["id"] for call in body["items"]]
        if "nextCursor" not in body or body["nextCursor"] is None:
            return
        more = {"cursor": body["nextCursor"]}


def ids(aws: Deployment, number: dict[str, Any], **query: object) -> list[str]:
    return [call_id for page in pages(aws, number, **query) for call_id in page]


def test_a_call_is_listed_as_it_is_shown_but_for_what_was_said(aws: Deployment, number: dict[str, Any]) -> None:
    rings(aws, number, "c1")
    ends(aws, number, "c1")
    shown = aws.api("GET", f"/phone-numbers/{number['id']}/calls/c1").body
    shown.pop("transcript")
    assert listed(aws, number).body == {"items": [shown], "nextCursor": None}


def test_calls_are_listed_newest_first_page_by_page(aws: Deployment, number: dict[str, Any]) -> None:
    for position in range(7):
        happened(number, f"c{position}", T + position)
    assert list(pages(aws, number, limit=3)) == [["c6", "c5", "c4"], ["c3", "c2", "c1"], ["c0"]]
    assert list(pages(aws, number, limit=7)) == [["c6", "c5", "c4", "c3", "c2", "c1", "c0"]]


def test_calls_of_one_instant_are_each_listed_once(aws: Deployment, number: dict[str, Any]) -> None:
    names = {f"c{position}" for position in range(5)}
    for name in names:
        happened(number, name)
    found = ids(aws, number, limit=2)
    assert (set(found), len(found)) == (names, 5)


def test_from_is_inclusive_and_to_exclusive_and_both_are_seconds_of_when_the_call_came_to_be(
    aws: Deployment, number: dict[str, Any]
) -> None:
    for position, at in enumerate((T - 1, T, T + 999, T + 1000, T + 1999, T + 2000)):
        happened(number, f"c{position}", at)
    assert ids(aws, number, from_=T // 1000, to=T // 1000 + 2) == ["c4", "c3", "c2", "c1"]
    assert ids(aws, number, from_=T // 1000 + 2) == ["c5"]
    assert ids(aws, number, to=T // 1000) == ["c0"]
    assert list(pages(aws, number, from_=T // 1000, to=T // 1000 + 2, limit=2)) == [["c4", "c3"], ["c2", "c1"]]


def test_all_filters_must_hold(aws: Deployment, number: dict[str, Any]) -> None:
    happened(number, "missed-in", T)
    happened(number, "missed-out", T + 1, direction="outbound")
    happened(number, "answered-in", T + 2, reason="customer-ended-call", startedAt=T + 10)
    happened(number, "missed-other", T + 3, OTHER)
    happened(number, "missed-nobody", T + 4, None)
    assert ids(aws, number, direction="outbound") == ["missed-out"]
    assert ids(aws, number, outcome="answered") == ["answered-in"]
    assert ids(aws, number, direction="inbound", outcome="missed") == ["missed-nobody", "missed-other", "missed-in"]
    assert ids(aws, number, caller=CALLER) == ["answered-in", "missed-out", "missed-in"]
    assert ids(aws, number, caller=CALLER, outcome="missed", direction="inbound") == ["missed-in"]
    assert ids(aws, number, caller=CALLER, from_=T // 1000 + 1) == []


def test_a_callers_calls_on_other_numbers_are_not_this_numbers(aws: Deployment, number: dict[str, Any]) -> None:
    beside, strangers = aws.bought(), aws.bought("globex")
    for position in range(6):
        happened((number, beside, strangers)[position % 3], f"c{position}", T + position)
    assert ids(aws, number, caller=CALLER) == ["c3", "c0"]
    assert ids(aws, number, caller=CALLER, limit=1) == ["c3", "c0"]
    assert ids(aws, number) == ["c3", "c0"]


def test_a_sip_caller_with_a_number_counts_as_that_number(aws: Deployment, number: dict[str, Any]) -> None:
    happened(number, "c1", T, f"sip:{CALLER}@example.com")
    assert ids(aws, number, caller=CALLER) == ["c1"]


@pytest.mark.parametrize("by", [{}, {"caller": CALLER}], ids=["by-time", "by-caller"])
def test_a_page_looks_at_a_bounded_number_of_records_and_says_that_there_is_more(
    aws: Deployment, number: dict[str, Any], by: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_up, "MOST_LOOKED_AT", 3)
    for position in range(7):
        happened(number, f"c{position}", T + position, direction="outbound" if position == 1 else "inbound")
    assert list(pages(aws, number, direction="outbound", **by)) == [[], ["c1"], []]


def test_a_test_call_is_marked(aws: Deployment, number: dict[str, Any]) -> None:
    happened(number, "c1", T, test=True)
    assert [call["test"] for call in listed(aws, number).body["items"]] == [True]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"from_": "yesterday"}, "from"),
        ({"from_": -1}, "from"),
        ({"to": 10**10}, "to"),
        ({"from_": 5, "to": 5}, "to"),
        ({"direction": "sideways"}, "direction"),
        ({"outcome": "lost"}, "outcome"),
        ({"caller": "2025550123"}, "caller"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_path(
    aws: Deployment, number: dict[str, Any], query: dict[str, object], path: str
) -> None:
    answer = listed(aws, number, **query)
    assert answer.status == 422
    assert [error["path"] for error in answer.body["errors"]] == [path]


def test_a_cursor_of_another_list_is_refused(aws: Deployment, number: dict[str, Any]) -> None:
    for position in range(2):
        happened(number, f"c{position}", T + position * 1000)
    cursor = listed(aws, number, limit=1).body["nextCursor"]
    for other, query in ((aws.bought(), {}), (number, {"to": T // 1000})):
        answer = listed(aws, other, cursor=cursor, **query)
        assert (answer.status, answer.body["errors"][0]["path"]) == (422, "cursor")


def test_another_businesss_calls_do_not_exist(aws: Deployment, number: dict[str, Any]) -> None:
    answer = listed(aws, number, "globex")
    assert (answer.status, answer.body["code"]) == (404, "number_not_found")


# ---- the indexes' attributes


def stored(aws: Deployment) -> dict[str, Any]:
    return dict(aws.table.get_item(Key=keys.call(NUMBER, "c1"))["Item"])


def test_a_call_is_as_old_as_its_own_birth_whichever_fact_comes_first(aws: Deployment) -> None:
    ledger = calls()
    assert ledger.record(NUMBER, "acme", Fact("c1", Kind.IN_PROGRESS, T + 2_000))
    assert stored(aws)["calledAt"] == T + 2_000
    assert ledger.record(NUMBER, "acme", Fact("c1", Kind.ENDED, T + 9_000))
    assert stored(aws)["calledAt"] == T + 2_000
    assert "callerOf" not in stored(aws)
    assert ledger.record(NUMBER, "acme", Fact("c1", Kind.DECISION, T + 140, {"createdAt": T, "customer": CALLER}))
    assert (stored(aws)["calledAt"], stored(aws)["callerOf"]) == (T, f"acme#{CALLER}")
    assert ledger.record(NUMBER, "acme", Fact("c1", Kind.REPORT, T + 12_000))
    assert (stored(aws)["calledAt"], stored(aws)["callerOf"]) == (T, f"acme#{CALLER}")


def walk(ledger: Calls, **how: Any) -> list[str]:
    return [item["callId"] for item in ledger.by_time(NUMBER, T, T + 10, **how)]


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("at_once", [None, 1, 3])
def test_the_index_by_time_is_walked_both_ways_and_from_any_place(at_once: int | None) -> None:
    ledger = calls()
    for position in range(5):
        assert ledger.record(NUMBER, "acme", Fact(f"c{position}", Kind.REPORT, T, {"createdAt": T + position}))
    assert walk(ledger, at_once=at_once) == ["c0", "c1", "c2", "c3", "c4"]
    assert walk(ledger, at_once=at_once, after=(T + 1, "c1")) == ["c2", "c3", "c4"]
    assert walk(ledger, at_once=at_once, newest_first=True) == ["c4", "c3", "c2", "c1", "c0"]
    assert walk(ledger, at_once=at_once, newest_first=True, after=(T + 1, "c1")) == ["c0"]
    assert list(ledger.by_time(NUMBER, T, T)) == []
