"""One way to talk to a provider: explicit timeouts, own User-Agent, errors by name, no POST sent twice.

A request that was never sent and one whose answer was never heard are different errors, since only the first may be
sent again. No text that leaves here, the causes of errors included, holds any part of a credential.
"""

import base64
import json
import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProtocolError, ReadTimeoutError

from switchboard.errors import (
    OutcomeUnknown,
    ProviderBusy,
    ProviderCredentialsRejected,
    ProviderError,
    ProviderFailed,
    ProviderUnreachable,
)

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse  # not in urllib3 1.26, which a Lambda runtime may have

USER_AGENT = "switchboard/0.1 (+phone-number control plane)"
"""Vapi's edge turns away the default agents of Python's HTTP clients with a 403."""

READ_AGAIN_AFTER = (0.0, 0.6)
"""Seconds. A GET is asked up to three times within one; nothing else is ever repeated here, nor is what hangs."""

PASSING = frozenset({429, 502, 503, 504})
"""What may be over in a moment. Nobody is asked again in a moment who says how long to wait."""

LONGEST_PAUSE = 1
"""Seconds for which a provider may ask, and be asked again at once."""

CONNECT_TIMEOUT = 3

SHORTEST = 1.0
"""Seconds: no request is begun that has less. It could hardly be answered, and would then have to be looked up."""

LARGEST_XML = 5_000_000
"""Bytes. A page of the longest list that a carrier sends as XML is a tenth of it."""

RENEWED_BEFORE = 60
"""Seconds before its end that an access token is no longer used."""

_ACCOUNTS_AND_KEYS = re.compile(r"\b(AC|SK)[0-9a-fA-F]{32}\b")
_SHORTEST_SECRET = 6
"""Anything shorter is no secret, and hiding it would garble a text."""


@dataclass(frozen=True, eq=False)
class Turn:
    """How long the outside may be asked while one invocation is at work, and who has failed in it.

    ends: on the clock, seconds. one_failure_each: a provider that has failed is left in peace for the rest of it.
    """

    ends: float
    one_failure_each: bool = False
    clock: Callable[[], float] = time.monotonic
    failed: set[str] = field(default_factory=set)

    @property
    def is_over(self) -> bool:
        return self.ends - self.clock() < SHORTEST

    def left_for(self, provider: str) -> float:
        """Seconds that a request to it has. Raises ProviderUnreachable if it is not to be asked any more."""
        if self.is_over:
            raise ProviderUnreachable(f"{provider} was not asked any more: too little time was left.")
        if self.one_failure_each and provider in self.failed:
            raise ProviderUnreachable(f"{provider} was not asked: it has failed a moment ago.")
        return self.ends - self.clock()


_TURN: ContextVar[Turn | None] = ContextVar("turn", default=None)


@contextmanager
def turn(
    seconds: float, *, one_failure_each: bool = False, clock: Callable[[], float] = time.monotonic
) -> Iterator[Turn]:
    """While the block lasts, all requests are over within so many seconds, whoever makes them.

    A turn within another ends with it at the latest.
    """
    outer = _TURN.get()
    now = Turn(clock() + seconds, one_failure_each, clock)
    if outer is not None:
        now = replace(outer, ends=min(outer.ends, now.ends))
    token = _TURN.set(now)
    try:
        yield now
    finally:
        _TURN.reset(token)


class Refused(Exception):
    """The provider understood the request and said no: a 4xx other than 401, 403 and 429.

    code: the provider's own, where it has one.
    """

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(status, message, code)
        self.status = status
        self.message = message
        self.code = code


class Cause(Exception):
    """Why a request was not answered: the text of the network's own error, free of credentials."""


@dataclass(frozen=True)
class Format:
    """How bodies are written and answers read. `decode` raises ValueError for what it cannot read."""

    content_type: str
    accept: str
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


def _form(fields: Mapping[str, Any]) -> bytes:
    return urlencode(_texts(fields), doseq=True).encode()


