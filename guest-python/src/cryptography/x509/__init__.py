"""Certificates, as far as connectors need them: their key, serial number, times and fingerprint."""

from __future__ import annotations

import datetime
from typing import NoReturn

from cryptography.exceptions import missing
from cryptography.hazmat.primitives import _der
from cryptography.hazmat.primitives._serialization import Encoding, written
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.hashes import HashAlgorithm, digest
from cryptography.hazmat.primitives.serialization import load_der_public_key


class Certificate:
    """One certificate. Nothing of it is verified."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        parts = _der.read(data)[0].children()
        if parts[0].tag == 0xA0:
            parts = parts[1:]
        self.serial_number = parts[0].integer()
        self.not_valid_before_utc, self.not_valid_after_utc = map(_time, parts[3].children())
        self._key = parts[5].whole

    def public_key(self) -> PublicKeyTypes:
        """The key that it certifies."""
        return load_der_public_key(self._key)

    def fingerprint(self, algorithm: HashAlgorithm) -> bytes:
        """The hash of it."""
        return digest(algorithm, self._data)

    def public_bytes(self, encoding: Encoding) -> bytes:
        """The certificate as a text."""
        return written(encoding, "CERTIFICATE", self._data)


def load_pem_x509_certificate(data: bytes, backend: object = None) -> Certificate:
    """The first certificate in PEM; raises ValueError."""
    return Certificate(_der.from_pem(bytes(data))[1])


def load_der_x509_certificate(data: bytes, backend: object = None) -> Certificate:
    """A certificate in DER; raises ValueError."""
    return Certificate(bytes(data))


def _time(node: _der.Node) -> datetime.datetime:
    text = node.content.decode()
    if node.tag == 0x17:
        text = ("20" if text < "50" else "19") + text
    return datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=datetime.timezone.utc)


def __getattr__(name: str) -> NoReturn:
    if name.startswith("_"):
        raise AttributeError(name)
    missing(f"x509.{name}")
