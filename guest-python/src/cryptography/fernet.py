"""Tokens that are encrypted and signed with one key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import time
from collections.abc import Iterable

from cryptography.hazmat.primitives._aes import Aes, cbc_decrypt, cbc_encrypt, pad, unpad

_VERSION = 0x80
_MAX_CLOCK_SKEW = 60


class InvalidToken(Exception):
    """The token is damaged, too old, or of another key."""


class Fernet:
    """AES-128 in CBC mode with PKCS7 padding, signed with HMAC-SHA-256."""

    def __init__(self, key: bytes | str, backend: object = None) -> None:
        try:
            raw = base64.urlsafe_b64decode(key)
        except binascii.Error as error:
            raise ValueError("Fernet key must be 32 url-safe base64-encoded bytes.") from error
        if len(raw) != 32:
            raise ValueError("Fernet key must be 32 url-safe base64-encoded bytes.")
        self._signing_key, self._encryption_key = raw[:16], raw[16:]

    @classmethod
    def generate_key(cls) -> bytes:
        """A new key."""
        return base64.urlsafe_b64encode(os.urandom(32))

    def encrypt(self, data: bytes) -> bytes:
        """A token of the data."""
        return self.encrypt_at_time(data, int(time.time()))

    def encrypt_at_time(self, data: bytes, current_time: int) -> bytes:
        """A token that says it was made then."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError("data must be bytes")
        return self._token(bytes(data), current_time, os.urandom(16))

    def _token(self, data: bytes, current_time: int, iv: bytes) -> bytes:
        ciphertext = cbc_encrypt(Aes(self._encryption_key), iv, pad(data, 16))
        parts = bytes([_VERSION]) + current_time.to_bytes(8, "big") + iv + ciphertext
        return base64.urlsafe_b64encode(parts + hmac.digest(self._signing_key, parts, "sha256"))

    def decrypt(self, token: bytes | str, ttl: int | None = None) -> bytes:
        """The data of a token, at most `ttl` seconds old."""
        return self._open(token, None if ttl is None else (ttl, int(time.time())))

    def decrypt_at_time(self, token: bytes | str, ttl: int, current_time: int) -> bytes:
        """The data of a token that was at most `ttl` seconds old then."""
        if ttl is None:
            raise ValueError("decrypt_at_time() can only be used with a non-None ttl")
        return self._open(token, (ttl, current_time))

    def extract_timestamp(self, token: bytes | str) -> int:
        """When the token says it was made."""
        timestamp, data = _parts(token)
        self._verify(data)
        return timestamp

    def _verify(self, data: bytes) -> None:
        if not hmac.compare_digest(hmac.digest(self._signing_key, data[:-32], hashlib.sha256), data[-32:]):
            raise InvalidToken

    def _open(self, token: bytes | str, times: tuple[int, int] | None) -> bytes:
        timestamp, data = _parts(token)
        if times is not None:
            ttl, now = times
            if timestamp + ttl < now or now + _MAX_CLOCK_SKEW < timestamp:
                raise InvalidToken
        self._verify(data)
        iv, ciphertext = data[9:25], data[25:-32]
        if not ciphertext or len(ciphertext) % 16:
            raise InvalidToken
        try:
            return unpad(cbc_decrypt(Aes(self._encryption_key), iv, ciphertext), 16)
        except ValueError:
            raise InvalidToken from None


class MultiFernet:
    """Several keys: the first encrypts, any decrypts."""

    def __init__(self, fernets: Iterable[Fernet]) -> None:
        self._fernets = list(fernets)
        if not self._fernets:
            raise ValueError("MultiFernet requires at least one Fernet instance")

    def encrypt(self, msg: bytes) -> bytes:
        """A token with the first key."""
        return self._fernets[0].encrypt(msg)

    def encrypt_at_time(self, msg: bytes, current_time: int) -> bytes:
        """A token with the first key that says it was made then."""
        return self._fernets[0].encrypt_at_time(msg, current_time)

    def decrypt(self, msg: bytes | str, ttl: int | None = None) -> bytes:
        """The data of a token of any of the keys."""
        for fernet in self._fernets:
            try:
                return fernet.decrypt(msg, ttl)
            except InvalidToken:
                pass
        raise InvalidToken

    def rotate(self, msg: bytes | str) -> bytes:
        """The same data and time as a token with the first key."""
        timestamp, _ = _parts(msg)
        return self._fernets[0].encrypt_at_time(self.decrypt(msg), timestamp)


def _parts(token: bytes | str) -> tuple[int, bytes]:
    if not isinstance(token, (str, bytes)):
        raise TypeError("token must be bytes or str")
    try:
        data = base64.urlsafe_b64decode(token)
    except (TypeError, ValueError):
        raise InvalidToken from None
    if len(data) < 9 + 16 + 32 or data[0] != _VERSION:
        raise InvalidToken
    return int.from_bytes(data[1:9], "big"), data
