"""Vapi's published OpenAPI document: how the excerpt was cut out of it, and how it is repaired for validation.

``vapi-openapi-excerpt.json`` has the paths that the simulator serves and the schemas that they and the server messages
reach, unchanged but for descriptions and for the parts that are left open (``OPEN_PROPERTIES``). To cut it again from a
newer document (github.com/VapiAI/docs, ``fern/apis/api/openapi.json``)::

    python tests/simulators/openapi_excerpt.py openapi.json
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

EXCERPT = Path(__file__).with_name("vapi-openapi-excerpt.json")

PATHS = re.compile(r"/(v2/)?phone-number(/\{id\})?|/(assistant|squad|call)(/\{id\})?")
ROOTS = (
    "ServerMessageStatusUpdate",
    "ServerMessageEndOfCallReport",
    "ServerMessageAssistantRequest",
    "ServerMessageToolCalls",
    "ServerMessageConversationUpdate",
    "ServerMessageSpeechUpdate",
    "ServerMessageTranscript",
)
CHECKED_PROPERTIES_OF_AN_ASSISTANT = frozenset(
    [
        "id",
        "orgId",
        "createdAt",
        "updatedAt",
        "name",
        "firstMessage",
        "serverMessages",
        "maxDurationSeconds",
        "metadata",
        "artifactPlan",
        "server",
        "variableValues",
    ]
)
OPEN_PROPERTIES = frozenset(
    [
        "performanceMetrics",
        "assistantActivations",
        "nodes",
        "scorecards",
        "structuredOutputs",
        "skippedStructuredOutputs",
        "monitors",
        "chat",
        "transferPlan",
        "compliance",
        "workflow",
        "workflowOverrides",
        "analysisCostBreakdown",
        "transcriptPlan",
        "assistantDestinations",
        "assistantHooks",
        "toolWithToolCallList",
    ]
)
"""Provider unions and other parts that Switchboard never reads; they alone would be a megabyte."""

ASSISTANTS = ("Assistant", "CreateAssistantDTO", "UpdateAssistantDTO", "AssistantOverrides")


def cut(document: dict[str, Any]) -> dict[str, Any]:
    """The part of the published document that is kept."""
    schemas = document["components"]["schemas"]
    for name in ASSISTANTS:
        properties = schemas[name]["properties"]
        schemas[name]["properties"] = {
            key: value if key in CHECKED_PROPERTIES_OF_AN_ASSISTANT else {} for key, value in properties.items()
        }
    schemas["EndedReason"] = schemas["Call"]["properties"]["endedReason"]
    slim = _without_prose({"paths": document["paths"], "schemas": schemas})
    for name in ("Call", "ServerMessageStatusUpdate", "ServerMessageEndOfCallReport"):
        slim["schemas"][name]["properties"]["endedReason"] = {"$ref": "#/components/schemas/EndedReason"}
    paths = {path: item for path, item in slim["paths"].items() if PATHS.fullmatch(path)}
    kept: dict[str, Any] = {}
    wanted = [*ROOTS, *_references(paths)]
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept[name] = slim["schemas"][name]
            wanted += _references(kept[name])
    info = {"title": "Vapi API, excerpt", "version": document["info"]["version"]}
    return {
        "openapi": document["openapi"],
        "info": info,
        "paths": paths,
        "components": {"schemas": dict(sorted(kept.items()))},
    }


def repaired() -> dict[str, Any]:
    """The excerpt, made fit for validation. Each repair is a mistake of the published document (vapi.md 8)."""
    document: dict[str, Any] = json.loads(EXCERPT.read_text())
    schemas = document["components"]["schemas"]
    for repair in (
        _enum_of_an_array,
        _one_of_that_overlaps,
        _object_that_is_a_scalar,
        _pattern_in_slashes,
        _null_sent_anyway,
    ):
        _everywhere(document, repair)
    for name, schema in schemas.items():
        if name.startswith("ServerMessage"):
            schema["properties"]["phoneNumber"] = _any_phone_number()
    return document


def validator(document: dict[str, Any], schema: dict[str, Any]) -> OAS30Validator:
    """A validator for a schema whose references point into the repaired document."""
    resource = Resource.from_contents(document, default_specification=DRAFT4)
    based = {"$ref": f"urn:vapi#{schema['$ref'][1:]}"} if "$ref" in schema else _rebased(schema)
    return OAS30Validator(based, registry=Registry().with_resource("urn:vapi", resource))


def _enum_of_an_array(schema: dict[str, Any]) -> None:
    """``enum`` stands on the array where it means the items (``serverMessages``)."""
    if schema.get("type") == "array" and "enum" in schema:
        schema["items"] = {**schema.get("items", {}), "enum": schema.pop("enum")}


def _one_of_that_overlaps(schema: dict[str, Any]) -> None:
    """``oneOf`` lists overlap: a bot's message is also a valid user's."""
    if "oneOf" in schema:
        schema["anyOf"] = schema.pop("oneOf")
        schema.pop("discriminator", None)


def _object_that_is_a_scalar(schema: dict[str, Any]) -> None:
    """Strings and numbers are typed ``object``: ``backoffPlan.type``, items of ``excludedStatusCodes``."""
    if schema.get("type") == "object" and "enum" in schema:
        schema["type"] = "string"
    items = schema.get("items")
    if items == {"type": "object"}:
        schema["items"] = {}


def _pattern_in_slashes(schema: dict[str, Any]) -> None:
    """Regular expressions are written ``/^...$/``."""
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and pattern.startswith("/"):
        schema["pattern"] = pattern.strip("/")


def _null_sent_anyway(schema: dict[str, Any]) -> None:
    """Vapi sends null for keys that are not marked nullable (``assistantId``)."""
    for name, value in schema.get("properties", {}).items():
        if isinstance(value, dict) and name in (
            "assistantId",
            "squadId",
            "workflowId",
            "fallbackDestination",
            "server",
        ):
            schema["properties"][name] = {"anyOf": [value, {"nullable": True, "enum": [None]}]}


def _any_phone_number() -> dict[str, Any]:
    """Messages carry the whole row of the number, not the Create DTO that they are typed as."""
    names = ("Vapi", "Twilio", "Vonage", "Telnyx", "Byo")
    return {"anyOf": [{"$ref": f"#/components/schemas/{name}PhoneNumber"} for name in names]}


def _everywhere(node: Any, repair: Callable[[dict[str, Any]], None]) -> None:
    if isinstance(node, dict):
        repair(node)
        for value in list(node.values()):
            _everywhere(value, repair)
    elif isinstance(node, list):
        for value in node:
            _everywhere(value, repair)


def _rebased(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: f"urn:vapi{value}" if key == "$ref" else _rebased(value) for key, value in node.items()}
    return [_rebased(value) for value in node] if isinstance(node, list) else node


def _references(node: Any) -> list[str]:
    return re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(node))


def _without_prose(node: Any, inside: str = "") -> Any:
    if isinstance(node, list):
        return [_without_prose(value) for value in node]
    if not isinstance(node, dict):
        return node
    named = inside == "properties"
    prose = (
        () if named else ("description", "example", "examples", "title", "summary", "tags", "security", "operationId")
    )
    return {
        key: {} if named and key in OPEN_PROPERTIES else _without_prose(value, "" if named else key)
        for key, value in node.items()
        if key not in prose
    }


if __name__ == "__main__":
    published = json.loads(Path(sys.argv[1]).read_text())
    EXCERPT.write_text(json.dumps(cut(published), indent=1, ensure_ascii=False) + "\n")
