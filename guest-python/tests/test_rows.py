"""Buffers: what is sent when, in which order, and that nothing of the author's leaks in later."""

import random

import pytest
from wit_world.imports.operations import Refusal_Ended, Refusal_Invalid, Refusal_Limit

import sluice
from sluice import Operations as op
from sluice import _writer

KEYED = [{"table": "t", "primary_key": ["id"]}]


def test_rows_are_copied_at_the_call(host):
    host.start()
    row = {"id": 1, "tags": [1], "raw": bytearray(b"a")}
    for _ in range(20):
        op.upsert("t", row)
        row["tags"].append(2)
        row["raw"][0] = 98
        row["id"] = 2
        row["tags"], row["raw"], row["id"] = [1], bytearray(b"a"), 1
    row["tags"].append(3)
    host.finish()
    assert host.rows() == [{"id": ("integers", 1), "tags": ("json", "[1]"), "raw": ("blobs", b"a")}] * 20


def test_a_thousand_rows_make_a_batch(host):
    host.start()
    for i in range(2500):
        op.upsert("t", {"id": i})
    assert [batch.rows for batch in host.batches] == [1000, 1000]
    host.finish()
    assert [batch.rows for batch in host.batches] == [1000, 1000, 500]
    assert [row["id"][1] for row in host.rows()] == list(range(2500))


@pytest.mark.parametrize("text", ["x" * 100_000, "ü" * 50_000])
def test_a_megabyte_makes_a_batch(host, text):
    host.start()
    for i in range(30):
        op.upsert("t", {"id": i, "x": text})
    host.finish()
    assert [batch.rows for batch in host.batches] == [11, 11, 8]


def test_all_tables_are_sent_when_together_they_hold_too_much(host):
    host.start()
    for i in range(40):
        for table in range(20):
            op.upsert(f"t{table}", {"id": i, "x": "x" * 20_000})
            assert sum(b.columns.size for b in _writer.writer._open.values()) <= 10 << 20
    host.finish()
    assert sum(batch.rows for batch in host.batches) == 800


def test_many_tables_do_not_pile_up(host):
    host.start()
    for i in range(300):
        op.upsert(f"t{i}", {"id": i})
    assert len(_writer.writer._open) == _writer.MAX_OPEN_TABLES
    host.finish()
    assert [call[1] for call in host.calls] == [f"t{i}" for i in range(300)]


def test_a_checkpoint_sends_everything_first_in_order_of_first_rows(host):
    host.start()
    op.upsert("b", {"id": 1})
    op.upsert("a", {"id": 1})
    op.upsert("b", {"id": 2})
    op.checkpoint({"a": 1, "x": [1, {"y": 1.5}]})
    op.upsert("c", {"id": 1})
    host.finish()
    assert [call[:2] for call in host.calls] == [
        ("upsert", "b"),
        ("upsert", "a"),
        ("checkpoint", None),
        ("upsert", "c"),
    ]
    assert host.calls[2][2] == '{"a": 1, "x": [1, {"y": 1.5}]}'


def test_another_operation_closes_the_batch(host):
    host.start(KEYED)
    op.upsert("t", {"id": 1, "x": 1})
    op.update("t", {"id": 1, "x": 2})
    op.update("t", {"id": 1, "y": 2})
    op.delete("t", {"id": 1})
    op.truncate("t")
    op.upsert("t", {"id": 1, "x": 1})
    host.finish()
    assert [call[0] for call in host.calls] == ["upsert", "update", "update", "delete", "truncate", "upsert"]


def test_truncate_leaves_other_tables_alone(host):
    host.start()
    op.upsert("a", {"id": 1})
    op.upsert("b", {"id": 1})
    op.truncate("b")
    op.truncate("never", schema="s")
    host.finish()
    assert [call[:2] for call in host.calls] == [
        ("upsert", "b"),
        ("truncate", "b"),
        ("truncate", "s.never"),
        ("upsert", "a"),
    ]


@pytest.mark.parametrize("other", ["user_data", "userData", "user-data", "User Data", "üser_data"])
def test_names_that_may_be_one_table_keep_their_order(host, other):
    host.start()
    for _ in range(20):
        op.upsert("USER_DATA", {"id": 1})
    op.upsert(other, {"id": 1})
    op.truncate("userdata")
    op.upsert("USER_DATA", {"id": 2})
    host.finish()
    assert [call[1] for call in host.calls] == ["USER_DATA", other, "userdata", "USER_DATA"]


