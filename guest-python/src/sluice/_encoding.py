"""From a Python value to what crosses: how encoders work, and those of undeclared columns.

An encoder returns (kind, wire): a kind of `sluice._contract.KINDS` and a value of exactly the
type that kind has there. It raises `Rejected` for a value the column cannot hold. What an author
passes may run the author's code (`__str__`, `tzinfo`, a dict subclass); such encoders say so.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from sluice._errors import Rejected
from sluice._text import utf8_length
from sluice._times import days, instant, wall_clock

Wire = tuple[str, Any]

MIN_LONG, MAX_LONG = -(2**63), 2**63 - 1
RANGES = {"SHORT": (-(2**15), 2**15 - 1), "INT": (-(2**31), 2**31 - 1), "LONG": (MIN_LONG, MAX_LONG)}
"""What the integer types hold, lowest and highest."""

_dumps = json.JSONEncoder().encode
_strict_dumps = json.JSONEncoder(allow_nan=False).encode
_wide_dumps = json.JSONEncoder(ensure_ascii=False).encode


class Encoder(NamedTuple):
    """How values of one Python type are sent in a column of one declared type."""

    encode: Callable[[Any], Wire]
    mode: str = "pair"
    """What a row plan may do inline instead of calling `encode`: `plain`, `text`, `blob`, the
    name of an integer type, or `pair` when it has to call."""
    calls_out: bool = False
    """Whether `encode` may run the author's code."""


def undeclared(t: type) -> Encoder:
    """The encoder for values of type `t` in a column without a declared type."""
    exact = _UNDECLARED.get(t)
    if exact is not None:
        return exact
    for bases, found in _UNDECLARED_BASES:
        if issubclass(t, bases):
            return found
    return Encoder(text_of, calls_out=True)


def _integer(value: int) -> Wire:
    value = int.__int__(value)
    if MIN_LONG <= value <= MAX_LONG:
        return "integers", value
    return "decimals", digits(value)


def digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:
        raise Rejected(ValueError, "an int has too many digits to be written as a number") from None


def _float(value: float) -> Wire:
    return "floats", float.__float__(value)


def _text(value: str) -> Wire:
    value = str.__str__(value)
    if not value.isascii() and utf8_length(value) < 0:
        raise Rejected(UnicodeEncodeError, "a str holds half of a surrogate pair, which is not valid text")
    return "texts", value


def text_of(value: Any) -> Wire:
    return _text(str(value))


def text_of_int(value: int) -> Wire:
    return "texts", digits(value)


def _blob(value: Any) -> Wire:
    return "blobs", memoryview(value).tobytes()


def _json(value: Any) -> Wire:
    return "json", json_text(value)


def _json_set(value: Any) -> Wire:
    # sorted, so that one set is always one text
    return "json", "[" + ", ".join(sorted(json_text(item) for item in value)) + "]"


def encode_decimal(value: Decimal) -> Wire:
    if value.is_snan():
        raise Rejected(ValueError, "a signaling NaN is no number")
    if not value.is_finite():
        return "floats", float(value)
    return "decimals", Decimal.__str__(value)


def encode_date(value: dt.date) -> Wire:
    return "dates", days(value)


def _datetime(value: dt.datetime) -> Wire:
    offset = value.utcoffset()
    if offset is None:
        return "datetimes", wall_clock(value)
    return "timestamps", instant(value, offset)


_DATETIME = Encoder(_datetime, calls_out=True)
JSON = Encoder(_json, calls_out=True)
_JSON_SET = Encoder(_json_set, calls_out=True)
_BLOB = Encoder(_blob)
_UNDECLARED = {
    bool: Encoder(lambda value: ("booleans", value), "plain"),
    int: Encoder(_integer, "LONG"),
    float: Encoder(_float, "plain"),
    str: Encoder(_text, "text"),
    bytes: Encoder(lambda value: ("blobs", value), "blob"),
    Decimal: Encoder(encode_decimal),
    dt.date: Encoder(encode_date),
    dt.datetime: _DATETIME,
    uuid.UUID: Encoder(text_of),
    dt.time: Encoder(text_of),
    dict: JSON,
    list: JSON,
}
_UNDECLARED_BASES: tuple[tuple[tuple[type, ...], Encoder], ...] = (
    ((int,), Encoder(_integer)),
    ((float,), Encoder(_float)),
    ((str,), Encoder(_text)),
    ((bytes, bytearray, memoryview), _BLOB),
    ((dict, list, tuple), JSON),
    ((set, frozenset), _JSON_SET),
    ((Decimal,), Encoder(encode_decimal, calls_out=True)),
    ((dt.datetime,), _DATETIME),
    ((dt.date,), Encoder(encode_date, calls_out=True)),
)


def json_text(value: Any, *, nan: bool = True) -> str:
    """`value` as JSON text in ASCII, or `Rejected`. `nan` says whether NaN and infinities pass."""
    try:
        text = (_dumps if nan else _strict_dumps)(value)
        # half a surrogate pair hides in the escapes, and strict readers refuse the document
        if "\\ud" in text and utf8_length(_wide_dumps(value)) < 0:
            raise Rejected(UnicodeEncodeError, "a text in it holds half of a surrogate pair")
    except TypeError as error:
        raise Rejected(TypeError, f"not a JSON value: {_json_reason(error)}") from None
    except ValueError:
        reason = "a JSON value must not contain itself" if nan else "NaN, an infinity or a loop is not JSON"
        raise Rejected(ValueError, reason) from None
    return text


def _json_reason(error: TypeError) -> str:
    # the encoder's own texts name types; any other TypeError comes from the author's classes
    text = str(error)
    return text if text.startswith(("Object of type", "keys must be")) else "its encoding failed"
