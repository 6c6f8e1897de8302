"""`select.select`, `select.poll` and selectors over the guest's sockets.

A socket can always be written to: the host takes what is written, or makes the write wait.
"""

from __future__ import annotations

import errno
import os
import select
import selectors
import time
from collections.abc import Iterable
from typing import Any

from sluice._threads._scheduler import scheduler

from ._socket import Socket, by_number

POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLNVAL = 1, 2, 4, 8, 16, 32

_SHORTEST_NAP = 0.0005
_LONGEST_NAP = 0.02
_LATE = 0.1
"""How late readiness may be noticed, as a part of the time that was waited."""

_sleep = time.sleep


def _socket(item: Any) -> Socket:
    found = item if isinstance(item, Socket) else by_number(item if isinstance(item, int) else item.fileno())
    if found is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return found


def _wait(readers: list[Socket], timeout: float | None) -> list[Socket]:
    """The sockets that can be read, waiting for one of them; threads that were started run meanwhile."""
    start = time.monotonic()
    while True:
        ready = [one for one in readers if one.readable(0)]
        waited = time.monotonic() - start
        left = None if timeout is None else timeout - waited
        if ready or (left is not None and left <= 0):
            return ready
        if scheduler.step():
            continue
        if len(readers) == 1 and readers[0].readable(None if left is None else max(1, int(left * 1000))):
            return readers
        if not readers and left is None:
            raise OSError(errno.EINVAL, "nothing is selected, and there is no timeout")
        nap = min(max(waited * _LATE, _SHORTEST_NAP), _LONGEST_NAP)
        _sleep(nap if left is None else min(nap, left))


def select_(
    rlist: Iterable[Any], wlist: Iterable[Any], xlist: Iterable[Any], timeout: float | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """What can be read, what can be written, and nothing exceptional."""
    readers = [(item, _socket(item)) for item in rlist]
    writers = [item for item in wlist if _socket(item) is not None]
    ready = _wait([one for _, one in readers], 0 if writers else timeout)
    return [item for item, one in readers if one in ready], writers, []


class Poll:
    """`select.poll`."""

    def __init__(self) -> None:
        self._wanted: dict[int, int] = {}

    def register(self, fd: Any, eventmask: int = POLLIN | POLLPRI | POLLOUT) -> None:
        """Watch a socket."""
        self._wanted[_socket(fd).fileno()] = eventmask

    def modify(self, fd: Any, eventmask: int) -> None:
        """Watch it for something else."""
        number = fd if isinstance(fd, int) else fd.fileno()
        if number not in self._wanted:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self._wanted[number] = eventmask

    def unregister(self, fd: Any) -> None:
        """Watch it no longer; raises `KeyError`."""
        del self._wanted[fd if isinstance(fd, int) else fd.fileno()]

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        """What happened, within so many milliseconds."""
        gone = [number for number in self._wanted if by_number(number) is None]
        writable = [number for number, mask in self._wanted.items() if mask & POLLOUT and number not in gone]
        readers = [
            found
            for number, mask in self._wanted.items()
            if mask & (POLLIN | POLLPRI) and (found := by_number(number)) is not None
        ]
        limit = None if timeout is None or timeout < 0 else timeout / 1000
        ready = {one.fileno() for one in _wait(readers, 0 if writable or gone else limit)}
        events = dict.fromkeys(gone, POLLNVAL)
        for number in ready:
            events[number] = POLLIN
        for number in writable:
            events[number] = events.get(number, 0) | POLLOUT
        return list(events.items())


def install() -> None:
    """Put them in place of the C module's."""
    module: Any = select
    module.select = select_
    module.poll = Poll
    for name in ("POLLIN", "POLLPRI", "POLLOUT", "POLLERR", "POLLHUP", "POLLNVAL"):
        setattr(module, name, globals()[name])
    for name in ("epoll", "kqueue", "devpoll"):
        if hasattr(module, name):
            delattr(module, name)
    kinds: Any = selectors
    kinds.SelectSelector._select = staticmethod(select_)
    kinds.DefaultSelector = kinds.SelectSelector
    if hasattr(kinds, "PollSelector"):
        del kinds.PollSelector
