"""What the simulated organisation owns: numbers, assistants, squads, tools and calls, as rows of Vapi's own shape."""

import copy
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from local.simulators.vapi.clock import iso, now, parse

Row: TypeAlias = dict[str, Any]

ORG_ID = "00000000-0000-4000-8000-0000000000aa"
DEFAULT_AREA_CODES = ("701", "279", "406")
TABLES = ("phone-number", "assistant", "squad", "tool", "call")


class Store:
    """Rows by table and id. Safe for threads; every row that goes in or comes out is a copy."""

    def __init__(self, activation_seconds: float) -> None:
        self.activation_seconds = activation_seconds
        self._lock = threading.RLock()
        self._tables: dict[str, dict[str, Row]] = {table: {} for table in TABLES}
        self._activations: dict[str, tuple[int, str]] = {}
        self._handed_out: dict[str, int] = {}
        self._bought = 0

    def insert(
        self, table: str, fields: Mapping[str, Any], *, only_if: Callable[[list[Row]], None] | None = None
    ) -> Row:
        """Adds a row with ``id``, ``orgId``, ``createdAt`` and ``updatedAt``, unless given, and returns it.

        ``only_if`` sees the rows of the table under the same lock and raises to refuse the new one.
        """
        with self._lock:
            if only_if:
                only_if(self.rows(table))
            instant = iso(now())
            row = {"id": str(uuid.uuid4()), "orgId": ORG_ID, "createdAt": instant, "updatedAt": instant, **fields}
            self._tables[table][row["id"]] = copy.deepcopy(row)
            return copy.deepcopy(row)

    def activate_later(self, number_id: str, area_code: str | None, sold: Callable[[str], bool]) -> None:
        """Lets a bought number become ``active``, with its E.164 number, after the activation time (vapi.md 1.3).

        ``sold`` says which numbers carriers have sold already; they are passed over.
        """
        with self._lock:
            area = area_code or DEFAULT_AREA_CODES[self._bought % len(DEFAULT_AREA_CODES)]
            self._bought += 1
            serial = self._handed_out.get(area, -1) + 1
            while sold(_fictional_number(area, serial)):
                serial += 1
            self._handed_out[area] = serial
            due = now() + round(self.activation_seconds * 1000)
            self._activations[number_id] = (due, _fictional_number(area, serial))

    def get(self, table: str, row_id: str) -> Row | None:
        """The row, or None."""
        with self._lock:
            self._activate_due()
            return copy.deepcopy(self._tables[table].get(row_id))

    def rows(self, table: str) -> list[Row]:
        """All rows of a table, newest ``createdAt`` first; of equals, the last inserted first."""
        with self._lock:
            self._activate_due()
            rows = copy.deepcopy(list(self._tables[table].values()))
        return sorted(rows, key=lambda row: str(row["createdAt"]))[::-1]

    def update(self, table: str, row_id: str, changes: Mapping[str, Any], *, touch: bool = True) -> Row | None:
        """Replaces the given keys, each as a whole; others stay. ``touch`` sets ``updatedAt`` to now."""
        with self._lock:
            self._activate_due()
            row = self._tables[table].get(row_id)
            if row is None:
                return None
            row.update(copy.deepcopy(dict(changes)))
            if touch:
                row["updatedAt"] = iso(max(now(), _next_millisecond(row)))
            return copy.deepcopy(row)

    def delete(self, table: str, row_id: str) -> Row | None:
        """Removes a row and returns it as it last was, or None."""
        with self._lock:
            self._activate_due()
            self._activations.pop(row_id, None)
            return self._tables[table].pop(row_id, None)

    def clear(self) -> None:
        """Forgets every row. Numbers handed out before are not handed out again."""
        with self._lock:
            for rows in self._tables.values():
                rows.clear()
            self._activations.clear()

    def dump(self, tables: Iterable[str] = TABLES) -> dict[str, list[Row]]:
        """Every row of the tables, newest first."""
        return {table: self.rows(table) for table in tables}

    def _activate_due(self) -> None:
        due = [row_id for row_id, (instant, _) in self._activations.items() if instant <= now()]
        for row_id in due:
            instant, number = self._activations.pop(row_id)
            self._tables["phone-number"][row_id].update(number=number, status="active", updatedAt=iso(instant))


def _fictional_number(area_code: str, serial: int) -> str:
    """The first of an area code are 555-0100 to 555-0199, kept free for fiction; then any others."""
    fictional = range(5_550_100, 5_550_200)
    local = fictional[serial] if serial < len(fictional) else 5_560_000 + serial - len(fictional)
    return f"+1{area_code}{local}"


def _next_millisecond(row: Row) -> int:
    return int(parse(row["updatedAt"])) + 1
