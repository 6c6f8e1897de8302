"""Measures what an author waits for after an edit: `sluice build` of a changed connector.py, and a sync.

    python3 tests/bench/build.py [SLUICE] [ROUNDS]

Processor seconds of all processes, and seconds on the clock. The first build, in a cache that has the build
tools and packages but nothing made of them, is what the others are compared with: a machine is noisy, and
absolute times lie.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent
MADE = ("components", "code", "bytecode")

CONNECTOR = """\
import requests
from fivetran_connector_sdk import Connector, Operations as op

VALUE = "{value}"


def update(configuration, state):
    op.upsert("t", {{"id": 1, "value": VALUE, "agent": requests.utils.default_user_agent()}})
    op.checkpoint({{"done": True}})


connector = Connector(update=update, schema=lambda c: [{{"table": "t", "primary_key": ["id"]}}])
"""


class Bench:
    """A project and caches in one folder."""

    def __init__(self, sluice: str, folder: Path) -> None:
        self.sluice = sluice
        self.cache = folder / "cache"
        self.project = folder / "bench"
        self.component = folder / "bench.wasm"
        self.warehouse = folder / "warehouse"
        self.environment = {
            **os.environ,
            "SLUICE_CACHE_DIR": str(self.cache),
            "SLUICE_STATE_DIR": str(folder / "state"),
        }
        self.project.mkdir()
        (self.project / "connector.toml").write_text('name = "bench"\n')

    def save(self, value: str) -> None:
        (self.project / "connector.py").write_text(CONNECTOR.format(value=value))

    def measured(self, *arguments: object) -> tuple[float, float]:
        """Processor seconds and seconds of one command with all that it started."""
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [self.sluice, *map(str, arguments)]
        subprocess.run(command, check=True, env=self.environment, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return used, time.perf_counter() - start

    def build(self) -> tuple[float, float]:
        return self.measured("build", self.project, "-o", self.component)

    def run(self) -> tuple[float, float]:
        return self.measured("run", self.component, "--warehouse", self.warehouse, "--json", "--accept")

    def forget(self) -> None:
        """Leaves nothing in the cache but build tools and packages."""
        for name in MADE:
            shutil.rmtree(self.cache / name, ignore_errors=True)


def add(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return one[0] + other[0], one[1] + other[1]


def median(measured: list[tuple[float, float]]) -> tuple[float, float]:
    used, took = zip(*measured, strict=True)
    return statistics.median(used), statistics.median(took)


def show(what: str, measured: tuple[float, float], first: tuple[float, float] | None = None) -> None:
    compared = "" if first is None else f", {measured[0] / first[0]:.3f} of the first"
    print(f"{what:40} {measured[0]:6.2f} s of processor, {measured[1]:6.2f} s{compared}", flush=True)


def main() -> None:
    default = REPOSITORY / "target/release/sluice"
    sluice = sys.argv[1] if len(sys.argv) > 1 else str(default)
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(sluice, Path(folder))
        bench.save("tools")
        bench.build()
        bench.forget()
        bench.save("first")
        first = bench.build()
        show("first build", first)
        both = add(first, bench.run())
        show("first build and a sync of one row", both)
        built, synced = [], []
        for number in range(rounds):
            bench.save(f"round {number}")
            built.append(bench.build())
            synced.append(add(built[-1], bench.run()))
        show("build after an edit", median(built), first)
        show("build after an edit and a sync", median(synced), both)


if __name__ == "__main__":
    main()
