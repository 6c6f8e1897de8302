"""The extension's fast way of a row against the plain way in Python."""

import datetime
import decimal
import random

from fivetran_connector_sdk import Operations as op

from sluice import _buffer, _columns, _contract, _writer

writer = _writer.writer
TABLES = ("plain", "keyed", "declared")
DECLARATION = [
    {"table": "fast_keyed", "primary_key": ["id"]},
    {
        "table": "fast_declared",
        "primary_key": ["id"],
        "columns": {"id": "LONG", "a": "SHORT", "b": "DOUBLE", "c": "STRING", "d": "BOOLEAN", "e": "JSON"},
    },
]


class Text(str):
    """A str that is no exact str."""


class Interrupts:
    """Its text runs the author's code, which writes to the same table."""

    def __str__(self):
        op.upsert("fast_plain", {"id": -1, "a": "from inside"})
        return "interrupted"


def _value(chance):
    return chance.choice(
        [
            None,
            None,
            True,
            chance.randrange(-5, 40),
            chance.randrange(-(2**70), 2**70),
            chance.choice([-(2**63), 2**63 - 1, 2**63, 2**15, -(2**15) - 1]),
            chance.random(),
            float("nan"),
            -0.0,
            "",
            "text",
            "grüße 🌊" * chance.randrange(40),
            "nul\0inside",
            "half \ud83d",
            b"",
            b"\x00\xff" * chance.randrange(9),
            decimal.Decimal("1.50"),
            datetime.datetime(2024, 2, 29, 12, 30),
            datetime.date(2024, 2, 29),
            {"k": [1, None]},
            [],
            Text("sub"),
            Interrupts(),
        ]
    )


def _program(seed):
    chance = random.Random(seed)
    kept = {name: _value(chance) for name in "abcde"}
    program, table = [], "fast_plain"
    for number in range(chance.randrange(1, 60)):
        table = "fast_" + chance.choice(TABLES) if chance.random() < 0.2 else table
        row = {"id": number, **kept}
        for name in chance.sample("abcde", chance.choice([0, 0, 1, 5])):
            row[name] = _value(chance)
        if chance.random() < 0.2:
            del row[chance.choice("abcde")]
        if any(type(value) is Interrupts for value in row.values()):
            # a row that is refused as well: whether it interrupts first depends on the order of columns
            table = "fast_plain"
            row = {name: None if value == "half \ud83d" else value for name, value in row.items()}
        if chance.random() < 0.2:
            # other order, and keys that are other objects
            row = {"".join(list(name)): value for name, value in reversed(row.items())}
        program.append(
            (chance.choice(["upsert"] * 6 + ["update", "delete"]), table, row, chance.random() < 0.1)
        )
    return program


def _perform(program, call):
    sent, errors = [], []
    _contract.send = lambda *batch: sent.append(batch)
    for operation, table, row, schema in program:
        try:
            call(operation, "s" if schema else None, table, row)
        except (TypeError, ValueError, OverflowError):
            # which of several bad columns is named first may differ
            errors.append(f"row {row['id']} of {table}")
    writer.flush()
    rows = [row for batch in sent for row in _rows(*batch)]
    # the order within a table is what counts
    rows.sort(key=lambda row: (row[1] or "", row[2]))
    return [repr(row) for row in rows], errors


def _rows(operation, schema, table, count, columns):
    """The rows of a batch; how rows are cut into batches may differ."""
    rows = [{} for _ in range(count)]
    for name, kind, values, nulls in columns:
        if isinstance(values, str):
            values = values.split("\0")
        for index, value in enumerate(values):
            if index not in nulls:
                rows[index][name] = value if kind == "mixed" else (kind, value)
    return [(operation, schema, table, sorted(row.items())) for row in rows]


def _difference(one, other):
    """The first rows or errors that differ, for people."""
    for name, left, right in zip(("row", "error"), one, other, strict=True):
        for index in range(max(len(left), len(right))):
            pair = left[index : index + 1], right[index : index + 1]
            if pair[0] != pair[1]:
                return f"{name} {index}: {pair[0]} and {pair[1]}"
    return None


def _fast(operation, schema, table, row):
    if schema is None:
        getattr(op, operation)(table, row)
    else:
        name = {"upsert": "data", "update": "modified", "delete": "keys"}[operation]
        getattr(op, operation)(table=table, schema=schema, **{name: row})


def agree(configuration, state):
    """Random operations send the same rows and refuse the same rows both ways."""
    send, native = _contract.send, _buffer._Columns
    assert native is not _columns.Columns, "the extension is not in the component"
    # so that the rows come by `_contract.send`
    native_send, native.send = native.send, lambda *arguments: False
    first = int(configuration["seed"])
    for seed in range(first, first + int(configuration["programs"])):
        fast = _perform(_program(seed), _fast)
        writer._forget()
        _buffer._Columns = _columns.Columns
        slow = _perform(_program(seed), writer.row)
        writer._forget()
        _buffer._Columns = native
        difference = _difference(fast, slow)
        assert difference is None, f"seed {seed}: {difference}"
    _contract.send, native.send = send, native_send
    op.upsert("agreed", {"programs": int(configuration["programs"])})


MODES = {"fast_way": agree}
DECLARATIONS = {"fast_way": DECLARATION}
