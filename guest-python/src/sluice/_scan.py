"""Looks through a project's source for what cannot work, without executing any of it.

Runs at build on the build machine's Python, which may be older than the component's: what that one cannot
parse but the component's might is left for later.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ._advice import CALLS, DISTRIBUTIONS, EMPTY, MODULES, STDLIB

ENTRY = "connector"
_CATCHES_IMPORTS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
# Syntax that came after Python 3.10, by the version that brought it.
_NEWER = (
    ((3, 11), re.compile(r"except\s*\*")),
    ((3, 12), re.compile(r"""\b[rR]?[fF][rR]?["']|^\s*type\s+\w+|(?:def|class)\s+\w+\s*\[""", re.M)),
    ((3, 13), re.compile(r"(?:def|class|type)\s+\w+\s*\[[^\]]*=", re.M)),
    ((3, 14), re.compile(r"""\b[rR]?[tT][rR]?["']|^\s*except\s+[^(\n]*,|\bfinally\b""", re.M)),
)


# How an import looks in a file that this Python cannot parse.
_IMPORTS = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+)?import[ \t]+(\([^)]*\)|.+)", re.M)


class Import(NamedTuple):
    """A module that is named by an import statement."""

    name: str
    line: int
    certain: bool
    """Whether importing the file imports it, and its failure is the file's."""


@dataclass
class File:
    """What a file does that can be seen."""

    imports: list[Import] = field(default_factory=list)
    calls: list[tuple[str, int]] = field(default_factory=list)


class Scanner:
    """Answers one question of the build, see `main`."""

    def __init__(self, files: dict[str, str], site: str, sdk: list[str], instead: dict[str, str]) -> None:
        self.files = files
        self.site = site
        self.sdk = set(sdk)
        self.instead = instead
        self.syntax: list[dict[str, Any]] = []
        self.errors: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []
        self.imports: set[str] = set()
        self._parsed: dict[str, File] = {}
        self._seen: set[tuple[str, int, str]] = set()
        parts = {part for path in files for part in path[:-3].split("/")}
        self._somewhere = parts

    def scan(self) -> None:
        for path, source in self.files.items():
            self._parse(path, source)
        certain = self._certain_files()
        for path, file in self._parsed.items():
            for found in file.imports:
                self._note_hidden(path, found)
                message = self._problem(found.name)
                if message:
                    fails = found.certain and path in certain
                    self._add(self.errors if fails else self.notes, path, found.line, message)
            for name, line in file.calls:
                self._add(self.notes, path, line, f"`{name}` does not work here: {CALLS[name]}")

    def _note_hidden(self, path: str, found: Import) -> None:
        """A file of the project named like a module of Python itself is never imported: say so."""
        top = found.name.partition(".")[0]
        if top in STDLIB and (f"{top}.py" in self.files or f"{top}/__init__.py" in self.files):
            message = (
                f"`import {top}` means Python's own module `{top}`, not the project's file of that name; "
                "rename the file"
            )
            self._add(self.notes, path, found.line, message)

    def _add(self, to: list[dict[str, Any]], path: str, line: int, message: str) -> None:
        if (path, line, message) not in self._seen:
            self._seen.add((path, line, message))
            to.append({"file": path, "line": line, "message": message})

    def _parse(self, path: str, source: str) -> None:
        try:
            module = ast.parse(source.removeprefix("\ufeff"), path)
        except SyntaxError as error:
            if _is_certain(source):
                self.syntax.append(_described(path, error, source))
            self.imports |= _probable_imports(source)
            return
        except (ValueError, RecursionError, MemoryError):
            self.imports |= _probable_imports(source)
            return
        reader = _Reader()
        reader.visit(module)
        self._parsed[path] = reader.file
        self.imports |= _imported_names(module)

    def _certain_files(self) -> set[str]:
        """The files that are imported with the connector, whatever happens."""
        found: set[str] = set()
        waiting = [ENTRY]
        while waiting:
            name = waiting.pop()
            for path in self._files_of(name):
                if path not in found:
                    found.add(path)
                    file = self._parsed.get(path, File())
                    waiting.extend(each.name for each in file.imports if each.certain)
        return found

    def _files_of(self, name: str) -> Iterator[str]:
        """The project's files that importing a dotted name executes."""
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            base = "/".join(parts[:count])
            yield from (path for path in (f"{base}.py", f"{base}/__init__.py") if path in self.files)

    def _problem(self, name: str) -> str | None:
        top = name.partition(".")[0]
        for module in (name, top):
            if module in MODULES:
                return f"`{module}` cannot be imported here: {MODULES[module]}"
            if module in EMPTY:
                return f"nothing of `{module}` works here: {EMPTY[module]}"
        if top.startswith("_") or top in STDLIB or top in self.sdk or top in self._somewhere:
            return None
        if self._is_installed(top):
            return None
        distribution = DISTRIBUTIONS.get(top, top)
        advice = self.instead.get(_normal(distribution))
        if advice:
            return f"`{top}` is imported but cannot be used, because {distribution} is machine code: {advice}"
        if self._is_required(distribution):
            return f"`{top}` is imported but cannot be used, because {distribution} is machine code"
        return (
            f"`{top}` is imported, but no required package has it; "
            f"add {distribution} to requirements.txt, or remove the import"
        )

    def _is_required(self, distribution: str) -> bool:
        """Whether a package is installed, though nothing of it may be."""
        name = _normal(distribution) + "-"
        folders = os.listdir(self.site) if os.path.isdir(self.site) else []
        return any(_normal(folder).startswith(name) and folder.endswith(".dist-info") for folder in folders)

    def _is_installed(self, top: str) -> bool:
        path = os.path.join(self.site, top)
        return os.path.isdir(path) or os.path.isfile(path + ".py")


