"""What connectors do with processes, and what they must not be able to do with them."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import random
import sys
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import requests
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

prepared = []
counted = []


def prepare(value):
    prepared.append(value)


def square(n):
    return n * n


def add(a, b=0):
    return a + b


def whoami(_):
    return prepared, os.getpid(), multiprocessing.current_process().name, __name__


def count(_):
    counted.append(1)
    return len(counted)


class Odd(Exception):
    def __init__(self, n, why):
        super().__init__(f"{n} is {why}")
        self.n = n


class Unpicklable(Exception):
    def __init__(self, n, *, why):
        super().__init__(n)


def fail(n):
    if n == 1:
        raise ValueError("one")
    if n == 2:
        raise Unpicklable(2, why="keyword")
    if n == 3:
        return lambda: None
    if n == 4:
        sys.exit(4)
    return n


def sends_a_row(n):
    op.upsert("never", {"id": n})


def leaves(n):
    os._exit(n)


def loops(_):
    while True:
        pass


def hoards(_):
    hoard = []
    while True:
        hoard.append(bytearray(1024 * 1024))


def holds(mib):
    kept = bytearray(mib * 1024 * 1024)
    time.sleep(0.2)
    return len(kept)


def sleeps(seconds):
    time.sleep(seconds)
    return seconds


def nests(n):
    with ProcessPoolExecutor(2) as pool:
        return sum(pool.map(nests, range(2)))


def fetch(url):
    answer = requests.get(url, timeout=60)
    print(f"fetched {len(answer.text)} bytes")
    return answer.text


def draw(_):
    return str(uuid.uuid4()), random.random(), time.time()


def write(path):
    with open(path, "w") as file:
        file.write("from a task")
    return os.getcwd(), os.environ.get("OF_THE_PARENT")


def spin(rounds):
    total = 0
    for n in range(rounds):
        total += n * n % 7
    return total


def see(name, value):
    op.upsert("seen", {"name": name, "value": str(value)})


def process_pool(configuration, state):
    """What `ProcessPoolExecutor` does elsewhere."""
    with ProcessPoolExecutor(2, initializer=prepare, initargs=("ready",)) as pool:
        see("map", list(pool.map(square, range(10))))
        see("chunks", list(pool.map(add, range(10), range(10), chunksize=3)))
        futures = {pool.submit(square, n): n for n in range(6)}
        done = {futures[f]: f.result() for f in concurrent.futures.as_completed(futures)}
        see("as_completed", sorted(done.items()))
        finished, left = concurrent.futures.wait([pool.submit(add, 1, b=2)], timeout=60)
        see("wait", ([f.result() for f in finished], len(left)))
        ready, pid, name, module = pool.submit(whoami, 0).result()
        see("process", (ready, pid != os.getpid(), name.startswith("SpawnProcess-"), module))
        called = []
        future = pool.submit(square, 3)
        future.add_done_callback(lambda f: called.append(f.result()))
        while not future.done():
            time.sleep(0.01)
        see("callback", called)
        try:
            pool.submit(sleeps, 30).result(timeout=0.05)
        except TimeoutError as error:
            see("timeout", type(error).__name__)
        pool.terminate_workers()
    with ProcessPoolExecutor(1) as pool:
        see("kept between tasks", list(pool.map(count, range(3))))
        see("lambda", type(pool.submit(lambda: 1).exception()).__name__)
        see("still alive", pool.submit(square, 4).result())
        futures = [pool.submit(sleeps, 0.01) for _ in range(3)]
        see("cancel", [futures[2].cancel(), futures[2].cancelled()])
    with ProcessPoolExecutor(1, max_tasks_per_child=1) as pool:
        see("fresh for each task", list(pool.map(count, range(3))))
    try:
        pool.submit(square, 1)
    except RuntimeError as error:
        see("after shutdown", error)


def exceptions_of_tasks(configuration, state):
    with ProcessPoolExecutor(2) as pool:
        for n in range(6):
            error = pool.submit(fail, n).exception()
            see(f"fail {n}", f"{type(error).__name__}: {error}")
            if n == 1:
                see("traceback", "in fail\n    raise ValueError" in str(error.__cause__))
        see("operation", pool.submit(sends_a_row, 1).exception())
    if configuration.get("raise"):
        with ProcessPoolExecutor(1) as pool:
            pool.submit(fail, 1).result()


def multiprocessing_pool(configuration, state):
    with multiprocessing.Pool(2, prepare, ("pool",)) as pool:
        see("map", pool.map(square, range(10)))
        see("starmap", pool.starmap(add, [(1, 2), (3, 4)]))
        see("apply", pool.apply(add, (1,), {"b": 5}))
        results = []
        pending = pool.apply_async(square, (5,), callback=results.append)
        see("apply_async", (pending.get(timeout=60), pending.successful(), results))
        see("imap", list(pool.imap(square, range(5), chunksize=2)))
        see("imap_unordered", sorted(pool.imap_unordered(square, range(5))))
        failed = pool.map_async(fail, [1])
        failed.wait()
        see("failed", failed.successful())
        try:
            pool.apply_async(sleeps, (30,)).get(0.05)
        except multiprocessing.TimeoutError:
            see("timeout", "TimeoutError")
    pool = multiprocessing.get_context("spawn").Pool(1)
    result = pool.map_async(square, range(3))
    pool.close()
    pool.join()
    see("join", result.get())
    process = multiprocessing.Process(target=write, args=("/tmp/by-a-process",))
    process.start()
    process.join()
    with open("/tmp/by-a-process") as file:
        see("process", (process.exitcode, process.is_alive(), file.read()))
    broken = multiprocessing.Process(target=fail, args=(1,))
    broken.start()
    broken.join()
    see("failed process", broken.exitcode)
    endless = multiprocessing.Process(target=loops, args=(1,))
    endless.start()
    endless.terminate()
    see("terminated", (endless.exitcode, endless.is_alive()))
    try:
        multiprocessing.Queue()
    except NotImplementedError as error:
        see("queue", error)
    with contextlib.suppress(ImportError):
        multiprocessing.RLock()
    with multiprocessing.pool.ThreadPool(2) as pool:
        see("threads", pool.map(lambda n: n + 1, range(3)))
    see("cpu_count", os.cpu_count() == multiprocessing.cpu_count() >= 1)


def surroundings_of_tasks(configuration, state):
    os.environ["OF_THE_PARENT"] = "inherited"
    os.makedirs("/tmp/deep", exist_ok=True)
    with ProcessPoolExecutor(1) as pool:
        see("folder and environment", pool.submit(write, "/tmp/deep/file").result())
    with open("/tmp/deep/file") as file:
        see("file", file.read())


def tasks_nobody_waits_for(configuration, state):
    pool = ProcessPoolExecutor(1)
    for n in range(3):
        pool.submit(log.info, f"task {n} ran")


def two_pools(configuration, state):
    """More pools than there may be workers; none is shut down."""
    pools = [ProcessPoolExecutor(2) for _ in range(6)]
    futures = [pool.submit(square, n) for n, pool in enumerate(pools)]
    see("all", [f.result() for f in futures])
    see("again", [pool.submit(square, n).result() for n, pool in enumerate(pools)])


async def process_pool_in_asyncio(configuration, state):
    import asyncio

    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(2) as pool:
        tasks = [loop.run_in_executor(pool, square, n) for n in range(4)]
        ticks = []

        async def tick():
            while True:
                await asyncio.sleep(0.001)
                ticks.append(1)

        ticking = asyncio.create_task(tick())
        see("gathered", await asyncio.gather(*tasks))
        ticking.cancel()
        see("went on", len(ticks) > 0)


def fetch_in_processes(configuration, state):
    workers = int(configuration.get("workers", 2))
    with ProcessPoolExecutor(workers) as pool:
        for n, text in enumerate(pool.map(fetch, configuration["urls"].split())):
            op.upsert("pages", {"n": n, "text": text})


def draws(configuration, state):
    """For a replay: chance and time of tasks."""
    op.upsert("draws", {"n": -1, "drawn": str(draw(0))})
    with ProcessPoolExecutor(2) as pool:
        for n, drawn in enumerate(pool.map(draw, range(6))):
            op.upsert("draws", {"n": n, "drawn": str(drawn)})


def _begin():
    op.upsert("begun", {"id": 1})
    op.checkpoint({"begun": True})


def endless_task(configuration, state):
    _begin()
    with ProcessPoolExecutor(1) as pool:
        try:
            pool.submit(loops, 1).result()
        finally:
            op.upsert("after", {"id": 1})


def endless_task_behind_a_sleep(configuration, state):
    _begin()
    ProcessPoolExecutor(1).submit(loops, 1)
    time.sleep(10**6)


def endless_task_that_nobody_waits_for(configuration, state):
    _begin()
    ProcessPoolExecutor(2).submit(loops, 1)


def hoarding_task(configuration, state):
    _begin()
    with ProcessPoolExecutor(1) as pool:
        pool.submit(hoards, 1).result()


def memory_is_summed(configuration, state):
    _begin()
    with ProcessPoolExecutor(2) as pool:
        sizes = list(pool.map(holds, [90, 90]))
    op.upsert("after", {"id": 1, "sizes": str(sizes)})


def memory_comes_back(configuration, state):
    for n in range(6):
        with ProcessPoolExecutor(1) as pool:
            op.upsert("held", {"id": n, "bytes": pool.submit(holds, 90).result()})


def fork_bomb(configuration, state):
    with ProcessPoolExecutor(2) as pool:
        see("nested", pool.submit(nests, 1).exception())


def leaving_task(configuration, state):
    with ProcessPoolExecutor(1) as pool:
        futures = [pool.submit(leaves, 0), pool.submit(square, 1)]
        for future in futures:
            see("broken", f"{type(future.exception()).__name__}: {future.exception()}")
        try:
            pool.submit(square, 1)
        except BrokenProcessPool:
            see("afterwards", "BrokenProcessPool")
    with ProcessPoolExecutor(1) as pool:
        see("another pool", pool.submit(square, 3).result())
    with ProcessPoolExecutor(1, initializer=fail, initargs=(1,)) as pool:
        see("initializer", pool.submit(square, 3).exception())


def many_tasks(configuration, state):
    _begin()
    with ProcessPoolExecutor(2) as pool:
        futures = [pool.submit(square, n) for n in range(int(configuration["tasks"]))]
        op.upsert("after", {"id": 1, "sum": sum(future.result() for future in futures)})


def large_tasks(configuration, state):
    with ProcessPoolExecutor(1) as pool:
        see("too large", pool.submit(len, b"\xff" * (9 << 20)).exception())
        see("too large an answer", pool.submit(bytes, 17 << 20).exception())
        sizes = {pool.submit(len, b"\xff" * (7 << 20)).result() for _ in range(30)}
        sizes |= {len(pool.submit(bytes, 7 << 20).result()) for _ in range(30)}
        see("large", sizes)


def new_worker_for_each(configuration, state):
    _begin()
    with ProcessPoolExecutor(1, max_tasks_per_child=1) as pool:
        for n in range(10**9):
            pool.submit(square, n).result()


def unpicklable_bombs(configuration, state):
    """The other side's pickles are only read by instances of this component."""
    with ProcessPoolExecutor(1) as pool:
        error = pool.submit(square, Bomb()).exception()
        see("bomb", f"{type(error).__name__}: {error}")
        see("still alive", pool.submit(square, 4).result())


