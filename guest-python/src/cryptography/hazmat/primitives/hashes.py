"""Hashes, done by `hashlib`."""

from __future__ import annotations

import hashlib
from typing import ClassVar

from cryptography.exceptions import AlreadyFinalized


class HashAlgorithm:
    """A hash algorithm: its name, and its sizes in bytes."""

    name: ClassVar[str] = ""
    digest_size: int = 0
    block_size: int | None = 64


class SHA1(HashAlgorithm):
    """SHA-1."""

    name = "sha1"
    digest_size = 20


class SHA224(HashAlgorithm):
    """SHA-224."""

    name = "sha224"
    digest_size = 28


class SHA256(HashAlgorithm):
    """SHA-256."""

    name = "sha256"
    digest_size = 32


class SHA384(HashAlgorithm):
    """SHA384."""

    name = "sha384"
    digest_size = 48
    block_size = 128


class SHA512(HashAlgorithm):
    """SHA-512."""

    name = "sha512"
    digest_size = 64
    block_size = 128


class SHA3_224(HashAlgorithm):  # noqa: N801
    """SHA3-224."""

    name = "sha3-224"
    digest_size = 28
    block_size = None


class SHA3_256(HashAlgorithm):  # noqa: N801
    """SHA3-256."""

    name = "sha3-256"
    digest_size = 32
    block_size = None


class SHA3_384(HashAlgorithm):  # noqa: N801
    """SHA3-384."""

    name = "sha3-384"
    digest_size = 48
    block_size = None


class SHA3_512(HashAlgorithm):  # noqa: N801
    """SHA3-512."""

    name = "sha3-512"
    digest_size = 64
    block_size = None


class MD5(HashAlgorithm):
    """MD5."""

    name = "md5"
    digest_size = 16


class BLAKE2b(HashAlgorithm):
    """BLAKE2b."""

    name = "blake2b"
    digest_size = 64
    block_size = 128

    def __init__(self, digest_size: int = 64) -> None:
        if digest_size != self.digest_size:
            raise ValueError("Digest size must be 64")


class BLAKE2s(HashAlgorithm):
    """BLAKE2s."""

    name = "blake2s"
    digest_size = 32

    def __init__(self, digest_size: int = 32) -> None:
        if digest_size != self.digest_size:
            raise ValueError("Digest size must be 32")


class HashContext:
    """What is being hashed."""


class Hash(HashContext):
    """Hashes data that comes in parts."""

    def __init__(self, algorithm: HashAlgorithm, backend: object = None) -> None:
        self.algorithm = checked(algorithm)
        self._state: hashlib._Hash | None = new(algorithm)

    def update(self, data: bytes) -> None:
        """Add data."""
        self._open().update(data)

    def copy(self) -> Hash:
        """Another one with the same data so far."""
        other = Hash(self.algorithm)
        other._state = self._open().copy()
        return other

    def finalize(self) -> bytes:
        """The hash."""
        digest = self._open().digest()
        self._state = None
        return digest

    def _open(self) -> hashlib._Hash:
        if self._state is None:
            raise AlreadyFinalized("Context was already finalized.")
        return self._state


def checked(algorithm: object) -> HashAlgorithm:
    """The algorithm, if it is one."""
    if not isinstance(algorithm, HashAlgorithm):
        raise TypeError("Expected instance of hashes.HashAlgorithm.")
    return algorithm


def new(algorithm: HashAlgorithm, data: bytes = b"") -> hashlib._Hash:
    """An object of `hashlib`."""
    return hashlib.new(hashlib_name(algorithm), data, usedforsecurity=False)


def hashlib_name(algorithm: HashAlgorithm) -> str:
    """What `hashlib` calls it."""
    return algorithm.name.replace("-", "_")


def digest(algorithm: HashAlgorithm, data: bytes) -> bytes:
    """The hash of data."""
    return new(algorithm, data).digest()
