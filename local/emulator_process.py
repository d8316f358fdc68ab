"""`python -m local.emulator_process`: the emulator, with two gaps filled and layers shared; it ends with its parent.

A bucket's policy may refuse what does not come by TLS, as the template's does. The emulator speaks plain HTTP on
loopback, where nobody listens in: that counts as TLS here.

AWS lets a policy on events:PutEvents depend on what is put (condition keys events:source and events:detail-type). The
emulator does not know these keys, so that a policy which uses them, as the template's does, would refuse everything.

Each of its Lambda processes unpacks the layers for itself, thousands of files that are written one by one, and removed
at the end. Here all share what the first has unpacked, as they may on AWS: a layer is read only.
"""

import hashlib
import json
import os
import signal
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import iam_actions, lambda_runtime

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


class SharedLayers(zipfile.ZipFile):
    """A zip of the emulator's: one of a layer (`layer_0.zip`) is unpacked once and linked to, any other as ever."""

    _unpacking = threading.Lock()

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        if not Path(str(self.filename)).name.startswith("layer_"):
            super().extractall(path, members, pwd)
            return
        for entry in self._shared().iterdir():
            (Path(path) / entry.name).symlink_to(entry)

    def _shared(self) -> Path:
        """Where all that has the same content is unpacked; under the folder of temporary files, and gone with it."""
        digest = hashlib.sha256(Path(str(self.filename)).read_bytes()).hexdigest()
        shared = Path(tempfile.gettempdir()) / f"layer-{digest}"
        with self._unpacking:
            if not shared.exists():
                part = Path(tempfile.mkdtemp(prefix="layer-part-"))
                super().extractall(part)
                part.rename(shared)
        return shared


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
    lambda_runtime.zipfile = SimpleNamespace(**vars(zipfile) | {"ZipFile": SharedLayers})
    app.main()
