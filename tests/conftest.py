"""How the tests share out the machine's cores."""

from pathlib import Path

import pytest

_TOGETHER = {"stack": "one deployed stack serves them all", "test_official_sdk.py": "its import takes half a minute"}
"""Tests under these names run in one process, one after the other."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name in _TOGETHER.keys() & set(Path(item.path).parts):
            item.add_marker(pytest.mark.xdist_group(name))
