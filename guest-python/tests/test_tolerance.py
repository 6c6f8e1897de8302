"""What the operator lets pass: values that do not fit, and rows that cannot be sent."""

import pytest

from sluice import Operations as op
from sluice import SluiceError

SCHEMA = [{"table": "t", "primary_key": ["id"], "columns": {"x": "INT", "d": "UTC_DATETIME"}}]


def tolerate(host, misfits=False, rejects=False):
    host.operations.tolerated = host.operations.Tolerated(misfits, rejects)
    host.start(SCHEMA)


def rejected(host):
    return [(*call[3], host._shown(call[:3])[2]) for call in host.operations.calls if call[0] == "reject"]


@pytest.mark.parametrize("before", [0, 20])
def test_values_that_do_not_fit_are_sent_as_if_undeclared(host, before):
    tolerate(host, misfits=True)
    for i in range(before):
        op.upsert("t", {"id": i, "x": i, "d": None})
    values = [("12", "texts"), (2**40, "integers"), (2**70, "decimals"), (1.5, "floats"), (True, "integers")]
    for i, (value, _) in enumerate(values):
        op.upsert("t", {"id": 100 + i, "x": value, "d": None})
    op.upsert("t", {"id": 200, "x": 5, "d": "tomorrow"})
    op.upsert("t", {"id": 201, "x": 5, "d": "2024-02-29T00:00:00Z"})
    host.finish()
    rows = {row["id"][1]: row for row in host.rows()}
    plural = {"text": "texts", "integer": "integers", "decimal": "decimals", "float": "floats"}
    kinds = [plural.get(rows[100 + i]["x"][0], rows[100 + i]["x"][0]) for i in range(len(values))]
    assert kinds == [kind for _, kind in values]
    assert rows[200]["d"] == ("text", "tomorrow")
    assert rows[201]["d"][0] == "timestamp"


def test_rows_that_cannot_be_sent_are_handed_over(host):
    tolerate(host, rejects=True)
    op.upsert("t", {"id": 1, "x": 1})
    op.upsert("t", {"id": 2, "x": "many", "d": None})
    op.update("t", {"id": 3, "x": "\ud800", 5: "no name"})
    op.upsert("t", {"id": 4, "x": 2})
    host.finish()
    landed = [row["id"][1] for call, _, rows in host.calls if call == "upsert" for row in rows]
    assert landed == [1, 4]
    found = rejected(host)
    assert [kind for kind, _, _ in found] == ["upsert", "update"]
    assert found[0][1:] == (
        "column x: a INT column takes int or bool, not str",
        [{"id": ("integer", 2), "x": ("text", "many"), "d": None}],
    )
    assert "column x" in found[1][1]
    assert found[1][2] == [{"id": ("integer", 3), "x": ("text", "\\ud800")}]


def test_other_errors_are_not_rows(host):
    tolerate(host, rejects=True)
    with pytest.raises(AttributeError, match="must be a dict"):
        op.upsert("t", [1])
    with pytest.raises(ValueError, match="table name"):
        op.upsert(" ", {"id": 1})

    class Bad:
        def __str__(self):
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        op.upsert("u", {"id": 1, "x": Bad()})
    host.operations.refuse = lambda call: host.operations.Refusal_Ended("over")
    with pytest.raises(SluiceError, match="over"):
        op.upsert("t", {"id": 2, "x": "many"})


def test_without_leave_rows_are_refused_at_the_call(host):
    tolerate(host)
    with pytest.raises(TypeError, match="column x"):
        op.upsert("t", {"id": 2, "x": "many"})
    host.finish()
    assert rejected(host) == []
