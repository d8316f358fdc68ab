"""What all simulators have in common: an HTTP server on loopback, the faults, and the requests that were seen."""

import ssl
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Self, TypeAlias

from flask import Flask, Response, jsonify, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from local.simulators.control import CONTROL, Unreadable, control_api
from local.simulators.faults import Fault, FaultPlan, cut

Row: TypeAlias = dict[str, Any]

HOST = "127.0.0.1"
_AGAIN = "switchboard.again"
"""Marks, in the WSGI environment, a request whose work is done apart from its answer: later, or one time more."""


class Simulator:
    """A vendor, as far as Switchboard can tell: its API at ``url``, and an object in the process of a test.

    ``port`` 0 takes a free one. ``tls`` makes it speak HTTPS. ``faults`` may be changed at any time, and ``requests``
    has what was asked: ``{method, path, query, body, userAgent, status}``, the body as JSON, form fields or text.
    """

    def __init__(self, name: str, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.faults = FaultPlan()
        self.requests: list[Row] = []
        self._name = name
        self._port = port
        self._tls = tls
        self._server: BaseWSGIServer | None = None
        self._background = ThreadPoolExecutor(max_workers=16, thread_name_prefix=f"{name}-background")
        self._futures: set[Future[Any]] = set()
        self._forgotten = threading.Event()
        self._app = self._build_app()

    def prepare(self, app: Flask) -> None:
        """The vendor's routes, and its way to answer errors."""
        raise NotImplementedError

    def authenticate(self) -> Response | None:
        """Checks who sends the current request; an answer, or an error that `prepare` knows, turns it away."""
        raise NotImplementedError

    def failure(self, status: int) -> Response:
        """What the vendor answers when it fails with that status."""
        raise NotImplementedError

    def state(self) -> dict[str, list[Row]]:
        """What there is, by kind."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forgets what there is."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """The base of the API: ``http://127.0.0.1:<port>``. Only while the simulator runs."""
        if self._server is None:
            raise RuntimeError("the simulator is not running")
        return f"{'https' if self._tls else 'http'}://{HOST}:{self._server.server_port}"

    def start(self) -> Self:
        """Listens on loopback, on a thread of its own."""
        self._server = make_server(
            HOST, self._port, self._app, threaded=True, request_handler=_QuietHandler, ssl_context=self._tls
        )
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name=f"{self._name}-simulator", daemon=True
        ).start()
        return self

    def stop(self) -> None:
        """Stops listening and abandons what is still under way. A stopped simulator stays stopped."""
        self._forgotten.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        self._background.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def fault(self, *faults: Fault) -> None:
        """Plans trouble for the API."""
        self.faults.add(*faults)

    def requests_to(self, method: str, path: str) -> list[Row]:
        """The requests seen with that method and exact path, in order."""
        return [seen for seen in list(self.requests) if (seen["method"], seen["path"]) == (method, path)]

    def settle(self, timeout_seconds: float = 10.0) -> None:
        """Returns when work in the background is done; raises ``TimeoutError`` if it is not in time."""
        deadline = time.monotonic() + timeout_seconds
        while pending := {future for future in list(self._futures) if not future.done()}:
            wait(pending, timeout=max(0.0, deadline - time.monotonic()))
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{len(pending)} pieces of background work are not done")
        for future in list(self._futures):
            self._futures.discard(future)
            future.result()

    def reset(self) -> None:
        """Forgets what there is, work still under way, planned faults and requests seen."""
        self._forgotten.set()
        self._forgotten = threading.Event()
        self.clear()
        self.faults.clear()
        self.requests.clear()

    def in_background(self, work: Any, *arguments: Any) -> None:
        """Runs a function on another thread; ``settle`` waits for it."""
        self._futures.add(self._background.submit(work, *arguments))

    def _build_app(self) -> Flask:
        app = Flask(__name__)
        app.json.sort_keys = False  # type: ignore[attr-defined]
        app.before_request(self._admit)
        app.after_request(self._finish)
        app.register_error_handler(Unreadable, lambda error: (jsonify({"message": error.reasons}), 400))
        app.register_blueprint(control_api(self))
        self.prepare(app)
        return app

    def _admit(self) -> Response | None:
        """Keeps count of a request, lets its fault act, then checks who is asking."""
        if request.path.startswith(f"{CONTROL}/") or _AGAIN in request.environ:
            return None
        seen: Row = {
            "method": request.method,
            "path": request.path,
            "query": request.args.to_dict(),
            "body": _body(),
            "userAgent": request.headers.get("User-Agent"),
            "status": None,
        }
        self.requests.append(seen)
        request.environ["switchboard.seen"] = seen
        fault = self.faults.take(request.method, request.path)
        if fault and (answer := self._act_out(fault)) is not None:
            return answer
        return self.authenticate()

    def _act_out(self, fault: Fault) -> Response | None:
        """Does what the fault asks; an answer stands for the work, None lets the work be done."""
        self._forgotten.wait(fault.delay_seconds)
        if fault.commit_after_seconds is not None:
            self.in_background(self._commit_late, fault.commit_after_seconds, _replayable(), self._forgotten)
        if fault.twice:
            self._do_again(_replayable())
        if fault.cut == "before":
            cut(request.environ["werkzeug.socket"])
            return Response(status=204)
        if fault.cut == "after":
            request.environ["switchboard.cut"] = True
            return None
        if fault.status is None:
            return None
        answer = self.failure(fault.status) if fault.body is None else _answer(fault.body, fault.status)
        answer.headers.update(fault.headers)
        return answer

    def _commit_late(self, seconds: float, replay: dict[str, Any], forgotten: threading.Event) -> None:
        if not forgotten.wait(seconds):
            self._do_again(replay)

    def _do_again(self, replay: dict[str, Any]) -> None:
        self._app.test_client().open(**replay, environ_overrides={_AGAIN: True})

    def _finish(self, response: Response) -> Response:
        if seen := request.environ.get("switchboard.seen"):
            seen["status"] = response.status_code
        if request.environ.get("switchboard.cut"):
            cut(request.environ["werkzeug.socket"])
        return response


class _QuietHandler(WSGIRequestHandler):
    """Keeps connections open between requests, as the vendors do, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def log(self, *_arguments: Any, **_named: Any) -> None:
        """Says nothing."""


def _body() -> Any:
    """The request's body, and keeps its bytes to be read again."""
    text = request.get_data(as_text=True)
    if request.mimetype == "application/x-www-form-urlencoded":
        return request.form.to_dict()
    return request.get_json(silent=True) if request.is_json else text or None


def _answer(body: Any, status: int) -> Response:
    if isinstance(body, str):
        return Response(body, status)
    answer = jsonify(body)
    answer.status_code = status
    return answer


def _replayable() -> dict[str, Any]:
    return {
        "path": request.path,
        "method": request.method,
        "query_string": request.query_string,
        "data": request.get_data(),
        "headers": [(name, value) for name, value in request.headers if name != "Content-Length"],
    }
