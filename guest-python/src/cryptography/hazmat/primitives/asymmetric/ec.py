"""Elliptic curves: signing, verifying and key agreement on the curves P-256, P-384, P-521 and secp256k1."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from cryptography.exceptions import InvalidSignature, missing
from cryptography.hazmat.primitives import _der
from cryptography.hazmat.primitives import _serialization as form
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
    hashed,
)
from cryptography.hazmat.primitives.hashes import HashAlgorithm

Point = tuple[int, int, int]
"""In Jacobian coordinates; the last one is 0 in the neutral element."""

_PUBLIC_KEY = "1.2.840.10045.2.1"


class _Curve(NamedTuple):
    p: int
    a: int
    b: int
    x: int
    y: int
    order: int
    oid: str


class EllipticCurve:
    """A curve."""

    name: ClassVar[str] = ""
    key_size: ClassVar[int] = 0
    group_order: ClassVar[int] = 0
    _curve: ClassVar[_Curve]


def _of_nist(p: int, b: int, x: int, y: int, order: int, oid: str) -> _Curve:
    return _Curve(p, p - 3, b, x, y, order, oid)


class SECP256R1(EllipticCurve):
    """P-256."""

    name = "secp256r1"
    key_size = 256
    _curve = _of_nist(
        0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        "1.2.840.10045.3.1.7",
    )
    group_order = _curve.order


class SECP384R1(EllipticCurve):
    """P-384."""

    name = "secp384r1"
    key_size = 384
    _curve = _of_nist(
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
        0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
        0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
        "1.3.132.0.34",
    )
    group_order = _curve.order


class SECP521R1(EllipticCurve):
    """P-521."""

    name = "secp521r1"
    key_size = 521
    _curve = _of_nist(
        2**521 - 1,
        0x0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
        0x00C6858E06B70404E9CD9E3ECB662395B4429C648139053FB521F828AF606B4D3DBAA14B5E77EFE75928FE1DC127A2FFA8DE3348B3C1856A429BF97E7E31C2E5BD66,
        0x011839296A789A3BC0045C8A5FB42C7D1BD998F54449579B446817AFBD17273E662C97EE72995EF42640C550B9013FAD0761353C7086A272C24088BE94769FD16650,
        0x01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
        "1.3.132.0.35",
    )
    group_order = _curve.order


class SECP256K1(EllipticCurve):
    """The curve of Bitcoin."""

    name = "secp256k1"
    key_size = 256
    _curve = _Curve(
        2**256 - 2**32 - 977,
        0,
        7,
        0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
        0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
        "1.3.132.0.10",
    )
    group_order = _curve.order


_CURVES: dict[str, type[EllipticCurve]] = {
    curve._curve.oid: curve for curve in (SECP256R1, SECP384R1, SECP521R1, SECP256K1)
}


class EllipticCurveSignatureAlgorithm:
    """How a curve signs."""


class ECDSA(EllipticCurveSignatureAlgorithm):
    """The usual way."""

    def __init__(self, algorithm: HashAlgorithm | Prehashed, deterministic_signing: bool = False) -> None:
        self.algorithm = algorithm


class ECDH:
    """Key agreement."""


def _double(curve: _Curve, point: Point) -> Point:
    x, y, z = point
    if not y or not z:
        return (0, 1, 0)
    p = curve.p
    yy = y * y % p
    s = 4 * x * yy % p
    m = (3 * x * x + curve.a * pow(z, 4, p)) % p
    x3 = (m * m - 2 * s) % p
    return x3, (m * (s - x3) - 8 * yy * yy) % p, 2 * y * z % p


def _add(curve: _Curve, one: Point, two: Point) -> Point:
    if not one[2]:
        return two
    if not two[2]:
        return one
    p = curve.p
    (x1, y1, z1), (x2, y2, z2) = one, two
    zz1, zz2 = z1 * z1 % p, z2 * z2 % p
    u1, u2 = x1 * zz2 % p, x2 * zz1 % p
    s1, s2 = y1 * zz2 * z2 % p, y2 * zz1 * z1 % p
    if u1 == u2:
        return _double(curve, one) if s1 == s2 else (0, 1, 0)
    h, r = u2 - u1, s2 - s1
    hh = h * h % p
    hhh, v = h * hh % p, u1 * hh % p
    x3 = (r * r - hhh - 2 * v) % p
    return x3, (r * (v - x3) - s1 * hhh) % p, h * z1 * z2 % p


def _times(curve: _Curve, factor: int, point: Point) -> Point:
    """Adds in every step, needed or not."""
    found, other = (0, 1, 0), point
    for place in reversed(range(curve.order.bit_length())):
        if factor >> place & 1:
            found, other = _add(curve, found, other), _double(curve, other)
        else:
            found, other = _double(curve, found), _add(curve, found, other)
    return found


def _affine(curve: _Curve, point: Point) -> tuple[int, int]:
    inverse = pow(point[2], -1, curve.p)
    square = inverse * inverse % curve.p
    return point[0] * square % curve.p, point[1] * square * inverse % curve.p


class EllipticCurvePublicNumbers:
    """A point of a curve."""

    def __init__(self, x: int, y: int, curve: EllipticCurve) -> None:
        self.x, self.y, self.curve = x, y, curve

    def public_key(self, backend: object = None) -> EllipticCurvePublicKey:
        """The key; raises ValueError when the point is not on the curve."""
        return EllipticCurvePublicKey(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EllipticCurvePublicNumbers) and self._all() == other._all()

    def __hash__(self) -> int:
        return hash(self._all())

    def _all(self) -> tuple[int, int, str]:
        return self.x, self.y, self.curve.name


class EllipticCurvePrivateNumbers:
    """A number and its point."""

    def __init__(self, private_value: int, public_numbers: EllipticCurvePublicNumbers) -> None:
        self.private_value, self.public_numbers = private_value, public_numbers

    def private_key(self, backend: object = None) -> EllipticCurvePrivateKey:
        """The key; raises ValueError when the two do not belong together."""
        key = derive_private_key(self.private_value, self.public_numbers.curve)
        if key.public_key().public_numbers() != self.public_numbers:
            raise ValueError("Invalid EC key.")
        return key


class EllipticCurvePublicKey:
    """Verifies."""

    def __init__(self, numbers: EllipticCurvePublicNumbers) -> None:
        curve = numbers.curve._curve
        x, y = numbers.x, numbers.y
        if not (0 <= x < curve.p and 0 <= y < curve.p) or (y * y - x**3 - curve.a * x - curve.b) % curve.p:
            raise ValueError("Invalid EC key. Point is not on the curve specified.")
        self._numbers = numbers
        self.curve, self.key_size = numbers.curve, numbers.curve.key_size

    @classmethod
    def from_encoded_point(cls, curve: EllipticCurve, data: bytes) -> EllipticCurvePublicKey:
        """From a point as X9.62 writes it."""
        size, p = (curve.key_size + 7) // 8, curve._curve.p
        if data[:1] == b"\4" and len(data) == 2 * size + 1:
            x, y = int.from_bytes(data[1 : size + 1], "big"), int.from_bytes(data[size + 1 :], "big")
        elif data[:1] in (b"\2", b"\3") and len(data) == size + 1:
            x = int.from_bytes(data[1:], "big")
            y = pow(x**3 + curve._curve.a * x + curve._curve.b, (p + 1) // 4, p)
            y = y if y & 1 == data[0] & 1 else p - y
        else:
            raise ValueError("Unsupported elliptic curve point type")
        return cls(EllipticCurvePublicNumbers(x, y, curve))

    def public_numbers(self) -> EllipticCurvePublicNumbers:
        """Its numbers."""
        return self._numbers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EllipticCurvePublicKey) and self._numbers == other._numbers

    def __hash__(self) -> int:
        return hash(self._numbers)

    def verify(self, signature: bytes, data: bytes, signature_algorithm: ECDSA) -> None:
        """Raise InvalidSignature unless it is one of this data."""
        curve = self.curve._curve
        try:
            r, s = decode_dss_signature(signature)
        except ValueError:
            raise InvalidSignature from None
        if not (0 < r < curve.order and 0 < s < curve.order):
            raise InvalidSignature
        inverse = pow(s, -1, curve.order)
        value = _number(hashed(data, signature_algorithm.algorithm)[1], curve.order)
        one = _times(curve, value * inverse % curve.order, (curve.x, curve.y, 1))
        two = _times(curve, r * inverse % curve.order, (self._numbers.x, self._numbers.y, 1))
        point = _add(curve, one, two)
        if not point[2] or _affine(curve, point)[0] % curve.order != r:
            raise InvalidSignature

    def public_bytes(self, encoding: form.Encoding, format: form.PublicFormat) -> bytes:
        """The key as a text."""
        size = (self.key_size + 7) // 8
        x, y = self._numbers.x.to_bytes(size, "big"), self._numbers.y.to_bytes(size, "big")
        if encoding is form.Encoding.X962 and format is form.PublicFormat.CompressedPoint:
            return bytes([2 + (self._numbers.y & 1)]) + x
        point = b"\4" + x + y
        if encoding is form.Encoding.X962 and format is form.PublicFormat.UncompressedPoint:
            return point
        if format is not form.PublicFormat.SubjectPublicKeyInfo:
            missing(f"the format {format}")
        return form.written(encoding, "PUBLIC KEY", form.public_key_info(_algorithm(self.curve), point))


class EllipticCurvePrivateKey:
    """Signs."""

    def __init__(self, value: int, public: EllipticCurvePublicKey) -> None:
        self._value, self._public = value, public
        self.curve, self.key_size = public.curve, public.key_size

    def public_key(self) -> EllipticCurvePublicKey:
        """The other half."""
        return self._public

    def private_numbers(self) -> EllipticCurvePrivateNumbers:
        """Its numbers."""
        return EllipticCurvePrivateNumbers(self._value, self._public.public_numbers())

    def sign(self, data: bytes, signature_algorithm: ECDSA) -> bytes:
        """A signature, the same for the same data (RFC 6979)."""
        curve = self.curve._curve
        _, hash_ = hashed(data, signature_algorithm.algorithm)
        value = _number(hash_, curve.order)
        for secret in _secrets(self._value, value, curve.order):
            r = _affine(curve, _times(curve, secret, (curve.x, curve.y, 1)))[0] % curve.order
            blind = secrets.randbelow(curve.order - 1) + 1
            s = pow(secret * blind, -1, curve.order) * ((value + r * self._value) * blind) % curve.order
            if r and s:
                return encode_dss_signature(r, s)
        raise AssertionError("there is always another number")

    def exchange(self, algorithm: ECDH, peer_public_key: EllipticCurvePublicKey) -> bytes:
        """What both sides know."""
        if peer_public_key.curve.name != self.curve.name:
            raise ValueError("peer_public_key and self are not on the same curve")
        other = peer_public_key.public_numbers()
        curve = self.curve._curve
        x, _ = _affine(curve, _times(curve, self._value, (other.x, other.y, 1)))
        return x.to_bytes((self.key_size + 7) // 8, "big")

    def private_bytes(
        self,
        encoding: form.Encoding,
        format: form.PrivateFormat,
        encryption_algorithm: form.KeySerializationEncryption,
    ) -> bytes:
        """The key as a text."""
        form.check_unencrypted(encryption_algorithm)
        point = self._public.public_bytes(form.Encoding.X962, form.PublicFormat.UncompressedPoint)
        number = self._value.to_bytes((self.key_size + 7) // 8, "big")
        old = format is form.PrivateFormat.TraditionalOpenSSL
        curve = _der.value(0xA0, _der.identifier(self.curve._curve.oid)) if old else b""
        key = _der.sequence(
            _der.integer(1), _der.value(_der.OCTETS, number), curve, _der.value(0xA1, _der.bits(point))
        )
        if old:
            return form.written(encoding, "EC PRIVATE KEY", key)
        if format is not form.PrivateFormat.PKCS8:
            missing(f"the format {format}")
        return form.written(encoding, "PRIVATE KEY", form.private_key_info(_algorithm(self.curve), key))


EllipticCurvePrivateKeyWithSerialization = EllipticCurvePrivateKey
EllipticCurvePublicKeyWithSerialization = EllipticCurvePublicKey


def derive_private_key(
    private_value: int, curve: EllipticCurve, backend: object = None
) -> EllipticCurvePrivateKey:
    """The key of a number."""
    numbers = curve._curve
    if not 0 < private_value < numbers.order:
        raise ValueError("private_value must be a positive integer below the curve's order.")
    x, y = _affine(numbers, _times(numbers, private_value, (numbers.x, numbers.y, 1)))
    return EllipticCurvePrivateKey(private_value, EllipticCurvePublicNumbers(x, y, curve).public_key())


def generate_private_key(curve: EllipticCurve, backend: object = None) -> EllipticCurvePrivateKey:
    """A new key."""
    return derive_private_key(secrets.randbelow(curve._curve.order - 1) + 1, curve)


def curve_of(oid: str) -> EllipticCurve:
    """The curve of an identifier."""
    if oid not in _CURVES:
        missing(f"the curve {oid}")
    return _CURVES[oid]()


def _algorithm(curve: EllipticCurve) -> bytes:
    return _der.sequence(_der.identifier(_PUBLIC_KEY), _der.identifier(curve._curve.oid))


def _number(hash_: bytes, order: int) -> int:
    return int.from_bytes(hash_, "big") >> max(len(hash_) * 8 - order.bit_length(), 0)


def _secrets(key: int, value: int, order: int) -> Iterator[int]:
    """Numbers that nobody can guess and no two data share."""
    size = (order.bit_length() + 7) // 8
    seed = key.to_bytes(size, "big") + (value % order).to_bytes(size, "big")
    v, k = b"\1" * 64, bytes(64)
    for mark in (b"\0", b"\1"):
        k = hmac.digest(k, v + mark + seed, hashlib.sha512)
        v = hmac.digest(k, v, hashlib.sha512)
    while True:
        found = b""
        while len(found) < size:
            v = hmac.digest(k, v, hashlib.sha512)
            found += v
        number = _number(found[:size], order)
        if 0 < number < order:
            yield number
        k = hmac.digest(k, v + b"\0", hashlib.sha512)
        v = hmac.digest(k, v, hashlib.sha512)
