"""Run what the author's functions return: generators, coroutines and async generators."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any


def finish(result: Any) -> Any:
    """The value of a function's result: awaited if it can be, else as it is."""
    return _run(_await(result)) if inspect.isawaitable(result) else result


def exhaust(result: Any) -> None:
    """Run a generator, coroutine or async generator to its end; what it yields is thrown away."""
    if isinstance(result, Generator):
        for _ in result:
            pass
    elif isinstance(result, AsyncIterator):
        _run(_drain(result))
    elif inspect.isawaitable(result):
        exhaust(_run(_await(result)))


async def _await(result: Awaitable[Any]) -> Any:
    return await result


async def _drain(result: AsyncIterator[Any]) -> None:
    async for _ in result:
        pass


class _Sleep:
    """A selector without sockets: all that can wake a task is a timer."""

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("every task waits for something that nothing here can bring about")
        if timeout > 0:
            time.sleep(timeout)
        return []


class Loop(asyncio.BaseEventLoop):
    """An event loop for one thread without sockets: tasks, timers, queues and locks work.

    The standard loops cannot start in the guest, because they want a pair of sockets.
    """

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Sleep()

    def _process_events(self, events: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        # there is no other thread that could wake this one
        pass

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Call `func` at once: there are no threads."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def _run(main: Any) -> Any:
    loop = Loop()
    try:
        return loop.run_until_complete(main)
    finally:
        try:
            _cancel_rest(loop)
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()


def _cancel_rest(loop: Loop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
