"""What `schema` may answer, and what the host gets."""

import json

import pytest
from componentize_py_types import Err
from wit_world.imports import types

from sluice import Connector


def update(configuration, state):
    pass


def declared(host, answer):
    connector = Connector(update, lambda configuration: answer)
    return host.exports(connector=connector).schema("{}")


def shown(tables):
    return [
        (
            (t.name.schema, t.name.name),
            t.primary_key,
            {c.name: c.data_type and type(c.data_type).__name__.removeprefix("DataType_") for c in t.columns},
        )
        for t in tables
    ]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([], []),
        ([{"table": "a"}], [((None, "a"), [], {})]),
        ([{"table": "a", "primary_key": None, "columns": None}], [((None, "a"), [], {})]),
        ([{"table": "a", "columns": {"x": "utc_datetime"}}], [((None, "a"), [], {"x": "UtcDatetime"})]),
        ([{"table": "a", "columns": {"x": "STRING"}, "foo": 1}], [((None, "a"), [], {"x": "Text"})]),
        (
            [{"table": "a", "columns": {"x": "INT", "id": "STRING"}, "primary_key": ["id", "k", "id"]}],
            [((None, "a"), ["id", "k"], {"id": "Text", "k": None, "x": "Int"})],
        ),
        (
            [{"table": "a", "schema": "s"}, {"table": "a"}, {"table": "A"}],
            [(("s", "a"), [], {}), ((None, "a"), [], {}), ((None, "A"), [], {})],
        ),
        (({"table": name} for name in "ab"), [((None, "a"), [], {}), ((None, "b"), [], {})]),
    ],
)
def test_answers(host, answer, expected):
    tables = declared(host, answer)
    assert shown(tables) == expected
    for table in tables:
        names = [column.name for column in table.columns]
        assert names == sorted(names, key=lambda n: n not in table.primary_key)


def test_decimal_has_a_size(host):
    size = {"type": "decimal", "precision": 38, "scale": 10}
    [table] = declared(host, [{"table": "a", "columns": {"x": size}}])
    assert table.columns[0].data_type == types.DataType_Decimal((38, 10))


def decimal(**size):
    return [{"table": "a", "columns": {"x": {"type": "DECIMAL"} | size}}]


@pytest.mark.parametrize(
    ("answer", "kind", "hint"),
    [
        (None, "TypeError", "list of dicts"),
        ({"table": "a"}, "TypeError", "list of dicts"),
        (["a"], "TypeError", "list of dicts"),
        ([{}], "ValueError", "table"),
        ([{"table": 5}], "TypeError", "table name"),
        ([{"table": " "}], "ValueError", "table name"),
        ([{"table": "a", "schema": ""}], "ValueError", "table a"),
        ([{"table": "a", "primary_key": "id"}], "TypeError", "brackets"),
        ([{"table": "a", "primary_key": [5]}], "TypeError", "table a"),
        ([{"table": "a", "columns": ["x"]}], "AttributeError", "dict"),
        ([{"table": "a", "columns": {"x": "VARCHAR"}}], "ValueError", "table a, column x: unknown type"),
        ([{"table": "a", "columns": {"x": "NAIVE_TIME"}}], "ValueError", "unknown type"),
        ([{"table": "a", "columns": {"x": " INT"}}], "ValueError", "unknown type"),
        ([{"table": "a", "columns": {"x": "DECIMAL"}}], "ValueError", "precision"),
        ([{"table": "a", "columns": {"x": 5}}], "ValueError", "column x"),
        ([{"table": "a", "columns": {"x": {"type": "STRING"}}}], "ValueError", "only"),
        (
            [{"table": "a", "columns": {"x": {"type": "STRING", "precision": 1, "scale": 0}}}],
            "ValueError",
            "only",
        ),
        ([{"table": "a"}, {"table": "a"}], "ValueError", "twice"),
        (decimal(), "KeyError", "precision"),
        (decimal(precision=10, scale=-2), "ValueError", "scale"),
        (decimal(precision=50, scale=2), "ValueError", "38"),
        (decimal(precision=5, scale=6), "ValueError", "scale"),
        (decimal(precision=True, scale=0), "ValueError", "precision"),
    ],
)
def test_errors_say_what_to_write(host, answer, kind, hint):
    with pytest.raises(Err) as caught:
        declared(host, answer)
    assert caught.value.value.kind == kind
    assert hint in caught.value.value.message


def test_no_schema_is_an_empty_answer(host):
    assert host.exports(connector=Connector(update)).schema("{}") == []


def test_schema_gets_the_configuration_by_position_and_may_be_async(host):
    async def schema(anything):
        return [{"table": anything["name"]}]

    [table] = host.exports(connector=Connector(update, schema)).schema(json.dumps({"name": "x"}))
    assert table.name.name == "x"
