"""Measures what a connector gains by doing things at the same time.

    python3 tests/bench/concurrency.py              everything (about two minutes)
    python3 tests/bench/concurrency.py cpu fetches  some of it

``cpu``: the same tasks one after the other and with `ProcessPoolExecutor`, in a sync and, right before and
after it, in the machine's own Python. A machine that others use too gives neither of them two processors, so
besides the two speed-ups there is what does not depend on that: the speed-up of the connector divided by the
native one of the same moments (median of the rounds), and how much more processor time the tasks take in a
pool than inline, which is all that a pool can lose on processors of its own.
``fetches``: 32 requests to an endpoint that takes a second, beside one alone.
"""

import http.server
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
SLUICE = os.environ.get("SLUICE") or REPOSITORY / "target/release/sluice"
ROUNDS = 9
TASKS, NUMBERS = 12, 1_000_000
COSTS = 3
FETCHES = 32


def sync(component: Path, folder: Path, configuration: dict[str, str], *more: str) -> dict[str, float]:
    """The seconds that one sync of the connector landed, by name."""
    settings, warehouse = folder / "configuration.json", tempfile.mkdtemp(dir=folder)
    settings.write_text(json.dumps(configuration))
    command = [SLUICE, "run", component, "--configuration", settings, "--warehouse", warehouse]
    command += ["--connection", "bench", "--preview", "0", "--json", *more]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    database = sqlite3.connect(Path(warehouse) / "bench.db")
    return dict(database.execute("SELECT name, seconds FROM times"))


def native() -> float:
    """How much faster a pool of the machine's own Python is than inline."""
    command = [sys.executable, HERE / "together/spinning.py", str(NUMBERS), str(TASKS)]
    done = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True)
    inline, processes = map(float, done.stdout.split())
    return inline / processes


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu(component: Path, folder: Path) -> None:
    ours, machine, shares, costs = [], [], [], []
    before = native()
    for _ in range(ROUNDS):
        times = sync(component, folder, {"rounds": str(NUMBERS), "tasks": str(TASKS)})
        after = native()
        ours.append(times["inline"] / times["processes"])
        machine.append((before * after) ** 0.5)
        shares.append(ours[-1] / machine[-1])
        before = after
    for _ in range(COSTS):
        used = {}
        for way in ("inline", "processes", "neither"):
            start = processor_seconds()
            sync(component, folder, {"rounds": str(NUMBERS), "tasks": str(TASKS), "only": way})
            used[way] = processor_seconds() - start
        costs.append((used["processes"] - used["neither"]) / (used["inline"] - used["neither"]))
    middle = statistics.median
    print(
        f"{TASKS} tasks of processor work on {os.cpu_count()} processors, inline / ProcessPoolExecutor:\n"
        f"    connector {middle(ours):.2f}x (best {max(ours):.2f}x), native {middle(machine):.2f}x "
        f"(best {max(machine):.2f}x)\n"
        f"    connector / native in the same moments {middle(shares):.2f} "
        f"(from {min(shares):.2f} to {max(shares):.2f}); 0.85 is 1.7x where native gains 2x\n"
        f"    processor time in the pool / inline {middle(costs):.2f}, "
        f"which alone allows {2 / middle(costs):.2f}x on two processors",
        flush=True,
    )


class Slow(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        time.sleep(1)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


def fetches(component: Path, folder: Path) -> None:
    server = Server(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    times = sync(component, folder, {"url": url, "fetches": str(FETCHES)}, "--allow", url)
    server.shutdown()
    one = times.pop("one fetch")
    print(f"one fetch of an endpoint that takes a second: {one:.2f} s")
    for name, seconds in times.items():
        print(f"{FETCHES} {name}: {seconds:.2f} s, {seconds / one:.2f} times one")


def main() -> None:
    if "SLUICE" not in os.environ:
        subprocess.run(["cargo", "build", "--release", "--quiet"], check=True, cwd=REPOSITORY)
    with tempfile.TemporaryDirectory() as folder:
        component = Path(folder) / "together.wasm"
        subprocess.run([str(SLUICE), "build", str(HERE / "together"), "-o", str(component)], check=True)
        for name in sys.argv[1:] or ("cpu", "fetches"):
            {"cpu": cpu, "fetches": fetches}[name](component, Path(folder))


if __name__ == "__main__":
    main()
