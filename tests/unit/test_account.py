"""A decision as the call's record keeps it: in the public words, and small."""

import json

from switchboard.routing.answer import account, longest_seconds
from switchboard.routing.decide import PIPELINE, Decision, Step, Suspicion, decide
from switchboard.routing.number import Answerer, IncomingCall, Number


def number(**settings: object) -> Number:
    assistant = Answerer("a1", "assistant")
    base = {"id": "pn_1", "business": "acme", "phone_number": "+14155550100", "status": "active", "direction": "both"}
    return Number(**base | {"answerer": assistant} | settings)  # type: ignore[arg-type]


def test_what_is_absent_is_left_out() -> None:
    told = account(decide(number(), IncomingCall("c1", "+12025550123"), 0))
    assert told.keys() == {"action", "reason", "id", "isOpen", "trace"}
    assert told["trace"][0] == {"step": "status", "outcome": "passed"}


def test_the_trace_of_any_decision_stays_within_two_kilobytes() -> None:
    steps = tuple(Step(name, "observed", "\N{EURO SIGN}" * 5000) for name, _ in PIPELINE)
    told = account(Decision("reject", "fallback", trace=(*steps, Step("capacity", "decided", "x" * 5000))))
    assert len(json.dumps(told["trace"], ensure_ascii=False).encode()) <= 2048


def test_spam_is_told_with_its_reasons_and_whether_it_decided() -> None:
    spam = Suspicion(80, 70, (("many-numbers", 40), ("short-calls", 40)), enforced=False)
    assert account(Decision("assistant", "default", spam=spam))["spam"] == {
        "score": 80,
        "threshold": 70,
        "enforced": False,
        "reasons": [{"reason": "many-numbers", "weight": 40}, {"reason": "short-calls", "weight": 40}],
    }


def test_the_longest_duration_is_told_on_a_capped_number_and_never_of_a_workflow() -> None:
    assert longest_seconds(Decision("assistant", "default", id="a1"), number()) is None
    capped = number(max_concurrent_calls=1)
    assert longest_seconds(Decision("assistant", "default", id="a1"), capped) == 600
    assert longest_seconds(Decision("workflow", "default", id="w1"), capped) is None
    assert longest_seconds(Decision("voicemail", "default"), capped) is None
