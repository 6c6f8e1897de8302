"""Threads where there is one stack: started threads run when somebody waits.

A guest has no threads and no way to suspend a call. So `Thread.start` and `Executor.submit` only
note what is to run, and whoever waits runs it, to its end, on the own stack: first what it waits
for, then what was submitted, then threads in the order of their starts, daemons last. A thread
that waits itself does the same, one level deeper. Where nobody is left who could end a wait, the
wait raises `WaitsForever` with the place, and the sync fails even if that is caught.

Everything of the standard library that waits does it by acquiring a lock that is held. So locks
are the only thing that had to be written anew; conditions, events, semaphores, barriers and queues
are the standard library's, over these locks.

- `_scheduler`: what is pending, who runs, and what a wait does
- `_locks`: `Lock` and `RLock`
- `_thread_class`: `threading.Thread`, `threading.Timer`
- `_pool`: `concurrent.futures.ThreadPoolExecutor`
- `_patches`: puts them in place
"""

from __future__ import annotations

from sluice._threads._patches import install
from sluice._threads._scheduler import WaitsForever, scheduler

__all__ = ["WaitsForever", "install", "scheduler"]
