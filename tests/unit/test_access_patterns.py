"""docs/access-patterns.md, the store's methods and each function's permissions say the same."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from switchboard.store import keys
from tests.support.template import ROOT, functions, resources

PAGE = (ROOT / "docs/access-patterns.md").read_text()
STORE = sorted((ROOT / "layers/switchboard/switchboard/store").glob("*.py"))

OPERATIONS = {
    "get_item": "GetItem",
    "batch_get_item": "BatchGetItem",
    "query": "Query",
    "put_item": "PutItem",
    "update_item": "UpdateItem",
    "delete_item": "DeleteItem",
    "batch_write_item": "BatchWriteItem",
    "transact_write_items": "TransactWriteItems",
    "transact_get_items": "TransactGetItems",
}
"""A client's method -> DynamoDB's operation."""

IN_TRANSACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
"""A member of a transaction -> the permission it needs."""

OPERATOR = "operator"


@dataclass(frozen=True)
class Row:
    number: int
    question: str
    callers: frozenset[str]
    operation: str
    permissions: frozenset[str]
    index: str
    methods: frozenset[str]


def table_under(heading: str) -> Iterator[dict[str, str]]:
    """The rows of the first table whose head begins so, by the names of its columns."""
    lines = PAGE.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(heading))
    names = [cell.strip() for cell in lines[start].strip("|").split("|")]
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        yield dict(zip(names, cells, strict=True))


def row(cells: dict[str, str]) -> Row:
    form = re.fullmatch(r"(\w+)(?: \(([\w, ]+)\))?", cells["operation"])
    assert form, cells
    permissions = form[2].split(", ") if form[2] else [form[1]]
    return Row(
        int(cells["#"]),
        cells["question"],
        frozenset(cells["caller"].split(", ")),
        form[1],
        frozenset(permissions),
        cells["index"],
        frozenset(re.findall(r"`([\w.]+)`", cells["method"])),
    )


ROWS = [row(cells) for cells in table_under("| # |")]
ENTITIES = list(table_under("| entity |"))


@dataclass(frozen=True)
class Asked:
    """What a function of the store asks of DynamoDB, by itself or through a private one beside it."""

    operations: frozenset[str]
    members: frozenset[str]


def code() -> Iterator[tuple[str, Asked]]:
    """`Class.method` or `module.function` of the store -> what it asks, of all that ask anything."""
    for path in STORE:
        module = ast.parse(path.read_text())
        parts = {
            path.stem: module.body,
            **{node.name: node.body for node in module.body if isinstance(node, ast.ClassDef)},
        }
        for owner, body in parts.items():
            defined = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
            for name, function in defined.items():
                asked = asked_by(function, defined)
                if asked.operations and not name.startswith("_"):
                    yield f"{owner}.{name}", asked


def asked_by(function: ast.FunctionDef, beside: dict[str, ast.FunctionDef]) -> Asked:
    operations: set[str] = set()
    members: set[str] = set()
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in OPERATIONS:
                operations.add(OPERATIONS[name])
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)) if name in beside:
                further = asked_by(beside[name], beside)
                operations |= further.operations
                members |= further.members
            case ast.Dict(keys=names):
                written = {name.value for name in names if isinstance(name, ast.Constant)}
                members |= {permission for member, permission in IN_TRANSACTIONS.items() if member in written}
    return Asked(frozenset(operations), frozenset(members))


CODE = dict(code())


def statements(folder: str) -> list[dict[str, Any]]:
    return [
        statement
        for policy in functions()[folder].get("Policies", [])
        for statement in policy["Statement"]
        if any(action.startswith("dynamodb:") for action in statement["Action"])
    ]


def index_of(resource: Any) -> str:
    """`table`, or the name of the index that a policy's resource is."""
    if resource == {"Fn::GetAtt": "Table.Arn"}:
        return "table"
    index = re.fullmatch(r"\$\{Table\.Arn\}/index/([\w-]+)", resource["Fn::Sub"])
    assert index, resource
    return index[1]


