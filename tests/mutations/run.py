#!/usr/bin/env python3
"""Switches the controls of the host off, one at a time, and wants tests to fail.

Each entry of `controls/*.toml` names a control (as the table of promises in docs/security.md does), the file
below `host/src` that has it, the text that is replaced, the text in its place, and the tests that must fail:

    [[mutant]]
    name = "every-port-is-granted"
    control = "policy/egress.rs::permit"
    file = "policy/grant.rs"
    old = 'self.port == to.port() && '
    new = ''
    fails = ["policy/egress_tests.rs::a_grant_is_for_one_port"]

Everything happens in a copy of the work tree, `target/mutations`, which has a target folder and caches of its
own; what is compiled of dependencies is linked from the usual target folder, so run `cargo test --release
--no-run` before. A mutant takes 10 seconds where a unit test proves the control, half a minute where only the
program does. With `prebuilt = true` nothing is built of it: its tests read the sources themselves.

The exit code is 0 when every named test failed under its mutant, 1 when one passed, 2 when something else is
wrong: a text is not there exactly once, a mutant does not build, or a test fails without any mutant.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

try:
    import tomllib
except ImportError:  # Python 3.10
    from pip._vendor import tomli as tomllib  # type: ignore[no-redef]

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
WORK = TARGET / "mutations"
TREE = WORK / "tree"
BUILT = WORK / "target"
OURS = ("sluicegate", "libsluicegate", "sluice-", "sluice.", "all-", "jail-")

# The package itself is compiled without optimisation, in seconds; dependencies are those of `--release`.
CARGO = ["--release", "--config", "profile.release.package.sluicegate.opt-level=0"]
TARGETS = {"lib": ["--lib"], "all": ["--test", "all"], "jail": ["--test", "jail"]}

# How long tests may take: a control that ends something is proven by a test that does not end.
LIB_SECONDS = 90
PROGRAM_SECONDS = 300


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


class Broken(Exception):
    """The table and the sources do not fit."""


def read() -> list[Mutant]:
    mutants = []
    for path in sorted((ROOT / "tests/mutations/controls").glob("*.toml")):
        mutants += [Mutant(**entry) for entry in tomllib.loads(path.read_text())["mutant"]]
    return sorted(mutants, key=lambda mutant: mutant.file)


def kind(test: str) -> str:
    if ".rs::" in test:
        return "lib"
    return "jail" if test.startswith("jail::") else "all"


def short(test: str) -> str:
    return test.rsplit("::", 1)[1]


def apply(mutant: Mutant) -> dict[Path, str]:
    """Patches the copy; the former texts."""
    former: dict[Path, str] = {}
    for file, old, new in mutant.changes():
        path = TREE / "host/src" / file
        text = path.read_text()
        if text.count(old) != 1:
            raise Broken(f"{mutant.name}: the old text stands {text.count(old)} times in host/src/{file}")
        former.setdefault(path, text)
        path.write_text(text.replace(old, new))
    return former


def copy_tree() -> None:
    """Brings the copy up to date, touching only what differs."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    wanted = {Path(os.fsdecode(name)) for name in listed.stdout.split(b"\0") if name}
    for name in wanted:
        source, copy = ROOT / name, TREE / name
        if not source.is_file():
            continue
        if not copy.is_file() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
            os.utime(copy)
    for path in TREE.rglob("*"):
        if (
            path.is_file()
            and path.relative_to(TREE) not in wanted
            and path.suffix in (".rs", ".toml", ".py", ".wit")
        ):
            path.unlink()


def link_dependencies() -> None:
    """What is compiled already is linked; cargo replaces files and does not write into them."""
    if (BUILT / "release").exists() or not (TARGET / "release/deps").exists():
        return

    def linked(source: str, copy: str) -> None:
        os.link(source, copy)

    for part in ("deps", "build", ".fingerprint"):
        for entry in (TARGET / "release" / part).iterdir():
            if entry.name.startswith(OURS) or (
                part == "deps" and entry.suffix not in (".rlib", ".rmeta", ".so", ".d")
            ):
                continue
            copy = BUILT / "release" / part / entry.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if entry.is_dir():
                # Fingerprints are touched when they are looked at.
                how = shutil.copy2 if part == ".fingerprint" else linked
                shutil.copytree(entry, copy, copy_function=how, symlinks=True)
            else:
                os.link(entry, copy)
    # The compiler of guests, and guests. Machine code is made anew: mutants must not write beside the usual.
    cache = TARGET / "tmp/caches/cache"
    if cache.exists():
        for entry in cache.iterdir():
            copy = BUILT / "tmp/caches/cache" / entry.name
            if entry.name == "code":
                continue
            copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if entry.is_dir():
                shutil.copytree(entry, copy, copy_function=linked, symlinks=True)
            else:
                shutil.copy2(entry, copy)


