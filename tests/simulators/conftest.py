"""A simulator, its client and a server that it calls; every body is checked against Vapi's published schema."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS30Validator

from local.simulators.vapi import VapiSimulator
from tests.simulators.openapi_excerpt import repaired, validator

Json = dict[str, Any]
Connect = Callable[[VapiSimulator], httpx.Client]

ASSISTANT = {
    "name": "Front desk",
    "firstMessage": "Thanks for calling.",
    "model": {"provider": "openai", "model": "gpt-4.1", "messages": [{"role": "system", "content": "Be brief."}]},
    "voice": {"provider": "vapi", "voiceId": "Elliot"},
}
MESSAGE_SCHEMAS = {
    "assistant-request": "ServerMessageAssistantRequest",
    "status-update": "ServerMessageStatusUpdate",
    "end-of-call-report": "ServerMessageEndOfCallReport",
    "tool-calls": "ServerMessageToolCalls",
    "conversation-update": "ServerMessageConversationUpdate",
    "speech-update": "ServerMessageSpeechUpdate",
    "transcript": "ServerMessageTranscript",
}


UNJUDGED = ("/_simulator", "/tool")
"""Not Vapi's, and a union of all kinds of tools that Switchboard has no use for."""


class Wire:
    """Vapi's published schema as a judge of bodies; what it finds wrong is collected in ``mistakes``."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def judge_answer(self, response: httpx.Response) -> None:
        """An httpx hook. The schema lists no errors; those must have NestJS's form (vapi.md 1.8)."""
        path = response.request.url.path
        if path.startswith(UNJUDGED):
            return
        body = json.loads(response.read())
        if response.is_success:
            self._judge(_answers(response.request.method, path, response.status_code), body, f"{path}: ")
        elif not (isinstance(body["message"], str | list) and body["statusCode"] == response.status_code):
            self.mistakes.append(f"{path}: {body}")

    def judge_message(self, message: Json) -> None:
        """Judges a server message, if the schema knows its type."""
        if message["type"] in MESSAGE_SCHEMAS:
            self._judge(_message(message["type"]), message, f"{message['type']}: ")

    def _judge(self, judge: OAS30Validator, body: Any, where: str) -> None:
        for error in judge.iter_errors(body):
            self.mistakes.append(f"{where}{'.'.join(map(str, error.absolute_path))}: {error.message}")


@dataclass
class Received:
    """A request that reached the receiver."""

    path: str
    headers: dict[str, str]
    message: Json

    @property
    def kind(self) -> str:
        """The message's type, with its status where that tells more: ``status-update ended``."""
        kind, status = str(self.message["type"]), self.message.get("status")
        return f"{kind} {status}" if kind == "status-update" else kind


@dataclass
class Receiver:
    """A customer's server. It answers assistant-requests with ``answer``, everything else with ``{}``.

    ``statuses`` are used up first, one a request; ``text`` replaces the body of the answer, which ``slow`` holds back.
    """

    url: str
    answer: Any = None
    statuses: list[int] = field(default_factory=list)
    text: str | None = None
    slow: threading.Event | None = None
    received: list[Received] = field(default_factory=list)

    def kinds(self, path: str | None = None) -> list[str]:
        """What came, in order, to that path."""
        return [each.kind for each in self.received if path in (None, each.path)]

    def messages(self, kind: str) -> list[Json]:
        """The messages of a kind, in order."""
        return [each.message for each in self.received if each.kind == kind]


@pytest.fixture
def wire() -> Iterator[Wire]:
    """The judge; a test fails at its end if anything on the wire was wrong."""
    judge = Wire()
    yield judge
    assert judge.mistakes == []


@pytest.fixture
def receiver(wire: Wire) -> Iterator[Receiver]:
    """A server on loopback."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_arguments: Any, **_named: Any) -> None:
            """Says nothing of clients that did not wait for their answer."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["message"]
            here.received.append(Received(self.path, dict(self.headers), message))
            wire.judge_message(message)
            asked = message["type"] == "assistant-request"
            if asked and here.slow:
                here.slow.wait(10)
            text = here.text if asked and here.text is not None else json.dumps(here.answer if asked else {})
            self.send_response(here.statuses.pop(0) if here.statuses else 200)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_arguments: Any, **_named: Any) -> None:
            """Says nothing."""

    server = Server(("127.0.0.1", 0), Handler)
    here = Receiver(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield here
    server.shutdown()
    server.server_close()


@pytest.fixture
def vapi() -> Iterator[VapiSimulator]:
    """A fresh simulator whose numbers are active at once."""
    with VapiSimulator(api_key="key", activation_seconds=0) as simulator:
        yield simulator


@pytest.fixture
def connect(wire: Wire) -> Iterator[Connect]:
    """Makes clients with the right key."""
    with ExitStack() as clients:

        def connected(vapi: VapiSimulator) -> httpx.Client:
            headers = {"Authorization": f"Bearer {vapi.api_key}"}
            hooks = {"response": [wire.judge_answer]}
            return clients.enter_context(httpx.Client(base_url=vapi.url, headers=headers, event_hooks=hooks))

        yield connected


@pytest.fixture
def client(vapi: VapiSimulator, connect: Connect) -> httpx.Client:
    """A client of the simulator."""
    return connect(vapi)


@pytest.fixture
def assistant(client: httpx.Client) -> Json:
    """An assistant without a server of its own."""
    made: Json = client.post("/assistant", json=ASSISTANT).json()
    return made


@pytest.fixture
def number(client: httpx.Client, receiver: Receiver) -> Json:
    """An active number whose server is the receiver's ``/number``."""
    body = {"provider": "vapi", "name": "Main line", "server": {"url": f"{receiver.url}/number"}}
    bought = client.post("/phone-number", json=body).json()
    active: Json = client.get(f"/phone-number/{bought['id']}").json()
    return active


@cache
def _document() -> Json:
    return repaired()


@cache
def _message(kind: str) -> OAS30Validator:
    return validator(_document(), {"$ref": f"#/components/schemas/{MESSAGE_SCHEMAS[kind]}"})


@cache
def _answers(method: str, path: str, status: int) -> OAS30Validator:
    template = next(each for each in _document()["paths"] if re.fullmatch(each.replace("{id}", "[^/]+"), path))
    answer = _document()["paths"][template][method.lower()]["responses"][str(status)]
    return validator(_document(), answer["content"]["application/json"]["schema"])
