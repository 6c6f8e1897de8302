"""What is pending, who runs, and what a wait does."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextvars import Context
from typing import Any, NoReturn

from sluice._outside import outside

MAX_DEPTH = 40
"""How many threads may wait for one another on one stack."""

_POLLS = 3
_SPINS = 1000
# not of `os`, which is frozen in a guest and names another folder
_LIBRARY = os.path.dirname(threading.__file__) + os.sep
_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_QUIET = ("asyncio", "concurrent", "threading.py", "queue.py", "_threading_local.py", "contextlib.py")

_sleep = time.sleep
_clock = time.monotonic


class WaitsForever(RuntimeError):
    """A wait that nothing can end: whoever could is suspended below it, has ended, or was never started."""


class ThreadEnded(SystemExit):
    """Ends a daemon thread at a wait, as the end of the process would."""


class Entry:
    """Something that runs once, as a thread of its own."""

    daemon = False

    @property
    def ident(self) -> int:
        """The thread's number while it runs."""
        raise NotImplementedError

    def run(self) -> None:
        """Run to the end. Raises nothing."""
        raise NotImplementedError

    def describe(self) -> str:
        """The thread, for a message."""
        raise NotImplementedError


class _Frame:
    """A thread that runs, or is suspended below the one that does."""

    __slots__ = ("entry", "ident", "ready")

    def __init__(self, entry: Entry | None, ident: int) -> None:
        self.entry = entry
        self.ident = ident
        self.ready: Callable[[], bool] | None = None


