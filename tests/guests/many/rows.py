"""Rows in every way a connector may send them."""

import datetime
import decimal
import uuid

from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op


def resumable(configuration, state):
    """``rows`` rows, a checkpoint every ``every``, starting where the state says."""
    total, every = int(configuration["rows"]), int(configuration["every"])
    start = state.get("next", 0)
    for number in range(start, total):
        op.upsert("items", {"id": number, "name": f"item {number}", "half": number / 2, "even": number % 2 == 0})
        if (number + 1) % every == 0:
            op.checkpoint({"next": number + 1})
    op.checkpoint({"next": total})


def inferred(configuration, state):
    op.upsert(
        "inferred",
        {
            "id": 1,
            "flag": True,
            "whole": 2**62,
            "huge": 2**80,
            "real": 0.1,
            "words": "grüße",
            "bytes": b"\x00\xff",
            "exact": decimal.Decimal("1.10"),
            "day": datetime.date(2024, 2, 29),
            "wall": datetime.datetime(2024, 2, 29, 12, 30, 15, 123456),
            "instant": datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
            "nested": {"a": [1, 2, {"b": None}]},
            "pair": (1, 2),
            "unique": uuid.UUID(int=5),
            "nothing": None,
        },
    )


def declared(configuration, state):
    op.upsert(
        table="declared",
        data={
            "id": 7,
            "flag": 1,
            "small": 32767,
            "medium": 2**31 - 1,
            "large": -(2**63),
            "price": "12.340",
            "single": 0.1,
            "double": 0.1,
            "day": "2024-02-29",
            "wall": "2024-02-29T12:30:15",
            "instant": "2024-02-29T12:30:15+02:00",
            "raw": b"\x01\x02",
            "document": "<a/>",
            "words": 12,
            "nested": [1, 2],
        },
    )


def operations(configuration, state):
    op.upsert("things", {"id": 1, "name": "one", "size": 1})
    op.upsert("things", {"id": 2, "name": "two", "size": 2})
    op.upsert("things", {"id": 3, "name": "three", "size": 3})
    op.update("things", {"id": 2, "size": 22})
    op.update("things", {"id": 99, "size": 99})
    op.delete("things", {"id": 3})
    op.delete("things", {"id": 98})
    op.upsert("things", {"id": 1, "name": "uno"})
    op.checkpoint({"step": 1})
    op.upsert("pages", {"id": 1, "old": True})
    op.upsert("pages", {"id": 2, "old": True})
    op.truncate("pages")
    op.upsert("pages", {"id": 2, "old": False})
    op.truncate("never_seen")
    op.checkpoint({"step": 2})


def widening(configuration, state):
    for value in (42, 42.42, "forty-two", 42.43):
        op.upsert("widening", {"id": str(value), "value": value})


def without_checkpoint(configuration, state):
    op.upsert("tail", {"id": 1})


def generator(configuration, state):
    yield op.upsert("generated", {"id": 1})
    yield [op.upsert("generated", {"id": 2}), op.upsert("generated", {"id": 3})]
    yield op.checkpoint({"done": True})


async def coroutine(configuration, state):
    op.upsert("awaited", {"id": 1})


def mutated(configuration, state):
    """The author's dict changes after the call: the call counts."""
    row = {"id": 1, "tags": ["a"], "name": "first"}
    op.upsert("snapshots", row)
    row["tags"].append("b")
    row["id"], row["name"] = 2, "second"
    op.upsert("snapshots", row)
    state = {"list": [1]}
    op.checkpoint(state)
    state["list"].append(2)


def bad_value(configuration, state):
    op.upsert("good", {"id": 1})
    op.checkpoint({"good": True})
    op.upsert("declared", {"id": 1, "small": 10**6})


def lone_surrogate(configuration, state):
    try:
        op.upsert("texts", {"id": 1, "text": "\ud800"})
    except UnicodeEncodeError as error:
        op.upsert("refused", {"id": 1, "error": type(error).__name__})
    except ValueError as error:
        op.upsert("refused", {"id": 1, "error": "ValueError: " + str(error)})


def missing_key(configuration, state):
    op.upsert("keyed", {"name": "no key"})


def hostile_names(configuration, state):
    op.upsert('x"; DROP TABLE y; --', {"id": 1, 'c"; --': 2})


def log_levels(configuration, state):
    log.info("an info")
    log.warning("a warning")
    log.severe("a severe", ValueError("cause"))
    print("printed")


def cursor(configuration, state):
    """A cursor that a second sync goes on from."""
    count = state.get("count", 0)
    op.upsert("cursors", {"id": count})
    op.checkpoint({"count": count + 1})


DECLARATIONS = {
    "resumable": [{"table": "items", "primary_key": ["id"]}],
    "declared": [
        {
            "table": "declared",
            "primary_key": ["id"],
            "columns": {
                "id": "LONG",
                "flag": "BOOLEAN",
                "small": "SHORT",
                "medium": "INT",
                "large": "LONG",
                "price": {"type": "DECIMAL", "precision": 10, "scale": 3},
                "single": "FLOAT",
                "double": "DOUBLE",
                "day": "NAIVE_DATE",
                "wall": "NAIVE_DATETIME",
                "instant": "UTC_DATETIME",
                "raw": "BINARY",
                "document": "XML",
                "words": "STRING",
                "nested": "JSON",
                "never_sent": "STRING",
            },
        }
    ],
    "bad_value": [{"table": "declared", "primary_key": ["id"], "columns": {"small": "SHORT"}}],
    "inferred": [{"table": "inferred", "primary_key": ["id"]}],
    "operations": [{"table": "things", "primary_key": ["id"]}, {"table": "pages", "primary_key": ["id"]}],
    "widening": [{"table": "widening", "primary_key": ["id"]}],
    "mutated": [{"table": "snapshots", "primary_key": ["id"]}],
    "missing_key": [{"table": "keyed", "primary_key": ["id"]}],
    "generator": [{"table": "generated", "primary_key": ["id"]}],
    "cursor": [{"table": "cursors", "primary_key": ["id"]}],
}

MODES = {
    name: value
    for name, value in list(globals().items())
    if callable(value) and getattr(value, "__module__", None) == __name__
}
