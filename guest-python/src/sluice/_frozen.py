"""An import system over files held in memory.

What was readable while the snapshot is taken is gone when a component runs. `Tree` holds it
under the paths it had, or was given, there; `install` teaches Python's own path-based import to look into it.
Everything above that (packages, namespace packages, relative imports, `pkgutil`) stays Python's own code.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import io
import marshal
import os
import sys
import warnings
import zlib
from collections.abc import Iterator, Sequence
from types import CodeType, ModuleType
from typing import Any, Protocol

ModuleSpec = importlib.machinery.ModuleSpec

_WORTH_COMPRESSING = 512


class Source(Protocol):
    """Where lent bytes lie."""

    def read(self, offset: int, size: int) -> bytes: ...


class Lent:
    """Bytes that lie elsewhere and are read when they are asked for."""

    __slots__ = ("_offset", "_size", "_source")

    def __init__(self, source: Source, offset: int, size: int) -> None:
        self._source = source
        self._offset = offset
        self._size = size

    def read(self) -> bytes:
        """All of them."""
        return self._source.read(self._offset, self._size)


class Tree:
    """Files and compiled modules, by absolute path with `/` between names."""

    def __init__(self) -> None:
        self._files: dict[str, bytes | Lent] = {}
        self._packed: set[str] = set()
        self._code: dict[str, bytes | Lent] = {}
        self._folders: dict[str, set[str]] = {}

    def add_file(self, path: str, data: bytes) -> None:
        """Keep a file's content, compressed when that pays."""
        if len(data) >= _WORTH_COMPRESSING:
            packed = zlib.compress(data)
            if len(packed) < len(data):
                data = packed
                self._packed.add(path)
        self._files[path] = data
        self._enter(path)

    def add_code(self, path: str, code: CodeType) -> None:
        """Keep the compiled form of the module whose source is, or was, at `path`."""
        self._code[path] = marshal.dumps(code)
        self._enter(path)

    def lend(self, path: str, data: Lent, code: Lent | None) -> None:
        """Keep where a file's content, and the compiled form of its module, can be read."""
        self._files[path] = data
        if code is not None:
            self._code[path] = code
        self._enter(path)

    def _enter(self, path: str) -> None:
        while path not in ("", "/"):
            folder, _, name = path.rpartition("/")
            names = self._folders.setdefault(folder or "/", set())
            if name in names:
                return
            names.add(name)
            path = folder

    def forget(self, folder: str) -> None:
        """Drop everything below a folder."""
        inside = folder + "/"
        for kept in (self._files, self._code, self._folders):
            for path in [path for path in kept if path.startswith(inside)]:
                del kept[path]
        self._packed = {path for path in self._packed if not path.startswith(inside)}
        self._folders.pop(folder, None)
        parent, _, name = folder.rpartition("/")
        self._folders.get(parent or "/", set()).discard(name)

    def forget_code(self, path: str) -> None:
        """Drop the compiled form of a module that is imported already; it can no longer be reloaded."""
        self._code.pop(path, None)

    def is_module(self, path: str) -> bool:
        """Whether a module can be loaded from `path`."""
        return path in self._code or (path.endswith(".py") and path in self._files)

    def is_file(self, path: str) -> bool:
        """Whether the content of the file at `path` is kept."""
        return path in self._files

    def is_folder(self, path: str) -> bool:
        """Whether something below `path` is kept."""
        return path in self._folders

    def below(self, folder: str) -> list[str]:
        """The paths of all files in a folder and its folders, sorted."""
        found: list[str] = []
        folders = [folder]
        # not by looking at all paths there are, each of which would make a private copy of its page
        while folders:
            inside = folders.pop()
            for name in self._folders.get(inside, ()):
                path = f"{inside}/{name}"
                if path in self._files:
                    found.append(path)
                if path in self._folders:
                    folders.append(path)
        return sorted(found)

    def names(self, folder: str) -> list[str]:
        """The names directly below a folder, sorted."""
        return sorted(self._folders.get(folder, ()))

    def modules(self) -> int:
        """How many modules are kept in compiled form."""
        return len(self._code)

    def read(self, path: str) -> bytes:
        """The content of a file; `FileNotFoundError` when it is not kept."""
        data = self._files.get(path)
        if data is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        if isinstance(data, Lent):
            return data.read()
        return zlib.decompress(data) if path in self._packed else data

    def code(self, path: str) -> CodeType:
        """The code of a module; compiles its source when there is no compiled form."""
        kept = self._code.get(path)
        if kept is None:
            return compile_source(self.read(path), path)
        code = marshal.loads(kept.read() if isinstance(kept, Lent) else kept)
        assert isinstance(code, CodeType)
        return code

    def source(self, path: str) -> str | None:
        """The source of a module, when it is kept."""
        return importlib.util.decode_source(self.read(path)) if self.is_file(path) else None


