"""DER and PEM."""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

INTEGER, BITS, OCTETS, NULL, OBJECT, SEQUENCE = 0x02, 0x03, 0x04, 0x05, 0x06, 0x30
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.S)
_BAD = "Could not deserialize key data. The data may be in an incorrect format."


class Node(NamedTuple):
    """One value: its tag, its content, and the whole of it."""

    tag: int
    content: bytes
    whole: bytes

    def integer(self) -> int:
        """Of an INTEGER."""
        if self.tag != INTEGER:
            raise ValueError(_BAD)
        return int.from_bytes(self.content, "big", signed=True)

    def children(self) -> list[Node]:
        """Of a SEQUENCE, or whatever has some."""
        return read_all(self.content)

    def bits(self) -> bytes:
        """Of a BIT STRING of whole bytes."""
        if self.tag != BITS or self.content[:1] != b"\0":
            raise ValueError(_BAD)
        return self.content[1:]

    def dotted(self) -> str:
        """Of an OBJECT IDENTIFIER."""
        if self.tag != OBJECT or not self.content:
            raise ValueError(_BAD)
        numbers, value = [], 0
        for byte in self.content:
            value = value << 7 | byte & 127
            if byte < 128:
                numbers.append(value)
                value = 0
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))


def read_all(data: bytes) -> list[Node]:
    """Every value in a row; raises ValueError."""
    found = []
    while data:
        node = read_first(data)
        found.append(node)
        data = data[len(node.whole) :]
    return found


def read_first(data: bytes) -> Node:
    """The first value; raises ValueError."""
    if len(data) < 2:
        raise ValueError(_BAD)
    size, start = data[1], 2
    if size & 0x80:
        start = 2 + (size & 0x7F)
        size = int.from_bytes(data[2:start], "big")
    if len(data) < start + size or start > 6:
        raise ValueError(_BAD)
    return Node(data[0], data[start : start + size], data[: start + size])


def read(data: bytes) -> list[Node]:
    """The children of the one SEQUENCE that the data is."""
    node = read_first(data)
    if node.tag != SEQUENCE:
        raise ValueError(_BAD)
    return node.children()


def value(tag: int, content: bytes) -> bytes:
    """One value."""
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE."""
    return value(SEQUENCE, b"".join(parts))


def integer(number: int) -> bytes:
    """An INTEGER."""
    return value(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def bits(content: bytes) -> bytes:
    """A BIT STRING of whole bytes."""
    return value(BITS, b"\0" + content)


def identifier(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    content = b""
    for number in [first * 40 + second, *rest]:
        part = [number & 127]
        while number := number >> 7:
            part.insert(0, 128 | number & 127)
        content += bytes(part)
    return value(OBJECT, content)


def from_pem(data: bytes) -> tuple[str, bytes, bool]:
    """The label and the content of the first block, and whether it is encrypted in the old way."""
    data = bytes(data)
    found = _PEM.search(data)
    if found is None:
        raise ValueError("Unable to load PEM file. No PEM block was found.")
    body = found[2].strip().replace(b"\r\n", b"\n")
    encrypted = body.startswith(b"Proc-Type:")
    if encrypted or b":" in body.split(b"\n", 1)[0]:
        body = body.partition(b"\n\n")[2]
    try:
        return found[1].decode(), base64.b64decode(b"".join(body.split()), validate=True), encrypted
    except binascii.Error:
        raise ValueError("Unable to load PEM file. Its content is not base64.") from None


def to_pem(label: str, data: bytes) -> bytes:
    """A block."""
    text = base64.b64encode(data).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()
