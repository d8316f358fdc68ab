"""Who may know what: pure parts, the one speller of keys, handlers that are a sentence, a call plane that is light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.template import ROOT

LAYER = ROOT / "layers/switchboard/switchboard"
HANDLERS = sorted((ROOT / "functions").glob("*/app.py"))
PURE = sorted(
    [*(path for part in ("model", "routing", "calls") for path in (LAYER / part).glob("*.py")), LAYER / "events.py"]
)
PURE_PARTS = ("switchboard.model", "switchboard.routing", "switchboard.calls", "switchboard.events")
PURE_HELPERS = ("switchboard.errors",)

IMPURE_MODULES = frozenset(
    [
        "asyncio",
        "aws_lambda_powertools",
        "boto3",
        "botocore",
        "http",
        "logging",
        "os",
        "pathlib",
        "random",
        "requests",
        "secrets",
        "shutil",
        "socket",
        "ssl",
        "subprocess",
        "sys",
        "tempfile",
        "threading",
        "time",
        "urllib",
        "urllib3",
        "uuid",
    ]
)
CLOCKS = frozenset({"now", "today", "utcnow", "time", "time_ns", "monotonic"})


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imported(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield str(node.module)


def called(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def texts(node: ast.AST) -> Iterator[str]:
    """String literals, docstrings aside."""
    documentation = {
        id(child.value)
        for child in ast.walk(node)
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
    }
    for child in ast.walk(node):
        if isinstance(child, ast.Constant) and isinstance(child.value, str) and id(child) not in documentation:
            yield child.value


def arguments_of(module: ast.Module, name: str) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
            yield from (text for argument in node.args for text in texts(argument))


def of_layer(path: Path) -> str:
    return str(path.relative_to(LAYER))


def of_function(path: Path) -> str:
    return path.parent.name


@pytest.mark.parametrize("path", PURE, ids=of_layer)
def test_a_pure_module_imports_nothing_that_reaches_outside(path: Path) -> None:
    for name in imported(tree(path)):
        assert name.partition(".")[0] not in IMPURE_MODULES, name
        if name.startswith("switchboard"):
            assert name.startswith(PURE_PARTS) or name in PURE_HELPERS, name


@pytest.mark.parametrize("path", PURE, ids=of_layer)
def test_a_pure_module_asks_no_clock_and_opens_nothing(path: Path) -> None:
    assert not {*called(tree(path))} & (CLOCKS | {"open", "input", "print"})


def test_the_errors_know_nothing_of_http_or_aws() -> None:
    assert {*imported(tree(LAYER / "errors.py"))} == {"dataclasses"}


def test_only_the_http_edge_knows_powertools_http() -> None:
    for path in LAYER.rglob("*.py"):
        if path.parent.name != "api":
            names = [name for name in imported(tree(path)) if name.startswith("aws_lambda_powertools.event_handler")]
            assert not names, path


def test_only_the_store_the_bus_and_the_secrets_know_aws_clients() -> None:
    for path in [*LAYER.rglob("*.py"), *HANDLERS]:
        if path.parent.name != "store" and path.name != "bus.py":
            names = [name for name in imported(tree(path)) if name.partition(".")[0] in ("boto3", "botocore")]
            assert not names, path


def test_keys_are_spelled_in_one_file() -> None:
    """The store may take a prefix off again where it reads a key back; nobody else writes any part of one."""
    keys = LAYER / "store/keys.py"
    prefixes = {text.partition("#")[0] + "#" for text in texts(tree(keys)) if "#" in text} - {"#"}
    assert {"NUMBER#", "CALL#", "E164#"} <= prefixes
    for path in [*LAYER.rglob("*.py"), *HANDLERS]:
        spelled = [text for text in texts(tree(path)) if any(prefix in text for prefix in prefixes)]
        taken_off = [text for text in arguments_of(tree(path), "removeprefix") if path.parent.name == "store"]
        assert path == keys or sorted(spelled) == sorted(taken_off), path


@pytest.mark.parametrize("path", HANDLERS, ids=of_function)
def test_a_handler_is_a_sentence(path: Path) -> None:
    module = tree(path)
    assert len(path.read_text().splitlines()) <= 45
    assert ast.get_docstring(module)
    assert not [node for node in ast.walk(module) if isinstance(node, ast.Try | ast.TryStar | ast.While)]
    names = {*imported(module)}
    assert not {name for name in names if name.partition(".")[0] in ("boto3", "botocore", "os")}
    assert "environ" not in {node.attr for node in ast.walk(module) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("path", HANDLERS, ids=of_function)
def test_a_handler_is_named_as_lambda_expects_it(path: Path) -> None:
    names = {
        name.id
        for node in tree(path).body
        if isinstance(node, ast.Assign)
        for name in node.targets
        if isinstance(name, ast.Name)
    } | {node.name for node in tree(path).body if isinstance(node, ast.FunctionDef)}
    assert "lambda_handler" in names


def loaded_by(module: str) -> set[str]:
    """What a fresh interpreter has loaded after importing a module of the layer."""
    program = f"import {module}, sys; print(*sys.modules)"
    answer = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(LAYER.parent), "AWS_XRAY_SDK_ENABLED": "false"},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(answer.stdout.split())


def test_the_call_plane_loads_neither_models_nor_the_resolver_nor_carriers() -> None:
    heavy = ("pydantic", "aws_lambda_powertools.event_handler", "phonenumbers", "switchboard.carriers", "ulid")
    loaded = loaded_by("switchboard.api.callplane")
    assert not {name for name in loaded if name.startswith(heavy)}


THE_CALL_PLANE_MAY_LOAD = {
    "aws_lambda_powertools",
    "botocore",
    "dateutil",  # of botocore
    "jmespath",  # of Powertools and botocore
    "six",  # of dateutil
    "switchboard",
    "typing_extensions",  # of Powertools
    "urllib3",  # of botocore
}
TAKEN_WHERE_THEY_ARE = {"OpenSSL", "awscrt", "certifi", "cryptography"}
"""By botocore and urllib3, from a development environment; the functions do not carry them."""


def test_the_call_plane_loads_what_it_needs_and_nothing_else() -> None:
    """boto3 is not among it: it would cost every new instance a tenth of its start (`make bench`)."""
    names = {name.partition(".")[0] for name in loaded_by("switchboard.api.callplane")} - sys.stdlib_module_names
    libraries = {name for name in names if not name.startswith("_")}
    assert libraries - TAKEN_WHERE_THEY_ARE == THE_CALL_PLANE_MAY_LOAD


def test_the_call_plane_loads_of_ourselves_only_what_a_call_needs() -> None:
    names = {name for name in loaded_by("switchboard.api.callplane") if name.startswith("switchboard.")}
    parts = ("switchboard.api", "switchboard.calls", "switchboard.routing", "switchboard.store")
    apart = {name for name in names if not name.startswith(parts)}
    assert apart == {"switchboard.incoming", "switchboard.webhook_token"}
    later = {"switchboard.api.http", "switchboard.store.numbers", "switchboard.store.screening"}
    assert not names & (later | {"switchboard.store.transcripts"})


@pytest.mark.parametrize("module", ["switchboard.routing.decide", "switchboard.calls.record"])
def test_the_decision_and_the_call_record_load_no_library_at_all(module: str) -> None:
    assert not {name.partition(".")[0] for name in loaded_by(module)} & {
        "pydantic",
        "boto3",
        "botocore",
        "phonenumbers",
    }
