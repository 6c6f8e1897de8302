"""What each Python value becomes, by declared type."""

import datetime as dt
import enum
import uuid
from decimal import Decimal

import pytest

from sluice import Operations as op

DAY = 86_400_000_000
FEB_29 = 19782
CLOCK = FEB_29 * DAY + (1 * 3600 + 2 * 60 + 3) * 1_000_000
INDIA = dt.timezone(dt.timedelta(hours=5, minutes=30))


class Colour(enum.Enum):
    RED = 1


class Number(enum.IntEnum):
    ONE = 1


class Shout(str):
    def __str__(self):
        return "no"


class Dict(dict):
    pass


class FakeNumpy:
    def __init__(self, value):
        self._value = value

    def item(self):
        return self._value


FakeNumpy.__module__ = "numpy"


def shown(value):
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, int) and abs(value) > 10**30:
        return "huge"
    return ascii(value)[:30]


def sent(host, value, declared=None):
    """What two rows with the value send, by the slow way and by a plan."""
    columns = {} if declared is None else {"x": declared}
    host.start([{"table": "t", "primary_key": ["id"], "columns": columns}])
    for i in range(12):
        op.upsert("t", {"id": i, "x": value})
    host.finish()
    found = [row["x"] for row in host.rows()]
    assert len(found) == 12
    assert all(f == found[0] or f != f or (f and f[1] != f[1]) for f in found)
    return found[0]


UNDECLARED = [
    (True, ("booleans", True)),
    (5, ("integers", 5)),
    (-(2**63), ("integers", -(2**63))),
    (2**63 - 1, ("integers", 2**63 - 1)),
    (2**63, ("decimals", str(2**63))),
    (10**400, ("decimals", "1" + "0" * 400)),
    (Number.ONE, ("integers", 1)),
    (0.1, ("floats", 0.1)),
    (Decimal("Infinity"), ("floats", float("inf"))),
    (1e300, ("floats", 1e300)),
    (float("inf"), ("floats", float("inf"))),
    ("", ("texts", "")),
    ("2007-12-03", ("texts", "2007-12-03")),
    ("Zoë\0", ("texts", "Zoë\0")),
    (Shout("a"), ("texts", "a")),
    (b"\0\1", ("blobs", b"\0\1")),
    (bytearray(b"ab"), ("blobs", b"ab")),
    (memoryview(b"abcd")[::2], ("blobs", b"ac")),
    ({"a": 10}, ("json", '{"a": 10}')),
    ({"é": "ü"}, ("json", '{"\\u00e9": "\\u00fc"}')),
    ({1: "x"}, ("json", '{"1": "x"}')),
    (Dict(a=1), ("json", '{"a": 1}')),
    ([1, "a", None], ("json", '[1, "a", null]')),
    ((1, 2), ("json", "[1, 2]")),
    ({"b", "a"}, ("json", '["a", "b"]')),
    (frozenset([1]), ("json", "[1]")),
    (Decimal("1.50"), ("decimals", "1.50")),
    (Decimal("1E+3"), ("decimals", "1E+3")),
    (dt.date(2024, 2, 29), ("dates", FEB_29)),
    (dt.date(1, 1, 1), ("dates", -719162)),
    (dt.datetime(2024, 2, 29, 1, 2, 3, 456789), ("datetimes", CLOCK + 456789)),
    (dt.datetime(2024, 2, 29, 6, 32, 3, tzinfo=INDIA), ("timestamps", CLOCK)),
    (dt.time(1, 2, 3), ("texts", "01:02:03")),
    (uuid.UUID(int=5), ("texts", "00000000-0000-0000-0000-000000000005")),
    (Colour.RED, ("texts", "Colour.RED")),
    (FakeNumpy(5), ("integers", 5)),
    (FakeNumpy(True), ("booleans", True)),
    (FakeNumpy("a"), ("texts", "a")),
    (None, None),
]


@pytest.mark.parametrize(("value", "expected"), UNDECLARED, ids=shown)
def test_undeclared(host, value, expected):
    assert sent(host, value) == expected


def test_nan_passes(host):
    kind, value = sent(host, float("nan"))
    assert kind == "floats"
    assert value != value


