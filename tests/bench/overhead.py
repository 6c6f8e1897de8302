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


def fleet(component: Path, count: int, concurrency: int) -> str:
    lines = [f"concurrency = {concurrency}", "[defaults]", "retry = { attempts = 1 }"]
    for at in range(count):
        lines += [f"[connections.c{at}]", f"component = {json.dumps(str(component))}"]
        lines += ['configuration = { mode = "resumable", rows = "1", every = "1" }']
    return "\n".join(lines) + "\n"


def batch(sluice: Path, component: Path, count: int, concurrency: int) -> tuple[float, float, float]:
    """Processor seconds of the host, of its workers, and of the connectors by their own account."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "sluice.toml").write_text(fleet(component, count, concurrency))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = subprocess.Popen(
            [sluice, "batch", "--json"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        host = 0.0
        for line in process.stdout or ():
            event = json.loads(line)
            if event["event"] == "batch_finished":
                assert event["succeeded"] == "all", event
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
        with sqlite3.connect(folder / "warehouse/runs.db") as history:
            own = history.execute("SELECT sum(cpu_seconds) FROM runs").fetchone()[0]
    return host, total - host, own


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
    batch(sluice, component, 1, 1)
    found = []
    for _ in range(arguments.rounds):
        few = batch(sluice, component, arguments.few, arguments.concurrency)
        more = batch(sluice, component, arguments.more, arguments.concurrency)
        syncs = arguments.more - arguments.few
        found.append([(b - a) / syncs * 1000 for a, b in zip(few, more, strict=True)])
    host, workers, own = (statistics.median(values) for values in zip(*found, strict=True))
    print(f"a sync of one row, median of {arguments.rounds}: host {host:.1f} ms, worker {workers:.1f} ms")
    print(f"of which the connector's own: {own:.1f} ms; beyond it {host + workers - own:.1f} ms")


if __name__ == "__main__":
    main()
