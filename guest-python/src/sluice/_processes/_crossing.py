"""Tasks, answers and exceptions as bytes, which only instances of this component read."""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple


class Surroundings(NamedTuple):
    """What a new process takes over from the one that starts it."""

    name: str
    number: int
    environment: dict[str, str]
    folder: str
    path: list[str]


class RemoteTraceback(Exception):
    """The cause of an exception that came from a task: where it was raised there, as text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return self.text


def surroundings(name: str, number: int) -> Surroundings:
    """Those of this process."""
    return Surroundings(name, number, dict(os.environ), os.getcwd(), list(sys.path))


def pack_task(
    around: Surroundings | None,
    prepare: tuple[Callable[..., object], tuple[Any, ...]] | None,
    call: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]],
) -> bytes:
    """A task; raises what pickling raises."""
    # one in another, because modules can be found only after the path is that of the other process
    inner = None if prepare is None else pickle.dumps(prepare)
    return pickle.dumps((around, inner, pickle.dumps(call)))


def pack_result(value: Any) -> bytes:
    """The answer of a task that went well."""
    return pickle.dumps((True, value))


def pack_error(error: BaseException, trace: str) -> bytes:
    """The answer of a task that raised. An exception that does not pickle goes as its text."""
    try:
        packed = pickle.dumps((False, (error, trace)))
        pickle.loads(packed)
    except Exception:
        told = RuntimeError(f"{type(error).__name__}: {error}")
        packed = pickle.dumps((False, (told, trace)))
    return packed


def open_answer(packed: bytes) -> tuple[bool, Any]:
    """Whether it went well, and the value or the exception."""
    try:
        well, value = pickle.loads(packed)
    except BaseException as unreadable:
        return False, unreadable
    if well:
        return True, value
    error, trace = value
    error.__cause__ = RemoteTraceback(f'\n"""\n{trace}"""')
    return False, error


def trace_of(error: BaseException, skipped: str) -> str:
    """The traceback as text, from the first frame that is not in the folder `skipped`."""
    found = error.__traceback__
    while found is not None and found.tb_frame.f_code.co_filename.startswith(skipped):
        found = found.tb_next
    return "".join(traceback.format_exception(type(error), error, found))
