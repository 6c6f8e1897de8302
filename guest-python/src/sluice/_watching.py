"""Does something around the first import of a module, whoever imports it and whenever."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Around = Callable[[ModuleType, Callable[[], None]], None]
"""Given a new module and what executes it, does so, and what is to be done before and after."""


def watch(modules: Mapping[str, Around]) -> bool:
    """Watch for their imports; False when they are watched for already."""
    if any(isinstance(finder, _Finder) and finder.modules is modules for finder in sys.meta_path):
        return False
    sys.meta_path.insert(0, _Finder(modules))
    return True


class _Finder(MetaPathFinder):
    def __init__(self, modules: Mapping[str, Around]) -> None:
        self.modules = modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        around = self.modules.get(fullname)
        if around is None:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if finder is self or find is None else find(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, around)
                return spec
        return None


class _Loader(Loader):
    """The module's own loader, with something around it."""

    def __init__(self, loader: Any, around: Around) -> None:
        self._loader = loader
        self._around = around

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        # Resources, sources and tracebacks are asked of the loader itself from now on.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._around(module, lambda: self._loader.exec_module(module))
