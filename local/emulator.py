"""The emulator of AWS (ministack, an ordinary Python package), on loopback, with IAM enforced."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import processes
from local.aws import REGION, Aws

START_SECONDS = 30.0
ATTEMPTS = 5


def free_port() -> int:
    """A loopback port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_emulator(scratch: Path, log: Path) -> Iterator[Aws]:
    """Runs an emulator of its own and ends it, with all Lambda processes; its files stay under `scratch`.

    Another process may take the port between our look and the emulator's start: then the next port is tried.
    """
    for _ in range(ATTEMPTS):
        port = free_port()
        process = processes.start([sys.executable, "-m", "local.emulator_process"], log, _environment(port, scratch))
        try:
            if _serves(process, log, port):
                yield Aws(f"http://127.0.0.1:{port}")
                return
        finally:
            processes.stop(process)
    raise RuntimeError(f"the emulator did not start in {ATTEMPTS} attempts; see {log}")


def _environment(port: int, scratch: Path) -> dict[str, str]:
    temporary = scratch / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return processes.environment(
        PYTHONUNBUFFERED="1",
        GATEWAY_PORT=str(port),
        BIND_HOST="127.0.0.1",
        AUTH="true",
        MINISTACK_REGION=REGION,
        LAMBDA_EXECUTOR="local",
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        DOCKER_HOST="unix:///nonexistent/docker.sock",  # else it looks through the machine's containers at start
        TMPDIR=str(temporary),
        STATE_DIR=str(scratch / "state"),
        S3_DATA_DIR=str(scratch / "s3"),
    )


def _serves(process: subprocess.Popen[bytes], log: Path, port: int) -> bool:
    """Waits until this very process serves the port, by its own log: an answer on the port could be another emulator's.

    False when it ended by itself, which is what it does when the port is taken.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if f"Running on http://127.0.0.1:{port}" in log.read_text(errors="replace"):
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.05)
    raise TimeoutError(f"the emulator did not serve within {START_SECONDS:.0f} s")
