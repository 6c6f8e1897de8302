"""Files over a connection."""

from __future__ import annotations

import io
import socket
from typing import Any

_BUFFER_BYTES = 64 * 1024


def makefile(
    connection: Any,
    mode: str,
    buffering: int | None,
    encoding: str | None,
    errors: str | None,
    newline: str | None,
) -> Any:
    """As `socket.socket.makefile`; the connection counts its files itself."""
    if not set(mode) <= {"r", "w", "b"}:
        raise ValueError(f"invalid mode {mode!r} (only r, w, b allowed)")
    writing = "w" in mode
    reading = "r" in mode or not writing
    raw = socket.SocketIO(connection, ("r" if reading else "") + ("w" if writing else ""))  # type: ignore[arg-type]
    if buffering is None or buffering < 0:
        buffering = _BUFFER_BYTES
    if buffering == 0:
        if "b" not in mode:
            raise ValueError("unbuffered streams must be binary")
        return raw
    buffer: Any
    if reading and writing:
        buffer = io.BufferedRWPair(raw, raw, buffering)
    else:
        buffer = io.BufferedReader(raw, buffering) if reading else io.BufferedWriter(raw, buffering)
    if "b" in mode:
        return buffer
    text = io.TextIOWrapper(buffer, encoding or "utf-8", errors, newline)
    text.mode = mode  # type: ignore[misc]
    return text
