"""Reading keys."""

from __future__ import annotations

from cryptography.exceptions import missing
from cryptography.hazmat.primitives import _der, _encrypted
from cryptography.hazmat.primitives._serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

__all__ = [
    "BestAvailableEncryption",
    "Encoding",
    "KeySerializationEncryption",
    "NoEncryption",
    "PrivateFormat",
    "PublicFormat",
    "load_der_private_key",
    "load_der_public_key",
    "load_pem_private_key",
    "load_pem_public_key",
    "load_ssh_private_key",
    "load_ssh_public_key",
]

_RSA, _RSA_PSS, _EC, _ED25519 = (
    "1.2.840.113549.1.1.1",
    "1.2.840.113549.1.1.10",
    "1.2.840.10045.2.1",
    "1.3.101.112",
)


def load_pem_private_key(
    data: bytes,
    password: bytes | None,
    backend: object = None,
    *,
    unsafe_skip_rsa_key_validation: bool = False,
) -> PrivateKeyTypes:
    """A private key from PEM; raises ValueError, and TypeError when a password is missing or not needed."""
    label, content, old_encryption = _der.from_pem(_bytes(data))
    if old_encryption:
        missing("a key that is encrypted in OpenSSL's old way; write it anew as PKCS #8")
    return _private(label, content, password)


def load_der_private_key(
    data: bytes,
    password: bytes | None,
    backend: object = None,
    *,
    unsafe_skip_rsa_key_validation: bool = False,
) -> PrivateKeyTypes:
    """A private key from DER, as `load_pem_private_key`."""
    data = _bytes(data)
    parts = _der.read(data)
    if parts[0].tag == _der.SEQUENCE:
        label = "ENCRYPTED PRIVATE KEY"
    elif parts[1].tag == _der.OCTETS:
        label = "EC PRIVATE KEY"
    else:
        label = "RSA PRIVATE KEY" if parts[1].tag == _der.INTEGER else "PRIVATE KEY"
    return _private(label, data, password)


def load_pem_public_key(data: bytes, backend: object = None) -> PublicKeyTypes:
    """A public key from PEM; raises ValueError."""
    label, content, _ = _der.from_pem(_bytes(data))
    if label == "RSA PUBLIC KEY":
        return _rsa_public(content)
    if label != "PUBLIC KEY":
        raise ValueError(f"Unable to load PEM file: a {label} is no public key.")
    return load_der_public_key(content)


def load_der_public_key(data: bytes, backend: object = None) -> PublicKeyTypes:
    """A public key from DER; raises ValueError."""
    data = _bytes(data)
    parts = _der.read(data)
    if parts[0].tag == _der.INTEGER:
        return _rsa_public(data)
    kind, *parameters = parts[0].children()
    key = parts[1].bits()
    if kind.dotted() in (_RSA, _RSA_PSS):
        return _rsa_public(key)
    if kind.dotted() == _EC:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.curve_of(parameters[0].dotted()), key)
    if kind.dotted() != _ED25519:
        missing(f"a key of the kind {kind.dotted()}")
    return ed25519.Ed25519PublicKey(key)


def load_ssh_public_key(data: bytes, backend: object = None) -> PublicKeyTypes:
    """Refused."""
    missing("a key in the format of SSH")


def load_ssh_private_key(data: bytes, password: bytes | None, backend: object = None) -> PrivateKeyTypes:
    """Refused."""
    missing("a key in the format of SSH")


def _bytes(data: bytes) -> bytes:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"argument 'data': a bytes-like object is required, not '{type(data).__name__}'")
    return bytes(data)


def _private(label: str, content: bytes, password: bytes | None) -> PrivateKeyTypes:
    encrypted = label == "ENCRYPTED PRIVATE KEY"
    if encrypted and password is None:
        raise TypeError("Password was not given but private key is encrypted")
    if password is not None and not encrypted:
        raise TypeError("Password was given but private key is not encrypted.")
    if encrypted and password is not None:
        content, label = _encrypted.opened(content, bytes(password)), "PRIVATE KEY"
    if label == "RSA PRIVATE KEY":
        return _rsa_private(content)
    if label == "EC PRIVATE KEY":
        return _ec_private(content, None)
    if label == "OPENSSH PRIVATE KEY":
        missing("a key in the format of SSH")
    if label != "PRIVATE KEY":
        raise ValueError(f"Unable to load PEM file: a {label} is no private key.")
    parts = _der.read(content)
    kind, *parameters = parts[1].children()
    key = parts[2].content
    if kind.dotted() in (_RSA, _RSA_PSS):
        return _rsa_private(key)
    if kind.dotted() == _EC:
        return _ec_private(key, parameters[0].dotted())
    if kind.dotted() != _ED25519:
        missing(f"a key of the kind {kind.dotted()}")
    return ed25519.Ed25519PrivateKey(_der.read_first(key).content)


def _rsa_public(content: bytes) -> rsa.RSAPublicKey:
    n, e = _der.read(content)
    return rsa.RSAPublicNumbers(e.integer(), n.integer()).public_key()


def _rsa_private(content: bytes) -> rsa.RSAPrivateKey:
    numbers = [part.integer() for part in _der.read(content)]
    if len(numbers) != 9:
        raise ValueError("Could not deserialize key data. The data may be in an incorrect format.")
    _, n, e, d, p, q, dmp1, dmq1, iqmp = numbers
    public = rsa.RSAPublicNumbers(e, n)
    return rsa.RSAPrivateNumbers(p, q, d, dmp1, dmq1, iqmp, public).private_key()


def _ec_private(content: bytes, oid: str | None) -> ec.EllipticCurvePrivateKey:
    parts = _der.read(content)
    named = [part for part in parts if part.tag == 0xA0]
    if oid is None:
        if not named:
            raise ValueError("the key does not name its curve")
        oid = named[0].children()[0].dotted()
    return ec.derive_private_key(int.from_bytes(parts[1].content, "big"), ec.curve_of(oid))
