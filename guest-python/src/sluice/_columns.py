"""`Columns`: the rows of one batch, kept as typed columns.

In a component it is the extension in `native/`, with the same interface and a fast way for rows of plain
values; this is what runs natively, and the definition that the extension is tested against.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sluice._encoding import RANGES, Wire
from sluice._text import byte_length
from sluice._values import encoder

CELL_BYTES = 8
"""What one cell counts for the size of a batch, beside its text or bytes."""

TEXT_KINDS = frozenset({"texts", "json", "decimals"})
_SIZED = TEXT_KINDS | {"blobs"}
_TAKES = {bool: 1, int: 2, float: 4, str: 8, bytes: 16}
_TAKES_NONE = 32
_EMPTY: dict[str, Any] = {"booleans": False, "floats": 0.0, "blobs": b""} | dict.fromkeys(TEXT_KINDS, "")


class Taken(NamedTuple):
    """The values of a column: as many as there are rows, but for a column of NULLs only.

    Kinds of text have their values as one str with U+0000 between, or as a list when one of them holds
    that. In the kind `mixed` each is None or a pair (kind, value); the kind is empty when all are NULL.
    """

    name: str
    kind: str
    values: Any
    nulls: list[int]


Rule = tuple[str, int, int, int]
"""A column's name, the exact types it takes as they are (a mask), and the least and largest int."""


def rule(name: str, declared: str | None) -> Rule:
    """What a column takes without its encoder being asked."""
    takes = _TAKES_NONE
    low = high = 0
    for python_type, bit in _TAKES.items():
        mode = encoder(declared, python_type).mode
        if mode != "pair":
            takes |= bit
        if mode in RANGES:
            low, high = RANGES[mode]
    return name, takes, low, high


class Columns:
    """Rows as columns. `sparse` says whether rows may leave columns out; they count as NULL then."""

    def __init__(self, rules: tuple[Rule, ...], sparse: bool) -> None:
        self.rows = 0
        """The number of rows."""
        self.size = 0
        """Bytes of the values."""
        self.mark = 0
        """The size at which the batch is looked at again."""
        self._names = [name for name, *_ in rules]
        self._entries: list[list[Wire | None]] = [[] for _ in rules]

    def place(self, pairs: list[Wire | None]) -> None:
        """Append a row of pairs (kind, value), None for NULL; a value has the type of its kind."""
        for entries, pair in zip(self._entries, pairs, strict=True):
            entries.append(pair)
            if pair is not None and pair[0] in _SIZED:
                self.size += byte_length(pair[1])
        self.size += CELL_BYTES * len(pairs)
        self.rows += 1

    def send(
        self, operation: int, schema: str | None, table: str, refused: Callable[[int, str], None]
    ) -> bool:
        """Give the rows to the host without making Python objects of them; false when that cannot be.

        Operations count in the order upsert, update, delete. `refused` raises for the author.
        """
        return False

    def take(self) -> list[Taken]:
        """Empty it: the columns."""
        columns = [_taken(name, entries) for name, entries in zip(self._names, self._entries, strict=True)]
        for entries in self._entries:
            entries.clear()
        self.rows = self.size = 0
        return columns


def _taken(name: str, entries: list[Wire | None]) -> Taken:
    nulls = [i for i, pair in enumerate(entries) if pair is None]
    kinds = {pair[0] for pair in entries if pair is not None}
    if not kinds:
        return Taken(name, "", [], nulls)
    if len(kinds) > 1:
        return Taken(name, "mixed", list(entries), nulls)
    kind = kinds.pop()
    empty = _EMPTY.get(kind, 0)
    values = [empty if pair is None else pair[1] for pair in entries]
    if kind in TEXT_KINDS and not any("\0" in text for text in values):
        return Taken(name, kind, "\0".join(values), nulls)
    return Taken(name, kind, values, nulls)
