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


class _Decoder(json.JSONDecoder):
    def decode(self, s: str, *arguments: Any) -> Any:
        """The value of a document; raises `json.JSONDecodeError`."""
        found = _native.decode_json(s)
        return super().decode(s, *arguments) if found is _native.unusual_json else found


def install() -> None:
    """Let ``json.loads`` ask the extension; nothing outside a guest."""
    if _native is not None:
        json._default_decoder = _Decoder()  # type: ignore[attr-defined]
