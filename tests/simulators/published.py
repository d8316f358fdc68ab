"""What Vonage and Bandwidth publish of their APIs: how the excerpts were cut, and judges of requests and answers.

The excerpts have the operations that Switchboard uses, unchanged but for prose, for orders that it never makes, and, of
Bandwidth, for the schemas of answers, which are no schemas (``properties`` named ``allOf``, ``ref`` for ``$ref``): the
published examples stand for those. To cut them again from newer documents (Nexmo/api-specification,
``definitions/numbers.yml``; Bandwidth/api-docs, ``site/specs/numbers_v2.yml``)::

    python -m tests.simulators.published vonage_numbers.yml bandwidth_numbers_v2.yml
"""

import copy
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import yaml
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

Json = dict[str, Any]

HERE = Path(__file__).parent
ACCOUNT = "/accounts/{accountId}"
BANDWIDTH_OPERATIONS = {
    f"{ACCOUNT}/availableNumbers": ("get",),
    f"{ACCOUNT}/orders": ("get", "post"),
    f"{ACCOUNT}/orders/{{orderId}}": ("get",),
    f"{ACCOUNT}/disconnects": ("post",),
    f"{ACCOUNT}/disconnects/{{disconnectId}}": ("get",),
    f"{ACCOUNT}/lidbs": ("post",),
    "/tns": ("get",),
    "/tns/{tn}": ("get",),
    "/tns/{tn}/tndetails": ("get",),
}


