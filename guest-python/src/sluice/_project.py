"""Takes an author's project into the component, and imports it there.

`freeze` runs once, while the snapshot of a component is taken: the files are still readable then and gone
afterwards. It reads the bundle that `sluice build` laid beside the SDK, compiles every module of the project
and of its dependencies, and keeps them with all data files in memory. Nothing of the project is executed: its
modules are imported by `load_connector_module` at the start of a sync, so that they see the clock and the
network of that sync.

A runner is a component without a project: it gets one when its sync starts, see `_parcel`.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from . import _frozen, _frozen_resources, _parcel
from ._frozen import Tree
from ._stdlib import AGAIN, NEVER, PRELOAD

PROJECT = "/project"
SITE = "/site-packages"
ENTRY = "connector"

_BUNDLE = "sluice-bundle"
_CONFIGURATION = "configuration.json"
_REPORT = "sluice-report.json"
_BASE_PACKAGES = ("requests",)


class ProjectError(Exception):
    """The project cannot become a component. The message names the file and what to do."""


def freeze(root: str | None = None, *, standard_library: bool = True) -> None:
    """Take the bundle below `root` (the folder the SDK is imported from) into memory.

    Writes `sluice-report.json` beside the bundle for `sluice build` to show. Raises `ProjectError` when a
    module of the project is not valid Python.

    `standard_library=False` leaves Python's own modules and `sys.path` entries as they are; for tests.
    """
    root = root or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    report: dict[str, Any] = {"errors": [], "notes": [], "unusable": [], "modules": 0, "preloaded": []}
    try:
        _freeze(root, standard_library, report)
    finally:
        with open(os.path.join(root, _REPORT), "w", encoding="utf-8") as file:
            json.dump(report, file)


def _freeze(root: str, standard_library: bool, report: dict[str, Any]) -> None:
    tree = Tree()
    bundle = os.path.join(root, _BUNDLE)
    global _awaited
    _awaited = tree if _is_runner(bundle) else None
    imports = _add_project(tree, _bundled(bundle, "project"), report)
    if report["errors"]:
        first = report["errors"][0]
        raise ProjectError(f"{first['file']}:{first['line']}: {first['message']}")
    _add_site(tree, _bundled(bundle, "site"))
    _note_shadowed(tree, imports, report)

    path = [PROJECT, SITE]
    if standard_library:
        library = os.path.dirname(ast.__file__)  # `os` itself is frozen and names a folder that is not there
        _preload(PRELOAD)
        _give_home()
        roots = [library, root, *(entry for entry in ("/world", "/bundled") if os.path.isdir(entry))]
        for entry in roots:
            _add_library(tree, entry, skip_loaded=True)
        path = roots + path
    else:
        path = sys.path + path
    _frozen.install(tree, path)
    global _files
    _files = _frozen_resources.install(tree, PROJECT, SITE)

    report["unusable"] = list(_unusable(_probes(bundle)))
    if report["unusable"]:
        first = report["unusable"][0]
        raise ProjectError(f"{first['package']}: {first['message']}")
    report["preloaded"] = _preload_dependencies(tree, imports)
    if standard_library:
        _forget_loaded(tree)
    report["modules"] = tree.modules()


_files: _frozen_resources.Files | None = None
_awaited: Tree | None = None
_configuration: str | None = None
_ROOTS = {"project": PROJECT, "site": SITE}


def load_connector_module() -> ModuleType:
    """Import the project's `connector.py`; every exception of its module-level code goes through.

    In a component, its files are laid out before: elsewhere that would write to the author's own disk.
    """
    _unpack()
    if _files is not None and sys.platform == "wasi":
        _files.lay_out()
        _lay_out_configuration()
    return importlib.import_module(ENTRY)


def configure(configuration: str) -> None:
    """What connectors find in `configuration.json` beside them: what this sync is configured with."""
    global _configuration
    _configuration = configuration


def _lay_out_configuration() -> None:
    """A component has no configuration of its own, but connectors open the file they were developed with."""
    path = f"{PROJECT}/{_CONFIGURATION}"
    if _configuration is None or os.path.exists(path):
        return
    with contextlib.suppress(OSError), open(path, "w", encoding="utf-8") as file:
        file.write(_configuration)


def join_connector_module(folder: str) -> None:
    """Import the project's `connector.py` in an instance that works for another, whose files it shares."""
    _unpack()
    if _files is not None and sys.platform == "wasi":
        _files.join(folder)
    importlib.import_module(ENTRY)


def compile_modules(task: str) -> str:
    """Compile what a runner was given; see `_parcel.compile_modules`."""
    return _parcel.compile_modules(task, _ROOTS)


def _unpack() -> None:
    """Take the project that a runner is given."""
    global _awaited
    if _awaited is not None:
        _parcel.unpack(_awaited, _ROOTS)
        _awaited = None
        # the folders were looked for before they were there
        sys.path_importer_cache.clear()


def _is_runner(folder: str) -> bool:
    with open(os.path.join(folder, "index.json"), "rb") as file:
        return bool(json.load(file).get("runner", False))


