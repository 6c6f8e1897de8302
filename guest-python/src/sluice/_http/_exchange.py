"""One request and the head of its response."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from . import _contract
from ._errors import BEFORE_SENDING, from_host

Translate = Callable[[Exception], Exception]
"""Turns an error of this package into the one a library raises for it."""


class Pending:
    """A request that is sent at most once, at the latest when its head is asked for."""

    __slots__ = ("_error", "_head", "_request", "_translate", "exchange")

    def __init__(self, request: _contract.Request, translate: Translate | None) -> None:
        self.exchange: _contract.Exchange | None = None
        self._request: _contract.Request | None = request
        self._translate = translate
        self._head: _contract.Head | None = None
        self._error: Exception | None = None

    def start(self) -> None:
        """Send and wait for the head; raises only what natively comes up while connecting."""
        self._send()
        if isinstance(self._error, BEFORE_SENDING):
            self._raise(self._error)

    def head(self) -> _contract.Head:
        """The head of the response; raises the library's exceptions."""
        self._send()
        if self._head is None:
            self._raise(self._error or OSError("the exchange was closed"))
        return self._head

    def close(self) -> None:
        """End the exchange."""
        exchange, self.exchange, self._request = self.exchange, None, None
        if exchange is not None:
            exchange.release()

    def launch(self) -> None:
        """Send, and wait for nothing; what goes wrong comes up with the head."""
        request, self._request = self._request, None
        if request is None:
            return
        try:
            self.exchange = _contract.send(request)
        except _contract.Err as error:
            self._error = from_host(error.value)

    def _send(self) -> None:
        self.launch()
        if self._head is not None or self.exchange is None:
            return
        try:
            self._head = self.exchange.head()
        except _contract.Err as error:
            self._error = from_host(error.value)
            self.close()

    def _raise(self, error: Exception) -> NoReturn:
        raised = error if self._translate is None else self._translate(error)
        if raised is error:
            raise error
        raise raised from error