@dataclass
class Published:
    """A vendor's document, as a judge of what goes over the wire. What it finds wrong is collected in ``mistakes``.

    base: what the paths begin with on the wire.
    """

    document: Json
    base: str = ""
    mistakes: list[str] = field(default_factory=list)

    def operation(self, method: str, path: str) -> Json | None:
        """The operation of a path on the wire, None if there is none."""
        path = path.removeprefix(self.base)
        for template, operations in self.document["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                found: Json | None = operations.get(method.lower())
                return found
        return None

    def judge_request(self, seen: Mapping[str, Any]) -> None:
        """Judges a request as the simulator has kept it."""
        where = f"{seen['method']} {seen['path']}"
        operation = self.operation(seen["method"], seen["path"])
        if operation is None:
            self.mistakes.append(f"{where}: no such operation")
            return
        self._judge_query(where, operation.get("parameters", []), seen["query"])
        contents = operation.get("requestBody", {}).get("content", {})
        if "application/x-www-form-urlencoded" in contents:
            schema = contents["application/x-www-form-urlencoded"]["schema"]
            self._judge_fields(where, seen["body"] or {}, schema)
        elif "application/xml" in contents:
            schema = contents["application/xml"]["schema"]
            self._judge_element(where, parsed(seen["body"]), self._resolved(schema), root=True)
        elif seen["body"]:
            self.mistakes.append(f"{where}: has no body")

    def judge_json(self, where: str, body: Any, schema: Json) -> None:
        """Judges an answer's JSON."""
        resource = Resource.from_contents(self.document, default_specification=DRAFT4)
        registry = Registry().with_resource("urn:published", resource)
        based = {"$ref": f"urn:published{schema['$ref']}"} if "$ref" in schema else schema
        for error in OAS30Validator(based, registry=registry).iter_errors(body):
            self.mistakes.append(f"{where}: {error.message}")

    def examples(self, method: str, template: str, status: int) -> list[bytes]:
        """The published bodies of an answer."""
        return [text.encode() for text in self.document["paths"][template][method]["examples"][str(status)]]

    def _judge_query(self, where: str, parameters: Sequence[Json], query: Mapping[str, str]) -> None:
        known = {each["name"]: each for each in map(self._resolved, parameters) if each["in"] == "query"}
        for name in query.keys() - known.keys():
            self.mistakes.append(f"{where}: no parameter {name}")
        for name, parameter in known.items():
            if name in query:
                self._judge_text(f"{where}?{name}", query[name], self._resolved(parameter["schema"]))
            elif parameter.get("required"):
                self.mistakes.append(f"{where}: parameter {name} is missing")

    def _judge_fields(self, where: str, fields: Mapping[str, str], schema: Json) -> None:
        schema = self._resolved(schema)
        for name in set(schema.get("required", ())) - fields.keys():
            self.mistakes.append(f"{where}: field {name} is missing")
        for name, text in fields.items():
            if name in schema["properties"]:
                self._judge_text(f"{where} {name}", text, self._resolved(schema["properties"][name]))
            else:
                self.mistakes.append(f"{where}: no field {name}")

    def _judge_element(self, where: str, element: ET.Element, schema: Json, *, root: bool = False) -> None:
        """Each child must be a property, by its name or its name in XML; lists may be wrapped or not."""
        where = f"{where}/{element.tag}"
        if root:
            named = schema.get("xml", {}).get("name")
            schema = schema if named else self._resolved(schema["properties"].get(element.tag, {}))
            if named not in (None, element.tag) or not schema:
                self.mistakes.append(f"{where}: not the root that was published")
                return
        children = self._children(schema)
        if not children:
            self._judge_text(where, (element.text or "").strip(), schema)
            return
        for name in set(schema.get("required", ())) - {child.tag for child in element}:
            self.mistakes.append(f"{where}: {name} is missing")
        for child in element:
            if child.tag in children:
                self._judge_element(where, child, children[child.tag])
            else:
                self.mistakes.append(f"{where}: no element {child.tag}")

    def _children(self, schema: Json) -> dict[str, Json]:
        parts = [self._resolved(part) for part in schema.get("allOf", [schema])]
        found: dict[str, Json] = {}
        for part in parts:
            if part.get("type") == "array":
                items = self._resolved(part["items"])
                name = items.get("xml", {}).get("name") or part["items"].get("$ref", "").rpartition("/")[2]
                found[name] = items
            for name, value in part.get("properties", {}).items():
                resolved = self._resolved(value)
                found[resolved.get("xml", {}).get("name", name)] = resolved
        return found

    def _judge_text(self, where: str, text: str, schema: Json) -> None:
        kind = schema.get("type")
        if kind == "integer" and re.fullmatch(r"\d+", text):
            value: Any = int(text)
        elif kind == "boolean":
            value = {"true": True, "false": False}.get(text, text)
        else:
            value = text
        for error in OAS30Validator(schema).iter_errors(value):
            self.mistakes.append(f"{where}: {error.message}")

    def _resolved(self, node: Json) -> Json:
        while "$ref" in node:
            found: Any = self.document
            for key in node["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            node = found
        return node


@cache
def _excerpt(vendor: str) -> Json:
    excerpt: Json = json.loads((HERE / f"{vendor}-openapi-excerpt.json").read_text())
    return excerpt


def vonage() -> Published:
    """Vonage's Numbers API."""
    return Published(_excerpt("vonage"))


def bandwidth() -> Published:
    """Bandwidth's Numbers API, v2, with three mistakes of the document repaired.

    It calls the parameter `size` a second `page`; it has `page` as a number, and says and shows that it is the id of a
    page's first element; and it does not name the elements of `LidbTnGroups`.
    """
    document = copy.deepcopy(_excerpt("bandwidth"))
    document["components"]["parameters"]["sizeQueryParam"]["name"] = "size"
    document["components"]["parameters"]["pageQueryParam"]["schema"] = {"type": "string"}
    document["components"]["schemas"]["LidbDetailTnGroup"]["xml"] = {"name": "LidbTnGroup"}
    return Published(document, "/api/v2")


def parsed(document: str | bytes) -> ET.Element:
    """The root of a document."""
    return ET.fromstring(document)  # noqa: S314 - our own


def element_paths(document: bytes) -> set[str]:
    """Where elements stand in a document, such as ``OrderResponse/Order/id``."""

    def paths(element: ET.Element, above: str) -> Iterator[str]:
        here = f"{above}{element.tag}"
        yield here
        for child in element:
            yield from paths(child, f"{here}/")

    return set(paths(parsed(document), ""))


def cut_vonage(document: Json) -> Json:
    """All of it, without prose."""
    kept = {key: document[key] for key in ("openapi", "paths", "components")}
    info = {"title": "Vonage Numbers API, excerpt", "version": document["info"]["version"]}
    slim: Json = _without_prose(kept)
    del slim["components"]["securitySchemes"]
    return {"openapi": slim["openapi"], "info": info, "paths": slim["paths"], "components": slim["components"]}


def cut_bandwidth(document: Json) -> Json:
    """The operations that are used: parameters, schemas of requests, published examples of answers."""
    paths: Json = {}
    for path, methods in BANDWIDTH_OPERATIONS.items():
        paths[path] = {method: _operation(document["paths"][path][method]) for method in methods}
    schemas: Json = {}
    parameters = {name: _without_prose(each) for name, each in document["components"]["parameters"].items()}
    wanted = _references(paths, "schemas")
    while wanted:
        name = wanted.pop()
        if name not in schemas:
            schemas[name] = _without_prose(document["components"]["schemas"][name])
            wanted += _references(schemas[name], "schemas")
    used = set(_references(paths, "parameters"))
    components = {
        "parameters": {name: each for name, each in sorted(parameters.items()) if name in used},
        "schemas": dict(sorted(schemas.items())),
    }
    info = {"title": "Bandwidth Numbers API v2, excerpt", "version": document["info"]["version"]}
    return {"openapi": document["openapi"], "info": info, "paths": paths, "components": components}


def _operation(operation: Json) -> Json:
    kept: Json = {"parameters": _without_prose(operation.get("parameters", []))}
    if "requestBody" in operation:
        schema = _without_prose(operation["requestBody"]["content"]["application/xml"]["schema"])
        kept["requestBody"] = {"content": {"application/xml": {"schema": schema.get("oneOf", [schema])[0]}}}
    kept["examples"] = {}
    for status, answer in operation["responses"].items():
        content = answer.get("content", {}).get("application/xml", {})
        kept["examples"][status] = [
            each["value"] for each in content.get("examples", {}).values() if isinstance(each.get("value"), str)
        ]
    return kept


def _references(node: Any, kind: str) -> list[str]:
    return re.findall(rf'"#/components/{kind}/([^"]+)"', json.dumps(node))


def _without_prose(node: Any, inside: str = "") -> Any:
    if isinstance(node, list):
        return [_without_prose(value) for value in node]
    if not isinstance(node, dict):
        return node
    prose = () if inside == "properties" else ("description", "example", "examples", "title", "summary", "tags")
    prose = (*prose, "operationId") if prose else prose
    return {
        key: _without_prose(value, "" if inside == "properties" else key)
        for key, value in node.items()
        if key not in prose
    }


if __name__ == "__main__":
    for vendor, cut, source in zip(("vonage", "bandwidth"), (cut_vonage, cut_bandwidth), sys.argv[1:], strict=True):
        published = yaml.safe_load(Path(source).read_text())
        (HERE / f"{vendor}-openapi-excerpt.json").write_text(
            json.dumps(cut(published), indent=1, ensure_ascii=False) + "\n"
        )
