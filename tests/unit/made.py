"""Numbers as the tests need them: a plain one, and by Hypothesis any that can be."""

import json
from typing import Any

from hypothesis import strategies as st

from switchboard.model.number import PhoneNumberRequest
from switchboard.model.record import NumberFacts, NumberRecord
from switchboard.model.rules import RoutingRule
from switchboard.model.shadowing import shadowed

AT = 1785862800
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NUMBER = "+14155550100"


def requested(**wanted: Any) -> NumberRecord:
    """The intent of a purchase, from the request's JSON."""
    request = PhoneNumberRequest.model_validate({"provider": "vapi", **wanted})
    return NumberRecord.requested(
        request,
        number_id="pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD",
        business="acme",
        server_url="https://switchboard.example/vapi/pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD",
        attempt="attempt-1",
        webhook_secret=SECRET,
        assistant=request.assistant,
        profile=None,
        at=AT,
    )


def active(**wanted: Any) -> NumberRecord:
    """A number that answers."""
    facts = NumberFacts(type="local", country="US", region="CA", city="San Francisco", area_code="415")
    return requested(**wanted).purchased("vapi-1", AT + 1).activated(NUMBER, facts, AT + 2)


def shown(record: NumberRecord) -> dict[str, Any]:
    """The number as its owner gets it, in JSON."""
    body: dict[str, Any] = json.loads(record.shown().model_dump_json(by_alias=True))
    return body


e164s = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
prefixes = st.from_regex(r"\+[1-9][0-9]{0,13}\*", fullmatch=True)
times = st.from_regex(r"([01][0-9]|2[0-3]):[0-5][0-9]", fullmatch=True)
countries = st.sampled_from(["US", "GB", "DE", "JP"])
urls = st.sampled_from(["https://example.com/hook", "https://example.com:8443/a?b=c"])
weekdays = st.sampled_from(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"])


def texts(longest: int) -> st.SearchStrategy[str]:
    """Text that is more than white space, of any script."""
    characters = st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"])
    return st.text(characters, min_size=1, max_size=longest)


def partly(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any part of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


windows = st.tuples(times, times).filter(lambda pair: pair[0] != pair[1])
weekly = st.builds(
    lambda days, window: {"dayOfWeek": days, "opens": window[0], "closes": window[1]},
    st.lists(weekdays, min_size=1, max_size=7),
    windows,
)
special = st.builds(
    lambda name, dates, window: {
        "name": name,
        "validFrom": min(dates).isoformat(),
        "validThrough": min(dates).isoformat(),
        **({"opens": window[0], "closes": window[1]} if window else {}),
    },
    texts(20),
    st.tuples(st.dates(), st.dates()),
    st.none() | windows,
)
business_hours = st.fixed_dictionaries(
    {
        "timezone": st.sampled_from(["America/New_York", "Australia/Lord_Howe", "UTC"]),
        "openingHoursSpecification": st.lists(weekly, max_size=3),
    },
    optional={
        "specialOpeningHoursSpecification": st.lists(special, max_size=3, unique_by=lambda entry: entry["validFrom"])
    },
)
vapi_ids = st.from_regex(r"[A-Za-z0-9-]{1,64}", fullmatch=True)
rules = st.fixed_dictionaries(
    {
        "id": st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
        "priority": st.integers(0, 1_000_000),
        "then": st.one_of(
            st.fixed_dictionaries(
                {"action": st.just("forward"), "number": e164s.filter(lambda number: number != NUMBER)}
            ),
            st.fixed_dictionaries({"action": st.just("assistant"), "id": vapi_ids}),
            st.fixed_dictionaries({"action": st.just("reject")}, optional={"message": texts(50)}),
        ),
    },
    optional={
        "name": texts(100),
        "enabled": st.booleans(),
        "when": partly(
            callerNumbers=st.lists(e164s, min_size=1, max_size=3),
            callerCountries=st.lists(countries, min_size=1, max_size=3),
            anonymous=st.just(False),
            schedule=business_hours,
            hours=st.sampled_from(["open", "closed"]),
            share=st.integers(0, 100),
        ),
    },
)
thresholds = st.fixed_dictionaries(
    {
        "id": st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
        "period": st.sampled_from(["day", "month"]),
        "metric": st.sampled_from(["calls", "minutes", "cost", "concurrentCalls"]),
        "limit": st.integers(1, 1_000_000_000) | st.integers(1, 10_000_000).map(lambda units: units / 10_000),
    },
    optional={"action": st.sampled_from(["notify", "reject"])},
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
"""Without null: a merge patch has no way to say it, null removes."""


def _each_reached(wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the rules that an earlier one shadows."""
    unreached = {position for position, _ in shadowed([RoutingRule.model_validate(rule) for rule in wanted])}
    return [rule for position, rule in enumerate(wanted) if position not in unreached]


_free = partly(
    assistant=st.fixed_dictionaries(
        {"id": vapi_ids},
        optional={"type": st.sampled_from(["assistant", "squad", "workflow"]), "name": texts(80)},
    ),
    name=texts(40),
    description=texts(100),
    direction=st.sampled_from(["inbound", "outbound", "both"]),
    inboundSettings=partly(
        allowListOnly=st.booleans(),
        spamThreshold=st.integers(1, 100),
        rejectMessage=texts(50),
        maxDurationSeconds=st.integers(10, 43_200),
    ),
    outboundSettings=partly(allowedCountries=st.lists(countries, max_size=3), dailyCallLimit=st.integers(0, 1_000_000)),
    voicemailEnabled=st.booleans(),
    voicemailUrl=urls,
    recordingEnabled=st.booleans(),
    transcriptionEnabled=st.none() | st.booleans(),
    forwardingNumber=e164s.filter(lambda number: number != NUMBER),
    businessHours=business_hours,
    afterHoursAction=st.just("reject"),
    afterHoursMessage=texts(50),
    blockedNumbers=st.lists(e164s | prefixes, max_size=5),
    allowedNumbers=st.lists(e164s | prefixes, max_size=5),
    spamFilter=st.booleans(),
    maxConcurrentCalls=st.none() | st.integers(1, 1000),
    callRoutingRules=st.lists(
        rules, max_size=3, unique_by=(lambda rule: rule["id"], lambda rule: rule["priority"])
    ).map(_each_reached),
    usageThresholds=st.lists(thresholds, max_size=3, unique_by=lambda threshold: threshold["id"]),
    webhookUrl=urls,
    webhookSecret=st.just(SECRET),
    tags=st.lists(texts(64), max_size=3),
    metadata=st.dictionaries(st.text(max_size=5), json_values, max_size=3),
)


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """Any part of a configuration that does not contradict itself, in JSON."""
    wanted = draw(_free)
    actions = ["reject"]
    if "forwardingNumber" in wanted:
        wanted["forwardingEnabled"] = draw(st.booleans())
        actions.append("forward")
    if wanted.get("voicemailEnabled"):
        actions.append("voicemail")
    if draw(st.booleans()):
        wanted["afterHoursAction"] = draw(st.sampled_from(actions))
    if draw(st.booleans()):
        wanted["inboundSettings"] = {**wanted.get("inboundSettings", {}), "whenBusy": draw(st.sampled_from(actions))}
    return wanted