def build(what: str) -> Path:
    """The program of these tests."""
    command = [
        "cargo",
        "test",
        *CARGO,
        *TARGETS[what],
        "--no-run",
        "--message-format=json-render-diagnostics",
    ]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(BUILT), "CARGO_INCREMENTAL": "1"}
    done = subprocess.run(command, cwd=TREE, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise Broken(f"it does not build:\n{done.stderr[-4000:]}")
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("profile", {}).get("test") and message.get("executable"):
            return Path(message["executable"])
    raise Broken("cargo built no tests")


def run(program: Path, arguments: list[str], seconds: float) -> tuple[int | None, str]:
    """Exit code and output; no code when it took too long."""
    environment = {**os.environ, "CARGO_MANIFEST_DIR": str(TREE / "host")}
    process = subprocess.Popen(
        [str(program), *arguments],
        cwd=TREE / "host",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return None, output


def passing(what: str, program: Path, tests: list[str], seconds: float) -> set[str]:
    """Those of the tests that pass."""
    if what == "jail":
        return {test for test in tests if run(program, [short(test)], seconds)[0] == 0}
    exact = ["--exact"] if what == "all" else []
    filters = tests if what == "all" else [f"::{short(test)}" for test in tests]
    _, output = run(program, [*exact, *filters], seconds)
    passed = re.findall(r"^test (\S+).* \.\.\. ok$", output, re.MULTILINE)
    if what == "all":
        return set(tests) & set(passed)
    return {test for test in tests if any(name.endswith(f"::{short(test)}") for name in passed)}


def by_kind(tests: Iterable[str]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for test in sorted(set(tests)):
        kinds.setdefault(kind(test), []).append(test)
    return kinds


def batches(mutants: list[Mutant]) -> list[list[Mutant]]:
    """Mutants of different files with different tests, together."""
    found: list[list[Mutant]] = []
    for mutant in mutants:
        files, tests = {file for file, _, _ in mutant.changes()}, set(mutant.fails)
        for batch in found:
            taken = {file for other in batch for file, _, _ in other.changes()}
            if (
                not mutant.prebuilt
                and not files & taken
                and not tests & {test for other in batch for test in other.fails}
            ):
                batch.append(mutant)
                break
        else:
            found.append([mutant])
    return found


def look(mutants: list[Mutant]) -> int:
    """A quick look with several mutants at once: it finds survivors, but a test may fail through another."""
    survived, broken, rest = [], [], batches(mutants)
    while rest:
        batch, former, before = rest.pop(0), dict[Path, str](), cached()
        started, left = time.monotonic(), set[str]()
        try:
            for mutant in batch:
                for path, text in apply(mutant).items():
                    former.setdefault(path, text)
            for what, tests in by_kind(test for mutant in batch for test in mutant.fails).items():
                left |= passing(
                    what, build(what), tests, LIB_SECONDS if what == "lib" else 2 * PROGRAM_SECONDS
                )
        except Broken as error:
            if len(batch) == 1:
                print(f"{batch[0].name}: BROKEN: {error}", flush=True)
                broken.append(batch[0].name)
            else:
                rest += [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
            continue
        finally:
            for path, text in former.items():
                path.write_text(text)
            forget(before)
        for mutant in batch:
            alive = sorted(left & set(mutant.fails))
            survived += [mutant.name] if alive else []
            print(
                f"{mutant.name}: {'SURVIVED ' + ', '.join(alive) if alive else 'killed in company'}",
                flush=True,
            )
        print(f"{len(batch)} mutants at once took {time.monotonic() - started:.0f} s", flush=True)
    print(f"{len(mutants)} mutants in company; survived: {survived}; broken: {broken}")
    return 2 if broken else int(bool(survived))


def survivors(mutant: Mutant, former: dict[Path, str]) -> list[str]:
    """The tests that pass although they must not."""
    found: list[str] = []
    programs = {what: build(what) for what in by_kind(mutant.fails) if mutant.prebuilt}
    former |= apply(mutant)
    for what, tests in by_kind(mutant.fails).items():
        seconds = mutant.seconds or (LIB_SECONDS if what == "lib" else PROGRAM_SECONDS)
        found += passing(what, programs.get(what) or build(what), tests, seconds)
    return sorted(found)


def check_unchanged(mutants: list[Mutant]) -> None:
    """The named tests pass while every control is on; this also fills the caches."""
    for what, tests in by_kind(test for mutant in mutants for test in mutant.fails).items():
        missing = sorted(set(tests) - passing(what, build(what), tests, 3600))
        if missing:
            raise Broken(f"these fail with every control in its place: {', '.join(missing)}")
        print(f"{len(tests)} tests of {what} pass with every control in its place", flush=True)


def cached() -> set[Path]:
    return {path for path in (BUILT / "tmp").rglob("*") if not path.is_dir()}


def forget(before: set[Path]) -> None:
    """What a mutant left in the caches must not reach the next one."""
    for path in cached() - before:
        path.unlink(missing_ok=True)


def select(mutants: list[Mutant], arguments: argparse.Namespace) -> list[Mutant]:
    if arguments.only:
        mutants = [mutant for mutant in mutants if any(part in mutant.name for part in arguments.only)]
    if arguments.kind:
        of_kind = [(mutant, by_kind(mutant.fails).get(arguments.kind)) for mutant in mutants]
        mutants = [replace(mutant, fails=tests) for mutant, tests in of_kind if tests]
    if arguments.shard:
        index, count = (int(part) for part in arguments.shard.split("/"))
        mutants = mutants[len(mutants) * (index - 1) // count : len(mutants) * index // count]
    return mutants


def main() -> int:
    parser = argparse.ArgumentParser(description="Switches controls off, one at a time; tests must fail.")
    parser.add_argument("--only", action="append", metavar="NAME", help="mutants whose name has this in it")
    parser.add_argument("--kind", choices=sorted(TARGETS), help="only tests of this program")
    parser.add_argument("--shard", metavar="I/N", help="the I-th of N parts, counted from 1")
    parser.add_argument("--list", action="store_true", help="only list the mutants")
    parser.add_argument(
        "--together", action="store_true", help="a quick look, several at once: proves survivors only"
    )
    parser.add_argument("--trust-tests", action="store_true", help="do not run the tests unchanged first")
    arguments = parser.parse_args()
    mutants = select(read(), arguments)
    if arguments.list:
        for mutant in mutants:
            print(f"{mutant.name:<50} {mutant.control}")
        return 0
    if not mutants:
        print("no such mutant", file=sys.stderr)
        return 2
    WORK.mkdir(parents=True, exist_ok=True)
    alone = open(WORK / "lock", "w")  # noqa: SIM115 (held until the end)
    try:
        fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"another run is at work in {WORK}", file=sys.stderr)
        return 2
    copy_tree()
    link_dependencies()
    survived, broken = [], []
    try:
        if not arguments.trust_tests:
            check_unchanged(mutants)
    except Broken as error:
        print(error, file=sys.stderr)
        return 2
    if arguments.together:
        return look(mutants)
    before = cached()
    for number, mutant in enumerate(mutants, 1):
        started, former = time.monotonic(), dict[Path, str]()
        try:
            left = survivors(mutant, former)
            word = f"SURVIVED: {', '.join(left)}" if left else "killed"
            survived += [mutant.name] if left else []
        except Broken as error:
            word = f"BROKEN: {error}"
            broken.append(mutant.name)
        finally:
            for path, text in former.items():
                path.write_text(text)
            forget(before)
        took = time.monotonic() - started
        print(f"[{number}/{len(mutants)}] {mutant.name} ({took:.0f} s) {word}", flush=True)
    killed = len(mutants) - len(survived) - len(broken)
    print(f"{len(mutants)} mutants: {killed} killed, {len(survived)} survived, {len(broken)} broken")
    return 2 if broken else int(bool(survived))


if __name__ == "__main__":
    sys.exit(main())
