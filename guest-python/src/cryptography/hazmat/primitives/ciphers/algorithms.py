"""What encrypts."""

from __future__ import annotations

from typing import NoReturn

from cryptography.exceptions import missing


class CipherAlgorithm:
    """An algorithm and its key."""

    name = ""
    block_size = 128

    def __init__(self, key: bytes) -> None:
        self.key = bytes(key)

    @property
    def key_size(self) -> int:
        """In bits."""
        return len(self.key) * 8


class AES(CipherAlgorithm):
    """AES."""

    name = "AES"
    key_sizes = frozenset([128, 192, 256])

    def __init__(self, key: bytes) -> None:
        super().__init__(key)
        if self.key_size not in self.key_sizes:
            raise ValueError(f"Invalid key size ({self.key_size}) for {self.name}.")


class AES128(AES):
    """AES with keys of 128 bits."""

    key_sizes = frozenset([128])


class AES256(AES):
    """AES with keys of 256 bits."""

    key_sizes = frozenset([256])


def __getattr__(name: str) -> NoReturn:
    if name.startswith("_"):
        raise AttributeError(name)
    missing(f"the cipher {name}")
