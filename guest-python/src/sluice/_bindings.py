"""Finding the generated bindings of an interface, which exist in a guest only."""

from __future__ import annotations

import importlib
from typing import Any


def find(interface: str) -> tuple[Any, type[Exception]] | None:
    """The bindings of an imported interface, and the exception that they raise; None outside a guest."""
    try:
        bindings = importlib.import_module(f"wit_world.imports.{interface}")
        types = importlib.import_module("componentize_py_types")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"wit_world", "componentize_py_types"}:
            return None
        raise
    return bindings, types.Err
