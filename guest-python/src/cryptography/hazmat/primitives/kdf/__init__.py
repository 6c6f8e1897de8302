"""Keys from passwords and from other keys."""

from __future__ import annotations

from cryptography.exceptions import AlreadyFinalized, InvalidKey
from cryptography.hazmat.primitives.constant_time import bytes_eq


class KeyDerivationFunction:
    """Derives one key."""

    _used = False

    def _derived(self, key_material: bytes) -> bytes:
        raise NotImplementedError

    def derive(self, key_material: bytes) -> bytes:
        """The key."""
        if self._used:
            raise AlreadyFinalized("A key derivation object derives one key.")
        self._used = True
        return self._derived(bytes(key_material))

    def verify(self, key_material: bytes, expected_key: bytes) -> None:
        """Raise InvalidKey unless it is this key."""
        if not bytes_eq(self.derive(key_material), expected_key):
            raise InvalidKey("Keys do not match.")
