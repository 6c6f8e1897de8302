"""Puts threads of one stack in the place of the system's."""

from __future__ import annotations

import _thread
import _threading_local
import concurrent.futures
import concurrent.futures.thread
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from sluice._threads import _pool, _thread_class
from sluice._threads._locks import Lock, RLock
from sluice._threads._scheduler import scheduler

_done = False


def install() -> None:
    """Patch; before other modules take the names from `threading`. May be called again."""
    global _done
    if _done:
        return
    _done = True
    for owner, name, replacement in _patches():
        setattr(owner, name, replacement)
    scheduler.on_switch(_leave_loop)


def _patches() -> list[tuple[Any, str, Any]]:
    threads: list[tuple[Any, str, Any]] = [
        (threading, "Lock", Lock),
        (threading, "_allocate_lock", Lock),
        (threading, "RLock", RLock),
        (threading, "_CRLock", RLock),
        (threading, "get_ident", scheduler.ident),
        (threading, "get_native_id", scheduler.ident),
        (threading, "local", _threading_local.local),
        (_thread, "allocate_lock", Lock),
        (_thread, "get_ident", scheduler.ident),
        (_thread, "start_new_thread", _thread_class.start_new_thread),
        (threading.Thread, "start", _thread_class.start),
        (threading.Thread, "join", _thread_class.join),
        (threading.Thread, "is_alive", _thread_class.is_alive),
        (threading.Timer, "cancel", _thread_class.cancel_timer),
        (threading.Timer, "run", _thread_class.run_timer),
        (time, "sleep", scheduler.sleep),
        (queue, "SimpleQueue", queue._PySimpleQueue),  # type: ignore[attr-defined]
        (queue.Queue, "put", _put(queue.Queue.put)),
        (queue.Queue, "empty", _asked(queue.Queue.empty)),
        (queue.Queue, "qsize", _asked(queue.Queue.qsize)),
        (threading.Event, "is_set", _asked(threading.Event.is_set)),
    ]
    pool = _pool.ThreadPoolExecutor
    futures = concurrent.futures
    return [
        *threads,
        (futures, "ThreadPoolExecutor", pool),
        (futures.thread, "ThreadPoolExecutor", pool),
        (futures.thread, "BrokenThreadPool", _pool.BrokenThreadPool),
    ]


def _put(original: Callable[..., None]) -> Callable[..., None]:
    def put(self: Any, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put an item. A full queue takes one more where a wait could not end: its readers run later."""
        scheduler.progressed()
        if timeout is not None and timeout < 0:
            raise ValueError("'timeout' must be a non-negative number")
        if not block or self.maxsize <= 0:
            original(self, item, block, timeout)
            return
        size, self.maxsize = self.maxsize, 0
        try:
            original(self, item)
        finally:
            self.maxsize = size

    return put


def _asked(original: Callable[..., Any]) -> Callable[..., Any]:
    def ask(self: Any) -> Any:
        scheduler.polled()
        return original(self)

    ask.__doc__ = original.__doc__
    ask.__name__ = original.__name__
    return ask


def _leave_loop() -> Callable[[], None]:
    """Another thread has no running event loop."""
    events: Any = sys.modules.get("asyncio.events")
    if events is None:
        return lambda: None
    running = events._get_running_loop()
    if running is None:
        return lambda: None
    events._set_running_loop(None)
    return lambda: events._set_running_loop(running)
