"""Trouble on a vendor's API, on request: errors, slowness, connections cut before or after the work is done."""

import fnmatch
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Fault:
    """What shall happen to the next matching requests.

    ``method`` and ``path`` are globs (``*``, ``/phone-number/*``). The first ``skip`` matches pass unharmed, then
    ``times`` of them (None: every one) meet the fault. ``delay_seconds`` passes first. Then, of ``cut`` and
    ``status`` the one that is given:

    - ``status`` (with ``body`` and ``headers``): that answer; the work is not done. Without a body, the vendor's own.
    - ``cut="before"``: the connection is closed without an answer; the work is not done.
    - ``cut="after"``: the work is done, then the connection is closed without an answer.
    - neither: the work is done and answered, only late.

    ``commit_after_seconds`` does the work of a request that was refused or cut "before" that much later. ``twice`` does
    the work once more beforehand, as when something on the way sends a request again; only the last is answered.
    """

    method: str = "*"
    path: str = "*"
    times: int | None = 1
    skip: int = 0
    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    cut: Literal["before", "after"] | None = None
    commit_after_seconds: float | None = None
    twice: bool = False

    def matches(self, method: str, path: str) -> bool:
        """Whether the fault is meant for that request."""
        return fnmatch.fnmatchcase(method, self.method.upper()) and fnmatch.fnmatchcase(path, self.path)


class FaultPlan:
    """The faults that are still to come, in the order they were given; the first that matches acts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[_Planned] = []

    def add(self, *faults: Fault) -> None:
        """Plans faults, after those already planned."""
        with self._lock:
            self._planned += [_Planned(fault, fault.skip, fault.times) for fault in faults]

    def clear(self) -> None:
        """Drops all planned faults."""
        with self._lock:
            self._planned.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, counted as spent; None when it meets none."""
        with self._lock:
            for planned in self._planned:
                if not planned.fault.matches(method, path) or planned.left == 0:
                    continue
                if planned.skip > 0:
                    planned.skip -= 1
                    continue
                if planned.left is not None:
                    planned.left -= 1
                return planned.fault
        return None


def cut(connection: socket.socket) -> None:
    """Closes a client's connection at once, so that it sees the end of the stream where an answer should be."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        connection.close()


@dataclass
class _Planned:
    fault: Fault
    skip: int
    left: int | None
