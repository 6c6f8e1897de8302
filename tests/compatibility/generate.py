"""Writes docs/compatibility.md from what real connectors did in the sandbox.

    python3 tests/compatibility/generate.py --run target/release/sluice   # tries all: half an hour
    python3 tests/compatibility/generate.py           # writes the page anew from the record
    python3 tests/compatibility/generate.py --check   # whether the page is that of the record

`--run` builds the packages of `packages.py` in a few batches with the given program, runs each once, and
keeps what became of them in `results.json`, for a refused package the words of the build.
`--only NAME` (repeatable) tries only batches with these packages again; `standard-library` names the modules.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "guest-python/src/sluice")]

import page  # noqa: E402

RESULTS = HERE / "results.json"
PAGE = ROOT / "docs/compatibility.md"
STANDARD_LIBRARY = "standard-library"
_REFUSED = re.compile(
    r"([A-Za-z0-9._-]+)(?:, which ([A-Za-z0-9._-]+) requires,)? (cannot be used|ships only source)"
)


def normal(name: str) -> str:
    """A distribution's name in its one normal spelling."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Runner:
    """Builds connectors and runs them, each in a folder of its own."""

    def __init__(self, sluice: str, results: dict[str, Any]) -> None:
        self.sluice = str(Path(sluice).resolve())
        self.results = results

    def batch(self, packages: dict[str, str], *, standard_library: bool = False) -> None:
        """Try packages together; those that a build refuses are recorded and left out."""
        if not packages and not standard_library:
            return
        with tempfile.TemporaryDirectory() as temporary:
            project = Path(temporary) / "compatibility"
            shutil.copytree(HERE / "guest", project)
            (project / "requirements.txt").write_text("\n".join(packages))
            entries = [{"name": name, "code": code} for name, code in packages.items()]
            tried = {"packages": entries, "standard_library": standard_library, "calls": _calls()}
            (project / "exercises.json").write_text(json.dumps(tried))
            print("building", ", ".join(packages) or STANDARD_LIBRARY, flush=True)
            built = self._run("build", ".", cwd=project)
            if built.returncode:
                self._refused(packages, built.stderr)
                return
            ran = self._run("run", "compatibility.wasm", "--memory", "1024", cwd=project)
            database = project / "warehouse/compatibility.db"
            if ran.returncode or not database.exists():
                self._split(packages, "does not end well in the sandbox: " + ran.stderr.strip()[-300:])
                return
            self._record(database)
        self.save()

    def _run(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.sluice, *arguments], cwd=cwd, capture_output=True, text=True, check=False)

    def _record(self, database: Path) -> None:
        with sqlite3.connect(database) as connection:
            for table in ("packages", "modules", "calls"):
                if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
                    columns = "name, outcome, version" if table == "packages" else "name, outcome, NULL"
                    for name, outcome, version in connection.execute(f"SELECT {columns} FROM {table}"):
                        entry = {"outcome": outcome} | ({"version": version} if version else {})
                        self.results[table][name] = entry

    def _refused(self, packages: dict[str, str], said: str) -> None:
        said = said.partition("could not build compatibility: ")[2] or said
        lines = said.splitlines()
        names = {normal(name): name for name in packages}
        refused: dict[str, str] = {}
        for line in lines:
            found = _REFUSED.match(line)
            culprit = found and next((n for n in (found[1], found[2]) if n and normal(n) in names), None)
            if culprit:
                refused[names[normal(culprit)]] = line.strip()
        for name, why in refused.items():
            self.results["packages"][name] = {"outcome": f"refused: {why}"}
        if refused:
            self.batch({name: code for name, code in packages.items() if name not in refused})
        else:
            self._split(packages, "refused: " + "\n".join(lines[-12:]).strip()[-600:])

    def _split(self, packages: dict[str, str], why: str) -> None:
        """Find the package that breaks its batch."""
        if len(packages) <= 1:
            for name in packages:
                self.results["packages"][name] = {"outcome": why}
            self.save()
            return
        entries = list(packages.items())
        middle = len(entries) // 2
        self.batch(dict(entries[:middle]))
        self.batch(dict(entries[middle:]))

    def save(self) -> None:
        """Keep what is known so far."""
        ordered = {table: dict(sorted(entries.items())) for table, entries in self.results.items()}
        RESULTS.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")


def _calls() -> list[tuple[str, str]]:
    import _advice
    import calls

    return [(name, calls.exercise(name)) for name in _advice.CALLS]


def run(sluice: str, only: list[str]) -> None:
    """Try everything, or the batches with the named packages."""
    from packages import BATCHES

    empty: dict[str, Any] = {"packages": {}, "modules": {}, "calls": {}}
    results = json.loads(RESULTS.read_text()) if only and RESULTS.exists() else empty
    runner = Runner(sluice, results)
    if not only or STANDARD_LIBRARY in only:
        runner.batch({}, standard_library=True)
    for batch in BATCHES:
        chosen = {name: code for name, code in batch.items() if not only or name in only}
        runner.batch(chosen)
    runner.save()


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", metavar="SLUICE")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.run:
        run(arguments.run, arguments.only)
    text = page.render(json.loads(RESULTS.read_text(encoding="utf-8")))
    if arguments.check:
        if PAGE.read_text(encoding="utf-8") != text:
            sys.exit("docs/compatibility.md is not that of results.json; run tests/compatibility/generate.py")
    else:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
