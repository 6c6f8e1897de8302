"""Names that exist so that imports work, and that say what to use here instead."""

from __future__ import annotations

import enum
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

_HINT = "use `sluice run <project>`; `sluice --help` lists all commands"


class PromptMode(enum.Enum):
    """How a deployment elsewhere answers its own questions. Nothing here reads it."""

    INTERACTIVE = None
    DEFAULT_ANSWER = "--non-interactive"
    YES = "--yes"
    FORCE = "--force"


@dataclass
class DeployOptions:
    """Options of a deployment elsewhere. Nothing here reads them."""

    configuration: dict[str, Any] | None = None
    config_path: str | None = None
    python_version: str | None = None
    prompt_mode: PromptMode = PromptMode.INTERACTIVE
    naming: str | None = None
    proxy_id: str | None = None
    proxy_host_config_key: str | None = None
    target_package_id: str | None = None


def main() -> NoReturn:
    """Say what to use instead, and exit with 1: Sluice's command line is not a Python program."""
    sys.exit(f"this is the connector SDK of Sluice, which has no command line of its own: {_HINT}")


def not_here(name: str, instead: str) -> NotImplementedError:
    """The exception of a method that makes no sense here."""
    return NotImplementedError(f"{name} does not exist in Sluice: {instead}")
