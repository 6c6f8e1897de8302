"""Opens files for writing so that a full file tree raises ENOSPC.

libc knows no cause for a write that fails, and says EIO; in the tree of a sync only missing room fails.
"""

from __future__ import annotations

import errno
import io
from typing import Any


class _File(io.FileIO):
    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            text = "No space left on device: the files of this sync have reached their limit"
            raise OSError(errno.ENOSPC, text, self.name) from None


def open_for_writing(
    file: Any,
    mode: str,
    buffering: int,
    encoding: str | None,
    errors: str | None,
    newline: str | None,
    closefd: bool,
    opener: Any,
) -> Any:
    """What `io.open` returns for a mode that writes. The arguments have passed `io.open`'s own checks."""
    raw = _File(file, mode.replace("b", "").replace("t", ""), closefd, opener)
    try:
        if buffering == 0:
            return raw
        size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
        buffered = io.BufferedRandom(raw, size) if "+" in mode else io.BufferedWriter(raw, size)
        if "b" in mode:
            return buffered
        text = io.TextIOWrapper(buffered, encoding, errors, newline, buffering == 1)
        text.mode = mode  # type: ignore[misc]  # as `io.open` does
        return text
    except BaseException:
        raw.close()
        raise


class _Null(io.RawIOBase):
    """What `os.devnull` names: takes everything and holds nothing."""

    name = "/dev/null"

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        return 0

    def write(self, data: Any, /) -> int:
        return memoryview(data).nbytes


def open_null(mode: str, encoding: str | None, errors: str | None, newline: str | None) -> Any:
    """What `io.open` returns for `os.devnull`, which no tree of files has."""
    buffered = io.BufferedRWPair(_Null(), _Null())
    if "b" in mode:
        return buffered
    return io.TextIOWrapper(buffered, encoding, errors, newline)


def can_open(mode: str, buffering: int, encoding: Any, errors: Any, newline: Any) -> bool:
    """Whether `open_for_writing` knows these arguments; `io.open` has its say about all others."""
    kinds = set(mode)
    if len(kinds) != len(mode) or not kinds <= set("rwaxbt+") or len(kinds & set("rwax")) != 1:
        return False
    if "b" in kinds:
        return "t" not in kinds and (encoding, errors, newline) == (None, None, None) and buffering != 1
    return buffering != 0
