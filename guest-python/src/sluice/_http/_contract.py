"""The one place where HTTP crosses to the host.

A value of the wrong type aborts the guest where Python cannot see it, so everything is
made of the exact type here, or refused.
"""

from __future__ import annotations

import contextlib
import importlib
from typing import Any, NamedTuple, NoReturn, Protocol

from sluice._bindings import find

native: Any = None
"""The SDK's extension; none outside a guest and in the tests of this package."""

with contextlib.suppress(ImportError):
    native = importlib.import_module("sluice._native")

MAX_BODY_BYTES = 16 * 1024 * 1024
"""The largest request body that the contract takes."""

MAX_READ_BYTES = 1024 * 1024
"""The most that one read of a response's body returns."""

_MAX_U32 = 0xFFFF_FFFF


class Head(NamedTuple):
    """The head of a response."""

    status: int
    reason: str
    headers: list[tuple[str, bytes]]


class Exchange(Protocol):
    """A request under way and its response."""

    def head(self) -> Head:
        """Wait for the head."""

    def read(self, max: int) -> bytes:
        """Wait for the next bytes of the body; empty at its end."""

    def subscribe(self) -> Any:
        """A pollable of the bindings: ready when `head`, and then `read`, would not wait."""

    def release(self) -> None:
        """End the exchange; the host stops reading from the server."""


class Request(NamedTuple):
    """One request, ready to cross."""

    method: str
    url: str
    headers: list[tuple[str, bytes]]
    body: bytes | None
    connect_ms: int | None
    read_ms: int | None


class Err(Exception):
    """Stands in for the bindings' exception until `bind` has found it."""

    value: Any


_bindings: Any = None


def bind() -> bool:
    """Find the generated bindings; False outside a guest."""
    global _bindings, Err
    if _bindings is not None:
        return True
    found = find("http")
    if found is None:
        return False
    _bindings, Err = found  # type: ignore[misc,assignment]
    if native is not None:
        native.http_bind(_fail)
    return True


def send(request: Request) -> Exchange:
    """Start a request; raises the bindings' `Err` when the host refuses it."""
    if native is not None:
        # checks every type itself
        return _NativeExchange(native.http_send(*request))
    made = _bindings
    headers = [made.Header(_text(name), _octets(value)) for name, value in request.headers]
    body = None if request.body is None else _octets(request.body)
    timeouts = made.Timeouts(_milliseconds(request.connect_ms), _milliseconds(request.read_ms))
    return _BoundExchange(
        made.send(made.Request(_text(request.method), _text(request.url), headers, body, timeouts))
    )


_ERRORS = (
    "Error_Denied",
    "Error_InvalidRequest",
    "Error_NameResolution",
    "Error_Connect",
    "Error_ConnectTimeout",
    "Error_ReadTimeout",
    "Error_Certificate",
    "Error_Tls",
    "Error_ConnectionClosed",
    "Error_Protocol",
    "Error_Limit",
)
"""The cases of the contract's `error`, in its order."""


def _fail(case: int, text: str) -> NoReturn:
    raise Err(getattr(_bindings, _ERRORS[case])(text))


class _NativeExchange:
    """An exchange that crosses in C: the bindings never free what a request hands over."""

    __slots__ = ("__weakref__", "_handle")

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    def head(self) -> Head:
        return Head(*native.http_head(self._handle))

    def read(self, max: int) -> bytes:
        data: bytes = native.http_read(self._handle, max)
        return data

    def subscribe(self) -> Any:
        # an exchange of the bindings that does not own the handle: it has no finalizer
        lent = object.__new__(_bindings.Exchange)
        lent.handle = self._handle
        return lent.subscribe()

    def release(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            native.http_drop(handle)

    __del__ = release


class _BoundExchange:
    """An exchange of the bindings."""

    __slots__ = ("__weakref__", "_bound", "read", "subscribe")

    def __init__(self, bound: Any) -> None:
        self._bound = bound
        self.read = bound.read
        self.subscribe = bound.subscribe

    def head(self) -> Head:
        head = self._bound.head()
        return Head(head.status, head.reason, [(field.name, field.value) for field in head.headers])

    def release(self) -> None:
        self._bound.__exit__(None, None, None)


def _text(value: str) -> str:
    # A surrogate has no UTF-8 form and would abort the guest; all text here is ASCII.
    if type(value) is not str or not value.isascii():
        raise TypeError(f"expected ASCII text, got {type(value).__name__}")
    return value


def _octets(value: bytes) -> bytes:
    if type(value) is not bytes:
        raise TypeError(f"expected bytes, got {type(value).__name__}")
    return value


def _milliseconds(value: int | None) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= _MAX_U32:
        raise TypeError("expected milliseconds between 0 and 4294967295")
    return value
