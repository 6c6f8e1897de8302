"""Exceptions that an author may meet.

    Exception
      SluiceError            everything below; catch this to catch all of it
        InvalidOperation     (a ValueError too) the host refused one operation; the sync may go on
        LimitReached         a limit of this sync was reached; the sync is lost
        SyncEnded            the destination failed or the sync was cancelled; the sync is lost

A value, name or state that breaks the rules is refused before it reaches the host, with a
plain TypeError, ValueError, OverflowError or AttributeError at the line that passed it.
"""

from __future__ import annotations


class SluiceError(Exception):
    """Base of the exceptions that Sluice itself raises."""


class InvalidOperation(SluiceError, ValueError):
    """The host refused one operation, which had no effect. The text names table and column."""


class LimitReached(SluiceError):
    """A limit of this sync was reached. Every later operation is refused too."""


class SyncEnded(SluiceError):
    """The destination failed or the sync was cancelled. Every later operation is refused too."""


class AuthorError(BaseException):
    """What `Operations.error` raises. Not an Exception, so that `except Exception` lets it pass."""

    def __init__(self, message: str, trace: str | None) -> None:
        super().__init__(message)
        self.message = message
        self.trace = trace


class Rejected(Exception):
    """A value that its column cannot hold; becomes `error` with table and column named."""

    def __init__(self, error: type[Exception], reason: str) -> None:
        super().__init__(reason)
        self.error = error
        self.reason = reason

    def at(self, place: str) -> Exception:
        """The exception for the author; `place` names table and column."""
        text = f"{place}: {self.reason}"
        if issubclass(self.error, UnicodeEncodeError):
            # built over an empty text because its own message would show the value
            return UnicodeEncodeError("utf-8", "", 0, 1, text)
        return self.error(text)
