"""Where things are: the repository, and the one folder in it that the local stack writes to."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TEMPLATE = REPOSITORY / "template.yaml"

OUTPUT = REPOSITORY / ".local"
"""Everything made at run time; git ignores it."""

CACHE = OUTPUT / "cache"
"""The layer's installed requirements, shared by all runs (safe for runs at the same time)."""

LOGS = OUTPUT / "logs"
"""One folder a run."""

SCRATCH = OUTPUT / "scratch"
"""One folder a run, only while it runs."""

STACK_FILE = OUTPUT / "stack.json"
"""How to reach the stack that `make local` keeps running; absent when there is none."""