def _bundled(folder: str, part: str) -> Iterator[tuple[str, bytes]]:
    """The names and contents of one part of the bundle, one at a time: memory once used is in the snapshot.

    The bundle is an index in JSON and one file with all contents in a row. It is not a folder of files
    because componentize-py looks for its own settings in every folder it is given, and must not find a
    stranger's.
    """
    with open(os.path.join(folder, "index.json"), "rb") as file:
        entries = json.load(file)[part]
    with open(os.path.join(folder, "files.bin"), "rb") as file:
        for name, offset, size in entries:
            file.seek(offset)
            yield name, file.read(size)


def _probes(folder: str) -> list[dict[str, Any]]:
    with open(os.path.join(folder, "index.json"), "rb") as file:
        probes: list[dict[str, Any]] = json.load(file).get("probes", [])
    return probes


def _unusable(probes: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    """Packages whose machine code was left out and that cannot be imported without it, and why."""
    for probe in probes:
        if not probe["modules"]:
            yield {"package": probe["package"], "message": "it has no Python at all"}
        for name in probe["modules"]:
            try:
                importlib.import_module(name)
            except BaseException as error:  # a library may do anything when imported
                message = f"import {name}: {type(error).__name__}: {error}"
                yield {"package": probe["package"], "message": message}
                break


def _add_project(tree: Tree, files: Iterable[tuple[str, bytes]], report: dict[str, Any]) -> set[str]:
    """Keep the project's files and return the dotted names that its modules import."""
    imports: set[str] = set()
    for name, data in files:
        path = f"{PROJECT}/{name}"
        tree.add_file(path, data)
        if not name.endswith(".py"):
            continue
        try:
            tree.add_code(path, _frozen.compile_source(data, path))
            imports |= _imported_names(ast.parse(data))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None) or 1
            text = getattr(error, "msg", None) or str(error) or type(error).__name__
            report["errors"].append({"file": name, "line": line, "message": text})
    return imports


def _add_site(tree: Tree, files: Iterable[tuple[str, bytes]]) -> None:
    for name, data in files:
        path = f"{SITE}/{name}"
        tree.add_file(path, data)
        if name.endswith(".py"):
            try:
                tree.add_code(path, _frozen.compile_source(data, path))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue  # libraries ship modules for other Pythons; importing one reports the error then


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


def _note_shadowed(tree: Tree, imports: set[str], report: dict[str, Any]) -> None:
    """A file of the project named like a module of Python itself is never imported: say so."""
    for name in sorted({name.partition(".")[0] for name in imports} & set(sys.stdlib_module_names)):
        if tree.is_module(f"{PROJECT}/{name}.py") or tree.is_module(f"{PROJECT}/{name}/__init__.py"):
            report["notes"].append(
                f"`import {name}` means Python's own module `{name}`, not the project's file of that name; "
                "rename the file"
            )


def _give_home() -> None:
    """Let `~` mean the project's folder: libraries ask for it when they are imported, and would fail."""
    original = os.path.expanduser

    def expanduser(path: Any) -> Any:
        expanded = original(path)
        if isinstance(expanded, str) and (expanded == "~" or expanded.startswith("~/")):
            return PROJECT + expanded[1:]
        return expanded

    os.path.expanduser = expanduser


def _preload(names: tuple[str, ...]) -> None:
    for name in names:
        try:
            importlib.import_module(name)
        except Exception:  # a module whose C part this Python lacks; importing it later says so
            continue


def _preload_dependencies(tree: Tree, imports: set[str]) -> list[str]:
    """Import what the project will import from its dependencies, so that a sync starts with it loaded."""
    done: list[str] = []
    for name in sorted(imports.union(_BASE_PACKAGES)):
        if not _is_dependency(tree, name):
            continue
        try:
            importlib.import_module(name)
            done.append(name)
        except BaseException:  # a library may do anything when imported; the sync's own import decides
            continue
    return done


def _is_dependency(tree: Tree, name: str) -> bool:
    if name.partition(".")[0] in sys.stdlib_module_names:
        return False
    base = name.replace(".", "/")

    def provided_by(folder: str, stem: str) -> bool:
        return tree.is_module(f"{folder}/{stem}.py") or tree.is_module(f"{folder}/{stem}/__init__.py")

    first = base.partition("/")[0]
    of_project = provided_by(PROJECT, first) or tree.is_folder(f"{PROJECT}/{first}")
    return not of_project and provided_by(SITE, base)


def _add_library(tree: Tree, root: str, *, skip_loaded: bool) -> None:
    """Compile the modules below `root` that are not imported yet."""
    loaded = _loaded_files() if skip_loaded else set()
    for folder, folders, names in os.walk(root):
        below = folder[len(root) :].strip("/")
        folders[:] = sorted(name for name in folders if not _left_out(f"{below}/{name}".strip("/")))
        for name in sorted(names):
            path = f"{folder}/{name}"
            if not name.endswith(".py") or path in loaded or _left_out(f"{below}/{name[:-3]}".strip("/")):
                continue
            with open(path, "rb") as file:
                source = file.read()
            try:
                tree.add_code(path, _frozen.compile_source(source, path))
            except (SyntaxError, ValueError):
                continue


def _left_out(relative: str) -> bool:
    return relative in NEVER or relative.rpartition("/")[2] in ("__pycache__", _BUNDLE)


def _loaded_files() -> set[str]:
    loaded = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return {path for path in loaded if path and not path.endswith(tuple(AGAIN))}


def _forget_loaded(tree: Tree) -> None:
    for path in _loaded_files():
        if not path.startswith((PROJECT + "/", SITE + "/")):
            tree.forget_code(path)
