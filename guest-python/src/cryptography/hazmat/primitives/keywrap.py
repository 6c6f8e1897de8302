"""AES key wrap of RFC 3394, without padding."""

from __future__ import annotations

from cryptography.hazmat.primitives._aes import Aes, xor
from cryptography.hazmat.primitives.constant_time import bytes_eq

_INITIAL = b"\xa6" * 8
_ROUNDS = 6


class InvalidUnwrap(Exception):
    """The wrapped key was changed, or is another key's."""


def aes_key_wrap(wrapping_key: bytes, key_to_wrap: bytes, backend: object = None) -> bytes:
    """The key, sealed with another one."""
    cipher = _cipher(wrapping_key)
    if len(key_to_wrap) < 16:
        raise ValueError("The key to wrap must be at least 16 bytes")
    if len(key_to_wrap) % 8:
        raise ValueError("The key to wrap must be a multiple of 8 bytes")
    first, blocks = _INITIAL, _blocks(key_to_wrap)
    for step in range(_ROUNDS * len(blocks)):
        at = step % len(blocks)
        sealed = cipher.encrypt(first + blocks[at])
        first, blocks[at] = xor(sealed[:8], _number(step)), sealed[8:]
    return first + b"".join(blocks)


def aes_key_unwrap(wrapping_key: bytes, wrapped_key: bytes, backend: object = None) -> bytes:
    """What was sealed. Raises InvalidUnwrap."""
    if len(wrapped_key) < 24:
        raise InvalidUnwrap("Must be at least 24 bytes")
    if len(wrapped_key) % 8:
        raise InvalidUnwrap("The wrapped key must be a multiple of 8 bytes")
    cipher = _cipher(wrapping_key)
    first, blocks = wrapped_key[:8], _blocks(wrapped_key[8:])
    for step in reversed(range(_ROUNDS * len(blocks))):
        at = step % len(blocks)
        opened = cipher.decrypt(xor(first, _number(step)) + blocks[at])
        first, blocks[at] = opened[:8], opened[8:]
    if not bytes_eq(first, _INITIAL):
        raise InvalidUnwrap
    return b"".join(blocks)


def _cipher(key: bytes) -> Aes:
    if len(key) not in (16, 24, 32):
        raise ValueError("The wrapping key must be a valid AES key length")
    return Aes(key)


def _blocks(data: bytes) -> list[bytes]:
    return [data[at : at + 8] for at in range(0, len(data), 8)]


def _number(step: int) -> bytes:
    return (step + 1).to_bytes(8, "big")
