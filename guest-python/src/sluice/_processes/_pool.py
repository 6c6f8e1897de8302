"""`multiprocessing.Pool`, and the same over threads: `multiprocessing.pool.ThreadPool`."""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, as_completed
from concurrent.futures import wait as wait_for
from typing import Any

from sluice._processes import _contract
from sluice._processes._executor import ProcessPoolExecutor, _chunks, _each
from sluice._threads._pool import ThreadPoolExecutor

_CHUNKS_PER_PROCESS = 4

Callback = Callable[[Any], object]


class AsyncResult:
    """What the `_async` methods of a pool return."""

    def __init__(
        self,
        futures: list[Future[Any]],
        combine: Callable[[list[Any]], Any],
        callback: Callback | None = None,
        error_callback: Callback | None = None,
    ) -> None:
        self._futures = futures
        self._combine = combine
        self._callback, self._error_callback = callback, error_callback
        self._left = len(futures)
        for future in futures:
            future.add_done_callback(self._one_done)

    def get(self, timeout: float | None = None) -> Any:
        """The result; raises what the task raised, and `multiprocessing.TimeoutError`."""
        self.wait(timeout)
        if not self.ready():
            raise multiprocessing.TimeoutError
        return self._combine([future.result() for future in self._futures])

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it is there."""
        wait_for(self._futures, timeout)

    def ready(self) -> bool:
        """Whether it is there."""
        return all(future.done() for future in self._futures)

    def successful(self) -> bool:
        """Whether no task raised."""
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        return all(_error(future) is None for future in self._futures)

    def _one_done(self, _future: Future[Any]) -> None:
        self._left -= 1
        if self._left:
            return
        error = next((error for future in self._futures if (error := _error(future)) is not None), None)
        if error is not None:
            if self._error_callback is not None:
                self._error_callback(error)
        elif self._callback is not None:
            self._callback(self._combine([future.result() for future in self._futures]))


ApplyResult = MapResult = AsyncResult


def _error(future: Future[Any]) -> BaseException | None:
    return CancelledError() if future.cancelled() else future.exception()


class Pool:
    """A pool of processes."""

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        context: Any = None,
    ) -> None:
        if processes is None:
            processes = _contract.most()
        if processes < 1:
            raise ValueError("Number of processes must be at least 1")
        self._processes = processes
        self._closed = False
        self._executor = self._made(processes, initializer, tuple(initargs), maxtasksperchild)

    @staticmethod
    def _made(size: int, initializer: Any, initargs: tuple[Any, ...], tasks: int | None) -> Any:
        return ProcessPoolExecutor(size, None, initializer, initargs, max_tasks_per_child=tasks)

    def apply(
        self, func: Callable[..., Any], args: Iterable[Any] = (), kwds: dict[str, Any] | None = None
    ) -> Any:
        """Call `func` in a process and wait for its result."""
        return self.apply_async(func, args, kwds).get()

    def apply_async(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: dict[str, Any] | None = None,
        callback: Callback | None = None,
        error_callback: Callback | None = None,
    ) -> AsyncResult:
        """Call `func` in a process."""
        future = self._submit(func, *args, **(kwds or {}))
        return AsyncResult([future], lambda results: results[0], callback, error_callback)

    def map(
        self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int | None = None
    ) -> list[Any]:
        """The results of `func` for each item, in order."""
        return self._spread(func, ((item,) for item in iterable), chunksize).get()  # type: ignore[no-any-return]

    def map_async(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callback | None = None,
        error_callback: Callback | None = None,
    ) -> AsyncResult:
        """As `map`, without waiting."""
        return self._spread(func, ((item,) for item in iterable), chunksize, callback, error_callback)

    def starmap(
        self, func: Callable[..., Any], iterable: Iterable[Iterable[Any]], chunksize: int | None = None
    ) -> list[Any]:
        """As `map` for a function of several arguments."""
        return self._spread(func, map(tuple, iterable), chunksize).get()  # type: ignore[no-any-return]

    def starmap_async(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Callback | None = None,
        error_callback: Callback | None = None,
    ) -> AsyncResult:
        """As `starmap`, without waiting."""
        return self._spread(func, map(tuple, iterable), chunksize, callback, error_callback)

    def imap(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int = 1) -> Iterator[Any]:
        """The results in order, each as soon as it is there."""
        futures = self._chunked(func, ((item,) for item in iterable), chunksize)
        return (result for future in futures for result in future.result())

    def imap_unordered(
        self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int = 1
    ) -> Iterator[Any]:
        """The results in the order in which they come."""
        futures = self._chunked(func, ((item,) for item in iterable), chunksize)
        return (result for future in as_completed(futures) for result in future.result())

    def close(self) -> None:
        """Take no more."""
        self._closed = True

    def terminate(self) -> None:
        """Take no more, and end what has not begun and, in processes, what has."""
        self._closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)
        end = getattr(self._executor, "terminate_workers", None)
        if end is not None:
            end()

    def join(self) -> None:
        """Wait for everything; `close` or `terminate` comes first."""
        if not self._closed:
            raise ValueError("Pool is still running")
        self._executor.shutdown()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: Any) -> None:
        self.terminate()

    def _submit(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        if self._closed:
            raise ValueError("Pool not running")
        future: Future[Any] = self._executor.submit(func, *args, **kwargs)
        return future

    def _chunked(self, func: Callable[..., Any], items: Iterator[Any], size: int) -> list[Future[Any]]:
        if size < 1:
            raise ValueError(f"Chunksize must be 1+, not {size}")
        return [self._submit(functools.partial(_each, func), chunk) for chunk in _chunks(size, items)]

    def _spread(
        self,
        func: Callable[..., Any],
        items: Iterable[Any],
        size: int | None,
        callback: Callback | None = None,
        error_callback: Callback | None = None,
    ) -> AsyncResult:
        items = list(items)
        if size is None:
            size = max(1, -(-len(items) // (self._processes * _CHUNKS_PER_PROCESS)))
        futures = self._chunked(func, iter(items), size)
        if not futures and callback is not None:
            callback([])
        return AsyncResult(
            futures, lambda chunks: [one for chunk in chunks for one in chunk], callback, error_callback
        )


class ThreadPool(Pool):
    """The same with threads, which run as those of `concurrent.futures` do."""

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
    ) -> None:
        super().__init__(processes, initializer, initargs)

    @staticmethod
    def _made(size: int, initializer: Any, initargs: tuple[Any, ...], tasks: int | None) -> Any:
        return ThreadPoolExecutor(size, "ThreadPool", initializer, initargs)
