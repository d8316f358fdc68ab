"""The pinned dependencies of pyproject.toml, for a pip that cannot read dependency groups; needs nothing but Python.

python -m local.pins GROUP    prints what the group pins, one a line
python -m local.pins --check  fails unless each layer's requirements.txt pins the same as its group
"""

import sys
import tomllib

from local.paths import REPOSITORY

LAYERS = {"layer": "layers/switchboard", "parquet": "layers/parquet"}
"""Group -> the layer that carries it."""


def pins(group: str) -> list[str]:
    """The requirements of a group and of the groups it includes."""
    groups = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["dependency-groups"]
    found: list[str] = []
    for entry in groups[group]:
        found += pins(entry["include-group"]) if isinstance(entry, dict) else [entry]
    return found


def check() -> None:
    """Compares the layers' requirements with their groups."""
    for group, layer in LAYERS.items():
        text = (REPOSITORY / layer / "requirements.txt").read_text()
        carried = [line for line in text.splitlines() if line and not line.startswith("#")]
        if sorted(carried) != sorted(pins(group)):
            sys.exit(f"{layer}/requirements.txt and the group `{group}` of pyproject.toml pin different things")


if __name__ == "__main__":
    (argument,) = sys.argv[1:]
    if argument == "--check":
        check()
    else:
        print("\n".join(pins(argument)))
