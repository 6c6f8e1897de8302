"""JSON documents read by the SDK's extension.

``json.loads`` without options, and so ``Response.json()`` of the HTTP clients, ends in one decoder of the
standard library. It is replaced by one that asks the extension first. What the extension is not sure of, and
every document that is wrong, is read by the standard library from its start: values and errors are the same.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from typing import Any

_native: Any = None

with contextlib.suppress(ImportError):
    _native = importlib.import_module("sluice._native")


def install() -> None:
    """Let ``json.loads`` ask the extension; nothing outside a guest."""
    if _native is None:
        return
    decoder = json.JSONDecoder()
    _native.use_standard_json(decoder.decode)
    # An attribute, and a function in C: the traceback of an error has the standard library's frames only.
    decoder.decode = _native.read_json  # type: ignore[method-assign]
    json._default_decoder = decoder  # type: ignore[attr-defined]