def _texts(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Values as forms and queries have them: true and false in small letters; None is left out."""
    return {
        key: str(value).lower() if isinstance(value, bool) else value
        for key, value in fields.items()
        if value is not None
    }


def _xml(data: bytes) -> ET.Element:
    if len(data) > LARGEST_XML or b"<!DOCTYPE" in data:
        raise ValueError("an answer has neither millions of characters nor a document type")
    try:
        return ET.fromstring(data)  # noqa: S314 - no entity can be declared without a document type
    except ET.ParseError as error:
        raise ValueError(str(error)) from error


JSON = Format("application/json", "application/json", lambda body: json.dumps(body).encode(), json.loads)

FORM = Format(
    "application/x-www-form-urlencoded",
    "application/json",
    _form,
    lambda data: json.loads(data, parse_float=Decimal),
)
"""Forms out, JSON in; fractions come as exact decimals."""

XML = Format(
    "application/xml; charset=utf-8",
    "application/xml",
    lambda element: ET.tostring(element, encoding="utf-8", xml_declaration=True),
    _xml,
)
"""Elements out and in."""


class Authorization(Protocol):
    """What proves to a provider who is asking."""

    def header(self) -> str:
        """The value of `Authorization`. Raises ProviderError if it has to be fetched and cannot be."""
        ...

    def renew(self) -> bool:
        """Told that the header was rejected; whether another one is worth a second try."""
        ...

    def secrets(self) -> Iterable[str]:
        """What no text may hold."""
        ...


@dataclass(frozen=True, repr=False)
class _Fixed:
    value: str
    hidden: tuple[str, ...]

    def header(self) -> str:
        return self.value

    def renew(self) -> bool:
        return False

    def secrets(self) -> Iterable[str]:
        return self.hidden


def bearer(key: str) -> Authorization:
    """A key that is sent as it is."""
    return _Fixed(f"Bearer {key}", (key,))


def basic(user: str, password: str) -> Authorization:
    """HTTP Basic (RFC 7617)."""
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return _Fixed(f"Basic {encoded}", (password, user, encoded))


class ClientCredentials:
    """OAuth 2.0 client credentials (RFC 6749, 4.4): an access token, kept until a minute before its end.

    issuer: the API of the token's endpoint, which takes forms. clock: seconds, from any start.
    """

    def __init__(self, issuer: "Api", path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._path = path
        self._clock = clock
        self._token = ""
        self._good_until = float("-inf")

    def header(self) -> str:
        if self._clock() >= self._good_until:
            self._fetch()
        return f"Bearer {self._token}"

    def renew(self) -> bool:
        self._good_until = float("-inf")
        return True

    def secrets(self) -> Iterable[str]:
        return (self._token, *self._issuer.authorization.secrets())

    def _fetch(self) -> None:
        asked = self._clock()
        try:
            answer = self._issuer.ask("POST", self._path, body={"grant_type": "client_credentials"})
        except Refused as refused:  # RFC 6749, 5.2: 400 also means that the client is not known or not allowed
            raise ProviderCredentialsRejected(
                f"{self._issuer.provider} gave this deployment no access token: {refused.message}"
            ) from refused
        except OutcomeUnknown as unknown:  # of the token, not of what it is for, which was never sent
            raise ProviderUnreachable(f"{self._issuer.provider} could not be asked for an access token.") from unknown
        self._token = answer["access_token"]
        self._good_until = asked + float(answer.get("expires_in", 3600)) - RENEWED_BEFORE


Complaint = tuple[str | None, str]
"""A provider's own code for what is wrong, and its words."""


def message_of(body: Any) -> Complaint:
    """The words of {"message": string | string[]}."""
    message = body.get("message", "") if isinstance(body, dict) else ""
    return None, "; ".join(map(str, message)) if isinstance(message, list) else str(message)


class Api:
    """A provider's HTTP API.

    read_timeout: seconds to wait for an answer. reads_again: whether a GET is repeated. complaint: finds code and words
    in the decoded body of a refusal.
    """

    def __init__(
        self,
        provider: str,
        base_url: str,
        authorization: Authorization,
        wire: Format = JSON,
        *,
        complaint: Callable[[Any], Complaint] = message_of,
        read_timeout: float = 20,
        reads_again: bool = True,
    ) -> None:
        self.provider = provider
        self.base_url = base_url.rstrip("/")
        self.authorization = authorization
        self.wire = wire
        self._complaint = complaint
        self._reads_again = reads_again
        self._read_timeout = read_timeout
        self._pool = urllib3.PoolManager(retries=False)

    def ask(self, method: str, path: str, *, body: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        """The decoded answer, None where it has no body. path begins with a slash and is quoted already.

        Raises Refused, or the ProviderError that tells whether the request was ever processed. A request that was
        turned away for its access token is sent again with a new one: it was not processed.
        """
        if not path.startswith("/"):
            raise ValueError(f"{self.provider} has no path {path}")  # else it could become part of the host's name
        url = self.base_url + path + (f"?{urlencode(_texts(query), doseq=True)}" if query else "")
        data = None if body is None else self.wire.encode(body)
        answer = self._sent(method, url, data)
        if answer.status == HTTPStatus.UNAUTHORIZED and self.authorization.renew():
            answer = self._sent(method, url, data)
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return self._decoded(answer.data)
        raise self._error(answer)

    def redacted(self, text: str) -> str:
        """The text without anything of the credentials, however it is encoded in a URL."""
        secrets = {secret for secret in self.authorization.secrets() if len(secret) >= _SHORTEST_SECRET}
        for secret in sorted(secrets | {quote(secret, safe="") for secret in secrets}, key=len, reverse=True):
            text = text.replace(secret, "***")
        return _ACCOUNTS_AND_KEYS.sub(r"\1***", text)

    def _sent(self, method: str, url: str, data: bytes | None) -> "BaseHTTPResponse":
        headers = {
            "User-Agent": USER_AGENT,
            "Accept": self.wire.accept,
            "Authorization": self.authorization.header(),
        }
        if data is not None:
            headers["Content-Type"] = self.wire.content_type
        now = _TURN.get() or Turn(math.inf)
        pauses = [*READ_AGAIN_AFTER] if method == "GET" and self._reads_again else []
        while True:
            timeout = self._timeout(now.left_for(self.provider))
            try:
                answer = self._pool.request(method, url, body=data, headers=headers, timeout=timeout, redirect=False)
            except HTTPError as error:
                if not isinstance(error, ProtocolError):  # a connection that breaks off costs nobody time
                    now.failed.add(self.provider)
                if _is_hanging(error) or not pauses:
                    raise self._unanswered(error) from Cause(self.redacted(repr(error)))
            else:
                if answer.status not in PASSING:
                    return answer
                if not pauses or (_retry_after(answer) or 0) > LONGEST_PAUSE:
                    now.failed.add(self.provider)
                    return answer
            time.sleep(pauses.pop(0))

    def _timeout(self, left: float) -> urllib3.Timeout:
        total = None if math.isinf(left) else left
        return urllib3.Timeout(total=total, connect=min(CONNECT_TIMEOUT, left), read=min(self._read_timeout, left))

    def _unanswered(self, error: HTTPError) -> ProviderError:
        if isinstance(error, NewConnectionError | ConnectTimeoutError):
            return ProviderUnreachable(f"{self.provider} could not be reached.")
        return OutcomeUnknown(f"{self.provider} did not answer.")

    def _error(self, answer: "BaseHTTPResponse") -> ProviderError | Refused:
        status = answer.status
        code, message = self._complained(answer.data)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return ProviderCredentialsRejected(
                f"{self.provider} rejected this deployment's credentials ({status}): {message}"
            )
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return ProviderBusy(f"{self.provider} asks to slow down: {message}", _retry_after(answer))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return ProviderFailed(f"{self.provider} failed with {status}: {message}", status)
        return Refused(status, message, code)

    def _decoded(self, data: bytes) -> Any:
        try:
            return self.wire.decode(data) if data else None
        except ValueError as error:
            cause = Cause(self.redacted(repr(error)))
            raise OutcomeUnknown(f"{self.provider} answered something that cannot be read.") from cause

    def _complained(self, data: bytes) -> Complaint:
        """The provider's code and words, shortened and without secrets; nothing for a body that is not understood."""
        try:
            code, message = self._complaint(self.wire.decode(data))
        except (ValueError, AttributeError):
            return None, ""
        return code, self.redacted(message)[:300]


def _is_hanging(error: HTTPError) -> bool:
    """In urllib3 1.26 a connection that was refused is a kind of one that took too long."""
    return isinstance(error, ConnectTimeoutError | ReadTimeoutError) and not isinstance(error, NewConnectionError)


def _retry_after(answer: "BaseHTTPResponse") -> int | None:
    """Seconds that the provider asks to wait, where it says so in seconds (RFC 9110, 10.2.3)."""
    text = answer.headers.get("Retry-After", "")
    return int(text) if text.isdecimal() else None
