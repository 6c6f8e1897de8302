"""Runs snippets or one named case in a process of its own and prints what came of it.

With `--guest` the process is made to look like a guest first: the contract's bindings can
be imported, the stand-in is `_ssl`, and `install` has been called.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import sys
import traceback
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parent.parent / "src"
SNIPPETS = HERE.parents[2] / "tests/guests/clients"


def become_guest(*, late: bool) -> None:
    """With `late`, the libraries are there before `install`, with the real `ssl` in them."""
    import ssl as native

    if not late:
        take_stand_in()
    sys.path[:0] = [str(SOURCES), str(HERE / "fakes")]
    fake: Any = importlib.import_module("wit_world.imports.http")
    fake.native_ssl = native
    _package_without_its_init("sluice", SOURCES / "sluice")
    importlib.import_module("sluice._http").install()


def take_stand_in() -> None:
    for name in ("ssl", "_ssl"):
        del sys.modules[name]
    spec = importlib.util.spec_from_file_location("_ssl_of_a_guest", SOURCES / "_ssl.py")
    assert spec is not None
    assert spec.loader is not None
    stand_in = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stand_in)
    if sys.version_info < (3, 12):
        # The stand-in fits the guest's Python; what older ones import beside it is of no use there.
        setattr(stand_in, "RAND_pseudo_bytes", stand_in.RAND_bytes)  # noqa: B010
    sys.modules["_ssl"] = stand_in


def _package_without_its_init(name: str, place: Path) -> None:
    """Only `_http` is under test; the rest of the package needs the rest of the contract."""
    spec = importlib.util.spec_from_loader(name, loader=None, is_package=True)
    assert spec is not None
    spec.submodule_search_locations = [str(place)]
    sys.modules[name] = importlib.util.module_from_spec(spec)


def run_snippets(env: dict[str, Any]) -> Any:
    snippets = importlib.import_module("snippets")
    for module in snippets.NEUTRAL:
        importlib.import_module(f"snippets.{module}")
    return snippets.run(env)


def run_cases(env: dict[str, Any]) -> dict[str, Any]:
    support = importlib.import_module("guest_cases.support")
    for module in importlib.import_module("guest_cases").MODULES:
        importlib.import_module(f"guest_cases.{module}")
    results: dict[str, Any] = {}
    for name, function in support.CASES.items():
        try:
            function(support.Env(**env))
            results[name] = None
        except BaseException:
            results[name] = traceback.format_exc()
    return results


def main() -> None:
    kind, what, env = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    sys.path[:0] = [str(HERE), str(SNIPPETS)]
    if kind == "guest-late":
        for name in ("ssl", "http.client", "urllib.request", "requests"):
            importlib.import_module(name)
    if kind != "native":
        become_guest(late=kind == "guest-late")
    with contextlib.redirect_stdout(sys.stderr):
        run = run_snippets if what == "snippets" else run_cases
        results = run(env)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
