"""What `threading.Thread` and `Timer` do instead of starting a thread of the system."""

from __future__ import annotations

import itertools
import threading
from typing import Any

from sluice._threads._scheduler import Entry, ThreadEnded, scheduler

_idents = itertools.count(1 << 20)
_Thread: Any = threading.Thread
_internals: Any = threading


class Started(Entry):
    """A started `Thread`."""

    def __init__(self, thread: Any) -> None:
        self.thread = thread
        self._ident = next(_idents)
        self.done = False
        self.ended = ""
        """Where a daemon was ended, if it was."""

    @property
    def daemon(self) -> bool:  # type: ignore[override]
        """Whether the end of the sync need not wait for it."""
        return bool(self.thread.daemon)

    @property
    def ident(self) -> int:
        """The thread's number."""
        return self._ident

    def describe(self) -> str:
        """The thread, for a message."""
        return f"thread {self.thread.name}"

    def run(self) -> None:
        """Run the thread's target; what it raises goes to `threading.excepthook`."""
        thread = self.thread
        try:
            thread.run()
        except ThreadEnded as ended:
            self.ended = str(ended)
        except SystemExit:
            pass
        except BaseException:
            thread._invoke_excepthook(thread)
        finally:
            self.done = True
            _internals._active.pop(self._ident, None)


def start(self: Any) -> None:
    """Note the thread; it runs when somebody waits."""
    if not getattr(self, "_initialized", False):
        raise RuntimeError("thread.__init__() not called")
    if self._started.is_set():
        raise RuntimeError("threads can only be started once")
    entry = Started(self)
    self._sluice = entry
    if not hasattr(self, "_invoke_excepthook"):
        self._invoke_excepthook = _internals._make_invoke_excepthook()
    self._ident = self._native_id = entry.ident
    _internals._active[entry.ident] = self
    self._started.set()
    if type(self).run is threading.Timer.run:
        scheduler.add_timer(self.interval, entry)
    else:
        scheduler.add_thread(entry)


def join(self: Any, timeout: float | None = None) -> None:
    """Run the thread to its end."""
    if not getattr(self, "_initialized", False):
        raise RuntimeError("Thread.__init__() not called")
    if not self._started.is_set():
        raise RuntimeError("cannot join thread before it is started")
    if self is threading.current_thread():
        raise RuntimeError("cannot join current thread")
    entry: Started | None = getattr(self, "_sluice", None)
    if entry is None:
        scheduler.wait(lambda: False, timeout)
    else:
        scheduler.wait(lambda: entry.done, None if timeout is None else max(timeout, 0), entry)
        if entry.ended:
            scheduler.fail(
                f"{entry.describe()} cannot be joined: it was ended at {entry.ended}, because it is a daemon "
                "and waited for more while others could go on; put everything (with the end marks) into its "
                "queue before waiting for anything"
            )


def is_alive(self: Any) -> bool:
    """Whether it has been started and has not ended."""
    entry: Started | None = getattr(self, "_sluice", None)
    if entry is None:
        return bool(self._started.is_set())
    scheduler.polled(spins=not entry.done)
    return not entry.done


def cancel_timer(self: Any) -> None:
    """Stop a timer that has not fired."""
    self.finished.set()
    entry: Started | None = getattr(self, "_sluice", None)
    if entry is not None and scheduler.pending(entry):
        scheduler.cancel(entry)
        entry.done = True
        _internals._active.pop(entry.ident, None)


def run_timer(self: Any) -> None:
    """Fire; it is time."""
    if not self.finished.is_set():
        self.function(*self.args, **self.kwargs)
    self.finished.set()


class _Bare(Entry):
    """What `_thread.start_new_thread` was given."""

    daemon = True

    def __init__(self, function: Any, args: Any, kwargs: Any) -> None:
        self._call = (function, args, kwargs)
        self._ident = next(_idents)

    @property
    def ident(self) -> int:
        return self._ident

    def describe(self) -> str:
        return f"thread of {self._call[0]!r}"

    def run(self) -> None:
        function, args, kwargs = self._call
        try:
            function(*args, **kwargs)
        except SystemExit:
            pass
        except BaseException as error:
            threading.excepthook(_internals.ExceptHookArgs((type(error), error, error.__traceback__, None)))


def start_new_thread(function: Any, args: Any, kwargs: Any = None) -> int:
    """`_thread.start_new_thread`: a daemon without an object."""
    entry = _Bare(function, args, kwargs or {})
    scheduler.add_thread(entry)
    return entry.ident
