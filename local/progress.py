"""Steps that say what they do, how long it took, and which of them failed."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

WIDTH = 62
"""Columns of a step's title, so that the times stand in one column."""


class StepFailed(Exception):
    """A step did not succeed; says which one, why, and where its logs are."""

    def __init__(self, step: str, reason: str, logs: Path) -> None:
        super().__init__(f"This step failed: {step}\n{reason}\nThe logs are in {logs}")


@dataclass
class Progress:
    """Prints one line a step. `logs` is the folder that a failure points to."""

    logs: Path
    out: TextIO = field(default_factory=lambda: sys.stdout)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announces the step, runs the block, prints the seconds it took; an exception becomes StepFailed."""
        print(f"  {title} ".ljust(WIDTH, "."), end=" ", file=self.out, flush=True)
        started = time.monotonic()
        try:
            yield
        except Exception as error:
            print("failed", file=self.out, flush=True)
            raise StepFailed(title, f"{type(error).__name__}: {error}", self.logs) from error
        except BaseException:
            print("interrupted", file=self.out, flush=True)
            raise
        print(f"{time.monotonic() - started:5.1f} s", file=self.out, flush=True)