def test_other_columns_close_the_batch_of_a_table_without_a_key(host):
    host.start()
    op.upsert("t", {"id": 1, "x": 1})
    op.upsert("t", {"x": 1, "id": 1})
    op.upsert("t", {"id": 1})
    host.finish()
    assert [batch.rows for batch in host.batches] == [2, 1]


def test_sparse_upserts_with_a_key_share_a_batch(host):
    host.start(KEYED)
    for i in range(60):
        op.upsert("t", {"id": i, "x": 1} if i % 2 else {"id": i, "y": "a"})
    host.finish()
    assert [batch.rows for batch in host.batches] == [1, 59]
    assert host.rows()[1:3] == [
        {"id": ("integers", 1), "x": ("integers", 1), "y": None},
        {"id": ("integers", 2), "x": None, "y": ("texts", "a")},
    ]


def test_sparse_updates_do_not_share_a_batch(host):
    host.start(KEYED)
    op.update("t", {"id": 1, "x": 1})
    op.update("t", {"id": 1, "y": 1})
    host.finish()
    assert [list(row) for row in host.rows()] == [["id", "x"], ["id", "y"]]


def test_schemas_are_apart(host):
    host.start([{"table": "t", "schema": "s", "columns": {"x": "STRING"}}])
    op.upsert("t", {"x": 1}, schema="s")
    op.upsert("t", {"x": 1})
    host.finish()
    assert host.calls == [
        ("upsert", "s.t", [{"x": ("texts", "1")}]),
        ("upsert", "t", [{"x": ("integers", 1)}]),
    ]


def test_a_column_of_several_kinds_is_mixed(host):
    host.start()
    values = [1, "a", None, 1.5, [1], b"x"] * 5
    for value in values:
        op.upsert("t", {"x": value})
    host.finish()
    assert type(host.batches[0].columns[0].values).__name__ == "Values_Mixed"
    expected = [("integer", 1), ("text", "a"), None, ("float", 1.5), ("json", "[1]"), ("blob", b"x")] * 5
    assert [row["x"] for row in host.rows()] == expected


def test_an_int_stays_one_beside_ints_beyond_64_bits(host):
    host.start()
    for i in range(20):
        op.upsert("t", {"x": i})
    op.upsert("t", {"x": 2**64})
    op.upsert("t", {"x": None})
    host.finish()
    assert [row["x"] for row in host.rows()][-3:] == [("integer", 19), ("decimal", str(2**64)), None]


def test_a_column_that_changes_its_type_is_typed_again(host):
    host.start()
    for value in [1] * 1000 + ["a"] * 3000:
        op.upsert("t", {"x": value})
    host.finish()
    kinds = [type(batch.columns[0].values).__name__ for batch in host.batches]
    assert kinds == ["Values_Integers", "Values_Texts", "Values_Texts", "Values_Texts"]


def test_a_column_of_nulls_has_no_type(host):
    host.start()
    for i in range(20):
        op.upsert("t", {"id": i, "x": None})
    op.upsert("t", {"id": 20, "x": "late"})
    host.finish()
    assert [row["x"] for row in host.rows()] == [None] * 20 + [("texts", "late")]
    host.start()
    op.upsert("t", {"x": None})
    host.finish()
    column = host.batches[-1].columns[0]
    assert type(column.values).__name__ == "Values_Mixed"
    assert column.nulls == [0]


@pytest.mark.parametrize("rows", [5, 50])
def test_rows_without_their_key_are_the_hosts(host, rows):
    host.start(KEYED)
    for i in range(rows):
        op.upsert("t", {"id": i, "x": 1})
    op.upsert("t", {"id": None, "x": 2})
    op.upsert("t", {"x": 3})
    op.update("t", {"x": 4})
    op.delete("t", {"x": 5})
    host.finish()
    found = host.rows()
    assert found[rows : rows + 2] == [{"id": None, "x": ("integers", 2)}, {"id": None, "x": ("integers", 3)}]
    assert found[rows + 2 :] == [{"x": ("integers", 4)}, {"x": ("integers", 5)}]


def test_a_row_may_be_empty_or_any_mapping(host):
    class Row:
        def items(self):
            return [("a", 1)]

    host.start()
    op.upsert("t", {})
    op.upsert(table="t", data=Row())
    host.finish()
    assert host.rows() == [{}, {"a": ("integers", 1)}]


@pytest.mark.parametrize("data", [None, [{"id": 1}], "abc", 5])
def test_a_row_must_be_a_dict(host, data):
    host.start()
    for i in range(20):
        op.upsert("t", {"id": i})
    with pytest.raises(AttributeError, match="table t"):
        op.upsert("t", data)


