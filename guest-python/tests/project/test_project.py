"""`sluice._project` with a real bundle and project, in a Python process of its own for each case."""

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


def archive(files: dict[str, str]) -> bytes:
    entries, content = [], b""
    for name, text in files.items():
        data = textwrap.dedent(text).encode()
        entries.append((name, len(content), len(data), len(content) + len(data), 0))
        content += data
    index = json.dumps({"files": entries, "beside": True}).encode()
    return len(index).to_bytes(8, "little") + index + content


class Stage:
    """An SDK folder with a bundle, as `sluice build` lays it out, and a project, as the host does."""

    def __init__(
        self, folder: str, project: dict[str, str], site: dict[str, str], preload: tuple[str, ...]
    ) -> None:
        self.root = Path(folder)
        self.given = self.root.parent / "given"
        self.given.mkdir()
        (self.given / "project").write_bytes(archive(project))
        package = self.root / "sluice"
        package.mkdir()
        (package / "__init__.py").touch()
        for name in SDK:
            (package / name).write_bytes((SOURCE / name).read_bytes())
        entries: list[tuple[str, int, int]] = []
        content = b""
        for name, text in site.items():
            data = textwrap.dedent(text).encode()
            entries.append((name, len(content), len(data)))
            content += data
        index = {"site": entries, "probes": [], "preload": preload}
        bundle = self.root / "sluice-bundle"
        bundle.mkdir()
        (bundle / "index.json").write_text(json.dumps(index))
        (bundle / "files.bin").write_bytes(content)

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        """Freeze, remove every file, and run `code`."""
        start = f"""
        import json, shutil, sys
        sys.path.insert(0, {str(self.root)!r})
        from sluice import _parcel, _project
        _parcel.FOLDER = {str(self.given)!r}
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

    def stage(
        self, project: dict[str, str], site: dict[str, str] | None = None, preload: tuple[str, ...] = ()
    ) -> Stage:
        return Stage(str(self.folder), project, site or {}, preload)

    def output(self, stage: Stage, code: str) -> str:
        finished = stage.run(code)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout.strip()

    def test_nothing_of_the_project_is_there_when_it_is_frozen(self) -> None:
        stage = self.stage({"connector.py": "print('connector')", "sitecustomize.py": "print('site')"})
        before = "print(_project._awaited.is_folder('/project'))"
        assert self.output(stage, f"{before}; load()") == "False\nconnector"

    def test_without_a_project_it_says_so(self) -> None:
        stage = self.stage({})
        (stage.given / "project").unlink()
        finished = stage.run("load()")
        assert "ProjectError: this component has no project" in finished.stderr

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

    def test_what_is_to_be_preloaded_is_loaded_before(self) -> None:
        site = {
            "used/__init__.py": "",
            "used/part.py": "",
            "unused.py": "raise SystemExit",
            "broken.py": "import sys\nsys.exit(3)",
            "old.py": "print 'python 2'",
        }
        stage = self.stage({}, site, ("broken", "json", "missing", "old", "used", "used.part"))
        output = self.output(stage, "print('used.part' in sys.modules, 'unused' in sys.modules)")
        assert output == "True False"
        assert stage.report()["preloaded"] == ["used", "used.part"]

    def test_a_module_of_the_project_wins_over_a_package(self) -> None:
        site = {"client.py": "WHO = 'site'", "library.py": "import client\nWHO = client.WHO"}
        project = {
            "connector.py": "import client, library\nprint(client.WHO, library.WHO)",
            "client.py": "WHO = 'project'",
        }
        for preload in ((), ("client", "library")):
            with self.subTest(preload=preload):
                self.setUp()
                assert self.output(self.stage(project, site, preload), "load()") == "project project"

    def test_files_that_are_no_modules_hide_no_package(self) -> None:
        stage = self.stage(
            {"connector.py": "import client\nprint(client.WHO)", "client/data.csv": "", "lib/client.py": ""},
            {"client.py": "WHO = 'site'"},
            ("client",),
        )
        assert (
            self.output(stage, "c = sys.modules['client']; load(); assert sys.modules['client'] is c")
            == "site"
        )

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
