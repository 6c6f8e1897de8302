"""What holds only in a guest, and what must not happen outside of one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import guest_cases
import pytest
from http_running import run_child

pytest.importorskip("requests")
HERE = Path(__file__).resolve().parent
SOURCES = HERE.parent.parent / "src"
TEXTS = [(HERE / f"guest_cases/{module}.py").read_text() for module in guest_cases.MODULES]
NAMES = re.findall(r"^@case\ndef (\w+)", "\n".join(TEXTS), re.MULTILINE)


@pytest.fixture(scope="module")
def cases(env: dict[str, object], certificates: Path) -> dict[str, Any]:
    return run_child("guest", "cases", env, {"FAKE_CA": str(certificates / "ca.pem")})


@pytest.mark.parametrize("name", NAMES)
def test_in_a_guest(name: str, cases: dict[str, Any]) -> None:
    assert cases[name] is None, cases[name]


def _python(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(SOURCES)!r})\n{program}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_install_does_nothing_outside_a_guest() -> None:
    program = """
import http.client, socket
before = http.client.HTTPConnection.connect, socket.getaddrinfo, list(sys.meta_path)
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
spec = ModuleSpec("sluice", None, is_package=True)
spec.submodule_search_locations = [sys.path[0] + "/sluice"]
sys.modules["sluice"] = module_from_spec(spec)
from sluice._http import install
install()
print(before == (http.client.HTTPConnection.connect, socket.getaddrinfo, list(sys.meta_path)))
"""
    assert _python(program) == "True"


def test_the_real_ssl_stays_outside_a_guest() -> None:
    assert "stand-in" not in _python("import ssl; print(ssl.OPENSSL_VERSION, ssl.SSLContext.__mro__)")
