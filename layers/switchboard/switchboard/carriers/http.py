"""One way to talk to a provider: explicit timeouts, own User-Agent, errors by name, no POST sent twice.

A request that was never sent and one whose answer was never heard are different errors, since only the first may be
sent again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

from switchboard.errors import (
    OutcomeUnknown,
    ProviderBusy,
    ProviderCredentialsRejected,
    ProviderError,
    ProviderFailed,
    ProviderUnreachable,
)

USER_AGENT = "switchboard/0.1 (+phone-number control plane)"
"""Vapi's edge turns away the default agents of Python's HTTP clients with a 403."""

READS_AGAIN = urllib3.Retry(
    total=2,
    allowed_methods={"GET"},
    status_forcelist={429, 502, 503, 504},
    backoff_factor=0.3,
    raise_on_status=False,
    respect_retry_after_header=False,
)
"""A GET is asked up to three times within a second; nothing else is ever repeated here."""


@dataclass(frozen=True)
class Refused(Exception):
    """The provider understood the request and said no: a 4xx other than 401, 403 and 429."""

    status: int
    message: str


class JsonApi:
    """A provider's JSON API.

    read_timeout: seconds to wait for an answer; a purchase may take as long as the provider needs.
    """

    def __init__(self, provider: str, base_url: str, headers: Mapping[str, str], *, read_timeout: float = 20) -> None:
        self.provider = provider
        self.base_url = base_url.rstrip("/")
        self._headers = {"User-Agent": USER_AGENT, "Accept": "application/json", **headers}
        self._timeout = urllib3.Timeout(connect=3, read=read_timeout)
        self._pool = urllib3.PoolManager(retries=False)

    def ask(self, method: str, path: str, *, body: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        """The answer's JSON. Raises Refused, or the ProviderError that tells whether the request was ever sent."""
        try:
            answer = self._pool.request(
                method,
                self.base_url + path,
                fields=dict(query) if query else None,
                body=None if body is None else json.dumps(body).encode(),
                headers=self._headers if body is None else {**self._headers, "Content-Type": "application/json"},
                timeout=self._timeout,
                retries=READS_AGAIN if method == "GET" else False,
                redirect=False,
            )
        except (NewConnectionError, ConnectTimeoutError, NameResolutionError) as error:
            raise ProviderUnreachable(f"{self.provider} could not be reached.") from error
        except HTTPError as error:
            raise OutcomeUnknown(f"{self.provider} did not answer.") from error
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return self._json(answer.data)
        raise self._error(answer.status, self._message(answer.data))

    def _error(self, status: int, message: str) -> ProviderError | Refused:
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return ProviderCredentialsRejected(f"{self.provider} rejected this deployment's credentials ({status}).")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return ProviderBusy(f"{self.provider} asks to slow down: {message}")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return ProviderFailed(f"{self.provider} failed with {status}: {message}", status)
        return Refused(status, message)

    def _json(self, data: bytes) -> Any:
        try:
            return json.loads(data) if data else None
        except ValueError as error:
            raise OutcomeUnknown(f"{self.provider} answered something that is not JSON.") from error

    @staticmethod
    def _message(data: bytes) -> str:
        """The provider's own words, from a body such as {"message": string | string[]}, shortened."""
        try:
            message = json.loads(data).get("message", "")
        except (ValueError, AttributeError):
            return ""
        text = "; ".join(map(str, message)) if isinstance(message, list) else str(message)
        return text[:300]
