"""Puts processes that are instances in the place of the system's."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import sys
from concurrent.futures import BrokenExecutor
from types import ModuleType
from typing import Any, NoReturn

from sluice._elsewhere import not_here
from sluice._processes import _contract

_INSTEAD = (
    "processes of a connector share files and nothing else: pass arguments to the tasks of a Pool or "
    "ProcessPoolExecutor and use what they return"
)
_SHARED = (
    "Array", "Barrier", "BoundedSemaphore", "Condition", "Event", "JoinableQueue", "Lock", "Manager", "Pipe",
    "Queue", "RawArray", "RawValue", "RLock", "Semaphore", "SimpleQueue", "Value",
)  # fmt: skip

_done = False


class BrokenProcessPool(BrokenExecutor):
    """A process of the pool ended while something was to be done."""


BrokenProcessPool.__module__ = "concurrent.futures.process"


def install() -> None:
    """Patch; before other modules take the names. May be called again."""
    global _done
    if _done:
        return
    _done = True
    process = _module("concurrent.futures.process", BrokenProcessPool=BrokenProcessPool)
    from sluice._processes import _executor, _pool, _process

    executor = _executor.ProcessPoolExecutor
    executor.__module__ = process.__name__
    vars(process)["ProcessPoolExecutor"] = executor
    vars(concurrent.futures).update(ProcessPoolExecutor=executor, process=process)
    names = ("Pool", "ThreadPool", "AsyncResult", "ApplyResult", "MapResult")
    pool = _module("multiprocessing.pool", **{name: getattr(_pool, name) for name in names})
    context = _Context()
    own = {
        "Pool": _pool.Pool,
        "Process": _process.Process,
        "active_children": _process.active_children,
        "cpu_count": _contract.most,
        "freeze_support": lambda: None,
        "get_all_start_methods": lambda: ["spawn"],
        "get_context": lambda method=None: context,
        "get_start_method": lambda allow_none=False: "spawn",
        "pool": pool,
        "set_start_method": lambda method, force=False: None,
        **{name: _refusing(name) for name in _SHARED},
    }
    for name, value in own.items():
        setattr(multiprocessing, name, value)
    counts: Any = os
    counts.cpu_count = counts.process_cpu_count = _contract.most


class _Context:
    """What `multiprocessing.get_context` returns: the module itself, whatever the method."""

    def __getattr__(self, name: str) -> Any:
        return getattr(multiprocessing, name)


def _module(name: str, **contents: Any) -> ModuleType:
    module = ModuleType(name, "Process pools on other instances of the component.")
    vars(module).update(contents)
    sys.modules[name] = module
    return module


class _NotHere(NotImplementedError, ImportError):
    """`ImportError` is what a Python without semaphores raises, so libraries do without (tqdm does)."""


_NotHere.__module__, _NotHere.__qualname__, _NotHere.__name__ = "builtins", *["NotImplementedError"] * 2


def _refusing(name: str) -> Any:
    def refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
        raise _NotHere(*not_here(f"multiprocessing.{name}", _INSTEAD).args)

    return refuse
