"""Measure the way of a row from `op.upsert` to a batch: nanoseconds of CPU a row, best of several rounds.

    python benches/rows.py [--rows N] [--rounds N]

Runs against the fake bindings of tests/fakes. `dicts only` is the same loop without the operation.
"""

import argparse
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "src"), str(HERE.parent / "tests" / "fakes")]

from wit_world.imports import operations, types  # noqa: E402

# the bindings do not check either
for case in vars(types).values():
    if isinstance(case, type) and hasattr(case, "__post_init__"):
        case.__post_init__ = lambda self: None

from sluice import Operations as op  # noqa: E402
from sluice import _schema  # noqa: E402
from sluice._writer import writer  # noqa: E402

SHAPES = {
    "plain": lambda i: {
        "id": i,
        "name": "customer",
        "score": 1.5,
        "active": True,
        "at": "2024-02-29T01:02:03Z",
    },
    "unicode": lambda i: {"id": i, "name": "Zoë Müller", "score": 1.5, "active": True, "at": "2024-02-29"},
    "nulls": lambda i: {
        "id": i,
        "name": None if i % 3 else "customer",
        "score": 1.5 if i % 2 else None,
        "active": True,
        "at": "2024-02-29T01:02:03Z",
    },
    "mixed": lambda i: {
        "id": i,
        "name": "customer",
        "score": 1.5 if i % 2 else 1,
        "active": True,
        "at": "2024-02-29T01:02:03Z",
    },
    "sparse": lambda i: (
        {"id": i, "name": "customer", "score": 1.5, "active": True}
        if i % 2
        else {"id": i, "name": "customer", "active": True, "at": "2024-02-29T01:02:03Z"}
    ),
    "nested": lambda i: {"id": i, "name": "customer", "score": 1.5, "active": True, "tags": ["a", "b"]},
}
TYPED = {"id": "LONG", "name": "STRING", "score": "DOUBLE", "active": "BOOLEAN", "at": "UTC_DATETIME"}


def rounds(count, times, make, send):
    best = float("inf")
    for _ in range(times):
        writer.begin()
        start = time.process_time()
        if send:
            for i in range(count):
                op.upsert("t", make(i))
        else:
            for i in range(count):
                make(i)
        if send:
            writer.finish()
        best = min(best, time.process_time() - start)
        operations.calls.clear()
    return best / count * 1e9


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(f"CPython {sys.version.split()[0]}, {arguments.rows} rows, best of {arguments.rounds}")
    print(f"{'shape':20}{'dicts only':>12}{'upsert':>10}{'difference':>12}  ns a row")
    for name, make in SHAPES.items():
        for typed in (False, True) if name in ("plain", "nulls") else (False,):
            columns = TYPED if typed else {}
            writer.declare(_schema.parse([{"table": "t", "primary_key": ["id"], "columns": columns}]))
            empty = rounds(arguments.rows, arguments.rounds, make, False)
            full = rounds(arguments.rows, arguments.rounds, make, True)
            label = name + (" declared" if typed else "")
            print(f"{label:20}{empty:12.0f}{full:10.0f}{full - empty:12.0f}")


if __name__ == "__main__":
    main()
