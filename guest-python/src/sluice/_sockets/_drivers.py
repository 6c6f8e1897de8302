"""What single libraries need beside sockets: modules of Python that a guest lacks, while they are imported.

`pytds.login` imports `ctypes` for single sign-on of Windows. The stand-in is there for that import alone:
elsewhere a missing `ctypes` has to be an `ImportError`, which libraries are prepared for. `xlrd` and `rich`
name `mmap` for files on a disk, `fastavro` two kinds of compression that a file may have; they do without.

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

from . import _sql_server as sql_server
from ._mysql import patch_connections
from ._postgres import patch_core

_NAMED = {"mmap": ("mmap",)}
"""What is taken out of such modules by name while others are imported; for annotations."""


def _standing_in(missing: tuple[str, ...], module: ModuleType, execute: Callable[[], None]) -> None:
    """Execute a module with a stand-in for what the guest lacks."""
    absent = [name for name in missing if name not in sys.modules]
    for name in absent:
        standing = sys.modules[name] = ModuleType(name, "Not in a connector; only named here.")
        for named in _NAMED.get(name, ()):
            setattr(standing, named, type(named, (), {}))
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
        "rethinkdb._export": ("ctypes",),
        "rethinkdb._import": ("ctypes",),
        "rich.progress": ("mmap",),
    }.items()
}


def _asking_at_once(module: ModuleType, execute: Callable[[], None]) -> None:
    execute()
    settings: Any = module
    settings.SERVER_MONITORING_MODE = "poll"


def _in_python(module: ModuleType, execute: Callable[[], None]) -> None:
    """Choose the way without machine code, which is left out and not asked for."""
    execute()
    settings: Any = module
    settings.CYTHON = False


_WITH: dict[str, Around] = {
    "pg8000.core": patch_core,
    "pymongo.common": _asking_at_once,
    "pymysql.connections": patch_connections,
    "pytds.tds_session": sql_server.with_whole_connections,
    "pytds.tls": sql_server.with_tls_of_host,
    "thriftpy2._compat": _in_python,
}


def install() -> None:
    """Watch for their imports. May be called again."""
    watch(_WITHOUT)
    watch(_WITH)
