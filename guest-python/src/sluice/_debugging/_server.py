"""The project's stand-in for its source, as `--with-server` of `sluice` runs it."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PLACEHOLDER = "${server}"
"""Stands in values of the configuration for the stand-in's URL."""
START_SECONDS = 15.0
_LINE_BYTES = 1024


@contextlib.contextmanager
def filled(configuration: dict[str, str], folder: Path) -> Iterator[dict[str, str]]:
    """The configuration with the URL of `tests/server.py`, which runs as long as the context.

    It is started only when a value names it. Raises ValueError when there is none, or it prints no URL.
    """
    if not any(PLACEHOLDER in value for value in configuration.values()):
        yield configuration
        return
    script = folder / "tests" / "server.py"
    if not script.is_file():
        raise ValueError(f"the configuration names {PLACEHOLDER}, but there is no {script}")
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        # a debugger that follows child processes has no business in it
        env={name: value for name, value in os.environ.items() if not name.startswith("PYDEVD")},
    ) as server:
        try:
            url = _first_line(server.stdout)
            if not url.startswith(
                ("http://127.0.0.1", "http://localhost", "http://[::1]", "tcp://127.0.0.1")
            ):
                raise ValueError(f"{script} did not start: its first line must be its URL on loopback")
            yield {name: value.replace(PLACEHOLDER, url) for name, value in configuration.items()}
        finally:
            server.kill()


def _first_line(output: IO[bytes] | None) -> str:
    lines: queue.Queue[bytes] = queue.Queue()

    def read() -> None:
        if output is None:
            return
        lines.put(output.readline(_LINE_BYTES))
        # what follows is read and dropped, so that the script never waits for a reader
        while output.read(1 << 16):
            pass

    threading.Thread(target=read, daemon=True).start()
    try:
        return lines.get(timeout=START_SECONDS).decode("utf-8", "replace").strip().rstrip("/")
    except queue.Empty:
        return ""
