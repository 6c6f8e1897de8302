"""The contract's `http` interface over plain sockets, as strict as the generated bindings.

It is written without any HTTP library, so that what is tested is not what tests.
"""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from componentize_py_types import Err

native_ssl: Any = None
"""The real `ssl`, put here before the stand-in takes its name."""

sent: list[Request] = []
"""Every request that crossed."""

released: list[str] = []
"""The URLs of the exchanges that were released while their connection was open."""

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class GuestAborted(BaseException):
    """A real guest would be gone now."""


@dataclass
class Header:
    name: str
    value: bytes


@dataclass
class Timeouts:
    connect: int | None
    read: int | None


@dataclass
class Request:
    method: str
    url: str
    headers: list[Header]
    body: bytes | None
    timeouts: Timeouts


@dataclass
class ResponseHead:
    status: int
    reason: str
    headers: list[Header]


@dataclass
class _Error:
    value: str


class Error_Denied(_Error): ...


class Error_InvalidRequest(_Error): ...


class Error_NameResolution(_Error): ...


class Error_Connect(_Error): ...


class Error_ConnectTimeout(_Error): ...


class Error_ReadTimeout(_Error): ...


class Error_Certificate(_Error): ...


class Error_Tls(_Error): ...


class Error_ConnectionClosed(_Error): ...


class Error_Protocol(_Error): ...


class Error_Limit(_Error): ...


def send(request: Request) -> Exchange:
    _check(request)
    sent.append(request)
    host = urlsplit(request.url).hostname or ""
    if host == "denied.test":
        raise Err(Error_Denied("not granted: http to denied.test:80; grant it in the operator's file"))
    if host == "limited.test":
        raise Err(Error_Limit("request limit of this sync reached (3)"))
    if request.method not in METHODS:
        raise Err(Error_InvalidRequest(f"method {request.method} is not allowed"))
    return Exchange(request)


def _check(request: Request) -> None:
    def need(condition: bool, what: str) -> None:
        if not condition:
            raise GuestAborted(what)

    def text(value: object) -> bool:
        try:
            return type(value) is str and bool(value.encode() or True)
        except UnicodeEncodeError:
            return False

    need(type(request) is Request, "request")
    need(text(request.method) and text(request.url), "method or url")
    need(type(request.headers) is list, "headers")
    for header in request.headers:
        need(type(header) is Header and text(header.name) and type(header.value) is bytes, "header")
        need(re.fullmatch(rb"[^\r\n\0]*", header.value) is not None, "header value")
        need(header.name.lower() not in {"connection", "content-length", "transfer-encoding"}, header.name)
    need(request.body is None or type(request.body) is bytes, "body")
    need(request.body is None or len(request.body) <= 16 << 20, "body size")
    for wait in (request.timeouts.connect, request.timeouts.read):
        need(wait is None or (type(wait) is int and 0 <= wait < 1 << 32), "timeouts")


class Exchange:
    def __init__(self, request: Request) -> None:
        self._request = request
        self._socket: Any = None
        self._head: ResponseHead | None = None
        self._buffer = b""
        self._left: int | None = None
        self._chunked = False
        self._ended = False

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            released.append(self._request.url)
            self._socket.close()
            self._socket = None

    __del__ = __exit__

    def head(self) -> ResponseHead:
        if self._head is None:
            self._socket = _connect(self._request)
            self._socket.sendall(_written(self._request))
            wait = self._request.timeouts.read
            self._socket.settimeout(None if wait is None else wait / 1000)
            while self._head is None or 100 <= self._head.status < 200:
                self._head = self._read_head()
            self._frame()
        return self._head

    def read(self, max: int) -> bytes:
        if type(max) is not int or not 0 <= max < 1 << 32:
            raise GuestAborted("max")
        max = min(max, 1 << 20)
        if self._ended:
            return b""
        if self._chunked and not self._left:
            self._next_chunk()
        if self._left == 0:
            self._ended = True
            return b""
        size = max if self._left is None else min(max, self._left)
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        if not data:
            data = self._receive(size)
        if not data and self._left:
            raise Err(Error_ConnectionClosed("the body ended early"))
        if self._left is not None:
            self._left -= len(data)
        self._ended = not data
        return data

    def _next_chunk(self) -> None:
        if self._left == 0:
            self._line()
        size = self._line()
        try:
            self._left = int(size, 16)
        except ValueError:
            kind = Error_Protocol if size else Error_ConnectionClosed
            raise Err(kind("chunk size")) from None
        if self._left == 0:
            while self._line():
                pass

    def _line(self) -> bytes:
        while b"\n" not in self._buffer:
            data = self._receive(65536)
            if not data:
                raise Err(Error_ConnectionClosed("ended in a line"))
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def _receive(self, size: int) -> bytes:
        try:
            data: bytes = self._socket.recv(size)
        except TimeoutError:
            raise Err(Error_ReadTimeout("no data in time")) from None
        except OSError as error:
            raise Err(Error_ConnectionClosed(str(error))) from None
        return data

    def _read_head(self) -> ResponseHead:
        first = self._line()
        match = re.fullmatch(rb"HTTP/1\.[01] (\d{3}) ?(.*)", first)
        if match is None:
            raise Err(Error_Protocol(first.decode("latin-1")))
        headers = []
        while line := self._line():
            name, _, value = line.partition(b":")
            headers.append(Header(name.decode("ascii"), value.strip()))
        return ResponseHead(int(match[1]), match[2].decode("latin-1"), headers)

    def _frame(self) -> None:
        assert self._head is not None
        fields = {header.name.lower(): header.value for header in self._head.headers}
        if self._request.method == "HEAD" or self._head.status in (204, 304):
            self._left = 0
        elif fields.get("transfer-encoding", b"").lower() == b"chunked":
            self._chunked = True
        elif "content-length" in fields:
            self._left = int(fields["content-length"])

    def subscribe(self) -> object:
        raise NotImplementedError


def _connect(request: Request) -> Any:
    url = urlsplit(request.url)
    host = url.hostname or ""
    if host.endswith(".invalid"):
        raise Err(Error_NameResolution(f"{host} has no address"))
    wait = request.timeouts.connect
    plain = socket.socket(socket.AF_INET)
    plain.settimeout(None if wait is None else wait / 1000)
    try:
        if host == "slow-connect.test":
            raise TimeoutError
        plain.connect(("127.0.0.1", url.port or 80))
        if url.scheme == "http":
            return plain
        context = native_ssl.create_default_context(cafile=os.environ["FAKE_CA"])
        return context.wrap_socket(plain, server_hostname=host)
    except native_ssl.SSLCertVerificationError as error:
        raise Err(Error_Certificate(error.verify_message)) from None
    except native_ssl.SSLError as error:
        raise Err(Error_Tls(str(error))) from None
    except TimeoutError:
        raise Err(Error_ConnectTimeout(f"no connection to {host} in time")) from None
    except OSError as error:
        raise Err(Error_Connect(f"{host}: {error}")) from None


def _written(request: Request) -> bytes:
    url = urlsplit(request.url)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = [f"{request.method} {target} HTTP/1.1".encode("ascii")]
    if not any(header.name.lower() == "host" for header in request.headers):
        lines.append(b"Host: " + url.netloc.encode("ascii"))
    lines += [header.name.encode("ascii") + b": " + header.value for header in request.headers]
    if request.body is not None:
        lines.append(b"Content-Length: %d" % len(request.body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (request.body or b"")
