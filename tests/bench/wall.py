"""Measures what the second wall costs: syncs with it and with ``--no-jail``, in turn in the same minutes.

    python3 tests/bench/wall.py [SLUICE]

``start`` is a whole process that syncs one row, ``load`` a million rows into an empty database.
The difference of medians is printed; the bar is 10 ms and 5 %.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
SLUICE = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent.parent / "target/release/sluice"


def build(project: str, folder: Path) -> Path:
    component = folder / f"{project}.wasm"
    subprocess.run([SLUICE, "build", HERE / project, "-o", component], check=True)
    return component


def sync(component: Path, warehouse: Path, rows: int, *more: str) -> float:
    configuration = warehouse.with_suffix(".json")
    configuration.write_text(json.dumps({"rows": str(rows)}))
    command = [SLUICE, "run", component, "--configuration", configuration, "--warehouse", warehouse]
    command += ["--connection", "bench", "--preview", "0", "--memory", "256", "--json", *more]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def compare(component: Path, folder: Path, rows: int, rounds: int) -> tuple[float, float]:
    walled, bare = [], []
    for index in range(rounds):
        walled.append(sync(component, folder / f"w{rows}-{index}", rows))
        bare.append(sync(component, folder / f"b{rows}-{index}", rows, "--no-jail"))
    return statistics.median(walled), statistics.median(bare)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one, bulk = build("one", folder), build("bulk", folder)
        sync(one, folder / "warm1", 1)
        sync(bulk, folder / "warm2", 1000)
        walled, bare = compare(one, folder, 1, 21)
        took = (walled - bare) * 1000
        print(f"start: {walled * 1000:.1f} ms with, {bare * 1000:.1f} ms without: {took:+.1f} ms", flush=True)
        walled, bare = compare(bulk, folder, 1_000_000, 5)
        print(f"load: {walled:.2f} s with, {bare:.2f} s without: {(walled / bare - 1) * 100:+.1f} %")


if __name__ == "__main__":
    main()
