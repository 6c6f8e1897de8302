"""Measures Sluice against what an author would do without it, side by side.

    python3 tests/bench/measure.py            everything (about ten minutes)
    python3 tests/bench/measure.py load start some of: load, memory, start, truncate, parts

Every figure is a ratio of two commands that ran in turn in the same minutes: a machine is
noisy and absolute times lie. Each pair runs several times and the medians are compared.
``load`` and ``memory`` compare rows per second and peak memory; ``start`` compares a whole
process with ``python3 -c "import requests"``. ``truncate`` marks ten million rows as deleted, beside
the one statement that does it, and says what memory that took. ``parts`` says where a row's time goes
in the guest.
"""

import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
SLUICE = REPOSITORY / "target/release/sluice"
ROWS = 1_000_000
ROUNDS = 5


def build(project: str, folder: Path) -> Path:
    component = folder / f"{project}.wasm"
    subprocess.run([SLUICE, "build", HERE / project, "-o", component], check=True)
    return component


def timed(command: list[object]) -> float:
    start = time.perf_counter()
    subprocess.run(
        [str(part) for part in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def peak_mib(command: list[object]) -> float:
    """Peak memory of one command, by the system's own account of a child that ran alone."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        os.write(write, json.dumps(peak).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        peak = json.loads(answer.read())
    os.waitpid(child, 0)
    return peak / 1024


def sync(component: Path, warehouse: Path, rows: int, **more: str) -> list[object]:
    configuration = warehouse.with_suffix(".json")
    configuration.write_text(json.dumps({"rows": str(rows), **more}))
    return [
        SLUICE,
        "run",
        component,
        "--configuration",
        configuration,
        "--warehouse",
        warehouse,
        "--connection",
        "bench",
        "--preview",
        "0",
        "--memory",
        "256",
        "--json",
    ]


def compare(name: str, ours: Callable[[int], float], theirs: Callable[[int], float]) -> float:
    """The ratio of speeds: above 1, Sluice is faster."""
    pairs = [(ours(index), theirs(index)) for index in range(ROUNDS)]
    mine, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"{name:44} sluice {mine:7.3f} s   native {other:7.3f} s   ratio {other / mine:5.2f}x", flush=True)
    return other / mine


def load(folder: Path) -> None:
    bulk = build("bulk", folder)
    timed(sync(bulk, folder / "warm", 1000))
    native = [sys.executable, HERE / "native.py"]

    def full(index: int) -> float:
        return timed(sync(bulk, folder / f"full{index}", ROWS))

    def again(index: int) -> float:
        return timed(sync(bulk, folder / f"full{index}", ROWS, salt=" again"))

    compare(
        f"{ROWS:,} rows, empty database",
        full,
        lambda index: timed([*native, folder / f"native{index}.db", ROWS]),
    )
    compare(
        f"{ROWS:,} rows, every row updated",
        again,
        lambda index: timed([*native, folder / f"native{index}.db", ROWS, " again"]),
    )


def memory(folder: Path) -> None:
    bulk = build("bulk", folder)
    small = peak_mib(sync(bulk, folder / "small", ROWS))
    large = peak_mib(sync(bulk, folder / "large", 10 * ROWS))
    print(
        f"peak memory: {ROWS:,} rows {small:.0f} MiB, "
        f"{10 * ROWS:,} rows {large:.0f} MiB, ratio {large / small:.2f}"
    )


def start(folder: Path) -> None:
    one = build("one", folder)
    timed(sync(one, folder / "start", 1))
    compare(
        "start to end of a sync of one row",
        lambda index: timed(sync(one, folder / "start", 1)),
        lambda index: timed([sys.executable, "-c", "import requests"]),
    )


def truncate(folder: Path) -> None:
    bulk, warehouse = build("bulk", folder), folder / "truncated"
    timed(sync(bulk, warehouse, 10 * ROWS))
    ours = timed(sync(bulk, warehouse, 0, truncate="yes"))
    database = sqlite3.connect(warehouse / "bench.db")
    marked = database.execute("SELECT count(*) FROM items WHERE _sluice_deleted = 1").fetchone()
    database.execute("UPDATE items SET _sluice_deleted = 0")
    database.commit()
    started = time.perf_counter()
    database.execute("UPDATE items SET _sluice_deleted = 1 WHERE _sluice_deleted = 0")
    database.commit()
    theirs = time.perf_counter() - started
    database.execute("UPDATE items SET _sluice_deleted = 0")
    database.commit()
    database.close()
    peak = peak_mib(sync(bulk, warehouse, 0, truncate="yes"))
    print(
        f"truncate of {marked[0]:,} rows: sluice {ours:.1f} s, the statement alone {theirs:.1f} s, "
        f"peak memory {peak:.0f} MiB"
    )


def parts_of_a_row(folder: Path) -> None:
    command = sync(build("parts", folder), folder / "parts", 1)
    events = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    for event in map(json.loads, events.stdout.splitlines()):
        if event.get("event") == "log":
            print(event["message"])


def main() -> None:
    parts = {"load": load, "memory": memory, "start": start, "truncate": truncate, "parts": parts_of_a_row}
    subprocess.run(["cargo", "build", "--release", "--quiet"], check=True, cwd=REPOSITORY)
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or parts:
            parts[name](Path(folder))


if __name__ == "__main__":
    main()
