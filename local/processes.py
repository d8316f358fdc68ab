"""Child processes: what they inherit, where their output goes, and how they end."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from local.paths import REPOSITORY

LINES_SHOWN = 15


def environment(**ours: str) -> dict[str, str]:
    """What a child inherits: our environment without what would reach it by accident, plus `ours`.

    Left behind: everything of AWS, so that no profile, key or endpoint of the user's is used; and the path to the
    layer's source, so that a Lambda process imports the layer that was built.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "SAM_", "PYTHONPATH", "PYTEST_"))
    }
    return {
        **inherited,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",  # seconds between looks at a deployment; five if unset
        **ours,
    }


def run(command: Sequence[str], log: Path, env: dict[str, str]) -> None:
    """Runs a command to its end with its output in `log`; raises RuntimeError with the last lines when it fails."""
    with log.open("w") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=env, cwd=REPOSITORY, check=False)
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-LINES_SHOWN:])
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{tail}")


def start(command: Sequence[str], log: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """Starts a process in a group of its own, where Ctrl-C does not reach it: `stop` ends it and its children."""
    with log.open("w") as output:
        return subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=env, cwd=REPOSITORY, start_new_session=True
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and its whole group at once: what they know is worth nothing after the run."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def end_in_order() -> None:
    """Makes SIGTERM and SIGHUP do what Ctrl-C does, so that every `with` block still takes down what it started.

    Ctrl-C itself is ignored in a process that a script put in the background: here it works even then.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
