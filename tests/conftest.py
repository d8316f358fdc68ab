"""How the tests share out the machine's cores."""

from pathlib import PurePosixPath
from typing import Any

import pytest

_TOGETHER = {"stack": "one deployed stack serves them all", "test_official_sdk.py": "its import takes half a minute"}
"""Tests under these names run in one process, one after the other."""


@pytest.hookimpl(optionalhook=True)  # there is a Python without pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hands tests out one by one, but those that belong together at once, and the largest lot first.

    A scheduler of our own instead of xdist's groups: xdist writes a group into the test's id, by an attribute that
    pytest does not read any more, so that it groups nothing.
    """
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - only where there is one

    class Together(LoadScopeScheduling):  # type: ignore[misc, unused-ignore]
        def _split_scope(self, nodeid: str) -> str:
            together = _TOGETHER.keys() & set(PurePosixPath(nodeid.partition("::")[0]).parts)
            return min(together, default=nodeid)

    return Together(config, log)
