"""Ed25519."""

from __future__ import annotations

import hashlib
import os

from cryptography.exceptions import InvalidSignature, missing
from cryptography.hazmat.primitives import _der
from cryptography.hazmat.primitives import _serialization as form

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ALGORITHM = _der.sequence(_der.identifier("1.3.101.112"))

Point = tuple[int, int, int, int]


def _add(one: Point, two: Point) -> Point:
    a, b = (one[1] - one[0]) * (two[1] - two[0]) % _P, (one[1] + one[0]) * (two[1] + two[0]) % _P
    c, d = 2 * one[3] * two[3] * _D % _P, 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(factor: int, point: Point) -> Point:
    found, other = (0, 1, 1, 0), point
    for place in reversed(range(256)):
        if factor >> place & 1:
            found, other = _add(found, other), _add(other, other)
        else:
            found, other = _add(found, found), _add(found, other)
    return found


def _x_of(y: int, sign: int) -> int:
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if y >= _P or (x * x - square) % _P or (not x and sign):
        raise ValueError("not a point of the curve")
    return x if x & 1 == sign else _P - x


def _packed(point: Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _unpacked(data: bytes) -> Point:
    number = int.from_bytes(data, "little")
    y = number & ((1 << 255) - 1)
    x = _x_of(y, number >> 255)
    return x, y, 1, x * y % _P


_BASE_Y = 4 * pow(5, -1, _P) % _P
_BASE_X = _x_of(_BASE_Y, 0)
_BASE: Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)


def _hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % _ORDER


class Ed25519PublicKey:
    """Verifies."""

    def __init__(self, data: bytes) -> None:
        if len(data) != 32:
            raise ValueError("An Ed25519 public key is 32 bytes long")
        self._data = bytes(data)

    @classmethod
    def from_public_bytes(cls, data: bytes) -> Ed25519PublicKey:
        """From 32 bytes."""
        return cls(data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ed25519PublicKey) and self._data == other._data

    def __hash__(self) -> int:
        return hash(self._data)

    def public_bytes_raw(self) -> bytes:
        """Its 32 bytes."""
        return self._data

    def verify(self, signature: bytes, data: bytes) -> None:
        """Raise InvalidSignature unless it is one of this data."""
        try:
            point, mark = _unpacked(self._data), _unpacked(signature[:32])
        except ValueError:
            raise InvalidSignature from None
        number = int.from_bytes(signature[32:], "little")
        if len(signature) != 64 or number >= _ORDER:
            raise InvalidSignature
        factor = _hash(signature[:32], self._data, bytes(data))
        if _packed(_times(number, _BASE)) != _packed(_add(mark, _times(factor, point))):
            raise InvalidSignature

    def public_bytes(self, encoding: form.Encoding, format: form.PublicFormat) -> bytes:
        """The key as a text."""
        if encoding is form.Encoding.Raw and format is form.PublicFormat.Raw:
            return self._data
        if format is not form.PublicFormat.SubjectPublicKeyInfo:
            missing(f"the format {format}")
        return form.written(encoding, "PUBLIC KEY", form.public_key_info(_ALGORITHM, self._data))


class Ed25519PrivateKey:
    """Signs."""

    def __init__(self, data: bytes) -> None:
        if len(data) != 32:
            raise ValueError("An Ed25519 private key is 32 bytes long")
        self._data = bytes(data)
        digest = hashlib.sha512(self._data).digest()
        self._factor = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | 1 << 254
        self._prefix = digest[32:]
        self._public = Ed25519PublicKey(_packed(_times(self._factor, _BASE)))

    @classmethod
    def generate(cls) -> Ed25519PrivateKey:
        """A new key."""
        return cls(os.urandom(32))

    @classmethod
    def from_private_bytes(cls, data: bytes) -> Ed25519PrivateKey:
        """From 32 bytes."""
        return cls(data)

    def public_key(self) -> Ed25519PublicKey:
        """The other half."""
        return self._public

    def private_bytes_raw(self) -> bytes:
        """Its 32 bytes."""
        return self._data

    def sign(self, data: bytes) -> bytes:
        """A signature."""
        secret = _hash(self._prefix, bytes(data))
        mark = _packed(_times(secret, _BASE))
        number = (secret + _hash(mark, self._public._data, bytes(data)) * self._factor) % _ORDER
        return mark + number.to_bytes(32, "little")

    def private_bytes(
        self,
        encoding: form.Encoding,
        format: form.PrivateFormat,
        encryption_algorithm: form.KeySerializationEncryption,
    ) -> bytes:
        """The key as a text."""
        form.check_unencrypted(encryption_algorithm)
        if encoding is form.Encoding.Raw and format is form.PrivateFormat.Raw:
            return self._data
        if format is not form.PrivateFormat.PKCS8:
            missing(f"the format {format}")
        key = form.private_key_info(_ALGORITHM, _der.value(_der.OCTETS, self._data))
        return form.written(encoding, "PRIVATE KEY", key)
