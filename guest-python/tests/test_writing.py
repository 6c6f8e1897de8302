"""`sluice._writing` against `io.open`."""

from __future__ import annotations

import io
import itertools
import tempfile
import unittest
from pathlib import Path
from typing import Any

from sluice import _writing


class WritingTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def outcome(self, opened: Any, mode: str) -> Any:
        """What a file can do, and what is in it after writing twice."""
        binary = "b" in mode
        with opened as file:
            parts = ("é\n".encode(), b"12") if binary else ("é\n", "12")
            for part in parts:
                file.write(part)
            seen = (file.mode, file.readable(), file.writable(), Path(file.name).name)
            if file.readable():
                file.seek(0)
                seen = (*seen, file.read())
        return seen, (self.folder / "x").read_bytes()

    def test_every_mode_is_as_the_original(self) -> None:
        path = self.folder / "x"
        for kind, plus, form in itertools.product("wax", ("", "+"), ("", "b", "t")):
            mode = kind + plus + form
            outcomes = []
            for open_ in (io.open, self.opened):
                path.unlink(missing_ok=True)
                if kind != "x":
                    path.write_bytes(b"before")
                outcomes.append(self.outcome(open_(path, mode), mode))
            assert outcomes[0] == outcomes[1], mode

    def opened(self, path: Path, mode: str) -> Any:
        assert _writing.can_open(mode, -1, None, None, None), mode
        return _writing.open_for_writing(path, mode, -1, None, None, None, True, None)

    def test_odd_arguments_are_left_to_the_original(self) -> None:
        for mode in ("", "wa", "ww", "wbt", "b", "wU", "+"):
            assert not _writing.can_open(mode, -1, None, None, None), mode
        assert not _writing.can_open("wb", -1, "utf-8", None, None)
        assert not _writing.can_open("w", 0, None, None, None)


if __name__ == "__main__":
    unittest.main()
