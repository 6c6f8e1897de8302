"""What reads rows of databases in C, where there is it."""

from __future__ import annotations

import contextlib
import datetime
import importlib
from decimal import Decimal
from typing import Any

native: Any = None
"""The SDK's extension; none outside a guest."""
with contextlib.suppress(ImportError):
    native = importlib.import_module("sluice._native")

OTHER = ord("o")
"""Values of a kind that is not known there: the driver's own function makes them of their text."""


def bind() -> None:
    """Say what values are made of. May be called again."""
    native.cells_bind(datetime.date, datetime.datetime, datetime.timezone.utc, Decimal)


def names_in(function: Any) -> set[str]:
    """The names that a driver's function uses. Another version may use others, and do something else."""
    code = getattr(function, "__code__", None)
    return set() if code is None else set(code.co_names)


def kinds(converters: Any, named: dict[str, str]) -> dict[int, int]:
    """How values are read in C, by the identity of the driver's function for them, which is there for ever.

    `named` has the names of functions in the driver's converters by letter; see native/cells.h for those.
    """
    found = {id(int): ord("i"), id(float): ord("f")}
    for letter, name in named.items():
        function = getattr(converters, name, None)
        if function is not None:
            found[id(function)] = ord(letter)
    return found
