"""Rules that can never be reached: what is refused, and that it is refused rightly."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from switchboard.model.number import NumberConfiguration, contradictions
from switchboard.model.rules import RoutingRule
from switchboard.model.shadowing import shadowed
from switchboard.routing.rules import Asker, compile_rules, matches
from tests.unit import made
from tests.unit.made import AT, NUMBER

CALLER = "+12025550123"
OTHER = "+442071838750"
OPEN = {
    "timezone": "UTC",
    "openingHoursSpecification": [{"dayOfWeek": ["Tuesday"], "opens": "09:00", "closes": "20:00"}],
}
NEVER = {"timezone": "UTC", "openingHoursSpecification": []}


def window(*days: str, opens: str = "09:00", closes: str = "20:00") -> dict[str, Any]:
    return {"dayOfWeek": [*days], "opens": opens, "closes": closes}


def closed(name: str, first: str, last: str) -> dict[str, Any]:
    return {"name": name, "validFrom": first, "validThrough": last}


WEEK: dict[str, Any] = {
    "timezone": "UTC",
    "openingHoursSpecification": [window("Monday", "Tuesday")],
    "specialOpeningHoursSpecification": [
        closed("Founders", "2026-08-04", "2026-08-04"),
        closed("Summer", "2026-09-01", "2026-09-09"),
    ],
}
SAID_OTHERWISE: dict[str, Any] = {
    "days in another order": {"openingHoursSpecification": [window("Tuesday", "Monday")]},
    "a day named twice": {"openingHoursSpecification": [window("Tuesday", "Monday", "Tuesday")]},
    "day by day": {"openingHoursSpecification": [window("Tuesday"), window("Monday")]},
    "in two halves": {
        "openingHoursSpecification": [
            window("Monday", "Tuesday", opens="12:00"),
            window("Monday", "Tuesday", closes="12:00"),
        ]
    },
    "special days in another order": {
        "specialOpeningHoursSpecification": WEEK["specialOpeningHoursSpecification"][::-1]
    },
    "special days called otherwise": {
        "specialOpeningHoursSpecification": [
            closed("Founders' day", "2026-08-04", "2026-08-04"),
            closed("Holidays", "2026-09-01", "2026-09-09"),
        ]
    },
}

IMPLIED: list[Any] = [
    pytest.param({}, {}, id="two rules without conditions"),
    pytest.param({"callerNumbers": [CALLER]}, {}, id="any condition after none"),
    pytest.param({"callerNumbers": [CALLER]}, {"callerNumbers": [OTHER, CALLER]}, id="a number among several"),
    pytest.param({"callerNumbers": [CALLER]}, {"callerPrefixes": ["+1"]}, id="a number with a prefix"),
    pytest.param({"callerPrefixes": ["+1202"]}, {"callerPrefixes": ["+44", "+1"]}, id="a prefix of a prefix"),
    pytest.param(
        {"callerNumbers": [CALLER, OTHER], "callerPrefixes": ["+44"]},
        {"callerNumbers": [OTHER]},
        id="of the numbers those with the prefix",
    ),
    pytest.param({"callerCountries": ["US"]}, {"callerCountries": ["GB", "US"]}, id="a country among several"),
    pytest.param({"anonymous": True}, {"anonymous": True}, id="the anonymous"),
    pytest.param({"callerNumbers": [CALLER]}, {"anonymous": False}, id="a number is not anonymous"),
    pytest.param({"callerPrefixes": ["+1"]}, {"anonymous": False}, id="nor is a prefix"),
    pytest.param({"callerCountries": ["US"]}, {"anonymous": False}, id="a country is known by a number"),
    pytest.param({"hours": "closed"}, {"hours": "closed"}, id="the same hours"),
    pytest.param({"schedule": OPEN, "share": 5}, {"schedule": OPEN}, id="the same schedule"),
    *(
        pytest.param({"schedule": {**WEEK, **said}}, {"schedule": WEEK}, id=f"the same schedule, {otherwise}")
        for otherwise, said in SAID_OTHERWISE.items()
    ),
    pytest.param({"share": 5}, {"share": 100}, id="a share of all"),
]
NOT_IMPLIED: list[Any] = [
    pytest.param({}, {"callerNumbers": [CALLER]}, id="everybody after one number"),
    pytest.param({"callerNumbers": [CALLER, OTHER]}, {"callerNumbers": [CALLER]}, id="more numbers"),
    pytest.param({"callerNumbers": [CALLER, OTHER]}, {"callerPrefixes": ["+1"]}, id="a number without the prefix"),
    pytest.param({"callerPrefixes": ["+1"]}, {"callerPrefixes": ["+1202"]}, id="a wider prefix"),
    pytest.param({"callerPrefixes": ["+1"]}, {"callerNumbers": [CALLER]}, id="a prefix after a number"),
    pytest.param({"callerCountries": ["GB", "US"]}, {"callerCountries": ["US"]}, id="more countries"),
    pytest.param({"callerPrefixes": ["+1"]}, {"callerCountries": ["US", "CA"]}, id="a prefix is no country"),
    pytest.param({}, {"anonymous": False}, id="everybody after all with a number"),
    pytest.param({"anonymous": False}, {"anonymous": True}, id="the others after the anonymous"),
    pytest.param({"hours": "open"}, {"hours": "closed"}, id="other hours"),
    pytest.param({"hours": "open"}, {"schedule": OPEN}, id="hours after a schedule"),
    pytest.param({"schedule": OPEN}, {"schedule": NEVER}, id="another schedule"),
    pytest.param({"schedule": {**WEEK, "timezone": "Europe/London"}}, {"schedule": WEEK}, id="another zone"),
    pytest.param(
        {"schedule": {**WEEK, "specialOpeningHoursSpecification": []}}, {"schedule": WEEK}, id="no special day"
    ),
    pytest.param({"share": 50}, {"share": 50}, id="the same share of other callers"),
    pytest.param({}, {"share": 99}, id="everybody after nearly all"),
]


def in_turn(*whens: dict[str, Any]) -> list[RoutingRule]:
    return [RoutingRule.model_validate(rule(f"r{turn}", turn, **when)) for turn, when in enumerate(whens)]


@pytest.mark.parametrize(("narrow", "wide"), IMPLIED)
def test_a_rule_is_shadowed_by_one_that_holds_whenever_it_does(narrow: Any, wide: Any) -> None:
    assert list(shadowed(in_turn(wide, narrow))) == [(1, in_turn(wide, narrow)[0])]


@pytest.mark.parametrize(("narrow", "wide"), NOT_IMPLIED)
def test_a_rule_is_not_shadowed_by_one_that_leaves_it_a_call(narrow: Any, wide: Any) -> None:
    assert list(shadowed(in_turn(wide, narrow))) == []


def rule(name: str, priority: int, *, enabled: bool = True, **when: Any) -> dict[str, Any]:
    return {"id": name, "priority": priority, "enabled": enabled, "when": when, "then": {"action": "reject"}}


def refusals(*rules: dict[str, Any]) -> list[tuple[str, str]]:
    configuration = NumberConfiguration.model_validate({"callRoutingRules": rules})
    return [(error.path, error.message) for error in contradictions(configuration, "vapi", NUMBER)]


def test_the_refusal_names_both_rules_and_the_place_of_the_one_that_is_never_reached() -> None:
    ((path, message),) = refusals(rule("late", 9, callerNumbers=[CALLER]), rule("early", 1, callerPrefixes=["+1"]))
    assert path == "callRoutingRules.0"
    assert "late" in message
    assert "early" in message


def test_a_rule_that_is_switched_off_neither_shadows_nor_is_shadowed() -> None:
    assert refusals(rule("off", 1, enabled=False), rule("on", 2)) == []
    assert refusals(rule("on", 1), rule("off", 2, enabled=False)) == []


@pytest.mark.parametrize(
    "when",
    [
        {"anonymous": True, "callerNumbers": [CALLER]},
        {"anonymous": True, "callerPrefixes": ["+1"]},
        {"anonymous": True, "callerCountries": ["US"]},
        {"callerNumbers": [CALLER], "callerPrefixes": ["+44"]},
    ],
)
def test_conditions_that_never_hold_together_are_refused(when: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        NumberConfiguration.model_validate({"callRoutingRules": [rule("never", 1, **when)]})
    assert [error["loc"] for error in refused.value.errors()] == [("callRoutingRules", 0, "when")]


whens = (
    made.partly(
        callerNumbers=st.lists(st.sampled_from([CALLER, "+12025550124", OTHER]), min_size=1, max_size=2),
        callerPrefixes=st.lists(st.sampled_from(["+1", "+1202", "+12025550123", "+44"]), min_size=1, max_size=2),
        callerCountries=st.lists(st.sampled_from(["US", "GB"]), min_size=1, max_size=2),
        anonymous=st.booleans(),
        schedule=st.sampled_from([OPEN, {**OPEN, "openingHoursSpecification": [window("Tuesday")] * 2}, NEVER]),
        hours=st.sampled_from(["open", "closed"]),
        share=st.sampled_from([0, 50, 100]),
    )
    .filter(lambda when: not (when.get("anonymous") and any(name.startswith("caller") for name in when)))
    .filter(
        lambda when: (
            not ("callerNumbers" in when and "callerPrefixes" in when)
            or any(number.startswith(tuple(when["callerPrefixes"])) for number in when["callerNumbers"])
        )
    )
)
numbers = st.none() | st.sampled_from([CALLER, "+12025550124", "+12035550123", OTHER])
askers = st.builds(
    lambda e164, country, is_open, key, anonymous: Asker(
        e164, None if e164 is None else country, e164 is None and anonymous, is_open, key
    ),
    numbers,
    st.sampled_from([None, "US", "GB"]),
    st.booleans(),
    st.text(max_size=3),
    st.booleans(),
)
"""Callers as they can be: a country is known by a number alone, and who withholds the number has none."""


@given(st.lists(whens, min_size=2, max_size=6), st.lists(askers, min_size=1, max_size=30), st.sampled_from([AT, 0]))
def test_no_call_ever_reaches_a_refused_rule_and_the_pair_is_its_witness(
    conditions: list[dict[str, Any]], calls: list[Asker], at: int
) -> None:
    wanted = [rule(f"r{priority}", priority, **when) for priority, when in enumerate(conditions)]
    parsed = [RoutingRule.model_validate(each) for each in wanted]
    compiled = {each.id: each for each in compile_rules(wanted)}
    for position, earlier in shadowed(parsed):
        refused = compiled[parsed[position].id]
        witness = compiled[earlier.id]
        assert witness.priority < refused.priority
        for asker in calls:
            assert matches(witness, asker, at) or not matches(refused, asker, at)


@given(st.lists(whens, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_order_in_which_rules_are_sent_does_not_matter(conditions: list[dict[str, Any]], random: Any) -> None:
    wanted = [rule(f"r{priority}", priority, **when) for priority, when in enumerate(conditions)]
    shuffled = random.sample(wanted, len(wanted))

    def refused(rules: list[dict[str, Any]]) -> set[tuple[str, str]]:
        parsed = [RoutingRule.model_validate(each) for each in rules]
        return {(parsed[position].id, earlier.id) for position, earlier in shadowed(parsed)}

    assert refused(shuffled) == refused(wanted)
