"""What Twilio publishes of its APIs: how the excerpt was cut and is repaired, and a judge of what goes over the wire.

``twilio-openapi-excerpt.json`` has the operations that Switchboard uses, of the account's API and of the price lists,
unchanged but for prose. To cut it again from newer documents (twilio/twilio-oai, ``spec/json``)::

    python -m tests.simulators.twilio_published twilio_api_v2010.json twilio_pricing_v1.json
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.simulators.openapi_excerpt import validator
from tests.simulators.published import Published

Json = dict[str, Any]

EXCERPT = Path(__file__).with_name("twilio-openapi-excerpt.json")
ACCOUNT = "/2010-04-01/Accounts/{AccountSid}"
OPERATIONS = {
    f"{ACCOUNT}/AvailablePhoneNumbers/{{CountryCode}}/Local.json": ("get",),
    f"{ACCOUNT}/AvailablePhoneNumbers/{{CountryCode}}/Mobile.json": ("get",),
    f"{ACCOUNT}/AvailablePhoneNumbers/{{CountryCode}}/TollFree.json": ("get",),
    f"{ACCOUNT}/IncomingPhoneNumbers.json": ("get", "post"),
    f"{ACCOUNT}/IncomingPhoneNumbers/{{Sid}}.json": ("get", "post", "delete"),
    f"{ACCOUNT}/Addresses.json": ("post",),
    "/v1/PhoneNumbers/Countries/{IsoCountry}": ("get",),
    "/v1/Voice/Countries/{IsoCountry}": ("get",),
}
PROSE = ("description", "example", "examples", "title", "summary", "tags", "security", "operationId", "headers")
MAY_BE_EMPTIED = ("EmergencyAddressSid", "TrunkSid", "VoiceApplicationSid")
"""An empty value takes these away, which the document says of none (carriers.md 1.4)."""


class TwilioPublished(Published):
    """Twilio's documents as a judge, also of answers."""

    def judge_answer(self, response: httpx.Response) -> None:
        """An httpx hook. The documents list no errors; those must have Twilio's form (carriers.md 1.5)."""
        path, status = response.request.url.path, response.status_code
        if path.startswith("/_simulator"):
            return
        where = f"{response.request.method} {path}"
        text = response.read()
        if response.is_error:
            body = json.loads(text)
            if body.keys() != {"code", "message", "more_info", "status"} or body["status"] != status:
                self.mistakes.append(f"{where}: {body}")
            return
        operation = self.operation(response.request.method, path) or {"responses": {}}
        if str(status) not in operation["responses"]:
            self.mistakes.append(f"{where}: {status} is not in the document")
        elif schema := operation["responses"][str(status)]:
            errors = validator(self.document, schema).iter_errors(json.loads(text))
            self.mistakes += [f"{where} {'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]
        elif text:
            self.mistakes.append(f"{where}: has a body")


def twilio() -> TwilioPublished:
    """The account's API and the price lists."""
    document: Json = json.loads(EXCERPT.read_text())
    for node in _nodes(document):
        properties = node.get("properties", {})
        for name in ("latitude", "longitude", "base_price", "current_price"):
            if name in properties:  # typed as numbers, sent as strings
                properties[name] = {"type": "string", "pattern": r"^-?\d+\.\d+$", "nullable": True}
        for name in MAY_BE_EMPTIED:
            if name in properties:
                properties[name] = {"anyOf": [properties[name], {"enum": [""]}]}
    return TwilioPublished(document)


def cut(*documents: Json) -> Json:
    """The operations: parameters, forms, and schemas of answers by status."""
    paths: Json = {}
    schemas: Json = {}
    for document in documents:
        found = {path: methods for path, methods in OPERATIONS.items() if path in document["paths"]}
        for path, methods in found.items():
            paths[path] = {method: _operation(document["paths"][path][method]) for method in methods}
        wanted = _references({path: paths[path] for path in found})
        while wanted:
            name = wanted.pop()
            if name not in schemas:
                schemas[name] = _without_prose(document["components"]["schemas"][name])
                wanted += _references(schemas[name])
    info = {"title": "Twilio API v2010 and pricing v1, excerpt", "version": documents[0]["info"]["version"]}
    components = {"schemas": dict(sorted(schemas.items()))}
    return {"openapi": documents[0]["openapi"], "info": info, "paths": paths, "components": components}


def _operation(operation: Json) -> Json:
    kept: Json = {"parameters": _without_prose(operation.get("parameters", [])), "responses": {}}
    if "requestBody" in operation:
        kept["requestBody"] = _without_prose(operation["requestBody"])
    for status, answer in operation["responses"].items():
        content = answer.get("content", {}).get("application/json", {})
        kept["responses"][status] = _without_prose(content.get("schema", {}))
    return kept


def _nodes(node: Any) -> Iterator[Json]:
    for child in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
        yield from _nodes(child)
    if isinstance(node, dict):
        yield node


def _references(node: Any) -> list[str]:
    return re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(node))


def _without_prose(node: Any, inside: str = "") -> Any:
    if isinstance(node, list):
        return [_without_prose(value) for value in node]
    if not isinstance(node, dict):
        return node
    named = inside == "properties"
    return {
        key: _without_prose(value, "" if named else key)
        for key, value in node.items()
        if named or (key not in PROSE and not key.startswith("x-"))
    }


if __name__ == "__main__":
    published = cut(*(json.loads(Path(source).read_text()) for source in sys.argv[1:]))
    EXCERPT.write_text(json.dumps(published, indent=1, ensure_ascii=False) + "\n")
