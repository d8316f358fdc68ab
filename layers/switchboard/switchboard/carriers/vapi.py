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
    """A phone number's row at Vapi. number is None until it is known, or if it came masked.

    org_id: the organisation that it is in. token: of ours, in its server's headers. answerer: the assistant, squad or
    workflow that answers without asking us. fallback: where callers go when we do not answer, without what Vapi fills
    in of itself; None is nowhere. has_hooks: some of its calls are dealt with by hooks, of which none are ours.
    """

    id: str
    number: str | None
    status: str | None
    server_url: str | None
    created_at: str
    org_id: str | None = None
    provider: str | None = None
    token: str | None = None
    answerer: str | None = None
    name: str | None = None
    fallback: Mapping[str, Any] | None = None
    has_hooks: bool = False


@dataclass(frozen=True)
class Vapi:
    api: Api

    @classmethod
    def connect(cls, base_url: str, api_key: str) -> "Vapi":
        return cls(Api("Vapi", base_url, bearer(api_key)))

    @classmethod
    def dialling(cls, base_url: str, api_key: str) -> "Vapi":
        """For who places a call while its owner waits: each request ends within 9 seconds and is sent once."""
        return cls(Api("Vapi", base_url, bearer(api_key), read_timeout=6, reads_again=False))

    def register_number(self, registration: Mapping[str, Any]) -> VapiNumber:
        """Buys a number of Vapi's own, or imports one of a carrier's, at once. Sent exactly once.

        There is no search, no dry run and no idempotency key.

        Raises Refused if Vapi will not have it, OutcomeUnknown or ProviderFailed if it may have been done all the
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

    def update_number(self, vapi_id: str, provider: str, changes: Mapping[str, Any]) -> bool:
        """Replaces what is given, leaves the rest; False if Vapi does not have the number (any more).

        provider: Vapi's word for where the number is from, the body's discriminator.
        """
        return self._unless_gone("PATCH", f"/phone-number/{vapi_id}", {"provider": provider, **changes})

    def numbers(self) -> Iterator[VapiNumber]:
        """Every number of the organisation, whoever registered it, the newest first."""
        yield from map(_number, self._listed("/phone-number", "createdAt", {}))

    def put_right(self, vapi_id: str, provider: str, wanted: Mapping[str, Any]) -> VapiNumber | None:
        """Replaces what is given and tells what the number is then: a null is sometimes dropped. None if it is gone."""
        try:
            return _number(self.api.ask("PATCH", f"/phone-number/{vapi_id}", body={"provider": provider, **wanted}))
        except Refused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def place_call(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """Places an outbound call at once and answers with its row. Sent exactly once; there is no idempotency key.

        Raises as `register_number`.
        """
        row: dict[str, Any] = self.api.ask("POST", "/call", body=call)
        return row

    def find_call(self, vapi_id: str, name: str, since: int) -> dict[str, Any] | None:
        """The row of a number's call by the name that we gave it, if it was created since then (Unix seconds)."""
        query = {"phoneNumberId": vapi_id, "createdAtGe": _iso(since * 1000)}
        return next((row for row in self._listed("/call", "createdAt", query) if row.get("name") == name), None)

    def get_call(self, call_id: str) -> dict[str, Any] | None:
        return self._get(f"/call/{call_id}")

    def calls_created(self, since: int) -> Iterator[dict[str, Any]]:
        """Rows of the calls that began since that instant (Unix seconds), the newest first."""
        yield from self._listed("/call", "createdAt", {"createdAtGe": _iso(since * 1000)})

    def is_in_call(self, vapi_id: str, since: int) -> bool:
        """Whether a call of the number that began since that instant (Unix seconds) is under way."""
        query = {"phoneNumberId": vapi_id, "createdAtGe": _iso(since * 1000)}
        return any(map(is_under_way, self._listed("/call", "createdAt", query)))

    def release_number(self, vapi_id: str) -> bool:
        """Releases it; False if Vapi does not have it (any more)."""
        return self._unless_gone("DELETE", f"/phone-number/{vapi_id}")

    def org_id(self) -> str | None:
        """The organisation that the key is of; None where it has no number, the rows of which tell it."""
        rows = self.api.ask("GET", "/phone-number", query={"limit": 1})
        return _number(rows[0]).org_id if rows else None

    def get_assistant(self, assistant_id: str) -> dict[str, Any] | None:
        return self._get(f"/assistant/{assistant_id}")

    def get_squad(self, squad_id: str) -> dict[str, Any] | None:
        return self._get(f"/squad/{squad_id}")

    def assistants(self) -> Iterator[dict[str, Any]]:
        """Every assistant of the organisation, the newest first."""
        yield from self._listed("/assistant", "createdAt", {})

    def squads(self) -> Iterator[dict[str, Any]]:
        """Every squad of the organisation, the newest first."""
        yield from self._listed("/squad", "createdAt", {})

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


BLOCKED = "blocked"
"""The status of a number that Vapi does not let be used. What brings it about, or ends it, is documented nowhere."""

_NOT_UNDER_WAY = frozenset({"scheduled", "ended", "not-found", "deletion-failed"})


def is_under_way(call: Mapping[str, Any]) -> bool:
    """Whether a call, by its row, was begun and has not ended; so is one whose status nobody has heard of yet."""
    return call.get("status") not in _NOT_UNDER_WAY


UNASSIGNED: Mapping[str, Any] = {"assistantId": None, "squadId": None, "workflowId": None, "hooks": []}
"""A number that nobody is assigned to, and that has no hooks, makes Vapi ask us who answers."""

_FILLED_IN = {"message": "", "numberE164CheckEnabled": True, "transferPlan": {"mode": "blind-transfer"}}
"""What a destination is where it does not say, or as we say it."""


def server_of(url: str, token: str) -> dict[str, Any]:
    """The server of a number, as a whole: Vapi replaces it so. Our token lets us know that it is Vapi that asks."""
    return {"url": url, "headers": {TOKEN_HEADER: token}, "backoffPlan": BACKOFF}


def held_at_vapi(*, name: str | None, fallback: str | None) -> dict[str, Any]:
    """Vapi's copy of what we hold; null takes a value away. A fallback takes the caller over in silence."""
    destination = {"type": "number", "number": fallback, "message": ""} if fallback else None
    return {"name": name, "fallbackDestination": destination}


def fallback_of(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The fallback destination of a number, or of what it is to hold, in the words in which two can be compared."""
    destination = _object(row, "fallbackDestination")
    told = {name: value for name, value in destination.items() if value not in (None, _FILLED_IN.get(name))}
    told.pop("description", None)
    return told or None


def _number(row: Mapping[str, Any]) -> VapiNumber:
    number, server = row.get("number"), _object(row, "server")
    return VapiNumber(
        id=row["id"],
        number=number if isinstance(number, str) and "*" not in number else None,
        status=row.get("status"),
        server_url=server.get("url"),
        created_at=row["createdAt"],
        org_id=row.get("orgId"),
        provider=row.get("provider"),
        token=_object(server, "headers").get(TOKEN_HEADER),
        answerer=row.get("assistantId") or row.get("squadId") or row.get("workflowId"),
        name=row.get("name"),
        fallback=fallback_of(row),
        has_hooks=bool(row.get("hooks")),
    )


def _object(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = row.get(name)
    return value if isinstance(value, Mapping) else {}


def _iso(instant_ms: int) -> str:
    return datetime.fromtimestamp(instant_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
