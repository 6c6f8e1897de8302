"""Patches a library right after its import, whoever imports it and whenever."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType

from sluice._watching import watch

from . import _aiohttp, _httpcore, _httplib2, _requests, _shortcuts, _urllib3

_PATCHES: dict[str, Callable[[ModuleType], None]] = {
    "aiohttp.connector": _aiohttp.patch_connector,
    "certifi": _requests.patch_certifi,
    "httpcore._backends.auto": _httpcore.patch_async_backend,
    "httpcore._backends.sync": _httpcore.patch_backend,
    "httplib2": _httplib2.patch_httplib2,
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


def _patched(patch: Callable[[ModuleType], None], module: ModuleType, execute: Callable[[], None]) -> None:
    execute()
    patch(module)


_WATCHED = {name: partial(_patched, patch) for name, patch in _PATCHES.items()}


def install() -> None:
    """Patch what is imported already and watch for the rest."""
    if not watch(_WATCHED):
        return
    for name, patch in _PATCHES.items():
        module = sys.modules.get(name)
        if module is not None:
            patch(module)
    for name in _ABSENT:
        # raises `ModuleNotFoundError` without looking for it
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
