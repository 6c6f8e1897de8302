"""Rows of one table, one operation and one set of columns on their way to the host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import compress, count, repeat
from operator import is_, itemgetter
from typing import Any

from sluice import _contract, _plan
from sluice._contract import WIRE_TYPES, Column
from sluice._encoding import Encoder, Wire
from sluice._errors import Rejected
from sluice._schema import Table
from sluice._text import byte_length
from sluice._values import encoder

MAX_ROWS = 1000
"""A buffer with this many rows is sent."""

MAX_BYTES = 1 << 20
"""A buffer whose values take this much is sent: text and bytes as they are, 8 for each cell."""

REPORT_BYTES = 1 << 16
"""How much a buffer may grow before the total of all buffers is looked at again."""

_WARM_UP = 8
"""Rows that `add` takes before a plan is made; most tables of a test never need one."""

_SIZED = frozenset({"texts", "blobs", "json", "decimals"})
_PLACEHOLDERS = {kind: wire() for kind, wire in WIRE_TYPES.items()}


class _Field:
    """What is known about one column of a buffer."""

    __slots__ = ("declared", "is_key", "kind", "mixed", "name", "seen", "varied")

    def __init__(self, name: str, declared: str | None, is_key: bool) -> None:
        self.name = name
        self.declared = declared
        self.is_key = is_key
        self.kind: str | None = None
        """The kind whose values stand in the rows as they are; others stand there as pairs."""
        self.seen: type | None = None
        """The Python type of the last value that was not None."""
        self.varied = False
        """Whether values of several Python types came."""
        self.mixed = False
        """Whether the rows now buffered hold pairs in this column."""


class Buffer:
    """Rows of one table, operation and set of columns, checked and ready to be sent.

    A row goes in by `encode` and `place`, or, once the buffer has a plan, by `push` at its fastest.
    It is either appended whole or not at all.
    """

    __slots__ = (
        "_append",
        "_fields",
        "_full",
        "_getter",
        "_names",
        "_nulls",
        "_slow",
        "_warm",
        "flushes",
        "mark",
        "names",
        "operation",
        "push",
        "rows",
        "size",
        "sparse",
        "table",
    )

    def __init__(
        self,
        operation: str,
        table: Table,
        names: tuple[str, ...],
        full: Callable[[Buffer], None],
        slow: Callable[[Any], None],
        append: Callable[[Buffer, list[Wire | None]], None],
        *,
        sparse: bool = False,
    ) -> None:
        self.operation = operation
        self.table = table
        self.names = names
        self.sparse = sparse
        """Whether rows may leave columns out; they count as NULL then."""
        self.rows: list[tuple[Any, ...]] = []
        self.size = 0
        """Bytes of the buffered values, as `MAX_BYTES` counts."""
        self.mark = REPORT_BYTES
        self.flushes = 0
        """How often the buffer was emptied."""
        self.push: Callable[[Any], None] | None = None
        """The plan; hands a row it does not know to `slow`."""
        keys = table.primary_key
        self._names = frozenset(names)
        self._fields = [_Field(name, table.declared(name), name in keys) for name in names]
        self._nulls = [False] * len(names)
        self._full = full
        self._slow = slow
        self._append = append
        self._getter = itemgetter(*names) if names else None
        self._warm = 0

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
        pairs: list[Wire | None] = []
        for field in self._fields:
            value = data.get(field.name)
            if value is None:
                if field.is_key:
                    raise ValueError(f"{self._at(field)}: a primary key must not be None or left out")
                pairs.append(None)
                continue
            try:
                kind, wire = encoder(field.declared, type(value)).encode(value)
            except Rejected as rejected:
                raise rejected.at(self._at(field)) from None
            # a value of another type would abort the guest inside the bindings
            if type(wire) is not WIRE_TYPES[kind]:
                found = type(value).__name__
                raise TypeError(f"{self._at(field)}: a {found} did not give a usable value")
            if field.seen is not type(value) and not field.varied:
                # a plan that is made from now on knows more
                field.varied = field.seen is not None
                field.seen = type(value)
                self._warm = 0
            pairs.append((kind, wire))
        return pairs

    def place(self, pairs: list[Wire | None]) -> None:
        """Append an encoded row. Runs no code of the author, so nothing comes between its steps."""
        entries: list[Any] = []
        size = _plan.CELL_BYTES * len(pairs)
        for i, pair in enumerate(pairs):
            if pair is None:
                self._nulls[i] = True
                entries.append(None)
                continue
            kind, wire = pair
            entries.append(self._stored(self._fields[i], pair))
            if kind in _SIZED:
                size += byte_length(wire)
        self.rows.append(tuple(entries))
        self.size += size
        self._warm += 1
        if self._warm == _WARM_UP:
            self._make_plan()
        if self.size >= self.mark or len(self.rows) >= MAX_ROWS:
            self._full(self)

    def take(self) -> tuple[int, list[Column]]:
        """Empty the buffer: the number of rows, and their columns."""
        rows = self.rows[:]
        nulls = [i for i, has_nulls in enumerate(self._nulls) if has_nulls]
        self.rows.clear()
        self.size = 0
        self.mark = REPORT_BYTES
        self.flushes += 1
        self._nulls[:] = repeat(False, len(self._nulls))
        columns = []
        for i, entries in enumerate(zip(*rows, strict=True)):
            columns.append(self._column(self._fields[i], entries, i in nulls))
        return len(rows), columns

    def discard(self) -> None:
        """Forget the buffered rows."""
        self.take()

    def _stored(self, field: _Field, pair: Wire) -> Any:
        if field.kind is None:
            field.kind = pair[0]
        elif field.kind != pair[0]:
            field.mixed = True
            return pair
        return pair[1]

    def _column(self, field: _Field, entries: Sequence[Any], has_nulls: bool) -> Column:
        nulls = list(compress(count(), map(is_, entries, repeat(None)))) if has_nulls else []
        if len(nulls) == len(entries):
            return Column(field.name, ("mixed", entries), nulls)
        kind = field.kind
        if field.mixed:
            field.mixed = False
            kind, entries = self._settle(field, entries)
        if kind is None or kind == "mixed":
            return Column(field.name, ("mixed", entries), nulls)
        if nulls:
            placeholder = _PLACEHOLDERS[kind]
            entries = list(entries)
            for i in nulls:
                entries[i] = placeholder
        return Column(field.name, (kind, entries), nulls)

    def _settle(self, field: _Field, entries: Sequence[Any]) -> tuple[str, list[Any]]:
        """The kind of a column that holds pairs, and its entries: plain again, or all pairs."""
        pairs = [e if e is None or type(e) is tuple else (field.kind, e) for e in entries]
        kinds = {pair[0] for pair in pairs if pair is not None}
        if len(kinds) == 1:
            # the column changed its type for good
            field.kind = kinds.pop()
            self.push, self._warm = None, 0
            return field.kind or "mixed", [pair and pair[1] for pair in pairs]
        if kinds == {"integers", "decimals"}:
            return "decimals", [pair and str(pair[1]) for pair in pairs]
        return "mixed", pairs

    def _late(self, kinds: list[str | None]) -> Callable[[tuple[Any, ...]], None]:
        """For a plan: append a row whose values stand as the plan stores them."""

        def append(entries: tuple[Any, ...]) -> None:
            pairs = zip(kinds, entries, strict=True)
            self._append(self, [e if e is None or type(e) is tuple else (k or "", e) for k, e in pairs])

        return append

    def _make_plan(self) -> None:
        if not 0 < len(self._fields) <= _plan.MAX_COLUMNS:
            return
        steps, encoders = [], []
        for field in self._fields:
            step, encode = self._step(field)
            steps.append(step)
            encoders.append(encode)
        kinds = [field.kind for field in self._fields]
        make = _plan.compiled(tuple(steps), self.sparse)
        self.push = make(
            self,
            self.names if self.sparse else self._getter,
            self._names,
            self._slow,
            self._late(kinds),
            self.rows.append,
            self.rows,
            MAX_ROWS,
            self._full,
            self._nulls,
            [field.seen for field in self._fields],
            kinds,
            encoders,
        )

    def _step(self, field: _Field) -> tuple[_plan.Step, Callable[[Any], Any] | None]:
        if field.seen is None:
            return _plan.Step("null", True), None
        if field.varied and not field.is_key:
            return _plan.Step("any", True, calls_out=True), self._any(field)
        found: Encoder = encoder(field.declared, field.seen)
        sized = field.kind in _SIZED
        return _plan.Step(found.mode, not field.is_key, sized, found.calls_out), found.encode

    def _any(self, field: _Field) -> Callable[[Any], Any]:
        """For a plan: a value of any type, as it is to be stored."""
        declared, usual = field.declared, field.kind

        def store(value: Any) -> Any:
            pair = encoder(declared, type(value)).encode(value)
            kind, wire = pair
            if type(wire) is not WIRE_TYPES[kind]:
                raise Rejected(TypeError, "not a usable value")
            if kind in _SIZED:
                self.size += byte_length(pair[1])
            if kind == usual:
                return pair[1]
            field.mixed = True
            return pair

        return store

    def _at(self, field: _Field) -> str:
        return f"table {self.table.label}, column {field.name}"


def total_size(buffers: Iterable[Buffer]) -> int:
    """The bytes of the values in all these buffers."""
    return sum(buffer.size for buffer in buffers)


def send(buffer: Buffer) -> None:
    """Send what the buffer holds, if anything, and empty it; it is empty even if that fails."""
    if not buffer.rows:
        return
    rows, columns = buffer.take()
    _contract.send(buffer.operation, buffer.table.schema, buffer.table.name, rows, columns)
