"""Connections from the guest to itself: `socketpair`, and loopback ports that it listens on.

Event loops of drivers wake themselves through such a pair. Nothing leaves the guest.
"""

from __future__ import annotations

import errno
import os
from typing import Any

from sluice._threads._scheduler import scheduler

from ._contract import Details

LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))

_FIRST_PORT = 49152
_MOST = 1024 * 1024

_listening: dict[int, Any] = {}
"""The sockets that listen, by port."""


class Pipe:
    """One end of a pair."""

    __slots__ = ("_arrived", "_ended", "_other", "_owners")

    def __init__(self) -> None:
        self._arrived = bytearray()
        self._ended = False
        self._other: Pipe | None = None
        self._owners = 1

    def read(self, size: int, wait: int | None) -> bytes:
        if not self.ready(wait):
            raise TimeoutError("timed out")
        data = bytes(self._arrived[:size])
        del self._arrived[:size]
        return data

    def write(self, data: bytes, wait: int | None) -> None:
        other = self._other
        if other is None or other._ended:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        if len(other._arrived) + len(data) > _MOST:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        other._arrived += data

    def ready(self, wait: int | None) -> bool:
        def arrived() -> bool:
            return bool(self._arrived) or self._ended

        return arrived() if wait == 0 else scheduler.wait(arrived, None if wait is None else wait / 1000)

    def finish(self) -> None:
        if self._other is not None:
            self._other._ended = True

    def begin_tls(self, wait: int | None) -> Details:
        raise OSError(errno.EOPNOTSUPP, "a connection of the connector to itself speaks no TLS")

    def share(self) -> None:
        self._owners += 1

    def close(self) -> None:
        self._owners -= 1
        if self._owners > 0:
            return
        self.finish()
        self._ended = True
        self._other = None


def pair() -> tuple[Pipe, Pipe]:
    """Two ends that are connected."""
    one, other = Pipe(), Pipe()
    one._other, other._other = other, one
    return one, other


def listen(owner: Any, port: int) -> int:
    """Let a socket listen, on a free port for 0; the port."""
    if port == 0:
        port = next(number for number in range(_FIRST_PORT, 65536) if number not in _listening)
    elif port in _listening:
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    _listening[port] = owner
    return port


def forget(owner: Any, port: int) -> None:
    """Let a socket no longer listen."""
    if _listening.get(port) is owner:
        del _listening[port]


def listener(host: str, port: int) -> Any:
    """The socket that listens there, or None."""
    return _listening.get(port) if host in LOOPBACK else None
