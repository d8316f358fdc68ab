"""A number's life as it is kept: its moves, its versions, its secret, its patches, its id."""

import base64
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from switchboard.errors import InvalidRequest, StatusConflict
from switchboard.model.at_carrier import AtCarrier, Candidate
from switchboard.model.number import (
    COUNTERS,
    MASK,
    READ_ONLY,
    PhoneNumberRequest,
    Status,
    VapiAssistant,
    contradictions,
)
from switchboard.model.record import (
    OWN_SERVER,
    AssistantProfile,
    NumberFacts,
    NumberRecord,
    digest,
    merge_patch,
    number_id,
    webhook_secret,
)
from tests.unit.made import AT, NUMBER, SECRET, active, configurations, requested, shown

LATER = AT + 100
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def in_status(status: Status) -> NumberRecord:
    """A number that its provider holds, in this status."""
    if status == Status.CANCELLED:
        return active().cancelled(AT + 3)
    return active() if status == Status.ACTIVE else active().updated({"status": status}, AT + 3)


def refused(record: NumberRecord, patch: dict[str, Any]) -> list[str]:
    """The paths for which a patch is refused."""
    with pytest.raises(InvalidRequest) as error:
        record.updated(patch, LATER)
    return [found.path for found in error.value.errors]


# ---- status ----

MOVES = {
    ("active", "inactive"),
    ("inactive", "active"),
    ("active", "suspended"),
    ("suspended", "active"),
}


@pytest.mark.parametrize("wanted", Status)
@pytest.mark.parametrize("status", Status)
def test_an_update_moves_the_status_only_as_it_may(status: Status, wanted: Status) -> None:
    record = in_status(status)
    if status == wanted:
        assert record.updated({"status": wanted}, LATER) is record
    elif (status, wanted) in MOVES:
        assert record.updated({"status": wanted}, LATER).number.status == wanted
    else:
        with pytest.raises(StatusConflict):
            record.updated({"status": wanted}, LATER)


@pytest.mark.parametrize("status", Status)
def test_delete_cancels_from_any_status(status: Status) -> None:
    assert in_status(status).cancelled(LATER).number.status == Status.CANCELLED


@pytest.mark.parametrize("wanted", [None, "", "Active", 1, ["active"], {"is": "active"}], ids=repr)
def test_a_status_that_is_none_is_a_wrong_field_and_no_conflict(wanted: Any) -> None:
    assert refused(active(), {"status": wanted}) == ["status"]


@pytest.mark.parametrize("record", [requested(), requested().purchased("vapi-1", AT)], ids=["purchasing", "activating"])
def test_a_number_cannot_be_switched_on_before_its_provider_has_it_ready(record: NumberRecord) -> None:
    with pytest.raises(StatusConflict, match=f"still {record.state}"):
        record.updated({"status": "active"}, LATER)


def test_nothing_of_a_cancelled_number_can_be_changed() -> None:
    gone = active().cancelled(AT + 3)
    for patch in ({"name": "New"}, {"webhookSecret": OTHER_SECRET}):
        with pytest.raises(StatusConflict):
            gone.updated(patch, LATER)
    with pytest.raises(StatusConflict):
        gone.assigned(VapiAssistant(id="a"), AssistantProfile(), LATER)


# ---- life ----


def test_a_purchase_begins_inactive_and_unknown_to_the_provider() -> None:
    record = requested(name="Main", areaCode="415")
    number = record.number
    assert (number.status, record.state, record.vapi_id, number.phone_number) == ("inactive", "purchasing", None, None)
    assert (number.purchase_date, number.activation_date) == (None, None)
    assert (number.name, number.area_code, number.business) == ("Main", "415", "acme")
    assert (number.created, number.updated, number.version, record.revision) == (AT, AT, 1, 1)
    assert record.unfinished


def test_a_purchase_that_contradicts_itself_is_refused_before_anything_is_bought() -> None:
    with pytest.raises(InvalidRequest) as error:
        requested(forwardingEnabled=True, callerIdName="ACME")
    assert [found.path for found in error.value.errors] == ["callerIdName", "forwardingEnabled"]


def test_a_purchased_number_has_its_date_and_waits_to_be_activated() -> None:
    record = requested().purchased("vapi-1", AT + 5)
    assert (record.state, record.vapi_id, record.number.purchase_date) == ("activating", "vapi-1", AT + 5)
    assert record.number.provisioning.since == AT + 5
    assert record.number.status == "inactive"
    assert record.unfinished


