"""What connectors do with threads; each case returns what it saw. Run by `test_threads.py` in a child."""

from __future__ import annotations

import asyncio
import concurrent.futures as futures
import json
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from sluice import _loop, _threads

CASES: dict[str, Any] = {}


def case(function: Any) -> Any:
    CASES[function.__name__] = function
    return function


@case
def start_and_join_in_order() -> Any:
    seen: list[Any] = []
    threads = [threading.Thread(target=seen.append, args=(n,), name=f"t{n}") for n in range(3)]
    for thread in threads:
        thread.start()
    before = list(seen), threads[0].is_alive()
    for thread in threads:
        thread.join()
    return before, seen, [thread.is_alive() for thread in threads]


@case
def names_idents_and_locals() -> Any:
    local = threading.local()
    local.value = "main"
    seen = []

    def work() -> None:
        me = threading.current_thread()
        seen.append((me.name, hasattr(local, "value"), me.daemon))
        local.value = "thread"

    thread = threading.Thread(target=work, name="worker", daemon=True)
    thread.start()
    thread.join()
    main = threading.current_thread() is threading.main_thread()
    return seen, local.value, main, thread.ident != threading.get_ident()


@case
def an_exception_in_a_thread_is_the_hooks() -> Any:
    seen = []
    threading.excepthook = lambda args: seen.append((args.exc_type.__name__, args.thread.name))

    def fail() -> None:
        raise KeyError("x")

    thread = threading.Thread(target=fail, name="failing")
    thread.start()
    thread.join()
    return seen


@case
def a_consumer_started_first() -> Any:
    work: queue.Queue[Any] = queue.Queue(maxsize=2)
    seen = []

    def consume() -> None:
        while (item := work.get()) is not None:
            seen.append(item)
            work.task_done()

    consumer = threading.Thread(target=consume)
    consumer.start()
    for n in range(5):
        work.put(n)
        time.sleep(0.001)
    work.put(None)
    consumer.join()
    return seen


@case
def a_producer_for_main() -> Any:
    work: queue.Queue[Any] = queue.Queue(maxsize=1)

    def produce() -> None:
        for n in range(4):
            work.put(n)
        work.put(None)

    threading.Thread(target=produce).start()
    return list(iter(work.get, None))


@case
def stages() -> Any:
    first: Any = queue.SimpleQueue()
    second: queue.Queue[Any] = queue.Queue()

    def stage() -> None:
        for item in iter(first.get, None):
            second.put(item * 10)
        second.put(None)

    def produce() -> None:
        for n in range(3):
            first.put(n)
        first.put(None)

    threading.Thread(target=stage).start()
    threading.Thread(target=produce).start()
    return list(iter(second.get, None))


@case
def daemon_workers_and_queue_join() -> Any:
    work: queue.Queue[int] = queue.Queue()
    seen = []

    def worker() -> None:
        while True:
            item = work.get()
            seen.append(item)
            work.task_done()

    for _ in range(3):
        threading.Thread(target=worker, daemon=True).start()
    for n in range(6):
        work.put(n)
    work.join()
    return seen


@case
def a_second_round_for_daemon_workers_is_an_error() -> Any:
    work: queue.Queue[int] = queue.Queue()

    def worker() -> None:
        while True:
            work.get()
            work.task_done()

    threading.Thread(target=worker, daemon=True, name="worker").start()
    work.put(1)
    work.join()
    work.put(2)
    work.join()


@case
def joining_a_daemon_that_was_ended_is_an_error() -> Any:
    work: queue.Queue[Any] = queue.Queue()
    rows, landed = [], []

    def worker() -> None:
        while (item := work.get()) is not None:
            rows.append(item)
            work.task_done()
        landed.extend(rows)

    thread = threading.Thread(target=worker, daemon=True, name="worker")
    thread.start()
    work.put(1)
    work.join()
    work.put(None)
    thread.join()


@case
def a_worker_that_waits_for_more_is_an_error() -> Any:
    work: queue.Queue[Any] = queue.Queue()
    seen: list[Any] = []
    threading.excepthook = lambda args: seen.append(str(args.exc_value))

    def worker() -> None:
        while work.get() is not None:
            work.task_done()

    threading.Thread(target=worker, name="worker").start()
    work.put(1)
    work.join()
    same = str(_threads.scheduler.failure) == seen[0]
    return len(seen), same, "thread worker waits at" in seen[0], "thread_cases.py" in seen[0]


@case
def nobody_sets_the_event() -> Any:
    threading.Event().wait()


@case
def an_event_with_a_timeout() -> Any:
    start = time.monotonic()
    return threading.Event().wait(0.05), time.monotonic() - start >= 0.05


@case
def an_event_that_a_thread_sets() -> Any:
    event = threading.Event()
    threading.Thread(target=event.set).start()
    return event.wait()


@case
def a_barrier() -> Any:
    barrier = threading.Barrier(3)
    seen = []

    def work(n: int) -> None:
        seen.append(("before", n))
        barrier.wait()
        seen.append(("after", n))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [when for when, _ in seen], len(seen)


@case
def locks() -> Any:
    lock, reentrant, semaphore = threading.Lock(), threading.RLock(), threading.BoundedSemaphore(2)
    with lock, reentrant, reentrant, semaphore:
        held = lock.locked(), lock.acquire(blocking=False), lock.acquire(timeout=0.01)
    seen = []

    def take() -> None:
        seen.append(reentrant.acquire(blocking=False))

    with reentrant:
        thread = threading.Thread(target=take)
        thread.start()
        thread.join()
    return held, lock.locked(), seen


