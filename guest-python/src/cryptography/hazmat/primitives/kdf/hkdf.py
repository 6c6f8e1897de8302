"""HKDF."""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.hashes import HashAlgorithm, checked, hashlib_name
from cryptography.hazmat.primitives.kdf import KeyDerivationFunction


class HKDFExpand(KeyDerivationFunction):
    """A key of any length from a good one."""

    def __init__(
        self, algorithm: HashAlgorithm, length: int, info: bytes | None, backend: object = None
    ) -> None:
        self._size, self._hash = checked(algorithm).digest_size, hashlib_name(algorithm)
        if length > 255 * self._size:
            raise ValueError(f"Cannot derive keys larger than {255 * self._size} octets.")
        self._length, self._info = length, info or b""

    def _derived(self, key_material: bytes) -> bytes:
        found, last = b"", b""
        for number in range(1, -(-self._length // self._size) + 1):
            last = hmac.digest(key_material, last + self._info + bytes([number]), self._hash)
            found += last
        return found[: self._length]


class HKDF(HKDFExpand):
    """A key from something secret."""

    def __init__(
        self,
        algorithm: HashAlgorithm,
        length: int,
        salt: bytes | None,
        info: bytes | None,
        backend: object = None,
    ) -> None:
        super().__init__(algorithm, length, info)
        self._salt = salt or bytes(self._size)

    def _derived(self, key_material: bytes) -> bytes:
        return super()._derived(hmac.digest(self._salt, key_material, self._hash))
