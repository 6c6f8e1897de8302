"""The project that a runner is given when a sync starts, instead of being built from it.

The host lays two archives into a folder that can only be read: `project` with the files of the project,
`site` with those of its packages and, once this Python has made it, their byte code. What is in them is read
when it is asked for.

A runner has the packages that every connector may import, and has imported them. `site` says whether the
project has the same ones, and holds only the others then. If not, the runner forgets its own.
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


def unpack(tree: _frozen.Tree, roots: dict[str, str], folder: str = FOLDER) -> None:
    """Add what is in the archives to `tree`, each part below its root."""
    for part in PARTS:
        archive = Archive(f"{folder}/{part}")
        root = roots[part]
        if not archive.beside:
            forget(tree, root)
        for name, offset, size, code_offset, code_size in archive.files:
            path = f"{root}/{name}"
            code = _frozen.Lent(archive, code_offset, code_size) if code_size else None
            tree.lend(path, _frozen.Lent(archive, offset, size), code)


def forget(tree: _frozen.Tree, root: str) -> None:
    """Forget the files below `root` and what was imported from there."""
    for name, module in list(sys.modules.items()):
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        if any(isinstance(place, str) and place.startswith(root + "/") for place in places):
            del sys.modules[name]
    tree.forget(root)


def compile_modules(task: str, roots: dict[str, str], folder: str = FOLDER) -> str:
    """Compile modules of one part, from one on: the byte code of as many as an answer holds.

    Nothing of them is executed, so the answer depends on their source alone. One that is not Python has none.
    """
    asked = json.loads(task)
    archive = Archive(f"{folder}/{asked['part']}")
    root = roots[asked["part"]]
    made: list[tuple[int, str]] = []
    size = 0
    for number, source in _sources(archive, asked["from"]):
        if size > _MAX_ANSWER:
            return json.dumps({"code": made, "next": number})
        path = f"{root}/{archive.files[number][0]}"
        try:
            code = marshal.dumps(_frozen.compile_source(source, path))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue  # libraries ship modules for other Pythons; importing one reports the error then
        text = base64.b64encode(code).decode()
        made.append((number, text))
        size += len(text)
    return json.dumps({"code": made, "next": None})


def _sources(archive: Archive, start: int) -> Iterator[tuple[int, bytes]]:
    for number, (name, offset, size, _, code_size) in enumerate(archive.files):
        if number >= start and name.endswith(".py") and not code_size:
            yield number, archive.read(offset, size)
