"""Data files and package metadata held in memory: `importlib.resources`, `importlib.metadata`, `open`."""

from __future__ import annotations

import builtins
import contextlib
import importlib.metadata
import importlib.resources
import io
import os
import pathlib
import posixpath
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from . import _writing
from ._frozen import Tree, read_back

if sys.version_info >= (3, 11):
    from importlib.resources.abc import Traversable, TraversableResources
else:
    from importlib.abc import Traversable, TraversableResources


class Resource(Traversable):
    """One kept file or folder, the way `importlib.resources.files` hands it out."""

    def __init__(self, tree: Tree, path: str) -> None:
        self._tree = tree
        self._path = path

    @property
    def name(self) -> str:
        return self._path.rpartition("/")[2]

    def __fspath__(self) -> str:
        return self._path

    def __str__(self) -> str:
        return self._path

    def __repr__(self) -> str:
        return f"Resource({self._path!r})"

    def is_file(self) -> bool:
        return self._tree.is_file(self._path)

    def is_dir(self) -> bool:
        return self._tree.is_folder(self._path)

    def iterdir(self) -> Iterator[Resource]:
        for name in self._tree.names(self._path):
            yield Resource(self._tree, f"{self._path}/{name}")

    def joinpath(self, *descendants: Any) -> Resource:
        parts = [os.fspath(part) for part in descendants]
        return Resource(self._tree, posixpath.normpath(posixpath.join(self._path, *parts)))

    def __truediv__(self, child: Any) -> Resource:
        return self.joinpath(child)

    def read_bytes(self) -> bytes:
        return self._tree.read(self._path)

    def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
        return str(self.read_bytes(), encoding or "utf-8", errors or "strict")

    def open(self, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        encoding, errors, newline = _text_arguments(*args, **kwargs)
        return read_back(self._tree, self._path, mode, encoding, errors, newline)


def _text_arguments(
    encoding: str | None = None, errors: str | None = None, newline: str | None = None, **_others: Any
) -> tuple[str | None, str | None, str | None]:
    return encoding, errors, newline


class Reader(TraversableResources):
    """What a loader returns for `importlib.resources`."""

    def __init__(self, tree: Tree, folder: str) -> None:
        self._root = Resource(tree, folder)

    def files(self) -> Resource:
        return self._root


class _Distribution(importlib.metadata.Distribution):
    def __init__(self, folder: Resource) -> None:
        self._folder = folder

    def read_text(self, filename: Any) -> str | None:
        entry = self._folder.joinpath(filename)
        return entry.read_text() if entry.is_file() else None

    def locate_file(self, path: Any) -> Any:
        return self._folder.joinpath("..", path)


class _Distributions:
    """A `sys.meta_path` entry that finds no module but lists the frozen distributions."""

    def __init__(self, tree: Tree, site: str) -> None:
        self._site = Resource(tree, site)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        return None

    def find_distributions(self, context: Any = None) -> Iterable[importlib.metadata.Distribution]:
        wanted = getattr(context, "name", None)
        for folder in self._site.iterdir():
            stem, dot, kind = folder.name.rpartition(".")
            if dot and kind == "dist-info" and (wanted is None or _same(wanted, stem.rpartition("-")[0])):
                yield _Distribution(folder)


def _same(left: str, right: str) -> bool:
    def plain(name: str) -> str:
        return "-".join(name.lower().replace("_", "-").replace(".", "-").split("-"))

    return plain(left) == plain(right)


class Files:
    """Which paths are answered from the tree, and which by the files of the sync."""

    def __init__(self, tree: Tree, project: str) -> None:
        self.tree = tree
        self._project = project
        self.laid_out = False

    def locate(self, file: Any) -> str | None:
        """The path in the tree that `file` would have; None when it is none, or not the tree's to answer."""
        if isinstance(file, (bytes, int)):
            return None
        try:
            path = os.fspath(file)
        except TypeError:
            return None
        if not isinstance(path, str):
            return None
        folder = os.getcwd() if self.laid_out else self._project
        path = posixpath.normpath(posixpath.join(folder, path))
        return None if self.laid_out and path.startswith(self._project) else path

    def lay_out(self) -> None:
        """Write the project's files into the files of the sync, and work in their folder.

        They are then files like any other: listed, changed, removed. When there is no room for them, or no
        file system at all, they stay readable from memory.
        """
        with contextlib.suppress(OSError):
            made: set[str] = set()
            _make_folder(self._project, made)
            for path in self.tree.below(self._project):
                _make_folder(posixpath.dirname(path), made)
                with _open(path, "wb") as file:
                    file.write(self.tree.read(path))
            os.chdir(self._project)
            self.laid_out = True

    def join(self, folder: str) -> None:
        """Work in a folder of the files that another instance has laid out."""
        with contextlib.suppress(OSError):
            os.chdir(folder)
            self.laid_out = True


def _make_folder(path: str, made: set[str]) -> None:
    """`os.makedirs` asks which folders exist, and is answered from the tree until all is laid out."""
    if path in made or path in ("", "/"):
        return
    _make_folder(posixpath.dirname(path), made)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path)
    made.add(path)


