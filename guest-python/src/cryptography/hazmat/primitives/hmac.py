"""HMAC."""

from __future__ import annotations

import hmac

from cryptography.exceptions import AlreadyFinalized, InvalidSignature
from cryptography.hazmat.primitives.hashes import HashAlgorithm, checked, hashlib_name


class HMAC:
    """Signs data that comes in parts."""

    def __init__(self, key: bytes, algorithm: HashAlgorithm, backend: object = None) -> None:
        self.algorithm = checked(algorithm)
        self._state: hmac.HMAC | None = hmac.new(key, digestmod=hashlib_name(algorithm))

    def update(self, data: bytes) -> None:
        """Add data."""
        self._open().update(data)

    def copy(self) -> HMAC:
        """Another one with the same data so far."""
        other = HMAC(b"", self.algorithm)
        other._state = self._open().copy()
        return other

    def finalize(self) -> bytes:
        """The signature."""
        digest = self._open().digest()
        self._state = None
        return digest

    def verify(self, signature: bytes) -> None:
        """Raise InvalidSignature unless this is the signature."""
        if not hmac.compare_digest(self.finalize(), signature):
            raise InvalidSignature("Signature did not match digest.")

    def _open(self) -> hmac.HMAC:
        if self._state is None:
            raise AlreadyFinalized("Context was already finalized.")
        return self._state
