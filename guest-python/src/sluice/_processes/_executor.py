"""`concurrent.futures.ProcessPoolExecutor`, and what else `concurrent.futures.process` has."""

from __future__ import annotations

import functools
import itertools
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import _base
from typing import Any

from sluice._outside import outside
from sluice._processes import _contract
from sluice._processes._crew import Crew, office
from sluice._threads import scheduler


class ProcessFuture(_base.Future[Any]):
    """A future of a task in another process."""

    def done(self) -> bool:
        """Whether it has ended."""
        if not super().done():
            outside.wait(0)
        return super().done()

    def running(self) -> bool:
        """Whether it runs."""
        outside.wait(0)
        return super().running()

    def cancel(self) -> bool:
        """Take it back, if it has not begun."""
        cancelled = super().cancel()
        if cancelled:
            office.pump()
        return cancelled


class ProcessPoolExecutor(_base.Executor):
    """A pool whose tasks run in other instances of the component, on other processors."""

    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: Any = None,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        max_tasks_per_child: int | None = None,
    ) -> None:
        if max_workers is None:
            max_workers = _contract.most()
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        if max_tasks_per_child is not None:
            if not isinstance(max_tasks_per_child, int):
                raise TypeError("max_tasks_per_child must be an integer")
            if max_tasks_per_child <= 0:
                raise ValueError("max_tasks_per_child must be >= 1")
        prepare = None if initializer is None else (initializer, tuple(initargs))
        self._max_workers = max_workers
        self._crew = Crew(max_workers, "SpawnProcess", prepare, max_tasks_per_child)
        self._closed = False
        weakref.finalize(self, self._crew.close)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> ProcessFuture:
        """Have `fn` called in another process; everything must be picklable."""
        if self._crew.broken is not None:
            raise self._crew.broken
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = ProcessFuture()
        self._crew.submit(future, fn, args, kwargs)
        return future

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        **others: Any,
    ) -> Iterator[Any]:
        """The results of `fn` for each item, in order; `chunksize` items make up a task."""
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        chunks = super().map(
            functools.partial(_each, fn),
            _chunks(chunksize, zip(*iterables, strict=False)),
            timeout=timeout,
            **others,
        )
        return _flat(chunks)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more; with `wait`, return when everything is done."""
        self._closed = True
        crew = self._crew
        if cancel_futures:
            for call in list(crew.pending):
                call.future.cancel()
            office.pump(crew)
        if wait:
            scheduler.wait(lambda: not crew.is_busy())
        crew.close()

    def terminate_workers(self) -> None:
        """End all processes now."""
        self._end()

    def kill_workers(self) -> None:
        """End all processes now."""
        self._end()

    def _end(self) -> None:
        from concurrent.futures.process import BrokenProcessPool

        self._closed = True
        self._crew.break_off(BrokenProcessPool("the processes of the pool were ended"))


def _each(fn: Callable[..., Any], chunk: tuple[tuple[Any, ...], ...]) -> list[Any]:
    return [fn(*args) for args in chunk]


def _chunks(size: int, items: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    while chunk := tuple(itertools.islice(items, size)):
        yield chunk


def _flat(chunks: Iterator[list[Any]]) -> Iterator[Any]:
    for chunk in chunks:
        chunk.reverse()
        while chunk:
            yield chunk.pop()
