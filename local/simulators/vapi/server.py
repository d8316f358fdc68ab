"""The simulator as an HTTP server on loopback, and as an object in the process of a test."""

import hmac
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Literal, Self

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from local.simulators.vapi.control import control_api
from local.simulators.vapi.delivery import Courier, Delivery
from local.simulators.vapi.errors import Refusal, not_found, unauthorized
from local.simulators.vapi.faults import Fault, FaultPlan, cut
from local.simulators.vapi.rest import Limits, answer_refusal, rest_api
from local.simulators.vapi.ringing import Exchange
from local.simulators.vapi.script import Callee, Ring
from local.simulators.vapi.state import Row, Store

HOST = "127.0.0.1"
_LATE = "switchboard.late"
"""Marks, in the WSGI environment, a request whose work is being done after its client was answered or cut off."""


class VapiSimulator:
    """Vapi, as far as Switchboard can tell: the REST API at ``url``, and calls that it makes when told to.

    ``activation_seconds`` pass before a bought number is active. ``port`` 0 takes a free one. ``number_limit`` is how
    many numbers may be bought (None: any number; Vapi's own is 5 free ones, vapi.md 6.1), ``concurrency_limit`` how
    many calls may be alive at once. ``delivery``, ``callee`` and ``faults`` may be changed at any time.
    """

    def __init__(
        self,
        api_key: str = "vapi-simulator-key",
        activation_seconds: float = 1.0,
        port: int = 0,
        *,
        number_limit: int | None = None,
        concurrency_limit: int = 1000,
        unavailable_area_codes: frozenset[str] = frozenset({"000"}),
        request_timeout_seconds: float = 7.5,
    ) -> None:
        self.api_key = api_key
        self.limits = Limits(number_limit, unavailable_area_codes)
        self.store = Store(activation_seconds)
        self.faults = FaultPlan()
        self.requests: list[Row] = []
        self._courier = Courier()
        self.exchange = Exchange(self.store, self._courier, concurrency_limit)
        self.exchange.request_timeout_seconds = request_timeout_seconds
        self._port = port
        self._server: BaseWSGIServer | None = None
        self._background = ThreadPoolExecutor(max_workers=16, thread_name_prefix="vapi-background")
        self._futures: set[Future[Any]] = set()
        self._stopping = threading.Event()
        self._app = self._build_app()

    @property
    def url(self) -> str:
        """The base of the REST API: ``http://127.0.0.1:<port>``. Only while the simulator runs."""
        if self._server is None:
            raise RuntimeError("the simulator is not running")
        return f"http://{HOST}:{self._server.server_port}"

    @property
    def delivery(self) -> Delivery:
        """How messages travel when a ring does not say."""
        return self.exchange.delivery

    @delivery.setter
    def delivery(self, delivery: Delivery) -> None:
        self.exchange.delivery = delivery

    @property
    def callee(self) -> Callee:
        """Whom outbound calls reach from now on."""
        return self.exchange.callee

    @callee.setter
    def callee(self, callee: Callee) -> None:
        self.exchange.callee = callee

    def start(self) -> Self:
        """Listens on loopback, on a thread of its own."""
        self._server = make_server(HOST, self._port, self._app, threaded=True, request_handler=_QuietHandler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="vapi-simulator", daemon=True).start()
        return self

    def stop(self) -> None:
        """Stops listening and abandons what is still under way. A stopped simulator stays stopped."""
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        self._background.shutdown(wait=False, cancel_futures=True)
        self._courier.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def ring(
        self,
        to: str,
        caller: str | None,
        behaviour: str = "talk",
        talk_seconds: float = 63.0,
        *,
        ended_reason: str | None = None,
        anonymous_as: Literal["anonymous", "missing"] = "anonymous",
        hold: bool = False,
        forward_to: str = "+14155550199",
        forwarded_from: str | None = None,
        delivery: Delivery | None = None,
    ) -> Row:
        """Calls a number and returns what became of it (``Exchange.ring``); parameters are ``Ring``'s."""
        return self.exchange.ring(
            Ring(
                to,
                caller,
                behaviour,
                talk_seconds,
                ended_reason,
                anonymous_as,
                hold,
                forward_to,
                forwarded_from,
                delivery,
            )
        )

    def ring_many(self, rings: Sequence[Ring], concurrency: int = 4) -> list[Row]:
        """Rings all, at most ``concurrency`` at a time; results in the order given."""
        return self.exchange.ring_many(rings, concurrency)

    def hang_up(self, call_id: str, ended_reason: str | None = None) -> Row:
        """Ends a call that was rung with ``hold``."""
        return self.exchange.hang_up(call_id, ended_reason)

    def fault(self, *faults: Fault) -> None:
        """Plans trouble for the REST API."""
        self.faults.add(*faults)

    def state(self) -> dict[str, list[Row]]:
        """``{numbers, assistants, squads, tools, calls}``, newest first."""
        names = {
            "phone-number": "numbers",
            "assistant": "assistants",
            "squad": "squads",
            "tool": "tools",
            "call": "calls",
        }
        return {names[table]: rows for table, rows in self.store.dump().items()}

    def requests_to(self, method: str, path: str) -> list[Row]:
        """The REST requests seen with that method and exact path, in order."""
        return [seen for seen in list(self.requests) if (seen["method"], seen["path"]) == (method, path)]

    def settle(self, timeout_seconds: float = 10.0) -> None:
        """Returns when outbound calls and late commits are done; raises ``TimeoutError`` if they are not in time."""
        deadline = time.monotonic() + timeout_seconds
        while pending := {future for future in list(self._futures) if not future.done()}:
            wait(pending, timeout=max(0.0, deadline - time.monotonic()))
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{len(pending)} pieces of background work are not done")
        for future in list(self._futures):
            self._futures.discard(future)
            future.result()

    def reset(self) -> None:
        """Forgets rows, planned faults, requests seen, held calls; puts delivery and callee back to their defaults."""
        self.store.clear()
        self.faults.clear()
        self.requests.clear()
        self.exchange.clear()

    def _in_background(self, work: Any, *arguments: Any) -> None:
        self._futures.add(self._background.submit(work, *arguments))

    def _build_app(self) -> Flask:
        app = Flask(__name__)
        app.json.sort_keys = False  # type: ignore[attr-defined]
        app.before_request(self._admit)
        app.after_request(self._finish)
        app.register_error_handler(Refusal, answer_refusal)
        app.register_error_handler(HTTPException, _unrouted)
        app.register_blueprint(rest_api(self.store, self.exchange, self.limits, self._in_background))
        app.register_blueprint(control_api(self))
        return app

    def _admit(self) -> Response | tuple[Any, int] | None:
        """Keeps count of a request, lets its fault act, then checks who is asking."""
        if request.path.startswith("/_simulator/") or _LATE in request.environ:
            return None
        seen: Row = {
            "method": request.method,
            "path": request.path,
            "query": request.args.to_dict(),
            "body": request.get_json(silent=True),
            "userAgent": request.headers.get("User-Agent"),
            "status": None,
        }
        self.requests.append(seen)
        request.environ["switchboard.seen"] = seen
        fault = self.faults.take(request.method, request.path)
        if fault and (answer := self._act_out(fault)) is not None:
            return answer
        return self._authenticate()

    def _authenticate(self) -> Response | None:
        if request.headers.get("User-Agent", "").startswith("Python-urllib"):
            return Response("error code: 1010", 403, content_type="text/plain; charset=UTF-8")
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.api_key}".encode()):
            raise unauthorized()
        return None

    def _act_out(self, fault: Fault) -> Response | tuple[Any, int] | None:
        """Does what the fault asks; an answer stands for the work, None lets the work be done."""
        self._stopping.wait(fault.delay_seconds)
        if fault.commit_after_seconds is not None:
            self._in_background(self._commit_late, fault.commit_after_seconds, _replayable())
        if fault.cut == "before":
            cut(request.environ["werkzeug.socket"])
            return Response(status=204)
        if fault.cut == "after":
            request.environ["switchboard.cut"] = True
            return None
        if fault.status is not None:
            standard = Refusal(fault.status, _STANDARD_MESSAGES.get(fault.status, "Internal server error")).body
            body = standard if fault.body is None else fault.body
            return Response(body, fault.status) if isinstance(body, str) else (jsonify(body), fault.status)
        return None

    def _commit_late(self, seconds: float, replay: dict[str, Any]) -> None:
        if not self._stopping.wait(seconds):
            self._app.test_client().open(**replay, environ_overrides={_LATE: True})

    def _finish(self, response: Response) -> Response:
        if seen := request.environ.get("switchboard.seen"):
            seen["status"] = response.status_code
        if request.environ.get("switchboard.cut"):
            cut(request.environ["werkzeug.socket"])
        return response


_STANDARD_MESSAGES = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Rate limit exceeded"}


class _QuietHandler(WSGIRequestHandler):
    """Keeps connections open between requests, as Vapi does, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def log(self, *_arguments: Any, **_named: Any) -> None:
        """Says nothing."""


def _replayable() -> dict[str, Any]:
    return {
        "path": request.path,
        "method": request.method,
        "query_string": request.query_string,
        "data": request.get_data(),
        "headers": [(name, value) for name, value in request.headers if name != "Content-Length"],
    }


def _unrouted(error: HTTPException) -> tuple[Any, int]:
    """Vapi answers 404 for paths and methods that it does not have."""
    if error.code in (404, 405):
        return answer_refusal(not_found())
    return answer_refusal(Refusal(error.code or 500, error.description or error.name))
