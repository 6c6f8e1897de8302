"""PBKDF2."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.hashes import HashAlgorithm, checked, hashlib_name
from cryptography.hazmat.primitives.kdf import KeyDerivationFunction


class PBKDF2HMAC(KeyDerivationFunction):
    """A key from a password."""

    def __init__(
        self, algorithm: HashAlgorithm, length: int, salt: bytes, iterations: int, backend: object = None
    ) -> None:
        self._hash = hashlib_name(checked(algorithm))
        self._length, self._salt, self._iterations = length, salt, iterations

    def _derived(self, key_material: bytes) -> bytes:
        return hashlib.pbkdf2_hmac(self._hash, key_material, self._salt, self._iterations, self._length)
