"""Adapters, types, and constants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg2 import _adapt
from psycopg2._connection import Connection as connection
from psycopg2._cursor import Column
from psycopg2._cursor import Cursor as cursor
from psycopg2._dsn import make as make_dsn
from psycopg2._dsn import parse as parse_dsn

__all__ = [
    "AsIs",
    "Column",
    "QuotedString",
    "adapt",
    "connection",
    "cursor",
    "make_dsn",
    "parse_dsn",
    "quote_ident",
]

ISOLATION_LEVEL_AUTOCOMMIT = 0
ISOLATION_LEVEL_READ_COMMITTED = 1
ISOLATION_LEVEL_REPEATABLE_READ = 2
ISOLATION_LEVEL_SERIALIZABLE = 3
ISOLATION_LEVEL_READ_UNCOMMITTED = 4
ISOLATION_LEVEL_DEFAULT = None

STATUS_READY = 1
STATUS_BEGIN = STATUS_IN_TRANSACTION = 2

TRANSACTION_STATUS_IDLE = 0
TRANSACTION_STATUS_ACTIVE = 1
TRANSACTION_STATUS_INTRANS = 2
TRANSACTION_STATUS_INERROR = 3
TRANSACTION_STATUS_UNKNOWN = 4

UNICODE = UNICODEARRAY = None


class AsIs:
    """Text that is put into a statement as it is."""

    def __init__(self, adapted: Any) -> None:
        self.adapted = adapted

    def getquoted(self) -> bytes:
        """The text."""
        return str(self.adapted).encode("utf-8")


class QuotedString:
    """Text that is put into a statement as a literal."""

    def __init__(self, adapted: Any) -> None:
        self.adapted = adapted

    def getquoted(self) -> bytes:
        """The literal."""
        return _adapt.quoted(str(self.adapted)).strip().encode("utf-8")


def adapt(value: Any) -> AsIs:
    """A value as its literal."""
    return AsIs(_adapt.literal(value))


def register_adapter(kind: type, adapter: Callable[[Any], Any]) -> None:
    """How values of a type are written: `adapter` gives something with `getquoted`."""
    _adapt.adapters[kind] = adapter


def register_type(*_: Any, **__: Any) -> None:
    """Types are read as pg8000 reads them; nothing happens."""


def new_type(oids: Any, name: str, adapter: Any) -> Any:
    """A type for `register_type`."""
    return (oids, name, adapter)


new_array_type = new_type


def quote_ident(name: str, scope: Any = None) -> str:
    """A name in double quotes."""
    return '"' + name.replace('"', '""') + '"'
