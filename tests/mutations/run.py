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
--no-run` before. Nearly all mutants are in one build (`switch.py`), of which one acts at a time; the others
are built alone, half a minute each. With `prebuilt = true` nothing is built: its tests read the sources.

What was found is kept in `target/mutations/results.jsonl`, and is not done again while the mutant, the files
that it changes and those of its tests stay as they are; `--again` does.

The exit code is 0 when every named test failed under its mutant, 1 when one passed, 2 when something else is
wrong: a text is not there exactly once, a mutant does not build, or a test fails without any mutant.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import programs
import tree
from table import ROOT, Broken, Mutant, by_kind, read

# How long tests may take under a mutant, and how often three times as much when they take that long without:
# what ends something is proven by a test that does not end.
SECONDS, TIMES = 60, 2
# Mutants whose tests are run without a mutant before.
TURN = 16


class Runner:
    def __init__(self, mutants: list[Mutant], again: bool, minutes: float | None) -> None:
        self.mutants, self.minutes = mutants, minutes
        self.began = time.monotonic()
        self.results = tree.WORK / "results.jsonl"
        lines = self.results.read_text().splitlines() if self.results.exists() and not again else []
        self.known = {entry["key"]: entry["word"] for entry in map(json.loads, lines)}
        # Of the tree that is copied now, whatever is edited meanwhile.
        self.keys = {mutant.name: mutant.key() for mutant in mutants}
        self.passed: set[str] = set()
        self.failed: set[str] = set()
        self.words: dict[str, str] = {}

    def all(self) -> int:
        for mutant in self.mutants:
            if self.known.get(self.keys[mutant.name]) == "killed":
                self.words[mutant.name] = "killed"
        todo = [mutant for mutant in self.mutants if mutant.name not in self.words]
        print(f"{len(self.words)} of {len(self.mutants)} mutants are known to be killed", flush=True)
        if todo:
            self.switched = programs.Switched(todo, by_kind(test for mutant in todo for test in mutant.fails))
            print(f"{len(self.switched.numbers)} of {len(todo)} are in one build", flush=True)
        for at in range(0, len(todo), TURN):
            turn = todo[at : at + TURN]
            if self.late():
                break
            self.unchanged(turn)
            for number, mutant in enumerate(turn, at + 1):
                if self.late():
                    break
                self.one(mutant, f"{number}/{len(todo)}")
        return self.report()

    def late(self) -> bool:
        return self.minutes is not None and time.monotonic() - self.began > 60 * self.minutes

    def unchanged(self, mutants: list[Mutant]) -> None:
        """The named tests pass while every control is on; this also fills the caches."""
        program = self.switched.become(None)
        tests = {test for mutant in mutants for test in mutant.fails} - self.passed - self.failed
        for kind, named in by_kind(tests).items():
            started = time.monotonic()
            passed, _ = programs.passing(kind, program[kind], named, 3600)
            took = time.monotonic() - started
            self.passed |= passed
            self.failed |= set(named) - passed
            print(f"{len(named)} tests of {kind} with every control in its place ({took:.0f} s)", flush=True)
        for test in sorted(self.failed & tests):
            print(f"FAILS with every control in its place: {test}", flush=True)

    def one(self, mutant: Mutant, number: str) -> None:
        started, before, ended = time.monotonic(), tree.cached(), True
        try:
            wrong = self.failed & set(mutant.fails)
            if wrong:
                raise Broken(f"fails with every control in its place: {', '.join(sorted(wrong))}")
            left, ended = self.survivors(mutant)
            word = f"SURVIVED: {', '.join(left)}" if left else "killed"
        except Broken as error:
            word = f"BROKEN: {error}"
        finally:
            tree.forget(before)
        took = time.monotonic() - started
        self.words[mutant.name] = word
        with self.results.open("a") as file:
            entry = {
                "name": mutant.name,
                "key": mutant.key(),
                "word": word,
                "ended": ended,
                "seconds": round(took, 1),
            }
            file.write(json.dumps(entry) + "\n")
        print(f"[{number}] {mutant.name} ({took:.0f} s) {word}{'' if ended else ' by its time'}", flush=True)

    def survivors(self, mutant: Mutant) -> tuple[list[str], bool]:
        """The tests that pass although they must not, and whether all came to an end."""
        kinds, former = by_kind(mutant.fails), dict[Path, str]()
        switched = mutant.name in self.switched.numbers
        found, ended = set[str](), True
        try:
            program = self.switched.become(mutant if switched else None)
            if not switched:
                former = tree.apply(mutant)
                program = program if mutant.prebuilt else programs.build(kinds)
            for kind, tests in kinds.items():
                passed, in_time = self.passing(mutant, kind, program, tests)
                found, ended = found | passed, ended and in_time
        finally:
            tree.restore(former)
        return sorted(found), ended

    def passing(
        self, mutant: Mutant, kind: str, program: dict[str, Path], tests: list[str]
    ) -> tuple[set[str], bool]:
        """Those of the tests that pass, in a time in which they do without the mutant."""
        seconds, switched = mutant.seconds or SECONDS, mutant.name in self.switched.numbers
        for _ in range(TIMES):
            program = self.switched.become(mutant) if switched else program
            passed, ended = programs.passing(kind, program[kind], tests, seconds)
            if ended or not switched:
                return passed, ended
            usual, _ = programs.passing(kind, self.switched.become(None)[kind], tests, seconds)
            if usual == set(tests):
                return passed, False
            seconds *= 3
        raise Broken(f"this machine is too slow: its tests take {seconds / 3:.0f} s without it")

    def report(self) -> int:
        survived = sorted(name for name, word in self.words.items() if word.startswith("SURVIVED"))
        broken = sorted(name for name, word in self.words.items() if word.startswith("BROKEN"))
        killed = len(self.words) - len(survived) - len(broken)
        print(f"{len(self.words)} mutants: {killed} killed, survived: {survived}, broken: {broken}")
        if len(self.words) < len(self.mutants):
            print(f"{len(self.mutants) - len(self.words)} were not tried: there was no more time")
        return 2 if broken else int(bool(survived))


def sampled(mutants: list[Mutant]) -> list[Mutant]:
    """Those of files that the last commit changed, then the others, in an order that each commit has anew."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip()

    seed, changed = git("rev-parse", "HEAD"), set(git("diff", "--name-only", "HEAD~1").splitlines())

    def place(mutant: Mutant) -> tuple[bool, str]:
        touched = any(f"host/src/{file}" in changed for file, _, _ in mutant.changes())
        return not touched, hashlib.sha256(f"{seed} {mutant.name}".encode()).hexdigest()

    return sorted(mutants, key=place)


def select(mutants: list[Mutant], arguments: argparse.Namespace) -> list[Mutant]:
    if arguments.only:
        mutants = [mutant for mutant in mutants if any(part in mutant.name for part in arguments.only)]
    if arguments.kind:
        of_kind = [(mutant, by_kind(mutant.fails).get(arguments.kind)) for mutant in mutants]
        mutants = [replace(mutant, fails=tests) for mutant, tests in of_kind if tests]
    if arguments.shard:
        index, count = (int(part) for part in arguments.shard.split("/"))
        mutants = mutants[len(mutants) * (index - 1) // count : len(mutants) * index // count]
    return sampled(mutants) if arguments.minutes else mutants


def main() -> int:
    parser = argparse.ArgumentParser(description="Switches controls off, one at a time; tests must fail.")
    parser.add_argument("--only", action="append", metavar="NAME", help="mutants whose name has this in it")
    parser.add_argument("--kind", choices=sorted(programs.TARGETS), help="only tests of this program")
    parser.add_argument("--shard", metavar="I/N", help="the I-th of N parts, counted from 1")
    parser.add_argument("--list", action="store_true", help="only list the mutants")
    parser.add_argument(
        "--minutes", type=float, help="begin no other mutant after this time; each commit begins with others"
    )
    parser.add_argument("--again", action="store_true", help="those too that are known to be killed")
    arguments = parser.parse_args()
    mutants = select(read(), arguments)
    if arguments.list:
        for mutant in mutants:
            print(f"{mutant.name:<50} {mutant.control}")
        return 0
    if not mutants:
        print("no such mutant", file=sys.stderr)
        return 2
    tree.WORK.mkdir(parents=True, exist_ok=True)
    alone = open(tree.WORK / "lock", "w")  # noqa: SIM115 (held until the end)
    try:
        fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"another run is at work in {tree.WORK}", file=sys.stderr)
        return 2
    tree.copy_tree()
    tree.link_dependencies()
    try:
        return Runner(mutants, arguments.again, arguments.minutes).all()
    except Broken as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
