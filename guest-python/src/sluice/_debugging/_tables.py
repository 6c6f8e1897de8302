"""The tables of one sync, in memory: what operations mean.

As `plan.rs`, `prepare.rs`, `declare.rs` and `write.rs` in `host/src/destination/sqlite`, for a database that
is empty when the sync begins and an operator who decided nothing: deletes mark rows, and rows without
their primary key are identified by their values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from sluice import _contract
from sluice._contract import DataType
from sluice._debugging import _naming, _types, _values
from sluice._encoding import Wire

ROW_OVERHEAD_BYTES = 64

SourceRow = Mapping[str, "Wire | None"]
"""A row by the source's names of its columns; None is NULL."""

_Key = tuple[str, ...]
"""What tells one row of a table from another; an identity has an empty text before it."""


class Refused(Exception):
    """An operation that cannot land in its table; ends the sync. Names table and column."""


class TooMuch(Exception):
    """A limit was reached; ends the sync."""


def reached(what: str, limit: object) -> str:
    """What is said of a limit that was reached; as in `host/src/error.rs`."""
    return f"{what} limit reached ({limit})"


@dataclass
class Column:
    """A column of a table. It has no type until it is declared with one or has a value."""

    source: str
    name: str
    type: DataType | None = None


class Row(NamedTuple):
    """One row: its values by column, NULL left out."""

    cells: Mapping[str, Wire]
    id: str | None
    deleted: bool = False


@dataclass
class Table:
    """One table, by its names in the source and in the database."""

    source: str
    name: str
    key: Sequence[str]
    columns: dict[str, Column]
    rows: dict[_Key, Row] = field(default_factory=dict)
    has_ids: bool = False


@dataclass
class Counts:
    """What happened to a table."""

    upserts: int = 0
    updates: int = 0
    deletes: int = 0
    truncates: int = 0
    keyless: int = 0


class Limits(NamedTuple):
    """The limits of the tables. Those of rows and bytes are of this host alone: its tables are in memory."""

    columns: int = 1_500
    rows: int = 1_000_000
    bytes: int = 512 << 20


class _Before(NamedTuple):
    """A table as it was at the last commit, as far as it changed."""

    columns: dict[str, Column]
    has_ids: bool
    rows: dict[_Key, Row | None]


