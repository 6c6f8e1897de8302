"""Libraries behave in a guest as they do on sockets: every snippet, run both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from http_running import run_child

snippets = pytest.importorskip("snippets")
for module in snippets.NEUTRAL:
    pytest.importorskip(f"snippets.{module}")


@pytest.fixture(scope="session")
def results(env: dict[str, object], certificates: Path) -> dict[str, dict[str, Any]]:
    authority = str(certificates / "ca.pem")
    trust = {"SSL_CERT_FILE": authority, "REQUESTS_CA_BUNDLE": authority}
    return {
        "native": run_child("native", "snippets", env, trust),
        "guest": run_child("guest", "snippets", env, {"FAKE_CA": authority}),
        "guest-late": run_child("guest-late", "snippets", env, {"FAKE_CA": authority}),
    }


@pytest.mark.parametrize("kind", ["guest", "guest-late"])
@pytest.mark.parametrize("name", snippets.SNIPPETS)
def test_same(name: str, kind: str, results: dict[str, dict[str, Any]]) -> None:
    guest = results[kind][name]
    assert guest == results["native"][name]
    expected = snippets.FAILS.get(name)
    if expected is None:
        assert guest[0] == "value"
        assert guest[1] is not None
    else:
        assert f"{guest[1]}.{guest[2]}" == expected
