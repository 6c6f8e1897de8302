"""Signatures of elliptic curves, and hashes that were made before."""

from __future__ import annotations

from cryptography.hazmat.primitives import _der
from cryptography.hazmat.primitives.hashes import HashAlgorithm, checked, digest


class Prehashed:
    """Says that what is signed is a hash already."""

    def __init__(self, algorithm: HashAlgorithm) -> None:
        self._algorithm = checked(algorithm)
        self.digest_size = algorithm.digest_size


def decode_dss_signature(signature: bytes) -> tuple[int, int]:
    """The two numbers."""
    r, s = _der.read(signature)
    return r.integer(), s.integer()


def encode_dss_signature(r: int, s: int) -> bytes:
    """As DER."""
    if not isinstance(r, int) or not isinstance(s, int):
        raise ValueError("Both r and s must be integers")
    return _der.sequence(_der.integer(r), _der.integer(s))


def hashed(data: bytes, algorithm: HashAlgorithm | Prehashed) -> tuple[HashAlgorithm, bytes]:
    """The algorithm, and the hash of data."""
    if not isinstance(algorithm, Prehashed):
        return checked(algorithm), digest(algorithm, bytes(data))
    if len(data) != algorithm.digest_size:
        raise ValueError("The provided data must be the same length as the hash algorithm's digest size.")
    return algorithm._algorithm, bytes(data)
