"""The host in this process: budgets and validation of what crosses, as `host/src/ops.rs`, and its tables."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from sluice import _contract
from sluice._debugging import _naming, _numbers, _paths
from sluice._debugging._tables import Limits, Refused, Tables, TooMuch, cell_bytes, label, reached
from sluice._encoding import Wire
from sluice._errors import InvalidOperation, LimitReached, SyncEnded

if TYPE_CHECKING:
    from sluice._columns import Taken

ROW_BYTES = 1 << 20
BATCH_BYTES = 16 << 20
STATE_BYTES = 1 << 20
TABLES = 10_000
COLUMNS = 1_500
CHECKPOINTS = 100_000
FILE_BYTES = 1 << 30
FILES = 100_000
OPEN_FILES = 16
_DECIMAL_BYTES = 1024

# What limits are is said in `host/src/policy/limits.rs`; natively no operator sets others.


class Host:
    """Takes the operations of one sync. What it refuses, it refuses with the words of the other host."""

    path_column = _naming.FILE_PATH_COLUMN

    def __init__(
        self,
        log: Callable[[int, str], None],
        keep: Callable[[str], None],
        limits: Limits | None = None,
    ) -> None:
        self.log = log
        self.tables = Tables(limits or Limits())
        self.rows = self.bytes = self.checkpoints = self.files = self.file_bytes = 0
        self.ended: Exception | None = None
        """What refuses every further operation."""
        self.open_files = 0
        self._keep = keep
        self._named: set[str] = set()
        self._lock = threading.RLock()
        self._process = os.getpid()

    def declare(self, tables: list[_contract.Table]) -> None:
        """Take what the connector declares. Raises the exception of a refusal."""
        with self._lock:
            for table in tables:
                self._check_table(table.schema, table.name)
                place = label(table.schema, table.name)
                self._check_columns(place, [*dict(table.columns), *table.primary_key])
            self._apply(partial(self.tables.declare, tables))

    def send(
        self, operation: str, schema: str | None, table: str, rows: int, columns: Iterable[Taken]
    ) -> None:
        """Take rows."""
        with self._lock:
            self._begin(operation)
            self._check_table(schema, table)
            place = label(schema, table)
            taken = {column.name: _values(place, column, rows) for column in columns}
            self._check_columns(place, list(taken))
            sizes = [sum(cell_bytes(values[row]) for values in taken.values()) for row in range(rows)]
            # a value without bytes still costs its place
            batch = sum(sizes) + 8 * sum(_has_size(cell) for values in taken.values() for cell in values)
            _check_sizes(place, batch, sizes)
            self.rows += rows
            self.bytes += batch
            for row in range(rows):
                one = {name: values[row] for name, values in taken.items()}
                self._apply(partial(self.tables.write, operation, schema, table, one))

    def truncate(self, schema: str | None, table: str) -> None:
        """Take a truncate."""
        with self._lock:
            self._begin("truncate")
            self._check_table(schema, table)
            self._apply(partial(self.tables.truncate, schema, table))

    def checkpoint(self, state: str) -> None:
        """Commit, together with this state."""
        with self._lock:
            self._begin("checkpoint")
            size = len(state.encode())
            if size > STATE_BYTES:
                raise InvalidOperation(
                    f"the state of a checkpoint is {size} bytes; the limit is {STATE_BYTES} bytes"
                )
            if not isinstance(json.loads(state), dict):
                raise InvalidOperation("the state of a checkpoint must be a JSON object")
            if self.checkpoints >= CHECKPOINTS:
                raise self._limit("checkpoints", CHECKPOINTS)
            self.checkpoints += 1
            self.tables.commit()
            self._keep(state)

    def upload(self, schema: str | None, table: str, path: str, expected: int | None) -> Upload:
        """Take the begin of a file."""
        with self._lock:
            self._begin("upload")
            self._check_table(schema, table)
            reason = _paths.refusal(path)
            if reason is not None:
                raise InvalidOperation(f"the path of a file {reason}")
            if self.open_files >= OPEN_FILES:
                raise InvalidOperation(
                    f"{OPEN_FILES} files are on their way; finish one before beginning another"
                )
            if expected is not None and expected > FILE_BYTES:
                raise self._limit("bytes of a file", FILE_BYTES)
            if self.files >= FILES:
                raise self._limit("files", FILES)
            self.open_files += 1
            return Upload(self, expected)

    def finish(self) -> None:
        """Commit what came after the last checkpoint, at the end of a sync that ended well."""
        self._check_ended()
        self.tables.commit()

    def abandon(self) -> None:
        """Discard what came after the last checkpoint."""
        self.tables.rollback()

    def _begin(self, operation: str) -> None:
        if os.getpid() != self._process:
            raise InvalidOperation(
                f"{operation} works only while update runs, and this is a task of a process pool: "
                "return what there is to send, and send it in update"
            )
        self._check_ended()

    def _check_ended(self) -> None:
        if self.ended is not None:
            raise type(self.ended)(*self.ended.args)

    def _limit(self, what: str, limit: int) -> LimitReached:
        error = LimitReached(reached(what, limit))
        self.ended = error
        return error

    def _apply(self, work: Callable[[], Any]) -> None:
        try:
            work()
            return
        except Refused as refused:
            self.ended = SyncEnded(str(refused))
        except TooMuch as limit:
            self.ended = LimitReached(str(limit))
        raise self.ended

    def _check_table(self, schema: str | None, table: str) -> None:
        name = repr((schema, table))
        if name in self._named:
            return
        for one in (table,) if schema is None else (schema, table):
            try:
                _naming.check_source("table", one)
            except _naming.NameRefused as refused:
                raise InvalidOperation(str(refused)) from None
        if len(self._named) >= TABLES:
            raise self._limit("tables", TABLES)
        self._named.add(name)

    def _check_columns(self, place: str, names: list[str]) -> None:
        if len(names) > COLUMNS:
            raise self._limit(f"columns of table {place}", COLUMNS)
        for name in names:
            try:
                _naming.check_source("column", name)
            except _naming.NameRefused as refused:
                raise InvalidOperation(f"table {place}: {refused}") from None


class Upload:
    """A file on its way. Its bytes are counted and thrown away: natively no file lands."""

    def __init__(self, host: Host, expected: int | None) -> None:
        self._host = host
        self._expected = expected
        self._bytes = 0
        self._open = True

    def write(self, data: bytes) -> None:
        """Take bytes."""
        self._bytes += len(data)
        if self._bytes > FILE_BYTES:
            raise self._host._limit("bytes of a file", FILE_BYTES)

    def finish(self) -> None:
        """Take the end."""
        if self._expected not in (None, self._bytes):
            raise InvalidOperation(f"a file has {self._bytes} bytes, but {self._expected} were expected")
        self._host.files += 1
        self._host.file_bytes += self._bytes
        self.discard()

    def discard(self) -> None:
        """Forget it, unless it was finished."""
        if self._open:
            self._open = False
            self._host.open_files -= 1


def _values(place: str, column: Taken, rows: int) -> list[Wire | None]:
    """The values of a column, one for each row."""
    if not column.kind:
        return [None] * rows
    if column.kind == "mixed":
        cells: list[Wire | None] = list(column.values)
    else:
        values = column.values.split("\0") if isinstance(column.values, str) else column.values
        nulls = frozenset(column.nulls)
        cells = [None if row in nulls else (column.kind, value) for row, value in enumerate(values)]
    return [_checked(f"table {place}, column {column.name}", cell) for cell in cells]


def _checked(place: str, value: Wire | None) -> Wire | None:
    if value is None or value[0] != "decimals":
        return value
    text = _numbers.plain(value[1])
    if len(text) > _DECIMAL_BYTES:
        raise InvalidOperation(
            f"{place}: a DECIMAL value of {len(text)} characters; the limit is {_DECIMAL_BYTES}"
        )
    if not _numbers.is_number(text):
        raise InvalidOperation(f"{place}: a DECIMAL value that is not a decimal number")
    return "decimals", text


def _has_size(value: Wire | None) -> bool:
    return value is None or isinstance(value[1], (str, bytes))


def _check_sizes(place: str, batch: int, sizes: list[int]) -> None:
    if batch > BATCH_BYTES:
        raise InvalidOperation(f"table {place}: a batch of {batch} bytes; the limit is {BATCH_BYTES} bytes")
    largest = max(sizes, default=0)
    if largest > ROW_BYTES:
        raise InvalidOperation(f"table {place}: a row of {largest} bytes; the limit is {ROW_BYTES} bytes")
