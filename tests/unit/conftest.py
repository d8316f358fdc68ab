"""Unit tests touch neither the network nor anybody's AWS account."""

import os

import pytest
from hypothesis import settings

settings.register_profile("unit", deadline=None)
settings.load_profile("unit")


@pytest.fixture(autouse=True)
def no_outside(socket_disabled: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - pytest-socket's fixture
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
