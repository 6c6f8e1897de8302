"""What single libraries need beside sockets: modules of Python that a guest lacks, while they are imported.

`pytds.login` imports `ctypes` for single sign-on of Windows. The stand-in is there for that import alone:
elsewhere a missing `ctypes` has to be an `ImportError`, which libraries are prepared for. `xlrd` names `mmap`
for files on a disk, `fastavro` two kinds of compression that a file may have; both do without otherwise.

`pymongo` watches its servers in threads: it asks, and the server may take ten seconds to answer that nothing
has changed. Nothing else could go on meanwhile, so it asks in the way that is answered at once, as it does by
itself where processes are short-lived.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from sluice._watching import Around, watch


def _standing_in(missing: tuple[str, ...], module: ModuleType, execute: Callable[[], None]) -> None:
    """Execute a module with a stand-in for what the guest lacks."""
    absent = [name for name in missing if name not in sys.modules]
    for name in absent:
        sys.modules[name] = ModuleType(name, "Not in a connector; only named here.")
    try:
        execute()
    finally:
        for name in absent:
            del sys.modules[name]


_WITHOUT = {
    module: partial(_standing_in, missing)
    for module, missing in {
        "pytds.login": ("ctypes",),
        "xlrd.book": ("mmap",),
        "fastavro._read_py": ("bz2", "lzma"),
        "fastavro._write_py": ("bz2", "lzma"),
        "fsspec.utils": ("ctypes",),
    }.items()
}


def _asking_at_once(module: ModuleType, execute: Callable[[], None]) -> None:
    execute()
    settings: Any = module
    settings.SERVER_MONITORING_MODE = "poll"


_WITH: dict[str, Around] = {"pymongo.common": _asking_at_once}


def install() -> None:
    """Watch for their imports. May be called again."""
    watch(_WITHOUT)
    watch(_WITH)
