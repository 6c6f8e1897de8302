"""A request as a library writes it into a socket, taken apart again."""

from __future__ import annotations

import re

from ._contract import MAX_BODY_BYTES
from ._errors import InvalidRequest

_MAX_HEAD_BYTES = 1024 * 1024
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
HOST_OWNED = frozenset(("connection", "keep-alive", "transfer-encoding", "upgrade", "content-length"))
_TOO_LARGE = "request body is larger than 16 MiB, the most one request may carry; send it in parts"


class RequestReader:
    """Collects one request; `complete` once its framing says so."""

    __slots__ = (
        "_body_size",
        "_chunks",
        "_head",
        "_parts",
        "complete",
        "headers",
        "host",
        "method",
        "size",
        "target",
    )

    def __init__(self) -> None:
        self.complete = False
        self.method = ""
        self.target = ""
        self.host = b""
        self.headers: list[tuple[str, bytes]] = []
        self.size = 0
        self._head: bytes | None = b""
        self._parts: list[bytes] = []
        self._body_size: int | None = None
        self._chunks: _ChunkReader | None = None

    @classmethod
    def whole(
        cls, method: str, target: str, host: bytes, headers: list[tuple[str, bytes]], body: bytes | None
    ) -> RequestReader:
        """A request that was never written."""
        made = cls()
        made._head = None
        made.method, made.target, made.host, made.headers = method, target, host, headers
        if body is not None:
            made._body_size = made.size = len(body)
            made._bound(made.size)
            made._parts = [body]
        made.complete = True
        return made

    def feed(self, data: bytes) -> None:
        """Take what was written; raises `InvalidRequest` when it cannot be a request."""
        if self._head is not None:
            data = self._feed_head(data)
        if data:
            self._feed_body(data)

    def body(self) -> bytes | None:
        """The whole body; None for a request without one."""
        if not self.complete:
            wanted = "its last chunk" if self._body_size is None else f"{self._body_size} bytes"
            raise InvalidRequest(
                f"request body ends after {self.size} bytes, before {wanted}; "
                "send what Content-Length or the chunks announce"
            )
        if self._chunks is None and self._body_size is None:
            return None
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def _feed_head(self, data: bytes) -> bytes:
        head = self._head + data if self._head else data
        end = head.find(b"\r\n\r\n")
        if end < 0:
            if len(head) > _MAX_HEAD_BYTES:
                raise InvalidRequest("request head is larger than 1 MiB; send fewer or shorter headers")
            self._head = head
            return b""
        self._head = None
        self._parse_head(head[:end])
        return head[end + 4 :]

    def _parse_head(self, head: bytes) -> None:
        # Folded lines are part of the value before them; the contract has no line breaks.
        if b"\r\n " in head or b"\r\n\t" in head:
            head = re.sub(rb"\r\n[ \t]+", b" ", head)
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, _, rest = first.partition(" ")
        self.target, _, _ = rest.rpartition(" ")
        for line in lines:
            name, _, value = line.partition(":")
            if _TOKEN(name) is None:
                raise InvalidRequest(f"invalid header name {name!r}; use letters, digits and hyphens")
            self._take_header(name, value.strip(" \t"))
        self.complete = self._chunks is None and not self._body_size

    def _take_header(self, name: str, value: str) -> None:
        lowered = name.lower()
        if lowered in HOST_OWNED or lowered.startswith("proxy-"):
            if lowered == "content-length":
                self._take_length(value)
            elif lowered == "transfer-encoding":
                self._take_encoding(value)
            return
        octets = value.encode("latin-1")
        if "\r" in value or "\n" in value or "\0" in value:
            raise InvalidRequest(f"value of header {name} holds a line break or NUL; remove it")
        if lowered == "host":
            self.host = octets
            return
        self.headers.append((name, octets))

    def _take_length(self, value: str) -> None:
        if not (value.isascii() and value.isdigit() and len(value) < 20):
            raise InvalidRequest("Content-Length of the request is not a number; leave it to the library")
        self._body_size = int(value)
        self._bound(self._body_size)

    def _take_encoding(self, value: str) -> None:
        if value.lower() != "chunked":
            raise InvalidRequest(f"transfer encoding {value!r} cannot be sent; only chunked can")
        self._chunks = _ChunkReader()

    def _feed_body(self, data: bytes) -> None:
        if self.complete:
            raise InvalidRequest("data after the end of the request; set Content-Length before a body")
        parts = [data] if self._chunks is None else self._chunks.feed(data)
        for part in parts:
            self.size += len(part)
            self._bound(self.size)
            self._parts.append(part)
        if self._chunks is not None:
            self.complete = self._chunks.ended
        elif self._body_size is not None and self.size >= self._body_size:
            if self.size > self._body_size:
                raise InvalidRequest(
                    "request body is longer than its Content-Length; leave that to the library"
                )
            self.complete = True

    def _bound(self, size: int) -> None:
        if size > MAX_BODY_BYTES:
            raise InvalidRequest(_TOO_LARGE)


class _ChunkReader:
    """Takes chunked framing off a body."""

    __slots__ = ("_rest", "ended")

    def __init__(self) -> None:
        self.ended = False
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are whole now; `ended` after the last chunk."""
        rest: bytes | bytearray = data
        if self._rest:
            self._rest += data
            rest = self._rest
        payloads = []
        position = 0
        while not self.ended and (line_end := rest.find(b"\r\n", position)) >= 0:
            size = _chunk_size(bytes(rest[position:line_end]))
            start = line_end + 2
            end = start + size
            if len(rest) < end + 2:
                break
            if rest[end : end + 2] != b"\r\n":
                raise InvalidRequest("chunk of the request body is not as long as it announces")
            self.ended = size == 0
            if size:
                payloads.append(bytes(rest[start:end]))
            position = end + 2
        self._rest = bytearray(rest[position:])
        return payloads


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if len(digits) > 16 or not digits.isalnum():
        raise InvalidRequest("chunk of the request body has no size; leave framing to the library")
    try:
        size = int(digits, 16)
    except ValueError:
        raise InvalidRequest("chunk of the request body has no size; leave framing to the library") from None
    if size > MAX_BODY_BYTES:
        raise InvalidRequest(_TOO_LARGE)
    return size
