"""Locks of one stack: a lock that is held makes others run until it is not."""

from __future__ import annotations

from typing import Any

from sluice._threads._scheduler import scheduler


class Lock:
    """`threading.Lock`."""

    __slots__ = ("__weakref__", "_held")

    def __init__(self) -> None:
        self._held = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock; False when it stays held for `timeout` seconds, or is and `blocking` is false."""
        if not self._held:
            self._held = True
            return True
        if not blocking:
            if timeout != -1:
                raise ValueError("can't specify a timeout for a non-blocking call")
            return False
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        if not scheduler.wait(self._free, None if timeout == -1 else timeout):
            return False
        self._held = True
        return True

    def release(self) -> None:
        """Give the lock back; anybody may."""
        if not self._held:
            raise RuntimeError("release unlocked lock")
        self._held = False

    def locked(self) -> bool:
        """Whether it is held."""
        return self._held

    def _free(self) -> bool:
        return not self._held

    def __enter__(self) -> bool:
        if self._held:
            return self.acquire()
        self._held = True
        return True

    def __exit__(self, *_: Any) -> None:
        self.release()

    def _at_fork_reinit(self) -> None:
        self._held = False


class RLock:
    """`threading.RLock`."""

    __slots__ = ("__weakref__", "_count", "_owner")

    def __init__(self) -> None:
        self._owner: int | None = None
        self._count = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As `Lock.acquire`; the thread that holds it takes it once more."""
        me = scheduler.ident()
        if self._owner is not None and self._owner != me:
            if not blocking:
                return False
            if not scheduler.wait(self._free, None if timeout == -1 else timeout):
                return False
        self._owner = me
        self._count += 1
        return True

    __enter__ = acquire

    def release(self) -> None:
        """Give it back once."""
        if self._owner != scheduler.ident():
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if not self._count:
            self._owner = None

    def locked(self) -> bool:
        """Whether anybody holds it."""
        return self._owner is not None

    def _free(self) -> bool:
        return self._owner is None

    def __exit__(self, *_: Any) -> None:
        self.release()

    # what `threading.Condition` asks of a lock that it wants to give away whole

    def _is_owned(self) -> bool:
        return self._owner == scheduler.ident()

    def _release_save(self) -> tuple[int, int | None]:
        saved = (self._count, self._owner)
        self._count, self._owner = 0, None
        return saved

    def _acquire_restore(self, saved: tuple[int, int | None]) -> None:
        self.acquire()
        self._count, self._owner = saved

    def _recursion_count(self) -> int:
        return self._count if self._is_owned() else 0

    def _at_fork_reinit(self) -> None:
        self._owner, self._count = None, 0
