"""Zones in which a test's calls are of one day."""

from typing import Any


def at_noon(at: int) -> dict[str, Any]:
    """Business hours in a zone where it is about noon at that instant (Unix seconds)."""
    return {"timezone": f"Etc/GMT{at // 3600 % 24 - 12:+d}", "openingHoursSpecification": []}
