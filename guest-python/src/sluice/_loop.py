"""An event loop over the host: connections, timers, requests under way, and calls given to executors."""

from __future__ import annotations

import asyncio
import concurrent.futures
import selectors
import socket
import ssl
import time
from asyncio import selector_events
from collections.abc import Callable
from functools import partial
from typing import Any

from sluice._outside import outside
from sluice._sockets._socket import by_number
from sluice._threads._pool import ThreadPoolExecutor
from sluice._threads._scheduler import scheduler

_FAIR = 50

_sleep = time.sleep


class _Selector(selectors.SelectSelector):
    """What the event loop waits with: sockets, and whatever else goes on outside of this instance."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for a socket, a request or a timer, or make one of the calls that threads would make."""
        self._turns += 1
        readable: set[int] = set()
        waits = self._waits(readable)
        if readable or self._writable():
            timeout = 0
        # calls of executors block everything: whatever is ready goes first, so that requests are sent
        if (timeout != 0 or self._turns % _FAIR == 0) and scheduler.step(daemons=False):
            timeout = 0
        try:
            self._wait(timeout)
        finally:
            for pollable in waits:
                outside.discard(pollable)
        return self._events(readable)

    def _waits(self, readable: set[int]) -> list[Any]:
        """Wait for what comes in by sockets; those that have something already are `readable`."""
        waits = []
        for key in self.get_map().values():
            if not key.events & selectors.EVENT_READ:
                continue
            found = by_number(key.fd)
            pollable = None if found is None or found.available() else found.subscribe()
            if pollable is not None:
                outside.add(pollable, partial(readable.add, key.fd))
                waits.append(pollable)
            elif found is None or found.available():
                readable.add(key.fd)
        return waits

    @staticmethod
    def _wait(timeout: float | None) -> None:
        if outside:
            outside.wait(timeout)
        elif timeout is None:
            if not scheduler.step():
                raise RuntimeError("every task waits for something that nothing here can bring about")
        elif timeout > 0:
            _sleep(timeout)

    def _writable(self) -> bool:
        return any(key.events & selectors.EVENT_WRITE for key in self.get_map().values())

    def _events(self, readable: set[int]) -> list[tuple[selectors.SelectorKey, int]]:
        """What happened; a socket can always be written to."""
        events = []
        for key in self.get_map().values():
            happened = key.events & selectors.EVENT_WRITE
            if key.fd in readable:
                happened |= key.events & selectors.EVENT_READ
            if happened:
                events.append((key, happened))
        return events


class Loop(selector_events.BaseSelectorEventLoop):
    """An event loop for one thread: tasks, timers, queues, locks, HTTP requests and connections work.

    Connecting and beginning TLS wait for the host; nothing else goes on meanwhile. A connection that does not
    take what is written to it makes the loop wait too.
    """

    # the standard library's own, which its types do not tell of
    _transports: Any
    _make_socket_transport: Any

    def __init__(self) -> None:
        super().__init__(_Selector())
        self._pool = ThreadPoolExecutor(thread_name_prefix="asyncio")

    async def ready(self, exchange: Any) -> None:
        """Wait until an exchange of the contract can be read without waiting."""
        future: asyncio.Future[None] = self.create_future()
        pollable = exchange.subscribe()
        try:
            outside.add(pollable, lambda: None if future.done() else future.set_result(None))
            await future
        finally:
            outside.discard(pollable)
            pollable.__exit__(None, None, None)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Call `func` when no task can go on: there are no threads."""
        self._check_closed()  # type: ignore[attr-defined]
        submitted: concurrent.futures.Future[Any] = (executor or self._pool).submit(func, *args)
        return asyncio.wrap_future(submitted, loop=self)

    async def getaddrinfo(
        self, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        """Look a name up, at once: nothing is asked but the host."""
        return socket.getaddrinfo(host, port, family, type, proto, flags)

    def _make_ssl_transport(
        self,
        rawsock: Any,
        protocol: Any,
        sslcontext: Any,
        waiter: Any = None,
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
        extra: dict[str, Any] | None = None,
        **_others: Any,
    ) -> Any:
        """The host speaks TLS, so this is a transport like any other over a socket of `ssl`."""
        secured = _secured(rawsock, sslcontext, server_side, server_hostname)
        details = {
            "sslcontext": secured.context,
            "ssl_object": secured,
            "peercert": secured.getpeercert(),
            "cipher": secured.cipher(),
            "compression": None,
        }
        return self._make_socket_transport(secured, protocol, waiter, extra={**(extra or {}), **details})

    async def start_tls(
        self,
        transport: Any,
        protocol: Any,
        sslcontext: Any,
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
        **_timeouts: Any,
    ) -> Any:
        """Go on with TLS on a connection that began without; the old transport is done."""
        if not isinstance(sslcontext, ssl.SSLContext):
            raise TypeError(f"sslcontext is expected to be an instance of ssl.SSLContext, got {sslcontext!r}")
        sock = getattr(transport, "_sock", None)
        if sock is None or transport.is_closing():
            raise TypeError(f"transport {transport!r} is not supported by start_tls()")
        transport.pause_reading()
        self._transports.pop(transport._sock_fd, None)
        transport._sock, transport._closing = None, True
        waiter = self.create_future()
        # to the protocol it is the connection that it has already
        secured = self._make_ssl_transport(
            sock,
            asyncio.Protocol(),
            sslcontext,
            waiter,
            server_side=server_side,
            server_hostname=server_hostname,
        )
        await waiter
        secured.set_protocol(protocol)
        return secured

    def _make_self_pipe(self) -> None:
        # there is no other thread that could wake this one
        pass

    def _close_self_pipe(self) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


def _secured(sock: Any, context: Any, server_side: bool, name: str | None) -> Any:
    if not isinstance(context, ssl.SSLContext):
        context = ssl.create_default_context()
        context.check_hostname = bool(name)
    try:
        return context.wrap_socket(sock, server_side=server_side, server_hostname=name or None)
    except BaseException:
        sock.close()
        raise


async def ready(exchange: Any) -> None:
    """Wait until an exchange can be read without waiting; at once where the loop is another's."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, Loop):
        await loop.ready(exchange)


def install() -> None:
    """Let `asyncio.run` and everything else that makes an event loop make this one."""
    places: list[Any] = [asyncio, asyncio.events]
    for place in places:
        place.new_event_loop = Loop
    for name in ("EventLoop", "SelectorEventLoop"):
        setattr(asyncio, name, Loop)
    for module in (asyncio.events, getattr(asyncio, "unix_events", None)):
        for value in list(vars(module).values()) if module is not None else ():
            if isinstance(value, type) and "_loop_factory" in vars(value):
                value._loop_factory = Loop  # type: ignore[attr-defined]
