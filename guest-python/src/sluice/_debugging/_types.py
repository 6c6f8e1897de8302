"""Types of columns: how they widen, and what type a value asks for.

As `lattice.rs`, `infer.rs` and `types.rs` in `host/src/destination/sqlite`, which say why.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from sluice._contract import DataType
from sluice._debugging._numbers import shape
from sluice._encoding import Wire

MAX_PRECISION = 38

BOOLEAN = DataType("Boolean")
SHORT, INT, LONG = DataType("Short"), DataType("Int"), DataType("Long")
DECIMAL = DataType("Decimal")
FLOAT, DOUBLE = DataType("Float"), DataType("Double")
NAIVE_DATE, NAIVE_DATETIME = DataType("NaiveDate"), DataType("NaiveDatetime")
UTC_DATETIME = DataType("UtcDatetime")
BINARY, XML, TEXT, JSON = DataType("Binary"), DataType("Xml"), DataType("Text"), DataType("Json")

_NAMES = {
    "NaiveDate": "NAIVE_DATE",
    "NaiveDatetime": "NAIVE_DATETIME",
    "UtcDatetime": "UTC_DATETIME",
    "Text": "STRING",
}
_INTEGERS = {SHORT: (5, 0), INT: (10, 0), LONG: (19, 0)}
_FLOATS = (FLOAT, DOUBLE)
_OF_KINDS = {
    "booleans": BOOLEAN,
    "blobs": BINARY,
    "json": JSON,
    "dates": NAIVE_DATE,
    "datetimes": NAIVE_DATETIME,
    "timestamps": UTC_DATETIME,
}


def type_name(data_type: DataType) -> str:
    """The type as authors write it, with precision and scale."""
    name = _NAMES.get(data_type.case, data_type.case.upper())
    return name if data_type.size is None else f"{name}({data_type.size[0]},{data_type.size[1]})"


def decimal(before: int, after: int) -> DataType:
    """A DECIMAL with room for so many digits before and after the point."""
    precision = max(before + after, 1)
    return DECIMAL if precision > MAX_PRECISION else DataType("Decimal", (precision, after))


def join(a: DataType, b: DataType, *, exact: bool = False) -> DataType:
    """The least type that holds the values of both.

    `exact` says that all integers of a LONG are exact in a DOUBLE: beside floats it is an INT then.
    """
    if a == b:
        return a
    if exact:
        a, b = (INT if a == LONG and b in _FLOATS else a), (INT if b == LONG and a in _FLOATS else b)
    pair = {a, b}
    if pair <= {SHORT, INT, LONG}:
        return LONG if LONG in pair else INT
    if pair == {SHORT, FLOAT}:
        return FLOAT
    if pair <= {SHORT, INT, FLOAT, DOUBLE}:
        return DOUBLE
    if all(_is_number(one) for one in pair):
        if pair & {FLOAT, DOUBLE}:
            return DECIMAL
        (i, s), (j, t) = _digits(a) or (99, 0), _digits(b) or (99, 0)
        return decimal(max(i, j), max(s, t))
    if pair == {NAIVE_DATE, NAIVE_DATETIME}:
        return NAIVE_DATETIME
    return TEXT


def _is_number(data_type: DataType) -> bool:
    return data_type in _INTEGERS or data_type in _FLOATS or data_type.case == "Decimal"


def _digits(data_type: DataType) -> tuple[int, int] | None:
    """Digits before the point that any value may have, and those after it; None for any number."""
    if data_type.size is not None:
        return data_type.size[0] - data_type.size[1], data_type.size[1]
    return _INTEGERS.get(data_type)


def exact_in_double(value: int) -> bool:
    """Whether the integer has the same value as a float of 64 bits."""
    return int(float(value)) == value


def single(value: float) -> float:
    """The nearest float of 32 bits. Raises OverflowError where that is infinite."""
    rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return rounded


def _is_single(value: float) -> bool:
    try:
        return value != value or single(value) == value
    except OverflowError:
        return False


def smallest_integer(value: int) -> DataType:
    """The least type of integers that holds it."""
    for data_type, bits in ((SHORT, 15), (INT, 31)):
        if -(2**bits) <= value < 2**bits:
            return data_type
    return LONG


def settle(stored: DataType | None, value: Wire, all_exact: Callable[[], bool]) -> DataType:
    """The type a column must have to take this value too.

    `all_exact` is asked only where it decides: whether all integers of the column are exact in a DOUBLE.
    """
    kind, wire = value
    if kind == "integers":
        return _with_integer(stored, wire)
    if kind == "floats":
        return _with_float(stored, wire, all_exact)
    if kind == "decimals":
        if stored is None:
            return DECIMAL
        return join(stored, decimal(*shape(wire)) if stored.case == "Decimal" else DECIMAL)
    if kind == "texts":
        return XML if stored == XML else TEXT
    found = _OF_KINDS[kind]
    return found if stored is None else join(stored, found)


def _with_integer(stored: DataType | None, value: int) -> DataType:
    smallest = smallest_integer(value)
    if stored is None:
        # nobody asked for 16 bits
        return INT if smallest == SHORT else smallest
    if stored == FLOAT and exact_in_double(value) and _is_single(float(value)):
        return FLOAT
    if stored in _FLOATS:
        return DOUBLE if exact_in_double(value) else DECIMAL
    if stored.case == "Decimal":
        return join(stored, decimal(len(str(abs(value))), 0))
    return join(stored, smallest)


def _with_float(stored: DataType | None, value: float, all_exact: Callable[[], bool]) -> DataType:
    if stored is None:
        return DOUBLE
    if stored == FLOAT and _is_single(value):
        return FLOAT
    return join(stored, DOUBLE, exact=stored != LONG or all_exact())
