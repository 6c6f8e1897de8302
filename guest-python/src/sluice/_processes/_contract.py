"""The contract's `workers`, wrapped."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from sluice._errors import LimitReached, SluiceError

MAX_BYTES = 16 << 20
"""The most that a task, or its answer, may have as UTF-8."""

_HIGH = bytes(range(128, 256))

running = False
"""Whether the host can be asked: not while the snapshot of the component is taken."""


_most = 0


class Refused(SluiceError):
    """There can be no further worker now."""


class Ended(SluiceError):
    """A worker crashed, left, or could not begin."""


def most() -> int:
    """How many workers there may be at a time."""
    global _most
    if not _most and running:
        _most = int(_bindings().most())
    return _most or 1


class Handle:
    """One worker. Every method raises `LimitReached`, `Refused` or `Ended`."""

    def __init__(self) -> None:
        self._handle = _call(_bindings().start)
        self.pollable = self._handle.subscribe()
        """Ready when `finish` returns at once."""

    def begin(self, task: bytes) -> None:
        """Give it a task; raises ValueError when that is too large."""
        _call(self._handle.begin, to_text(task, "the arguments of a task"))

    def finish(self) -> bytes:
        """The answer; waits for it."""
        return to_bytes(_call(self._handle.finish))

    def close(self) -> None:
        """End it, in the middle of a task too."""
        self.pollable.__exit__(None, None, None)
        self._handle.__exit__(None, None, None)


def to_text(data: bytes, what: str) -> str:
    """Bytes as the text that crosses, each character the byte of its number."""
    size = len(data) + len(data) - len(data.translate(None, _HIGH))
    if size > MAX_BYTES:
        raise ValueError(
            f"{what} may have {MAX_BYTES >> 20} MiB between processes, not {size >> 20} MiB: "
            "divide it into more tasks, or write it to a file, which all processes see, and pass its path"
        )
    return data.decode("latin-1")


def to_bytes(text: str) -> bytes:
    """The bytes that crossed."""
    return text.encode("latin-1")


def _bindings() -> Any:
    return importlib.import_module("wit_world.imports.workers")


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    failed = importlib.import_module("componentize_py_types").Err
    try:
        return function(*arguments)
    except failed as refused:
        error = refused.value
    kinds = _bindings()
    if isinstance(error, kinds.Error_Limit):
        raise LimitReached(error.value)
    if isinstance(error, kinds.Error_Failed):
        failure = error.value
        text = f"a process of the pool could not begin: {failure.kind}: {failure.message}"
        raise Ended(f"{text}\n{failure.traceback}" if failure.traceback else text)
    if isinstance(error, kinds.Error_Ended):
        raise Ended(error.value)
    raise Refused(error.value)
