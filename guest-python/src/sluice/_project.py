"""Takes packages into the component, and imports an author's project there.

`freeze` runs once, while the snapshot of a component is taken: files are still readable then and gone
afterwards. It reads the bundle that `sluice build` laid beside the SDK, compiles every module of the
packages, keeps them with all data files in memory, and imports those that it is told to.

No project is there yet: it comes when a sync starts, see `_parcel`, and its modules are imported by
`load_connector_module` then, so that they see the clock and the network of that sync. So one component is the
base of many connectors.
"""

from __future__ import annotations

import ast
import contextlib
import getpass
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
# Loaded whatever a project imports, so that most share one component.
_BASE_PACKAGES = ("dotenv", "requests")


class ProjectError(Exception):
    """There can be no component of these packages, or there is no project. The message says why."""


def freeze(root: str | None = None, *, standard_library: bool = True) -> None:
    """Take the bundle below `root` (the folder the SDK is imported from) into memory.

    Writes `sluice-report.json` beside the bundle for `sluice build` to show. Raises `ProjectError` when a
    package cannot be imported without its machine code.

    `standard_library=False` leaves Python's own modules and `sys.path` entries as they are; for tests.
    """
    root = root or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    report: dict[str, Any] = {"unusable": [], "modules": 0, "preloaded": []}
    try:
        _freeze(root, standard_library, report)
    finally:
        with open(os.path.join(root, _REPORT), "w", encoding="utf-8") as file:
            json.dump(report, file)


def _freeze(root: str, standard_library: bool, report: dict[str, Any]) -> None:
    tree = Tree()
    bundle = os.path.join(root, _BUNDLE)
    global _awaited
    _awaited = tree
    _add_site(tree, _bundled(bundle, "site"))

    path = [PROJECT, SITE]
    if standard_library:
        library = os.path.dirname(ast.__file__)  # `os` itself is frozen and names a folder that is not there
        _preload(PRELOAD)
        _give_home()
        _give_name()
        roots = [library, root, *(entry for entry in ("/world", "/bundled") if os.path.isdir(entry))]
        for entry in roots:
            _add_library(tree, entry, skip_loaded=True)
        path = roots + path
    else:
        path = sys.path + path
    _frozen.install(tree, path)
    global _files
    _files = _frozen_resources.install(tree, PROJECT, SITE)

    report["unusable"] = list(_unusable(_index(bundle)["probes"]))
    if report["unusable"]:
        first = report["unusable"][0]
        raise ProjectError(f"{first['package']}: {first['message']}")
    report["preloaded"] = _preload_packages(tree, _index(bundle)["preload"])
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
    """Compile what this component was given; see `_parcel.compile_modules`."""
    return _parcel.compile_modules(task, _ROOTS, _parcel.FOLDER)


def _unpack() -> None:
    """Take the project that this component is given."""
    global _awaited
    if _awaited is not None:
        try:
            _parcel.unpack(_awaited, _ROOTS, _parcel.FOLDER)
        except OSError:
            raise ProjectError("this component has no project: `sluice build` puts one into it") from None
        _awaited = None
        # the folders were looked for before they were there
        sys.path_importer_cache.clear()


def _index(folder: str) -> dict[str, Any]:
    with open(os.path.join(folder, "index.json"), "rb") as file:
        index: dict[str, Any] = json.load(file)
    return index


def _bundled(folder: str, part: str) -> Iterator[tuple[str, bytes]]:
    """The names and contents of one part of the bundle, one at a time: memory once used is in the snapshot.

    The bundle is an index in JSON and one file with all contents in a row. It is not a folder of files
    because componentize-py looks for its own settings in every folder it is given, and must not find a
    stranger's.
    """
    with open(os.path.join(folder, "files.bin"), "rb") as file:
        for name, offset, size in _index(folder)[part]:
            file.seek(offset)
            yield name, file.read(size)


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


def _add_site(tree: Tree, files: Iterable[tuple[str, bytes]]) -> None:
    for name, data in files:
        path = f"{SITE}/{name}"
        tree.add_file(path, data)
        if name.endswith(".py"):
            try:
                tree.add_code(path, _frozen.compile_source(data, path))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue  # libraries ship modules for other Pythons; importing one reports the error then


def _give_home() -> None:
    """Let `~` mean the project's folder: libraries ask for it when they are imported, and would fail."""
    original = os.path.expanduser

    def expanduser(path: Any) -> Any:
        expanded = original(path)
        if isinstance(expanded, str) and (expanded == "~" or expanded.startswith("~/")):
            return PROJECT + expanded[1:]
        return expanded

    os.path.expanduser = expanduser


def _give_name() -> None:
    """Let whoever asks for the user's name have one: drivers do when they are imported, and would fail."""
    original = getpass.getuser

    def getuser() -> str:
        try:
            return original()
        except (ImportError, KeyError, OSError):
            return ENTRY

    getpass.getuser = getuser


def _preload(names: tuple[str, ...]) -> None:
    for name in names:
        try:
            importlib.import_module(name)
        except Exception:  # a module whose C part this Python lacks; importing it later says so
            continue


def _preload_packages(tree: Tree, names: Iterable[str]) -> list[str]:
    """Import modules of packages, so that a sync starts with them loaded."""
    done: list[str] = []
    for name in sorted({*names, *_BASE_PACKAGES}):
        if not _is_of_packages(tree, name):
            continue
        try:
            importlib.import_module(name)
            done.append(name)
        except BaseException:  # a library may do anything when imported; the sync's own import decides
            continue
    return done


def _is_of_packages(tree: Tree, name: str) -> bool:
    if name.partition(".")[0] in sys.stdlib_module_names:
        return False
    base = f"{SITE}/{name.replace('.', '/')}"
    return tree.is_module(f"{base}.py") or tree.is_module(f"{base}/__init__.py")


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
