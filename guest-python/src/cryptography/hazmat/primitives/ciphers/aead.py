"""AES-GCM in one call."""

from __future__ import annotations

import os
from typing import NoReturn

from cryptography.exceptions import InvalidTag, missing
from cryptography.hazmat.primitives._aes import Gcm, xor
from cryptography.hazmat.primitives.constant_time import bytes_eq


class AESGCM:
    """Encrypts and signs data; signs additional data."""

    MAX_SIZE = 2**31 - 1

    def __init__(self, key: bytes) -> None:
        if len(key) not in (16, 24, 32):
            raise ValueError("AESGCM key must be 128, 192, or 256 bits.")
        self._key = bytes(key)

    @classmethod
    def generate_key(cls, bit_length: int) -> bytes:
        """A new key."""
        if bit_length not in (128, 192, 256):
            raise ValueError("bit_length must be 128, 192, or 256")
        return os.urandom(bit_length // 8)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """The encrypted data with the tag of 16 bytes behind it."""
        gcm = self._begun(nonce)
        found = xor(bytes(data), gcm.stream(len(data)))
        return found + gcm.tag(found, bytes(associated_data or b""))

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """The data; raises InvalidTag unless all is right."""
        gcm = self._begun(nonce)
        found, tag = bytes(data[:-16]), bytes(data[-16:])
        if len(data) < 16 or not bytes_eq(gcm.tag(found, bytes(associated_data or b"")), tag):
            raise InvalidTag
        return xor(found, gcm.stream(len(found)))

    def _begun(self, nonce: bytes) -> Gcm:
        if not 8 <= len(nonce) <= 128:
            raise ValueError("Nonce must be between 8 and 128 bytes")
        return Gcm(self._key, bytes(nonce))


def __getattr__(name: str) -> NoReturn:
    if name.startswith("_"):
        raise AttributeError(name)
    missing(f"the cipher {name}")
