"""Values that do not fit their declared types, and rows that cannot be sent."""

from fivetran_connector_sdk import Operations as op

SCHEMA = [
    {"table": "misfits", "primary_key": ["id"], "columns": {"id": "LONG", "n": "INT", "at": "UTC_DATETIME"}}
]


class Broken:
    def __str__(self):
        raise ZeroDivisionError("the author's own")


def misfits(configuration, state):
    """Rows of which some do not fit, before and after the fast way of a row is open."""
    for number in range(20):
        op.upsert("misfits", {"id": number, "n": number, "at": "2024-02-29T01:02:03Z"})
    op.upsert("misfits", {"id": 20, "n": "12", "at": None})
    op.upsert("misfits", {"id": 21, "n": 2**40, "at": "tomorrow"})
    op.upsert("misfits", {"id": 22, "n": 22, "at": "2024-02-29T00:00:00Z"})
    op.checkpoint({"done": 1})
    op.upsert("misfits", {"id": 23, "n": 1.5, "at": None})
    op.checkpoint({"done": 2})


def unsendable(configuration, state):
    """Rows that no column could take, or without a key, between good ones."""
    for number in range(20):
        op.upsert("misfits", {"id": number, "n": number})
    op.upsert("misfits", {"id": None, "n": 1})
    op.upsert("misfits", {"n": 1})
    op.upsert("misfits", {"id": 30, "n": 1, "words": "\ud800"})
    op.upsert("misfits", {"id": 31, "n": 1, 5: "no name"})
    op.upsert("misfits", {"id": 32, "n": 1, "large": "x" * 2_000_000})
    op.upsert("misfits", {"id": 33, "n": 1, "!!": "a name that becomes nothing"})
    op.upsert("misfits", {"id": 20, "n": 20})
    op.checkpoint({"done": 1})


def own_error(configuration, state):
    op.upsert("misfits", {"id": 1, "words": Broken()})


MODES = {function.__name__: function for function in (misfits, unsendable, own_error)}
DECLARATIONS = dict.fromkeys(MODES, SCHEMA)
