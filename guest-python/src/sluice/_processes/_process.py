"""`multiprocessing.Process`: one task in a process of its own."""

from __future__ import annotations

import itertools
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sluice._processes._crew import Crew
from sluice._processes._executor import ProcessFuture

_names = itertools.count(1)
_started: list[Process] = []


class Process:
    """A call in another instance of the component. It shares files, and nothing else, with this one."""

    def __init__(
        self,
        group: None = None,
        target: Callable[..., object] | None = None,
        name: str | None = None,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        daemon: bool | None = None,
    ) -> None:
        self.name = name or f"Process-{next(_names)}"
        self.daemon = bool(daemon)
        self._target, self._args, self._kwargs = target, tuple(args), dict(kwargs or {})
        self._future: ProcessFuture | None = None
        self._crew: Crew | None = None
        self._ended: int | None = None

    def run(self) -> None:
        """What the process does; called there."""
        if self._target is not None:
            self._target(*self._args, **self._kwargs)

    def start(self) -> None:
        """Start it, as soon as there is a place for it."""
        if self._future is not None:
            raise AssertionError("cannot start a process twice")
        future, crew = ProcessFuture(), Crew(1, self.name, tasks_per_worker=1, daemon=self.daemon)
        crew.submit(future, _run, (self,), {})
        if future.done() and not future.cancelled() and future.exception() is not None:
            raise future.exception() or RuntimeError
        self._future, self._crew = future, crew
        _started.append(self)

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""
        future = self._begun("join")
        if self._ended is None:
            try:
                future.exception(timeout)
            except TimeoutError:
                return

    def is_alive(self) -> bool:
        """Whether it has begun and not ended."""
        return self._future is not None and self._ended is None and not self._future.done()

    @property
    def exitcode(self) -> int | None:
        """None while it runs, 0 when it went well."""
        if self._ended is not None or self._future is None or not self._future.done():
            return self._ended
        return 1 if self._future.exception() is not None else int(self._future.result())

    @property
    def pid(self) -> int | None:
        """Some number, once it has started."""
        return None if self._future is None else id(self) & 0xFFFF

    ident = pid

    def terminate(self) -> None:
        """End it now."""
        self._begun("terminate")
        if self._crew is not None and self.is_alive():
            self._ended = -15
            self._crew.dismiss_all()

    kill = terminate

    def close(self) -> None:
        """Forget it."""
        if self.is_alive():
            raise ValueError(
                "Cannot close a process while it is still running. Call join() or terminate() first."
            )

    def _begun(self, what: str) -> ProcessFuture:
        if self._future is None:
            raise AssertionError(f"can only {what} a started process")
        return self._future

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_future": None, "_crew": None}


def active_children() -> list[Process]:
    """The processes that have begun and not ended."""
    _started[:] = [process for process in _started if process.is_alive()]
    return list(_started)


def _run(process: Process) -> int:
    try:
        process.run()
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except BaseException:
        print(f"Process {process.name}:\n{traceback.format_exc()}", file=sys.stderr)
        return 1
    return 0
