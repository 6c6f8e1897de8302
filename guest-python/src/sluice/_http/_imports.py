"""Patches a library right after its import, whoever imports it and whenever."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from . import _aiohttp, _httpcore, _requests, _shortcuts, _urllib3

_PATCHES: dict[str, Callable[[ModuleType], None]] = {
    "aiohttp.connector": _aiohttp.patch_connector,
    "certifi": _requests.patch_certifi,
    "httpcore._backends.auto": _httpcore.patch_async_backend,
    "httpcore._backends.sync": _httpcore.patch_backend,
    "requests.adapters": _requests.patch_adapters,
    "requests.cookies": _shortcuts.patch_cookies,
    "requests.models": _shortcuts.patch_models,
    "requests.sessions": _shortcuts.patch_sessions,
    "requests.structures": _shortcuts.patch_structures,
    "requests.utils": _shortcuts.patch_utils,
    "urllib3.connection": _urllib3.patch_connection,
    "urllib3.response": _shortcuts.patch_response,
    "urllib3.util.wait": _urllib3.patch_wait,
}

_ABSENT = ("grp", "pwd")
"""Modules that this Python does not have, and that are looked for again and again."""


def install() -> None:
    """Patch what is imported already and watch for the rest."""
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    for name, patch in _PATCHES.items():
        module = sys.modules.get(name)
        if module is not None:
            patch(module)
    sys.meta_path.insert(0, _Finder())
    for name in _ABSENT:
        # raises `ModuleNotFoundError` without looking for it
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        patch = _PATCHES.get(fullname)
        if patch is None:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if finder is self or find is None else find(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _PatchingLoader(spec.loader, patch)
                return spec
        return None


class _PatchingLoader(Loader):
    """The module's own loader, with the patch after it."""

    def __init__(self, loader: Any, patch: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._patch = patch

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
        self._loader.exec_module(module)
        self._patch(module)
