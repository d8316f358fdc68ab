"""What a call cost, in cents, and for what. Read leniently from Vapi's dollars; what is no amount is left out."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

_OF_BREAKDOWN = {
    "transport": "transport",
    "stt": "stt",
    "llm": "llm",
    "tts": "tts",
    "vapi": "vapi",
    "chat": "chat",
    "knowledgeBaseCost": "knowledgeBase",
    "voicemailDetectionCost": "voicemailDetection",
}
"""A key of Vapi's `costBreakdown` that is an amount -> our kind. Its other keys count tokens and characters."""

_OF_ANALYSIS = ("summary", "structuredData", "successEvaluation")
"""The amounts of `costBreakdown.analysisCostBreakdown`."""

_OF_LIST = {
    "transport": "transport",
    "transcriber": "stt",
    "model": "llm",
    "voice": "tts",
    "vapi": "vapi",
    "chat": "chat",
    "knowledge-base": "knowledgeBase",
    "voicemail-detection": "voicemailDetection",
    "analysis": "analysis",
}
"""A type in Vapi's `costs` -> our kind; a type that is new is one of `other`."""


def cents(dollars: Any) -> Decimal | None:
    """Vapi's amounts are in US dollars; kept in cents with four decimals. None for what is no amount."""
    if isinstance(dollars, bool) or not isinstance(dollars, int | float | Decimal):
        return None
    try:
        amount = (Decimal(str(dollars)) * 100).quantize(Decimal("0.0001"))
    except InvalidOperation:  # infinite, or more than there is money
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def costs_of(source: Mapping[str, Any]) -> dict[str, Decimal]:
    """Cents by kind from a report or a call's row; a kind that cost nothing is left out.

    `costBreakdown` is what real reports and rows carry, `costs` what Vapi's document promises; one of them is enough.
    """
    breakdown, listed = source.get("costBreakdown"), source.get("costs")
    added: dict[str, Decimal] = {}
    if isinstance(breakdown, dict):
        for name, kind in _OF_BREAKDOWN.items():
            _add(added, kind, breakdown.get(name))
        analysis = breakdown.get("analysisCostBreakdown")
        if isinstance(analysis, dict):
            for name in _OF_ANALYSIS:
                _add(added, "analysis", analysis.get(name))
    elif isinstance(listed, list):
        for each in listed:
            if isinstance(each, dict):
                _add(added, _OF_LIST.get(str(each.get("type")), "other"), each.get("cost"))
    return added


def _add(added: dict[str, Decimal], kind: str, dollars: Any) -> None:
    amount = cents(dollars)
    if amount:
        added[kind] = added.get(kind, Decimal(0)) + amount
