"""docs/openapi.json held against what the functions are seen to answer."""

import json
from functools import lru_cache
from typing import Any

from tests.support.invoking import Answer, http_event
from tests.support.template import ROOT

DOCUMENT = ROOT / "docs" / "openapi.json"


def assert_documented(method: str, path: str, answer: Answer) -> None:
    """The answer's status is among those that the document names for its route."""
    route = http_event(method, path)[1]["routeKey"].split()[1]
    known = _document()["paths"][route][method.lower()]["responses"]
    assert str(answer.status) in known, f"{method} {route} is not documented to answer {answer.status}: {answer.body}"


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    return json.loads(DOCUMENT.read_text())  # type: ignore[no-any-return]
