"""All rows on their way to the host: which buffer a row belongs to, and when buffers are sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sluice import _contract
from sluice._buffer import MAX_BYTES, MAX_ROWS, REPORT_BYTES, Buffer, send, total_size
from sluice._columns import Columns
from sluice._encoding import Wire, json_text
from sluice._errors import AuthorError, InvalidOperation, Rejected
from sluice._names import check_name
from sluice._rejects import handed_over
from sluice._schema import Table

MAX_TOTAL_BYTES = 8 << 20
"""All buffers are sent when together they hold more than this."""

MAX_OPEN_TABLES = 128
"""The oldest buffer is sent when rows of one more table come."""

_MAX_LAYOUTS = 8
_MAX_SPARSE_COLUMNS = 256


class _Known:
    """A table that operations named in this sync, and its buffers by operation and columns."""

    __slots__ = ("layouts", "recent", "table")

    def __init__(self, table: Table) -> None:
        self.table = table
        self.layouts: dict[tuple[str, tuple[str, ...]], Buffer] = {}
        self.recent: dict[str, Buffer] = {}


class Writer:
    """The rows of one sync.

    Per group of tables at most one buffer holds rows: another operation, another set of columns
    or another table of the group sends it first. So the order of operations on a table is kept.

    Where rows of one upsert into a table with a primary key name different columns, they share a
    buffer and a column that a row leaves out is NULL, which is what an upsert means by that.
    """

    def __init__(self) -> None:
        self.active = False
        """Whether operations are taken."""
        self.reason = "call it from there"
        """What to do where operations are not taken."""
        self.at_once = False
        """Whether each row is sent alone, so that what the host refuses raises where the row was passed."""
        self.fatal: AuthorError | None = None
        """What `Operations.error` raised; ends the sync even if the author's code catches it."""
        self.fast: dict[str, dict[object, tuple[Columns, Buffer]]] = {
            "upsert": {},
            "update": {},
            "delete": {},
        }
        """Where the extension may append rows, by operation and `Table.key`: buffers that hold rows."""
        self._declared: dict[object, Table] = {}
        self._known: dict[object, _Known] = {}
        self._open: dict[object, Buffer] = {}

    def declare(self, tables: Iterable[Table]) -> None:
        """Replace what is declared."""
        self._declared = {table.key: table for table in tables}
        self._known = {}

    def begin(self) -> None:
        """Take operations from now on."""
        self._forget()
        self.fatal = None
        self.active = True

    def finish(self) -> None:
        """Send what is buffered and take no more operations. Raises the exception of a refusal."""
        self.active = False
        self.flush()

    def abandon(self) -> None:
        """Drop what is buffered and take no more operations."""
        self.active = False
        self._forget()

    def row(self, operation: str, schema: Any, table: Any, data: Any) -> None:
        """Take one row the slow way: checks everything."""
        known = self._table(operation, schema, table)
        self._row(known, operation, data)

    def truncate(self, schema: Any, table: Any) -> None:
        """Send what is buffered for the table, then truncate it."""
        found = self._table("truncate", schema, table).table
        buffer = self._open.get(found.group)
        if buffer is not None:
            self._send(buffer)
        _contract.truncate(found.schema, found.name)

    def checkpoint(self, state: Any) -> None:
        """Send everything that is buffered, then checkpoint."""
        self._require_active("checkpoint")
        text = state_text(state)
        self.flush()
        _contract.checkpoint(text)

    def error(self, message: str, trace: str | None) -> None:
        """Fail the sync: raises, here and at every later operation."""
        self._require_active("error")
        self.fatal = AuthorError(message, trace)
        self.abandon()
        raise self.fatal

    def flush(self) -> None:
        """Send all buffers, in the order of their first rows."""
        for buffer in list(self._open.values()):
            self._send(buffer)

    def _require_active(self, operation: str) -> None:
        if self.active:
            return
        if self.fatal is not None:
            raise self.fatal
        raise InvalidOperation(f"{operation} works only while update runs, {self.reason}")

    def _table(self, operation: str, schema: Any, table: Any) -> _Known:
        self._require_active(operation)
        name = check_name(table, f"{operation}: table name")
        if schema is not None:
            schema = check_name(schema, f"{operation}: schema name of table {name}")
        key: object = name if schema is None else (schema, name)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _Known(self._declared.get(key) or Table(schema, name))
        return known

    def _row(self, known: _Known, operation: str, data: Any) -> None:
        row = data if type(data) is dict else _as_dict(operation, known.table, data)
        try:
            buffer = self._buffer(known, operation, row)
            pairs = buffer.encode(row)
        except Exception as error:
            if not handed_over(known.table, operation, row, error):
                raise
            return
        self.append(buffer, pairs)

    def refused(self, buffer: Buffer, row: dict[str, Any], error: BaseException) -> None:
        """For the extension: a row of the buffer raised `error`. Returns when the host took the row."""
        if not isinstance(error, Exception) or not handed_over(buffer.table, buffer.operation, row, error):
            raise error

    def append(self, buffer: Buffer, pairs: list[Wire | None]) -> None:
        """Append an encoded row to a buffer, which need not be open."""
        # the author's code may have run until here, so look at what is open only now
        self._require_active(buffer.operation)
        group = buffer.table.group
        current = self._open.get(group)
        if current is not buffer:
            if current is not None:
                self._send(current)
            elif len(self._open) >= MAX_OPEN_TABLES:
                self._send(next(iter(self._open.values())))
            self._open[group] = buffer
            self.fast[buffer.operation][buffer.table.key] = (buffer.columns, buffer)
        buffer.columns.place(pairs)
        if self.at_once or buffer.columns.size >= buffer.columns.mark or buffer.columns.rows >= MAX_ROWS:
            self.full(buffer)

    def _buffer(self, known: _Known, operation: str, row: dict[str, Any]) -> Buffer:
        recent = known.recent.get(operation)
        if recent is not None and recent.holds(row):
            return recent
        table = known.table
        _check_columns(operation, table, row)
        names, sparse = tuple(map(str.__str__, row)), False
        if recent is not None and operation == "upsert" and table.primary_key:
            union = tuple(dict.fromkeys([*recent.names, *names]))
            if len(union) <= _MAX_SPARSE_COLUMNS:
                names, sparse = union, True
        layout = (f"{operation} sparse" if sparse else operation, names)
        buffer = known.layouts.get(layout)
        if buffer is None:
            buffer = Buffer(operation, table, names, sparse=sparse)
            if len(known.layouts) >= _MAX_LAYOUTS:
                del known.layouts[next(iter(known.layouts))]
            known.layouts[layout] = buffer
        known.recent[operation] = buffer
        return buffer

    def full(self, buffer: Buffer) -> None:
        """Send the buffer, or all of them, or let it grow."""
        columns = buffer.columns
        if self.at_once or columns.size >= MAX_BYTES or columns.rows >= MAX_ROWS:
            self._send(buffer)
        elif total_size(self._open.values()) > MAX_TOTAL_BYTES:
            self.flush()
        else:
            columns.mark = min(columns.size + REPORT_BYTES, MAX_BYTES)

    def _send(self, buffer: Buffer) -> None:
        table = buffer.table
        self._open.pop(table.group, None)
        self.fast[buffer.operation].pop(table.key, None)
        send(buffer)

    def _forget(self) -> None:
        for buffer in self._open.values():
            buffer.discard()
        self._open.clear()
        self._known.clear()
        for entries in self.fast.values():
            entries.clear()


def state_text(state: Any) -> str:
    """A checkpoint's state as JSON text; raises TypeError or ValueError for what is no state."""
    if not isinstance(state, dict):
        raise TypeError(f"checkpoint: state must be a dict, not {type(state).__name__}")
    try:
        return json_text(state, nan=False)
    except Rejected as rejected:
        raise rejected.at("checkpoint: state") from None


def _as_dict(operation: str, table: Table, data: Any) -> dict[str, Any]:
    items = getattr(data, "items", None)
    if not callable(items):
        found = type(data).__name__
        raise AttributeError(f"{operation} to table {table.label}: a row must be a dict, not {found}")
    return dict(items())


def _check_columns(operation: str, table: Table, row: dict[str, Any]) -> None:
    for name in row:
        check_name(name, f"{operation} to table {table.label}: column name", blank=True)


writer = Writer()
"""The rows of the sync of this process; a guest serves one sync."""
