"""What a call cost, and for what: from Vapi's breakdown, else from its list of costs."""

from decimal import Decimal
from typing import Any

import pytest

from switchboard.calls.costs import costs_of

LISTED = [
    {"type": "transport", "provider": "twilio", "minutes": 1.045, "cost": 0.0084},
    {"type": "transcriber", "cost": 0.0104},
    {"type": "model", "cost": 0.0021},
    {"type": "model", "cost": 0.0009},
    {"type": "voice", "cost": 0.0364},
    {"type": "vapi", "subType": "normal", "cost": 0.0523},
    {"type": "voicemail-detection", "cost": 0.001},
    {"type": "knowledge-base", "cost": 0.002},
    {"type": "analysis", "analysisType": "summary", "cost": 0.0003},
    {"type": "analysis", "analysisType": "structuredData", "cost": 0.0004},
    {"type": "session", "cost": 0.01},
]
BREAKDOWN = {
    "transport": 0.0084,
    "stt": 0.0104,
    "llm": 0.003,
    "tts": 0.0364,
    "vapi": 0.0523,
    "chat": 0,
    "total": 0.1142,
    "llmPromptTokens": 812,
    "ttsCharacters": 210,
    "knowledgeBaseCost": 0.002,
    "voicemailDetectionCost": 0.001,
    "analysisCostBreakdown": {"summary": 0.0003, "structuredData": 0.0004, "summaryPromptTokens": 90},
}
CENTS = {
    "transport": Decimal("0.84"),
    "stt": Decimal("1.04"),
    "llm": Decimal("0.3"),
    "tts": Decimal("3.64"),
    "vapi": Decimal("5.23"),
    "knowledgeBase": Decimal("0.2"),
    "voicemailDetection": Decimal("0.1"),
    "analysis": Decimal("0.07"),
}


def test_amounts_of_the_breakdown_are_cents_and_counts_of_tokens_are_no_money() -> None:
    assert costs_of({"costBreakdown": BREAKDOWN}) == CENTS


def test_without_a_breakdown_the_list_is_added_up_by_kind() -> None:
    assert costs_of({"costs": LISTED}) == CENTS | {"other": Decimal(1)}


def test_what_is_in_both_is_not_counted_twice() -> None:
    assert costs_of({"costBreakdown": BREAKDOWN, "costs": LISTED}) == CENTS


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"costBreakdown": None, "costs": None},
        {"costBreakdown": {"stt": "free", "llm": None, "tts": -1, "vapi": True, "analysisCostBreakdown": []}},
        {"costs": {"type": "vapi", "cost": 1}},
        {"costs": [None, 5, {"type": "vapi"}, {"type": [], "cost": float("inf")}]},
    ],
)
def test_what_is_no_amount_is_left_out(source: dict[str, Any]) -> None:
    assert costs_of(source) == {}
