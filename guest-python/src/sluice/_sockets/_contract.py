"""The one place where connections cross to the host.

A value of the wrong type aborts the guest where Python cannot see it, so everything is
made of the exact type here, or refused.
"""

from __future__ import annotations

import errno
from typing import Any, NamedTuple, Protocol

from sluice._bindings import find

MAX_BYTES = 1024 * 1024
"""The most that one read returns and one write takes."""

_MAX_U32 = 0xFFFF_FFFF
_MAX_NAME = 1024


class Details(NamedTuple):
    """What was agreed on for TLS."""

    version: str
    cipher: str
    certificate: bytes


class Stream(Protocol):
    """Two directions of bytes. Waits are in milliseconds, None for as long as the host allows."""

    def read(self, size: int, wait: int | None) -> bytes:
        """The next bytes, empty at the end; raises `TimeoutError`."""

    def write(self, data: bytes, wait: int | None) -> None:
        """Send all of at most `MAX_BYTES` bytes; raises `TimeoutError`."""

    def ready(self, wait: int | None) -> bool:
        """Whether `read` returns without waiting, within that time."""

    def finish(self) -> None:
        """Say that nothing more will be written."""

    def begin_tls(self, wait: int | None) -> Details:
        """Let the host speak TLS from here on."""

    def share(self) -> None:
        """Have one owner more: each closes once."""

    def close(self) -> None:
        """Give the connection back, when every owner does; may be called again."""


class Err(Exception):
    """Stands in for the bindings' exception until `bind` has found it."""

    value: Any


_bindings: Any = None


def bind() -> bool:
    """Find the generated bindings; False outside a guest."""
    global _bindings, Err
    if _bindings is not None:
        return True
    found = find("tcp")
    if found is None:
        return False
    _bindings, Err = found  # type: ignore[misc,assignment]
    return True


def lookup(host: str, port: int) -> str:
    """The address that stands for a host; raises `OSError`."""
    try:
        address: str = _bindings.lookup(_text(host), _port(port))
    except Err as error:
        raise _raised(error) from None
    return address


def connect(host: str, port: int, *, tls: bool, wait: int | None) -> HostStream:
    """Connect; raises `OSError`."""
    try:
        return HostStream(_bindings.connect(_text(host), _port(port), tls is True, _milliseconds(wait)))
    except Err as error:
        raise _raised(error) from None


class HostStream:
    """A connection of the host."""

    __slots__ = ("_connection", "_owners", "_pollable")

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._owners = 1
        self._pollable: Any = None

    def read(self, size: int, wait: int | None) -> bytes:
        try:
            data: bytes = self._connection.read(max(1, min(size, MAX_BYTES)), wait)
        except Err as error:
            raise _raised(error) from None
        return data

    def write(self, data: bytes, wait: int | None) -> None:
        if type(data) is not bytes or len(data) > MAX_BYTES:
            raise TypeError(f"expected at most {MAX_BYTES} bytes, got {type(data).__name__}")
        try:
            self._connection.write(data, wait)
        except Err as error:
            raise _raised(error) from None

    def ready(self, wait: int | None) -> bool:
        found: bool = self._connection.wait(_milliseconds(wait))
        return found

    def finish(self) -> None:
        try:
            self._connection.finish()
        except Err as error:
            raise _raised(error) from None

    def begin_tls(self, wait: int | None) -> Details:
        try:
            self._connection.begin_tls(_milliseconds(wait))
        except Err as error:
            raise _raised(error) from None
        return self.details()

    def details(self) -> Details:
        """What was agreed on for TLS."""
        found = self._connection.tls()
        if found is None:
            return Details("", "", b"")
        return Details(found.version, found.cipher, found.certificate)

    def subscribe(self) -> Any:
        """A pollable that is ready when `read` returns without waiting."""
        if self._pollable is None and self._connection is not None:
            self._pollable = self._connection.subscribe()
        return self._pollable

    def share(self) -> None:
        self._owners += 1

    def close(self) -> None:
        self._owners -= 1
        if self._owners > 0:
            return
        held = self._pollable, self._connection
        self._pollable = self._connection = None
        for one in held:
            if one is not None:
                one.__exit__(None, None, None)


def _raised(error: Any) -> Exception:
    from ._errors import from_host

    return from_host(error.value)


def _text(value: str) -> str:
    # A surrogate has no UTF-8 form and would abort the guest; names of hosts are ASCII.
    if type(value) is not str or not value.isascii() or len(value) > _MAX_NAME:
        raise OSError(errno.EINVAL, "the name of a host is ASCII text")
    return value


def _port(value: int) -> int:
    if type(value) is not int or not 0 <= value <= 0xFFFF:
        raise OverflowError("a port is a number from 0 to 65535")
    return value


def _milliseconds(value: int | None) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= _MAX_U32:
        raise TypeError("expected milliseconds between 0 and 4294967295")
    return value
