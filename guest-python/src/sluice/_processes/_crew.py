"""Who works on what: workers are made when there is work, and go to who has some."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool  # type: ignore[attr-defined,unused-ignore]
from typing import Any, NamedTuple

from sluice._errors import LimitReached
from sluice._outside import outside
from sluice._processes import _contract, _crossing

_ABRUPT = "a process of the pool ended while the future was running or pending"

_numbers = itertools.count(1)


class Call(NamedTuple):
    """A call to make elsewhere, and the future of its result."""

    future: Future[Any]
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Worker:
    """One other instance, in a crew."""

    def __init__(self, crew: Crew) -> None:
        self._handle = _contract.Handle()
        self._crew = crew
        self._done = 0
        self.call: Call | None = None
        """What it does now."""

    def give(self, call: Call) -> None:
        """Let it do a call; raises what pickling raises."""
        crew, new = self._crew, self._done == 0
        number = next(_numbers) if new else 0
        around = _crossing.surroundings(f"{crew.name}-{number}", number) if new else None
        task = _crossing.pack_task(
            around, crew.prepare if new else None, (call.function, call.args, call.kwargs)
        )
        self._handle.begin(task)
        self.call = call
        self._done += 1
        outside.add(self._handle.pollable, self._answered, keeps=not crew.daemon)

    def worn(self) -> bool:
        """Whether it has done as many tasks as a worker of its crew does."""
        return self._crew.tasks_per_worker is not None and self._done >= self._crew.tasks_per_worker

    def close(self) -> None:
        """End it."""
        outside.discard(self._handle.pollable)
        self._handle.close()

    def _answered(self) -> None:
        call, self.call = self.call, None
        crew = self._crew
        try:
            answer = self._handle.finish()
        except LimitReached as limit:
            crew.break_off(limit, call)
        except (_contract.Ended, _contract.Refused) as reason:
            crew.break_off(BrokenProcessPool(f"{_ABRUPT}: {reason}"), call)
        else:
            if self.worn():
                crew.dismiss(self)
            if call is not None:
                _settle(call.future, answer)
        office.pump()
        crew.tidy()


def _settle(future: Future[Any], answer: bytes) -> None:
    well, value = _crossing.open_answer(answer)
    if well:
        future.set_result(value)
    else:
        future.set_exception(value)


class Crew:
    """The workers of one pool, and what they have to do, in order."""

    def __init__(
        self,
        size: int,
        name: str,
        prepare: tuple[Callable[..., object], tuple[Any, ...]] | None = None,
        tasks_per_worker: int | None = None,
        *,
        daemon: bool = False,
    ) -> None:
        self.size = size
        self.name = name
        self.prepare = prepare
        """The initializer and its arguments."""
        self.tasks_per_worker = tasks_per_worker
        self.daemon = daemon
        """Whether the end of the sync ends it, rather than waits for it."""
        self.broken: Exception | None = None
        self._closed = False
        self.pending: deque[Call] = deque()
        self.workers: list[Worker] = []

    def submit(
        self, future: Future[Any], function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Have a call made; at once when somebody is free."""
        self.pending.append(Call(future, function, args, kwargs))
        office.pump(self)

    def is_busy(self) -> bool:
        """Whether there is something left to do."""
        return bool(self.pending) or any(worker.call is not None for worker in self.workers)

    def idle(self) -> Worker | None:
        """A worker without a task."""
        return next((worker for worker in self.workers if worker.call is None), None)

    def close(self) -> None:
        """Take no more: its workers end when they have nothing left to do."""
        self._closed = True
        self.tidy()

    def tidy(self) -> None:
        """End workers that will have nothing to do."""
        if self._closed and not self.is_busy():
            self.dismiss_all()

    def dismiss(self, worker: Worker) -> None:
        """End one worker."""
        self.workers.remove(worker)
        worker.close()

    def dismiss_all(self) -> list[Call]:
        """End all workers at once; what they were doing."""
        doing = [worker.call for worker in self.workers if worker.call is not None]
        for worker in list(self.workers):
            self.dismiss(worker)
        return doing

    def break_off(self, reason: Exception, call: Call | None = None) -> None:
        """Fail everything that is left to do."""
        self.broken = self.broken or reason
        lost = [*([call] if call is not None else []), *self.dismiss_all(), *self.pending]
        self.pending.clear()
        for each in lost:
            if not each.future.done():
                each.future.set_exception(reason)


class Office:
    """All crews of this instance. The host bounds the number of workers, so crews lend theirs."""

    def __init__(self) -> None:
        self._waiting: list[Crew] = []
        self._staffed: list[Crew] = []

    def pump(self, crew: Crew | None = None) -> None:
        """Give out work while somebody is free."""
        if crew is not None and crew not in self._waiting:
            self._waiting.append(crew)
        for each in list(self._waiting):
            while each.pending and self._serve(each):
                pass
            if not each.pending and each in self._waiting:
                self._waiting.remove(each)

    def _serve(self, crew: Crew) -> bool:
        call = crew.pending[0]
        if call.future.cancelled():
            crew.pending.popleft()
            call.future.set_running_or_notify_cancel()
            return True
        worker = crew.idle() or self._hire(crew)
        if worker is None:
            return False
        crew.pending.popleft()
        call.future.set_running_or_notify_cancel()
        try:
            worker.give(call)
        except LimitReached as limit:
            crew.break_off(limit, call)
        except (_contract.Ended, _contract.Refused) as reason:
            crew.break_off(BrokenProcessPool(f"{_ABRUPT}: {reason}"), call)
        except Exception as error:
            # it does not pickle
            call.future.set_exception(error)
        return True

    def _hire(self, crew: Crew) -> Worker | None:
        if len(crew.workers) >= min(crew.size, _contract.most()):
            return None
        try:
            return self._hired(crew)
        except LimitReached as limit:
            crew.break_off(limit)
        except _contract.Refused as reason:
            self._staffed = [each for each in self._staffed if each.workers]
            if self._free_one(crew):
                return self._hire(crew)
            if not self._staffed:
                crew.break_off(BrokenProcessPool(f"no process could be started: {reason}"))
        return None

    def _hired(self, crew: Crew) -> Worker:
        worker = Worker(crew)
        crew.workers.append(worker)
        if crew not in self._staffed:
            self._staffed.append(crew)
        return worker

    def _free_one(self, crew: Crew) -> bool:
        """End a worker of another pool that has nothing to do."""
        for other in self._staffed:
            idle = None if other is crew else other.idle()
            if idle is not None:
                other.dismiss(idle)
                return True
        return False


office = Office()
"""The crews of this instance."""
