"""An event loop without sockets: timers, requests under way in the host, and calls given to executors."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import Callable
from typing import Any

from sluice._outside import outside
from sluice._threads._pool import ThreadPoolExecutor
from sluice._threads._scheduler import scheduler

_FAIR = 50

_sleep = time.sleep


class _Selector:
    """What `BaseEventLoop` waits with."""

    def __init__(self) -> None:
        self._turns = 0

    def select(self, timeout: float | None) -> list[Any]:
        """Wait for a request or a timer, or make one of the calls that threads would make."""
        self._turns += 1
        # calls of executors block everything: whatever is ready goes first, so that requests are sent
        if (timeout != 0 or self._turns % _FAIR == 0) and scheduler.step(daemons=False):
            timeout = 0
        if outside:
            outside.wait(timeout)
        elif timeout is None:
            if not scheduler.step():
                raise RuntimeError("every task waits for something that nothing here can bring about")
        elif timeout > 0:
            _sleep(timeout)
        return []


class Loop(asyncio.BaseEventLoop):
    """An event loop for one thread without sockets: tasks, timers, queues, locks and HTTP requests work.

    The standard loops cannot start in the guest, because they want a pair of sockets.
    """

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Selector()
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

    def _process_events(self, events: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        # there is no other thread that could wake this one
        pass


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
