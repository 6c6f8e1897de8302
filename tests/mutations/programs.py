"""The programs of the tests: building them, making them a mutant, and which tests pass."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path

import switch
import tree
from table import Broken, Mutant, short

# The package itself is compiled without optimisation, in seconds; dependencies are those of `--release`.
CARGO = ["--release", "--config", "profile.release.package.sluicegate.opt-level=0"]
TARGETS = {"lib": ["--lib"], "all": ["--test", "all"], "jail": ["--test", "jail"]}


class CompilerError(Broken):
    """It does not build; with where the compiler found errors."""

    def __init__(self, messages: str, places: list[tuple[str, int]]) -> None:
        super().__init__(f"it does not build:\n{messages[-4000:]}")
        self.places = places


def build(kinds: Iterable[str]) -> dict[str, Path]:
    """The programs of these tests, and `sluice`."""
    targets = [argument for kind in sorted(kinds) for argument in TARGETS[kind]]
    command = ["cargo", "test", *CARGO, *targets, "--no-run", "--message-format=json"]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(tree.BUILT), "CARGO_INCREMENTAL": "1"}
    done = subprocess.run(command, cwd=tree.TREE, env=environment, capture_output=True, text=True)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0:
        errors = [message["message"] for message in messages if message["reason"] == "compiler-message"]
        errors = [error for error in errors if error["level"] == "error"]
        rendered = "\n".join(error["rendered"] for error in errors) or done.stderr
        raise CompilerError(rendered, [place for error in errors for place in places(error)])
    found = {}
    for message in messages:
        if message.get("executable"):
            name, test = message["target"]["name"], message["profile"]["test"]
            found["lib" if test and name == "sluicegate" else name] = Path(message["executable"])
    if not set(kinds) <= set(found):
        raise Broken(f"cargo built only {sorted(found)}")
    return found


def places(error: dict) -> list[tuple[str, int]]:
    """Where an error is, in files of the package."""
    spans = error["spans"] + [span for child in error["children"] for span in child["spans"]]
    primary = [span for span in spans if span["is_primary"]] or spans
    return [(span["file_name"], span["byte_start"]) for span in primary]


class Switched:
    """Programs that can be made any of many mutants."""

    def __init__(self, mutants: list[Mutant], kinds: Iterable[str]) -> None:
        """Builds them; what the compiler refuses is left out."""
        left = list(mutants)
        while True:
            self.plan = switch.plan(tree.TREE, left)
            former = install(self.plan)
            try:
                built = build(kinds)
                break
            except CompilerError as error:
                refused = {number for place in error.places for number in self.guilty(*place)}
                if not refused:
                    raise
                left = [mutant for number, mutant in enumerate(left, 1) if number not in refused]
            finally:
                tree.restore(former)
        self.numbers = {mutant.name: number for number, mutant in self.plan.numbers.items()}
        # Copies: what is built alone later takes the place of these.
        self.copies: dict[str, Path] = {}
        (tree.WORK / "switched").mkdir(exist_ok=True)
        for name, program in built.items():
            self.copies[name] = tree.WORK / "switched" / program.name
            shutil.copy2(program, self.copies[name])
        self.places = {name: switch.place_of_number(program) for name, program in self.copies.items()}
        self.sluice = built.get("sluice")

    def guilty(self, file: str, offset: int) -> set[int]:
        text = self.plan.texts.get(file.removeprefix("host/src/"))
        return switch.guilty(text.encode(), offset) if text else set()

    def become(self, mutant: Mutant | None) -> dict[str, Path]:
        """The programs as this mutant, or as none."""
        for name, program in self.copies.items():
            switch.set_number(program, self.places[name], self.numbers[mutant.name] if mutant else 0)
        if self.sluice:
            # Where the tests look for it. A former one may still be running.
            fresh = self.sluice.with_suffix(".new")
            shutil.copy2(self.copies["sluice"], fresh)
            fresh.replace(self.sluice)
        return self.copies


def install(plan: switch.Plan) -> dict[Path, str]:
    former = {}
    for file, text in plan.texts.items():
        path = tree.TREE / "host/src" / file
        former[path] = path.read_text()
        path.write_text(text)
    library = tree.TREE / "host/src/lib.rs"
    former.setdefault(library, library.read_text())
    library.write_text(library.read_text() + switch.SWITCH)
    return former


def run(program: Path, arguments: list[str], seconds: float) -> tuple[int | None, str]:
    """Exit code and output; no code when it took too long."""
    environment = {**os.environ, "CARGO_MANIFEST_DIR": str(tree.TREE / "host")}
    process = subprocess.Popen(
        [str(program), *arguments],
        cwd=tree.TREE / "host",
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
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def passing(kind: str, program: Path, tests: list[str], seconds: float) -> tuple[set[str], bool]:
    """Those of the tests that pass, and whether all came to an end."""
    if kind == "jail":
        codes = {test: run(program, [short(test)], seconds)[0] for test in tests}
        return {test for test, code in codes.items() if code == 0}, None not in codes.values()
    exact = ["--exact"] if kind == "all" else []
    filters = tests if kind == "all" else [f"::{short(test)}" for test in tests]
    code, output = run(program, [*exact, *filters], seconds)
    passed = re.findall(r"^test (\S+).* \.\.\. ok$", output, re.MULTILINE)
    if kind == "all":
        return set(tests) & set(passed), code is not None
    return {test for test in tests if any(is_of(name, test) for name in passed)}, code is not None


def is_of(name: str, test: str) -> bool:
    """Whether a test of the library, as it is called there, is this one of a file."""
    parts = [part.removesuffix("_tests") for part in test.split(".rs::")[0].split("/") if part != "mod"]
    parts = parts[:-1] if parts[-1] == "tests" else parts
    return name.startswith("::".join(parts) + "::") and name.endswith(f"::{short(test)}")
