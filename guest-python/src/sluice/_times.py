"""Dates and times as the contract counts them: days and microseconds since 1970-01-01."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from operator import itemgetter

from sluice._errors import Rejected

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY = 86_400_000_000
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_EPOCH = datetime(1970, 1, 1)
_MARKS = itemgetter(4, 7, 10, 13, 16)
_USUAL = {("-", "-", "T", ":", ":"), ("-", "-", " ", ":", ":")}
_CLOCK = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2}):(\d{1,2})(.*)", re.ASCII)
_REST = re.compile(r"(?:\.(\d{1,6}))?(?:(Z)|([+-])(\d\d):?(\d\d))?", re.ASCII)


def days(value: date) -> int:
    """The days of a date since the epoch."""
    return value.toordinal() - _EPOCH_DAY


def wall_clock(value: datetime) -> int:
    """The microseconds since the epoch of what the clock shows, its zone ignored."""
    day = value.toordinal() - _EPOCH_DAY
    return ((day * 24 + value.hour) * 60 + value.minute) * 60_000_000 + (
        value.second * 1_000_000 + value.microsecond
    )


MIN_MICROSECONDS = wall_clock(datetime.min)
MAX_MICROSECONDS = wall_clock(datetime.max)


def instant(value: datetime, offset: timedelta) -> int:
    """The microseconds since the epoch, in UTC, of an aware datetime with this offset."""
    return _in_range(wall_clock(value) - _microseconds(offset))


def parse_date(text: str) -> int:
    """Days of `YYYY-MM-DD`; nothing else is a NAIVE_DATE."""
    match = _DATE.fullmatch(text)
    if match is not None:
        try:
            return days(date(int(match[1]), int(match[2]), int(match[3])))
        except ValueError:
            pass
    raise Rejected(ValueError, "a NAIVE_DATE column takes text of the form YYYY-MM-DD that is a date")


def parse_naive(text: str) -> int:
    """Microseconds of `YYYY-MM-DDTHH:MM:SS[.ffffff]` or the same with a blank for the T."""
    clock, rest = _parse_clock(text, "NAIVE_DATETIME")
    if not rest:
        return clock
    match = _REST.fullmatch(rest)
    if match is None or match[2] or match[3]:
        raise _form("NAIVE_DATETIME")
    return clock + _fraction(match[1])


def parse_utc(text: str) -> int:
    """Microseconds in UTC of the same text with a zone: `Z`, `+05:30` or `+0530`."""
    clock, rest = _parse_clock(text, "UTC_DATETIME")
    if rest == "Z":
        return clock
    match = _REST.fullmatch(rest)
    if match is None or not (match[2] or match[3]):
        raise _form("UTC_DATETIME")
    clock += _fraction(match[1])
    if match[2]:
        return clock
    hours, minutes = int(match[4]), int(match[5])
    if hours > 23 or minutes > 59:
        raise _form("UTC_DATETIME")
    offset = (hours * 60 + minutes) * 60_000_000
    return _in_range(clock - offset if match[3] == "+" else clock + offset)


def _parse_clock(text: str, declared: str) -> tuple[int, str]:
    """The microseconds of the whole seconds, and what follows them."""
    try:
        # two digits everywhere is the usual form, and C reads it
        if _MARKS(text) in _USUAL:
            value = datetime.fromisoformat(text[:19])
            # newer Pythons read 24:00:00 too
            if value.hour or text[11] != "2":
                since = value - _EPOCH
                return since.days * _DAY + since.seconds * 1_000_000, text[19:].rstrip()
    except (IndexError, ValueError):
        pass
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise _form(declared)
    try:
        fields = [int(match[i]) for i in range(1, 7)]
        return wall_clock(datetime(*fields)), match[7]  # type: ignore[arg-type]
    except ValueError:
        raise _form(declared) from None


def _fraction(digits: str | None) -> int:
    return int(digits.ljust(6, "0")) if digits else 0


def _microseconds(offset: timedelta) -> int:
    return offset.days * _DAY + offset.seconds * 1_000_000 + offset.microseconds


def _in_range(microseconds: int) -> int:
    if MIN_MICROSECONDS <= microseconds <= MAX_MICROSECONDS:
        return microseconds
    raise Rejected(OverflowError, "the time in UTC lies outside the years 1 to 9999")


def _form(declared: str) -> Rejected:
    zone = "Z or +HH:MM at the end" if declared == "UTC_DATETIME" else "no zone"
    return Rejected(
        ValueError, f"a {declared} column takes text of the form YYYY-MM-DDTHH:MM:SS[.ffffff] with {zone}"
    )
