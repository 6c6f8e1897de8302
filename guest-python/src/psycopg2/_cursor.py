"""Cursors: over a result in memory, and with a name over one on the server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from psycopg2 import _adapt
from psycopg2.errors import InterfaceError, NotSupportedError, ProgrammingError


class Column(NamedTuple):
    """What is known of a column."""

    name: str
    type_code: int
    display_size: int | None = None
    internal_size: int | None = None
    precision: int | None = None
    scale: int | None = None
    null_ok: bool | None = None


class Cursor:
    """Runs statements and gives their rows."""

    name: str | None = None
    itersize = 2000
    arraysize = 1
    row_factory: Any = None

    def __init__(self, connection: Any, name: str | None = None, **_: Any) -> None:
        self.connection = connection
        self.closed = False
        self.description: tuple[Column, ...] | None = None
        self.rowcount = -1
        self.query: bytes | None = None
        self.statusmessage: str | None = None
        self._rows: list[Any] = []
        self._position = 0

    def mogrify(self, query: Any, vars: Any = None) -> bytes:
        """The statement as it would be sent."""
        return _adapt.statement(query, vars, self.connection).encode("utf-8")

    def execute(self, query: Any, vars: Any = None) -> None:
        """Run one or several statements; the rows are those of the last."""
        self._check_open()
        self._run(_adapt.statement(query, vars, self.connection))

    def _run(self, text: str, *, begin: bool = True) -> None:
        self.query = text.encode("utf-8")
        self._rows, self._position, self.description = [], 0, None
        result = self.connection.run(text, begin=begin)
        columns = result.columns
        if columns:
            self.description = tuple(Column(column["name"], column["type_oid"]) for column in columns)
        self._rows = result.rows or []
        self.rowcount = result.row_count if result.row_count is not None else -1
        self._started()

    def _started(self) -> None:
        """A result is there."""

    def executemany(self, query: Any, vars_list: Iterable[Any]) -> None:
        """Run a statement once for each set of values."""
        total = 0
        for values in vars_list:
            self.execute(query, values)
            total += max(self.rowcount, 0)
        self.rowcount = total

    def callproc(self, procname: str, parameters: Any = None) -> Any:
        """Call a function."""
        values = tuple(parameters or ())
        places = ", ".join(["%s"] * len(values))
        self.execute(f"SELECT * FROM {procname}({places})", values or None)
        return parameters

    def _made(self, row: Any) -> Any:
        return tuple(row)

    def _check_rows(self) -> None:
        self._check_open()
        if self.description is None:
            raise ProgrammingError("no results to fetch")

    def fetchone(self) -> Any:
        """The next row, or None."""
        self._check_rows()
        if self._position >= len(self._rows):
            return None
        row, self._rows[self._position] = self._rows[self._position], None
        self._position += 1
        return self._made(row)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows."""
        self._check_rows()
        end = self._position + (self.arraysize if size is None else size)
        rows = self._rows[self._position : end]
        self._position += len(rows)
        return [self._made(row) for row in rows]

    def fetchall(self) -> list[Any]:
        """All other rows."""
        self._check_rows()
        rows = self._rows[self._position :]
        self._position, self._rows = 0, []
        return [self._made(row) for row in rows]

    def scroll(self, value: int, mode: str = "relative") -> None:
        """Go to another row."""
        to = value if mode == "absolute" else self._position + value
        if not 0 <= to < len(self._rows):
            raise ProgrammingError("scroll destination out of bounds")
        self._position = to

    @property
    def rownumber(self) -> int:
        """The number of the next row."""
        return self._position

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        """`COPY ... TO STDOUT` and `COPY ... FROM STDIN`."""
        self._check_open()
        made = self.connection._connection.cursor()
        try:
            made.execute(_adapt.statement(sql, None, self.connection), stream=_Bytes(file))
        except self.connection._driver.Error as error:
            from psycopg2._connection import _translated

            raise _translated(error) from error
        self.rowcount = made.rowcount

    def copy_from(self, *_: Any, **__: Any) -> None:
        """Not provided: use `copy_expert`."""
        raise NotSupportedError("copy_from is not provided here; use copy_expert")

    copy_to = copy_from

    def setinputsizes(self, sizes: Any) -> None:
        """Nothing to do."""

    def setoutputsize(self, size: Any, column: Any = None) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Forget the rows."""
        self.closed = True
        self._rows = []

    def _check_open(self) -> None:
        if self.closed:
            raise InterfaceError("cursor already closed")
        if self.connection.closed:
            raise InterfaceError("connection already closed")

    def __iter__(self) -> Iterator[Any]:
        while (row := self.fetchone()) is not None:
            yield row

    def __next__(self) -> Any:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class NamedCursor(Cursor):
    """A cursor of the server: rows come `itersize` at a time."""

    def __init__(self, connection: Any, name: str, *, withhold: bool = False, **more: Any) -> None:
        super().__init__(connection, **more)
        self.name = name
        self.withhold = withhold
        self._declared = self._ended = False

    def execute(self, query: Any, vars: Any = None) -> None:
        """Declare the cursor."""
        self._check_open()
        if self._declared:
            raise ProgrammingError("can't call .execute() on named cursors more than once")
        if self.connection.autocommit and not self.withhold:
            raise ProgrammingError("can't use a named cursor outside of transactions")
        hold = " WITH HOLD" if self.withhold else ""
        text = _adapt.statement(query, vars, self.connection)
        self._run(f"DECLARE {self._quoted()} CURSOR{hold} FOR {text}")
        self._declared = True
        self.rowcount = -1

    def _quoted(self) -> str:
        return '"' + str(self.name).replace('"', '""') + '"'

    def _more(self, count: str) -> None:
        self._check_open()
        if not self._declared:
            raise ProgrammingError("no results to fetch")
        self._run(f"FETCH FORWARD {count} FROM {self._quoted()}", begin=False)

    def fetchone(self) -> Any:
        if self._position >= len(self._rows):
            if self._ended:
                return None
            self._more(str(self.itersize))
            self._ended = len(self._rows) < self.itersize
        return super().fetchone() if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        wanted = self.arraysize if size is None else size
        if self._position >= len(self._rows) and not self._ended:
            self._more(str(int(wanted)))
            self._ended = len(self._rows) < wanted
        return super().fetchmany(wanted) if self.description else []

    def fetchall(self) -> list[Any]:
        rows = super().fetchall() if self._position < len(self._rows) else []
        if not self._ended:
            self._more("ALL")
            self._ended = True
            rows += super().fetchall()
        return rows

    def close(self) -> None:
        """Close the cursor of the server too."""
        if self._declared and not self.closed and not self.connection.closed:
            self._declared = False
            if self.connection.get_transaction_status() != 3:
                self.connection.run(f"CLOSE {self._quoted()}", begin=False)
        super().close()


class _Bytes:
    """A file of text or bytes, as one of bytes."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._text: bool | None = None

    def write(self, data: bytes) -> Any:
        if self._text is not True:
            try:
                return self._file.write(data)
            except TypeError:
                self._text = True
        return self._file.write(bytes(data).decode("utf-8"))

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        return data.encode("utf-8") if isinstance(data, str) else data

    def readinto(self, buffer: Any) -> int:
        # text may take more bytes than characters
        data = self.read(max(1, len(buffer) // 4))
        buffer[: len(data)] = data
        return len(data)
