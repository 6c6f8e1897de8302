"""`concurrent.futures.ThreadPoolExecutor` whose tasks run when somebody waits for one of them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import _base
from typing import Any

from sluice._threads._scheduler import Entry, scheduler
from sluice._threads._thread_class import _idents, _internals

_names = itertools.count()


class BrokenThreadPool(_base.BrokenExecutor):
    """The initializer of a pool raised."""


class PoolFuture(_base.Future[Any]):
    """A future that runs its pool's tasks, in order, when it is waited for."""

    task: _Task | None = None

    def result(self, timeout: float | None = None) -> Any:
        """The task's result; raises what it raised."""
        self._advance(timeout)
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What the task raised."""
        self._advance(timeout)
        return super().exception(timeout)

    def done(self) -> bool:
        """Whether it has ended."""
        ended = super().done()
        scheduler.polled(spins=not ended)
        return ended

    def running(self) -> bool:
        """Whether it runs."""
        scheduler.polled()
        return super().running()

    def cancel(self) -> bool:
        """Take it back, if it has not begun."""
        if self.task is None or not self.task.pool.withdraw(self.task):
            return super().cancel()
        super().cancel()
        # nobody else would tell those who wait for it
        self.set_running_or_notify_cancel()
        return True

    def _advance(self, timeout: float | None) -> None:
        task = self.task
        if task is not None and (timeout is None or timeout > 0):
            task.pool.advance(task)


class _Task(Entry):
    def __init__(self, pool: ThreadPoolExecutor, future: PoolFuture, call: Callable[[], Any]) -> None:
        self.pool = pool
        self.future = future
        self._call = call
        self._worker: Any = None

    @property
    def ident(self) -> int:
        if self._worker is None:
            self._worker = self.pool.worker()
        return int(self._worker.sluice_ident)

    def describe(self) -> str:
        return f"thread {self._worker.name}"

    def run(self) -> None:
        try:
            self.pool.perform(self)
        finally:
            self.pool.idle.append(self._worker)

    def perform(self) -> None:
        """Call and settle the future."""
        future = self.future
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = self._call()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
        self._call = _nothing


class ThreadPoolExecutor(_base.Executor):
    """A pool whose tasks run one after the other, in the order they were submitted."""

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        **_others: Any,
    ) -> None:
        if max_workers is None:
            max_workers = 8
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._max_workers = max_workers
        self._prefix = thread_name_prefix or f"ThreadPoolExecutor-{next(_names)}"
        self._initializer = None if initializer is None else (lambda: initializer(*initargs))
        self._tasks: list[_Task] = []
        self._workers = 0
        self._ready: set[int] = set()
        self._broken = False
        self._closed = False
        self.idle: list[Any] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> PoolFuture:
        """Note a call; it is made when somebody waits for it or for what comes after it."""
        if self._broken:
            raise BrokenThreadPool("A thread initializer failed, the thread pool is not usable anymore")
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = PoolFuture()
        task = future.task = _Task(self, future, lambda: fn(*args, **kwargs))
        self._tasks.append(task)
        scheduler.add_task(task)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more; with `wait`, run what was submitted."""
        self._closed = True
        if cancel_futures:
            for task in list(self._tasks):
                task.future.cancel()
        if wait:
            while self._tasks:
                self._next()

    def advance(self, task: _Task) -> None:
        """Run tasks in order until this one has run."""
        while task in self._tasks:
            self._next()

    def withdraw(self, task: _Task) -> bool:
        """Forget a task; False when it has begun."""
        if task not in self._tasks:
            return False
        self._tasks.remove(task)
        scheduler.cancel(task)
        return True

    def worker(self) -> Any:
        """The thread that the next task sees as its own."""
        if self.idle:
            return self.idle.pop()
        thread: Any = threading.Thread(name=f"{self._prefix}_{self._workers}")
        thread.sluice_ident = thread._ident = thread._native_id = next(_idents)
        thread._started.set()
        self._workers += 1
        return thread

    def perform(self, task: _Task) -> None:
        """Run a task as its worker, after the initializer if the worker is new."""
        worker = task._worker
        if task in self._tasks:
            self._tasks.remove(task)
        _internals._active[worker.sluice_ident] = worker
        try:
            if self._broken:
                task.future.set_exception(BrokenThreadPool("A thread initializer failed"))
            elif self._prepared(worker, task):
                task.perform()
        finally:
            _internals._active.pop(worker.sluice_ident, None)

    def _prepared(self, worker: Any, task: _Task) -> bool:
        if self._initializer is None or worker.sluice_ident in self._ready:
            return True
        try:
            self._initializer()
        except BaseException:
            _base.LOGGER.critical("Exception in initializer:", exc_info=True)
            self._broken = True
            for broken in [task, *self._tasks]:
                scheduler.cancel(broken)
                broken.future.set_exception(
                    BrokenThreadPool("A thread initializer failed, the thread pool is not usable anymore")
                )
            self._tasks.clear()
            return False
        self._ready.add(worker.sluice_ident)
        return True

    def _next(self) -> None:
        task = self._tasks[0]
        if not scheduler.step(task):
            self._tasks.remove(task)


def _nothing() -> None:
    pass
