"""Processor work, inline and in a pool: in a connector, and natively as a program."""

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor


def spin(rounds):
    total = 0
    for n in range(rounds):
        total += n * n % 7
    return total


def warm(pool):
    """Have all processes started."""
    list(pool.map(spin, [100_000] * os.cpu_count()))


def inline(rounds, tasks):
    return [spin(rounds) for _ in range(tasks)]


def pooled(pool, rounds, tasks):
    return list(pool.map(spin, [rounds] * tasks))


def both(rounds, tasks):
    """The seconds of either way, by name."""
    with ProcessPoolExecutor() as pool:
        warm(pool)
        start = time.perf_counter()
        expected = inline(rounds, tasks)
        yield "inline", time.perf_counter() - start
        start = time.perf_counter()
        found = pooled(pool, rounds, tasks)
        yield "processes", time.perf_counter() - start
    if expected != found:
        raise ValueError("the results differ")


if __name__ == "__main__":
    print(*(seconds for _, seconds in both(int(sys.argv[1]), int(sys.argv[2]))))
