"""Stand-in for the host's files: keeps what landed, and refuses what a test says."""

from componentize_py_types import Err

from wit_world.imports.types import TableName

landed = {}
"""Finished files by path, in the order of `finish`."""
refuse = None
"""None, or a function of a call that returns a refusal or None."""
column = "_sluice_file_path"
open_uploads = []
tables = []
"""Schema and name of the table of each file that was begun."""


def _ask(*call):
    refusal = refuse(call) if refuse is not None else None
    if refusal is not None:
        raise Err(refusal)


class Upload:
    def __init__(self, path):
        self._path = path
        self._data = b""
        self._finished = False
        open_uploads.append(self)

    def write_text(self, text):
        assert type(text) is str
        _ask("write", text)
        assert not self._finished
        self._data += text.encode("latin-1")

    def finish(self):
        _ask("finish", self._path)
        assert not self._finished
        self._finished = True
        landed[self._path] = self._data

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        open_uploads.remove(self)


def begin(table, path, expected):
    assert type(table) is TableName
    assert type(table.name) is str
    assert type(path) is str
    assert expected is None or (type(expected) is int and 0 <= expected < 2**64)
    _ask("begin", path, expected)
    tables.append((table.schema, table.name))
    return Upload(path)


def path_column():
    return column
