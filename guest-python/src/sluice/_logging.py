"""`Logging`: messages for people."""

from __future__ import annotations

import enum
import sys
import warnings
from typing import Any, ClassVar

from sluice import _contract
from sluice._failure import describe
from sluice._text import presentable

MAX_MESSAGE_BYTES = 8 << 10
"""The contract's limit; the host cuts what is longer."""


class Logging:
    """Write to the sync's log. Any message is taken; one that is no text is written as `str` does.

    Messages over 8 KiB are cut. Never raises, and works outside a sync too: on standard error
    where there is no host.
    """

    class Level(enum.IntEnum):
        """How important a message is, least first."""

        DEBUG = 1
        FINE = 2
        INFO = 3
        WARNING = 4
        ERROR = 5
        SEVERE = 6
        CRITICAL = 7

    LOG_LEVEL: ClassVar[Level | None] = None
    """The least important level to write; None writes everything and leaves the choice to the host."""

    @classmethod
    def debug(cls, message: Any) -> None:
        """For the author while developing."""
        cls._write(cls.Level.DEBUG, message)

    @classmethod
    def fine(cls, message: Any) -> None:
        """Deprecated: use `debug`."""
        warnings.warn("Logging.fine is deprecated, use Logging.debug", DeprecationWarning, stacklevel=2)
        cls._write(cls.Level.FINE, message)

    @classmethod
    def info(cls, message: Any) -> None:
        """What an operator wants to see."""
        cls._write(cls.Level.INFO, message)

    @classmethod
    def warning(cls, message: Any) -> None:
        """Something unexpected that the connector handled."""
        cls._write(cls.Level.WARNING, message)

    @classmethod
    def error(cls, message: Any, exception: BaseException | None = None) -> None:
        """Something failed; `exception` adds its text and where it was raised."""
        cls._write(cls.Level.ERROR, message, exception)

    @classmethod
    def severe(cls, message: Any, exception: BaseException | None = None) -> None:
        """Deprecated: use `error`."""
        warnings.warn("Logging.severe is deprecated, use Logging.error", DeprecationWarning, stacklevel=2)
        cls._write(cls.Level.SEVERE, message, exception)

    @classmethod
    def critical(cls, message: Any, exception: BaseException | None = None) -> None:
        """The connector cannot go on; `exception` adds its text and where it was raised."""
        cls._write(cls.Level.CRITICAL, message, exception)

    @classmethod
    def _write(cls, level: Level, message: Any, exception: BaseException | None = None) -> None:
        if cls.LOG_LEVEL is not None and level < cls.LOG_LEVEL:
            return
        try:
            text = str(message)
        except Exception:
            text = f"a {type(message).__name__} whose text cannot be made"
        if exception is not None:
            text += "\n" + describe(exception).traceback
        text = presentable(text, MAX_MESSAGE_BYTES)
        if _contract.HAS_HOST or _contract.native is not None:
            _contract.log(level - 1, text)
        else:
            print(f"{level.name} {text}", file=sys.stderr)
