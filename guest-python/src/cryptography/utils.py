"""Small parts that other packages import."""

from __future__ import annotations

import warnings


class CryptographyDeprecationWarning(UserWarning):
    """Something will go away."""


def int_to_bytes(integer: int, length: int | None = None) -> bytes:
    """An int that is not negative, big-endian."""
    return integer.to_bytes(length or (integer.bit_length() + 7) // 8 or 1, "big")


def deprecated(value: object, module_name: str, message: str, *_: object, **__: object) -> object:
    """The value itself, with a warning."""
    warnings.warn(message, CryptographyDeprecationWarning, stacklevel=2)
    return value
