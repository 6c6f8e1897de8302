"""Waiting for several things of the host at once, over bindings that only count."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from sluice._outside import Outside


class Pollable:
    def __init__(self, host: Host, *, ready: bool = False) -> None:
        self._host = host
        self.is_ready = ready
        self.open = True

    def ready(self) -> bool:
        self._host.asked += 1
        return self.is_ready

    def __enter__(self) -> Pollable:
        return self

    def __exit__(self, *_: Any) -> None:
        self.open = False


class Host:
    """Answers one poll after the other with what the test says is ready, by place."""

    def __init__(self) -> None:
        self.asked = 0
        self.polls: list[int] = []
        self.answers: list[list[int]] = []
        self.timers: list[tuple[int, Pollable]] = []

    def poll(self, pollables: list[Pollable]) -> list[int]:
        assert pollables, "a poll for nothing aborts the guest"
        self.polls.append(len(pollables))
        return self.answers.pop(0)

    def subscribe_duration(self, nanoseconds: int) -> Pollable:
        timer = Pollable(self)
        self.timers.append((nanoseconds, timer))
        return timer


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    host = Host()
    for name, function in (("poll", host.poll), ("monotonic_clock", host.subscribe_duration)):
        module = ModuleType(name)
        setattr(module, function.__name__, function)
        monkeypatch.setitem(sys.modules, f"wit_world.imports.{name}", module)
    return host


def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    sleeps: list[float] = []
    monkeypatch.setattr("sluice._outside._sleep", sleeps.append)
    return sleeps


def test_a_request_and_a_timer_are_waited_for_in_one_poll(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, called, naps = Outside(), [], slept(monkeypatch)
    first, second = Pollable(host), Pollable(host)
    outside.add(first, lambda: called.append("first"))
    outside.add(second, lambda: called.append("second"))
    host.answers = [[1]]
    outside.wait(5.0)
    assert called == ["second"]
    assert host.polls == [3]
    assert [nanoseconds for nanoseconds, _ in host.timers] == [5_000_000_001]
    assert not host.timers[0][1].open
    assert (naps, host.asked) == ([], 0)


def test_time_that_is_over_calls_nobody(host: Host) -> None:
    outside, called = Outside(), []
    outside.add(Pollable(host), lambda: called.append(1))
    host.answers = [[1]]
    outside.wait(0.1)
    assert called == []
    assert outside


def test_no_timeout_waits_for_what_there_is(host: Host) -> None:
    outside, called = Outside(), []
    outside.add(Pollable(host), lambda: called.append(1))
    host.answers = [[0]]
    outside.wait()
    assert (called, host.polls, host.timers) == ([1], [1], [])
    assert not outside


def test_no_time_only_asks(host: Host) -> None:
    outside, called = Outside(), []
    outside.add(Pollable(host, ready=True), lambda: called.append(1))
    outside.add(Pollable(host), lambda: called.append(2))
    outside.wait(0)
    assert (called, host.polls) == ([1], [])


def test_what_one_takes_back_another_does_not_get(host: Host) -> None:
    outside, called = Outside(), []
    late = Pollable(host)
    outside.add(Pollable(host), lambda: outside.discard(late))
    outside.add(late, lambda: called.append("late"))
    host.answers = [[0, 1]]
    outside.wait()
    assert called == []


def test_a_pause_lasts_although_something_is_ready(host: Host) -> None:
    outside, called = Outside(), []
    outside.add(Pollable(host), lambda: called.append(1))
    host.answers = [[0]]
    start = time.monotonic()
    outside.pause(0.05)
    assert time.monotonic() - start >= 0.05
    assert called == [1]


def test_only_some_of_it_holds_up_the_end(host: Host) -> None:
    outside = Outside()
    outside.add(Pollable(host), lambda: None)
    assert not outside.keeps()
    outside.add(Pollable(host), lambda: None, keeps=True)
    assert outside.keeps()
