"""Subjects and the stub, each in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.paths import REPOSITORY
from tests.bench.cases import ENVIRONMENT

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


def run(module: str, *arguments: str, endpoint: str, requests: str = "") -> Any:
    """What a module of the bench tells on stderr, as JSON, in an environment like a function's.

    requests: the file of those that the subjects beside ours make.
    """
    paths = (REPOSITORY / "layers/switchboard", REPOSITORY)
    environment = ENVIRONMENT | {
        "AWS_ENDPOINT_URL": endpoint,
        "BENCH_REQUESTS": requests,
        "HOME": os.environ["HOME"],
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
    }
    for _ in range(_TRIES):
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", f"tests.bench.{module}", *arguments],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return json.loads(done.stderr.splitlines()[-1])
    sys.exit(done.stderr)
