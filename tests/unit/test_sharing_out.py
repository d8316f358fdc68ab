"""The tests that belong together run in one process, whatever pytest and pytest-xdist make of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
TEST = """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(8))
def test(number, request):
    name = os.environ["PYTEST_XDIST_WORKER"]
    with (pathlib.Path(request.config.rootpath) / f"{request.path.parent.name}.txt").open("a") as told:
        told.write(name + "\\n")
"""


def test_one_process_has_the_tests_of_the_stack_and_another_the_rest(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    tests = tmp_path / "tests"
    for folder in ("stack", "unit"):
        (tests / folder).mkdir(parents=True)
        for name in ("test_a.py", "test_b.py"):
            (tests / folder / name).write_text(TEST)
    (tests / "conftest.py").write_text(CONFTEST.read_text())
    command = [sys.executable, "-m", "pytest", "-n", "2", "--import-mode=importlib", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    subprocess.run(  # noqa: S603
        [*command, f"--rootdir={tmp_path}", "-c", os.devnull, str(tests)], env=environment, cwd=tmp_path, check=True
    )
    stack, unit = ((tmp_path / f"{folder}.txt").read_text().split() for folder in ("stack", "unit"))
    assert (len(stack), len(unit)) == (16, 16)
    assert len(set(stack)) == 1
    assert set(unit) - set(stack)
