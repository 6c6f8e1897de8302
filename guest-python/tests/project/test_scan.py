"""`sluice._scan`: what is seen in source without executing it."""

from __future__ import annotations

import tempfile
import textwrap

from sluice import _scan


def scan(files: dict[str, str]) -> _scan.Scanner:
    with tempfile.TemporaryDirectory() as site:
        sources = {name: textwrap.dedent(text) for name, text in files.items()}
        scanner = _scan.Scanner(sources, site, ["sluice", "fivetran_connector_sdk"], {})
        scanner.scan()
    return scanner


def test_every_import_is_seen_wherever_it_stands() -> None:
    source = """
        import one, two.part as two
        from three.four import five, six as seven
        from . import own
        def late():
            try:
                from eight import (
                    nine,
                    ten as eleven,
                )
            except ImportError:
                import twelve
    """
    names = {
        "one", "two.part", "three.four", "three.four.five", "three.four.six",
        "eight", "eight.nine", "eight.ten", "twelve",
    }  # fmt: skip
    assert scan({"connector.py": source}).imports == names
    # the same of what a Python of this age cannot parse
    assert scan({"connector.py": textwrap.dedent(source) + "\nsyntax of tomorrow\n"}).imports == names


def test_a_file_named_like_a_module_of_python_is_noted() -> None:
    scanner = scan({"connector.py": "\nimport secrets\n", "secrets.py": "", "queue.py": ""})
    (note,) = scanner.notes
    assert (note["file"], note["line"]) == ("connector.py", 2)
    assert note["message"].startswith("`import secrets` means Python's own module")
