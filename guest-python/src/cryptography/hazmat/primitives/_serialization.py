"""What keys are written as."""

from __future__ import annotations

from enum import Enum

from cryptography.exceptions import missing
from cryptography.hazmat.primitives import _der


class Encoding(Enum):
    """How bytes are written."""

    PEM = "PEM"
    DER = "DER"
    OpenSSH = "OpenSSH"
    Raw = "Raw"
    X962 = "ANSI X9.62"
    SMIME = "S/MIME"


class PrivateFormat(Enum):
    """What a private key is written as."""

    PKCS8 = "PKCS8"
    TraditionalOpenSSL = "TraditionalOpenSSL"
    Raw = "Raw"
    OpenSSH = "OpenSSH"
    PKCS12 = "PKCS12"


class PublicFormat(Enum):
    """What a public key is written as."""

    SubjectPublicKeyInfo = "X.509 subjectPublicKeyInfo with PKCS#1"
    PKCS1 = "Raw PKCS#1"
    OpenSSH = "OpenSSH"
    Raw = "Raw"
    CompressedPoint = "X9.62 Compressed Point"
    UncompressedPoint = "X9.62 Uncompressed Point"


class KeySerializationEncryption:
    """How a written key is encrypted."""


class NoEncryption(KeySerializationEncryption):
    """Not at all."""


class BestAvailableEncryption(KeySerializationEncryption):
    """With a password, which cannot be done here."""

    def __init__(self, password: bytes) -> None:
        self.password = password


def private_key_info(algorithm: bytes, key: bytes) -> bytes:
    """PKCS #8."""
    return _der.sequence(_der.integer(0), algorithm, _der.value(_der.OCTETS, key))


def public_key_info(algorithm: bytes, key: bytes) -> bytes:
    """X.509's SubjectPublicKeyInfo."""
    return _der.sequence(algorithm, _der.bits(key))


def written(encoding: Encoding, label: str, data: bytes) -> bytes:
    """DER, or PEM with a label."""
    if encoding is Encoding.DER:
        return data
    if encoding is not Encoding.PEM:
        missing(f"the encoding {encoding}")
    return _der.to_pem(label, data)


def check_unencrypted(encryption: object) -> None:
    """Refuse to write encrypted keys."""
    if not isinstance(encryption, NoEncryption):
        missing("writing an encrypted key")
