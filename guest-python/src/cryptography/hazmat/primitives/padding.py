"""Filling data up to whole blocks."""

from __future__ import annotations

from cryptography.exceptions import AlreadyFinalized
from cryptography.hazmat.primitives._aes import pad, unpad


class _Context:
    def __init__(self, block: int, *, remove: bool) -> None:
        self._data: bytes | None = b""
        self._block, self._remove = block, remove

    def update(self, data: bytes) -> bytes:
        """Take data, give whole blocks back."""
        held = self._held() + bytes(data)
        keep = len(held) % self._block or (self._block if self._remove and held else 0)
        self._data = held[len(held) - keep :]
        return held[: len(held) - keep]

    def finalize(self) -> bytes:
        """Give the rest."""
        held, self._data = self._held(), None
        return unpad(held, self._block) if self._remove else pad(held, self._block)

    def _held(self) -> bytes:
        if self._data is None:
            raise AlreadyFinalized("Context was already finalized.")
        return self._data


class PaddingContext(_Context):
    """What pads and unpads."""


class PKCS7:
    """As many bytes as are missing, each of that value."""

    def __init__(self, block_size: int) -> None:
        if not 0 < block_size <= 2040 or block_size % 8:
            raise ValueError("block_size must be a multiple of 8 up to 2040.")
        self._block = block_size // 8

    def padder(self) -> PaddingContext:
        """Adds it."""
        return PaddingContext(self._block, remove=False)

    def unpadder(self) -> PaddingContext:
        """Checks it and takes it away."""
        return PaddingContext(self._block, remove=True)
