"""Python's values as literals of SQL, and statements with them in place."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg2.errors import ProgrammingError

_PLACE = re.compile(r"%(?:(%)|(s)|\(([^)]*)\)s|(.?))", re.DOTALL)

adapters: dict[type, Callable[[Any], Any]] = {}
"""What `register_adapter` was told."""


def quoted(text: str) -> str:
    """Text as a literal; raises `ValueError` for a NUL, which PostgreSQL cannot hold."""
    if "\0" in text:
        raise ValueError("A string literal cannot contain NUL (0x00) characters.")
    text = text.replace("'", "''")
    return " E'" + text.replace("\\", "\\\\") + "'" if "\\" in text else f"'{text}'"


def literal(value: Any, connection: Any = None) -> str:
    """A value as a literal; raises `ProgrammingError` for one of another type."""
    for kind in type(value).__mro__:
        adapter = adapters.get(kind)
        if adapter is not None:
            return _of_adapter(adapter(value), connection)
        own = _LITERALS.get(kind)
        if own is not None:
            return own(value)
    if hasattr(value, "getquoted") or hasattr(value, "as_string"):
        return _of_adapter(value, connection)
    raise ProgrammingError(f"can't adapt type '{type(value).__name__}'")


def _of_adapter(made: Any, connection: Any) -> str:
    if hasattr(made, "as_string"):
        return str(made.as_string(connection))
    if hasattr(made, "prepare") and connection is not None:
        made.prepare(connection)
    text = made.getquoted()
    return text.decode("utf-8") if isinstance(text, bytes) else str(text)


def _integer(value: int) -> str:
    # a sign after an operator would make another operator, or a comment
    return str(int(value)) if value >= 0 else f" {int(value)}"


def _float(value: float) -> str:
    if math.isfinite(value):
        return repr(value) if value >= 0 else f" {value!r}"
    return "'NaN'::float" if math.isnan(value) else f"'{'-' if value < 0 else ''}Infinity'::float"


def _decimal(value: Decimal) -> str:
    if value.is_finite():
        return str(value) if value >= 0 else f" {value}"
    return "'NaN'::numeric"


def _datetime(value: datetime) -> str:
    return f"'{value.isoformat()}'::{'timestamptz' if value.tzinfo else 'timestamp'}"


def _time(value: time) -> str:
    return f"'{value.isoformat()}'::{'timetz' if value.tzinfo else 'time'}"


def _interval(value: timedelta) -> str:
    return f"'{value.days} days {value.seconds}.{value.microseconds:06d} seconds'::interval"


def _array(values: list[Any]) -> str:
    if not values:
        return "'{}'"
    return "ARRAY[" + ", ".join(literal(value).strip() for value in values) + "]"


def _tuple(values: tuple[Any, ...]) -> str:
    return "(" + ", ".join(literal(value).strip() for value in values) + ")"


_LITERALS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "NULL",
    bool: lambda value: "true" if value else "false",
    int: _integer,
    float: _float,
    Decimal: _decimal,
    str: quoted,
    bytes: lambda value: f"'\\x{bytes(value).hex()}'::bytea",
    bytearray: lambda value: f"'\\x{bytes(value).hex()}'::bytea",
    memoryview: lambda value: f"'\\x{bytes(value).hex()}'::bytea",
    datetime: _datetime,
    date: lambda value: f"'{value.isoformat()}'::date",
    time: _time,
    timedelta: _interval,
    UUID: lambda value: f"'{value}'::uuid",
    list: _array,
    tuple: _tuple,
}


def statement(query: Any, values: Any, connection: Any = None) -> str:
    """A statement with its values in place; without values `%` means itself."""
    if hasattr(query, "as_string"):
        query = query.as_string(connection)
    if isinstance(query, bytes):
        query = query.decode("utf-8")
    if not isinstance(query, str):
        raise TypeError(f"argument 1 must be a string or unicode object: got {type(query).__name__} instead")
    if values is None or (not isinstance(values, Mapping) and len(values) == 0):
        return query
    named = values if isinstance(values, Mapping) else None
    positional = None if named is not None else _sequence(values)
    used = 0

    def place(found: re.Match[str]) -> str:
        nonlocal used
        percent, unnamed, name, other = found.groups()
        if percent:
            return "%"
        if unnamed:
            if positional is None:
                raise TypeError("dict is not a sequence")
            if used >= len(positional):
                raise IndexError("list index out of range")
            used += 1
            return literal(positional[used - 1], connection)
        if name is not None:
            if named is None:
                raise TypeError("tuple indices must be integers or slices, not str")
            return literal(named[name], connection)
        raise ValueError(f"unsupported format character '{other}' (0x{ord(other or ' '):x})")

    made = _PLACE.sub(place, query)
    if positional is not None and used < len(positional):
        raise TypeError("not all arguments converted during string formatting")
    return made


def _sequence(values: Any) -> Sequence[Any]:
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise TypeError("query parameters should be a sequence or a mapping")
    return values
