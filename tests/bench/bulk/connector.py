"""Rows as fast as they come: 5 columns, a checkpoint every 100,000 rows."""

from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op


def schema(configuration):
    return [{"table": "items", "primary_key": ["id"]}]


def update(configuration, state):
    rows, every = int(configuration["rows"]), int(configuration.get("every", 100_000))
    salt = configuration.get("salt", "")
    for number in range(rows):
        op.upsert(
            "items",
            {
                "id": number,
                "name": f"item number {number}{salt}",
                "score": number * 0.5,
                "active": number % 2 == 0,
                "created_at": f"2024-01-01T00:{number // 60 % 60:02d}:{number % 60:02d}Z",
            },
        )
        if (number + 1) % every == 0:
            op.checkpoint({"rows": number + 1})


connector = Connector(update=update, schema=schema)
