"""Who answers a call: the whole pipeline of the decision, case by case, from the number as it is stored."""

import json
import re
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from switchboard.model.decision import Decision as Shown
from switchboard.routing.answer import account
from switchboard.routing.caller import caller_of
from switchboard.routing.decide import PIPELINE, REASONS, Decision, decide
from switchboard.routing.number import IncomingCall, number_from_item
from switchboard.routing.rules import in_share
from switchboard.routing.screening import Entry
from switchboard.routing.spam import Recent
from tests.unit import made
from tests.unit.made import AT, NUMBER

CALLER = "+12025550123"
FORWARD_TO = "+442071838750"
WORKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
HOURS = {
    "timezone": "America/New_York",
    "openingHoursSpecification": [{"dayOfWeek": WORKDAYS, "opens": "09:00", "closes": "17:00"}],
}
"""Open at AT, which is a Tuesday at 13:00 in New York."""

NIGHT = AT + 8 * 3600
CLOSES = AT + 4 * 3600
OPENS = AT + 20 * 3600
HOLIDAY = {
    **HOURS,
    "specialOpeningHoursSpecification": [{"name": "Founders", "validFrom": "2026-08-04", "validThrough": "2026-08-04"}],
}
ITEM: dict[str, Any] = {
    "id": "pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD",
    "business": "acme",
    "phoneNumber": NUMBER,
    "status": "active",
    "direction": "both",
    "assistant": {"id": "desk", "type": "assistant"},
}
BUSY = {"maxConcurrentCalls": 2}
DIALLER = Recent(numbers_called=3, short_calls=3)
"""Of both kinds of suspicion as much as it takes: a score of 80."""


def decided(item: dict[str, Any], call: dict[str, Any] | None = None, at: int = AT) -> Decision:
    """The decision on a call from CALLER unless `call` says otherwise. None in `item` takes a property away."""
    stored = {name: value for name, value in {**ITEM, **item}.items() if value is not None}
    return decide(number_from_item(stored), IncomingCall(**{"id": "call-1", "caller": CALLER, **(call or {})}), at)


def rule(then: str | dict[str, Any] = "reject", when: Any = None, priority: int = 1, **more: Any) -> dict[str, Any]:
    action = {"action": then} if isinstance(then, str) else then
    return {"id": f"r{priority}", "priority": priority, "enabled": True, "when": when or {}, "then": action, **more}


def rules(*listed: Any) -> dict[str, Any]:
    return {"callRoutingRules": list(listed)}


def inbound(**settings: Any) -> dict[str, Any]:
    return {"inboundSettings": settings}


def prefix(pattern: str, **more: Any) -> dict[str, Any]:
    return {"pattern": pattern, "addedAt": 0, **more}


def limited(*actions: str, limit: Any = 100, **more: Any) -> dict[str, Any]:
    """A number with a usage threshold of calls a day for each action: t0, t1 and so on."""
    listed = [
        {"id": f"t{position}", "metric": "calls", "period": "day", "limit": limit, "action": action, **more}
        for position, action in enumerate(actions)
    ]
    return {"usageThresholds": listed}


def held(until: Any = AT + 1, name: str = "t0#calls#day#100", **also: Any) -> dict[str, Any]:
    """A call on a number with a hold until then."""
    return {"holds": {name: until}, **also}


def case(name: str, decision: str, item: Any = None, call: Any = None, at: int = AT, **told: Any) -> Any:
    """decision: `action reason`. told: what else the decision says."""
    return pytest.param(item or {}, call or {}, at, decision, told, id=name)


