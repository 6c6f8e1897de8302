"""Where to connect to: connection strings, URLs and keywords."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from psycopg2.errors import ProgrammingError

_PAIR = re.compile(r"\s*(\w+)\s*=\s*('(?:\\.|[^'\\])*'|(?:\\.|[^\s\\])*)\s*")
_ENVIRONMENT = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "application_name": "PGAPPNAME",
    "options": "PGOPTIONS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}


def parse(dsn: str) -> dict[str, str]:
    """The parts of a connection string or URL; raises `ProgrammingError`."""
    if dsn.startswith(("postgresql://", "postgres://")):
        return _parse_url(dsn)
    found: dict[str, str] = {}
    position = 0
    while position < len(dsn):
        pair = _PAIR.match(dsn, position)
        if pair is None:
            raise ProgrammingError('invalid dsn: missing "=" after a keyword in connection info string')
        name, value = pair.groups()
        if value.startswith("'"):
            value = value[1:-1]
        found[name] = re.sub(r"\\(.)", r"\1", value)
        position = pair.end()
    return found


def _parse_url(dsn: str) -> dict[str, str]:
    parts = urlsplit(dsn)
    try:
        port = parts.port
    except ValueError:
        raise ProgrammingError("invalid dsn: the port is not a number") from None
    found = {
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "host": unquote(parts.hostname or ""),
        "port": str(port or ""),
        "dbname": unquote(parts.path[1:]),
    }
    found.update(parse_qsl(parts.query))
    return {name: value for name, value in found.items() if value}


def arguments(dsn: str | None, keywords: dict[str, Any]) -> dict[str, str]:
    """All of them together: keywords before the connection string, that before the environment."""
    found = {name: os.environ[variable] for name, variable in _ENVIRONMENT.items() if variable in os.environ}
    if dsn:
        found.update(parse(dsn))
    for name, value in keywords.items():
        if value is not None:
            found["dbname" if name == "database" else name] = str(value)
    return found


def make(dsn: str | None = None, **keywords: Any) -> str:
    """A connection string."""
    found = parse(dsn) if dsn else {}
    for name, value in keywords.items():
        if value is not None:
            found["dbname" if name == "database" else name] = str(value)
    return " ".join(f"{name}={_quoted(value)}" for name, value in found.items())


def _quoted(value: str) -> str:
    if value and re.fullmatch(r"[^\s'\\]+", value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