def test_an_activated_number_has_its_e164_and_its_facts_and_nothing_left_to_do() -> None:
    facts = NumberFacts(type="local", country="US", region="CA")
    record = requested(areaCode="628").purchased("vapi-1", AT).activated(NUMBER, facts, AT + 9)
    number = record.number
    assert (number.status, record.state, number.activation_date) == ("active", "ready", AT + 9)
    assert (number.phone_number, number.type, number.country, number.region) == (NUMBER, "local", "US", "CA")
    assert number.area_code == "628", "what is not known does not erase what was asked for"
    assert not record.unfinished


def test_the_first_activation_stays_the_activation_date() -> None:
    again = active().activated(NUMBER, NumberFacts(), LATER)
    assert again.number.activation_date == AT + 2


def test_a_failed_purchase_ends_cancelled_and_says_why() -> None:
    record = requested().failed("purchase_refused", "No numbers in 415.", LATER)
    error = record.number.provisioning.error
    assert (record.number.status, record.state) == ("cancelled", "failed")
    assert error is not None
    assert (error.code, error.detail) == ("purchase_refused", "No numbers in 415.")
    assert not record.unfinished


def test_a_cancelled_number_is_released_and_stays_so() -> None:
    cancelled = active().cancelled(LATER)
    released = cancelled.released(LATER + 1)
    assert (cancelled.number.status, cancelled.state, cancelled.unfinished) == ("cancelled", "releasing", True)
    assert (released.number.status, released.state, released.unfinished) == ("cancelled", "released", False)
    assert released.cancelled(LATER + 2) is released


def test_a_number_deleted_while_it_is_bought_is_looked_up_and_then_released() -> None:
    cancelled = requested().cancelled(AT + 1)
    assert (cancelled.number.status, cancelled.state) == ("cancelled", "purchasing")
    assert cancelled.number.provisioning.since == AT, "the purchase's own clock runs on"
    assert cancelled.purchased("vapi-1", AT + 2).state == "releasing"


ENDS = [
    pytest.param(lambda record: record.failed("purchase_refused", "no", LATER), id="the purchase fails"),
    pytest.param(
        lambda record: record.cancelled(LATER).failed("purchase_refused", "no", LATER), id="it is deleted first"
    ),
    pytest.param(
        lambda record: record.cancelled(LATER).purchased("vapi-1", LATER).released(LATER), id="it is bought after all"
    ),
    pytest.param(
        lambda record: record.purchased("vapi-1", LATER).failed("gone_at_provider", "gone", LATER), id="it goes away"
    ),
    pytest.param(
        lambda record: record.purchased("vapi-1", LATER).cancelled(LATER).released(LATER),
        id="it is bought and released",
    ),
]


@pytest.mark.parametrize("end", ENDS)
def test_a_number_that_is_gone_needs_nothing_more_though_it_was_renamed_while_being_bought(end: Any) -> None:
    renamed = requested().updated({"name": "New"}, AT + 1)
    assert renamed.out_of_step
    assert not end(renamed).unfinished


OUT_OF_STEP = {
    "name": {"name": "New"},
    "fallback": {"forwardingNumber": "+442071838750"},
    "status": {"status": "suspended"},
}


@pytest.mark.parametrize("patch", OUT_OF_STEP.values(), ids=OUT_OF_STEP)
def test_a_change_of_what_vapi_holds_has_to_be_brought_there(patch: dict[str, Any]) -> None:
    changed = active().updated(patch, LATER)
    assert (changed.out_of_step, changed.unfinished) == (True, True)
    done = changed.in_step()
    assert (done.out_of_step, done.unfinished) == (False, False)
    assert (done.number.version, done.revision) == (changed.number.version, changed.revision + 1)


def test_a_change_that_vapi_does_not_hold_leaves_it_as_far_as_it_was() -> None:
    assert not active().updated({"spamFilter": True, "tags": ["a"]}, LATER).unfinished
    assert active().updated({"name": "New"}, LATER).updated({"spamFilter": True}, LATER).unfinished


def test_vapi_can_be_told_once_more() -> None:
    again = active().to_be_told()
    assert (again.unfinished, again.number, again.revision) == (True, active().number, active().revision + 1)


