"""template.yaml as data, so that tests hold code and template against each other."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as {"Fn::GetAtt": ...} and the like."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {name: value}


_Loader.add_multi_constructor("!", _short_form)


@lru_cache(maxsize=1)
def template() -> dict[str, Any]:
    return yaml.load((ROOT / "template.yaml").read_text(), _Loader)  # type: ignore[no-any-return]  # noqa: S506


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Logical id -> properties of all resources of a type."""
    found = template()["Resources"].items()
    return {name: resource.get("Properties", {}) for name, resource in found if resource["Type"] == kind}


def functions() -> dict[str, dict[str, Any]]:
    """Folder under functions/ -> properties."""
    found = resources("AWS::Serverless::Function").values()
    return {function["CodeUri"].removeprefix("functions/").strip("/"): function for function in found}


def routes() -> dict[tuple[str, str], str]:
    """(METHOD, path) -> folder under functions/."""
    return {
        (event["Properties"]["Method"].upper(), event["Properties"]["Path"]): folder
        for folder, function in functions().items()
        for event in function["Events"].values()
        if event["Type"] == "HttpApi"
    }
