"""`Operations`: what a connector does to its destination."""

from __future__ import annotations

from typing import Any

from sluice import _contract
from sluice._buffer import Buffer
from sluice._files import upload
from sluice._text import presentable
from sluice._writer import writer

try:
    from sluice._native import bind  # type: ignore[import-not-found,unused-ignore]
except ModuleNotFoundError:
    bind = None

MAX_MESSAGE_BYTES = 8 << 10


class Operations:
    """Operations on the destination. They work only while `update` runs.

    Rows are copied at the call, so a row may be changed afterwards. Every value is checked at the
    call: a value that its column cannot hold raises there, and the row is not sent. Rows are sent
    in batches; what the host refuses raises `sluice.InvalidOperation` at a later call, at the
    next `checkpoint` at the latest.

    `table` is the name of a table in the source, 1 to 255 bytes. `schema` is the source's schema
    that holds it, when the source has several.
    """

    @staticmethod
    def upsert(table: str, data: dict[str, Any], *, schema: str | None = None, file: Any = None) -> None:
        """Insert a row, or replace the whole row that has the same primary key.

        Columns that `data` leaves out become NULL. A row whose primary key is None or left out is
        identified by its values. Raises TypeError, ValueError, OverflowError or AttributeError for
        names and values that cannot be sent.
        """
        if file is not None:
            upload("upsert", Operations.upsert, schema, table, data, file)
            return
        writer.row("upsert", schema, table, data)

    @staticmethod
    def update(table: str, modified: dict[str, Any], *, schema: str | None = None, file: Any = None) -> None:
        """Change the given columns of the row with the same primary key, and nothing else.

        A key that is not in the table is ignored. Raises as `upsert` does.
        """
        if file is not None:
            upload("update", Operations.update, schema, table, modified, file)
            return
        writer.row("update", schema, table, modified)

    @staticmethod
    def delete(table: str, keys: dict[str, Any], *, schema: str | None = None) -> None:
        """Mark the row with this primary key as deleted; an unknown key is ignored.

        Raises as `upsert` does.
        """
        writer.row("delete", schema, table, keys)

    @staticmethod
    def truncate(table: str, *, schema: str | None = None) -> None:
        """Mark every row that the table holds now as deleted; an unknown table is ignored."""
        writer.truncate(schema, table)

    @staticmethod
    def checkpoint(state: dict[str, Any]) -> None:
        """Make everything so far durable together with `state`, and return once that is done.

        `state` is a dict of JSON values, at most 1 MiB as JSON, and replaces the former state as a
        whole. Raises TypeError or ValueError for anything else.
        """
        writer.checkpoint(state)

    @staticmethod
    def error(message: str, trace: str | None = None) -> None:
        """Fail the sync with this text. Does not return; nothing after the last checkpoint lands.

        Raises TypeError when `message` or `trace` is no text, and ValueError when `message` is blank.
        """
        _check_message("error", message)
        if trace is not None and not isinstance(trace, str):
            raise TypeError(f"error: trace must be a str, not {type(trace).__name__}")
        writer.error(message, trace if trace and trace.strip() else None)

    @staticmethod
    def warning(message: str) -> None:
        """Show a warning to the operator and go on.

        Raises TypeError when `message` is no text, and ValueError when it is blank.
        """
        _check_message("warning", message)
        _contract.log(3, presentable(message, MAX_MESSAGE_BYTES))


def _use_extension() -> None:
    """Let rows of plain values go the fast way; everything else comes back to the functions above."""
    rows = {"upsert": "data", "update": "modified", "delete": "keys"}
    for number, (name, argument) in enumerate(rows.items()):
        ways = getattr(Operations, name), Buffer.encode_value, writer.append, writer.full, writer.refused
        setattr(Operations, name, bind(number, argument, writer.fast[name], *ways))


if bind is not None:
    _use_extension()


def _check_message(operation: str, message: object) -> None:
    if not isinstance(message, str):
        raise TypeError(f"{operation}: message must be a str, not {type(message).__name__}")
    if not message.strip():
        raise ValueError(f"{operation}: message must not be blank")
