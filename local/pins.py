"""The pinned dependencies of pyproject.toml, for a pip that cannot read dependency groups; needs nothing but Python.

python -m local.pins GROUP    prints what the group pins, one a line
python -m local.pins --check  fails unless the layer's requirements.txt pins the same as the group `layer`
"""

import sys
import tomllib

from local.paths import REPOSITORY


def pins(group: str) -> list[str]:
    """The requirements of a group and of the groups it includes."""
    groups = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["dependency-groups"]
    found: list[str] = []
    for entry in groups[group]:
        found += pins(entry["include-group"]) if isinstance(entry, dict) else [entry]
    return found


def check() -> None:
    """Compares the layer's requirements with the group `layer`."""
    text = (REPOSITORY / "layers/switchboard/requirements.txt").read_text()
    carried = [line for line in text.splitlines() if line and not line.startswith("#")]
    if sorted(carried) != sorted(pins("layer")):
        sys.exit("layers/switchboard/requirements.txt and the group `layer` of pyproject.toml pin different things")


if __name__ == "__main__":
    (argument,) = sys.argv[1:]
    if argument == "--check":
        check()
    else:
        print("\n".join(pins(argument)))
