"""PKCS #12, which is not here."""

from __future__ import annotations

from typing import NoReturn

from cryptography.exceptions import missing


def load_key_and_certificates(data: bytes, password: bytes | None, backend: object = None) -> NoReturn:
    """Refused."""
    missing("PKCS #12; write key and certificate as PEM")


def load_pkcs12(data: bytes, password: bytes | None, backend: object = None) -> NoReturn:
    """Refused."""
    missing("PKCS #12; write key and certificate as PEM")