UNREADABLE_PREFIXES: list[Any] = [
    "garbage",
    {"a": 1},
    [5],
    [prefix("garbage")],
    [prefix("")],
    [{}],
    [prefix("+44*"), None],
    0,
]
DEFAULT = "assistant default"
NO_RULE = DEFAULT
RULE = "reject rule"
SPAM_FILTER = {"spamFilter": True}
SCREENING: list[Any] = [
    # ---- status and direction ----
    case("an active number answers", DEFAULT, id="desk"),
    case("an inactive one answers nobody", "reject inactive", {"status": "inactive"}),
    case("nor a suspended one", "reject inactive", {"status": "suspended"}),
    case("nor a cancelled one", "reject inactive", {"status": "cancelled"}),
    case("a status unheard of answers nobody", "reject inactive", {"status": "paused"}),
    case("no status answers nobody", "reject inactive", {"status": None}),
    case("an inbound number answers", DEFAULT, {"direction": "inbound"}),
    case("an outbound number answers nobody", "reject direction", {"direction": "outbound"}),
    case("a direction unheard of answers nobody", "reject direction", {"direction": "sideways"}),
    case("no direction answers nobody", "reject direction", {"direction": None}),
    case(
        "an inactive number says so in its own words",
        "reject inactive",
        {"status": "inactive", **inbound(rejectMessage="We moved.")},
        message="We moved.",
    ),
    # ---- threshold ----
    case("a hold that rejects holds until its period ends", "reject threshold", limited("reject"), held(AT + 1)),
    case("a hold ends with its period", DEFAULT, limited("reject"), held(AT)),
    case("a threshold that never fired holds nothing", DEFAULT, limited("reject")),
    case("nor does one that is only told of", DEFAULT, limited("notify"), held()),
    case("a hold spares allowed callers", DEFAULT, limited("reject"), held(allowed=(Entry(CALLER),))),
    case(
        "a hold may send callers to another assistant",
        "assistant threshold",
        limited("assistant", assistantId="a_2"),
        held(),
        id="a_2",
    ),
    case("an assistant without an id rejects", "reject threshold", limited("assistant"), held()),
    case("a hold may take messages", "voicemail threshold", {**limited("voicemail"), "voicemailEnabled": True}, held()),
    case(
        "in words of its own",
        "voicemail threshold",
        {**limited("voicemail", message="Full."), "voicemailEnabled": True, "afterHoursMessage": "Closed."},
        held(),
        message="Full.",
    ),
    case(
        "a hold that takes messages rejects where there is no voicemail",
        "reject threshold",
        limited("voicemail", message="Full."),
        held(),
        message="Full.",
    ),
    case(
        "a hold that rejects says its own words before the number's",
        "reject threshold",
        {**limited("reject", message="Full."), **inbound(rejectMessage="No.")},
        held(),
        message="Full.",
    ),
    case(
        "and the number's where it has none",
        "reject threshold",
        {**limited("reject"), **inbound(rejectMessage="No.")},
        held(),
        message="No.",
    ),
    case("a threshold that was taken away holds no more", DEFAULT, call=held()),
    case("nor does one whose limit was changed", DEFAULT, limited("reject", limit=101), held()),
    case("nor one of another metric", DEFAULT, limited("reject", metric="minutes"), held()),
    case("nor one of another period", DEFAULT, limited("reject", period="month"), held()),
    case(
        "a limit is the same however it is written",
        "reject threshold",
        limited("reject", limit=Decimal("1E+2")),
        held(),
    ),
    case(
        "of several holds the strictest decides",
        "reject threshold",
        {**limited("assistant", "voicemail", "reject", assistantId="a_2"), "voicemailEnabled": True},
        {"holds": {f"t{position}#calls#day#100": AT + 9 for position in range(3)}},
    ),
    case(
        "voicemail is stricter than an assistant",
        "voicemail threshold",
        {**limited("assistant", "voicemail", assistantId="a_2"), "voicemailEnabled": True},
        {"holds": {f"t{position}#calls#day#100": AT + 9 for position in range(2)}},
    ),
    case(
        "one that has ended leaves it to the next",
        "assistant threshold",
        limited("reject", "assistant", assistantId="a_2"),
        {"holds": {"t0#calls#day#100": AT, "t1#calls#day#100": AT + 1}},
    ),
    case(
        "of two alike the first by id",
        "assistant threshold",
        {
            "usageThresholds": [
                {**limited("assistant")["usageThresholds"][0], "id": name, "assistantId": name} for name in ("t2", "t1")
            ]
        },
        {"holds": {"t1#calls#day#100": AT + 9, "t2#calls#day#100": AT + 9}},
        id="t1",
    ),
    case(
        "a hold whose end cannot be read rejects",
        "reject threshold",
        limited("assistant", assistantId="a_2"),
        held(None),
    ),
    case("a hold whose action cannot be read rejects", "reject threshold", limited("dance"), held()),
    case("a threshold that cannot be read holds nothing", DEFAULT, {"usageThresholds": [{"id": "t0"}, 7]}, held()),
    # ---- lists ----
    case("a blocked caller is turned away", "reject blocked", call={"blocked": (Entry(CALLER),)}),
    case("an entry for another caller blocks nobody", DEFAULT, call={"blocked": (Entry("+12025550124"),)}),
    case("a prefix blocks", "reject blocked", {"blockedPrefixes": [prefix("+1202*")]}),
    case("another prefix does not", DEFAULT, {"blockedPrefixes": [prefix("+1203*")]}),
    case("a prefix of one digit blocks", "reject blocked", {"blockedPrefixes": [prefix("+1*")]}),
    case(
        "an exact allow beats a blocked prefix",
        DEFAULT,
        {"blockedPrefixes": [prefix("+1202*")]},
        {"allowed": (Entry(CALLER),)},
    ),
    case(
        "an exact block beats an allowed prefix",
        "reject blocked",
        {"allowedPrefixes": [prefix("+1202*")]},
        {"blocked": (Entry(CALLER),)},
    ),
    case(
        "a longer allowed prefix beats a shorter blocked one",
        DEFAULT,
        {"blockedPrefixes": [prefix("+1*")], "allowedPrefixes": [prefix("+1202*")]},
    ),
    case(
        "a longer blocked prefix beats a shorter allowed one",
        "reject blocked",
        {"blockedPrefixes": [prefix("+1202*")], "allowedPrefixes": [prefix("+1*")]},
    ),
    case(
        "of two exact entries the block wins",
        "reject blocked",
        call={"blocked": (Entry(CALLER),), "allowed": (Entry(CALLER),)},
    ),
    case(
        "of two equal prefixes the block wins",
        "reject blocked",
        {"blockedPrefixes": [prefix("+1202*")], "allowedPrefixes": [prefix("+1202*")]},
    ),
    case(
        "the longest of several blocked prefixes counts",
        "reject blocked",
        {"blockedPrefixes": [prefix("+1*"), prefix("+1202*")], "allowedPrefixes": [prefix("+120*")]},
    ),
    case("a block that has expired counts no more", DEFAULT, call={"blocked": (Entry(CALLER, AT - 1),)}),
    case("at its very end it counts no more", DEFAULT, call={"blocked": (Entry(CALLER, AT),)}),
    case("until then it counts", "reject blocked", call={"blocked": (Entry(CALLER, AT + 1),)}),
    case("a blocked prefix expires too", DEFAULT, {"blockedPrefixes": [prefix("+1*", expiresAt=AT)]}),
    case(
        "an expired allow leaves the block",
        "reject blocked",
        {"blockedPrefixes": [prefix("+1*")]},
        {"allowed": (Entry(CALLER, AT),)},
    ),
    case(
        "an expired block leaves the allow",
        DEFAULT,
        inbound(allowListOnly=True),
        {"blocked": (Entry(CALLER, AT),), "allowed": (Entry(CALLER),)},
    ),
    case("with an allow list only, a stranger is turned away", "reject not-allowed", inbound(allowListOnly=True)),
    case("and who is on it is not", DEFAULT, inbound(allowListOnly=True), {"allowed": (Entry(CALLER),)}),
    case("nor who begins like it", DEFAULT, {**inbound(allowListOnly=True), "allowedPrefixes": [prefix("+1202*")]}),
    case(
        "a blocked one on it is blocked",
        "reject blocked",
        inbound(allowListOnly=True),
        {"blocked": (Entry(CALLER),), "allowed": (Entry(CALLER),)},
    ),
    case("an anonymous caller is on no list", "reject not-allowed", inbound(allowListOnly=True), {"caller": None}),
    case("and cannot be blocked by a prefix", DEFAULT, {"blockedPrefixes": [prefix("+1*")]}, {"caller": None}),
    case(
        "a SIP address with a number is blocked by that number",
        "reject blocked",
        call={"caller": f"sip:{CALLER}@gw.example", "blocked": (Entry(CALLER),)},
    ),
    case(
        "and by its prefix",
        "reject blocked",
        {"blockedPrefixes": [prefix("+1202*")]},
        {"caller": f"sips:{CALLER};user=phone@gw.example"},
    ),
    *(
        case(
            f"{said!r} begins with +1202",
            "reject blocked",
            {"blockedPrefixes": [prefix("+1202*")], **inbound(rejectAnonymous=True)},
            {"caller": said},
        )
        for said in (
            f'"Bob" <sip:{CALLER}@gw.example>',
            f'"<sip:+442071838750@gw.example>, \\"B\\"" <sip:{CALLER}@gw.example>;tag=1',
            f"Bob <tel:{CALLER}>",
            f"<sip:{CALLER}@gw.example>",
            f"< {CALLER} >",
            f'"Bob <sip:{CALLER}@gw.example',
            f"tel:{CALLER}",
            f"TEL:{CALLER};ext=3",
            "tel:+1-202-555-0123",
            "tel:+1(202)555.0123;phone-context=example.com",
            f"sip:{CALLER}",
            f"sip:{CALLER}:5060",
            f"sip:{CALLER}:pw@gw.example",
            f"sip:{CALLER};ext=3@gw.example;user=phone",
            f"sip:{CALLER}?subject=a@gw.example",
            "sip:%2B12025550123@gw.example",
            "sip:%2b1202%35550123%3Bext=3@gw.example",
            "sip:+1-202-555-0123@gw.example",
            f"sip:{CALLER}@anonymous.invalid",
            f"{CALLER};ext=3",
            f"{CALLER}@gw.example",
            "+1 202 555 0123",
            "+1\u00a0202\u00a0555\u00a00123",
            "+1-202-555-0123",
            "+1 (202) 555-0123",
            "+1.202.555.0123",
        )
    ),
    case(
        "a name that is shown is no number",
        DEFAULT,
        {"blockedPrefixes": [prefix("+1202*")]},
        {"caller": f'"{CALLER}" <sip:ann@a.example>'},
    ),
    case(
        "a SIP name is on no list", "reject not-allowed", inbound(allowListOnly=True), {"caller": "sip:ann@a.example"}
    ),
    case(
        "a number that is not E.164 is on no list",
        DEFAULT,
        {"blockedPrefixes": [prefix("+1*")]},
        {"caller": "2025550123"},
    ),
    # ---- anonymous ----
    *(
        case(f"{said!r} is an anonymous caller", "reject anonymous", inbound(rejectAnonymous=True), {"caller": said})
        for said in (
            None,
            "",
            "  ",
            "anonymous",
            "Anonymous",
            "ANONYMOUS",
            "restricted",
            "Private",
            "blocked",
            "unavailable",
            "unknown",
            "withheld",
            "No Caller ID",
            "+anonymous",
            "266696687",
            "+266696687",
            "2562533",
            "7378742833",
            "+7378742833",
            "86282452253",
            "+86282452253",
            "8656696",
            "sip:anonymous@anonymous.invalid",
            "SIP:Anonymous@x.example",
            "sips:restricted@x.example",
            "sip:+266696687@gw.example",
            "sip:@gw.example",
            '"Anonymous" <sip:anonymous@anonymous.invalid>',
            "Anonymous <sip:c8oqz84zk7z@Anonymous.Invalid:5060;transport=tls>;tag=1",
            '"Anonymous" <>',
            "anonymous@anonymous.invalid",
            "sip:anonymous.invalid",
            "sip:c@anonymous.invalid",
            "sip:No%20Caller%20ID@gw.example",
            "tel:anonymous",
            "tel:+266-696-687",
        )
    ),
    case("an anonymous caller is answered unless that is refused", DEFAULT, call={"caller": None}),
    case("a caller with a number is not anonymous", DEFAULT, inbound(rejectAnonymous=True)),
    case("a SIP name is not anonymous", DEFAULT, inbound(rejectAnonymous=True), {"caller": "sip:ann@a.example"}),
    case(
        "nor whoever only goes by the name",
        DEFAULT,
        inbound(rejectAnonymous=True),
        {"caller": '"Anonymous" <sip:ann@anonymous.invalid.example>'},
    ),
    case("nor is what is no number at all", DEFAULT, inbound(rejectAnonymous=True), {"caller": "reception"}),
    # ---- spam ----
    case("nobody is scored unless asked for", DEFAULT, call={"recent": DIALLER}),
    case("a dialler is turned away", "reject spam", SPAM_FILTER, {"recent": DIALLER}),
    case("many numbers alone are not enough", DEFAULT, SPAM_FILTER, {"recent": Recent(numbers_called=9)}),
    case("nor are short calls alone", DEFAULT, SPAM_FILTER, {"recent": Recent(short_calls=9)}),
    case(
        "they are where the threshold is lower",
        "reject spam",
        {**SPAM_FILTER, **inbound(spamThreshold=40)},
        {"recent": Recent(short_calls=3)},
    ),
    case(
        "two short calls are no run",
        DEFAULT,
        {**SPAM_FILTER, **inbound(spamThreshold=40)},
        {"recent": Recent(short_calls=2)},
    ),
    case(
        "a score at the threshold is enough",
        "reject spam",
        {**SPAM_FILTER, **inbound(spamThreshold=80)},
        {"recent": DIALLER},
    ),
    case("a score below it is not", DEFAULT, {**SPAM_FILTER, **inbound(spamThreshold=81)}, {"recent": DIALLER}),
    case(
        "a number that nobody can have", "reject spam", {**SPAM_FILTER, **inbound(spamThreshold=60)}, {"valid": False}
    ),
    case(
        "one that nobody has looked up is not held against them",
        DEFAULT,
        {**SPAM_FILTER, **inbound(spamThreshold=1)},
        {"valid": None},
    ),
    case("a neighbour's number is little reason", DEFAULT, SPAM_FILTER, {"caller": "+14155550199"}),
    case("but one", "reject spam", {**SPAM_FILTER, **inbound(spamThreshold=20)}, {"caller": "+14155550199"}),
    case("calling oneself is no neighbour", DEFAULT, {**SPAM_FILTER, **inbound(spamThreshold=20)}, {"caller": NUMBER}),
    case(
        "reasons add up to a hundred at most",
        "reject spam",
        {**SPAM_FILTER, **inbound(spamThreshold=100)},
        {"caller": "+14155550199", "valid": False, "recent": DIALLER},
    ),
    case(
        "spam may go to voicemail",
        "voicemail spam",
        {**SPAM_FILTER, **inbound(spamAction="voicemail"), "voicemailEnabled": True},
        {"recent": DIALLER},
    ),
    case(
        "but only where there is one",
        "reject spam",
        {**SPAM_FILTER, **inbound(spamAction="voicemail")},
        {"recent": DIALLER},
    ),
    case("spam may be observed only", DEFAULT, {**SPAM_FILTER, **inbound(spamAction="observe")}, {"recent": DIALLER}),
    case(
        "an action unheard of turns away",
        "reject spam",
        {**SPAM_FILTER, **inbound(spamAction="frown")},
        {"recent": DIALLER},
    ),
    case("an allowed caller is never scored", DEFAULT, SPAM_FILTER, {"recent": DIALLER, "allowed": (Entry(CALLER),)}),
    case(
        "a rejected one hears the reject message",
        "reject spam",
        {**SPAM_FILTER, **inbound(rejectMessage="No.")},
        {"recent": DIALLER},
        message="No.",
    ),
]
ROUTING: list[Any] = [
    # ---- forwarding ----
    case(
        "forwarding goes before the assistant",
        "forward forwarding",
        {"forwardingEnabled": True, "forwardingNumber": FORWARD_TO},
        number=FORWARD_TO,
    ),
    case("a forwarding number alone is no order", DEFAULT, {"forwardingNumber": FORWARD_TO}),
    case("forwarding to nowhere is none either", DEFAULT, {"forwardingEnabled": True}),
    case(
        "nor is forwarding to what is no number", DEFAULT, {"forwardingEnabled": True, "forwardingNumber": "reception"}
    ),
    # ---- rules: what they do ----
    case("a rule may reject", RULE, rules(rule()), rule_id="r1"),
    case(
        "in its own words",
        RULE,
        {**rules(rule({"action": "reject", "message": "Not today."})), **inbound(rejectMessage="We moved.")},
        message="Not today.",
    ),
    case("or in the number's", RULE, {**rules(rule()), **inbound(rejectMessage="We moved.")}, message="We moved."),
    case("to an assistant", "assistant rule", rules(rule({"action": "assistant", "id": "sales"})), id="sales"),
    case("to a squad", "squad rule", rules(rule({"action": "squad", "id": "team"})), id="team"),
    case("to a workflow", "workflow rule", rules(rule({"action": "workflow", "id": "flow"})), id="flow"),
    case("to a number", "forward rule", rules(rule({"action": "forward", "number": FORWARD_TO})), number=FORWARD_TO),
    case(
        "to voicemail",
        "voicemail rule",
        {**rules(rule({"action": "voicemail", "message": "Speak."})), "voicemailEnabled": True},
        message="Speak.",
    ),
    case(
        "to voicemail, in the after-hours words",
        "voicemail rule",
        {**rules(rule("voicemail")), "voicemailEnabled": True, "afterHoursMessage": "Later."},
        message="Later.",
    ),
    case("to a voicemail that there is not", RULE, rules(rule("voicemail"))),
    # ---- rules: when ----
    case("without conditions always", RULE, rules(rule())),
    case("by number", RULE, rules(rule(when={"callerNumbers": [FORWARD_TO, CALLER]}))),
    case("not by another number", NO_RULE, rules(rule(when={"callerNumbers": [FORWARD_TO]}))),
    case(
        "by a number in a SIP address",
        RULE,
        rules(rule(when={"callerNumbers": [CALLER]})),
        {"caller": f"sip:{CALLER}@gw.example"},
    ),
    case("not by number for the anonymous", NO_RULE, rules(rule(when={"callerNumbers": [CALLER]})), {"caller": None}),
    case("by prefix", RULE, rules(rule(when={"callerPrefixes": ["+44", "+1202"]}))),
    case("not by another prefix", NO_RULE, rules(rule(when={"callerPrefixes": ["+44"]}))),
    case("not by prefix for the anonymous", NO_RULE, rules(rule(when={"callerPrefixes": ["+1"]})), {"caller": ""}),
    case(
        "not by prefix for a SIP name",
        NO_RULE,
        rules(rule(when={"callerPrefixes": ["+1"]})),
        {"caller": "sip:ann@a.example"},
    ),
    case("by country", RULE, rules(rule(when={"callerCountries": ["GB", "US"]})), {"country": "US"}),
    case("not by another country", NO_RULE, rules(rule(when={"callerCountries": ["GB"]})), {"country": "US"}),
    case("not by an unknown country", NO_RULE, rules(rule(when={"callerCountries": ["US"]})), {"country": None}),
    case("for the anonymous", RULE, rules(rule(when={"anonymous": True})), {"caller": None}),
    case("for the anonymous alone", NO_RULE, rules(rule(when={"anonymous": True}))),
    case("for all but the anonymous", RULE, rules(rule(when={"anonymous": False}))),
    case(
        "for all but the anonymous, not for them",
        NO_RULE,
        rules(rule(when={"anonymous": False})),
        {"caller": "Restricted"},
    ),
    case("while open", RULE, {**rules(rule(when={"hours": "open"})), "businessHours": HOURS}),
    case(
        "while open, not at night", NO_RULE, {**rules(rule(when={"hours": "open"})), "businessHours": HOURS}, at=NIGHT
    ),
    case("while closed", RULE, {**rules(rule(when={"hours": "closed"})), "businessHours": HOURS}, at=NIGHT),
    case("while closed, not by day", NO_RULE, {**rules(rule(when={"hours": "closed"})), "businessHours": HOURS}),
    case("a number without hours is open", RULE, rules(rule(when={"hours": "open"}))),
    case("on a holiday it is closed", RULE, {**rules(rule(when={"hours": "closed"})), "businessHours": HOLIDAY}),
    case("by a schedule of its own", RULE, rules(rule(when={"schedule": HOURS}))),
    case("not outside that", NO_RULE, rules(rule(when={"schedule": HOURS})), at=NIGHT),
    case("for a share of all", RULE, rules(rule(when={"share": 100}))),
    case("for a share of none", NO_RULE, rules(rule(when={"share": 0}))),
    case(
        "all conditions have to hold",
        RULE,
        rules(
            rule(
                when={
                    "callerNumbers": [CALLER],
                    "callerPrefixes": ["+1"],
                    "callerCountries": ["US"],
                    "anonymous": False,
                    "schedule": HOURS,
                    "hours": "open",
                    "share": 100,
                }
            )
        ),
        {"country": "US"},
    ),
    *(
        case(
            f"all but {name} is not enough",
            NO_RULE,
            rules(
                rule(
                    when={
                        "callerNumbers": [CALLER],
                        "callerPrefixes": ["+1"],
                        "callerCountries": ["US"],
                        "anonymous": False,
                        "schedule": HOURS,
                        "hours": "open",
                        "share": 100,
                        name: wrong,
                    }
                )
            ),
            {"country": "US"},
        )
        for name, wrong in {
            "callerNumbers": [FORWARD_TO],
            "callerPrefixes": ["+44"],
            "callerCountries": ["GB"],
            "anonymous": True,
            "schedule": {**HOURS, "openingHoursSpecification": []},
            "hours": "closed",
            "share": 0,
        }.items()
    ),
    # ---- rules: which ----
    case(
        "the lowest priority is looked at first",
        "forward rule",
        rules(rule(priority=2), rule({"action": "forward", "number": FORWARD_TO}, priority=1)),
        rule_id="r1",
    ),
    case("then the next", RULE, rules(rule(when={"anonymous": True}, priority=1), rule(priority=2)), rule_id="r2"),
    case("one that is switched off is not looked at", RULE, rules(rule(enabled=False), rule(priority=2)), rule_id="r2"),
    case("rules decide for an allowed caller too", RULE, rules(rule()), {"allowed": (Entry(CALLER),)}),
    case(
        "a rule may decide for the number's own hours",
        "forward rule",
        {
            **rules(rule({"action": "forward", "number": FORWARD_TO}, {"hours": "closed"})),
            "businessHours": HOURS,
            "afterHoursAction": "reject",
        },
        at=NIGHT,
        rule_id="r1",
    ),
    *(
        case(f"a rule with {name} does not match", NO_RULE, rules(broken))
        for name, broken in {
            "an action unheard of": rule("dance"),
            "no action": rule({}),
            "no goal": rule({"action": "forward"}),
            "a goal that is no number": rule({"action": "forward", "number": "reception"}),
            "no assistant": rule({"action": "assistant"}),
            "a schedule in no zone": rule(when={"schedule": {**HOURS, "timezone": "Mars/Olympus"}}),
            "hours unheard of": rule(when={"hours": "siesta"}),
            "a share beyond all": rule(when={"share": 101}),
            "numbers that are none": rule(when={"callerNumbers": [1, 2]}),
            "an empty prefix": rule(when={"callerPrefixes": [""]}),
            "prefixes that are one text": rule(when={"callerPrefixes": "+1"}),
            "no priority": rule(priority=1) | {"priority": None},
            "a switch that is none": rule(enabled="yes"),
            "nothing in it": {},
        }.items()
    ),
    case("what is no rule at all does not match", NO_RULE, rules("reject everybody", 7, None)),
    case("an unreadable rule leaves the others", RULE, rules(rule("dance"), rule(priority=2)), rule_id="r2"),
]
AFTER: list[Any] = [
    # ---- hours ----
    case(
        "open, it says until when", DEFAULT, {"businessHours": HOURS}, is_open=True, closes_at=CLOSES, next_open_at=None
    ),
    case(
        "closed, it says until when",
        DEFAULT,
        {"businessHours": HOURS},
        at=NIGHT,
        is_open=False,
        closes_at=None,
        next_open_at=OPENS,
    ),
    case(
        "a second before opening it is closed",
        "reject after-hours",
        {"businessHours": HOURS, "afterHoursAction": "reject"},
        at=OPENS - 1,
    ),
    case("at opening it is open", DEFAULT, {"businessHours": HOURS, "afterHoursAction": "reject"}, at=OPENS),
    case(
        "at closing it is closed",
        "reject after-hours",
        {"businessHours": HOURS, "afterHoursAction": "reject"},
        at=CLOSES,
    ),
    case("a second before it is open", DEFAULT, {"businessHours": HOURS, "afterHoursAction": "reject"}, at=CLOSES - 1),
    case("no hours are always open", DEFAULT, {"afterHoursAction": "reject"}, at=NIGHT, is_open=True),
    case(
        "after hours it may go to voicemail",
        "voicemail after-hours",
        {
            "businessHours": HOURS,
            "afterHoursAction": "voicemail",
            "voicemailEnabled": True,
            "afterHoursMessage": "Later.",
        },
        at=NIGHT,
        message="Later.",
    ),
    case(
        "where there is one", "reject after-hours", {"businessHours": HOURS, "afterHoursAction": "voicemail"}, at=NIGHT
    ),
    case(
        "after hours it may be forwarded",
        "forward after-hours",
        {"businessHours": HOURS, "afterHoursAction": "forward", "forwardingNumber": FORWARD_TO},
        at=NIGHT,
        number=FORWARD_TO,
    ),
    case(
        "where there is a goal", "reject after-hours", {"businessHours": HOURS, "afterHoursAction": "forward"}, at=NIGHT
    ),
    case(
        "after hours it may be rejected in its own words",
        "reject after-hours",
        {"businessHours": HOURS, "afterHoursAction": "reject", "afterHoursMessage": "Later."},
        at=NIGHT,
        message="Later.",
    ),
    case(
        "an action unheard of rejects",
        "reject after-hours",
        {"businessHours": HOURS, "afterHoursAction": "dance"},
        at=NIGHT,
    ),
    case(
        "a holiday is closed and has a name",
        "reject after-hours",
        {"businessHours": HOLIDAY, "afterHoursAction": "reject"},
        special="Founders",
        next_open_at=OPENS,
    ),
    case(
        "hours that make no sense are closed",
        "reject after-hours",
        {"businessHours": {"timezone": "Mars/Olympus"}, "afterHoursAction": "reject"},
    ),
    case(
        "an allowed caller finds it closed too",
        "reject after-hours",
        {"businessHours": HOURS, "afterHoursAction": "reject"},
        {"allowed": (Entry(CALLER),)},
        at=NIGHT,
    ),
    # ---- default and fallback ----
    case("a squad answers", "squad default", {"assistant": {"id": "team", "type": "squad"}}, id="team"),
    case("a workflow answers", "workflow default", {"assistant": {"id": "flow", "type": "workflow"}}, id="flow"),
    case(
        "nobody assigned falls back to a person",
        "forward fallback",
        {"assistant": None, "forwardingNumber": FORWARD_TO},
        number=FORWARD_TO,
    ),
    case("or to voicemail", "voicemail fallback", {"assistant": None, "voicemailEnabled": True}),
    case(
        "rather to a person",
        "forward fallback",
        {"assistant": None, "forwardingNumber": FORWARD_TO, "voicemailEnabled": True},
    ),
    case("nobody at all is a rejection", "reject fallback", {"assistant": None}),
    case("an assistant of a kind unheard of is nobody", "reject fallback", {"assistant": {"id": "x", "type": "robot"}}),
    # ---- capacity ----
    case("a capped number with a free line answers", DEFAULT, BUSY),
    case("without one it rejects", "reject capacity", BUSY, {"line_free": False}),
    case(
        "busy in its own words",
        "reject capacity",
        {**BUSY, **inbound(rejectMessage="Busy.")},
        {"line_free": False},
        message="Busy.",
    ),
    case(
        "or takes a message",
        "voicemail capacity",
        {**BUSY, **inbound(whenBusy="voicemail"), "voicemailEnabled": True},
        {"line_free": False},
    ),
    case("where it has voicemail", "reject capacity", {**BUSY, **inbound(whenBusy="voicemail")}, {"line_free": False}),
    case(
        "or forwards",
        "forward capacity",
        {**BUSY, **inbound(whenBusy="forward"), "forwardingNumber": FORWARD_TO},
        {"line_free": False},
        number=FORWARD_TO,
    ),
    case("where it has a goal", "reject capacity", {**BUSY, **inbound(whenBusy="forward")}, {"line_free": False}),
    case(
        "busy in a way unheard of rejects",
        "reject capacity",
        {**BUSY, **inbound(whenBusy="dance")},
        {"line_free": False},
    ),
    case("a number without a cap has always a line", DEFAULT, call={"line_free": False}),
    case("a cap that makes no sense has none", "reject capacity", {"maxConcurrentCalls": "many"}),
    case(
        "a squad needs a line",
        "reject capacity",
        {**BUSY, "assistant": {"id": "team", "type": "squad"}},
        {"line_free": False},
    ),
    case(
        "so does a workflow",
        "reject capacity",
        {**BUSY, "assistant": {"id": "flow", "type": "workflow"}},
        {"line_free": False},
    ),
    case(
        "so does a rule's assistant",
        "reject capacity",
        {**BUSY, **rules(rule({"action": "assistant", "id": "sales"}))},
        {"line_free": False},
        rule_id=None,
    ),
    case(
        "a forward needs none",
        "forward forwarding",
        {**BUSY, "forwardingEnabled": True, "forwardingNumber": FORWARD_TO},
        {"line_free": False},
    ),
    case(
        "voicemail needs none",
        "voicemail fallback",
        {**BUSY, "assistant": None, "voicemailEnabled": True},
        {"line_free": False},
    ),
    case("a rejection keeps its own reason", "reject blocked", BUSY, {"line_free": False, "blocked": (Entry(CALLER),)}),
    # ---- what makes no sense ----
    case("settings that make no sense let nobody in", "reject not-allowed", {"inboundSettings": "open to all"}),
    case("an allow list that makes no sense is one", "reject not-allowed", inbound(allowListOnly="no")),
    case(
        "a gate for the anonymous that makes no sense is shut",
        "reject anonymous",
        inbound(rejectAnonymous="no"),
        {"caller": None},
    ),
    case(
        "a block whose end makes no sense stays",
        "reject blocked",
        {"blockedPrefixes": [prefix("+1*", expiresAt="soon")]},
    ),
    *(
        case(
            f"blocked prefixes that make no sense block even who is allowed: {stored!r}",
            "reject blocked",
            {"blockedPrefixes": stored},
            {"allowed": (Entry(CALLER),)},
        )
        for stored in UNREADABLE_PREFIXES
    ),
    case("but nobody without a number", DEFAULT, {"blockedPrefixes": "garbage"}, {"caller": None}),
    case(
        "allowed prefixes that make no sense allow nobody",
        "reject not-allowed",
        {**inbound(allowListOnly=True), "allowedPrefixes": ["+1*", prefix("1"), {"a": 1}]},
    ),
    case(
        "an allow whose end makes no sense is over",
        "reject not-allowed",
        {**inbound(allowListOnly=True), "allowedPrefixes": [prefix("+1*", expiresAt="soon")]},
    ),
    case("a spam filter that makes no sense is on", "reject spam", {"spamFilter": "off"}, {"recent": DIALLER}),
    case("a cap that is not a number has no line", "reject capacity", {"maxConcurrentCalls": Decimal("NaN")}),
    case("nor has an endless one", "reject capacity", {"maxConcurrentCalls": Decimal("Infinity")}),
    case("a rule of endless priority does not match", NO_RULE, rules(rule() | {"priority": Decimal("Infinity")})),
    case("a rule without a name that can be written decides", RULE, rules(rule(id="\ud800")), rule_id="\ud800"),
    case("half a character calls", RULE, rules(rule(when={"share": 100})), {"caller": "\ud800"}),
]
CASES = [*SCREENING, *ROUTING, *AFTER]


