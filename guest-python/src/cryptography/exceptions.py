"""What goes wrong."""

from __future__ import annotations

from typing import NoReturn


class UnsupportedAlgorithm(Exception):
    """An algorithm, a format or a parameter that is not there."""

    def __init__(self, message: str = "", reason: object = None) -> None:
        super().__init__(message)
        self._reason = reason


class AlreadyFinalized(Exception):
    """A context that was used after its end."""


class AlreadyUpdated(Exception):
    """Additional data after the data."""


class NotYetFinalized(Exception):
    """A result that was asked for too early."""


class InvalidTag(Exception):
    """The data, the key or the tag of an authenticated cipher is not right."""


class InvalidSignature(Exception):
    """The signature is not of this data and key."""


class InvalidKey(Exception):
    """A derived key is not the expected one."""


class InternalError(Exception):
    """Never raised here."""


def missing(what: str) -> NoReturn:
    """Say that something of the real package is not here."""
    raise UnsupportedAlgorithm(
        f"{what} is not available in a connector, where cryptography is in pure Python"
    )