class Tables:
    """All tables, and what changed since the last commit."""

    def __init__(self, limits: Limits) -> None:
        self.tables: dict[str, Table] = {}
        self.counts: dict[str, Counts] = {}
        """By the table's name in the database."""
        self._limits = limits
        self._rows = self._bytes = 0
        self._before: dict[str, _Before | None] = {}
        """What changed, by the table's name in the database; None for a table that was not there."""
        self._counts_before: dict[str, Counts] = {}
        self._singles: set[tuple[str, str]] = set()
        """Columns that are declared FLOAT: the table's name in the database, the column's in the source."""

    def commit(self) -> None:
        """Keep everything so far."""
        self._before.clear()
        self._counts_before.clear()

    def rollback(self) -> None:
        """Discard what came after the last commit."""
        for name, before in self._before.items():
            if before is None:
                del self.tables[name]
                continue
            table = self.tables[name]
            table.columns, table.has_ids = before.columns, before.has_ids
            for key, row in before.rows.items():
                if row is None:
                    del table.rows[key]
                else:
                    table.rows[key] = row
        self.counts.update(self._counts_before)
        self.commit()

    def declare(self, tables: Iterable[_contract.Table]) -> None:
        """Create the declared tables. Raises Refused before anything is created."""
        new: dict[str, Table] = {}
        for declared in tables:
            table = self._declared(declared)
            other = new.get(table.name)
            if other is not None:
                raise Refused(f"table {table.source}: {_naming.collision(other.source, table.name)}")
            new[table.name] = table
            for column, data_type in declared.columns:
                if data_type == _types.FLOAT:
                    self._singles.add((table.name, column))
        self.tables.update(new)
        self._before.update(dict.fromkeys(new))

    def _declared(self, declared: _contract.Table) -> Table:
        source = label(declared.schema, declared.name)
        name = _table_name(source, declared.schema, declared.name)
        columns: dict[str, Column] = {}
        types = dict(declared.columns)
        for column in dict.fromkeys([*declared.primary_key, *types]):
            found = _column_name(source, column)
            if found in columns:
                raise _refused(source, column, _naming.collision(columns[found].source, found))
            columns[found] = Column(column, found, types.get(column))
        self._check_columns(source, len(columns))
        key = [_column_name(source, column) for column in declared.primary_key]
        return Table(source, name, key, columns, has_ids=not key)

    def write(self, operation: str, schema: str | None, table: str, row: SourceRow) -> None:
        """Apply one row. Raises Refused or TooMuch."""
        source = label(schema, table)
        name = _table_name(source, schema, table)
        found = self._find(source, name)
        columns = _resolve(source, found, row)
        counts = self._counts(name)
        setattr(counts, operation + "s", getattr(counts, operation + "s") + 1)
        values = {columns[column]: value for column, value in row.items()}
        lacking = found is not None and any(values.get(column) is None for column in found.key)
        if lacking:
            counts.keyless += 1
        if operation != "upsert" and (found is None or lacking):
            return
        sent = {column: value for column, value in values.items() if value is not None}
        landing = {columns[c]: self._rounded(name, c, v) for c, v in row.items() if v is not None}
        found = self._widened(operation, source, name, found, columns, landing)
        if operation != "upsert" and any(found.columns[column].type is None for column in found.key):
            # a key without a type means an empty table
            return
        by_values = lacking or not found.key
        identity = _values.identity(sent) if by_values else None
        key = ("", identity) if identity else tuple(_values.text(landing[column]) for column in found.key)
        if operation == "upsert":
            if lacking and not found.has_ids:
                self._was(found)
                found.has_ids = True
            self._put(found, key, Row(landing, identity))
        elif key in found.rows:
            self._change(operation, found, key, values, landing)

    def truncate(self, schema: str | None, table: str) -> None:
        """Mark all rows of a table as deleted."""
        source = label(schema, table)
        name = _table_name(source, schema, table)
        found = self._find(source, name)
        self._counts(name).truncates += 1
        if found is not None:
            for key, row in list(found.rows.items()):
                if not row.deleted:
                    self._put(found, key, Row(row.cells, row.id, deleted=True))

    def _find(self, source: str, name: str) -> Table | None:
        found = self.tables.get(name)
        if found is not None and found.source != source:
            raise Refused(f"table {source}: {_naming.collision(found.source, name)}")
        return found

    def _counts(self, name: str) -> Counts:
        counts = self.counts.setdefault(name, Counts())
        if name not in self._counts_before:
            self._counts_before[name] = replace(counts)
        return counts

    def _rounded(self, table: str, column: str, value: Wire) -> Wire:
        # only a declaration rounds
        if value[0] == "floats" and (table, column) in self._singles:
            return "floats", _types.single(value[1])
        return value

    def _widened(
        self,
        operation: str,
        source: str,
        name: str,
        table: Table | None,
        names: Mapping[str, str],
        landing: Mapping[str, Wire],
    ) -> Table:
        """The table, made to hold these values; a new one for a table that does not exist."""
        found = table or Table(source, name, (), {}, has_ids=True)
        changed: list[Column] = []
        sources = {name: column for column, name in names.items()}
        for column, value in landing.items():
            # what only selects a row stores nothing
            if operation == "delete" or (operation == "update" and column in found.key):
                continue
            known = found.columns.get(column)
            before = None if known is None else known.type
            after = _types.settle(before, value, partial(_all_exact, found, column))
            if after != before:
                changed.append(Column(sources[column], column, after))
        new = sum(column.name not in found.columns for column in changed)
        if new:
            self._check_columns(source, len(found.columns) + new)
        if table is None:
            self.tables[name] = found
            self._before[name] = None
        if changed:
            self._was(found)
            # a new dict, because the former one may be what a rollback goes back to
            found.columns = found.columns | {column.name: column for column in changed}
        return found

    def _change(
        self, operation: str, table: Table, key: _Key, values: SourceRow, landing: Mapping[str, Wire]
    ) -> None:
        old = table.rows[key]
        if operation == "delete":
            self._put(table, key, Row(old.cells, old.id, deleted=True))
            return
        cells = {column: value for column, value in old.cells.items() if column not in values}
        cells |= {column: value for column, value in landing.items() if column not in table.key}
        cells |= {column: old.cells[column] for column in table.key if column in old.cells}
        self._put(table, key, Row(cells, old.id, old.deleted))

    def _put(self, table: Table, key: _Key, row: Row) -> None:
        old = table.rows.get(key)
        self._rows += old is None
        self._bytes += _size(row) - _size(old)
        if self._rows > self._limits.rows:
            raise TooMuch(reached("rows in memory", self._limits.rows))
        if self._bytes > self._limits.bytes:
            raise TooMuch(reached("bytes of rows in memory", self._limits.bytes))
        before = self._was(table)
        if before is not None:
            before.rows.setdefault(key, old)
        table.rows[key] = row

    def _was(self, table: Table) -> _Before | None:
        """What is known of the table at the last commit; None when it was not there."""
        if table.name not in self._before:
            self._before[table.name] = _Before(table.columns, table.has_ids, {})
        return self._before[table.name]

    def _check_columns(self, source: str, columns: int) -> None:
        limit = self._limits.columns
        if columns > limit:
            raise TooMuch(reached("destination", f"limit of {limit} columns reached in table {source}"))


def label(schema: str | None, table: str) -> str:
    """The table as messages name it."""
    return table if schema is None else f"{schema}.{table}"


def cell_bytes(value: Wire | None) -> int:
    """The size of a value; as `host/src/ops/values.rs` counts it."""
    if value is None:
        return 1
    kind, wire = value
    if isinstance(wire, str):
        return len(wire) if wire.isascii() else len(wire.encode())
    if isinstance(wire, bytes):
        return len(wire)
    return {"booleans": 1, "dates": 4}.get(kind, 8)


def _size(row: Row | None) -> int:
    return 0 if row is None else ROW_OVERHEAD_BYTES + sum(map(cell_bytes, row.cells.values()))


def _all_exact(table: Table, column: str) -> bool:
    cells = (row.cells.get(column) for row in table.rows.values())
    return all(value is None or value[0] != "integers" or _types.exact_in_double(value[1]) for value in cells)


def _resolve(source: str, table: Table | None, row: SourceRow) -> dict[str, str]:
    """The names of a row's columns in the database."""
    names: dict[str, str] = {}
    taken: dict[str, str] = {}
    for column in row:
        name = _column_name(source, column)
        known = table.columns.get(name) if table is not None else None
        other = taken.get(name, known.source if known is not None else column)
        if other != column:
            raise _refused(source, column, _naming.collision(other, name))
        taken[name] = column
        names[column] = name
    return names


def _refused(source: str, column: str, reason: object) -> Refused:
    return Refused(f"table {source}, column {column}: {reason}")


def _table_name(source: str, schema: str | None, table: str) -> str:
    try:
        return _naming.table_name(schema, table)
    except _naming.NameRefused as refused:
        raise Refused(f"table {source}: {refused}") from None


def _column_name(source: str, column: str) -> str:
    try:
        return _naming.destination_name("column", column)
    except _naming.NameRefused as refused:
        raise _refused(source, column, refused) from None
