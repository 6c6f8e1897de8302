"""AES with tables, and its modes."""

from __future__ import annotations

import struct


def _tables() -> tuple[list[int], list[int], list[list[int]], list[list[int]]]:
    """S-box, its inverse, and for each byte of a word what it becomes in a round and back."""
    power, log = [0] * 256, [0] * 256
    value = 1
    for exponent in range(255):
        power[exponent], log[value] = value, exponent
        value ^= (value << 1) ^ (0x11B if value & 0x80 else 0)
        value &= 0xFF

    def times(a: int, b: int) -> int:
        return power[(log[a] + log[b]) % 255] if a and b else 0

    box, inverse = [0] * 256, [0] * 256
    for byte in range(256):
        turned = found = power[(255 - log[byte]) % 255] if byte else 0
        for _ in range(4):
            turned = (turned << 1 | turned >> 7) & 0xFF
            found ^= turned
        box[byte] = found ^ 0x63
        inverse[box[byte]] = byte

    def words(source: list[int], factors: tuple[int, int, int, int]) -> list[list[int]]:
        first = [int.from_bytes(bytes(times(factor, s) for factor in factors), "big") for s in source]
        turn = [
            [(word >> shift | word << (32 - shift)) & 0xFFFFFFFF for word in first] for shift in (8, 16, 24)
        ]
        return [first, *turn]

    return box, inverse, words(box, (2, 1, 1, 3)), words(inverse, (14, 9, 13, 11))


_BOX, _INVERSE, _ENCRYPT, _DECRYPT = _tables()


class Aes:
    """One key."""

    def __init__(self, key: bytes) -> None:
        count = len(key) // 4
        if len(key) not in (16, 24, 32):
            raise ValueError(f"Invalid key size ({len(key) * 8}) for AES.")
        words = list(struct.unpack(f">{count}I", key))
        constant = 1
        for index in range(count, 4 * (count + 7)):
            word = words[-1]
            if index % count == 0:
                word = _through_box((word << 8 | word >> 24) & 0xFFFFFFFF) ^ constant << 24
                constant = constant << 1 ^ (0x11B if constant & 0x80 else 0)
            elif count == 8 and index % 8 == 4:
                word = _through_box(word)
            words.append(words[-count] ^ word)
        self._keys = [tuple(words[i : i + 4]) for i in range(0, len(words), 4)]
        back = [_mixed_back(key) for key in self._keys[1:-1]]
        self._keys_back = [self._keys[-1], *reversed(back), self._keys[0]]

    def encrypt(self, block: bytes) -> bytes:
        """One block of 16 bytes."""
        return self._through(block, self._keys, _ENCRYPT, _BOX, 1)

    def decrypt(self, block: bytes) -> bytes:
        """One block of 16 bytes."""
        return self._through(block, self._keys_back, _DECRYPT, _INVERSE, -1)

    def _through(
        self, block: bytes, keys: list[tuple[int, ...]], tables: list[list[int]], box: list[int], step: int
    ) -> bytes:
        t0, t1, t2, t3 = tables
        a, b, c, d = (x ^ k for x, k in zip(struct.unpack(">4I", block), keys[0], strict=True))
        for k0, k1, k2, k3 in keys[1:-1]:
            # rows move to the left when encrypting, to the right when decrypting
            w, y = (b, d) if step > 0 else (d, b)
            e = t0[a >> 24] ^ t1[w >> 16 & 255] ^ t2[c >> 8 & 255] ^ t3[y & 255] ^ k0
            w, y = (c, a) if step > 0 else (a, c)
            f = t0[b >> 24] ^ t1[w >> 16 & 255] ^ t2[d >> 8 & 255] ^ t3[y & 255] ^ k1
            w, y = (d, b) if step > 0 else (b, d)
            g = t0[c >> 24] ^ t1[w >> 16 & 255] ^ t2[a >> 8 & 255] ^ t3[y & 255] ^ k2
            w, y = (a, c) if step > 0 else (c, a)
            h = t0[d >> 24] ^ t1[w >> 16 & 255] ^ t2[b >> 8 & 255] ^ t3[y & 255] ^ k3
            a, b, c, d = e, f, g, h
        state = (a, b, c, d)
        last = []
        for i, key in enumerate(keys[-1]):
            word = (
                box[state[i] >> 24] << 24
                | box[state[(i + step) % 4] >> 16 & 255] << 16
                | box[state[(i + 2) % 4] >> 8 & 255] << 8
                | box[state[(i - step) % 4] & 255]
            )
            last.append(word ^ key)
        return struct.pack(">4I", *last)


