"""Rows in every way a connector may send them."""

import asyncio
import datetime
import decimal
import logging
import uuid

import requests
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op


def resumable(configuration, state):
    """``rows`` rows, a checkpoint every ``every``, starting where the state says."""
    total, every = int(configuration["rows"]), int(configuration["every"])
    start = state.get("next", 0)
    for number in range(start, total):
        op.upsert(
            "items", {"id": number, "name": f"item {number}", "half": number / 2, "even": number % 2 == 0}
        )
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
            "instant": datetime.datetime(
                2024, 2, 29, 12, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=2))
            ),
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


def widening_stepwise(configuration, state):
    """The same, but each value is in the table before the next one comes."""
    for value in (42, 42.42, "forty-two", 42.43):
        op.upsert("widening", {"id": str(value), "value": value})
        op.checkpoint({"value": value})


def without_checkpoint(configuration, state):
    op.upsert("tail", {"id": 1})


def failing_tail(configuration, state):
    """Fails after more rows than one batch holds have left for the destination."""
    for number in range(10):
        op.upsert("items", {"id": number})
    op.checkpoint({"next": 10})
    for number in range(10, 5010):
        op.upsert("items", {"id": number})
    op.delete("items", {"id": 1})
    op.truncate("items")
    raise ValueError("the source went away")


def checkpoint_then_wait(configuration, state):
    """Has a checkpoint behind it and a row after it when the server hears of it."""
    op.upsert("waited", {"id": 1})
    op.checkpoint({"waited": 1})
    op.upsert("waited", {"id": 2})
    requests.get(configuration["url"], timeout=300)


def generator(configuration, state):
    yield op.upsert("generated", {"id": 1})
    yield [op.upsert("generated", {"id": 2}), op.upsert("generated", {"id": 3})]
    yield op.checkpoint({"done": True})


async def coroutine(configuration, state):
    await asyncio.sleep(0)
    op.upsert("generated", {"id": 4})


async def async_generator(configuration, state):
    for number in (5, 6):
        await asyncio.sleep(0)
        yield op.upsert("generated", {"id": number})


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
    op.upsert("declared", {"id": 1, "small": 10**6})  # the bad line


def refused_calls(configuration, state):
    """Calls that must raise where they stand; the sync goes on after each."""
    attempts = {
        "lone surrogate": lambda: op.upsert("texts", {"id": 1, "text": "\ud800"}),
        "lone surrogate in JSON": lambda: op.upsert("texts", {"id": 1, "text": ["\ud800"]}),
        "lone surrogate in a column's name": lambda: op.upsert("texts", {"id": 1, "\ud800": 1}),
        "blank table": lambda: op.upsert(" ", {"id": 1}),
        "table that is no text": lambda: op.upsert(1, {"id": 1}),
        "row that is no dict": lambda: op.upsert("keyed", [1]),
        "state that is no dict": lambda: op.checkpoint([1]),
        "state that is no JSON": lambda: op.checkpoint({"a": {1}}),
        "file": lambda: op.upsert("keyed", {"id": 1}, file=b"x"),
    }
    for name, attempt in attempts.items():
        try:
            attempt()
        except Exception as error:
            op.upsert("refusals", {"name": name, "kind": type(error).__name__, "message": str(error)})
        else:
            op.upsert("refusals", {"name": name, "kind": "nothing was raised"})


def missing_key(configuration, state):
    op.upsert("keyed", {"name": "no key"})


HOSTILE_NAMES = [
    'x"; DROP TABLE bystander; --',
    "x'); DELETE FROM bystander; --",
    "[brackets]",
    "`ticks`",
    "select",
    "x.y",
    "\u202e gnirts",
    "tab le",
    "Straße ✓",
    "%s ? :1 $2",
]


def hostile_names(configuration, state):
    op.upsert("bystander", {"id": 1})
    for number, name in enumerate(HOSTILE_NAMES):
        try:
            op.upsert(name, {"id": number, name: "kept"})
            op.checkpoint({"number": number})
        except ValueError as error:
            log.warning(f"refused {number}: {error}")


def colliding_names(configuration, state):
    """Two tables of the source that have one name in the destination."""
    op.upsert("user-data", {"id": 1})
    op.checkpoint({"tables": 1})
    op.upsert("user.data", {"id": 2})
    op.checkpoint({"tables": 2})


def reserved_name(configuration, state):
    op.upsert("ordinary", {"id": 1, configuration["column"]: 1})


def reserved_table(configuration, state):
    op.upsert(configuration["table"], {"id": 1})


def log_levels(configuration, state):
    log.debug("a debug")
    log.fine("a fine")
    log.info("an info")
    log.warning("a warning")
    log.error("an error")
    log.severe("a severe", ValueError("cause"))
    log.critical("a critical")
    op.warning("an operator's warning")
    print("printed")
    logging.getLogger("library").warning("from a library")


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
    "widening_stepwise": [{"table": "widening", "primary_key": ["id"]}],
    "failing_tail": [{"table": "items", "primary_key": ["id"]}],
    "checkpoint_then_wait": [{"table": "waited", "primary_key": ["id"]}],
    "refused_calls": [
        {"table": "keyed", "primary_key": ["id"]},
        {"table": "refusals", "primary_key": ["name"]},
    ],
    "mutated": [{"table": "snapshots", "primary_key": ["id"]}],
    "missing_key": [{"table": "keyed", "primary_key": ["id"]}],
    "generator": [{"table": "generated", "primary_key": ["id"]}],
    "coroutine": [{"table": "generated", "primary_key": ["id"]}],
    "async_generator": [{"table": "generated", "primary_key": ["id"]}],
    "cursor": [{"table": "cursors", "primary_key": ["id"]}],
}

MODES = {
    name: value
    for name, value in list(globals().items())
    if callable(value) and getattr(value, "__module__", None) == __name__
}
