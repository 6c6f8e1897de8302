"""Where a project's files are: its configuration, its name, and the state between two runs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

MAX_ENTRIES = 100
MAX_CONFIGURATION_BYTES = 1 << 20
_NAME = re.compile(r"""^name\s*=\s*["']([^"']+)["']""", re.MULTILINE)
_KINDS = {bool: "a boolean", int: "a number", float: "a number", type(None): "null"}


class Project:
    """A project's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = _name(folder)
        self.connection = self.name.replace("-", "_")
        """As `sluice run` and `sluice dev` call the connection."""
        self.state_file = folder / ".sluice" / "native" / f"{self.connection}.json"

    def configuration(self) -> dict[str, str]:
        """What configuration.json holds; nothing without one. Raises ValueError."""
        path = self.folder / "configuration.json"
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return {}
        if len(text.encode()) > MAX_CONFIGURATION_BYTES:
            raise ValueError(f"{path}: the configuration has more than {MAX_CONFIGURATION_BYTES >> 10} KiB")
        try:
            return checked(json.loads(text))
        except json.JSONDecodeError as error:
            place = f"(line {error.lineno}, column {error.colno})"
            raise ValueError(f"{path}: the configuration is not valid JSON {place}") from None
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def state(self) -> dict[str, Any]:
        """The state of the last checkpoint; nothing before the first. Raises ValueError."""
        try:
            state = json.loads(self.state_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            state = None
        if not isinstance(state, dict):
            raise ValueError(f"{self.state_file} is not a state; delete it to start from the beginning")
        return state

    def keep(self, state: str) -> None:
        """Write the state of a checkpoint, whole or not at all."""
        folder = self.state_file.parent
        folder.mkdir(parents=True, exist_ok=True)
        # as `sluice dev` does: nothing of it belongs into a repository
        ignore = folder.parent / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        descriptor, path = tempfile.mkstemp(dir=folder, prefix=self.connection)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(state)
            os.replace(path, self.state_file)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise


def checked(configuration: object) -> dict[str, str]:
    """A flat object of strings, as `host/src/compiler/configuration.rs` wants it. Raises ValueError.

    The message names the first other entry and never its value, which may be a secret.
    """
    if not isinstance(configuration, dict):
        raise ValueError('the configuration must be a JSON object of strings, such as {"api_key": "..."}')
    if len(configuration) > MAX_ENTRIES:
        raise ValueError(
            f"the configuration has {len(configuration)} entries; at most {MAX_ENTRIES} are possible"
        )
    for key, value in configuration.items():
        if not isinstance(value, str):
            found = _KINDS.get(type(value), "an object" if isinstance(value, dict) else "a list")
            hint = " as JSON text" if isinstance(value, (dict, list)) else ""
            raise ValueError(
                f"the configuration's `{key}` is {found}; every value must be a string, "
                f"so write it in quotes{hint}"
            )
    return dict(configuration)


def _name(folder: Path) -> str:
    """The connector's name, as `host/src/compiler/manifest.rs` finds it."""
    with contextlib.suppress(OSError, ValueError):
        manifest = (folder / "connector.toml").read_text(encoding="utf-8")
        # only the part before the first section
        found = _NAME.search(re.split(r"^\s*\[", manifest, maxsplit=1, flags=re.MULTILINE)[0])
        if found is not None and re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", found[1]):
            return found[1]
    lower = folder.name.lower()
    name = "".join(c if (c.isascii() and c.isalnum()) or c == "_" else "-" for c in lower)
    return name.strip("-_")[:63] or "connector"
