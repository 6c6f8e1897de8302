"""What people see of a native sync: its log, its summary and its first rows, as `sluice run` shows them."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from sluice._contract import DataType
from sluice._debugging import _types, _values
from sluice._debugging._naming import is_control
from sluice._debugging._tables import Counts, Row, Table

_LEVELS = ("DEBUG", "FINE", "INFO", "WARNING", "ERROR", "SEVERE", "CRITICAL")
_STYLES = {"DEBUG": "2", "FINE": "2", "WARNING": "33", "ERROR": "31", "SEVERE": "1;31", "CRITICAL": "1;31"}
_NUMBERS = frozenset({"Short", "Int", "Long", "Decimal", "Float", "Double"})
_UNITS = ("KiB", "MiB", "GiB")
LINE_BYTES = 8 << 10
CELL_WIDTH = 40
COLUMNS = 12
ROWS = 5
TABLES = 20


def visible(text: str) -> str:
    """The text on one line, with every control character written out."""
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character == "\t" or not is_control(character):
        return character
    named = {"\n": "\\n", "\r": "\\r"}.get(character)
    if named is not None:
        return named
    code = ord(character)
    return f"\\x{code:02x}" if code < 128 else f"\\u{{{code:x}}}"


def log(level: int, message: str) -> None:
    """Write a message of the connector; `level` counts from 0 (debug) to 6 (critical)."""
    name = _LEVELS[level]
    shown = f"{name:<8}"
    style = _STYLES.get(name)
    if style is not None and _coloured(sys.stderr):
        shown = f"\x1b[{style}m{shown}\x1b[0m"
    now = dt.datetime.now(dt.timezone.utc).strftime("%H:%M:%S.%f")[:-3]
    text = visible(message)
    if len(text) > LINE_BYTES:
        text = f"{text[:LINE_BYTES]} [cut, {len(message.encode())} bytes in all]"
    note(f"{now} {shown} {text}")


def note(text: str) -> None:
    """Write a line on standard error, after what the connector printed."""
    sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)


def _coloured(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR")


def summary(
    connection: str,
    failure: str | None,
    counts: dict[str, Counts],
    totals: Sequence[tuple[str, str]],
) -> None:
    """Write how a sync ended and what happened to each table."""
    headline = "succeeded" if failure is None else "failed in the connector"
    print(f"sync of {connection} {headline}, natively")
    if failure is not None:
        print(f"  {visible(failure)}")
    if counts:
        heads = ["upserts", "updates", "deletes", "truncates"]
        if any(one.keyless for one in counts.values()):
            heads.append("without key")
        fields = [head.replace("without key", "keyless") for head in heads]
        lines = [[name, *(f"{getattr(one, field):,}" for field in fields)] for name, one in counts.items()]
        print()
        _print_table(["table", *heads], lines, [False, *[True] * len(heads)])
    print()
    width = max(len(head) for head, _ in totals)
    for head, text in totals:
        print(f"  {head:<{width}}  {visible(text)}")


def preview(tables: Iterable[Table]) -> None:
    """Write the first rows of each table."""
    shown = list(tables)
    for table in shown[:TABLES]:
        rows = len(table.rows)
        print(f"\n{_cut(table.name)} ({rows:,} {'row' if rows == 1 else 'rows'})")
        _print_rows(table)
    if len(shown) > TABLES:
        print(f"\n… and {len(shown) - TABLES} more tables")


def _print_rows(table: Table) -> None:
    if not table.rows:
        return
    rows = first_rows(table)
    columns = list(table.columns.values())
    heads = (["_sluice_id"] if table.has_ids else []) + [column.name for column in columns]
    right = [False] * table.has_ids + [c.type is not None and c.type.case in _NUMBERS for c in columns]
    lines = []
    for row in rows:
        cells = [_cell(row, column.name, column.type) for column in columns]
        lines.append([*([row.id or "NULL"] if table.has_ids else []), *cells, str(int(row.deleted))])
    heads.append("_sluice_deleted")
    right.append(False)
    hidden = len(heads) - COLUMNS
    _print_table(
        [_cut(head) for head in heads[:COLUMNS]],
        [[_cut(cell) for cell in line[:COLUMNS]] for line in lines],
        right[:COLUMNS],
    )
    if hidden > 0:
        print(f"  … and {hidden} more {'column' if hidden == 1 else 'columns'}")


def first_rows(table: Table) -> list[Row]:
    """Some rows: by their key where it is one number, else in the order in which they came."""
    rows = list(table.rows.values())
    if len(table.key) == 1:
        column = table.columns[table.key[0]]
        if column.type in (_types.SHORT, _types.INT, _types.LONG):
            rows.sort(key=lambda row: row.cells[column.name][1] if column.name in row.cells else 0)
    return rows[:ROWS]


def _cell(row: Row, column: str, data_type: DataType | None) -> str:
    value = row.cells.get(column)
    if value is None or data_type is None:
        return "NULL"
    stored = _values.stored(value, data_type)
    if isinstance(stored, bytes):
        return f"x'{stored[:CELL_WIDTH].hex()}'"
    return str(stored)


def _print_table(heads: list[str], lines: list[list[str]], right: list[bool]) -> None:
    table = [[visible(cell).replace("\t", "\\t") for cell in line] for line in [heads, *lines]]
    widths = [max(len(line[i]) for line in table) for i in range(len(heads))]
    for line in table:
        cells = [
            cell.rjust(width) if numeric else cell.ljust(width)
            for cell, width, numeric in zip(line, widths, right, strict=True)
        ]
        print(("  " + "  ".join(cells)).rstrip())


def _cut(text: str) -> str:
    return text if len(text) <= CELL_WIDTH else text[: CELL_WIDTH - 1] + "…"


def size(count: int) -> str:
    """Bytes with a unit."""
    if count < 1024:
        return f"{count} B"
    power = 1
    while power < len(_UNITS) and count / 1024**power >= 1023.95:
        power += 1
    return f"{count / 1024**power:.1f} {_UNITS[power - 1]}"


def duration(seconds: float) -> str:
    """A duration with two to three digits that matter."""
    if seconds < 0.9995:
        return f"{round(seconds * 1000)} ms"
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60:02} s"
