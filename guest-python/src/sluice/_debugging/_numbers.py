"""Decimal numbers as text: as `host/src/numbers.rs`."""

from __future__ import annotations

import re

_PLAIN_DIGITS = 100
"""The most digits a number is written with to spare its exponent."""
_MAX_EXPONENT = 2**32 - 1
_NUMBER = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?", re.ASCII)


def _parts(text: str) -> tuple[bool, str, str, int] | None:
    """Whether it is negative, the digits before and after the point, and the exponent."""
    match = _NUMBER.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        return None
    exponent = 0
    if match[4]:
        # beyond any precision a larger exponent changes nothing, and a very long one is no int at all
        digits = match[4].lstrip("+-").lstrip("0")
        exponent = _MAX_EXPONENT if len(digits) > 10 else min(int(digits or "0"), _MAX_EXPONENT)
        exponent = -exponent if match[4].startswith("-") else exponent
    return match[1] == "-", match[2], match[3] or "", exponent


def is_number(text: str) -> bool:
    """Whether the text is a decimal number."""
    return _parts(text) is not None


def shape(text: str) -> tuple[int, int]:
    """Digits before and after the point that the number takes without an exponent."""
    parts = _parts(text)
    if parts is None:
        raise ValueError("a decimal value is not a number")
    _, whole, fraction, exponent = parts
    digits = whole + fraction
    leading = len(digits) - len(digits.lstrip("0"))
    return max(len(whole) + exponent - leading, 0), max(len(fraction) - exponent, 0)


def plain(text: str) -> str:
    """The number without a sign that it does not need, leading zeros and exponent.

    Zeros at its end are kept. Other texts, and numbers with very large exponents, as they are.
    """
    parts = _parts(text)
    if parts is None:
        return text
    negative, whole, fraction, exponent = parts
    digits = whole + fraction
    point = len(whole) + exponent
    if not -_PLAIN_DIGITS <= point <= _PLAIN_DIGITS:
        return text
    if point < 0:
        before, after = "", "0" * -point + digits
    else:
        before, after = digits[:point].ljust(point, "0"), digits[point:]
    sign = "-" if negative and digits.strip("0") else ""
    return f"{sign}{before.lstrip('0') or '0'}{'.' if after else ''}{after}"
