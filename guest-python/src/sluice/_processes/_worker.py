"""The other side: an instance that does the tasks of another."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable

from sluice._processes import _contract, _crossing
from sluice._threads import scheduler

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def work(task: str, join: Callable[[str], None]) -> str:
    """Do one task. Raises only what keeps this instance from doing any; what a task raises is its answer.

    `join` is called before the first task with the working folder, and imports the project.
    """
    around, prepare, call = pickle.loads(_contract.to_bytes(task))
    if around is not None:
        _settle_in(around, join)
    if prepare is not None:
        initializer, arguments = pickle.loads(prepare)
        initializer(*arguments)
    try:
        function, args, kwargs = pickle.loads(call)
        value = function(*args, **kwargs)
        scheduler.finish()
        if scheduler.failure is not None:
            raise scheduler.failure
        return _contract.to_text(_crossing.pack_result(value), "the result of a task")
    except BaseException as error:
        failed = _crossing.pack_error(error, _crossing.trace_of(error, _HERE))
    return _contract.to_text(failed, "the exception of a task")


def _settle_in(around: _crossing.Surroundings, join: Callable[[str], None]) -> None:
    number = around.number
    own = os.getpid()
    os.getpid = lambda: own + number
    os.getppid = lambda: own
    for name in set(os.environ) - set(around.environment):
        del os.environ[name]
    os.environ.update(around.environment)
    sys.path[:] = around.path
    process = sys.modules.get("multiprocessing.process")
    if process is not None:
        process.current_process().name = around.name
    join(around.folder)
