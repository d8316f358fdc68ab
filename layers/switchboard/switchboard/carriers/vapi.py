"""Vapi's REST API, as much of it as Switchboard uses. Shapes: Vapi's OpenAPI document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from switchboard.carriers.http import Api, Refused, bearer
from switchboard.webhook_token import TOKEN_HEADER

PAGE = 100
BACKOFF = {
    "type": "exponential",
    "maxRetries": 3,
    "baseDelaySeconds": 1,
    "excludedStatusCodes": [400, 401, 403, 404],
}
"""How Vapi repeats a message that we could not take; an answer of 4xx is final. Unset, it would not repeat at all."""


@dataclass(frozen=True)
class VapiNumber:
    """A phone number's row at Vapi. number is None until it is known, or if it came masked."""

    id: str
    number: str | None
    status: str | None
    server_url: str | None
    created_at: str


@dataclass(frozen=True)
class Vapi:
    api: Api

    @classmethod
    def connect(cls, base_url: str, api_key: str) -> "Vapi":
        return cls(Api("Vapi", base_url, bearer(api_key)))

    def buy_number(self, registration: Mapping[str, Any]) -> VapiNumber:
        """Buys at once: there is no search, no dry run and no idempotency key. Sent exactly once.

        Raises Refused if Vapi will not sell it, OutcomeUnknown or ProviderFailed if it may have been bought all the
        same, and other ProviderErrors if it certainly was not.
        """
        return _number(self.api.ask("POST", "/phone-number", body=registration))

    def get_number(self, vapi_id: str) -> VapiNumber | None:
        """None if Vapi does not have it (any more)."""
        row = self._get(f"/phone-number/{vapi_id}", absent=(HTTPStatus.NOT_FOUND,))
        return None if row is None else _number(row)

    def find_numbers(self, server_url: str, since: int) -> list[VapiNumber]:
        """The numbers registered since that instant (Unix seconds) under a server URL, the oldest first."""
        rows = self._listed("/phone-number", "createdAt", {"createdAtGe": _iso(since * 1000)})
        found = [number for number in map(_number, rows) if number.server_url == server_url]
        return sorted(found, key=lambda number: number.created_at)

    def update_number(self, vapi_id: str, changes: Mapping[str, Any]) -> bool:
        """Replaces what is given, leaves the rest; False if Vapi does not have the number (any more)."""
        # `provider` is the body's discriminator and always sent.
        return self._unless_gone("PATCH", f"/phone-number/{vapi_id}", {"provider": "vapi", **changes})

    def release_number(self, vapi_id: str) -> None:
        """Releases it. One that is gone already is released."""
        self._unless_gone("DELETE", f"/phone-number/{vapi_id}")

    def get_assistant(self, assistant_id: str) -> dict[str, Any] | None:
        return self._get(f"/assistant/{assistant_id}")

    def get_squad(self, squad_id: str) -> dict[str, Any] | None:
        return self._get(f"/squad/{squad_id}")

    def calls_updated(self, since_ms: int, until_ms: int) -> Iterator[dict[str, Any]]:
        """Rows of the calls that changed between two instants (Unix milliseconds), each once."""
        window = {"updatedAtGe": _iso(since_ms), "updatedAtLe": _iso(until_ms)}
        yield from self._listed("/call", "createdAt", window)

    def _get(
        self, path: str, *, absent: tuple[HTTPStatus, ...] = (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST)
    ) -> dict[str, Any] | None:
        """None for the statuses that mean absence; a 400 says that an id, chosen by a caller, is no UUID."""
        try:
            row: dict[str, Any] = self.api.ask("GET", path)
        except Refused as refused:
            if refused.status in absent:
                return None
            raise
        return row

    def _unless_gone(self, method: str, path: str, body: Any = None) -> bool:
        try:
            self.api.ask(method, path, body=body)
        except Refused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    def _listed(self, path: str, order: str, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """All rows of a list that comes newest first and has no cursor.

        Pages by the oldest instant seen, which is asked for again since several rows may share it.
        """
        seen: set[str] = set()
        page = dict(query)
        while True:
            rows = self.api.ask("GET", path, query={**page, "limit": PAGE})
            fresh = [row for row in rows if row["id"] not in seen]
            yield from fresh
            seen |= {row["id"] for row in fresh}
            if len(rows) < PAGE or not fresh:
                return
            page[f"{order}Le"] = min(row[order] for row in rows)


def registration(
    *, server_url: str, token: str, name: str | None, area_code: str | None, fallback: str | None
) -> dict[str, Any]:
    """The body that buys a number bare, so that Vapi asks us who answers: no assistant, our server, our token."""
    wanted = {"provider": "vapi", "numberDesiredAreaCode": area_code, **held_at_vapi(name=name, fallback=fallback)}
    server = {"url": server_url, "headers": {TOKEN_HEADER: token}, "backoffPlan": BACKOFF}
    return {key: value for key, value in wanted.items() if value is not None} | {"server": server}


def held_at_vapi(*, name: str | None, fallback: str | None) -> dict[str, Any]:
    """Vapi's copy of what we hold; null takes a value away. A fallback takes the caller over in silence."""
    destination = {"type": "number", "number": fallback, "message": ""} if fallback else None
    return {"name": name, "fallbackDestination": destination}


def _number(row: Mapping[str, Any]) -> VapiNumber:
    number = row.get("number")
    server = row.get("server")
    return VapiNumber(
        id=row["id"],
        number=number if isinstance(number, str) and "*" not in number else None,
        status=row.get("status"),
        server_url=server.get("url") if isinstance(server, dict) else None,
        created_at=row["createdAt"],
    )


def _iso(instant_ms: int) -> str:
    return datetime.fromtimestamp(instant_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