def test_the_table_is_long_and_its_names_are_different() -> None:
    names = [each.id for each in CASES]
    assert len(set(names)) == len(names) >= 120


@pytest.mark.parametrize(("item", "call", "at", "decision", "told"), CASES)
def test_who_answers(item: dict[str, Any], call: dict[str, Any], at: int, decision: str, told: dict[str, Any]) -> None:
    found = decided(item, call, at)
    assert f"{found.action} {found.reason}" == decision
    assert {name: getattr(found, name) for name in told} == told


def test_every_reason_has_a_case() -> None:
    assert {each.values[3].split()[1] for each in CASES} == set(REASONS)


DECIDING: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "status": ({"status": "suspended"}, {}, "inactive"),
    "direction": ({"direction": "outbound"}, {}, "direction"),
    "lists": (inbound(allowListOnly=True), {}, "not-allowed"),
    "anonymous": (inbound(rejectAnonymous=True), {"caller": None}, "anonymous"),
    "spam": (SPAM_FILTER, {"recent": DIALLER}, "spam"),
    "threshold": (limited("reject"), held(), "threshold"),
    "forwarding": ({"forwardingEnabled": True, "forwardingNumber": FORWARD_TO}, {}, "forwarding"),
    "rules": (rules(rule()), {}, "rule"),
    "hours": ({"businessHours": HOLIDAY, "afterHoursAction": "reject"}, {}, "after-hours"),
    "default": ({}, {}, "default"),
}
"""Step -> what of the number and of the call makes it decide, and why."""