BAD_NAMES = [
    (None, TypeError),
    (5, TypeError),
    ([], TypeError),
    ("", ValueError),
    (" ", ValueError),
    ("a\n", ValueError),
    ("\ud800", ValueError),
    ("ü" * 128, ValueError),
]


@pytest.mark.parametrize(("name", "error"), BAD_NAMES)
def test_names_are_checked(host, name, error):
    host.start()
    for call in (op.upsert, op.update, op.delete):
        with pytest.raises(error):
            call(name, {"id": 1})
        if name is not None:
            with pytest.raises(error):
                call("t", {"id": 1}, schema=name)
    with pytest.raises(error):
        op.truncate(name)
    if name not in (" ", None, []) and not isinstance(name, list):
        with pytest.raises(error):
            op.upsert("t", {name: 1})
    host.finish()
    assert host.calls == []


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (None, TypeError),
        ([1], TypeError),
        ("abc", TypeError),
        ({"a": {1}}, TypeError),
        ({"a": float("nan")}, ValueError),
        ({"a": "\ud800"}, UnicodeEncodeError),
    ],
)
def test_a_state_must_be_a_dict_of_json(host, state, error):
    host.start()
    with pytest.raises(error, match="state"):
        op.checkpoint(state)
    assert host.calls == []


def test_operations_need_a_sync(host):
    for call in (lambda: op.upsert("t", {"id": 1}), lambda: op.truncate("t"), lambda: op.checkpoint({})):
        with pytest.raises(sluice.InvalidOperation, match="update"):
            call()


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal_Invalid("table t, column x: no"), sluice.InvalidOperation),
        (Refusal_Limit("row limit reached (5)"), sluice.LimitReached),
        (Refusal_Ended("cancelled"), sluice.SyncEnded),
    ],
)
def test_refusals_become_exceptions(host, refusal, error):
    host.start()
    op.upsert("t", {"x": 1})
    op.upsert("u", {"x": 1})
    host.operations.refuse = lambda call: refusal if call[0] == "upsert" and call[1].name == "t" else None
    with pytest.raises(error, match=refusal.value.replace("(", r"\(").replace(")", r"\)")):
        op.checkpoint({})
    assert host.calls == []
    host.operations.refuse = None
    op.checkpoint({})
    assert [call[:2] for call in host.calls] == [("upsert", "u"), ("checkpoint", None)]


def test_an_operation_inside_a_value_does_no_harm(host):
    class Nosy:
        def __str__(self):
            op.upsert("t", {"id": "inner", "x": "y", "n": 1.5})
            op.checkpoint({})
            return "nosy"

    host.start()
    for i in range(30):
        op.upsert("t", {"id": i, "x": Nosy() if i % 7 == 0 else [i], "n": None})
    host.finish()
    outer = [row for row in host.rows() if row["id"][1] != "inner"]
    assert [row["id"][1] for row in outer] == list(range(30))
    assert sum(row["id"][1] == "inner" for row in host.rows()) == 5
    assert all(row["n"] is None for row in outer)


def test_any_sequence_of_operations_arrives_as_called(host):
    seed = random.randrange(2**32)
    print("seed", seed)
    draw = random.Random(seed)
    values = [None, None, 1, -5, 2**70, 1.5, "a", "ü", True, b"x", [1], {"a": None}]
    host.start([{"table": "k", "primary_key": ["id"]}])
    expected = {"k": [], "u": []}
    for i in range(6000):
        table = draw.choice("ku")
        kind = draw.choices(["upsert", "update", "delete"], [50, 3, 1])[0]
        row = {"id": i}
        for name in draw.sample("abcd", draw.choice([4, 4, 4, 2])):
            row[name] = draw.choice(values if draw.random() < 0.02 else [None, "t"])
        getattr(op, kind)(table, row)
        expected[table].append((kind, i, {n: v for n, v in row.items() if v is not None}))
        if draw.random() < 0.002:
            op.checkpoint({"i": i})
    host.finish()
    for table, wanted in expected.items():
        found = [(call[0], row) for call in host.calls if call[1] == table for row in call[2]]
        assert [(kind, row["id"][1]) for kind, row in found] == [(kind, i) for kind, i, _ in wanted]
        for (_, row), (_, _, values) in zip(found, wanted, strict=True):
            assert {n for n, v in row.items() if v is not None} == set(values)
            for name, value in values.items():
                if isinstance(value, (str, bytes, float)):
                    assert row[name][1] == value
