"""psycopg2's interface over pg8000, for connectors that import it.

The real psycopg2 is machine code, which a sandboxed connector cannot run. What connectors use of it is
here: connections, cursors, `extras`, `extensions`, `sql`, `pool` and the errors. Statements are put
together in the connector, as there, and sent as they are.
"""

from __future__ import annotations

import datetime
from typing import Any

from psycopg2 import errors as errors
from psycopg2 import extensions as extensions
from psycopg2._connection import Connection
from psycopg2._dsn import arguments
from psycopg2.errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,
)

__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "DataError",
    "DatabaseError",
    "Date",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Time",
    "Timestamp",
    "Warning",
    "apilevel",
    "connect",
    "errors",
    "extensions",
    "paramstyle",
    "threadsafety",
]

__version__ = "2.9.10 (sluice: over pg8000)"
__libpq_version__ = 0

apilevel = "2.0"
threadsafety = 2
paramstyle = "pyformat"

Binary = memoryview
Date, Time, Timestamp = datetime.date, datetime.time, datetime.datetime


class _Kind:
    """Equal to the type codes of its columns."""

    def __init__(self, *codes: int) -> None:
        self.values = codes

    def __eq__(self, other: object) -> bool:
        return other is self or other in self.values

    def __hash__(self) -> int:
        return hash(self.values)


BINARY = _Kind(17)
STRING = _Kind(18, 19, 25, 1042, 1043)
NUMBER = _Kind(20, 21, 23, 26, 700, 701, 1700)
DATETIME = _Kind(1082, 1083, 1114, 1184, 1186, 1266)
ROWID = _Kind(26)


def connect(
    dsn: str | None = None, connection_factory: Any = None, cursor_factory: Any = None, **kwargs: Any
) -> Any:
    """Connect with a connection string, a URL or keywords; raises `OperationalError`."""
    kwargs.pop("async", None)
    kwargs.pop("async_", None)
    made: Any = (connection_factory or Connection)(arguments(dsn, kwargs))
    if cursor_factory is not None:
        made.cursor_factory = cursor_factory
    return made
