"""Measures HTTP in a connector against the same program in native Python, side by side.

    python3 tests/bench/measure_http.py              everything (about five minutes)
    python3 tests/bench/measure_http.py slow page    some of: slow, page, tls, body, rows

Both sides fetch from the same local server in turn, in the same minutes, and run the same versions of
`requests` and `urllib3`; medians are compared. ``slow`` are pages that take 20 ms, ``page`` pages without
latency, both with a `Session`; ``tls`` are requests without one; ``body`` is a body of 100 MiB, also with the
guest's peak memory; ``rows`` are pages of 1,000 rows until they are in the database, whole processes against
`requests`, `json` and `executemany`. For all but the last, the seconds are those of the work itself, without
the start of a process. The body is fetched more often: three processes share the processors, and single
measurements differ by half. A loaded machine favours whoever needs fewer of its cores: look at ``uptime``
first.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
SLUICE = REPOSITORY / "target/release/sluice"
ROUNDS = 5
BODY_ROUNDS = 25


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "venv/bin/python"
        venv.create(folder / "venv", with_pip=True)
        pip = [self.python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        for what in (["-r", REPOSITORY / "host/src/compiler/base.lock"], ["cryptography"]):
            subprocess.run([*pip, *what], check=True)
        self.component = folder / "pages.wasm"
        subprocess.run([SLUICE, "build", HERE / "pages", "-o", self.component], check=True)
        subprocess.run([self.python, HERE / "certificates.py", folder], check=True)
        self.server = subprocess.Popen(
            [sys.executable, HERE / "server.py", folder / "server.pem"], stdout=subprocess.PIPE, text=True
        )
        assert self.server.stdout is not None
        plain, tls = self.server.stdout.readline().split()
        self.plain, self.tls = f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{tls}"

    def sluice(self, kind: str, url: str, count: int, name: str = "pages") -> list[dict[str, object]]:
        configuration = self.folder / "configuration.json"
        configuration.write_text(json.dumps({"work": kind, "url": url, "count": str(count)}))
        command = [
            SLUICE,
            "run",
            self.component,
            "--configuration",
            configuration,
            "--json",
            "--preview",
            "0",
        ]
        command += ["--allow", self.plain, "--allow", self.tls, "--ca-file", self.folder / "ca.pem"]
        command += ["--warehouse", self.folder / name, "--connection", "bench"]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def native(self, *arguments: object) -> str:
        command = [self.python, HERE / "native_pages.py", *arguments]
        environment = {"PATH": "/usr/bin:/bin", "REQUESTS_CA_BUNDLE": str(self.folder / "ca.pem")}
        done = subprocess.run(
            [str(part) for part in command], stdout=subprocess.PIPE, text=True, check=True, env=environment
        )
        return done.stdout

    def seconds(self, kind: str, url: str, count: int) -> Callable[[int], float]:
        def ours(_: int) -> float:
            said = [str(event.get("message", "")) for event in self.sluice(kind, url, count)]
            return float(next(text for text in said if text.startswith("seconds ")).split()[1])

        return ours

    def compare(
        self, name: str, kind: str, url: str, count: int, wanted: float, rounds: int = ROUNDS
    ) -> None:
        ours = self.seconds(kind, url, count)
        show(name, ours, lambda _: float(self.native(kind, url, count)), count, wanted, rounds)


def show(
    name: str,
    ours: Callable[[int], float],
    native: Callable[[int], float],
    count: int,
    wanted: float,
    rounds: int = ROUNDS,
) -> None:
    pairs = [(ours(index), native(index)) for index in range(rounds)]
    mine, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(
        f"{name:42} sluice {count / mine:8.1f}/s   native {count / other:8.1f}/s   ratio {other / mine:5.2f}x"
        f"   (wanted {wanted}x)",
        flush=True,
    )


def slow(bench: Bench) -> None:
    bench.compare("pages after 20 ms, Session", "session", bench.plain + "/slow", 100, 0.97)


def page(bench: Bench) -> None:
    bench.compare("pages at once, Session", "session", bench.plain + "/page", 2000, 0.7)


def tls(bench: Bench) -> None:
    bench.compare("pages over TLS, requests.get", "single", bench.tls + "/page", 500, 1.5)


def body(bench: Bench) -> None:
    bench.compare("a body of 100 MiB (MiB/s)", "body", bench.plain + "/body", 100, 0.7, BODY_ROUNDS)
    for size in (1, 100):
        report = bench.sluice("body", bench.plain + "/body", size)[-1]
        peak = int(str(report["peak_memory_bytes"])) / 2**20
        print(f"    peak memory of the guest with {size} MiB: {peak:.1f} MiB")


def rows(bench: Bench) -> None:
    pages = 100

    def timed(run: Callable[[int], object]) -> Callable[[int], float]:
        def took(index: int) -> float:
            started = time.perf_counter()
            run(index)
            return time.perf_counter() - started

        return took

    url = bench.plain + "/rows"
    bench.sluice("rows", url, 1, "warm")
    show(
        "1,000-row pages until they landed (rows/s)",
        timed(lambda index: bench.sluice("rows", url, pages, f"rows{index}")),
        timed(lambda index: bench.native("rows", url, pages, bench.folder / f"native{index}.db")),
        pages * 1000,
        1.0,
    )


def main() -> None:
    parts = {"slow": slow, "page": page, "tls": tls, "body": body, "rows": rows}
    subprocess.run(["cargo", "build", "--release", "--quiet"], check=True, cwd=REPOSITORY)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        try:
            for name in sys.argv[1:] or parts:
                parts[name](bench)
        finally:
            bench.server.terminate()


if __name__ == "__main__":
    main()
