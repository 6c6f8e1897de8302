"""What single drivers need beside sockets: a module of Python that a guest lacks, while they are imported.

`pytds.login` imports `ctypes` for single sign-on of Windows. The stand-in is there for that import alone:
elsewhere a missing `ctypes` has to be an `ImportError`, which libraries are prepared for.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_WITHOUT = {"pytds.login": "ctypes"}


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

    def __init__(self, loader: Any, missing: str) -> None:
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
        missing = self._missing
        there = missing in sys.modules
        if not there:
            sys.modules[missing] = ModuleType(missing, "Not in a connector; only named here.")
        try:
            self._loader.exec_module(module)
        finally:
            if not there:
                del sys.modules[missing]