@pytest.mark.parametrize(("first", "second"), list(combinations(DECIDING, 2)))
def test_of_two_steps_that_would_decide_the_earlier_one_does(first: str, second: str) -> None:
    (first_item, first_call, reason), (second_item, second_call, _) = DECIDING[first], DECIDING[second]
    settings = {**second_item.get("inboundSettings", {}), **first_item.get("inboundSettings", {})}
    found = decided({**second_item, **first_item, "inboundSettings": settings}, {**second_call, **first_call})
    assert found.reason == reason
    assert found.trace[-1].step == first


def test_the_steps_are_these_in_this_order() -> None:
    assert [name for name, _ in PIPELINE] == [*DECIDING, "fallback"]


TRACES = [
    pytest.param(
        {},
        {},
        [
            ("status", "passed", None),
            ("direction", "passed", None),
            ("lists", "passed", None),
            ("anonymous", "passed", None),
            ("spam", "skipped", None),
            ("threshold", "passed", None),
            ("forwarding", "passed", None),
            ("rules", "passed", None),
            ("hours", "passed", None),
            ("default", "decided", "default"),
        ],
        id="up to the step that decided",
    ),
    pytest.param(
        {"blockedPrefixes": [prefix("+1202*")]},
        {},
        [("lists", "decided", "blocked by +1202*")],
        id="the entry that blocked",
    ),
    pytest.param(
        {},
        {"allowed": (Entry(CALLER),)},
        [("lists", "passed", f"allowed by {CALLER}"), ("anonymous", "skipped", None), ("spam", "skipped", None)],
        id="the entry that allowed, and what it spared",
    ),
    pytest.param(
        SPAM_FILTER,
        {"recent": DIALLER},
        [("spam", "decided", "score 80 of 70: many-numbers 40, short-calls 40")],
        id="each reason of a spam score with its weight",
    ),
    pytest.param(
        {**SPAM_FILTER, **inbound(spamAction="observe")},
        {"recent": DIALLER},
        [("spam", "observed", "score 80 of 70: many-numbers 40, short-calls 40")],
        id="also where it is observed",
    ),
    pytest.param(SPAM_FILTER, {}, [("spam", "passed", "score 0 of 70")], id="a score of nothing"),
    pytest.param(
        limited("reject", limit=Decimal("100.0")),
        held(),
        [("threshold", "decided", "t0: calls reached 100 this day")],
        id="the threshold that holds",
    ),
    pytest.param(
        limited("reject"), held(allowed=(Entry(CALLER),)), [("threshold", "skipped", None)], id="a hold that was spared"
    ),
    pytest.param(
        rules(rule(when={"anonymous": True}), rule(priority=2)),
        {},
        [("rules", "decided", "r2, after 1 that did not match")],
        id="the rule and how many were before it",
    ),
    pytest.param(
        rules(rule(when={"anonymous": True}), rule("dance", priority=2)),
        {},
        [("rules", "passed", "2 did not match, 1 of them unreadable")],
        id="how many rules did not match",
    ),
    pytest.param(
        {"businessHours": HOLIDAY},
        {},
        [("hours", "passed", "closed, and nothing else is to happen then")],
        id="closed, without consequence",
    ),
    pytest.param(
        BUSY,
        {"line_free": False},
        [("default", "decided", "default"), ("capacity", "decided", "all 2 lines are taken")],
        id="the last gate",
    ),
    pytest.param(BUSY, {}, [("default", "decided", "default"), ("capacity", "passed", None)], id="the last gate, open"),
]


