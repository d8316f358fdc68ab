"""`python -m local.emulator_process`: the emulator, with two gaps of its IAM filled; it ends when its parent is gone.

A bucket's policy may refuse what does not come by TLS, as the template's does. The emulator speaks plain HTTP on
loopback, where nobody listens in: that counts as TLS here.

AWS lets a policy on events:PutEvents depend on what is put (condition keys events:source and events:detail-type). The
emulator does not know these keys, so that a policy which uses them, as the template's does, would refuse everything.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions

Context = dict[str, Any]


def with_events_keys(request_context: Callable[..., Context]) -> Callable[..., Context]:
    """The emulator's function that finds a request's condition keys, with those of PutEvents added."""

    def request_context_with_events(service: str, action: str, body: bytes, params: Context) -> Context:
        context = request_context(service, action, body, params)
        if action == "events:PutEvents":
            entries = json.loads(body)["Entries"]
            context["events:source"] = _the_one({entry.get("Source") for entry in entries})
            context["events:detail-type"] = _the_one({entry.get("DetailType") for entry in entries})
        return context

    return request_context_with_events


def _the_one(values: set[str | None]) -> str:
    """The value that all entries share. AWS looks at each entry; a mixture equals nothing here, and so is refused."""
    return ",".join(sorted(filter(None, values)))


def by_tls(pin_request_origin: Callable[[str, bool], None]) -> Callable[[str, bool], None]:
    """The emulator's function that notes whence a request comes and how, with every request noted as come by TLS."""

    def pin_secure_origin(source_ip: str, _is_secure: bool) -> None:
        pin_request_origin(source_ip, True)

    return pin_secure_origin


def end_with_parent() -> None:
    """Ends this process group, Lambda processes included, as soon as the parent has died, however it died."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, name="watch-parent", daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    iam_actions.request_tag_context = with_events_keys(iam_actions.request_tag_context)
    app.pin_request_origin = by_tls(app.pin_request_origin)
    app.main()