def test_the_questions_are_numbered_and_asked_in_words() -> None:
    assert [row.number for row in ROWS] == list(range(1, len(ROWS) + 1))
    assert all(row.question.endswith(("?", ".")) for row in ROWS)


def test_every_method_of_a_row_exists() -> None:
    assert {method for row in ROWS for method in row.methods} <= CODE.keys()


@pytest.mark.parametrize("method", sorted(CODE))
def test_a_method_that_asks_the_table_has_rows_that_say_what_it_asks(method: str) -> None:
    rows = [row for row in ROWS if method in row.methods]
    assert {row.operation for row in rows} == CODE[method].operations
    in_transactions = [row.permissions for row in rows if row.operation.startswith("Transact")]
    assert frozenset().union(*in_transactions) == (CODE[method].members if in_transactions else frozenset())


@pytest.mark.parametrize("folder", sorted(functions()))
def test_a_function_may_do_what_its_rows_ask_and_no_more(folder: str) -> None:
    asked = {(permission, row.index) for row in ROWS if folder in row.callers for permission in row.permissions}
    granted = {
        (action.removeprefix("dynamodb:"), index_of(statement["Resource"]))
        for statement in statements(folder)
        for action in statement["Action"]
    }
    assert granted == asked


def test_every_caller_is_a_function_or_a_person() -> None:
    assert {caller for row in ROWS for caller in row.callers} <= functions().keys() | {OPERATOR}


def test_every_index_is_the_templates_and_is_asked() -> None:
    made = {index["IndexName"] for index in resources("AWS::DynamoDB::Table")["Table"]["GlobalSecondaryIndexes"]}
    assert {row.index for row in ROWS} - {"table"} == made
    assert made == {
        keys.BY_BUSINESS,
        keys.BLOCKS_BY_TIME,
        keys.CALLS_BY_TIME,
        keys.CALLS_BY_CALLER,
        keys.UNFINISHED,
        keys.INVENTORY,
    }


def test_nothing_is_ever_scanned() -> None:
    forbidden = {"scan", "execute_statement", "batch_execute_statement"}
    for path in [*ROOT.glob("layers/switchboard/**/*.py"), *ROOT.glob("functions/**/*.py")]:
        names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert not names & forbidden, path
    granted = {action for folder in functions() for statement in statements(folder) for action in statement["Action"]}
    assert not {action for action in granted if re.search(r"Scan|PartiQL|\*", action)}


def test_every_key_has_its_entity() -> None:
    spelled = {
        f"keys.{name}"
        for name, function in inspect.getmembers(keys, inspect.isfunction)
        if inspect.signature(function).return_annotation == dict[str, Any]
    }
    assert {entity["spelled by"].strip("`") for entity in ENTITIES} == spelled


@pytest.mark.parametrize("entity", ENTITIES, ids=[entity["entity"] for entity in ENTITIES])
def test_the_item_that_is_shown_has_the_keys_that_are_said(entity: dict[str, str]) -> None:
    item = json.loads(entity["an item"].strip("`"))
    spell = getattr(keys, entity["spelled by"].strip("`").removeprefix("keys."))
    said = spell(*(f"<{name}>" for name in inspect.signature(spell).parameters))
    for name in ("PK", "SK"):
        pattern = entity[name].strip("`")
        assert re.fullmatch(re.sub(r"<\w+>", ".+", re.escape(pattern).replace(r"\<", "<")), item[name])
        assert re.sub("<.*?>", "<>", pattern) == re.sub("<.*?>", "<>", said[name])


@pytest.mark.parametrize("entity", ENTITIES, ids=[entity["entity"] for entity in ENTITIES])
def test_the_item_that_is_shown_has_its_indexes_attributes(entity: dict[str, str]) -> None:
    item = json.loads(entity["an item"].strip("`"))
    said = dict(re.findall(r"([\w-]+) \((\w+, \w+)\)", entity["index"]))
    for index in resources("AWS::DynamoDB::Table")["Table"]["GlobalSecondaryIndexes"]:
        attributes = [part["AttributeName"] for part in index["KeySchema"]]
        assert (", ".join(attributes) == said.get(index["IndexName"])) == (set(attributes) <= item.keys())
