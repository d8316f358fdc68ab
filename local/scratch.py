"""Folders for what a run needs only while it runs: the build, the emulator's files, the Lambda processes' code."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.paths import SCRATCH


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder of its own, removed at the end; what runs that were killed left behind goes too."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    for left in SCRATCH.iterdir():
        if not _is_alive(int(left.name.split("-")[0])):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=SCRATCH))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
