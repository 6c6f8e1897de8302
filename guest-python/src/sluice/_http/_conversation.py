"""A connection for libraries that write and read the bytes of HTTP/1.1 themselves."""

from __future__ import annotations

from typing import Any

from . import _contract
from ._file import ResponseFile
from ._socket import GuestSocket
from ._trust import check_verification

_PIECE_BYTES = 64 * 1024


class _Peer:
    """What a socket asks of its connection."""

    def __init__(self, host: str, port: int | None, timeout: float | None) -> None:
        self.host = host
        self.port = port
        self.timeout = timeout


class Conversation:
    """Requests go in as bytes; each response comes out as bytes once its request is whole.

    With `closes`, every response says that the connection ends with it.
    """

    def __init__(
        self, host: str, port: int | None, scheme: str, timeout: float | None, *, closes: bool = False
    ) -> None:
        self._peer = _Peer(host, port, timeout)
        self._closes = closes
        self._socket = GuestSocket(self._peer, scheme, eager=False)
        self._file: ResponseFile | None = None
        self._begun = False
        self.ended = False
        """Whether the server has closed the connection, as it does after a body without a length."""

    def secure(self, context: Any) -> None:
        """Speak TLS from now on; raises `ssl.SSLError` for a context that would not verify."""
        check_verification(context.verify_mode)
        self._socket = GuestSocket(self._peer, "https", eager=False)

    def write(self, data: Any) -> None:
        """Take bytes of a request; raises `InvalidRequest`."""
        if self._file is not None:
            self.close()
        self._socket.sendall(data)

    @property
    def complete(self) -> bool:
        """Whether a whole request was written and not yet launched."""
        return self._socket.complete

    def launch(self, timeout: float | None) -> _contract.Exchange | None:
        """Send what was written, once; what must become ready before `read` returns at once."""
        file = self._file
        if file is None:
            self._socket.settimeout(timeout)
            file = self._file = self._socket.makefile()
            self._begun = False
            file.launch()
        return file.waits_for()

    def read(self, size: int = _PIECE_BYTES, timeout: float | None = None) -> bytes:
        """The next bytes of the response; empty at its end. Raises errors of this package."""
        self.launch(timeout)
        file = self._file
        if file is None:
            return b""
        if not self._begun:
            self._begun = True
            return self._head(file)
        data = file.read1(size)
        self.ended = not data
        return data

    def close(self) -> None:
        """End the exchange, wherever it stands."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
        self._socket.close()

    def _head(self, file: ResponseFile) -> bytes:
        head = file.head()
        lines = [b"HTTP/1.1 %d %b" % (head.status, head.reason.encode("latin-1", "replace"))]
        for given, value in head.headers:
            name = given.lower()
            if name == "transfer-encoding":
                file.chunked = file.chunked or value.strip().lower() == b"chunked"
            elif name == "content-length":
                file.sized = True
            elif name == "connection" and self._closes:
                continue
            lines.append(b"%b: %b" % (given.encode("latin-1"), value))
        if self._closes:
            lines.append(b"Connection: close")
        lines += (b"", b"")
        return b"\r\n".join(lines)
