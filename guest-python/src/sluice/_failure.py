"""An exception as its author should see it: kind, message and the author's part of the traceback."""

from __future__ import annotations

import errno
import os
import traceback
from types import ModuleType, TracebackType
from typing import NamedTuple

from sluice import _advice
from sluice._errors import AuthorError
from sluice._text import presentable

MAX_KIND_BYTES = 256
MAX_MESSAGE_BYTES = 4 << 10
MAX_TRACEBACK_BYTES = 32 << 10

_HERE = os.path.dirname(__file__) + os.sep


class Description(NamedTuple):
    """The texts of a failure, ready to cross: bounded, and without lone surrogates."""

    kind: str
    message: str
    traceback: str


def describe(error: BaseException) -> Description:
    """Describe any exception. Never raises, short of running out of memory again and again."""
    try:
        kind, message = _kind(error), _message(error)
    except BaseException:
        kind, message = type(error).__name__, "its message cannot be made"
    try:
        trace = _trace(error)
    except BaseException:
        trace = ""
    return Description(
        presentable(kind, MAX_KIND_BYTES),
        presentable(message, MAX_MESSAGE_BYTES),
        presentable(trace, MAX_TRACEBACK_BYTES),
    )


def _kind(error: BaseException) -> str:
    return "op.error" if isinstance(error, AuthorError) else type(error).__name__


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        code = "" if error.code is None else str(error.code)
        return f"sys.exit({code}) was called; return from the function to end it well, raise to end it badly"
    # the text of a KeyError is the repr of what it holds
    if isinstance(error, KeyError) and len(error.args) == 1 and isinstance(error.args[0], str):
        return error.args[0]
    text = str(error) or type(error).__name__
    advice = _advised(error)
    return f"{text}; {advice}" if advice else text


def _advised(error: BaseException) -> str | None:
    """What to use instead of what cannot work here, if that is why it failed."""
    if isinstance(error, ImportError):
        return _advice.for_import(error.name)
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        return _advice.for_call(f"{error.obj.__name__}.{error.name}")
    if isinstance(error, OSError) and error.errno == errno.ENOTSUP and error.__traceback__ is not None:
        frames = traceback.walk_tb(error.__traceback__)
        if any(frame.f_globals.get("__name__") == "subprocess" for frame, _ in frames):
            return _advice.for_call("subprocess.run")
    return None


def _trace(error: BaseException) -> str:
    if isinstance(error, AuthorError) and error.trace is not None:
        return error.trace
    shown = traceback.TracebackException(type(error), error, author_part(error.__traceback__))
    return "".join(shown.format())


def author_part(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame that is not Sluice's own; all of it if there is none."""
    found = trace
    while found is not None and found.tb_frame.f_code.co_filename.startswith((_HERE, "<sluice")):
        found = found.tb_next
    return found if found is not None else trace