@pytest.mark.parametrize(("item", "call", "steps"), TRACES)
def test_the_trace_tells(item: dict[str, Any], call: dict[str, Any], steps: list[tuple[str, str, str | None]]) -> None:
    trace = [(step.step, step.outcome, step.detail) for step in decided(item, call).trace]
    at = trace.index(steps[0])
    assert trace[at : at + len(steps)] == steps


def test_a_share_is_sticky_for_a_caller_and_by_call_for_the_anonymous() -> None:
    half = rules(rule(when={"share": 50}))
    callers = [f"+1202555{number:04}" for number in range(400)]
    sides = [decided(half, {"caller": caller, "id": f"call-{caller}"}).reason for caller in callers]
    assert sides == [decided(half, {"caller": caller, "id": "another"}).reason for caller in callers]
    assert 120 < sides.count("rule") < 280
    withheld = {decided(half, {"caller": None, "id": f"call-{number}"}).reason for number in range(50)}
    assert withheld == {"rule", "default"}


@given(st.text(), st.text(), st.integers(0, 100))
def test_who_is_in_a_share_is_in_every_larger_one(rule_id: str, key: str, percent: int) -> None:
    assert not in_share(rule_id, key, 0)
    assert in_share(rule_id, key, 100)
    if in_share(rule_id, key, percent):
        assert all(in_share(rule_id, key, more) for more in range(percent, 101))


