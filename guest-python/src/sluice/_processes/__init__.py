"""Process pools on other instances of the component.

A guest has no processes. The host makes further instances of the same component, which share nothing with
this one but its files, limits, grants and log: what a process started by `spawn` shares with its parent.
A task crosses as a pickle, which only the two instances read.

- `_contract`: the only module that calls the host for it
- `_crossing`: tasks, answers and exceptions as bytes
- `_crew`: who works on what; every pool has a crew
- `_executor`: `concurrent.futures.ProcessPoolExecutor`
- `_pool`: `multiprocessing.Pool` and `multiprocessing.pool.ThreadPool`
- `_process`: `multiprocessing.Process`
- `_worker`: the other side, which does the tasks
- `_patches`: puts them in place
"""

from __future__ import annotations

from sluice._processes._patches import install

__all__ = ["install"]
