"""Every declared type, values without a declaration, a table without a key."""

import datetime
import uuid
from decimal import Decimal

from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op

COLUMNS = {
    "id": "INT",
    "yes": "BOOLEAN",
    "short": "SHORT",
    "long": "LONG",
    "exact": {"type": "DECIMAL", "precision": 20, "scale": 4},
    "single": "FLOAT",
    "double": "DOUBLE",
    "day": "NAIVE_DATE",
    "moment": "NAIVE_DATETIME",
    "instant": "UTC_DATETIME",
    "bytes": "BINARY",
    "document": "XML",
    "text": "STRING",
    "json": "JSON",
}


def schema(configuration):
    return [
        {"table": "declared", "primary_key": ["id"], "columns": COLUMNS},
        {"table": "inferred"},
        {"table": "log"},
    ]


def update(configuration, state):
    op.upsert(
        "declared",
        {
            "id": 1,
            "yes": True,
            "short": -32768,
            "long": 2**63 - 1,
            "exact": "12345.6789",
            "single": 0.5,
            "double": 1e300,
            "day": "2024-02-29",
            "moment": "2024-02-29T23:59:59.5",
            "instant": "2024-02-29T23:59:59.5+02:00",
            "bytes": b"\x00\xff",
            "document": "<a>&lt;</a>",
            "text": "zwölf ✓",
            "json": {"a": [1, None, {"b": "c"}]},
        },
    )
    op.upsert("declared", dict.fromkeys(COLUMNS) | {"id": 2})
    op.upsert(
        "inferred",
        {
            "integer": 7,
            "real": 7.5,
            "truth": False,
            "text": "seven",
            "list": [7, "7"],
            "exact": Decimal("7.10"),
            "day": datetime.date(2025, 1, 31),
            "instant": datetime.datetime(2025, 1, 31, 12, tzinfo=datetime.timezone.utc),
            "name": str(uuid.UUID(int=7)),
            "none": None,
        },
    )
    for line in ("same", "same", "other"):
        op.upsert("log", {"line": line})
    op.checkpoint(state)


connector = Connector(update=update, schema=schema)
