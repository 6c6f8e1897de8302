"""The patched points of `httpcore`, on which `httpx` stands: where its two backends connect."""

from __future__ import annotations

import http.client
import sys
from types import ModuleType
from typing import Any

from sluice import _loop

from ._conversation import Conversation
from ._errors import BEFORE_SENDING, ConnectTimedOut, InvalidRequest


def patch_backend(module: ModuleType) -> None:
    """Patch `httpcore._backends.sync`."""

    def connect_tcp(self: Any, host: str, port: int, timeout: Any = None, *_: Any, **__: Any) -> Any:
        return _made(_Stream, host, port, timeout)

    module.SyncBackend.connect_tcp = connect_tcp
    module.SyncBackend.connect_unix_socket = _no_unix_socket


def patch_async_backend(module: ModuleType) -> None:
    """Patch `httpcore._backends.auto`."""

    async def connect_tcp(self: Any, host: str, port: int, timeout: Any = None, *_: Any, **__: Any) -> Any:
        return _made(_Async, host, port, timeout)

    module.AutoBackend.connect_tcp = connect_tcp
    module.AutoBackend.connect_unix_socket = _no_unix_socket


class _Base:
    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def get_extra_info(self, info: str) -> Any:
        return self._conversation.ended if info == "is_readable" else None

    def _secure(self, context: Any) -> None:
        try:
            self._conversation.secure(context)
        except Exception as error:
            raise _translated(error, connecting=True) from error

    def _send(self, buffer: bytes) -> None:
        try:
            self._conversation.write(buffer)
        except Exception as error:
            raise _translated(error, connecting=False) from error

    def _receive(self, size: int, timeout: float | None) -> bytes:
        try:
            return self._conversation.read(size, timeout)
        except http.client.RemoteDisconnected:
            return b""
        except Exception as error:
            raise _translated(error, connecting=isinstance(error, BEFORE_SENDING)) from error


class _Stream(_Base):
    """A `httpcore.NetworkStream`."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._receive(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._send(buffer)

    def close(self) -> None:
        self._conversation.close()

    def start_tls(self, ssl_context: Any, server_hostname: Any = None, timeout: Any = None) -> _Stream:
        self._secure(ssl_context)
        return self


class _Async(_Base):
    """A `httpcore.AsyncNetworkStream`: waits in the event loop, so that others go on."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            exchange = self._conversation.launch(timeout)
        except Exception as error:
            raise _translated(error, connecting=isinstance(error, BEFORE_SENDING)) from error
        if exchange is not None:
            await _loop.ready(exchange)
        return self._receive(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._send(buffer)

    async def aclose(self) -> None:
        self._conversation.close()

    async def start_tls(self, ssl_context: Any, server_hostname: Any = None, timeout: Any = None) -> _Async:
        self._secure(ssl_context)
        return self


def _made(kind: Any, host: str, port: int, timeout: float | None) -> Any:
    try:
        return kind(Conversation(host, port, "http", timeout))
    except Exception as error:
        raise _translated(error, connecting=True) from error


def _translated(error: Exception, *, connecting: bool) -> Exception:
    """The library's exception for one of this package."""
    httpcore: Any = sys.modules["httpcore"]
    kind: Any = httpcore.ReadError
    if isinstance(error, InvalidRequest):
        kind = httpcore.LocalProtocolError
    elif isinstance(error, ConnectTimedOut):
        kind = httpcore.ConnectTimeout
    elif connecting:
        kind = httpcore.ConnectError
    elif isinstance(error, TimeoutError):
        kind = httpcore.ReadTimeout
    elif isinstance(error, http.client.HTTPException):
        kind = httpcore.RemoteProtocolError
    made: Exception = kind(str(error))
    return made


def _no_unix_socket(*_args: Any, **_kwargs: Any) -> Any:
    raise OSError("a connector has no sockets of the system: remove `uds`")
