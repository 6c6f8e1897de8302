"""The project that a component is given when a sync starts.

A component is built without one: it has this Python, the SDK and packages, and the host lays an archive
`project` with the project's files and their byte code into a folder that can only be read. What is in it is
read when it is asked for.

In `sluice dev` another archive, `site`, brings packages. It says whether the project has the same ones as
this component, and holds only the others then. If not, the component forgets its own.
"""

from __future__ import annotations

import base64
import json
import marshal
import os
import sys
from collections.abc import Iterator
from typing import Any

from . import _frozen

FOLDER = "/.sluice"
PARTS = ("project", "site")

_LENGTH_BYTES = 8
_MAX_ANSWER = 8 << 20
_MAX_MESSAGE = 1000


class Archive:
    """The length of an index, the index in JSON, and the contents of all files in a row."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDONLY)
        length = int.from_bytes(self._bytes(0, _LENGTH_BYTES), "little")
        index: dict[str, Any] = json.loads(self._bytes(_LENGTH_BYTES, length))
        self.files: list[list[Any]] = index["files"]
        self.beside = bool(index["beside"])
        self._start = _LENGTH_BYTES + length

    def read(self, offset: int, size: int) -> bytes:
        """Some bytes of the contents."""
        return self._bytes(self._start + offset, size)

    def _bytes(self, offset: int, size: int) -> bytes:
        pieces: list[bytes] = []
        while size:
            piece = self._piece(offset, size)
            if not piece:
                raise OSError(f"{self._path} ends early")
            pieces.append(piece)
            offset += len(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _piece(self, offset: int, size: int) -> bytes:
        try:
            return os.pread(self._file, size, offset)
        except OSError:
            # a connector may close whatever it finds
            self._file = os.open(self._path, os.O_RDONLY)
            return os.pread(self._file, size, offset)


def unpack(tree: _frozen.Tree, roots: dict[str, str], folder: str) -> None:
    """Add what is in the archives to `tree`, each part below its root; OSError when there is no project."""
    for part in PARTS:
        try:
            archive = Archive(f"{folder}/{part}")
        except OSError:
            if part == "project":
                raise
            continue
        root = roots[part]
        if not archive.beside:
            tree.forget(root)
            _forget_modules(root)
        for name, offset, size, code_offset, code_size in archive.files:
            path = f"{root}/{name}"
            code = _frozen.Lent(archive, code_offset, code_size) if code_size else None
            tree.lend(path, _frozen.Lent(archive, offset, size), code)
        if part == "project" and _stands_before(archive, roots["site"]):
            _forget_modules(roots["site"])


def _stands_before(archive: Archive, site: str) -> bool:
    """Whether a module of the project has the name of a package that is imported already.

    The project comes first, for the libraries that import such a name too.
    """
    for name, *_ in archive.files:
        top, _, below = name.partition("/")
        if not name.endswith(".py") or below not in ("", "__init__.py"):
            continue
        module = sys.modules.get(top.removesuffix(".py"))
        if module is not None and _is_below(module, site):
            return True
    return False


def _is_below(module: object, root: str) -> bool:
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return any(isinstance(place, str) and place.startswith(root + "/") for place in places)


def _forget_modules(root: str) -> None:
    """Forget what was imported from below `root`: the next import looks for it anew."""
    for name, module in list(sys.modules.items()):
        if _is_below(module, root):
            del sys.modules[name]


def compile_modules(task: str, roots: dict[str, str], folder: str) -> str:
    """Compile modules of one part, from one on: the byte code of as many as an answer holds.

    Nothing of them is executed, so the answer depends on their source alone. Those that are not Python are
    refused, with the line and what is wrong.
    """
    asked = json.loads(task)
    archive = Archive(f"{folder}/{asked['part']}")
    root = roots[asked["part"]]
    made: list[tuple[int, str]] = []
    refused: list[tuple[int, int, str]] = []
    size = 0
    for number, source in _sources(archive, asked["from"]):
        if size > _MAX_ANSWER:
            return json.dumps({"code": made, "refused": refused, "next": number})
        path = f"{root}/{archive.files[number][0]}"
        try:
            code = marshal.dumps(_frozen.compile_source(source, path))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            # libraries ship modules for other Pythons; importing one reports the error then
            line = getattr(error, "lineno", None) or 1
            message = getattr(error, "msg", None) or str(error) or type(error).__name__
            refused.append((number, line, message[:_MAX_MESSAGE]))
            continue
        text = base64.b64encode(code).decode()
        made.append((number, text))
        size += len(text)
    return json.dumps({"code": made, "refused": refused, "next": None})


def _sources(archive: Archive, start: int) -> Iterator[tuple[int, bytes]]:
    for number, (name, offset, size, _, code_size) in enumerate(archive.files):
        if number >= start and name.endswith(".py") and not code_size:
            yield number, archive.read(offset, size)
