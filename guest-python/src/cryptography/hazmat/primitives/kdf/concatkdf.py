"""The single-step key derivation of NIST SP 800-56C, section 4."""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import HashAlgorithm, checked, hashlib_name
from cryptography.hazmat.primitives.kdf import KeyDerivationFunction


class ConcatKDFHash(KeyDerivationFunction):
    """A key from a shared secret, by a hash."""

    def __init__(
        self, algorithm: HashAlgorithm, length: int, otherinfo: bytes | None, backend: object = None
    ) -> None:
        size, self._hash = checked(algorithm).digest_size, hashlib_name(algorithm)
        if length > size * (2**32 - 1):
            raise ValueError(f"Cannot derive keys larger than {size * (2**32 - 1)} bits.")
        self._length, self._info = length, otherinfo or b""

    def _digest(self, data: bytes) -> bytes:
        return hashlib.new(self._hash, data).digest()

    def _derived(self, key_material: bytes) -> bytes:
        found, counter = bytearray(), 0
        while len(found) < self._length:
            counter += 1
            found += self._digest(counter.to_bytes(4, "big") + key_material + self._info)
        return bytes(found[: self._length])


class ConcatKDFHMAC(ConcatKDFHash):
    """The same by an HMAC with a salt."""

    def __init__(
        self,
        algorithm: HashAlgorithm,
        length: int,
        salt: bytes | None,
        otherinfo: bytes | None,
        backend: object = None,
    ) -> None:
        super().__init__(algorithm, length, otherinfo)
        self._salt = salt or bytes(hashlib.new(self._hash).block_size)

    def _digest(self, data: bytes) -> bytes:
        return hmac.digest(self._salt, data, self._hash)