DECLARED = [
    ("BOOLEAN", True, ("booleans", True)),
    ("BOOLEAN", 0, ("booleans", False)),
    ("BOOLEAN", 7, ("booleans", True)),
    ("BOOLEAN", FakeNumpy(True), ("booleans", True)),
    ("SHORT", 32767, ("integers", 32767)),
    ("SHORT", True, ("integers", 1)),
    ("INT", -(2**31), ("integers", -(2**31))),
    ("LONG", -(2**63), ("integers", -(2**63))),
    ("LONG", FakeNumpy(4), ("integers", 4)),
    ("FLOAT", 1, ("floats", 1.0)),
    ("FLOAT", 0.1, ("floats", 0.1)),
    ("FLOAT", 3.4028235677973366e38 / 2, ("floats", 3.4028235677973366e38 / 2)),
    ("FLOAT", float("-inf"), ("floats", float("-inf"))),
    ("DOUBLE", 0.1, ("floats", 0.1)),
    ("DOUBLE", True, ("floats", 1.0)),
    ("DOUBLE", Decimal("1.5"), ("floats", 1.5)),
    ("NAIVE_DATE", "2024-02-29", ("dates", FEB_29)),
    ("NAIVE_DATE", "2024-2-9", ("dates", FEB_29 - 20)),
    ("NAIVE_DATE", dt.date(2024, 2, 29), ("dates", FEB_29)),
    ("NAIVE_DATE", dt.datetime(2024, 2, 29, 1, tzinfo=INDIA), ("dates", FEB_29)),
    ("NAIVE_DATETIME", "2024-02-29T01:02:03", ("datetimes", CLOCK)),
    ("NAIVE_DATETIME", " 2024-02-29 01:02:03.5 ", ("datetimes", CLOCK + 500_000)),
    ("NAIVE_DATETIME", "2024-2-29T1:2:3", ("datetimes", CLOCK)),
    ("NAIVE_DATETIME", dt.datetime(2024, 2, 29, 1, 2, 3), ("datetimes", CLOCK)),
    ("NAIVE_DATETIME", dt.datetime(2024, 2, 29, 6, 32, 3, tzinfo=INDIA), ("datetimes", CLOCK)),
    ("UTC_DATETIME", "2024-02-29T01:02:03Z", ("timestamps", CLOCK)),
    ("UTC_DATETIME", "2024-02-29T01:02:03.123Z", ("timestamps", CLOCK + 123_000)),
    ("UTC_DATETIME", "2024-02-29T06:32:03+05:30", ("timestamps", CLOCK)),
    ("UTC_DATETIME", "2024-02-29T06:32:03+0530", ("timestamps", CLOCK)),
    ("UTC_DATETIME", "2024-02-28T20:02:03-05:00", ("timestamps", CLOCK)),
    ("UTC_DATETIME", "  2024-02-29T01:02:03Z  ", ("timestamps", CLOCK)),
    ("UTC_DATETIME", "1969-12-31T23:59:59Z", ("timestamps", -1_000_000)),
    ("UTC_DATETIME", dt.datetime(2024, 2, 29, 1, 2, 3), ("timestamps", CLOCK)),
    ("UTC_DATETIME", dt.datetime(2024, 2, 29, 6, 32, 3, tzinfo=INDIA), ("timestamps", CLOCK)),
    ("BINARY", b"\0\1", ("blobs", b"\0\1")),
    ("BINARY", bytearray(b"a"), ("blobs", b"a")),
    ("XML", "<a/>", ("texts", "<a/>")),
    ("XML", "<ä/>".encode(), ("texts", "<ä/>")),
    ("STRING", "a", ("texts", "a")),
    ("STRING", {"a": 1}, ("texts", "{'a': 1}")),
    ("STRING", 5, ("texts", "5")),
    ("STRING", dt.datetime(2024, 2, 29, 1, 2, 3), ("texts", "2024-02-29 01:02:03")),
    ("JSON", {"a": 10}, ("json", '{"a": 10}')),
    ("JSON", '{"a": 10}', ("json", '"{\\"a\\": 10}"')),
    ("JSON", 1.5, ("json", "1.5")),
    ("JSON", (1,), ("json", "[1]")),
    ("DECIMAL", "105.345", ("decimals", "105.345")),
    ("DECIMAL", " .5 ", ("decimals", "0.5")),
    ("DECIMAL", "5.", ("decimals", "5")),
    ("DECIMAL", "-1.5e-3", ("decimals", "-1.5e-3")),
    ("DECIMAL", 105, ("decimals", "105")),
    ("DECIMAL", Decimal("105.340"), ("decimals", "105.340")),
    ("DECIMAL", b"1.5", ("decimals", "1.5")),
]
PRECISE = {"type": "DECIMAL", "precision": 15, "scale": 2}


@pytest.mark.parametrize(("declared", "value", "expected"), DECLARED, ids=shown)
def test_declared(host, declared, value, expected):
    assert sent(host, value, PRECISE if declared == "DECIMAL" else declared) == expected


