"""The socket under a library's connection."""

from __future__ import annotations

import io
import math
import re
import socket
import weakref
from typing import Any, Protocol

from . import _contract
from ._errors import InvalidRequest
from ._exchange import Pending, Translate
from ._file import ResponseFile
from ._wire import RequestReader

_MAX_MILLISECONDS = 0xFFFF_FFFF
_is_host = re.compile(r"[0-9A-Za-z._~%:-]+").fullmatch
_DEFAULT_PORTS = {"http": 80, "https": 443}
_USE_DEFAULT: Any = getattr(socket, "_GLOBAL_DEFAULT_TIMEOUT", None)


class Connection(Protocol):
    """What a connection of `http.client` or `urllib3` has."""

    host: str
    port: int | None
    timeout: Any


class GuestSocket:
    """Takes a written request and gives the response as a file.

    With `eager`, a request is sent as soon as it is complete and errors of connecting come
    up while writing, as they do natively. Without, it is sent when its response is read:
    `urllib3` sets the timeout for reading only then.
    """

    __slots__ = (
        "__weakref__",
        "_authority",
        "_connect_timeout",
        "_connection",
        "_eager",
        "_pending",
        "_reader",
        "_scheme",
        "_timeout",
        "_translate",
        "took",
    )

    def __init__(
        self, connection: Connection, scheme: str, *, eager: bool, translate: Translate | None = None
    ) -> None:
        self._authority = _authority(connection.host, connection.port, scheme)
        self._scheme = scheme
        self._eager = eager
        self._translate = translate
        # A strong reference would be a cycle that outlives the connection.
        self._connection = weakref.ref(connection)
        self._timeout = _seconds(connection.timeout)
        self._connect_timeout = self._timeout
        self._reader: RequestReader | None = None
        self._pending: Pending | None = None
        self.took = False
        """Whether the request was given whole and not written."""

    def take(self, request: RequestReader) -> None:
        """Take a whole request instead of its bytes."""
        connection = self._connection()
        if connection is not None:
            self._connect_timeout = _seconds(connection.timeout)
        self._reader = request
        self.took = True

    def sendall(self, data: Any) -> None:
        """Take bytes of a request."""
        reader = self._reader
        if reader is None:
            self.took = False
            reader = self._reader = RequestReader()
            connection = self._connection()
            if connection is not None:
                self._connect_timeout = _seconds(connection.timeout)
        reader.feed(data if type(data) is bytes else bytes(memoryview(data)))
        if self._eager and reader.complete and self._pending is None:
            self._pending = self._prepare(reader)
            self._pending.start()

    def send(self, data: Any) -> int:
        """Take bytes of a request; all of them."""
        self.sendall(data)
        return memoryview(data).nbytes

    @property
    def complete(self) -> bool:
        """Whether a whole request was written and its response not yet asked for."""
        return self._reader is not None and self._reader.complete

    def makefile(self, mode: str = "rb", *_args: Any, **_kwargs: Any) -> ResponseFile:
        """The response to what was written."""
        if mode not in ("rb", "br", "r+b", "rb+"):
            raise io.UnsupportedOperation(f"a connector's connection is only read as bytes, not as {mode!r}")
        pending, reader = self._pending, self._reader
        self._pending = self._reader = None
        if pending is None:
            if reader is None:
                raise OSError("no request was written to this connection")
            pending = self._prepare(reader)
        return ResponseFile(pending)

    def settimeout(self, timeout: float | None) -> None:
        """How long to wait for the response's head and between two reads, in seconds."""
        self._timeout = _seconds(timeout)

    def gettimeout(self) -> float | None:
        """The timeout in seconds."""
        return self._timeout

    def setsockopt(self, *_args: Any) -> None:
        """Options are the host's; nothing happens."""

    def shutdown(self, how: int = 2) -> None:
        """Nothing to do: a response is ended by closing it."""

    def fileno(self) -> int:
        """There is no descriptor: raises `io.UnsupportedOperation`."""
        raise io.UnsupportedOperation("a connection in a connector has no file descriptor")

    def close(self) -> None:
        """Forget a request that was not read; responses in use go on."""
        pending, self._pending, self._reader = self._pending, None, None
        if pending is not None:
            pending.close()

    def _prepare(self, reader: RequestReader) -> Pending:
        target = reader.target
        if not target.startswith("/"):
            raise InvalidRequest(
                f"request target {target[:80]!r} is not a path; "
                "proxies are the host's: remove the proxy setting"
            )
        headers = reader.headers
        if reader.host and reader.host.decode("latin-1").lower() != self._authority.lower():
            headers = [("Host", reader.host), *headers]
        request = _contract.Request(
            reader.method,
            f"{self._scheme}://{self._authority}{target}",
            headers,
            reader.body(),
            _milliseconds(self._connect_timeout),
            _milliseconds(self._timeout),
        )
        return Pending(request, self._translate)


def _authority(host: str, port: int | None, scheme: str) -> str:
    # Also refuses labels that no name can have, as a lookup does.
    host = host.encode("idna").decode("ascii")
    # Anything else, a user name say, would make another host of the URL than was meant.
    wrong = _is_host(host) is None or ("%" in host and ":" not in host)
    if wrong or not (port is None or 0 < port < 65536):
        raise socket.gaierror(
            getattr(socket, "EAI_NONAME", -2), f"host or port is not valid: {host[:80]!r}, {port}"
        )
    name = f"[{host}]" if ":" in host else host
    return name if port is None or port == _DEFAULT_PORTS[scheme] else f"{name}:{port}"


def _seconds(timeout: Any) -> float | None:
    if timeout is _USE_DEFAULT:
        timeout = socket.getdefaulttimeout()
    if timeout is None:
        return None
    seconds = float(timeout)
    if math.isnan(seconds) or seconds < 0:
        raise ValueError("Timeout value out of range")
    return seconds


def _milliseconds(seconds: float | None) -> int | None:
    if seconds is None or seconds * 1000 >= _MAX_MILLISECONDS:
        return None
    return max(1, math.ceil(seconds * 1000))
