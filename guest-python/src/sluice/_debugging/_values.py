"""Values as they land: their texts, their stored forms, and the identity of a row without a key.

As `text.rs`, `values.rs` and `identity.rs` in `host/src/destination/sqlite`. A row keeps its values as they
crossed: what SQLite holds follows from the value and its column's type alone, whatever came before.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import struct
from collections.abc import Mapping

from sluice._contract import DataType
from sluice._encoding import MAX_LONG, MIN_LONG, Wire

_DAY = 86_400_000_000
_EPOCH = dt.datetime(1970, 1, 1)
_EXPONENT = re.compile(r"e([+-]?)0*(\d+)")
_LONG_TEXT = re.compile(r"[+-]?\d+", re.ASCII)

Stored = bool | int | float | str | bytes
"""A value as SQLite holds it; NaN is the text `NaN`."""


def _whole(value: float) -> int | None:
    """The integer of 64 bits with the same value."""
    return int(value) if value.is_integer() and MIN_LONG <= value <= MAX_LONG else None


def text(value: Wire) -> str:
    """The one text of a value: that of the least type that holds it."""
    kind, wire = value
    if kind == "booleans":
        return "true" if wire else "false"
    if kind == "integers":
        return str(wire)
    if kind == "floats":
        return _float_text(wire)
    if kind == "blobs":
        shown: str = wire.hex()
        return shown
    if kind == "dates":
        return _moment(wire * _DAY)[:10]
    if kind == "datetimes":
        shown = _moment(wire)
        return shown if wire % _DAY else shown[:10]
    if kind == "timestamps":
        return _moment(wire) + "Z"
    return str(wire)


def _float_text(value: float) -> str:
    whole = _whole(value)
    if whole is not None:
        return str(whole)
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    # the shortest digits that read back the same, with the exponent as Rust writes it
    return _EXPONENT.sub(lambda m: f"e{m[1].replace('+', '')}{m[2]}", repr(value))


def _moment(micros: int) -> str:
    return (_EPOCH + dt.timedelta(microseconds=micros)).isoformat(timespec="microseconds")


def stored(value: Wire, data_type: DataType) -> Stored:
    """What SQLite holds of a value in a column that was made to hold it."""
    kind, wire = value
    case = data_type.case
    if case in ("Boolean", "Short", "Int", "Long"):
        return int(wire)
    if case in ("Float", "Double"):
        # SQLite keeps no negative zero
        real = float(wire) + 0.0
        return "NaN" if real != real else real
    if case == "Binary":
        return bytes(wire)
    if case == "NaiveDatetime":
        return _moment(wire * _DAY if kind == "dates" else wire)
    return text(value)


def identity(values: Mapping[str, Wire]) -> str:
    """The id of a row without a primary key, from its values by their columns' names in the database."""
    form = bytearray(b"sluice row 1\0")
    for name in sorted(values, key=lambda name: name.encode()):
        tag, held = _identified(*values[name])
        raw = name.encode()
        form += len(raw).to_bytes(4, "big") + raw + tag + len(held).to_bytes(8, "big") + held
    return hashlib.sha256(form).hexdigest()[:32]


def _identified(kind: str, wire: object) -> tuple[bytes, bytes]:
    if isinstance(wire, bool):
        return b"b", bytes([wire])
    if isinstance(wire, float):
        whole = _whole(wire)
        if whole is not None:
            return b"i", _signed(whole, 8)
        return b"f", struct.pack(">d", wire) if wire == wire else bytes.fromhex("7ff8000000000000")
    if isinstance(wire, bytes):
        return b"x", wire
    if isinstance(wire, int):
        tag, size = {"dates": (b"d", 4), "datetimes": (b"w", 8), "timestamps": (b"u", 8)}.get(kind, (b"i", 8))
        return tag, _signed(wire, size)
    held = str(wire)
    if kind == "decimals" and len(held) < 25 and _LONG_TEXT.fullmatch(held):
        integer = int(held)
        if MIN_LONG <= integer <= MAX_LONG:
            return b"i", _signed(integer, 8)
    return {"texts": b"t", "json": b"j", "decimals": b"n"}[kind], held.encode()


def _signed(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big", signed=True)
