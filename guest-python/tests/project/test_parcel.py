"""`sluice._parcel`: what a runner is given, laid out as the host does."""

from __future__ import annotations

import base64
import json
import marshal
import os
import sys
import tempfile
import types
import unittest
from pathlib import Path

import pytest

from sluice import _frozen, _parcel

ROOTS = {"project": "/given", "site": "/packages"}
File = tuple[str, bytes, bytes]


def archive(files: list[File], beside: bool) -> bytes:
    entries, content = [], b""
    for name, data, code in files:
        offset = len(content)
        content += data + code
        entries.append((name, offset, len(data), offset + len(data), len(code)))
    index = json.dumps({"files": entries, "beside": beside}).encode()
    return len(index).to_bytes(8, "little") + index + content


class ParcelTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name

    def lay(self, project: list[File], site: list[File], beside: bool = True) -> None:
        for part, files in (("project", project), ("site", site)):
            Path(self.folder, part).write_bytes(archive(files, beside))

    def test_files_and_code_are_read_when_asked_for(self) -> None:
        code = marshal.dumps(compile("kept = 1", "/packages/p.py", "exec"))
        self.lay(
            [("connector.py", b"x = 1\n", b""), ("data.csv", b"a,b", b"")], [("p.py", b"kept = 2", code)]
        )
        tree = _frozen.Tree()
        _parcel.unpack(tree, ROOTS, self.folder)
        assert tree.read("/given/data.csv") == b"a,b"
        assert tree.source("/packages/p.py") == "kept = 2"
        namespace: dict[str, object] = {}
        exec(tree.code("/packages/p.py"), namespace)
        exec(tree.code("/given/connector.py"), namespace)
        assert (namespace["kept"], namespace["x"]) == (1, 1)
        assert tree.below("/given") == ["/given/connector.py", "/given/data.csv"]

    def test_a_connector_that_closes_every_file_goes_on(self) -> None:
        Path(self.folder, "project").write_bytes(archive([("a", b"text", b"")], True))
        opened = _parcel.Archive(f"{self.folder}/project")
        os.close(opened._file)
        assert opened.read(0, 4) == b"text"
        with pytest.raises(OSError, match="ends early"):
            opened.read(0, 5)

    def test_packages_of_the_runner_make_room_for_others(self) -> None:
        for beside in (True, False):
            module = types.ModuleType("of_the_runner")
            module.__file__ = "/packages/of_the_runner.py"
            sys.modules["of_the_runner"] = module
            self.addCleanup(sys.modules.pop, "of_the_runner", None)
            tree = _frozen.Tree()
            tree.add_file("/packages/of_the_runner.py", b"")
            tree.add_file("/packages-not/other.py", b"")
            self.lay([], [("p.py", b"", b"")], beside)
            Path(self.folder, "project").write_bytes(archive([], True))
            _parcel.unpack(tree, ROOTS, self.folder)
            assert ("of_the_runner" in sys.modules) == beside
            assert tree.is_module("/packages/of_the_runner.py") == beside
            assert tree.is_module("/packages/p.py")
            assert tree.is_module("/packages-not/other.py")

    def test_a_component_may_be_given_a_project_alone(self) -> None:
        Path(self.folder, "project").write_bytes(archive([("a.py", b"", b"")], True))
        tree = _frozen.Tree()
        _parcel.unpack(tree, ROOTS, self.folder)
        assert tree.below("/given") == ["/given/a.py"]
        with pytest.raises(OSError, match="project"):
            _parcel.unpack(tree, ROOTS, f"{self.folder}/nowhere")

    def test_modules_are_compiled_in_pieces(self) -> None:
        files: list[File] = [
            ("a.py", b"x = 1", b""),
            ("old.py", b"print 1", b""),
            ("data", b"", b""),
            ("b.py", b"y = 2", b""),
        ]
        self.lay([], files)
        limit = _parcel._MAX_ANSWER
        self.addCleanup(setattr, _parcel, "_MAX_ANSWER", limit)
        setattr(_parcel, "_MAX_ANSWER", 1)  # noqa: B010
        found, refused, start = {}, [], 0
        while start is not None:
            answer = json.loads(
                _parcel.compile_modules(json.dumps({"part": "site", "from": start}), ROOTS, self.folder)
            )
            assert len(answer["code"]) <= 1
            found.update({number: marshal.loads(base64.b64decode(text)) for number, text in answer["code"]})
            refused += [(number, line) for number, line, message in answer["refused"] if message]
            start = answer["next"]
        assert sorted(found) == [0, 3]
        assert refused == [(1, 1)]
        assert found[3].co_filename == "/packages/b.py"