def _through_box(word: int) -> int:
    return (
        _BOX[word >> 24] << 24 | _BOX[word >> 16 & 255] << 16 | _BOX[word >> 8 & 255] << 8 | _BOX[word & 255]
    )


def _mixed_back(key: tuple[int, ...]) -> tuple[int, ...]:
    t0, t1, t2, t3 = _DECRYPT
    return tuple(
        t0[_BOX[w >> 24]] ^ t1[_BOX[w >> 16 & 255]] ^ t2[_BOX[w >> 8 & 255]] ^ t3[_BOX[w & 255]] for w in key
    )


def xor(a: bytes, b: bytes) -> bytes:
    """As many bytes as the shorter one has."""
    size = min(len(a), len(b))
    return (int.from_bytes(a[:size], "big") ^ int.from_bytes(b[:size], "big")).to_bytes(size, "big")


def pad(data: bytes, block: int) -> bytes:
    """With PKCS7 padding."""
    missing = block - len(data) % block
    return data + bytes([missing]) * missing


def unpad(data: bytes, block: int) -> bytes:
    """Without PKCS7 padding; raises ValueError when it is none."""
    missing = data[-1] if data else 0
    if len(data) % block or not 0 < missing <= block or data[-missing:] != bytes([missing]) * missing:
        raise ValueError("Invalid padding bytes.")
    return data[:-missing]


def cbc_encrypt(cipher: Aes, iv: bytes, data: bytes) -> bytes:
    """Whole blocks, each mixed with the one before."""
    blocks = []
    for start in range(0, len(data), 16):
        iv = cipher.encrypt(xor(iv, data[start : start + 16]))
        blocks.append(iv)
    return b"".join(blocks)


def cbc_decrypt(cipher: Aes, iv: bytes, data: bytes) -> bytes:
    """The reverse."""
    blocks = []
    for start in range(0, len(data), 16):
        block = data[start : start + 16]
        blocks.append(xor(iv, cipher.decrypt(block)))
        iv = block
    return b"".join(blocks)


def counter_stream(cipher: Aes, counter: bytes, size: int, bits: int = 128) -> bytes:
    """What data is mixed with in counter mode; `bits` of the counter count."""
    fixed, number = int.from_bytes(counter, "big") >> bits << bits, int.from_bytes(counter, "big")
    blocks = []
    for step in range(-(-size // 16)):
        value = fixed | (number + step) & ((1 << bits) - 1)
        blocks.append(cipher.encrypt(value.to_bytes(16, "big")))
    return b"".join(blocks)[:size]


class Gcm:
    """AES with a tag over data and additional data."""

    def __init__(self, key: bytes, nonce: bytes) -> None:
        self.cipher = Aes(key)
        self._hash_key = int.from_bytes(self.cipher.encrypt(bytes(16)), "big")
        if len(nonce) == 12:
            self._first = nonce + b"\0\0\0\1"
        else:
            filled = nonce + bytes(-len(nonce) % 16) + bytes(8) + (len(nonce) * 8).to_bytes(8, "big")
            self._first = self._hash(filled)

    def stream(self, size: int) -> bytes:
        """What data is mixed with."""
        after = self._first[:12] + (int.from_bytes(self._first[12:], "big") + 1 & 0xFFFFFFFF).to_bytes(
            4, "big"
        )
        return counter_stream(self.cipher, after, size, 32)

    def tag(self, ciphertext: bytes, additional: bytes) -> bytes:
        """16 bytes."""
        sizes = (len(additional) * 8).to_bytes(8, "big") + (len(ciphertext) * 8).to_bytes(8, "big")
        filled = additional + bytes(-len(additional) % 16) + ciphertext + bytes(-len(ciphertext) % 16)
        return xor(self._hash(filled + sizes), self.cipher.encrypt(self._first))

    def _multiples(self) -> list[int]:
        value, found = self._hash_key, []
        for _ in range(128):
            found.append(value)
            value = value >> 1 ^ (0xE1 << 120 if value & 1 else 0)
        return found

    def _hash(self, data: bytes) -> bytes:
        multiples, value = self._multiples(), 0
        for start in range(0, len(data), 16):
            value ^= int.from_bytes(data[start : start + 16], "big")
            product = 0
            for place, multiple in enumerate(multiples):
                if value >> (127 - place) & 1:
                    product ^= multiple
            value = product
        return value.to_bytes(16, "big")
