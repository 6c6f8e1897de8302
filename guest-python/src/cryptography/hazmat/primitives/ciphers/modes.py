"""How blocks are chained."""

from __future__ import annotations

from typing import NoReturn

from cryptography.exceptions import missing


class Mode:
    """A mode, and what it begins with."""

    name = ""
    _size: int | None = 16

    def __init__(self, start: bytes) -> None:
        self.start = bytes(start)
        if self._size is not None and len(self.start) != self._size:
            raise ValueError(f"Invalid IV size ({len(self.start)}) for {self.name}.")

    @property
    def initialization_vector(self) -> bytes:
        """What it begins with."""
        return self.start


class CBC(Mode):
    """Each block is mixed with the one before."""

    name = "CBC"


class CTR(Mode):
    """Data is mixed with an encrypted counter."""

    name = "CTR"

    @property
    def nonce(self) -> bytes:
        """What the counter begins with."""
        return self.start


class ECB(Mode):
    """Each block for itself."""

    name = "ECB"
    _size = 0

    def __init__(self) -> None:
        super().__init__(b"")


class GCM(Mode):
    """Counter mode with a tag."""

    name = "GCM"
    _size = None

    def __init__(
        self, initialization_vector: bytes, tag: bytes | None = None, min_tag_length: int = 16
    ) -> None:
        super().__init__(initialization_vector)
        if not 8 <= len(self.start) <= 128:
            raise ValueError("initialization_vector must be between 8 and 128 bytes (64 and 1024 bits).")
        if tag is not None and not max(4, min_tag_length) <= len(tag) <= 16:
            raise ValueError(f"Authentication tag must be {min_tag_length} bytes or longer.")
        self.tag = tag


def __getattr__(name: str) -> NoReturn:
    if name.startswith("_"):
        raise AttributeError(name)
    missing(f"the mode {name}")
