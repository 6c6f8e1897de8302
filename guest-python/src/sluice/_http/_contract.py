"""The one place where HTTP crosses to the host.

A value of the wrong type aborts the guest where Python cannot see it, so everything is
made of the exact type here, or refused.
"""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple, Protocol

MAX_BODY_BYTES = 16 * 1024 * 1024
"""The largest request body that the contract takes."""

MAX_READ_BYTES = 1024 * 1024
"""The most that one read of a response's body returns."""

_MAX_U32 = 0xFFFF_FFFF


class Field(Protocol):
    """A header field of a response."""

    name: str
    value: bytes


class Head(Protocol):
    """The head of a response."""

    status: int
    reason: str
    headers: list[Field]


class Exchange(Protocol):
    """A request under way and its response, as the bindings give it."""

    def head(self) -> Head:
        """Wait for the head."""

    def read(self, max: int) -> bytes:
        """Wait for the next bytes of the body; empty at its end."""

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> Any:
        """Release the exchange."""


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
    try:
        bindings = importlib.import_module("wit_world.imports.http")
        types = importlib.import_module("componentize_py_types")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"wit_world", "componentize_py_types"}:
            return False
        raise
    Err = types.Err  # type: ignore[misc]
    _bindings = bindings
    return True


def send(request: Request) -> Exchange:
    """Start a request; raises the bindings' `Err` when the host refuses it."""
    made = _bindings
    headers = [made.Header(_text(name), _octets(value)) for name, value in request.headers]
    body = None if request.body is None else _octets(request.body)
    timeouts = made.Timeouts(_milliseconds(request.connect_ms), _milliseconds(request.read_ms))
    exchange: Exchange = made.send(
        made.Request(_text(request.method), _text(request.url), headers, body, timeouts)
    )
    return exchange


def release(exchange: Exchange) -> None:
    """End an exchange; the host stops reading from the server."""
    exchange.__exit__(None, None, None)


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
