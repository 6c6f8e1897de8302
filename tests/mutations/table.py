"""The table of mutants, `controls/*.toml`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

try:
    import tomllib
except ImportError:  # Python 3.10
    from pip._vendor import tomli as tomllib  # type: ignore[no-redef]

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutant:
    name: str
    control: str
    file: str
    old: str
    new: str
    fails: list[str]
    seconds: int | None = None
    prebuilt: bool = False
    also: list[dict[str, str]] = field(default_factory=list)

    def changes(self) -> Iterable[tuple[str, str, str]]:
        yield self.file, self.old, self.new
        for more in self.also:
            yield more.get("file", self.file), more["old"], more["new"]

    def key(self) -> str:
        """Of everything that a result depends on, but for the rest of the host."""
        files = [ROOT / "host/src" / file for file, _, _ in self.changes()]
        files += [path for test in self.fails for path in sources(test)]
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode())
        for path in sorted(set(files)):
            digest.update(path.read_bytes() if path.is_file() else b"")
        return digest.hexdigest()


class Broken(Exception):
    """The table and the sources do not fit."""


def read() -> list[Mutant]:
    mutants = []
    for path in sorted((ROOT / "tests/mutations/controls").glob("*.toml")):
        mutants += [Mutant(**entry) for entry in tomllib.loads(path.read_text())["mutant"]]
    return sorted(mutants, key=lambda mutant: mutant.file)


def kind(test: str) -> str:
    """The program that a test is in."""
    if ".rs::" in test:
        return "lib"
    return "jail" if test.startswith("jail::") else "all"


def short(test: str) -> str:
    return test.rsplit("::", 1)[1]


def sources(test: str) -> list[Path]:
    """Where a test is written down."""
    if kind(test) == "lib":
        return [ROOT / "host/src" / test.split("::", 1)[0]]
    if kind(test) == "jail":
        return sorted((ROOT / "tests/jail").glob("*"))
    place = ROOT / "tests/all" / test.rsplit("::", 1)[0].replace("::", "/")
    return [place.with_suffix(".rs"), place / "mod.rs"]


def by_kind(tests: Iterable[str]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for test in sorted(set(tests)):
        kinds.setdefault(kind(test), []).append(test)
    return kinds
