"""docs/openapi.json, made from what the functions themselves declare.

`python -m local.openapi --write` makes it, `--check` fails if it is not what the functions say.
"""

import argparse
import json
import re
import sys
import warnings
from typing import Any

import yaml
from aws_lambda_powertools.event_handler.openapi import OpenAPIMerge
from pydantic.alias_generators import to_camel

from local.paths import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "openapi.json"

_DESCRIPTION = """The control plane for the phone numbers of Vapi voice assistants.

Timestamps are Unix seconds, money is cents of the deployment's currency (of a single call US cents, in which Vapi
bills), phone numbers are E.164. Errors are
`application/problem+json` (RFC 9457) with a stable `code`; a refused field is named by its path. Every representation
of a number carries an ETag, and every write honours If-Match."""

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; what a program decides by."},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}

_SERVER_URL: dict[str, Any] = {
    "post": {
        "summary": "The server URL of a number, for Vapi",
        "description": "Every server message. An assistant-request is answered with who answers; all else with {}.",
        "operationId": "vapi",
        "security": [{"webhookToken": []}],
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {
            "200": {"description": "Taken", "content": {"application/json": {"schema": {"type": "object"}}}},
            "400": {"description": "Not a server message of Vapi's"},
            "401": {"description": "The token is missing or wrong"},
            "404": {"description": "There is no such number"},
        },
    }
}


def document() -> dict[str, Any]:
    """The whole document. Raises if a function cannot be read or two functions disagree about a shape."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        merge = OpenAPIMerge(title="Switchboard", version="1", description=_DESCRIPTION, on_conflict="error")
        for file in sorted((REPOSITORY / "functions").glob("*/app.py")):
            if "http_app()" in file.read_text():
                merge.add_file(file)
        schema = _one_name_a_shape(merge.get_openapi_json_schema())
    components = schema["components"]
    for unsaid in ("HTTPValidationError", "ValidationError", "ResponseValidationError"):
        components["schemas"].pop(unsaid)
    components["schemas"] |= {"Problem": _PROBLEM}
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "webhookToken": {"type": "apiKey", "in": "header", "name": "X-Switchboard-Token"},
    }
    schema["paths"]["/vapi/{id}"] = _SERVER_URL
    scopes = _scopes()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            scope = scopes[method, path]
            if scope:
                operation["security"] = [{"token": scope}]
                operation["operationId"] = to_camel(operation["operationId"].split("_phone_numbers")[0])
            # An answer that does not fit its own shape is a defect of ours, alarmed and not documented.
            operation["responses"].pop("500", None)
            for parameter in operation.get("parameters", []):
                title = parameter["schema"].pop("title", parameter["name"])
                parameter["name"] = title if parameter["in"] == "header" else parameter["name"]
    patch = schema["paths"]["/phone-numbers/{id}"]["patch"]
    shape = {"schema": {"$ref": "#/components/schemas/VapiPhoneNumber"}}
    patch["requestBody"]["content"] = {"application/merge-patch+json": shape, "application/json": shape}
    return schema


def _one_name_a_shape(made: str) -> dict[str, Any]:
    """Pydantic names a shape twice when it is both read and written; ours are the same either way, which is checked."""
    one: dict[str, Any] = json.loads(re.sub(r'(#/components/schemas/\w+)-(?:In|Out)put"', r'\1"', made))
    shapes = one["components"]["schemas"]
    for name in list(shapes):
        plain = re.sub(r"-(In|Out)put$", "", name)
        shape = shapes.pop(name)
        if shapes.setdefault(plain, shape) != shape:
            raise ValueError(f"{plain} is not the same shape everywhere")
    return one


def _scopes() -> dict[tuple[str, str], list[str]]:
    """(method, path) -> scopes, as the template has them."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda *_: None)
    template = yaml.load((REPOSITORY / "template.yaml").read_text(), Loader)  # noqa: S506 - a safe loader
    events = [
        event["Properties"]
        for resource in template["Resources"].values()
        for event in (resource.get("Properties") or {}).get("Events", {}).values()
        if event["Type"] == "HttpApi"
    ]
    return {(e["Method"], e["Path"]): e["Auth"].get("AuthorizationScopes", []) for e in events}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true")
    action.add_argument("--check", action="store_true")
    made = json.dumps(document(), indent=2, sort_keys=True) + "\n"
    if parser.parse_args().write:
        DOCUMENT.parent.mkdir(exist_ok=True)
        DOCUMENT.write_text(made)
        return 0
    if not DOCUMENT.exists() or DOCUMENT.read_text() != made:
        sys.stderr.write("docs/openapi.json is not what the functions declare: run `make openapi`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