class Bomb:
    def __reduce__(self):
        return eval, ("1/0",)


def speed(configuration, state):
    """The same work here and in processes; lands the seconds of both."""
    rounds, tasks = int(configuration["rounds"]), int(configuration["tasks"])
    with ProcessPoolExecutor() as pool:
        list(pool.map(spin, [1] * os.cpu_count()))
        start = time.perf_counter()
        inline = [spin(rounds) for _ in range(tasks)]
        middle = time.perf_counter()
        pooled = list(pool.map(spin, [rounds] * tasks))
        end = time.perf_counter()
    assert inline == pooled
    op.upsert("speed", {"id": 1, "inline": middle - start, "pooled": end - middle, "workers": os.cpu_count()})


MODES = {
    function.__name__: function
    for function in (
        process_pool,
        exceptions_of_tasks,
        multiprocessing_pool,
        surroundings_of_tasks,
        tasks_nobody_waits_for,
        two_pools,
        process_pool_in_asyncio,
        fetch_in_processes,
        draws,
        endless_task,
        endless_task_behind_a_sleep,
        endless_task_that_nobody_waits_for,
        hoarding_task,
        memory_is_summed,
        memory_comes_back,
        fork_bomb,
        leaving_task,
        many_tasks,
        large_tasks,
        new_worker_for_each,
        unpicklable_bombs,
        speed,
    )
}
