"""Rows of PostgreSQL, read in C for `pg8000`, and so for `psycopg2` over it.

The driver reads a message at a time and calls a function for each value, which takes nearly all of a sync's
time. Here the rows that lie in its buffer are read at once, by functions of the driver that are known;
everything else, also the values that those in C do not know, and every error, is the driver's as before. A
connection that was changed, such as by another `handle_DATA_ROW`, and a driver of another shape have the long
way.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import _rows

_UTF_8 = ("utf8", "utf-8")
_CONVERTERS = {
    "s": "string_in",
    "b": "bool_in",
    "n": "numeric_in",
    "d": "date_in",
    "t": "timestamp_in",
    "z": "timestamptz_in",
}
_READS = {"input_funcs", "i_unpack", "str", "_client_encoding", "append", "rows"}
"""The names in the driver's `handle_DATA_ROW`; a version with others may do something else there."""


def patch_core(module: ModuleType, execute: Callable[[], None]) -> None:
    """Patch `pg8000.core`."""
    execute()
    core: Any = module
    kind: Any = getattr(core, "CoreConnection", None)
    row: Any = getattr(kind, "handle_DATA_ROW", None)
    messages: Any = getattr(kind, "handle_messages", None)
    known = all(hasattr(core, name) for name in ("_read", "ci_unpack", "DATA_ROW", "READY_FOR_QUERY"))
    if _rows.native is None or messages is None or not known or _rows.names_in(row) != _READS:
        return
    kinds = _rows.kinds(importlib.import_module("pg8000.converters"), _CONVERTERS)
    _rows.bind()

    def handle_messages(self: Any, context: Any) -> None:
        sock: Any = self._sock
        handler = self.message_types.get(core.DATA_ROW)
        usual = getattr(handler, "__func__", None) is row and hasattr(sock, "peek")
        code = None
        while code != core.READY_FOR_QUERY:
            functions = context.input_funcs
            if usual and functions and type(context.rows) is list and self._client_encoding in _UTF_8:
                letters = bytes(kinds.get(id(function), _rows.OTHER) for function in functions)
                take, functions = _rows.native.postgres_rows, tuple(functions)
                while taken := take(sock.peek(), letters, functions, context.rows):
                    sock.read(taken)
            code, length = core.ci_unpack(core._read(sock, 5))
            self.message_types[code](core._read(sock, length - 4), context)
        if context.error is not None:
            raise context.error

    handle_messages.__qualname__ = messages.__qualname__
    kind.handle_messages = handle_messages
