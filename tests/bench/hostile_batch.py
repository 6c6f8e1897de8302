"""Hostile connectors beside honest ones: what lands, how long it takes, and how much memory.

    python3 tests/bench/hostile_batch.py SLUICE COMPONENT [--hostile 200] [--honest 20] [--concurrency 8]

COMPONENT is tests/guests/many, built. The honest ones are synced alone first, with the same concurrency. The
time of a sync is from the event of its start to that of its end. Memory is that of all processes, read ten
times a second.
"""

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

HOSTILE = (
    "endless_loop_that_catches",
    "endless_c_code",
    "colliding_keys",
    "memory_bomb",
    "endless_sleep",
    "rows_for_ever",
    "tables_for_ever",
    "too_many_handles",
    "log_flood",
    "endless_loop",
)
TIGHT = 'limits = { cpu = "2s", wall = "20s", rows = 100_000, tables_per_sync = 50, handles = 200 }'


def fleet(component: Path, hostile: int, honest: int, concurrency: int) -> str:
    lines = [f"concurrency = {concurrency}", "[defaults]", "retry = { attempts = 1 }"]
    every = max(hostile // honest, 1) if honest else 1
    names = [f"hostile_{at}" for at in range(hostile)]
    for at in range(honest):
        names.insert(min(at * (every + 1), len(names)), f"honest_{at}")
    for name in names:
        lines += [f"[connections.{name}]", f"component = {json.dumps(str(component))}"]
        if name.startswith("honest"):
            lines += ['configuration = { mode = "resumable", rows = "2000", every = "100" }']
        else:
            mode = HOSTILE[int(name.split("_")[1]) % len(HOSTILE)]
            lines += [f'configuration = {{ mode = "{mode}" }}', TIGHT]
    return "\n".join(lines) + "\n"


def tree(root: int) -> int:
    """Resident bytes of a process and everything below it; what they share counts once for each."""
    parents: dict[int, int] = {}
    resident: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
        resident[int(entry.name)] = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    total = 0
    for process in resident:
        above = process
        while above and above != root:
            above = parents.get(above, 0)
        total += resident[process] if above == root else 0
    return total


def batch(sluice: Path, folder: Path, text: str) -> dict[str, object]:
    folder.mkdir()
    (folder / "sluice.toml").write_text(text)
    process = subprocess.Popen(
        [sluice, "batch", "--json"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    peak = [0]

    def watch() -> None:
        while process.poll() is None:
            peak[0] = max(peak[0], tree(process.pid))
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started: dict[str, float] = {}
    ended: dict[str, float] = {}
    began = time.monotonic()
    report: dict[str, object] = {}
    for line in process.stdout or ():
        event = json.loads(line)
        name = event.get("connection")
        if name:
            started.setdefault(name, time.monotonic())
            ended[name] = time.monotonic()
        if event["event"] == "batch_finished":
            report = event
    process.wait()
    watcher.join()
    times = {name: ended[name] - started[name] for name in started}
    return {"times": times, "peak": peak[0], "report": report, "seconds": time.monotonic() - began}


def data(folder: Path, name: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(f"file:{folder}/warehouse/{name}.db?mode=ro", uri=True) as database:
        known = [row[1] for row in database.execute("PRAGMA table_info(items)")]
        columns = ", ".join(f'"{column}"' for column in known if not column.startswith("_"))
        return database.execute(f"SELECT {columns} FROM items ORDER BY 1").fetchall()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sluice", type=Path)
    parser.add_argument("component", type=Path)
    parser.add_argument("--hostile", type=int, default=200)
    parser.add_argument("--honest", type=int, default=20)
    parser.add_argument("--concurrency", type=int, default=8)
    arguments = parser.parse_args()
    sluice, component = arguments.sluice.resolve(), arguments.component.resolve()
    with tempfile.TemporaryDirectory() as temporary:
        folders = Path(temporary) / "alone", Path(temporary) / "beside"
        texts = (
            fleet(component, at, arguments.honest, arguments.concurrency) for at in (0, arguments.hostile)
        )
        alone, beside = (batch(sluice, folder, text) for folder, text in zip(folders, texts, strict=True))
        names = [f"honest_{at}" for at in range(arguments.honest)]
        for name in names:
            assert data(folders[0], name) == data(folders[1], name), f"{name} landed something else"
        first, second = ([run["times"][name] for name in names] for run in (alone, beside))
        outcomes: dict[str, int] = {}
        for one in beside["report"]["connections"]:
            kind = f"{one['connection'].split('_')[0]}: {one['outcome']}"
            outcomes[kind] = outcomes.get(kind, 0) + 1
    print(f"outcomes: {outcomes}")
    for name, run, times in (("alone", alone, first), ("beside", beside, second)):
        print(
            f"{name}: {run['seconds']:.1f} s in all, {run['peak'] / 2**20:.0f} MiB of all processes at most; "
            f"an honest sync {statistics.median(times):.2f} s (median), {max(times):.2f} s (most)"
        )
    ratios = statistics.median(second) / statistics.median(first), max(second) / max(first)
    print(f"ratio of honest syncs: {ratios[0]:.2f} (median), {ratios[1]:.2f} (most)")


if __name__ == "__main__":
    main()