# ---- what holds of every number and every call ----

callers = st.one_of(
    st.none(),
    st.sampled_from(
        [CALLER, "+12025550124", "anonymous", f"sip:{CALLER}@a.example", "sip:ann@a.example", "Restricted"]
    ),
    made.e164s,
    st.text(st.characters()),
)
entries = st.builds(
    Entry, st.sampled_from([CALLER, "+1202*", "+1*", "+44*"]), st.none() | st.sampled_from([AT, AT + 1])
)
some_entries = st.lists(entries, max_size=3).map(tuple)
calls = st.builds(
    IncomingCall,
    id=st.text(max_size=5),
    caller=callers,
    blocked=some_entries,
    allowed=some_entries,
    country=st.none() | made.countries,
    valid=st.none() | st.booleans(),
    recent=st.builds(Recent, st.none() | st.integers(0, 5), st.none() | st.integers(0, 5)),
    line_free=st.booleans(),
    holds=st.dictionaries(
        st.sampled_from(["t0#calls#day#100", "t1#cost#month#0.5"]), st.none() | st.sampled_from([AT, AT + 1])
    ),
)
instants = st.sampled_from([AT, NIGHT, CLOSES, OPENS]) | st.integers(0, 2**33)
anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
whens = made.partly(
    callerNumbers=st.lists(st.sampled_from([CALLER, "+12025550124", FORWARD_TO]), min_size=1, max_size=2),
    callerPrefixes=st.lists(st.sampled_from(["+1", "+1202", "+44", CALLER]), min_size=1, max_size=2),
    callerCountries=st.lists(made.countries, min_size=1, max_size=2),
    anonymous=st.booleans(),
    schedule=st.sampled_from([HOURS, HOLIDAY]),
    hours=st.sampled_from(["open", "closed"]),
    share=st.sampled_from([0, 50, 100]),
)
thens = st.sampled_from(
    [
        {"action": "reject"},
        {"action": "voicemail"},
        {"action": "assistant", "id": "sales"},
        {"action": "forward", "number": FORWARD_TO},
    ]
)
rule_lists = st.lists(st.tuples(whens, thens), max_size=5).map(
    lambda pairs: [rule(then, when, priority) for priority, (when, then) in enumerate(pairs)]
)
prefix_lists = st.lists(
    st.builds(prefix, st.sampled_from(["+1*", "+1202*", "+44*"]), expiresAt=st.sampled_from([AT, AT + 9])), max_size=3
)


