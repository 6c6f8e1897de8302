"""The response as the binary file that `http.client` reads."""

from __future__ import annotations

import io
from http.client import HTTPException

from . import _contract
from ._errors import from_host
from ._exchange import Pending

BUFFER_BYTES = 64 * 1024
"""What is read at least; whoever asks for as much needs no buffer."""
_LARGEST_BUFFER_BYTES = 256 * 1024
"""More would not stay in a processor's cache."""
_CHUNK_BYTES = 256 * 1024


class ResponseFile:
    """Serves a response's body, straight from the exchange where that saves a copy.

    The host takes the chunked framing off. The libraries want to take it off themselves,
    and see from it where one piece ends, so it is put back when `chunked` is set: one
    chunk for each piece that the host hands over, as it arrives.
    """

    __slots__ = (
        "__weakref__",
        "_ahead",
        "_buffer",
        "_failure",
        "_pending",
        "_position",
        "chunked",
        "closed",
        "sized",
    )

    def __init__(self, pending: Pending) -> None:
        self.closed = False
        self.chunked = False
        self.sized = False
        self._pending = pending
        self._ahead = BUFFER_BYTES
        self._buffer = b""
        self._position = 0
        self._failure: Exception | None = None

    def head(self) -> _contract.Head:
        """The head of the response; sends the request when that has not been done."""
        return self._pending.head()

    def launch(self) -> None:
        """Send the request when that has not been done, and wait for nothing."""
        self._pending.launch()

    def waits_for(self) -> _contract.Exchange | None:
        """What `head` or `read1` would wait for now."""
        return self._pending.exchange if self._position == len(self._buffer) else None

    def read(self, size: int | None = -1) -> bytes:
        """Read `size` bytes, fewer only at the end; all that is left without a size."""
        if size is None or size < 0:
            return self._read_all()
        parts = []
        missing = size
        while missing:
            if self._position == len(self._buffer) and missing > self._ahead and not self.chunked:
                part = self._receive(missing)
            elif self._position < len(self._buffer) or self._fill():
                part = self._take(missing)
            else:
                part = b""
            if not part:
                break
            parts.append(part)
            missing -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read1(self, size: int | None = -1) -> bytes:
        """Read what is there, at most `size` bytes; wait only when nothing is."""
        if size is None or size < 0:
            size = _contract.MAX_READ_BYTES
        if size == 0:
            return b""
        if self._position == len(self._buffer):
            if not self.chunked:
                return self._receive(size)
            self._fill()
        return self._take(size)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fill `buffer`; the number of bytes, fewer than its size only at the end."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readline(self, limit: int | None = -1) -> bytes:
        """Read up to and with the next line feed, at most `limit` bytes."""
        left = -1 if limit is None else limit
        parts = []
        while left and (self._position < len(self._buffer) or self._fill()):
            found = self._buffer.find(b"\n", self._position)
            size = (len(self._buffer) if found < 0 else found + 1) - self._position
            part = self._take(size if left < 0 else min(size, left))
            parts.append(part)
            left -= len(part) if left > 0 else 0
            if part.endswith(b"\n"):
                break
        return b"".join(parts)

    def peek(self, size: int = 0) -> bytes:
        """What is buffered, without taking it; waits when nothing is."""
        if self._position == len(self._buffer):
            self._fill()
        return self._buffer[self._position :]

    def piece(self, size: int) -> bytes:
        """The next `size` bytes; nothing where an error or the end comes first, which `read` says then."""
        start = self._position
        end = start + size
        if end <= len(self._buffer):
            self._position = end
            return self._buffer[start:end]
        if self.chunked:
            return b""
        rest = self._buffer[start:]
        try:
            more = self._receive(self._ahead)
        except Exception:
            # kept, for the next to read
            return b""
        self._grow(len(more))
        missing = size - len(rest)
        if missing <= len(more):
            self._buffer, self._position = more, missing
            return rest + more[:missing]
        self._buffer, self._position = rest + more, 0
        return b""

    def readable(self) -> bool:
        """Always true."""
        return True

    def flush(self) -> None:
        """Nothing is ever written."""

    def fileno(self) -> int:
        """There is no descriptor: raises `io.UnsupportedOperation`."""
        raise io.UnsupportedOperation("a response in a connector has no file descriptor")

    def close(self) -> None:
        """End the exchange, wherever the body stands."""
        if self.closed:
            return
        self.closed = True
        self._buffer, self._position = b"", 0
        self._pending.close()

    def _take(self, size: int) -> bytes:
        start = self._position
        end = min(start + size, len(self._buffer))
        self._position = end
        return self._buffer if start == 0 and end == len(self._buffer) else self._buffer[start:end]

    def _read_all(self) -> bytes:
        parts = [self._take(len(self._buffer))]
        if self.chunked:
            while self._fill():
                parts.append(self._take(len(self._buffer)))
        else:
            while part := self._receive(_contract.MAX_READ_BYTES):
                parts.append(part)
        return b"".join(parts)

    def _fill(self) -> bool:
        """Put the next piece into the empty buffer; False at the end."""
        # Emptied first: what was read must not come again when receiving fails.
        self._buffer, self._position = b"", 0
        if not self.chunked:
            self._buffer = self._receive(self._ahead)
            self._grow(len(self._buffer))
            return bool(self._buffer)
        whole = self._pending.exchange is not None
        data = self._receive(_CHUNK_BYTES)
        if data:
            self._buffer = b"%x\r\n%b\r\n" % (len(data), data)
        elif whole and self._failure is None:
            # Only a body that came whole gets the last chunk: its absence is how the
            # libraries see that a body was cut off.
            self._buffer = b"0\r\n\r\n"
        return bool(self._buffer)

    def _grow(self, received: int) -> None:
        if received == self._ahead:
            # a large body: fewer crossings
            self._ahead = min(4 * self._ahead, _LARGEST_BUFFER_BYTES)

    def _receive(self, size: int) -> bytes:
        exchange = self._pending.exchange
        if exchange is None:
            if self._failure is not None and not self._cut_off(self._failure):
                raise self._failure
            return b""
        try:
            data = exchange.read(min(size, _contract.MAX_READ_BYTES))
        except _contract.Err as error:
            self._failure = from_host(error.value)
            self._pending.close()
            if self._cut_off(self._failure):
                return b""
            raise self._failure from None
        if not data:
            self._pending.close()
        return data

    def _cut_off(self, failure: Exception) -> bool:
        # With framing the libraries notice the missing bytes and raise what they always
        # raise; without it the end of the body would look like its natural end.
        return (self.chunked or self.sized) and isinstance(failure, ConnectionError | HTTPException)