@pytest.mark.parametrize(
    "declared", ["BOOLEAN", "SHORT", "INT", "LONG", "FLOAT", "DOUBLE", "NAIVE_DATE", "XML", "STRING", "JSON"]
)
def test_none_is_null_everywhere(host, declared):
    assert sent(host, None, declared) is None


REFUSED = [
    (None, "a\ud800", UnicodeEncodeError),
    (None, {"a": "\udfff"}, UnicodeEncodeError),
    (None, {"a": dt.date(2024, 1, 1)}, TypeError),
    (None, {"a": Decimal(1)}, TypeError),
    (None, [b"a"], TypeError),
    (None, [{1}], TypeError),
    (None, 10**5000, ValueError),
    (None, Decimal("sNaN"), ValueError),
    ("FLOAT", 1e300, OverflowError),
    ("FLOAT", 10**39, OverflowError),
    ("FLOAT", Decimal("1e39"), OverflowError),
    ("DOUBLE", Decimal("1e999"), OverflowError),
    ("BOOLEAN", "true", TypeError),
    ("BOOLEAN", 1.0, TypeError),
    ("BOOLEAN", 2**63, OverflowError),
    ("SHORT", 32768, ValueError),
    ("SHORT", "5", TypeError),
    ("SHORT", 1.0, TypeError),
    ("INT", 2**31 + 12345, ValueError),
    ("LONG", 2**63 + 12345, ValueError),
    ("LONG", Decimal("1.5"), TypeError),
    ("FLOAT", "1.5", TypeError),
    ("DOUBLE", 10**400, OverflowError),
    ("NAIVE_DATE", "2024-02-30", ValueError),
    ("NAIVE_DATE", "2024-02-29T00:00:00", ValueError),
    ("NAIVE_DATE", "20240229", ValueError),
    ("NAIVE_DATE", 5, TypeError),
    ("NAIVE_DATETIME", "2024-02-29T01:02:03Z", ValueError),
    ("NAIVE_DATETIME", "2024-02-29T01:02", ValueError),
    ("NAIVE_DATETIME", "2024-02-29T24:00:00", ValueError),
    ("NAIVE_DATETIME", "2024-02-29", ValueError),
    ("NAIVE_DATETIME", "2024-02-29T01:02:03.1234567", ValueError),
    ("NAIVE_DATETIME", dt.date(2024, 2, 29), AttributeError),
    ("UTC_DATETIME", "2024-02-29T01:02:03", ValueError),
    ("UTC_DATETIME", "2024-02-29 01:02:03 +0000", ValueError),
    ("UTC_DATETIME", "2024-02-29T01:02:03+25:00", ValueError),
    ("UTC_DATETIME", "0001-01-01T00:00:00+05:30", OverflowError),
    ("UTC_DATETIME", 5, AttributeError),
    ("BINARY", "abc", TypeError),
    ("XML", 5, TypeError),
    ("XML", b"\xff", ValueError),
    ("STRING", "\ud800", UnicodeEncodeError),
    ("JSON", dt.datetime(2024, 1, 1), TypeError),
    ("JSON", {1, 2}, TypeError),
    ("DECIMAL", "abc", ValueError),
    ("DECIMAL", "", ValueError),
    ("DECIMAL", "1_000", ValueError),
    ("DECIMAL", 1.5, TypeError),
    ("DECIMAL", True, TypeError),
    ("DECIMAL", Decimal("Infinity"), ValueError),
]


@pytest.mark.parametrize(("declared", "value", "error"), REFUSED, ids=shown)
@pytest.mark.parametrize("before", [0, 20])
def test_refused_at_the_call(host, declared, value, error, before):
    columns = {} if declared is None else {"x": PRECISE if declared == "DECIMAL" else declared}
    host.start([{"table": "t", "primary_key": ["id"], "columns": columns}])
    good = next((v for d, v, _ in DECLARED if d == declared), "good")
    for i in range(before):
        op.upsert("t", {"id": i, "x": good})
    with pytest.raises(error) as caught:
        op.upsert("t", {"id": 99, "x": value})
    assert type(caught.value) is error
    assert "table t, column x" in str(caught.value)
    assert "\ud800" not in str(caught.value)
    if shown(value) != "huge" and isinstance(value, (str, int)) and len(ascii(value)) > 6:
        assert str(value) not in str(caught.value)
    host.finish()
    assert len(host.rows()) == before


def test_the_authors_own_errors_pass(host):
    class Bad:
        def __str__(self):
            raise ZeroDivisionError("mine")

    host.start()
    with pytest.raises(ZeroDivisionError, match="mine"):
        op.upsert("t", {"x": Bad()})