def test_vapi_falls_back_to_the_forwarding_number_only_while_the_number_is_active() -> None:
    record = active(forwardingNumber="+442071838750")
    assert record.fallback == "+442071838750"
    for status in ("inactive", "suspended"):
        assert record.updated({"status": status}, LATER).fallback is None
    assert record.cancelled(LATER).fallback is None


# ---- versions ----

LIFE = [
    pytest.param(lambda record: record.purchased("vapi-2", LATER), id="purchased"),
    pytest.param(lambda record: record.activated(NUMBER, NumberFacts(), LATER), id="activated"),
    pytest.param(lambda record: record.failed("code", "detail", LATER), id="failed"),
    pytest.param(lambda record: record.cancelled(LATER), id="cancelled"),
    pytest.param(lambda record: record.released(LATER), id="released"),
    pytest.param(lambda record: record.assigned(VapiAssistant(id="a"), None, LATER), id="assigned"),
    pytest.param(lambda record: record.updated({"name": "New"}, LATER), id="updated"),
    pytest.param(lambda record: record.updated({"webhookSecret": OTHER_SECRET}, LATER), id="given a secret"),
]


@pytest.mark.parametrize("move", LIFE)
def test_every_move_makes_a_new_record_with_the_next_version_and_revision(move: Any) -> None:
    record = active()
    before = record.model_dump_json()
    moved = move(record)
    assert moved.number.version == record.number.version + 1
    assert moved.revision == record.revision + 1
    assert moved.number.updated == LATER
    assert moved.number.created == AT
    assert record.model_dump_json() == before


# ---- the assistant ----


def test_the_same_assistant_again_is_no_change() -> None:
    assistant, profile = VapiAssistant(id="a"), AssistantProfile(metadata={"tier": "gold"})
    assigned = active().assigned(assistant, profile, LATER)
    assert assigned.assigned(assistant, profile, LATER + 1) is assigned
    assert assigned.assigned(assistant, AssistantProfile(), LATER + 1).profile == AssistantProfile()


def test_the_owner_is_warned_of_an_assistant_with_a_server_of_its_own() -> None:
    record = active().assigned(VapiAssistant(id="a"), AssistantProfile(own_server=True), LATER)
    assert record.shown().warnings == [OWN_SERVER]
    assert active().shown().warnings == []


# ---- the webhook secret ----


def test_a_number_that_posts_events_gets_a_secret_which_one_answer_tells() -> None:
    record = requested(webhookUrl="https://example.com/hook")
    assert record.shown(told_secret=True).webhook_secret == SECRET
    assert record.shown().webhook_secret == MASK


def test_a_number_that_posts_nothing_has_no_secret() -> None:
    assert requested().shown(told_secret=True).webhook_secret is None


def test_a_secret_of_the_callers_own_is_taken() -> None:
    assert requested(webhookSecret=OTHER_SECRET).webhook_secret == OTHER_SECRET


def test_a_mask_copied_from_another_number_is_never_a_secret() -> None:
    assert requested(webhookSecret=MASK).webhook_secret is None
    assert requested(webhookSecret=MASK, webhookUrl="https://example.com/hook").webhook_secret == SECRET


def test_a_new_secret_keeps_the_one_before_it_alive() -> None:
    rotated = active(webhookSecret=SECRET).updated({"webhookSecret": OTHER_SECRET}, LATER)
    assert (rotated.webhook_secret, rotated.previous_webhook_secret) == (OTHER_SECRET, SECRET)


@pytest.mark.parametrize("secret", [MASK, SECRET, None], ids=["masked", "the same", "null"])
def test_a_secret_that_is_not_new_changes_nothing(secret: str | None) -> None:
    record = active(webhookSecret=SECRET)
    assert record.updated({"webhookSecret": secret}, LATER) is record


def test_the_kept_number_itself_never_holds_the_secret() -> None:
    for record in (requested(webhookSecret=SECRET), active().updated({"webhookSecret": SECRET}, LATER)):
        assert SECRET not in record.number.model_dump_json()


def test_a_number_that_begins_to_post_events_gets_a_secret_once() -> None:
    record = active().updated({"webhookUrl": "https://example.com/hook"}, LATER).with_webhook_secret(SECRET)
    assert record.webhook_secret == SECRET
    assert record.with_webhook_secret(OTHER_SECRET).webhook_secret == SECRET
    assert active().with_webhook_secret(SECRET).webhook_secret is None


