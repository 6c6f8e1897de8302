"""Paddings of RSA."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import HashAlgorithm, checked


class AsymmetricPadding:
    """A padding."""

    name = ""


class PKCS1v15(AsymmetricPadding):
    """The old one."""

    name = "EMSA-PKCS1-v1_5"


class MGF1:
    """The mask of the newer ones."""

    MAX_LENGTH = object()

    def __init__(self, algorithm: HashAlgorithm) -> None:
        self._algorithm = checked(algorithm)


MGF = MGF1


class PSS(AsymmetricPadding):
    """For signatures."""

    name = "EMSA-PSS"
    MAX_LENGTH = object()
    AUTO = object()
    DIGEST_LENGTH = object()

    def __init__(self, mgf: MGF1, salt_length: object) -> None:
        self.mgf, self._salt_length = mgf, salt_length


class OAEP(AsymmetricPadding):
    """For encryption."""

    name = "EME-OAEP"

    def __init__(self, mgf: MGF1, algorithm: HashAlgorithm, label: bytes | None) -> None:
        self.mgf, self.algorithm, self._label = mgf, checked(algorithm), label
