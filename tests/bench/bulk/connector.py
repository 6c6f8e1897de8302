"""Rows as fast as they come: 5 columns, a checkpoint every 100,000 rows. Or a truncate of them."""

from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op

# As a source would send them: ready-made text.
STAMPS = [f"2024-01-01T00:{second // 60:02d}:{second % 60:02d}Z" for second in range(3600)]


def schema(configuration):
    return [{"table": "items", "primary_key": ["id"]}]


def update(configuration, state):
    rows, every = int(configuration["rows"]), int(configuration.get("every", 100_000))
    salt = configuration.get("salt", "")
    if configuration.get("truncate"):
        op.truncate("items")
    for number in range(rows):
        op.upsert(
            "items",
            {
                "id": number,
                "name": f"item number {number}{salt}",
                "score": number * 0.5,
                "active": number % 2 == 0,
                "created_at": STAMPS[number % len(STAMPS)],
            },
        )
        if (number + 1) % every == 0:
            op.checkpoint({"rows": number + 1})


connector = Connector(update=update, schema=schema)
