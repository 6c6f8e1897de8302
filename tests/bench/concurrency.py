"""Measures what a connector gains by doing things at the same time.

    python3 tests/bench/concurrency.py              everything (about two minutes)
    python3 tests/bench/concurrency.py cpu fetches  some of it

``cpu``: the same tasks one after the other and with `ProcessPoolExecutor`, in one sync, several
times; the median ratio counts, and the best says what a quiet machine gives. It means nothing while
other programs use the processors, which is why it also prints what two programs of the machine's own
Python gain, one beside the other, in the same minutes.
``fetches``: 32 requests to an endpoint that takes a second, beside one alone.
"""

import http.server
import json
import os
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
ROUNDS = 5
FETCHES = 32
SPIN = "total = 0\nfor n in range(12_000_000):\n    total += n * n % 7"


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
    """How much faster two programs are beside each other than one after the other."""

    def run(count: int) -> float:
        start = time.perf_counter()
        started = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)]
        for program in started:
            program.wait()
        return time.perf_counter() - start

    return 2 * run(1) / run(2)


def cpu(component: Path, folder: Path) -> None:
    ratios, machine = [], []
    for _ in range(ROUNDS):
        times = sync(component, folder, {"rounds": "1000000", "tasks": "12"})
        ratios.append(times["inline"] / times["processes"])
        machine.append(native())
    print(
        f"12 tasks of processor work: inline / ProcessPoolExecutor {statistics.median(ratios):.2f}x "
        f"(best {max(ratios):.2f}x) on {os.cpu_count()} processors; "
        f"two programs beside each other {statistics.median(machine):.2f}x (best {max(machine):.2f}x)"
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
