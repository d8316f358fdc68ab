"""A short address on loopback for an API of the emulator, whose own address carries the API's id in its path.

It exists before the API does, because its address is a parameter of the deployment (PublicBaseUrl).
"""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}


class Proxy(ThreadingHTTPServer):
    """Passes requests on to `upstream` (an http URL with a path prefix); 503 while there is none."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, upstream: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Passes one request on: method, path, query, headers and body as they came, and the same of the answer."""

    protocol_version = "HTTP/1.1"
    server: Proxy

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.upstream is None:
            self.send_error(503, "the API is not deployed yet")
            return
        upstream = urlsplit(self.server.upstream)
        connection = http.client.HTTPConnection(upstream.netloc, timeout=TIMEOUT_SECONDS)
        try:
            connection.putrequest(self.command, upstream.path + self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
        except OSError as error:
            self.send_error(502, f"the emulator does not answer: {error}")
            return
        finally:
            connection.close()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = pass_on

    def log_message(self, *_: object) -> None:
        """Says nothing: the API's access log has every request."""


@contextmanager
def running_proxy() -> Iterator[Proxy]:
    """Serves in a thread until the block ends."""
    with Proxy() as proxy:
        thread = threading.Thread(target=proxy.serve_forever, name="proxy", daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
