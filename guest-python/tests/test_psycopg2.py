"""What psycopg2's interface makes of values and connection strings; the rest is tested against a server."""

import datetime
from decimal import Decimal
from uuid import UUID

import pytest

import psycopg2
from psycopg2 import _adapt, errors, extensions, extras, sql
from psycopg2._dsn import arguments, make, parse


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (None, "NULL"),
        (True, "true"),
        (7, "7"),
        (-7, " -7"),
        (1.5, "1.5"),
        (float("nan"), "'NaN'::float"),
        (float("-inf"), "'-Infinity'::float"),
        (Decimal("-0.10"), " -0.10"),
        ("it's", "'it''s'"),
        ("a\\b'", " E'a\\\\b'''"),
        (b"\x00\xff", "'\\x00ff'::bytea"),
        (memoryview(b"a"), "'\\x61'::bytea"),
        (datetime.date(2024, 2, 29), "'2024-02-29'::date"),
        (datetime.datetime(2024, 2, 29, 1, 2), "'2024-02-29T01:02:00'::timestamp"),
        (
            datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc),
            "'2024-02-29T00:00:00+00:00'::timestamptz",
        ),
        (datetime.timedelta(-1, 1, 5), "'-1 days 1.000005 seconds'::interval"),
        (UUID(int=1), "'00000000-0000-0000-0000-000000000001'::uuid"),
        ([1, "a", None], "ARRAY[1, 'a', NULL]"),
        ([], "'{}'"),
        ((1, 2), "(1, 2)"),
        (extras.Json({"a": "'"}), "'{\"a\": \"''\"}'"),
        (extensions.AsIs("now()"), "now()"),
    ],
)
def test_literals(value, literal):
    assert _adapt.literal(value) == literal


def test_what_has_no_literal_is_refused():
    with pytest.raises(psycopg2.ProgrammingError, match="can't adapt type 'dict'"):
        _adapt.literal({})
    with pytest.raises(ValueError, match="NUL"):
        _adapt.literal("\0")


def test_an_adapter_of_ones_own():
    class Point:
        pass

    extensions.register_adapter(Point, lambda _: extensions.AsIs("point(1, 2)"))
    assert _adapt.statement("SELECT %s", (Point(),)) == "SELECT point(1, 2)"


@pytest.mark.parametrize(
    ("query", "values", "statement"),
    [
        ("SELECT '%s'", None, "SELECT '%s'"),
        ("SELECT 5 % 3", (), "SELECT 5 % 3"),
        ("SELECT %s, '100%%'", ("%s",), "SELECT '%s', '100%'"),
        ("SELECT %(a)s, %(a)s", {"a": 1}, "SELECT 1, 1"),
        ("x IN %s", [("a", "b")], "x IN ('a', 'b')"),
        (b"SELECT %s", [1], "SELECT 1"),
    ],
)
def test_statements(query, values, statement):
    assert _adapt.statement(query, values) == statement


@pytest.mark.parametrize(
    ("query", "values", "error"),
    [
        ("%s", (1, 2), TypeError),
        ("%s %s", (1,), IndexError),
        ("%(a)s", {"b": 1}, KeyError),
        ("%d", (1,), ValueError),
        ("%s", "text", TypeError),
        (5, None, TypeError),
    ],
)
def test_statements_that_are_refused(query, values, error):
    with pytest.raises(error):
        _adapt.statement(query, values)


def test_a_value_cannot_leave_its_place():
    hostile = "'; DROP TABLE x; --"
    assert _adapt.statement("SELECT %s", (hostile,)) == "SELECT '''; DROP TABLE x; --'"
    assert _adapt.statement("SELECT 1-%s", (-1,)) == "SELECT 1- -1", "no comment begins"
    assert sql.Identifier('a"; DROP').as_string() == '"a""; DROP"'


def test_composed_statements():
    made = sql.SQL("SELECT {fields} FROM {} WHERE a = {} AND b = %s").format(
        sql.Identifier("s", "t"),
        sql.Literal("x"),
        fields=sql.SQL(", ").join([sql.Identifier("a"), sql.Placeholder("b")]),
    )
    assert made.as_string() == 'SELECT "a", %(b)s FROM "s"."t" WHERE a = \'x\' AND b = %s'


def test_connection_strings():
    parts = {"host": "db", "password": "it's \\ me", "dbname": "a b"}
    assert parse("host=db password='it\\'s \\\\ me' dbname = 'a b'") == parts
    assert parse(make(**parts)) == parts
    url = "postgresql://us%40er:p%3Aw@db.example:5433/shop?sslmode=require"
    found = {"user": "us@er", "password": "p:w", "host": "db.example", "port": "5433", "dbname": "shop"}
    assert parse(url) == {**found, "sslmode": "require"}
    assert arguments("host=a port=1", {"host": "b", "database": "d", "user": None})["host"] == "b"
    with pytest.raises(psycopg2.ProgrammingError, match="invalid dsn"):
        parse("host")


def test_errors_by_their_code():
    error = errors.of_server({"S": "ERROR", "C": "23505", "M": "duplicate key", "t": "items"})
    assert isinstance(error, errors.UniqueViolation)
    assert isinstance(error, psycopg2.IntegrityError)
    assert (error.pgcode, error.diag.table_name, str(error)) == ("23505", "items", "duplicate key\n")
    assert errors.lookup("42P01") is errors.UndefinedTable
    for code, kind in (("57P99", "OperationalError"), ("22999", "DataError"), ("ZZ000", "DatabaseError")):
        assert type(errors.of_server({"C": code})).__name__ == kind


def test_values_of_many_rows():
    class Recorder:
        connection = None

        def __init__(self):
            self.ran = []

        def execute(self, query):
            self.ran.append(query)

    cursor = Recorder()
    extras.execute_values(
        cursor, "INSERT INTO t VALUES %s -- 5%%", [(1, "a"), (2, "b"), (3, "%s")], page_size=2
    )
    assert cursor.ran == ["INSERT INTO t VALUES (1,'a'),(2,'b') -- 5%", "INSERT INTO t VALUES (3,'%s') -- 5%"]
    extras.execute_batch(cursor, "UPDATE t SET a = %s", [(1,), (2,)])
    assert cursor.ran[-1] == "UPDATE t SET a = 1;UPDATE t SET a = 2"
    with pytest.raises(ValueError, match="placeholder"):
        extras.execute_values(cursor, "INSERT INTO t VALUES (%s, %s)", [(1,)])


def test_without_the_driver_the_import_that_fails_says_what_to_require(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pg8000.dbapi", None)
    with pytest.raises(ImportError, match="put psycopg2-binary or pg8000 into"):
        psycopg2.connect("host=db")
