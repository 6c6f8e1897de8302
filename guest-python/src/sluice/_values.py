"""The one way from a declared type and a Python type to an encoder."""

from __future__ import annotations

from typing import Any

from sluice._declared import FINDERS
from sluice._encoding import Encoder, Wire
from sluice._errors import Rejected

_MAX_REMEMBERED = 512
_known: dict[str | None, dict[type, Encoder]] = {}


def encoder(declared: str | None, python_type: type) -> Encoder:
    """The encoder for values of `python_type` in a column of type `declared`, None if undeclared."""
    known = _known.setdefault(declared, {})
    found = known.get(python_type)
    if found is None:
        found = _find(declared, python_type)
        if len(known) < _MAX_REMEMBERED:
            known[python_type] = found
    return found


def _find(declared: str | None, python_type: type) -> Encoder:
    if _is_numpy_scalar(python_type):
        return Encoder(lambda value: _encode_numpy(declared, value), calls_out=True)
    return FINDERS[declared](python_type)


def _is_numpy_scalar(t: type) -> bool:
    named = t.__module__ == "numpy" or any(base.__module__ == "numpy" for base in t.__mro__)
    return named and callable(getattr(t, "item", None)) and not hasattr(t, "__setitem__")


def _encode_numpy(declared: str | None, value: Any) -> Wire:
    plain = value.item()
    # a time finer than microseconds comes out as a bare number
    if _is_numpy_scalar(type(plain)) or (isinstance(plain, int) and "time" in type(value).__name__):
        plain = str(value)
    if plain is None:
        raise Rejected(ValueError, f"a {type(value).__name__} that is not a time; send None instead")
    return encoder(declared, type(plain)).encode(plain)