@given(st.binary(min_size=24, max_size=24))
def test_a_made_secret_is_one_of_standard_webhooks_and_of_the_model(entropy: bytes) -> None:
    secret = webhook_secret(entropy)
    assert base64.b64decode(secret.removeprefix("whsec_")) == entropy
    assert PhoneNumberRequest.model_validate({"provider": "vapi", "webhookSecret": secret}).webhook_secret == secret


# ---- updates ----


@given(configurations())
def test_a_number_sent_back_as_it_was_shown_is_no_change(wanted: dict[str, Any]) -> None:
    record = active(**wanted)
    assert record.updated(shown(record), LATER) is record


@given(configurations(), configurations())
def test_an_update_sets_what_it_names_and_leaves_the_rest(before: dict[str, Any], patch: dict[str, Any]) -> None:
    patch = {name: value for name, value in patch.items() if not isinstance(value, dict | list)}
    record = active(**before)
    try:
        after = shown(record.updated(patch, LATER))
    except InvalidRequest:
        return  # the two contradict each other
    kept = {name: value for name, value in shown(record).items() if name not in {*patch, "updated", "version"}}
    assert kept.items() <= after.items()
    for name in patch.keys() - {"webhookSecret"}:
        assert after[name] == patch[name]


def test_null_takes_a_value_away_and_gives_the_default_back() -> None:
    record = active(name="Main", maxConcurrentCalls=5, inboundSettings={"spamThreshold": 90, "allowListOnly": True})
    patch = {"name": None, "maxConcurrentCalls": None, "inboundSettings": {"spamThreshold": None}}
    number = record.updated(patch, LATER).number
    assert (number.name, number.max_concurrent_calls) == (None, None)
    assert (number.inbound_settings.spam_threshold, number.inbound_settings.allow_list_only) == (70, True)


def test_an_object_is_merged_and_a_list_replaced() -> None:
    record = active(tags=["a", "b"], metadata={"kept": 1, "changed": 1, "gone": 1})
    number = record.updated({"tags": ["c"], "metadata": {"changed": 2, "gone": None, "new": {"x": [1]}}}, LATER).number
    assert number.tags == ["c"]
    assert number.metadata == {"kept": 1, "changed": 2, "new": {"x": [1]}}


@pytest.mark.parametrize("name", sorted(READ_ONLY - COUNTERS))
def test_a_read_only_value_is_accepted_unchanged_and_refused_when_it_differs(name: str) -> None:
    record = active()
    assert record.updated({name: shown(record)[name]}, LATER) is record
    assert refused(record, {name: "something else"}) == [name]


@pytest.mark.parametrize("name", sorted(COUNTERS))
def test_a_counter_in_an_update_is_ignored(name: str) -> None:
    record = active()
    assert record.updated({name: 123_456}, LATER) is record


def test_the_version_of_a_representation_that_is_out_of_date_is_refused() -> None:
    earlier = shown(active())
    assert refused(active().updated({"name": "New"}, AT + 3), earlier) == ["updated", "version"]


@pytest.mark.parametrize("name", ["colour", "spam_filter", "vapiId", "serverUrl", "revision"])
def test_a_field_that_nobody_knows_is_refused(name: str) -> None:
    assert refused(active(), {name: True}) == [name]


def test_all_that_is_refused_is_told_at_once() -> None:
    assert refused(active(), {"colour": 1, "id": "pn_2", "phoneNumber": None}) == ["colour", "id", "phoneNumber"]


def test_a_patch_is_held_against_what_the_number_becomes() -> None:
    assert refused(active(), {"forwardingEnabled": True}) == ["forwardingEnabled"]
    assert refused(active(), {"forwardingNumber": NUMBER}) == ["forwardingNumber"]
    record = active(forwardingEnabled=True, forwardingNumber="+442071838750")
    assert refused(record, {"forwardingNumber": None}) == ["forwardingEnabled"]


def test_a_patch_that_does_not_fit_the_model_is_refused_by_its_path() -> None:
    with pytest.raises(ValidationError) as error:
        active().updated({"inboundSettings": {"spamThreshold": 0}}, LATER)
    assert [detail["loc"] for detail in error.value.errors()] == [("inboundSettings", "spamThreshold")]


def test_counters_are_shown_beside_the_configuration() -> None:
    number = active().shown(counters={"total_calls": 7, "total_minutes": 1.5})
    assert (number.total_calls, number.total_minutes) == (7, 1.5)