class Scheduler:
    """The threads of one guest."""

    def __init__(self, main: int) -> None:
        self._frames = [_Frame(None, main)]
        self._tasks: list[Entry] = []
        self._threads: list[Entry] = []
        self._timers: list[tuple[float, Entry]] = []
        self._asked = 0
        self._polled = False
        self._spins = 0
        self._ended: list[str] = []
        self._switch: list[Callable[[], Callable[[], None]]] = []
        self.failure: WaitsForever | None = None
        """The first wait that nothing could end; fails the sync."""

    def ident(self) -> int:
        """The number of the thread that runs."""
        return self._frames[-1].ident

    def on_switch(self, enter: Callable[[], Callable[[], None]]) -> None:
        """Call `enter` before a thread runs, and what it returned afterwards."""
        self._switch.append(enter)

    def add_thread(self, entry: Entry) -> None:
        """Note a started thread."""
        self.progressed()
        self._threads.append(entry)

    def add_task(self, entry: Entry) -> None:
        """Note what was submitted to a pool."""
        self.progressed()
        self._tasks.append(entry)

    def add_timer(self, seconds: float, entry: Entry) -> None:
        """Note what is to run in so many seconds."""
        self._timers.append((_clock() + seconds, entry))
        self._timers.sort(key=lambda pair: pair[0])

    def cancel(self, entry: Entry) -> None:
        """Forget what has not begun."""
        for pending in (self._tasks, self._threads):
            if entry in pending:
                pending.remove(entry)
        self._timers = [pair for pair in self._timers if pair[1] is not entry]

    def pending(self, entry: Entry) -> bool:
        """Whether it has not begun."""
        return entry in self._tasks or entry in self._threads or any(e is entry for _, e in self._timers)

    def has_work(self) -> bool:
        """Whether something that is no daemon could run now."""
        return bool(self._tasks) or any(not entry.daemon for entry in self._threads) or self._due() == 0

    def polled(self, *, spins: bool = False) -> None:
        """Somebody asked how far another thread is: the next sleeps are waits for it.

        With `spins`, many questions in a row are one too.
        """
        self._polled = True
        self._spins += spins
        if self._spins > _SPINS:
            self._spins = 0
            self.step()

    def progressed(self) -> None:
        """Somebody gave others something to do: it is no idle polling."""
        self._asked = self._spins = 0

    def step(self, wanted: Entry | None = None, *, daemons: bool = True) -> bool:
        """Run one pending thread, `wanted` or the first; False when there is none."""
        if len(self._frames) > MAX_DEPTH:
            return False
        if self._due() == 0:
            entry: Entry | None = self._timers[0][1]
        elif wanted is not None:
            entry = wanted if wanted in self._tasks or wanted in self._threads else None
        else:
            entry = self._first(daemons)
        if entry is None:
            return False
        self.cancel(entry)
        self.run(entry)
        return True

    def run(self, entry: Entry) -> None:
        """Run an entry now, to its end, as the thread it is."""
        frame = _Frame(entry, entry.ident)
        leave = [enter() for enter in self._switch]
        self._frames.append(frame)
        try:
            Context().run(entry.run)
        finally:
            self._frames.pop()
            for restore in reversed(leave):
                restore()

    def wait(
        self, ready: Callable[[], bool], timeout: float | None = None, wanted: Entry | None = None
    ) -> bool:
        """Run others until `ready`; False when `timeout` seconds pass first."""
        if ready():
            return True
        frame = self._frames[-1]
        deadline = None if timeout is None else _clock() + timeout
        outer, frame.ready = frame.ready, ready
        try:
            while not ready():
                left = None if deadline is None else deadline - _clock()
                if left is not None and left <= 0:
                    return False
                if self._unwanted(frame):
                    self._end(frame)
                if self.step(wanted):
                    continue
                times = [time for time in (self._due(), left) if time is not None]
                if outside or times:
                    outside.wait(min(times, default=None))
                else:
                    self._stuck(frame)
            return True
        finally:
            frame.ready = outer

    def sleep(self, seconds: float) -> None:
        """`time.sleep`: runs others when it stands in a loop that only asks how far they are."""
        frame = self._frames[-1]
        polled, self._polled = self._polled, False
        self._asked = self._asked + 1 if polled else 0
        self._spins = 0
        if frame.entry is not None and frame.entry.daemon and seconds > 0:
            self.step(daemons=True)
            if not self._unwanted(frame):
                _sleep(seconds)
            if self._unwanted(frame):
                self._end(frame)
            return
        if self._asked >= _POLLS and self.step():
            return
        outside.pause(seconds)

    def finish(self) -> None:
        """Run everything that is no daemon and forget the rest, as the end of a process does."""
        while self.has_more():
            if not self.step(daemons=False):
                due = self._due()
                if due is None and not outside.keeps():
                    break
                outside.wait(due)
        self.forget()

    def has_more(self) -> bool:
        """Whether the end of the sync waits for something."""
        threads = any(not entry.daemon for entry in self._threads)
        return bool(self._tasks or self._timers or threads or outside.keeps())

    def forget(self) -> None:
        """Forget what has not begun."""
        self._tasks.clear()
        self._threads.clear()
        self._timers.clear()

    def _first(self, daemons: bool) -> Entry | None:
        if self._tasks:
            return self._tasks[0]
        found = next((entry for entry in self._threads if not entry.daemon), None)
        if found is None and daemons and self._threads:
            found = self._threads[0]
        return found

    def _due(self) -> float | None:
        return max(0.0, self._timers[0][0] - _clock()) if self._timers else None

    def _unwanted(self, frame: _Frame) -> bool:
        """Whether a daemon holds up somebody below it who could go on."""
        if frame.entry is None or not frame.entry.daemon:
            return False
        return any(below.ready is not None and below.ready() for below in self._frames[:-1])

    def _end(self, frame: _Frame) -> NoReturn:
        entry = frame.entry
        name = "the main thread" if entry is None else entry.describe()
        self._ended.append(f"{name} was ended at {_place()}")
        raise ThreadEnded(_place())

    def _stuck(self, frame: _Frame) -> NoReturn:
        if frame.entry is not None and frame.entry.daemon:
            self._end(frame)
        name = "the main thread" if frame.entry is None else frame.entry.describe()
        text = (
            f"{name} waits at {_place()} for something that no other thread is left to bring about: in a "
            "connector a started thread runs, to its end, when another one waits; put everything "
            "(with the end marks) into a queue before waiting, or use ThreadPoolExecutor or asyncio"
        )
        if len(self._frames) > MAX_DEPTH:
            text = f"{name} waits at {_place()} below {MAX_DEPTH} others that wait too, the most there can be"
        if self._ended:
            text += f" ({'; '.join(self._ended[-3:])}, because it waited for more while nothing came)"
        self.fail(text)

    def fail(self, text: str) -> NoReturn:
        """Raise, and fail the sync."""
        error = WaitsForever(text)
        if self.failure is None:
            self.failure = error
        raise error


def _place() -> str:
    """File and line of the innermost code that is the author's or a library's."""
    frame: Any = sys._getframe(1)
    while frame.f_back is not None:
        name = frame.f_code.co_filename
        inside = name.startswith(_LIBRARY) and name[len(_LIBRARY) :].startswith(_QUIET)
        if not (inside or name.startswith(_HERE)):
            break
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


scheduler = Scheduler(threading.main_thread().ident or 0)
"""The threads of this process; a guest has one."""
