"""Something of AWS that can be made to fail: it passes requests on until it is told to break down."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from local.proxy import Handler, Proxy

Fault = Literal["fails", "refuses", "hangs"]
"""Every request is answered 500; connections are refused; requests are taken and never answered."""


class Switch(Proxy):
    """Stands before `upstream`. Use `running_switch`."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.RequestHandlerClass = _SwitchHandler
        self.fault: Fault | None = None
        self.passing = 0
        self.mended = threading.Event()
        self.serve()

    def serve(self) -> None:
        """Takes connections from now on."""
        self.thread = threading.Thread(target=self.serve_forever, name="switch", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Takes no more connections."""
        self.shutdown()
        self.thread.join()
        self.socket.close()

    def break_down(self, fault: Fault, after: int = 0) -> None:
        """From now on, or (but for `refuses`) after so many more requests; on open connections too."""
        self.mended.clear()
        self.passing = after
        self.fault = fault
        if fault == "refuses":
            self.stop()

    def mend(self) -> None:
        """Passes everything on again. Requests that hang are lost."""
        fault, self.fault = self.fault, None
        self.mended.set()
        if fault == "refuses":
            self.socket = socket.create_server(self.server_address[:2])
            self.serve()


class _SwitchHandler(Handler):
    server: Switch

    def _answer(self) -> None:
        if self.server.fault is None or self.server.passing > 0:
            self.server.passing -= 1
            self.pass_on()
            return
        match self.server.fault:
            case "fails":
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_error(500)
            case "refuses":
                self.close_connection = True
            case "hangs":
                self.server.mended.wait()
                self.close_connection = True

    do_POST = _answer


@contextmanager
def running_switch(upstream: str) -> Iterator[Switch]:
    """Serves in threads until the block ends."""
    switch = Switch(upstream)
    try:
        yield switch
    finally:
        switch.mend()
        switch.stop()
