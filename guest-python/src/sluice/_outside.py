"""Waiting for what goes on outside of this instance: requests under way, workers, and time."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

_LONGEST = 10.0**9
"""Seconds; more nanoseconds would not fit the contract's number."""

_sleep = time.sleep


class Outside:
    """Everything that this instance waits for, by its pollable."""

    def __init__(self) -> None:
        self._waits: dict[Any, tuple[Callable[[], None], bool]] = {}

    def __bool__(self) -> bool:
        return bool(self._waits)

    def keeps(self) -> bool:
        """Whether the end of a sync waits for some of it."""
        return any(keeps for _, keeps in self._waits.values())

    def add(self, pollable: Any, call: Callable[[], None], *, keeps: bool = False) -> None:
        """Call `call`, once, from a wait after `pollable` is ready."""
        self._waits[pollable] = call, keeps

    def discard(self, pollable: Any) -> None:
        """Wait for it no longer."""
        self._waits.pop(pollable, None)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until something is ready, at most so many seconds; with None there must be something."""
        for pollable in self._ready(timeout):
            found = self._waits.pop(pollable, None)
            if found is not None:
                found[0]()

    def pause(self, seconds: float) -> None:
        """Let so many seconds pass."""
        deadline = time.monotonic() + seconds
        while self._waits and (left := deadline - time.monotonic()) > 0:
            self.wait(left)
        _sleep(max(0.0, deadline - time.monotonic()) if seconds > 0 else seconds)

    def _ready(self, timeout: float | None) -> list[Any]:
        pollables = list(self._waits)
        if timeout is None:
            return [pollables[index] for index in _poll(pollables)]
        if timeout <= 0:
            return [pollable for pollable in pollables if pollable.ready()]
        if not pollables:
            _sleep(timeout)
            return []
        clock = importlib.import_module("wit_world.imports.monotonic_clock")
        # rounded up: a timer must not fire before its time
        with clock.subscribe_duration(int(min(timeout, _LONGEST) * 1e9) + 1) as timer:
            ready = _poll([*pollables, timer])
        return [pollables[index] for index in ready if index < len(pollables)]


def _poll(pollables: list[Any]) -> list[int]:
    found: list[int] = importlib.import_module("wit_world.imports.poll").poll(pollables)
    return found


outside = Outside()
"""What this instance waits for."""