RFC_7396 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7396, ids=[json.dumps(row[1]) for row in RFC_7396])
def test_a_merge_patch_does_what_rfc_7396_shows(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


# ---- ids and idempotency ----

keys = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(keys, st.none() | keys, st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_an_id_is_pn_and_a_ulid(business: str, key: str | None, at_ms: int, entropy: bytes) -> None:
    made = number_id("here", business, key, at_ms, entropy)
    assert made.startswith("pn_")
    assert len(made) == 29
    assert set(made.removeprefix("pn_")) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


@given(keys, keys, st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_a_key_names_the_same_number_at_any_time(business: str, key: str, at_ms: int, entropy: bytes) -> None:
    assert number_id("here", business, key, at_ms, entropy) == number_id("here", business, key, 0, bytes(10))


@given(keys, st.lists(keys, min_size=2, max_size=2, unique=True))
def test_another_business_or_another_key_names_another_number(same: str, others: list[str]) -> None:
    one, other = others
    assert number_id("here", one, same, 0, bytes(10)) != number_id("here", other, same, 0, bytes(10))
    assert number_id("here", same, one, 0, bytes(10)) != number_id("here", same, other, 0, bytes(10))


@given(keys, keys, st.lists(keys, min_size=2, max_size=2, unique=True))
def test_another_deployment_names_another_number(business: str, key: str, deployments: list[str]) -> None:
    one, other = (number_id(deployment, business, key, 0, bytes(10)) for deployment in deployments)
    assert one != other


def test_a_business_and_its_key_are_not_run_together() -> None:
    assert number_id("here", "ab", "c", 0, bytes(10)) != number_id("here", "a", "bc", 0, bytes(10))


def test_without_a_key_every_request_names_a_number_of_its_own() -> None:
    assert number_id("here", "acme", None, AT, bytes(10)) != number_id("here", "acme", None, AT, bytes(9) + b"\1")


def test_ids_without_a_key_sort_by_their_time() -> None:
    ids = [number_id("here", "acme", None, AT * 1000 + step, bytes(10)) for step in (0, 1, 1000, 10**9)]
    assert ids == sorted(ids)


def test_a_key_is_held_against_what_was_asked_and_not_how_it_was_written() -> None:
    def of(text: str) -> str:
        return digest(PhoneNumberRequest.model_validate_json(text))

    asked = of('{"provider":"vapi","areaCode":"415","metadata":{"a":1,"b":2}}')
    assert asked == of('{"metadata":{"b":2,"a":1},"areaCode":" 415","provider":"vapi","direction":"both"}')
    assert asked != of('{"provider":"vapi","areaCode":"628","metadata":{"a":1,"b":2}}')
    assert asked != of('{"provider":"vapi","areaCode":"415","metadata":{"a":1,"b":3}}')


# ---- at a carrier ----

OFFERED = [
    Candidate(number=f"+1415555010{line}", country="US", city="San Francisco", region="CA", monthly_fee=fee)
    for line, fee in enumerate((Decimal(115), Decimal(200), None))
]
FACTS = NumberFacts(type="local", country="US", region="California", area_code="415")


def intended(**at_carrier: Any) -> NumberRecord:
    """The intent to buy one of three numbers of a carrier."""
    wanted = requested(provider="bandwidth", callerIdName="ACME")
    carrier = AtCarrier(candidates=OFFERED, **at_carrier)
    return wanted.model_copy(update={"carrier": carrier, "committed": carrier.dearest})


def in_service() -> NumberRecord:
    """The first of them, bought, imported and active."""
    asking = intended().noted(asked_since=AT, asked_last=AT, asker="me")
    return asking.bought("order-1", FACTS, AT + 1).imported("vapi-1", AT + 2).activated(NUMBER, FACTS, AT + 3)


def test_an_intent_bears_its_dearest_candidate_until_it_is_known_which_it_is() -> None:
    intent = intended()
    assert (intent.committed, intent.noted(asked_since=AT).bought(None, FACTS, AT).committed) == (200, 115)
    assert intended(is_added=True).bought(None, FACTS, AT).committed == 0


def test_an_e164_is_claimed_while_it_is_asked_for_and_as_long_as_it_is_had() -> None:
    intent = intended()
    asking = intent.noted(asked_since=AT)
    assert (intent.claimed, asking.claimed) == (None, "+14155550100")
    passed_over = asking.not_available()
    assert (passed_over.claimed, passed_over.noted(asked_since=AT).claimed) == (None, "+14155550101")
    assert in_service().claimed == NUMBER


def test_the_last_candidate_that_is_passed_over_leaves_none() -> None:
    left = intended().not_available().not_available().not_available()
    assert left.carrier is not None
    assert (left.carrier.tried, left.carrier.dearest) == (None, 0)


def test_what_is_noted_of_the_carrier_is_a_write_of_which_the_owner_sees_nothing() -> None:
    intent = intended()
    noted = intent.noted(order="order-1")
    assert (noted.revision, shown(noted)) == (intent.revision + 1, shown(intent))


def test_a_number_is_what_its_carrier_told_and_its_digits_fill_the_rest() -> None:
    number = in_service().number
    assert (number.region, number.city, number.area_code, number.type) == ("CA", "San Francisco", "415", "local")
    assert (number.monthly_fee, number.setup_fee, number.purchase_date) == (115, None, AT + 1)


def test_the_carrier_is_told_the_caller_id_name_once_the_number_is_in_service() -> None:
    assert in_service().unfinished
    assert not in_service().in_step().unfinished


def test_a_number_that_is_imported_anew_keeps_its_status_and_is_told_to_vapi_again() -> None:
    suspended = in_service().in_step().updated({"status": "suspended"}, AT + 4).in_step()
    anew = suspended.lost_at_vapi(AT + 5)
    assert (anew.state, anew.vapi_id, anew.unfinished) == ("importing", None, True)
    back = anew.imported("vapi-2", AT + 6).activated(NUMBER, FACTS, AT + 7)
    assert (back.number.status, back.number.activation_date, back.out_of_step) == ("suspended", AT + 3, True)


@pytest.mark.parametrize("state", ["purchasing", "importing"])
def test_a_number_that_is_deleted_while_it_is_bought_goes_back_when_that_is_settled(state: str) -> None:
    asking = intended().noted(asked_since=AT)
    if state == "purchasing":
        after = asking.cancelled(AT + 1).bought(None, FACTS, AT + 2)
    else:
        after = asking.bought(None, FACTS, AT + 1).cancelled(AT + 2).imported("vapi-1", AT + 3)
    assert (after.number.status, after.state, after.unfinished) == (Status.CANCELLED, "releasing", True)
    assert (after.given_back(AT + 4).state, after.given_back(AT + 4).committed) == ("released", 0)


def test_a_number_that_vapi_refuses_fails_with_the_reason_once_its_carrier_has_it_back() -> None:
    undoing = intended().noted(asked_since=AT).bought(None, FACTS, AT).not_imported("import_refused", "No.", AT + 1)
    assert (undoing.number.status, undoing.state, undoing.committed) == (Status.CANCELLED, "undoing", 115)
    failed = undoing.given_back(AT + 2)
    assert (failed.state, failed.committed, failed.unfinished) == ("failed", 0, False)
    assert failed.number.provisioning.error is not None
    assert failed.number.provisioning.error.code == "import_refused"


def test_a_provider_that_fails_is_asked_again_ever_later_at_most_hourly_until_it_answers() -> None:
    record, waits = intended(), []
    for _ in range(9):
        record = record.delayed(AT)
        waits.append((record.retry_at or 0) - AT)
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert not record.is_due(AT + 3599)
    assert record.is_due(AT + 3600)
    assert record.answered().is_due(AT)


@pytest.mark.parametrize(("asked", "waited"), [(0, 60), (30, 60), (600, 600), (10**9, 86_400)])
def test_a_provider_that_asks_to_wait_is_given_the_time_up_to_a_day(asked: int, waited: int) -> None:
    assert intended().delayed(AT, asked).retry_at == AT + waited


def test_force_is_remembered_and_makes_one_write() -> None:
    cancelled = in_service().cancelled(AT + 4)
    forced = cancelled.cancelled(AT + 5, force=True)
    assert (cancelled.is_forced, forced.is_forced, forced.revision) == (False, True, cancelled.revision + 1)
    assert forced.cancelled(AT + 6) is forced
    assert forced.cancelled(AT + 6, force=True) is forced


@pytest.mark.parametrize(("phone_number", "paths"), [(NUMBER, []), ("+442079460100", ["callerIdName"])])
def test_only_numbers_of_north_america_have_a_caller_id_name(phone_number: str, paths: list[str]) -> None:
    configuration = requested(provider="bandwidth", callerIdName="ACME").number
    assert [error.path for error in contradictions(configuration, "bandwidth", phone_number)] == paths
