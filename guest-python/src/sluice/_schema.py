"""What a connector declares: tables, their primary keys and the types of their columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sluice import _contract
from sluice._contract import DataType
from sluice._names import check_name, order_key

TYPES = {
    "BOOLEAN": "Boolean",
    "SHORT": "Short",
    "INT": "Int",
    "LONG": "Long",
    "DECIMAL": "Decimal",
    "FLOAT": "Float",
    "DOUBLE": "Double",
    "NAIVE_DATE": "NaiveDate",
    "NAIVE_DATETIME": "NaiveDatetime",
    "UTC_DATETIME": "UtcDatetime",
    "BINARY": "Binary",
    "XML": "Xml",
    "STRING": "Text",
    "JSON": "Json",
}
"""The types an author may declare, and the contract's names for them."""

MAX_PRECISION = 38

LENIENT = "?"
"""After the name of a declared type: a value that it does not take is sent as if undeclared."""


class Table:
    """One table: its name, and what is declared about it, which may be nothing."""

    __slots__ = ("_columns", "_tolerance", "group", "key", "name", "primary_key", "schema")

    def __init__(
        self,
        schema: str | None,
        name: str,
        primary_key: tuple[str, ...] = (),
        columns: Mapping[str, tuple[str, DataType]] | None = None,
    ) -> None:
        self.schema = schema
        self.name = name
        self.primary_key = primary_key
        self.key: object = name if schema is None else (schema, name)
        """What `Operations` looks the table up by."""
        self.group = order_key(schema, name)
        """Tables of one group may be one table in the destination, so their order counts."""
        self._columns = columns or {}
        self._tolerance: _contract.Tolerance | None = None

    @property
    def label(self) -> str:
        """The table as messages name it."""
        return self.name if self.schema is None else f"{self.schema}.{self.name}"

    @property
    def tolerance(self) -> _contract.Tolerance:
        """What the operator wants done with what cannot land in the table; asked once."""
        if self._tolerance is None:
            self._tolerance = _contract.tolerance(self.schema, self.name)
        return self._tolerance

    def declared(self, column: str) -> str | None:
        """How values of a column are encoded: its declared type, None if undeclared.

        LENIENT stands after it where values that do not fit are sent all the same.
        """
        found = self._columns.get(column)
        if found is None:
            return None
        return found[0] + LENIENT if self.tolerance.misfits else found[0]

    def definition(self) -> _contract.Table:
        """The table as the contract has it: key columns first, then the others as declared."""
        order = dict.fromkeys([*self.primary_key, *self._columns])
        columns = [(name, self._columns[name][1] if name in self._columns else None) for name in order]
        return _contract.Table(self.schema, self.name, self.primary_key, columns)


def parse(answer: object) -> list[Table]:
    """The tables that `schema(configuration)` answered with.

    Raises TypeError, ValueError, KeyError or AttributeError that says what to write instead.
    """
    if not isinstance(answer, Iterable) or isinstance(answer, (str, bytes, Mapping)):
        raise TypeError(f"schema must return a list of dicts, not {type(answer).__name__}")
    tables: dict[object, Table] = {}
    for entry in answer:
        table = _table(entry)
        if table.key in tables:
            raise ValueError(f"schema declares table {table.label} twice")
        tables[table.key] = table
    return list(tables.values())


def _table(entry: object) -> Table:
    if not isinstance(entry, Mapping):
        raise TypeError(f"schema must return a list of dicts, but one entry is {type(entry).__name__}")
    if "table" not in entry:
        raise ValueError("schema has an entry without the key `table`")
    name = check_name(entry["table"], "table name in schema")
    schema = entry.get("schema")
    if schema is not None:
        schema = check_name(schema, f"schema name of table {name}")
    columns = entry.get("columns")
    if columns is None:
        columns = {}
    if not isinstance(columns, Mapping):
        raise AttributeError(f"table {name}: columns must be a dict, not {type(columns).__name__}")
    types = {
        check_name(column, f"table {name}: column name", blank=True): _column(name, column, declared)
        for column, declared in columns.items()
    }
    return Table(schema, name, _primary_key(name, entry.get("primary_key")), types)


def _primary_key(table: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        raise TypeError(f"table {table}: primary_key must be a list, write it in brackets, [...]")
    if not isinstance(value, Iterable) or isinstance(value, (bytes, Mapping)):
        raise TypeError(f"table {table}: primary_key must be a list, not {type(value).__name__}")
    what = f"table {table}: primary key column"
    return tuple(dict.fromkeys(check_name(column, what, blank=True) for column in value))


def _column(table: str, column: str, declared: object) -> tuple[str, DataType]:
    place = f"table {table}, column {column}"
    if isinstance(declared, Mapping):
        return _decimal(place, declared)
    if not isinstance(declared, str):
        raise ValueError(f"{place}: a type must be text or a dict, not {type(declared).__name__}")
    name = declared.upper()
    if name == "DECIMAL":
        raise ValueError(f'{place}: write DECIMAL as {{"type": "DECIMAL", "precision": ..., "scale": ...}}')
    if name not in TYPES:
        raise ValueError(f"{place}: unknown type, use one of {', '.join(TYPES)}")
    return name, DataType(TYPES[name])


def _decimal(place: str, declared: Mapping[Any, Any]) -> tuple[str, DataType]:
    name = declared.get("type", "DECIMAL")
    if not isinstance(name, str) or name.upper() != "DECIMAL":
        raise ValueError(f"{place}: only DECIMAL is written as a dict")
    for part in ("type", "precision", "scale"):
        if part not in declared:
            raise KeyError(f"{place}: a type written as a dict needs the key `{part}`")
    precision = _digits(place, "precision", declared["precision"])
    scale = _digits(place, "scale", declared["scale"])
    if not 1 <= precision <= MAX_PRECISION:
        raise ValueError(f"{place}: precision must be 1 to {MAX_PRECISION}")
    if scale > precision:
        raise ValueError(f"{place}: scale must not be greater than precision")
    return "DECIMAL", DataType("Decimal", (precision, scale))


def _digits(place: str, what: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{place}: {what} must be an int of 0 or more")
    return int(value)
