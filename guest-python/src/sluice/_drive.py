"""Run what the author's functions return: generators, coroutines and async generators."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Generator
from typing import Any

from sluice import _contract


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


def _run(main: Any) -> Any:
    loop = _new_loop()
    try:
        return loop.run_until_complete(main)
    finally:
        try:
            _cancel_rest(loop)
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()


def _new_loop() -> asyncio.AbstractEventLoop:
    if _contract.native is not None:
        # natively there are sockets and threads, and what the author imports wants the loop that has them
        return asyncio.new_event_loop()
    from sluice._loop import Loop

    return Loop()


def _cancel_rest(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
