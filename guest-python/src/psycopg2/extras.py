"""Cursors with named columns, statements with many rows, and JSON."""

from __future__ import annotations

import json
import re
from collections import OrderedDict, namedtuple
from collections.abc import Iterable, Iterator
from typing import Any

from psycopg2 import _adapt
from psycopg2._cursor import Cursor
from psycopg2.errors import NotSupportedError


class DictRow(list[Any]):
    """A row by number and by name."""

    __slots__ = ("_index",)

    def __init__(self, row: Iterable[Any], index: dict[str, int]) -> None:
        super().__init__(row)
        self._index = index

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self._index[key] if isinstance(key, str) else key)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(self._index[key] if isinstance(key, str) else key, value)

    def __contains__(self, key: object) -> bool:
        return key in self._index

    def keys(self) -> Iterator[str]:
        """The names of the columns."""
        return iter(self._index)

    def values(self) -> Iterator[Any]:
        """The values."""
        return iter(self)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and values."""
        return ((name, list.__getitem__(self, place)) for name, place in self._index.items())

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a column, if there is one."""
        return self[key] if key in self._index else default

    def copy(self) -> Any:
        """A dictionary of the row."""
        return OrderedDict(self.items())


class DictCursor(Cursor):
    """Rows by number and by name."""

    _index: dict[str, int]

    def _started(self) -> None:
        self._index = {column.name: place for place, column in enumerate(self.description or ())}

    def _made(self, row: Any) -> Any:
        return DictRow(row, self._index)


class RealDictRow(OrderedDict[str, Any]):
    """A row as a dictionary."""


class RealDictCursor(Cursor):
    """Rows as dictionaries."""

    _names: tuple[str, ...]

    def _started(self) -> None:
        self._names = tuple(column.name for column in self.description or ())

    def _made(self, row: Any) -> Any:
        return RealDictRow(zip(self._names, row, strict=False))


class NamedTupleCursor(Cursor):
    """Rows as named tuples."""

    _kind: Any

    def _started(self) -> None:
        names = [re.sub(r"\W", "_", column.name) for column in self.description or ()]
        names = [f"f{name}" if name[:1] in "_0123456789" else name for name in names]
        self._kind = namedtuple("Record", names, rename=True)  # type: ignore[misc]

    def _made(self, row: Any) -> Any:
        return self._kind(*row)


def execute_batch(cur: Any, sql: Any, argslist: Iterable[Any], page_size: int = 100) -> None:
    """Run a statement once for each set of values, many at a time."""
    for page in _pages(argslist, page_size):
        cur.execute(";".join(_adapt.statement(sql, values, cur.connection) for values in page))


def execute_values(
    cur: Any,
    sql: Any,
    argslist: Iterable[Any],
    template: Any = None,
    page_size: int = 100,
    fetch: bool = False,
) -> list[Any] | None:
    """Run a statement with `VALUES %s`, many rows at a time."""
    if hasattr(sql, "as_string"):
        sql = sql.as_string(cur.connection)
    if isinstance(sql, bytes):
        sql = sql.decode("utf-8")
    places = [found.start() for found in re.finditer(r"%[%s]", sql) if found.group() == "%s"]
    if len(places) != 1:
        raise ValueError("the query contains no or more than one '%s' placeholder")
    parts = [part.replace("%%", "%") for part in (sql[: places[0]], sql[places[0] + 2 :])]
    results: list[Any] | None = [] if fetch else None
    for page in _pages(argslist, page_size):
        rows = ",".join(_row(values, template, cur.connection) for values in page)
        cur.execute(f"{parts[0]}{rows}{parts[1]}")
        if results is not None:
            results.extend(cur.fetchall())
    return results


def _row(values: Any, template: Any, connection: Any) -> str:
    if template is None:
        template = "(" + ",".join(["%s"] * len(values)) + ")"
    return _adapt.statement(template, values, connection)


def _pages(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    page: list[Any] = []
    for value in values:
        page.append(value)
        if len(page) >= size:
            yield page
            page = []
    if page:
        yield page


class Json:
    """A value that is sent as JSON."""

    def __init__(self, adapted: Any, dumps: Any = None) -> None:
        self.adapted = adapted
        self._dumps = dumps or json.dumps

    def dumps(self, obj: Any) -> Any:
        """The text of a value."""
        return self._dumps(obj)

    def getquoted(self) -> bytes:
        """The literal."""
        return _adapt.quoted(self.dumps(self.adapted)).encode("utf-8")


def register_uuid(*_: Any, **__: Any) -> None:
    """UUIDs can be sent; what is read of them is text."""


def register_default_json(*_: Any, **__: Any) -> None:
    """JSON is read as values already."""


register_default_jsonb = register_json = register_default_json


def register_hstore(*_: Any, **__: Any) -> None:
    """Not provided: raises `NotSupportedError`."""
    raise NotSupportedError("hstore is not provided here; select it as hstore_to_json(column)")


def wait_select(connection: Any) -> None:
    """Calls wait by themselves."""
