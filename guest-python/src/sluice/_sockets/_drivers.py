"""What single libraries need beside sockets: modules of Python that a guest lacks, while they are imported.

`pytds.login` imports `ctypes` for single sign-on of Windows. The stand-in is there for that import alone:
elsewhere a missing `ctypes` has to be an `ImportError`, which libraries are prepared for. `xlrd` names `mmap`
for files on a disk, `fastavro` two kinds of compression that a file may have; both do without otherwise.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_WITHOUT = {
    "pytds.login": ("ctypes",),
    "xlrd.book": ("mmap",),
    "fastavro._read_py": ("bz2", "lzma"),
    "fastavro._write_py": ("bz2", "lzma"),
    "fsspec.utils": ("ctypes",),
}


def install() -> None:
    """Watch for their imports. May be called again."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        missing = _WITHOUT.get(fullname)
        if missing is None:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if finder is self or find is None else find(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _StandingIn(spec.loader, missing)
                return spec
        return None


class _StandingIn(Loader):
    """The module's own loader, with a stand-in for what the guest lacks."""

    def __init__(self, loader: Any, missing: tuple[str, ...]) -> None:
        self._loader = loader
        self._missing = missing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        missing = [name for name in self._missing if name not in sys.modules]
        for name in missing:
            sys.modules[name] = ModuleType(name, "Not in a connector; only named here.")
        try:
            self._loader.exec_module(module)
        finally:
            for name in missing:
                del sys.modules[name]
