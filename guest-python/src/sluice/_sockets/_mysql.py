"""Rows of MySQL, read in C for `PyMySQL`, as `_postgres` has those of PostgreSQL.

All rows of a result that the driver keeps are read so; those of a cursor that reads a row at a time
(`SSCursor`) are the driver's alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from . import _rows

_UTF_8 = ("utf8", "utf-8", "ascii")
_CONVERTERS = {"d": "convert_date", "t": "convert_datetime"}
_ROWS = {
    "connection",
    "_read_packet",
    "_check_packet_is_eof",
    "append",
    "_read_row_from_packet",
    "len",
    "affected_rows",
    "tuple",
    "rows",
}
_ROW = {
    "converters",
    "read_length_coded_string",
    "IndexError",
    "decode",
    "DEBUG",
    "print",
    "append",
    "tuple",
}
"""The names in the driver's two functions."""


def patch_connections(module: ModuleType, execute: Callable[[], None]) -> None:
    """Patch `pymysql.connections`."""
    execute()
    driver: Any = module
    kind: Any = getattr(driver, "MySQLResult", None)
    all_rows: Any = getattr(kind, "_read_rowdata_packet", None)
    row: Any = getattr(kind, "_read_row_from_packet", None)
    connection: Any = getattr(driver, "Connection", None)
    packet: Any = getattr(connection, "_read_packet", None)
    known = _rows.names_in(all_rows) == _ROWS and _rows.names_in(row) == _ROW
    if _rows.native is None or packet is None or not known:
        return
    kinds = _rows.kinds(driver.converters, _CONVERTERS)
    _rows.bind()

    def _read_rowdata_packet(self: Any) -> None:
        source: Any = self.connection
        usual = type(source)._read_packet is packet and type(self)._read_row_from_packet is row
        letters = _letters(kinds, self.converters) if usual and not driver.DEBUG else None
        rows: list[Any] = []
        while True:
            if letters is not None:
                _take(driver, source, letters, self.converters, rows)
            read = source._read_packet()
            if self._check_packet_is_eof(read):
                self.connection = None
                break
            rows.append(self._read_row_from_packet(read))
        self.affected_rows = len(rows)
        self.rows = tuple(rows)

    _read_rowdata_packet.__qualname__ = all_rows.__qualname__
    kind._read_rowdata_packet = _read_rowdata_packet


def _take(driver: Any, source: Any, letters: bytes, converters: Sequence[Any], rows: list[Any]) -> None:
    """Take the rows that the driver's buffer begins with, until it begins with something else."""
    functions = tuple(function for _, function in converters)
    while True:
        before = len(rows)
        try:
            ahead = source._rfile.peek()
        except OSError as error:
            # as where it reads itself
            source._force_close()
            lost = driver.CR.CR_SERVER_LOST
            text = f"Lost connection to MySQL server during query ({error})"
            raise driver.err.OperationalError(lost, text) from None
        except BaseException:
            source._force_close()
            raise
        taken = _rows.native.mysql_rows(ahead, letters, functions, rows, source._next_seq_id)
        if not taken:
            return
        source._rfile.read(taken)
        source._next_seq_id = (source._next_seq_id + len(rows) - before) % 256


def _letters(kinds: dict[int, int], converters: Sequence[Any]) -> bytes | None:
    """A letter for each column; none when the text of one is not UTF-8."""
    letters = []
    for encoding, function in converters:
        if encoding is not None and encoding not in _UTF_8:
            return None
        if function is None:
            letters.append(ord("y" if encoding is None else "s"))
        else:
            letters.append(ord("x") if encoding is None else kinds.get(id(function), _rows.OTHER))
    return bytes(letters)
