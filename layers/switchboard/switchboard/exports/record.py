"""An export as it is asked for, and how far it is. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Self
from zoneinfo import ZoneInfo

from ulid import ULID

from switchboard.model.export import Export, ExportRequest
from switchboard.store import keys

KEPT_SECONDS = 7 * 86_400
"""How long an export and its file are kept; the bucket's lifecycle rule for `exports/` says the same."""


def export_id(business: str, number_id: str, idempotency_key: str | None, at_ms: int, entropy: bytes) -> str:
    """`ex_` and a ULID: from number and key where there is a key, so that a retry names the same export.

    entropy: 10 random bytes.
    """
    if idempotency_key is None:
        return f"ex_{ULID.from_bytes(at_ms.to_bytes(6) + entropy[:10])}"
    seed = hashlib.sha256(f"export\0{business}\0{number_id}\0{idempotency_key}".encode()).digest()
    return f"ex_{ULID.from_bytes(seed[:16])}"


@dataclass(frozen=True)
class Asked:
    """An export as somebody asked for it; it stands in the work's message and in the item. created: Unix seconds.

    phone_number: the number's E.164, None for one that never had any. request: its JSON, by which two are compared.
    """

    export_id: str
    number_id: str
    business: str
    phone_number: str | None
    request: str
    created: int

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        """From its message or item."""
        return cls(
            export_id=kept["exportId"],
            number_id=kept["numberId"],
            business=kept["business"],
            phone_number=kept["phoneNumber"],
            request=kept["request"],
            created=int(kept["created"]),
        )

    @classmethod
    def from_message(cls, message: str) -> Self:
        return cls.of(json.loads(message))

    def as_json(self) -> dict[str, Any]:
        return {
            "exportId": self.export_id,
            "numberId": self.number_id,
            "business": self.business,
            "phoneNumber": self.phone_number,
            "request": self.request,
            "created": self.created,
        }

    @property
    def expires_at(self) -> int:
        """When it is forgotten, in Unix seconds."""
        return self.created + KEPT_SECONDS

    @cached_property
    def wanted(self) -> ExportRequest:
        return ExportRequest.model_validate_json(self.request)

    @property
    def extension(self) -> str:
        return f"{self.wanted.format}.gz" if self.wanted.compress else self.wanted.format

    @property
    def key(self) -> str:
        """Where the file lies in the bucket."""
        return keys.export_file(self.business, self.number_id, f"{self.export_id}.{self.extension}")

    @property
    def rest_key(self) -> str:
        """Where the rest lies that waits for the next part while nobody writes."""
        return f"{self.key}.rest"

    @property
    def filename(self) -> str:
        """calls-+14155550100-2026-11-01-2026-11-30.csv.gz: the first and the last day, in the asked time zone."""
        zone = ZoneInfo(self.wanted.timezone)
        first, last = (
            datetime.fromtimestamp(at, zone).date().isoformat() for at in (self.wanted.from_, self.wanted.to - 1)
        )
        return f"calls-{self.phone_number or self.number_id}-{first}-{last}.{self.extension}"


def shown(item: Mapping[str, Any]) -> Export:
    """An export's stored item as its owner sees it, without a URL."""
    asked = Asked.of(item)
    return Export(
        export_id=asked.export_id,
        status=item["status"],
        format=asked.wanted.format,
        rows=int(item["rows"]),
        percent=_percent(item, asked),
        error=item.get("error"),
        created=asked.created,
    )


def _percent(item: Mapping[str, Any], asked: Asked) -> int:
    """How much of the time that is asked for, as far as it had gone by when the export was, is written."""
    if item["status"] == "ready":
        return 100
    if item.get("cursor") is None:
        return 0
    began = asked.wanted.from_ * 1000
    all_of_it = min(asked.wanted.to, asked.created) * 1000 - began
    return min(99, int((int(item["cursor"]) - began) * 100 / all_of_it)) if all_of_it > 0 else 99