def compile_source(source: bytes, path: str) -> CodeType:
    """Compile one module without inheriting this module's `__future__` imports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = compile(source, path, "exec", dont_inherit=True)
    assert isinstance(code, CodeType)
    return code


class _Loader(importlib.abc.ExecutionLoader):
    """Loads one module. `exec_module` is inherited, so that no frame of ours appears in tracebacks."""

    def __init__(self, tree: Tree, path: str) -> None:
        self._tree = tree
        self.path = path

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def get_filename(self, fullname: str) -> str:
        return self.path

    def get_code(self, fullname: str) -> CodeType | None:
        return self._tree.code(self.path)

    def get_source(self, fullname: str) -> str | None:
        return self._tree.source(self.path)

    def is_package(self, fullname: str) -> bool:
        return self.path.endswith("/__init__.py")

    def get_data(self, path: str) -> bytes:
        return self._tree.read(os.path.normpath(path))

    def get_resource_reader(self, fullname: str) -> Any:
        from ._frozen_resources import Reader  # the libraries it needs import this way themselves

        return Reader(self._tree, self.path.rpartition("/")[0])


class _FolderFinder:
    """Finds the modules directly in one folder of the tree."""

    def __init__(self, tree: Tree, folder: str) -> None:
        self._tree = tree
        self.path = folder

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        base = f"{self.path}/{fullname.rpartition('.')[2]}"
        package = f"{base}/__init__.py"
        if self._tree.is_module(package):
            return self._spec(fullname, package, [base])
        if self._tree.is_module(f"{base}.py"):
            return self._spec(fullname, f"{base}.py", None)
        if self._tree.is_folder(base):
            spec = ModuleSpec(fullname, None)
            spec.submodule_search_locations = [base]
            return spec
        return None

    def _spec(self, fullname: str, path: str, locations: list[str] | None) -> ModuleSpec:
        spec = ModuleSpec(fullname, _Loader(self._tree, path), origin=path)
        spec.has_location = True
        spec.submodule_search_locations = locations
        return spec

    def iter_modules(self, prefix: str = "") -> Iterator[tuple[str, bool]]:
        """What `pkgutil.iter_modules` asks a path entry finder for."""
        for name in self._tree.names(self.path):
            if name.endswith(".py") and name != "__init__.py":
                yield prefix + name[:-3], False
            elif self._tree.is_module(f"{self.path}/{name}/__init__.py"):
                yield prefix + name, True

    def invalidate_caches(self) -> None:
        """Nothing to do: the tree does not change once it is looked into."""


def install(tree: Tree, path: Sequence[str]) -> None:
    """Make `path` the whole of `sys.path` and serve every folder of the tree from memory."""

    def hook(entry: str) -> _FolderFinder:
        if not tree.is_folder(entry):
            raise ImportError(f"not a folder of this component: {entry}")
        return _FolderFinder(tree, entry)

    sys.path_hooks.insert(0, hook)
    sys.path[:] = path
    sys.path_importer_cache.clear()


def read_back(
    tree: Tree, path: str, mode: str, encoding: str | None, errors: str | None, newline: str | None
) -> Any:
    """A file object over one kept file, opened for reading."""
    raw = io.BytesIO(tree.read(path))
    raw.name = path
    return raw if "b" in mode else io.TextIOWrapper(raw, encoding or "utf-8", errors, newline)