@case
def a_lock_taken_twice() -> Any:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


@case
def a_condition() -> Any:
    condition, items = threading.Condition(), []

    def produce() -> None:
        with condition:
            items.append(1)
            condition.notify_all()

    threading.Thread(target=produce).start()
    with condition:
        return condition.wait_for(lambda: bool(items)), items


@case
def polling() -> Any:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    while thread.is_alive():
        time.sleep(0.001)
    spun = threading.Thread(target=lambda: None)
    spun.start()
    while spun.is_alive():
        pass
    done = threading.Event()
    threading.Thread(target=done.set).start()
    while not done.is_set():
        time.sleep(0.001)
    return True


@case
def a_heartbeat() -> Any:
    beats = []

    def beat() -> None:
        while True:
            time.sleep(0.01)
            beats.append(1)

    threading.Thread(target=beat, daemon=True).start()
    with futures.ThreadPoolExecutor() as pool:
        results = [f.result() for f in [pool.submit(pow, 2, n) for n in range(3)]]
    event = threading.Event()
    threading.Thread(target=event.set).start()
    event.wait()
    return results, beats


@case
def timers() -> Any:
    seen: list[str] = []
    cancelled = threading.Timer(30, seen.append, ("never",))
    cancelled.start()
    fires = threading.Timer(0.02, seen.append, ("fired",))
    fires.start()
    cancelled.cancel()
    fires.join()
    cancelled.join()
    return seen, fires.is_alive(), cancelled.is_alive()


@case
def a_pool() -> Any:
    def work(n: int) -> Any:
        return n, threading.current_thread().name.rpartition("_")[2]

    with futures.ThreadPoolExecutor(max_workers=4, thread_name_prefix="fetch") as pool:
        mapped = list(pool.map(work, range(3)))
        submitted = [pool.submit(work, n) for n in range(3)]
        completed = [f.result()[0] for f in futures.as_completed(submitted)]
        failing = pool.submit(lambda: [][1])
        done, pending = futures.wait([failing, *submitted], return_when=futures.ALL_COMPLETED)
    return mapped, sorted(completed), repr(failing.exception()), len(done), len(pending)


@case
def a_pool_first_exception_and_callbacks() -> Any:
    seen: list[Any] = []
    with futures.ThreadPoolExecutor(2) as pool:
        bad = pool.submit(lambda: 1 // 0)
        later = pool.submit(pow, 2, 3)
        later.add_done_callback(lambda f: seen.append(f.result()))
        done, _ = futures.wait([bad, later], return_when=futures.FIRST_EXCEPTION)
        first = bad in done
    return first, seen


@case
def cancelling() -> Any:
    pool = futures.ThreadPoolExecutor()
    first, second = pool.submit(pow, 2, 1), pool.submit(pow, 2, 2)
    took = second.cancel(), second.cancelled(), first.result(), first.cancel()
    done = len(futures.wait([first, second]).done)
    third = pool.submit(pow, 2, 3)
    pool.shutdown(cancel_futures=True)
    try:
        pool.submit(pow, 2, 3)
    except RuntimeError as error:
        refused = str(error)
    return took, done, third.cancelled(), refused


@case
def an_initializer() -> Any:
    local = threading.local()

    def prepare(value: int) -> None:
        local.session = value

    with futures.ThreadPoolExecutor(2, initializer=prepare, initargs=(7,)) as pool:
        good = list(pool.map(lambda _: local.session, range(3)))

    def broken() -> None:
        raise ValueError("no")

    with futures.ThreadPoolExecutor(2, initializer=broken) as pool:
        kinds = [type(pool.submit(pow, 1, 1).exception()).__name__]
        try:
            pool.submit(pow, 1, 1)
        except futures.BrokenExecutor as error:
            kinds.append(type(error).__name__)
    return good, kinds


@case
def tasks_of_tasks() -> Any:
    with futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: pool.submit(lambda: pool.submit(pow, 2, 5).result()).result() + 1).result()


@case
def a_timeout_of_a_result_is_not_reached() -> Any:
    with futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(pow, 2, 5).result(timeout=5)


@case
def asyncio_in_threads() -> Any:
    async def main() -> Any:
        powers = await asyncio.gather(*(asyncio.to_thread(pow, 2, n) for n in range(3)))
        return powers, await asyncio.to_thread(asyncio.run, asyncio.sleep(0, "slept"))

    return asyncio.run(main())


@case
def the_end_of_a_sync() -> Any:
    seen: list[str] = []
    threading.Thread(target=seen.append, args=("thread",)).start()
    threading.Thread(target=seen.append, args=("daemon",), daemon=True).start()
    futures.ThreadPoolExecutor().submit(seen.append, "task")
    _threads.scheduler.finish()
    return sorted(seen)


@case
def too_deep() -> Any:
    barrier = threading.Barrier(100)
    threads = [threading.Thread(target=barrier.wait) for _ in range(100)]
    threading.excepthook = lambda args: None
    for thread in threads:
        thread.start()
    threads[0].join()
    return "the most there can be" in str(_threads.scheduler.failure)


def main() -> None:
    _threads.install()
    _loop.install()
    name = sys.argv[1]
    try:
        print(json.dumps(["value", CASES[name]()]))
    except BaseException as error:
        print(json.dumps(["error", type(error).__name__, str(error)]))


if __name__ == "__main__":
    main()
