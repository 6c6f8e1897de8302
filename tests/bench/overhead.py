"""What a sync of one row costs inside a running batch, beyond the connector's own work.

    python3 tests/bench/overhead.py SLUICE COMPONENT [--more 60] [--few 10] [--rounds 3]

COMPONENT is tests/guests/many, built. A batch of few and one of many connections are run in turn; what
one more sync costs is the difference of their processor times, by the number of syncs. The connector's own
is what the history of runs says (`cpu_seconds`): the time of the worker's thread while the connector is
entered, its instantiation included.
"""

import argparse
import ctypes
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import tempfile
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
TICKS = os.sysconf("SC_CLK_TCK")


def fleet(component: Path, count: int, concurrency: int, rows: int) -> str:
    lines = [f"concurrency = {concurrency}", "[defaults]", "retry = { attempts = 1 }"]
    for at in range(count):
        lines += [f"[connections.c{at}]", f"component = {json.dumps(str(component))}"]
        lines += [f'configuration = {{ mode = "resumable", rows = "{rows}", every = "1000" }}']
    return "\n".join(lines) + "\n"


Cost = tuple[float, float, float]


def batch(sluice: Path, folder: Path) -> Cost:
    """Processor seconds of the host, of its workers, and of the connectors by their own account."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    known = own(folder)
    process = subprocess.Popen(
        [sluice, "batch", "--json"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    host = 0.0
    for line in process.stdout or ():
        event = json.loads(line)
        if event["event"] == "batch_finished":
            assert event["succeeded"] == "all", event
            assert all(connection["rows"] == 1 for connection in event["connections"]), event
            fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            host = (int(fields[11]) + int(fields[12])) / TICKS
    process.wait()
    # Workers belong to templates, which end when nobody has their channel any more.
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return host, total - host, own(folder) - known


def own(folder: Path) -> float:
    history = folder / "warehouse/runs.db"
    if not history.exists():
        return 0.0
    with sqlite3.connect(history) as database:
        return float(database.execute("SELECT coalesce(sum(cpu_seconds), 0) FROM runs").fetchone()[0])


def batches(sluice: Path, component: Path, count: int, concurrency: int) -> tuple[Cost, Cost]:
    """The first sync of so many connections, and then one row more of each."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, costs = Path(temporary), []
        for rows in (1, 2):
            (folder / "sluice.toml").write_text(fleet(component, count, concurrency, rows))
            costs.append(batch(sluice, folder))
    return costs[0], costs[1]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sluice", type=Path)
    parser.add_argument("component", type=Path)
    parser.add_argument("--more", type=int, default=60)
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--concurrency", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    # Whoever is left over by the batch is counted here too.
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    sluice, component = arguments.sluice.resolve(), arguments.component.resolve()
    batches(sluice, component, 1, 1)
    found: list[list[list[float]]] = [[], []]
    for _ in range(arguments.rounds):
        few = batches(sluice, component, arguments.few, arguments.concurrency)
        more = batches(sluice, component, arguments.more, arguments.concurrency)
        syncs = arguments.more - arguments.few
        for kind, pair in zip(found, zip(few, more, strict=True), strict=True):
            kind.append([(b - a) / syncs * 1000 for a, b in zip(*pair, strict=True)])
    for name, kind in zip(("the first sync", "a later sync"), found, strict=True):
        host, workers, connector = (statistics.median(values) for values in zip(*kind, strict=True))
        print(
            f"{name}, one row, median of {arguments.rounds}: host {host:.1f} ms, worker {workers:.1f} ms, "
            f"of which the connector's own {connector:.1f} ms; beyond it {host + workers - connector:.1f} ms"
        )


if __name__ == "__main__":
    main()
