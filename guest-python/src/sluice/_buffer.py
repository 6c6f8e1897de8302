"""Rows of one table, one operation and one set of columns on their way to the host."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sluice import _contract
from sluice._columns import Columns, rule
from sluice._contract import WIRE_TYPES
from sluice._encoding import Wire
from sluice._errors import Rejected
from sluice._schema import Table
from sluice._values import encoder

try:
    from sluice._native import Columns as _Columns  # type: ignore[import-not-found,unused-ignore]
except ModuleNotFoundError:
    _Columns = Columns

MAX_ROWS = 1000
"""A buffer with this many rows is sent; the extension knows this number too."""

MAX_BYTES = 1 << 20
"""A buffer whose values take this much is sent: text and bytes as they are, 8 for each cell."""

REPORT_BYTES = 1 << 16
"""How much a buffer may grow before the total of all buffers is looked at again."""

_NUMBERS = {"upsert": 0, "update": 1, "delete": 2}


class Buffer:
    """Rows of one table, operation and set of columns, checked and ready to be sent.

    A row goes in by `encode` and `place`; the extension appends rows of plain values without them.
    It is either appended whole or not at all.
    """

    __slots__ = ("_fields", "_names", "columns", "names", "operation", "sparse", "table")

    def __init__(self, operation: str, table: Table, names: tuple[str, ...], *, sparse: bool = False) -> None:
        self.operation = operation
        self.table = table
        self.names = names
        self.sparse = sparse
        """Whether rows may leave columns out; they count as NULL then."""
        self._names = frozenset(names)
        self._fields = [(name, table.declared(name)) for name in names]
        self.columns: Columns = _Columns(tuple(rule(*field) for field in self._fields), sparse)
        self.columns.mark = REPORT_BYTES

    def holds(self, row: dict[str, Any]) -> bool:
        """Whether the row has the columns of this buffer."""
        if self.sparse:
            return row.keys() <= self._names
        return row.keys() == self._names

    def encode(self, data: dict[str, Any]) -> list[Wire | None]:
        """Check a row that `holds` accepts, and make its values ready to cross.

        May run the author's code, which may write to this very table; so the rows stay as they are.
        Raises the exception for the author, naming table and column.
        """
        return [self.encode_value(i, data.get(name)) for i, name in enumerate(self.names)]

    def encode_value(self, index: int, value: Any) -> Wire | None:
        """As `encode`, for the value of one column."""
        name, declared = self._fields[index]
        if value is None:
            return None
        try:
            pair = encoder(declared, type(value)).encode(value)
        except Rejected as rejected:
            raise rejected.at(self._at(name)) from None
        # a value of another type would abort the guest inside the bindings
        if type(pair[1]) is not WIRE_TYPES[pair[0]]:
            raise TypeError(f"{self._at(name)}: a {type(value).__name__} did not give a usable value")
        return pair

    def discard(self) -> None:
        """Forget the buffered rows."""
        self.columns.take()
        self.columns.mark = REPORT_BYTES

    def _at(self, column: str) -> str:
        return f"table {self.table.label}, column {column}"


def total_size(buffers: Iterable[Buffer]) -> int:
    """The bytes of the values in all these buffers."""
    return sum(buffer.columns.size for buffer in buffers)


def send(buffer: Buffer) -> None:
    """Send what the buffer holds, if anything, and empty it; it is empty even if that fails."""
    columns = buffer.columns
    rows = columns.rows
    if not rows:
        return
    columns.mark = REPORT_BYTES
    schema, name = buffer.table.schema, buffer.table.name
    if not columns.send(_NUMBERS[buffer.operation], schema, name, _contract.refused):
        _contract.send(buffer.operation, schema, name, rows, columns.take())
