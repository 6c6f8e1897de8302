"""The patched point of `aiohttp`: where its connector makes a connection."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from types import ModuleType
from typing import Any

from sluice import _loop

from ._conversation import Conversation
from ._errors import BEFORE_SENDING, ConnectTimedOut
from ._trust import check_verification, is_replay, refuse


def patch_connector(module: ModuleType) -> None:
    """Patch `aiohttp.connector`."""

    async def create_connection(self: Any, req: Any, traces: Any, timeout: Any) -> Any:
        if req.proxy:
            raise OSError("proxies are the host's: remove the proxy setting")
        tls = req.is_ssl()
        try:
            if tls:
                _check_tls(req.ssl)
            conversation = Conversation(
                req.url.raw_host, req.url.port, "https" if tls else "http", timeout.sock_connect, closes=True
            )
        except OSError as error:
            raise _translated(error, req.connection_key) from error
        protocol = self._factory()
        protocol.connection_made(_Transport(conversation, protocol, req.connection_key, timeout.sock_read))
        return protocol

    module.TCPConnector._create_connection = create_connection


class _Transport(asyncio.Transport):
    """Sends a request as soon as it is whole, and feeds the response to the protocol."""

    def __init__(self, conversation: Conversation, protocol: Any, key: Any, timeout: float | None) -> None:
        super().__init__()
        self._conversation = conversation
        self._protocol = protocol
        self._key = key
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._reading = asyncio.Event()
        self._reading.set()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def write(self, data: Any) -> None:
        if self._closed:
            return
        self._conversation.write(data)
        if self._conversation.complete:
            self._conversation.launch(self._timeout)
            self._task = self._loop.create_task(self._receive())

    def writelines(self, list_of_data: Any) -> None:
        for data in list_of_data:
            self.write(data)

    def pause_reading(self) -> None:
        self._reading.clear()

    def resume_reading(self) -> None:
        self._reading.set()

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._end(None)

    abort = close

    def get_write_buffer_size(self) -> int:
        return 0

    async def _receive(self) -> None:
        try:
            while True:
                await self._reading.wait()
                exchange = self._conversation.launch(self._timeout)
                if exchange is not None:
                    await _loop.ready(exchange)
                data = self._conversation.read(timeout=self._timeout)
                if not data:
                    break
                self._protocol.data_received(data)
        except Exception as error:
            self._protocol.set_exception(_translated(error, self._key))
            self._end(error)
        else:
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        if self._closed:
            return
        self._closed = True
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        self._conversation.close()
        self._loop.call_soon(self._protocol.connection_lost, error)


def _check_tls(setting: Any) -> None:
    if is_replay():
        return
    if setting is False:
        check_verification(ssl.CERT_NONE)
    elif isinstance(setting, ssl.SSLContext):
        check_verification(setting.verify_mode)
    elif setting is not True and setting is not None:
        refuse("the certificate cannot be checked by the connector", "remove Fingerprint")


def _translated(error: Exception, key: Any) -> Exception:
    """The library's exception for one of this package."""
    kinds: Any = sys.modules["aiohttp.client_exceptions"]
    made: Exception
    if isinstance(error, ConnectTimedOut):
        made = getattr(kinds, "ConnectionTimeoutError", kinds.ServerTimeoutError)(str(error))
    elif isinstance(error, TimeoutError):
        made = getattr(kinds, "SocketTimeoutError", kinds.ServerTimeoutError)(str(error))
    elif isinstance(error, socket.gaierror):
        made = getattr(kinds, "ClientConnectorDNSError", kinds.ClientConnectorError)(key, error)
    elif isinstance(error, ssl.SSLCertVerificationError):
        made = kinds.ClientConnectorCertificateError(key, error)
    elif isinstance(error, ssl.SSLError):
        made = kinds.ClientConnectorSSLError(key, error)
    elif isinstance(error, OSError) and isinstance(error, BEFORE_SENDING):
        made = kinds.ClientConnectorError(key, error)
    elif isinstance(error, ConnectionError):
        made = kinds.ServerDisconnectedError()
    elif isinstance(error, OSError):
        made = kinds.ClientOSError(*error.args)
    else:
        made = kinds.ClientError(str(error))
    return made
