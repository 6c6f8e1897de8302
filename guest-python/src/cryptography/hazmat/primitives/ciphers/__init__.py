"""Ciphers: AES in the modes CBC, CTR, ECB and GCM."""

from __future__ import annotations

from cryptography.exceptions import AlreadyFinalized, InvalidTag, missing
from cryptography.hazmat.primitives._aes import Aes, Gcm, counter_stream, xor
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.constant_time import bytes_eq

__all__ = [
    "AEADCipherContext",
    "AEADDecryptionContext",
    "AEADEncryptionContext",
    "BlockCipherAlgorithm",
    "Cipher",
    "CipherAlgorithm",
    "CipherContext",
    "algorithms",
    "modes",
]

CipherAlgorithm = BlockCipherAlgorithm = algorithms.CipherAlgorithm


class CipherContext:
    """Data on its way through a cipher."""

    def __init__(self, key: bytes, mode: modes.Mode, *, encrypts: bool) -> None:
        self._encrypts, self._mode = encrypts, mode
        self._aes = Aes(key)
        self._chain = mode.start
        self._counted = 0
        self._held: bytes | None = b""

    def update(self, data: bytes) -> bytes:
        """Take data, give back what is ready."""
        if self._held is None:
            raise AlreadyFinalized("Context was already finalized.")
        held = self._held + bytes(data)
        if isinstance(self._mode, modes.CTR):
            begin = self._counted
            self._counted += len(held)
            block = int.from_bytes(self._chain, "big") + begin // 16
            counter = (block % (1 << 128)).to_bytes(16, "big")
            return xor(held, counter_stream(self._aes, counter, begin % 16 + len(held))[begin % 16 :])
        whole = len(held) - len(held) % 16
        self._held = held[whole:]
        return b"".join(self._block(held[start : start + 16]) for start in range(0, whole, 16))

    def _block(self, block: bytes) -> bytes:
        chained = isinstance(self._mode, modes.CBC)
        if self._encrypts:
            found = self._aes.encrypt(xor(self._chain, block) if chained else block)
            self._chain = found
            return found
        found = self._aes.decrypt(block)
        if chained:
            found, self._chain = xor(self._chain, found), block
        return found

    def update_into(self, data: bytes, buf: bytearray | memoryview) -> int:
        """As `update`, into a buffer."""
        found = self.update(data)
        buf[: len(found)] = found
        return len(found)

    def finalize(self) -> bytes:
        """The end of the data."""
        if self._held is None:
            raise AlreadyFinalized("Context was already finalized.")
        if self._held:
            raise ValueError("The length of the provided data is not a multiple of the block length.")
        self._held = None
        return b""


class AEADCipherContext(CipherContext):
    """Data on its way through GCM."""

    def __init__(self, key: bytes, mode: modes.GCM, *, encrypts: bool) -> None:
        super().__init__(key, mode, encrypts=encrypts)
        self._gcm, self._expected = Gcm(key, mode.start), mode.tag
        self._additional, self._all, self._done = b"", b"", False
        self._tag: bytes | None = None

    def authenticate_additional_data(self, data: bytes) -> None:
        """Data that is signed and not encrypted; before the rest."""
        self._additional += bytes(data)

    def update(self, data: bytes) -> bytes:
        """Take data and give it back through the cipher."""
        if self._done:
            raise AlreadyFinalized("Context was already finalized.")
        before = len(self._all)
        stream = self._gcm.stream(before + len(data))[before:]
        found = xor(bytes(data), stream)
        self._all += found if self._encrypts else bytes(data)
        return found

    def finalize(self) -> bytes:
        """The end of the data; when decrypting, raises InvalidTag unless all is right."""
        if self._done:
            raise AlreadyFinalized("Context was already finalized.")
        self._done = True
        self._tag = self._gcm.tag(self._all, self._additional)
        if not self._encrypts:
            if self._expected is None:
                raise ValueError("Authentication tag must be provided when decrypting.")
            if not bytes_eq(self._tag[: len(self._expected)], self._expected):
                raise InvalidTag
        return b""

    def finalize_with_tag(self, tag: bytes) -> bytes:
        """As `finalize`, with the tag given only now."""
        self._expected = tag
        return self.finalize()

    @property
    def tag(self) -> bytes:
        """The tag, once all data was encrypted."""
        if self._tag is None:
            raise ValueError("The tag is there once the data has ended.")
        return self._tag


AEADEncryptionContext = AEADDecryptionContext = AEADCipherContext


class Cipher:
    """An algorithm with its key, and a mode."""

    def __init__(self, algorithm: object, mode: modes.Mode | None, backend: object = None) -> None:
        if not isinstance(algorithm, algorithms.AES):
            missing(f"the cipher {type(algorithm).__name__}")
        if not isinstance(mode, (modes.CBC, modes.CTR, modes.ECB, modes.GCM)):
            missing(f"the mode {type(mode).__name__}")
        self.algorithm, self.mode = algorithm, mode

    def encryptor(self) -> AEADCipherContext:
        """What encrypts."""
        return self._context(encrypts=True)

    def decryptor(self) -> AEADCipherContext:
        """What decrypts."""
        return self._context(encrypts=False)

    def _context(self, *, encrypts: bool) -> AEADCipherContext:
        if isinstance(self.mode, modes.GCM):
            return AEADCipherContext(self.algorithm.key, self.mode, encrypts=encrypts)
        # the caller knows by the mode which of the methods there are
        return CipherContext(self.algorithm.key, self.mode, encrypts=encrypts)  # type: ignore[return-value]
