"""The patched points of the standard library: sockets' names, `http.client`, `ssl`."""

from __future__ import annotations

import http.client
import socket
import ssl
import sys
from email.message import Message
from typing import Any, NoReturn

from ._file import ResponseFile
from ._shortcuts import keep_read_urls
from ._socket import GuestSocket
from ._trust import check_verification

_PARSED = frozenset(("transfer-encoding", "content-length", "connection"))
_LOOKUPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo")


def install() -> None:
    """Patch; raises `ImportError` when `http.client` was made without TLS."""
    if not hasattr(http.client, "HTTPSConnection"):
        raise ImportError("http.client was imported before _ssl could be; put sluice first on the path")
    # Configured once while building: a stand-in that lacks something must fail now.
    ssl.create_default_context().set_alpn_protocols(["http/1.1"])
    patches: list[tuple[Any, str, Any]] = [
        (http.client.HTTPConnection, "connect", connect),
        (http.client.HTTPSConnection, "connect", connect_tls),
        (http.client.HTTPResponse, "begin", _begin),
    ]
    for owner, name, replacement in patches:
        setattr(owner, name, replacement)
    keep_read_urls()
    for module in (socket, sys.modules.get("_socket")):
        for name in _LOOKUPS:
            if hasattr(module, name):
                setattr(module, name, _no_lookup)


def connect(self: http.client.HTTPConnection) -> None:
    """Put a guest socket under the connection; nothing is sent yet."""
    _attach(self, "http")


def connect_tls(self: http.client.HTTPSConnection) -> None:
    """The same with TLS, which the host speaks."""
    context: ssl.SSLContext = self._context  # type: ignore[attr-defined]
    check_verification(context.verify_mode)
    _attach(self, "https")


def _attach(connection: Any, scheme: str) -> None:
    if connection._tunnel_host:
        raise OSError("proxies are the host's: remove the proxy setting")
    sys.audit("http.client.connect", connection, connection.host, connection.port)
    connection.sock = GuestSocket(connection, scheme, eager=True)


_original_begin: Any = http.client.HTTPResponse.begin


def _begin(self: Any) -> None:
    """Take the head from the exchange instead of reading and parsing its text again."""
    file = self.fp
    if type(file) is not ResponseFile:
        _original_begin(self)
        return
    if self.headers is not None:
        return
    head = file.head()
    status: int = head.status
    self.code = self.status = status
    self.reason = head.reason.strip()
    self.version = 11
    message = http.client.HTTPMessage()
    parsed = _fill(message, head.headers)
    self.headers = self.msg = message
    if self.debuglevel > 0:
        print("reply:", repr(f"HTTP/1.1 {status} {self.reason}"))
        for name, value in message.items():
            print("header:", f"{name}:", value)
    chunked = parsed.get("transfer-encoding", "").lower() == "chunked"
    self.chunked = file.chunked = chunked
    if chunked:
        self.chunk_left = None
    length = None if chunked else _length(parsed.get("content-length"))
    file.sized = length is not None
    if status in (204, 304) or status < 200 or self._method == "HEAD":
        length = 0
    self.length = length
    closes = "close" in parsed.get("connection", "").lower()
    self.will_close = closes or (not chunked and length is None)


def _fill(message: Message, fields: list[Any]) -> dict[str, str]:
    """Put the header fields into the message; those that frame the body, by lower-case name."""
    parsed: dict[str, str] = {}
    store = message.set_raw
    for name, octets in fields:
        value = octets.decode("latin-1")
        store(name, value)
        lowered = name.lower()
        if lowered in _PARSED:
            parsed.setdefault(lowered, value)
    message.set_payload("")
    return parsed


def _length(value: str | None) -> int | None:
    try:
        length = int(value or "")
    except ValueError:
        return None
    return length if length >= 0 else None


def _no_lookup(*_args: Any, **_kwargs: Any) -> NoReturn:
    """Stands for every name lookup: the one of the C library traps the guest."""
    raise socket.gaierror(
        getattr(socket, "EAI_FAIL", -4),
        "a connector has no sockets; reach servers through requests, urllib3, http.client or urllib.request",
    )
