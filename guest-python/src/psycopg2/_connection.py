"""A connection."""

from __future__ import annotations

import contextlib
import importlib
import ssl
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from psycopg2._cursor import Cursor, NamedCursor
from psycopg2.errors import Error, InterfaceError, OperationalError, ProgrammingError, of_server

_INSTALL = (
    "psycopg2 is machine code, which a connector cannot run; its interface is provided over pg8000: "
    "put psycopg2-binary or pg8000 into requirements.txt"
)
_SECURE = ("require", "verify-ca", "verify-full")
_MODES = ("disable", "allow", "prefer", *_SECURE)
_UUID, _BYTEA, _INTERVAL, _INET, _CIDR = 2950, 17, 1186, 869, 650
_LEVELS = {1: "READ COMMITTED", 2: "REPEATABLE READ", 3: "SERIALIZABLE", 4: "READ UNCOMMITTED"}


def _driver() -> Any:
    try:
        return importlib.import_module("pg8000.dbapi")
    except ImportError as error:
        raise ImportError(_INSTALL) from error


class Connection:
    """What `psycopg2.connect` gives."""

    cursor_factory: Any = None

    def __init__(self, arguments: dict[str, str]) -> None:
        self._arguments = arguments
        self._driver = _driver()
        self._autocommit = False
        self._begin = "BEGIN"
        self.closed = 0
        self.encoding = "UTF8"
        self.isolation_level: int | None = None
        self._connection = self._connect(arguments)
        for oid, read in (
            (_UUID, str),
            (_INET, str),
            (_CIDR, str),
            (_BYTEA, lambda text: memoryview(bytes.fromhex(text[2:]))),
            (_INTERVAL, _interval_reader()),
        ):
            self._connection.register_in_adapter(oid, read)

    def _connect(self, arguments: dict[str, str]) -> Any:
        host = arguments.get("host") or arguments.get("hostaddr") or "localhost"
        if host.startswith("/"):
            raise OperationalError("a connector has no sockets of the system: name a host")
        mode = arguments.get("sslmode", "prefer")
        if mode not in _MODES:
            raise OperationalError(f'invalid sslmode value: "{mode}"')
        timeout = float(arguments["connect_timeout"]) if arguments.get("connect_timeout") else None
        options = arguments.get("options")
        try:
            made = self._driver.connect(
                arguments.get("user") or "postgres",
                host=host,
                port=int(arguments.get("port") or 5432),
                database=arguments.get("dbname") or arguments.get("user"),
                password=arguments.get("password"),
                ssl_context=_context(mode),
                timeout=timeout or None,
                application_name=arguments.get("application_name"),
                startup_params={"options": options} if options else None,
            )
        except self._driver.DatabaseError as error:
            raise _translated(error, connecting=True) from error
        except (self._driver.Error, OSError) as error:
            cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
            raise OperationalError(f'connection to server at "{host}" failed: {cause}\n') from error
        if timeout:
            made._usock.settimeout(None)
        return made

    @property
    def autocommit(self) -> bool:
        """Whether every statement is a transaction of its own."""
        return self._autocommit

    @autocommit.setter
    def autocommit(self, value: bool) -> None:
        self._check_open()
        if self._connection._in_transaction:
            raise ProgrammingError("set_session cannot be used inside a transaction")
        self._autocommit = bool(value)

    def set_session(
        self,
        isolation_level: Any = None,
        readonly: bool | None = None,
        deferrable: bool | None = None,
        autocommit: bool | None = None,
    ) -> None:
        """How transactions begin."""
        parts = ["BEGIN"]
        if isolation_level is not None:
            name = _LEVELS.get(isolation_level, str(isolation_level))
            if name.upper() not in _LEVELS.values():
                raise ValueError(f"bad value for isolation_level: '{isolation_level}'")
            parts.append(f"ISOLATION LEVEL {name.upper()}")
        if readonly is not None:
            parts.append("READ ONLY" if readonly else "READ WRITE")
        if deferrable is not None:
            parts.append("DEFERRABLE" if deferrable else "NOT DEFERRABLE")
        self._begin = " ".join(parts)
        if autocommit is not None:
            self.autocommit = autocommit

    def set_isolation_level(self, level: int | None) -> None:
        """The same by the numbers of `extensions`; 0 is autocommit."""
        self._autocommit = level == 0
        self.isolation_level = level
        self._begin = f"BEGIN ISOLATION LEVEL {_LEVELS[level]}" if level else "BEGIN"

    def set_client_encoding(self, encoding: str) -> None:
        """Only UTF-8 is spoken."""
        if encoding.upper().replace("-", "").replace("_", "") not in ("UTF8", "UNICODE"):
            raise ProgrammingError("only UTF8 is spoken with the server")

    def cursor(
        self,
        name: str | None = None,
        cursor_factory: Any = None,
        scrollable: bool | None = None,
        withhold: bool = False,
    ) -> Any:
        """A cursor; one with a name reads from the server piece by piece."""
        self._check_open()
        factory = cursor_factory or self.cursor_factory or Cursor
        if name is None:
            return factory(self)
        if not issubclass(factory, NamedCursor):
            factory = type(factory.__name__, (NamedCursor, factory), {})
        return factory(self, name, withhold=withhold)

    def run(self, text: str, *, begin: bool = True) -> Any:
        """Run statements; what pg8000 made of the last one. Raises this package's errors."""
        self._check_open()
        try:
            if begin and not self._autocommit and not self._connection._in_transaction:
                self._connection.execute_simple(self._begin)
            return self._connection.execute_simple(text)
        except self._driver.Error as error:
            raise _translated(error) from error
        except (OSError, EOFError) as error:
            self.closed = 2
            raise OperationalError(f"the connection to the server failed: {error}\n") from error

    def commit(self) -> None:
        """End the transaction and keep it."""
        self._end("COMMIT")

    def rollback(self) -> None:
        """End the transaction and undo it."""
        self._end("ROLLBACK")

    def _end(self, how: str) -> None:
        self._check_open()
        if self._connection._in_transaction:
            self.run(how, begin=False)

    def close(self) -> None:
        """Close; what was not committed is undone."""
        if not self.closed:
            self.closed = 1
            with contextlib.suppress(self._driver.Error, OSError):
                self._connection.close()

    def reset(self) -> None:
        """As after connecting."""
        self.rollback()
        self.run("DISCARD ALL", begin=False)

    def get_transaction_status(self) -> int:
        """0 when idle, 2 in a transaction, 3 in a failed one."""
        status: Any = self._connection._transaction_status
        return {b"I": 0, b"T": 2, b"E": 3}.get(status, 4)

    @property
    def status(self) -> int:
        """1 when ready, 2 in a transaction."""
        return 2 if self.get_transaction_status() else 1

    @property
    def server_version(self) -> int:
        """For example 150004."""
        statuses = getattr(self._connection, "parameter_statuses", {})
        version = next(
            (value for name, value in statuses.items() if name in ("server_version", b"server_version")), "0"
        )
        text = version.decode() if isinstance(version, bytes) else str(version)
        numbers = [int("".join(c for c in part if c.isdigit()) or 0) for part in text.split()[0].split(".")]
        return numbers[0] * 10000 + (numbers[1] if len(numbers) > 1 else 0)

    @property
    def dsn(self) -> str:
        """How it was connected, without the password."""
        shown = {name: value for name, value in self._arguments.items() if name != "password"}
        return " ".join(f"{name}={value}" for name, value in shown.items())

    def get_dsn_parameters(self) -> dict[str, str]:
        """The same in parts."""
        return {name: value for name, value in self._arguments.items() if name != "password"}

    def _check_open(self) -> None:
        if self.closed:
            raise InterfaceError("connection already closed")

    def __enter__(self) -> Any:
        self._check_open()
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        if kind is None:
            self.commit()
        else:
            self.rollback()

    Error = Error
    OperationalError = OperationalError
    ProgrammingError = ProgrammingError
    InterfaceError = InterfaceError


def _context(mode: str) -> Any:
    if mode == "disable":
        return False
    if mode in _SECURE:
        return ssl.create_default_context()
    return None


def _translated(error: Exception, *, connecting: bool = False) -> Error:
    first = error.args[0] if error.args else str(error)
    made: Error = of_server(first) if isinstance(first, dict) else InterfaceError(str(first))
    if connecting and not isinstance(made, OperationalError):
        made = OperationalError(str(made))
    return made


def _interval_reader() -> Callable[[str], Any]:
    read: Any = importlib.import_module("pg8000.converters").interval_in

    def interval(text: str) -> timedelta:
        value = read(text)
        if isinstance(value, timedelta):
            return value
        months = (value.years or 0) * 12 + (value.months or 0)
        days = (value.days or 0) + (value.weeks or 0) * 7 + months // 12 * 365 + months % 12 * 30
        return timedelta(
            days=days,
            hours=value.hours or 0,
            minutes=value.minutes or 0,
            seconds=value.seconds or 0,
            microseconds=value.microseconds or 0,
        )

    return interval
