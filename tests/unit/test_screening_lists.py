"""The lists of callers, without a table: what a block makes, what a record shows, what one update may replace."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from switchboard.errors import InvalidRequest, StatusConflict
from switchboard.model.record import NumberRecord
from switchboard.model.screening import BlockRequest, Lists, listed, too_many_at_once
from switchboard.routing.number import number_from_item
from switchboard.routing.screening import Entry
from switchboard.store.numbers import _item, _record
from tests.unit.made import AT, active, configurations

CALLER = "+12025550123"
LATER = AT + 100


def asked(pattern: str = CALLER, **more: Any) -> BlockRequest:
    return BlockRequest.model_validate({"phoneNumber": pattern, **more})


def callers(many: int, country: str = "1") -> list[str]:
    return [f"+{country}202555{line:04d}" for line in range(many)]


def with_exact(record: NumberRecord, *blocked: str) -> NumberRecord:
    return record.with_lists(Lists(blocked=blocked, blocked_count=len(blocked)), LATER)


def test_an_entry_keeps_its_time_until_it_has_lapsed() -> None:
    first = listed(asked(expiresAt=AT + 60), None, AT + 0.5)
    assert first.added_at == AT * 1000 + 500
    assert listed(asked(reason="more"), first, AT + 59).added_at == first.added_at
    assert listed(asked(), first, AT + 60).added_at == (AT + 60) * 1000


@pytest.mark.parametrize(("expires_at", "paths"), [(LATER - 1, ["expiresAt"]), (LATER, ["expiresAt"]), (LATER + 1, [])])
def test_a_block_has_to_expire_in_the_future(expires_at: int, paths: list[str]) -> None:
    assert [error.path for error in asked(expiresAt=expires_at).unfit(LATER)] == paths


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        ([], callers(90), []),
        ([], [*callers(90), "+1900*"], []),
        ([], callers(91), ["blockedNumbers"]),
        (callers(90), [], []),
        (callers(45), callers(45, "44"), []),
        (callers(46), callers(45, "44"), ["blockedNumbers"]),
        (callers(91), callers(91), []),
        (callers(91), callers(90), ["blockedNumbers"]),
    ],
)
def test_an_update_changes_90_callers_of_a_list_of_at_most_90(
    before: list[str], after: list[str], refused: list[str]
) -> None:
    assert [error.path for error in too_many_at_once((before, after), ((), ()))] == refused


def test_both_lists_together_change_90_at_most() -> None:
    assert [error.path for error in too_many_at_once(((), callers(45)), ((), callers(46)))] == ["blockedNumbers"]
    assert not list(too_many_at_once(((), callers(45)), ((), callers(45))))


def test_a_91st_prefix_is_refused_unless_another_has_lapsed() -> None:
    record = active()
    for line in range(90):
        record = record.blocking(asked(f"+1{line + 100}*", expiresAt=LATER + line), AT)
    with pytest.raises(InvalidRequest) as error:
        record.blocking(asked("+44*"), AT)
    assert [found.path for found in error.value.errors] == ["phoneNumber"]
    assert record.blocking(asked("+1100*", reason="known"), AT).number.version == record.number.version + 1
    later = record.blocking(asked("+44*"), LATER)
    assert [entry.pattern for entry in later.blocked_prefixes][-1] == "+44*"
    assert len(later.blocked_prefixes) == 90


def test_a_prefix_that_says_nothing_new_is_no_change() -> None:
    record = active().blocking(asked("+1900*", reason="premium"), AT)
    assert record.blocking(asked("+1900*", reason="premium"), LATER) is record
    assert record.unblocking("+44*", LATER) is record
    assert record.unblocking("+1900*", LATER).blocked_prefixes == []


def test_no_prefix_of_a_cancelled_number_can_be_changed() -> None:
    gone = active(blockedNumbers=["+1900*"]).cancelled(LATER)
    with pytest.raises(StatusConflict):
        gone.blocking(asked("+44*"), LATER)
    with pytest.raises(StatusConflict):
        gone.unblocking("+1900*", LATER)


def test_a_record_shows_live_prefixes_before_its_callers() -> None:
    record = active().blocking(asked("+44*"), AT).blocking(asked("+1900*", expiresAt=LATER), AT)
    shown = with_exact(record, CALLER).shown()
    assert (shown.blocked_numbers, shown.blocked_numbers_count) == (["+44*", CALLER], 2)


def test_an_update_of_something_else_leaves_lists_of_any_length() -> None:
    record = with_exact(active(), *callers(1000))
    assert record.updated({"name": "New"}, LATER).number.blocked_numbers == record.number.blocked_numbers
    whole = json.loads(record.shown().model_dump_json(by_alias=True))
    assert record.updated(whole, LATER) is record
    assert record.updated({"blockedNumbers": list(reversed(callers(1000)))}, LATER) is record


@pytest.mark.parametrize("wrong", ["+1900*", {"a": 1}, [1], [None], 7], ids=repr)
def test_what_is_no_list_of_numbers_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="blockedNumbers"):
        active().updated({"blockedNumbers": wrong}, LATER)


def test_the_number_itself_keeps_prefixes_and_no_caller() -> None:
    record = active(blockedNumbers=[CALLER, "+1900*"], allowedNumbers=[CALLER, "+44*"])
    assert CALLER not in json.dumps(_item(record), default=str)
    kept = _record(_item(record))
    assert (kept.number.blocked_numbers, kept.number.allowed_numbers) == (["+1900*"], ["+44*"])


@given(configurations())
def test_what_is_kept_is_read_as_it_was_written(wanted: dict[str, Any]) -> None:
    kept = _record(_item(active(**wanted)))
    assert _record(_item(kept)) == kept


def test_the_decision_reads_prefixes_with_reason_and_expiry() -> None:
    record = active(allowedNumbers=["+44*"]).blocking(asked("+1900*", reason="premium", expiresAt=LATER), AT)
    item = _item(record)
    item["blockedPrefixes"][0]["expiresAt"] = Decimal(LATER)
    number = number_from_item(item)
    assert (number.blocked, number.allowed) == ((Entry("+1900*", LATER, "premium"),), (Entry("+44*"),))
    assert isinstance(number.blocked[0].expires_at, int)