def install(tree: Tree, project: str, site: str) -> Files:
    """Serve the tree's files to `importlib.resources`, `importlib.metadata` and to plain reading by path.

    Libraries read files beside their own source with `open(...)`, and connectors do unless their files are
    laid out, so reading is answered from the tree first; a relative path means the project's folder then.
    Everything else goes the normal way.
    """
    files = Files(tree, project)
    sys.meta_path.append(_Distributions(tree, site))
    _serve_open(files)
    _serve_questions(files)

    as_file: Any = importlib.resources.as_file  # a `functools.singledispatch`, which its type does not say
    as_file.register(Resource, _as_file)
    return files


@contextlib.contextmanager
def _as_file(resource: Resource) -> Iterator[pathlib.Path]:
    yield pathlib.Path(os.fspath(resource))


_open = io.open


def _serve_open(files: Files) -> None:
    original = _open

    def frozen_open(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        if file == os.devnull and files.laid_out:
            return _writing.open_null(mode, encoding, errors, newline)
        if opener is None and not set(mode) & set("wax+"):
            path = files.locate(file)
            if path is not None and files.tree.is_file(path):
                return read_back(files.tree, path, mode, encoding, errors, newline)
        writes = files.laid_out and set(mode) & set("wax+")
        if writes and _writing.can_open(mode, buffering, encoding, errors, newline):
            return _writing.open_for_writing(
                file, mode, buffering, encoding, errors, newline, closefd, opener
            )
        return original(file, mode, buffering, encoding, errors, newline, closefd, opener)

    frozen_open.__name__ = frozen_open.__qualname__ = "open"
    builtins.open = io.open = frozen_open


def _serve_questions(files: Files) -> None:
    tree = files.tree

    def answer(original: Callable[[Any], bool], kept: Callable[[str], bool]) -> Callable[[Any], bool]:
        def ask(path: Any) -> bool:
            located = files.locate(path)
            return (located is not None and kept(located)) or original(path)

        return ask

    listed = os.listdir

    def listdir(path: Any = ".") -> list[Any]:
        located = files.locate(path)
        if located is None or not tree.is_folder(located):
            return listed(path)
        names = set(tree.names(located))
        with contextlib.suppress(OSError):
            # a folder of that name may be among the files of the sync as well
            names.update(listed(path))
        return sorted(names)

    os.listdir = listdir
    os.path.isfile = answer(os.path.isfile, tree.is_file)  # type: ignore[assignment]
    os.path.isdir = answer(os.path.isdir, tree.is_folder)  # type: ignore[assignment]
    os.path.exists = answer(  # type: ignore[assignment]
        os.path.exists, lambda path: tree.is_file(path) or tree.is_folder(path)
    )
