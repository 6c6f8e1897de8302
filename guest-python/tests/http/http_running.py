"""Runs the tests' programs, each in an interpreter of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def run_child(kind: str, what: str, env: dict[str, object], variables: dict[str, str]) -> dict[str, Any]:
    """Run `http_child.py` in a fresh interpreter; what it printed."""
    plain = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        [sys.executable, "-I", str(HERE / "http_child.py"), kind, what, json.dumps({**env, "run": kind})],
        env={**plain, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    got: dict[str, Any] = json.loads(done.stdout)
    return got
