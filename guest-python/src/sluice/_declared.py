"""Encoders of declared columns: what each type takes, and the error for what it does not."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sluice._encoding import (
    JSON,
    MAX_LONG,
    MIN_LONG,
    RANGES,
    Encoder,
    Wire,
    digits,
    encode_date,
    encode_decimal,
    text_of,
    text_of_int,
    undeclared,
)
from sluice._errors import Rejected
from sluice._schema import LENIENT
from sluice._times import instant, parse_date, parse_naive, parse_utc, wall_clock

_NUMBER = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?([eE][+-]?\d+)?", re.ASCII)


def _refuse(declared: str, takes: str, t: type, error: type[Exception] = TypeError) -> Encoder:
    def encode(value: Any) -> Wire:
        raise Rejected(error, f"a {declared} column takes {takes}, not {t.__name__}")

    return Encoder(encode)


def _boolean(t: type) -> Encoder:
    if t is bool:
        return undeclared(bool)
    if not issubclass(t, int):
        return _refuse("BOOLEAN", "bool or int", t)

    def encode(value: int) -> Wire:
        if not MIN_LONG <= int.__int__(value) <= MAX_LONG:
            raise Rejected(OverflowError, "an int in a BOOLEAN column lies outside 64 bits")
        return "booleans", int.__int__(value) != 0

    return Encoder(encode)


def _whole(declared: str) -> Callable[[type], Encoder]:
    low, high = RANGES[declared]

    def encode(value: int) -> Wire:
        value = int.__int__(value)
        if low <= value <= high:
            return "integers", value
        raise Rejected(ValueError, f"an int lies outside what a {declared} column holds, {low} to {high}")

    def find(t: type) -> Encoder:
        if not issubclass(t, int):
            return _refuse(declared, "int or bool", t)
        return Encoder(encode, declared if t is int else "pair")

    return find


_MAX_SINGLE = float.fromhex("0x1.ffffffp+127")
"""From here on a number becomes infinite in 32 bits."""


def _binary_float(declared: str) -> Callable[[type], Encoder]:
    def checked(value: float) -> Wire:
        # a finite number must not become infinite without a word
        if declared == "FLOAT" and not -_MAX_SINGLE < value < _MAX_SINGLE and value - value == 0:
            raise Rejected(OverflowError, "a number is too large for a FLOAT column, declare DOUBLE")
        return "floats", value

    def encode(value: Any) -> Wire:
        try:
            return checked(float(value))
        except OverflowError:
            raise Rejected(OverflowError, f"an int is too large for a {declared} column") from None
        except ValueError:
            raise Rejected(ValueError, f"a signaling NaN has no place in a {declared} column") from None

    def find(t: type) -> Encoder:
        if issubclass(t, float):
            return undeclared(t) if declared == "DOUBLE" else Encoder(lambda v: checked(float.__float__(v)))
        if issubclass(t, int):
            return Encoder(lambda value: encode(int.__int__(value)))
        if issubclass(t, Decimal):
            return Encoder(_decimal_float(encode), calls_out=t is not Decimal)
        return _refuse(declared, "float, int, bool or Decimal", t)

    return find


def _decimal_float(encode: Callable[[Any], Wire]) -> Callable[[Decimal], Wire]:
    def encode_finite(value: Decimal) -> Wire:
        kind, found = encode(value)
        if found - found != 0 and value.is_finite():
            raise Rejected(OverflowError, "a Decimal is too large for a column of floats")
        return kind, found

    return encode_finite


def _finite_decimal(value: Decimal) -> Wire:
    if not value.is_finite():
        raise Rejected(ValueError, "a Decimal that is NaN or infinite is not a decimal number")
    return encode_decimal(value)


def _exact_decimal(t: type) -> Encoder:
    if issubclass(t, Decimal):
        return Encoder(_finite_decimal, calls_out=t is not Decimal)
    if issubclass(t, int) and t is not bool:
        return Encoder(lambda value: ("decimals", digits(int.__int__(value))))
    if issubclass(t, str):
        return Encoder(_decimal_text)
    if issubclass(t, bytes):
        return Encoder(lambda value: _decimal_text(_decoded(value, "DECIMAL")))
    return _refuse("DECIMAL", "Decimal, int or a number as text", t)


def _decimal_text(value: str) -> Wire:
    match = _NUMBER.fullmatch(str.__str__(value).strip())
    if match is None or not (match[2] or match[3]):
        raise Rejected(ValueError, "a text in a DECIMAL column is not a number")
    point = f".{match[3]}" if match[3] else ""
    return "decimals", f"{match[1]}{match[2] or '0'}{point}{match[4] or ''}"


def _naive_date(t: type) -> Encoder:
    if issubclass(t, dt.date):
        return Encoder(encode_date, calls_out=t not in (dt.date, dt.datetime))
    if issubclass(t, str):
        return Encoder(lambda value: ("dates", parse_date(str.__str__(value))))
    return _refuse("NAIVE_DATE", "text, date or datetime", t)


def _naive_datetime(t: type) -> Encoder:
    def encode(value: dt.datetime) -> Wire:
        offset = value.utcoffset()
        return "datetimes", wall_clock(value) if offset is None else instant(value, offset)

    if issubclass(t, dt.datetime):
        return Encoder(encode, calls_out=True)
    if issubclass(t, str):
        return Encoder(lambda value: ("datetimes", parse_naive(str.__str__(value))))
    return _refuse("NAIVE_DATETIME", "text without a zone or datetime", t, AttributeError)


def _utc_datetime(t: type) -> Encoder:
    def encode(value: dt.datetime) -> Wire:
        return "timestamps", instant(value, value.utcoffset() or dt.timedelta(0))

    if issubclass(t, dt.datetime):
        return Encoder(encode, calls_out=True)
    if issubclass(t, str):
        return Encoder(lambda value: ("timestamps", parse_utc(str.__str__(value))))
    return _refuse("UTC_DATETIME", "text with a zone or datetime", t, AttributeError)


def _binary(t: type) -> Encoder:
    if issubclass(t, (bytes, bytearray, memoryview)):
        return undeclared(t)
    return _refuse("BINARY", "bytes", t)


def _xml(t: type) -> Encoder:
    if issubclass(t, str):
        return undeclared(t)
    if issubclass(t, bytes):
        return Encoder(lambda value: ("texts", _decoded(value, "XML")))
    return _refuse("XML", "str", t)


def _decoded(value: bytes, declared: str) -> str:
    try:
        return memoryview(value).tobytes().decode()
    except UnicodeDecodeError:
        raise Rejected(ValueError, f"bytes in a {declared} column are not UTF-8") from None


def _string(t: type) -> Encoder:
    if issubclass(t, str):
        return undeclared(t)
    if t is int:
        return Encoder(text_of_int)
    return Encoder(text_of, calls_out=t not in (float, bool, bytes, Decimal, uuid.UUID))


def _declared_json(t: type) -> Encoder:
    return JSON


def _lenient(find: Callable[[type], Encoder]) -> Callable[[type], Encoder]:
    """As `find`, but what the declared type does not take is encoded as if undeclared."""

    def find_both(t: type) -> Encoder:
        strict, loose = find(t), undeclared(t)

        def encode(value: Any) -> Wire:
            try:
                return strict.encode(value)
            except Rejected:
                return loose.encode(value)

        return Encoder(encode, strict.mode, strict.calls_out or loose.calls_out)

    return find_both


FINDERS: dict[str | None, Callable[[type], Encoder]] = {
    None: undeclared,
    "BOOLEAN": _boolean,
    "SHORT": _whole("SHORT"),
    "INT": _whole("INT"),
    "LONG": _whole("LONG"),
    "DECIMAL": _exact_decimal,
    "FLOAT": _binary_float("FLOAT"),
    "DOUBLE": _binary_float("DOUBLE"),
    "NAIVE_DATE": _naive_date,
    "NAIVE_DATETIME": _naive_datetime,
    "UTC_DATETIME": _utc_datetime,
    "BINARY": _binary,
    "XML": _xml,
    "STRING": _string,
    "JSON": _declared_json,
}
"""By declared type, None for an undeclared column: the function that finds the encoder for a type."""

FINDERS.update({name + LENIENT: _lenient(find) for name, find in list(FINDERS.items()) if name})
