"""The exceptions, by SQLSTATE: `errors.UniqueViolation`, `errors.lookup("23505")`."""

from __future__ import annotations

from typing import Any


class Warning(Exception):
    """Something to know about."""


class Error(Exception):
    """The base of all errors of the database."""

    pgcode: str | None = None
    pgerror: str | None = None
    cursor: Any = None

    @property
    def diag(self) -> Diagnostics:
        """What the server said about it."""
        return Diagnostics(getattr(self, "fields", {}))


class InterfaceError(Error):
    """The interface was used wrongly."""


class DatabaseError(Error):
    """The database refused."""


class DataError(DatabaseError):
    """A value does not fit."""


class OperationalError(DatabaseError):
    """The database's own operation failed."""


class IntegrityError(DatabaseError):
    """A constraint was violated."""


class InternalError(DatabaseError):
    """The database is in a state in which it cannot do that."""


class ProgrammingError(DatabaseError):
    """The statement is wrong."""


class NotSupportedError(DatabaseError):
    """The database cannot do that."""


class Diagnostics:
    """The fields of the server's message."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.severity = fields.get("S")
        self.sqlstate = fields.get("C")
        self.message_primary = fields.get("M")
        self.message_detail = fields.get("D")
        self.message_hint = fields.get("H")
        self.statement_position = fields.get("P")
        self.schema_name = fields.get("s")
        self.table_name = fields.get("t")
        self.column_name = fields.get("c")
        self.datatype_name = fields.get("d")
        self.constraint_name = fields.get("n")
        self.context = fields.get("W")


_CLASSES: tuple[tuple[type[DatabaseError], str], ...] = (
    (NotSupportedError, "0A"),
    (ProgrammingError, "20 21 26 2F 34 3B 3C 3D 3F 42 44"),
    (DataError, "22"),
    (IntegrityError, "23"),
    (InternalError, "24 25 2B 2D 38 39 XX"),
    (OperationalError, "08 28 40 53 54 55 57 58 F0"),
)

_NAMED = {
    "08001": "SqlclientUnableToEstablishSqlconnection",
    "08006": "ConnectionFailure",
    "22001": "StringDataRightTruncation",
    "22003": "NumericValueOutOfRange",
    "22007": "InvalidDatetimeFormat",
    "22012": "DivisionByZero",
    "22P02": "InvalidTextRepresentation",
    "23502": "NotNullViolation",
    "23503": "ForeignKeyViolation",
    "23505": "UniqueViolation",
    "23514": "CheckViolation",
    "25006": "ReadOnlySqlTransaction",
    "25P02": "InFailedSqlTransaction",
    "28000": "InvalidAuthorizationSpecification",
    "28P01": "InvalidPassword",
    "3D000": "InvalidCatalogName",
    "3F000": "InvalidSchemaName",
    "40001": "SerializationFailure",
    "40P01": "DeadlockDetected",
    "42501": "InsufficientPrivilege",
    "42601": "SyntaxError",
    "42703": "UndefinedColumn",
    "42804": "DatatypeMismatch",
    "42883": "UndefinedFunction",
    "42P01": "UndefinedTable",
    "42P02": "UndefinedParameter",
    "42P07": "DuplicateTable",
    "53300": "TooManyConnections",
    "55P03": "LockNotAvailable",
    "57014": "QueryCanceled",
    "57P01": "AdminShutdown",
    "57P03": "CannotConnectNow",
}


def _base(code: str) -> type[DatabaseError]:
    return next((kind for kind, classes in _CLASSES if code[:2] in classes.split()), DatabaseError)


_KNOWN: dict[str, type[DatabaseError]] = {
    code: type(name, (_base(code),), {"__module__": __name__}) for code, name in _NAMED.items()
}
globals().update({kind.__name__: kind for kind in _KNOWN.values()})


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def lookup(code: str) -> type[DatabaseError]:
    """The class for an SQLSTATE; raises `KeyError`."""
    return _KNOWN[code]


def of_server(fields: Any) -> DatabaseError:
    """The exception for a message of the server, a dictionary of its fields."""
    if not isinstance(fields, dict):
        return DatabaseError(str(fields))
    code = fields.get("C", "")
    text = fields.get("M", "")
    error = _KNOWN.get(code, _base(code))(text + "\n" if text else "")
    error.pgcode = code or None
    error.pgerror = f"{fields.get('S', 'ERROR')}:  {text}\n"
    error.fields = fields  # type: ignore[attr-defined]
    return error