ALWAYS = ("id", "business", "status", "direction")
SOUND: dict[str, st.SearchStrategy[Any]] = {
    "id": st.just(ITEM["id"]),
    "business": st.just("acme"),
    "phoneNumber": st.just(NUMBER),
    "status": st.sampled_from(["active", "active", "active", "inactive"]),
    "direction": st.sampled_from(["both", "inbound", "both", "outbound"]),
    "assistant": st.sampled_from([ITEM["assistant"], {"id": "team", "type": "squad"}]),
    "inboundSettings": made.partly(
        allowListOnly=st.just(False),
        rejectAnonymous=st.booleans(),
        rejectMessage=st.text(max_size=5),
        spamAction=st.sampled_from(["reject", "voicemail", "observe"]),
        spamThreshold=st.integers(1, 100),
        whenBusy=st.sampled_from(["reject", "voicemail", "forward"]),
        maxDurationSeconds=st.integers(10, 43_200),
    ),
    "forwardingEnabled": st.booleans(),
    "forwardingNumber": st.just(FORWARD_TO),
    "voicemailEnabled": st.booleans(),
    "spamFilter": st.booleans(),
    "businessHours": st.sampled_from([HOURS, HOLIDAY]),
    "afterHoursAction": st.sampled_from(["reject", "voicemail", "forward"]),
    "afterHoursMessage": st.text(max_size=5),
    "maxConcurrentCalls": st.integers(1, 3),
    "callRoutingRules": rule_lists,
    "blockedPrefixes": prefix_lists,
    "allowedPrefixes": prefix_lists,
    "usageThresholds": st.lists(
        st.sampled_from(
            [
                *limited("reject")["usageThresholds"],
                {"id": "t1", "metric": "cost", "period": "month", "limit": Decimal("0.5"), "action": "voicemail"},
                {"id": "t2", "metric": "cost", "period": "month", "limit": 1, "action": "notify"},
            ]
        ),
        max_size=2,
        unique_by=lambda threshold: threshold["id"],
    ),
    "profile": st.just('{"ownServer": true}'),
    "profiles": st.just('{"sales": {"ownServer": true, "maxDurationSeconds": 60}}'),
    "recordingEnabled": st.booleans(),
    "transcriptionEnabled": st.booleans(),
    "name": st.text(max_size=5),
}
items = st.fixed_dictionaries(
    {name: SOUND[name] for name in ALWAYS},
    optional={name: value for name, value in SOUND.items() if name not in ALWAYS},
)
prefix_garbage = anything | st.lists(made.partly(pattern=st.just("+44*") | anything, expiresAt=anything), max_size=3)
garbage = made.partly(
    **{name: value | anything for name, value in SOUND.items()}
    | {
        "inboundSettings": anything | st.dictionaries(st.sampled_from(["spamThreshold", "whenBusy"]), anything),
        "callRoutingRules": anything
        | st.lists(
            anything
            | st.fixed_dictionaries({"id": anything, "priority": anything, "when": anything, "then": anything}),
            max_size=3,
        ),
        "blockedPrefixes": prefix_garbage,
        "usageThresholds": anything
        | st.lists(
            anything
            | st.fixed_dictionaries(
                {"id": st.just("t0") | anything, "metric": st.just("calls") | anything, "period": st.just("day")},
                optional={"limit": anything, "action": anything, "assistantId": anything, "message": anything},
            ),
            max_size=3,
        ),
        "profile": anything | st.builds(json.dumps, made.json_values),
        "profiles": anything | st.builds(json.dumps, made.json_values),
    }
)
ACTIONS = {"assistant", "squad", "workflow", "forward", "voicemail", "reject"}


