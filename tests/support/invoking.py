"""Functions invoked as Lambda would invoke them: one builder of HTTP events, one context."""

import importlib.util
import json
import re
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from types import ModuleType
from typing import Any

from tests.support.template import ROOT, routes


@dataclass(frozen=True)
class Context:
    """What the handlers read of a Lambda context."""

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id: str = "00000000-0000-4000-8000-000000000000"

    seconds: float = 900
    """As much as any function has, so that no test depends on how fast a machine is."""

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


@lru_cache(maxsize=32)
def function(folder: str) -> ModuleType:
    """functions/<folder>/app.py as a module."""
    name = f"functions_{folder}_app"
    spec = importlib.util.spec_from_file_location(name, ROOT / "functions" / folder / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def http_event(
    method: str,
    path: str,
    *,
    body: Any = None,
    raw: str | None = None,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    claims: dict[str, str] | None = None,
) -> tuple[str, dict[str, Any]]:
    """The function that a request reaches by the template's routes, and the event (payload format 2.0) it gets."""
    folder, route_path, variables = _route(method, path)
    sent = raw if raw is not None else None if body is None else json.dumps(body)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {route_path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", **{k.lower(): v for k, v in (headers or {}).items()}},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": "api.execute-api.us-east-1.amazonaws.com",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"},
            "requestId": "request",
            "routeKey": f"{method} {route_path}",
            "stage": "$default",
            "time": "04/Aug/2026:17:00:00 +0000",
            "timeEpoch": 1785862800000,
            **({"authorizer": {"jwt": {"claims": claims, "scopes": None}}} if claims else {}),
        },
        "pathParameters": variables or None,
        "isBase64Encoded": False,
        **({"queryStringParameters": query} if query else {}),
        **({"body": sent} if sent is not None else {}),
    }
    return folder, event


def _route(method: str, path: str) -> tuple[str, str, dict[str, str]]:
    for (route_method, route_path), folder in routes().items():
        form = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(route_path))
        match = re.fullmatch(form, path)
        if match and route_method == method:
            return folder, route_path, match.groupdict()
    raise LookupError(f"no route for {method} {path}")


def invoke(folder: str, event: dict[str, Any], seconds: float = Context.seconds) -> Any:
    """seconds: what is left of the function's time."""
    return function(folder).lambda_handler(event, Context(seconds=seconds))


def request(method: str, path: str, *, seconds: float = Context.seconds, **kwargs: Any) -> Answer:
    """Sends a request to its function; the keywords are `http_event`'s."""
    folder, event = http_event(method, path, **kwargs)
    raw = invoke(folder, event, seconds)
    text = raw.get("body") or ""
    headers = {name.lower(): value for name, value in (raw.get("headers") or {}).items()}
    return Answer(raw["statusCode"], headers, json.loads(text) if text else None)