def _imported_names(module: ast.Module) -> set[str]:
    """Every absolute dotted name that an import statement anywhere in the module could import."""
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def _probable_imports(source: str) -> set[str]:
    """The same of what this Python cannot parse, as far as it can be seen."""
    names: set[str] = set()
    for module, imported in _IMPORTS.findall(source):
        if module.startswith("."):
            continue
        parts = (part.strip().partition(" ")[0] for part in re.sub(r"[()]|#.*", " ", imported).split(","))
        found = [part for part in parts if re.fullmatch(r"[\w.]+", part)]
        names.update(f"{module}.{name}" if module else name for name in found)
        if module:
            names.add(module)
    return names


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class _Reader(ast.NodeVisitor):
    """Collects imports and calls of one file, and under which conditions they happen."""

    def __init__(self) -> None:
        self.file = File()
        self._uncertain = 0
        self._never = 0

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._import(alias.name, node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module and not node.level:
            self._import(node.module, node.lineno)
            if node.module.partition(".")[0] not in STDLIB:
                # `from package import module` executes a module of the project, if it is one
                for alias in node.names:
                    self._import(f"{node.module}.{alias.name}", node.lineno)

    def _import(self, name: str, line: int) -> None:
        if not self._never:
            self.file.imports.append(Import(name, line, self._uncertain == 0))

    def visit_Call(self, node: ast.Call) -> None:
        name = ast.unparse(node.func) if isinstance(node.func, (ast.Attribute, ast.Name)) else ""
        if name in CALLS and not self._never:
            self.file.calls.append((name, node.lineno))
        self.generic_visit(node)

    def visit_Try(self, node: ast.Try) -> None:
        caught = any(_catches_imports(handler.type) for handler in node.handlers)
        self._each(node.body, uncertain=caught)
        for handler in node.handlers:
            self._each(handler.body, uncertain=True)
        self._each(node.orelse, uncertain=caught)
        self._each(node.finalbody)

    def visit_If(self, node: ast.If) -> None:
        test = ast.unparse(node.test)
        never = test in ("TYPE_CHECKING", "typing.TYPE_CHECKING") or test.startswith("__name__ ==")
        self._never += never
        self._each(node.body, uncertain=True)
        self._never -= never
        self._each(node.orelse, uncertain=True)

    def visit_With(self, node: ast.With) -> None:
        self._each([*node.items, *node.body], uncertain=True)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        self._uncertain += 1
        self.generic_visit(node)
        self._uncertain -= 1

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815
    visit_Lambda = visit_FunctionDef  # noqa: N815

    def _each(self, nodes: Any, *, uncertain: bool = False) -> None:
        self._uncertain += uncertain
        for node in nodes:
            self.visit(node)
        self._uncertain -= uncertain


def _catches_imports(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(ast.unparse(name) in _CATCHES_IMPORTS for name in names)


def _is_certain(source: str) -> bool:
    """Whether what this Python cannot parse is an error for the component's Python too."""
    return not any(sys.version_info < version and syntax.search(source) for version, syntax in _NEWER)


def _described(path: str, error: SyntaxError, source: str) -> dict[str, Any]:
    line = error.lineno or 1
    lines = source.splitlines()
    shown = lines[line - 1] if 0 < line <= len(lines) else ""
    stripped = shown.lstrip()
    column = max((error.offset or 1) - 1 - (len(shown) - len(stripped)), 0)
    text = f"    {stripped}\n    {' ' * column}^" if stripped else None
    return {"file": path, "line": line, "message": error.msg or "not valid Python", "text": text}


def main(question: str, answer: str) -> None:
    """Read the question and write the answer, both JSON files."""
    with open(question, encoding="utf-8") as file:
        asked = json.load(file)
    scanner = Scanner(dict(asked["files"]), asked["site"], asked["sdk"], dict(asked["instead"]))
    scanner.scan()
    with open(answer, "w", encoding="utf-8") as file:
        answered = {"syntax": scanner.syntax, "errors": scanner.errors, "notes": scanner.notes}
        json.dump({**answered, "imports": sorted(scanner.imports)}, file)