def makes_sense(blocked: Any) -> bool:
    """Whether it can be known of every entry whom it blocks."""
    entries = [] if blocked is None else blocked if isinstance(blocked, list) else [blocked]
    patterns = [entry.get("pattern") if isinstance(entry, dict) else None for entry in entries]
    return all(isinstance(pattern, str) and re.fullmatch(r"\+[1-9][0-9]*\*?", pattern) for pattern in patterns)


def trace_bytes(decision: Decision) -> int:
    return len(json.dumps(account(decision)["trace"], ensure_ascii=False).encode(errors="replace"))


@pytest.mark.parametrize("name", ["r" * 5000, "ü" * 5000, "\ud800" * 5000])
def test_the_trace_stays_short_whatever_a_rule_is_called(name: str) -> None:
    assert trace_bytes(decided(rules(rule(id=name)))) <= 2048


@given(items, calls, instants)
def test_any_call_on_any_number_is_decided_for_a_known_reason_in_a_short_trace(
    item: dict[str, Any], call: IncomingCall, at: int
) -> None:
    number = number_from_item(item)
    decision = decide(number, call, at)
    assert decision.action in ACTIONS
    assert decision.reason in REASONS
    assert decision == decide(number, call, at)
    assert trace_bytes(decision) <= 2048
    Shown.of(account(decision))


@given(garbage, calls, st.integers())
def test_whatever_is_stored_the_decision_never_raises(item: dict[str, Any], call: IncomingCall, at: int) -> None:
    decision = decide(number_from_item(item), call, at)
    assert decision.action in ACTIONS
    assert decision.reason in REASONS
    assert trace_bytes(decision) <= 2048
    if caller_of(call.caller).e164 is not None and not makes_sense(item.get("blockedPrefixes")):
        assert decision.action == "reject"
    if item.get("status") != "active" or item.get("direction") not in ("inbound", "both"):
        assert decision.action == "reject"


@given(items, prefix_garbage, calls, instants)
def test_nobody_with_a_number_gets_past_blocked_prefixes_that_cannot_be_read(
    item: dict[str, Any], stored: Any, call: IncomingCall, at: int
) -> None:
    assume(caller_of(call.caller).e164 is not None)
    assume(not makes_sense(stored))
    assert decide(number_from_item({**item, "blockedPrefixes": stored}), call, at).action == "reject"


@given(items, calls, instants, st.data())
def test_the_order_in_which_rules_and_entries_are_stored_never_matters(
    item: dict[str, Any], call: IncomingCall, at: int, data: st.DataObject
) -> None:
    lists = [
        name for name in ("callRoutingRules", "usageThresholds", "blockedPrefixes", "allowedPrefixes") if name in item
    ]
    shuffled = item | {name: data.draw(st.permutations(item[name])) for name in lists}
    turned = replace(call, blocked=call.blocked[::-1], allowed=call.allowed[::-1])
    assert decide(number_from_item(shuffled), turned, at) == decide(number_from_item(item), call, at)


@given(items, rule_lists.filter(bool), calls, instants, whens, thens)
def test_a_rule_of_later_priority_never_changes_a_call_that_an_earlier_one_routed(
    item: dict[str, Any], listed: list[dict[str, Any]], call: IncomingCall, at: int, when: Any, then: Any
) -> None:
    before = decide(number_from_item({**item, "callRoutingRules": listed}), call, at)
    added = [rule(then, when, len(listed)), *listed]
    after = decide(number_from_item({**item, "callRoutingRules": added}), call, at)
    if any(step.step == "rules" and step.outcome == "decided" for step in before.trace):
        assert after == before
    else:
        assert after.rule_id in (None, f"r{len(listed)}")
