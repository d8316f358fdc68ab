"""What a call cost, in US cents, and for what; and what usage costs in cents of the deployment's currency.

Vapi bills in US dollars. What a call cost is kept as Vapi says it, and so is what it adds to usage: a rate that changes
changes no fact. It is reckoned in the deployment's currency where it is shown or compared as a sum.
"""

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Tariff:
    """per_minute: cents of the deployment's currency for a carrier's minute; None where it has no price.

    dollar: what a US dollar is worth in that currency; None where nobody knows.
    """

    per_minute: Decimal | None
    dollar: Decimal | None

    def vapis(self, us_cents: Decimal) -> Decimal | None:
        """What Vapi charged, in cents of the deployment's currency; None where nobody knows."""
        return None if self.dollar is None else us_cents * self.dollar

    def carriers(self, seconds: Decimal) -> Decimal:
        """What the carrier asks for so much talk, in the same."""
        return seconds * (self.per_minute or 0) / 60


def cents(dollars: Any) -> Decimal | None:
    """Vapi's amounts are in US dollars; kept in US cents with four decimals. None for what is no amount."""
    if isinstance(dollars, bool) or not isinstance(dollars, int | float | Decimal):
        return None
    try:
        amount = (Decimal(str(dollars)) * 100).quantize(Decimal("0.0001"))
    except InvalidOperation:  # infinite, or more than there is money
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def costs_of(source: Mapping[str, Any]) -> dict[str, Decimal]:
    """US cents by kind from a report or a call's row; a kind that cost nothing is left out.

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
