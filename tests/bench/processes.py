"""Subjects and the stub, each in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.paths import REPOSITORY
from tests.bench.cases import ENVIRONMENT

_PERIOD_SECONDS = 0.02
_TRIES = 5
"""A request that takes longer than the call plane waits, on a machine that is busy with other things, spoils a run."""


@contextmanager
def stub(answers: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """A stub with these answers; its address."""
    file = folder / "answers.json"
    file.write_text(json.dumps(answers))
    command = [sys.executable, "-m", "tests.bench.stub", str(file)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def run(
    module: str, *arguments: str, endpoint: str, requests: str = "", table: str | None = None, share: float = 1
) -> Any:
    """What a module of the bench tells on stderr, as JSON, in an environment like a function's.

    requests: the file of those that the subjects beside ours make. table: the address of DynamoDB, where it is not at
    the endpoint with the rest. share: of a core that the process gets.
    """
    paths = (REPOSITORY / "layers/switchboard", REPOSITORY)
    environment = ENVIRONMENT | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_DYNAMODB": table or endpoint,
        "BENCH_REQUESTS": requests,
        "HOME": os.environ["HOME"],
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
    }
    command = [sys.executable, "-m", f"tests.bench.{module}", *arguments]
    for _ in range(_TRIES):
        with subprocess.Popen(  # noqa: S603
            command, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            if share < 1:
                _hold_back(process, share)
            _, told = process.communicate()
        if process.returncode == 0:
            return json.loads(told.splitlines()[-1])
    sys.exit(told)


def _hold_back(process: subprocess.Popen[str], share: float) -> None:
    """Lets the process run for this share of each 20 ms, until its end, as Lambda shares out a core."""
    while process.poll() is None:
        process.send_signal(signal.SIGSTOP)
        time.sleep((1 - share) * _PERIOD_SECONDS)
        process.send_signal(signal.SIGCONT)
        time.sleep(share * _PERIOD_SECONDS)
