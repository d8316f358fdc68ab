"""AWS clients. One botocore session an instance: what all services have in common is read once."""

import gc
from functools import lru_cache
from typing import Any

import botocore
import botocore.session
from botocore.config import Config

_NAMED = Config(user_agent=f"Switchboard Botocore/{botocore.__version__}")
"""Who asks, in each request's header. Else botocore puts some twenty parts together, twice a request."""


class BucketUnavailable(Exception):
    """S3 refuses, fails, or does not answer."""


@lru_cache(maxsize=1)
def session() -> botocore.session.Session:
    return botocore.session.get_session()


def client(service: str, config: Config) -> Any:
    """A client of a service, by its name in botocore.

    What an instance has loaded by then it keeps. So the garbage collector does not look through it, neither while the
    service's large model is read nor later: that would cost a new instance a tenth of its start.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        made = session().create_client(service, config=config.merge(_NAMED))
    finally:
        if collects:
            gc.enable()
    _keep_what_is_loaded()
    return made


@lru_cache(maxsize=1)
def _keep_what_is_loaded() -> None:
    """Once: what is garbage now is kept too."""
    gc.freeze()
