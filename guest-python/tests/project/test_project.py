"""`sluice._project` with a real bundle, in a Python process of its own for each case."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "sluice"
SDK = (
    "_project.py", "_parcel.py", "_frozen.py", "_frozen_resources.py", "_stdlib.py", "_writing.py",
)  # fmt: skip


class Stage:
    """An SDK folder with a bundle beside it, as `sluice build` lays it out."""

    def __init__(self, folder: str, project: dict[str, str], site: dict[str, str]) -> None:
        self.root = Path(folder)
        package = self.root / "sluice"
        package.mkdir()
        (package / "__init__.py").touch()
        for name in SDK:
            (package / name).write_bytes((SOURCE / name).read_bytes())
        index: dict[str, list[tuple[str, int, int]]] = {}
        content = b""
        for part, files in (("project", project), ("site", site)):
            index[part] = []
            for name, text in files.items():
                data = textwrap.dedent(text).encode()
                index[part].append((name, len(content), len(data)))
                content += data
        bundle = self.root / "sluice-bundle"
        bundle.mkdir()
        (bundle / "index.json").write_text(json.dumps(index))
        (bundle / "files.bin").write_bytes(content)

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        """Freeze, remove every file, and run `code`."""
        start = f"""
        import json, shutil, sys
        sys.path.insert(0, {str(self.root)!r})
        from sluice import _project
        _project.freeze(standard_library=False)
        shutil.copy({str(self.root / "sluice-report.json")!r}, {str(self.root) + ".json"!r})
        shutil.rmtree({str(self.root)!r})
        load = _project.load_connector_module
        """
        program = textwrap.dedent(start) + textwrap.dedent(code)
        return subprocess.run(
            [sys.executable, "-I", "-B", "-c", program],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def report(self) -> dict[str, object]:
        """What `freeze` wrote."""
        path = Path(str(self.root) + ".json")
        path = path if path.exists() else self.root / "sluice-report.json"
        loaded = json.loads(path.read_text())
        assert isinstance(loaded, dict)
        return loaded


@unittest.skipIf(sys.version_info < (3, 11), "importlib.resources is another one there")
class ProjectTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name) / "stage"
        self.folder.mkdir()

    def stage(self, project: dict[str, str], site: dict[str, str] | None = None) -> Stage:
        return Stage(str(self.folder), project, site or {})

    def output(self, stage: Stage, code: str) -> str:
        finished = stage.run(code)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout.strip()

    def test_nothing_of_the_project_runs_when_it_is_frozen(self) -> None:
        stage = self.stage({"connector.py": "print('connector')", "sitecustomize.py": "print('site')"})
        assert self.output(stage, "print('before'); load()") == "before\nconnector"

    def test_late_conditional_and_relative_imports(self) -> None:
        project = {
            "connector.py": """
                from pkg import first
                def late():
                    import importlib
                    return importlib.import_module("pkg.deep.second").VALUE
            """,
            "pkg/__init__.py": "",
            "pkg/first.py": "from .deep.second import VALUE\nfrom . import deep\n",
            "pkg/deep/__init__.py": "",
            "pkg/deep/second.py": "VALUE = 7\n",
        }
        assert (
            self.output(self.stage(project), "c = load(); print(c.late(), c.__file__)")
            == "7 /project/connector.py"
        )

    def test_namespace_packages(self) -> None:
        stage = self.stage(
            {"connector.py": "import space.one, space.two\nprint(space.__path__)", "space/one.py": ""},
            {"space/two.py": ""},
        )
        assert "/project/space" in self.output(stage, "load()")

    def test_tracebacks_show_the_source(self) -> None:
        stage = self.stage(
            {
                "connector.py": "import helper\nhelper.fail()\n",
                "helper.py": "def fail():\n    raise ValueError('here')\n",
            }
        )
        traceback = self.output(
            stage, "import traceback\ntry: load()\nexcept ValueError: print(traceback.format_exc())"
        )
        assert 'File "/project/connector.py", line 2, in <module>\n    helper.fail()' in traceback
        assert 'File "/project/helper.py", line 2, in fail\n    raise ValueError' in traceback
        assert "_frozen.py" not in traceback

    def test_data_files(self) -> None:
        text = "wörld\n" + "x" * 2000
        project = {
            "connector.py": """
                import importlib.resources, os, pathlib, pkgutil
                import pkg
                assert pkgutil.get_data("pkg", "data.txt").decode() == EXPECTED
                files = importlib.resources.files("pkg")
                assert files.joinpath("data.txt").read_text(encoding="utf-8") == EXPECTED
                assert sorted(e.name for e in files.iterdir()) == ["__init__.py", "data.txt"]
                with importlib.resources.as_file(files / "data.txt") as path:
                    assert path.read_text(encoding="utf-8") == EXPECTED
                here = pathlib.Path(__file__).parent / "pkg" / "data.txt"
                assert os.path.exists(here) and here.read_bytes().decode() == EXPECTED
                assert os.path.isfile("pkg/data.txt") and not os.path.isfile("pkg")
                assert "data.txt" in os.listdir("pkg") and "pkg" in os.listdir()
                with open("pkg/data.txt", encoding="utf-8") as file:
                    assert list(file)[0] == "wörld\\n"
                try:
                    open("pkg/missing.txt")
                except FileNotFoundError:
                    print("ok")
            """.replace("EXPECTED", repr(text)),
            "pkg/__init__.py": "",
            "pkg/data.txt": text,
        }
        assert self.output(self.stage(project), "load()") == "ok"

    def test_package_metadata(self) -> None:
        site = {
            "thing/__init__.py": "",
            "some_thing-1.5.dist-info/METADATA": "Metadata-Version: 2.1\nName: some.thing\nVersion: 1.5\n",
            "some_thing-1.5.dist-info/entry_points.txt": "[plugins]\na = thing:x\n",
        }
        project = {
            "connector.py": """
                import importlib.metadata as m
                print(m.version("Some-Thing"), [e.value for e in m.entry_points(group="plugins")])
                try:
                    m.version("other")
                except m.PackageNotFoundError:
                    print("none")
            """
        }
        assert self.output(self.stage(project, site), "load()") == "1.5 ['thing:x']\nnone"

    def test_imported_dependencies_are_loaded_before(self) -> None:
        site = {
            "used/__init__.py": "",
            "used/part.py": "",
            "unused.py": "raise SystemExit",
            "broken.py": "import sys\nsys.exit(3)",
            "old.py": "print 'python 2'",
        }
        project = {"connector.py": "def update():\n    from used import part\n    import broken, old\n"}
        stage = self.stage(project, site)
        output = self.output(stage, "print('used.part' in sys.modules, 'unused' in sys.modules)")
        assert output == "True False"
        assert stage.report()["preloaded"] == ["used", "used.part"]

    def test_a_module_of_the_project_wins_over_a_dependency_and_is_not_loaded_before(self) -> None:
        stage = self.stage(
            {"connector.py": "import client\nprint(client.WHO)", "client.py": "WHO = 'project'"},
            {"client.py": "WHO = 'site'"},
        )
        assert self.output(stage, "print('client' in sys.modules); load()") == "False\nproject"

    def test_errors_of_syntax_are_all_reported_with_file_and_line(self) -> None:
        stage = self.stage({"connector.py": "x = 1\n", "a/one.py": "x = 1\ndef f(:\n", "two.py": "a\x00b"})
        finished = stage.run("")
        assert "ProjectError: a/one.py:2:" in finished.stderr
        errors = stage.report()["errors"]
        assert isinstance(errors, list)
        assert [(e["file"], e["line"]) for e in errors] == [("a/one.py", 2), ("two.py", 1)]

    def test_a_file_named_like_a_module_of_python_is_noted(self) -> None:
        stage = self.stage({"connector.py": "import secrets\n", "secrets.py": "", "queue.py": ""})
        self.output(stage, "")
        notes = stage.report()["notes"]
        assert isinstance(notes, list)
        assert [note.split("`")[1] for note in notes] == ["import secrets"]

    def test_iterating_over_modules(self) -> None:
        project = {
            "connector.py": """
                import pkgutil, p
                print([module.name for module in pkgutil.walk_packages(p.__path__, "p.")])
            """,
            "p/__init__.py": "",
            "p/a.py": "",
            "p/q/__init__.py": "",
            "p/q/b.py": "",
        }
        assert self.output(self.stage(project), "load()") == "['p.a', 'p.q', 'p.q.b']"


if __name__ == "__main__":
    unittest.main()
