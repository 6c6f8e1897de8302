"""History by hand: each price keeps its interval of validity; the last one is open."""

from datetime import date, datetime, timedelta, timezone

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op

OPEN = date.max


def schema(configuration):
    return [
        {
            "table": "price",
            "primary_key": ["article", "valid_from"],
            "columns": {
                "article": "STRING",
                "valid_from": "NAIVE_DATE",
                "valid_to": "NAIVE_DATE",
                "seen": "UTC_DATETIME",
                "price": {"type": "DECIMAL", "precision": 10, "scale": 2},
            },
        }
    ]


def update(configuration, state):
    current = state.get("current", {})
    now = datetime.now(timezone.utc)
    for change in requests.get("https://prices.example.com/changes", timeout=5).json():
        article, start = change["article"], date.fromisoformat(change["from"])
        before = current.get(article)
        if before:
            closed = {**before, "valid_to": (start - timedelta(days=1)).isoformat(), "seen": now.isoformat()}
            op.upsert("price", closed)
        row = {"article": article, "valid_from": start.isoformat(), "price": change["price"]}
        op.upsert("price", {**row, "valid_to": OPEN.isoformat(), "seen": now.isoformat()})
        current[article] = row
    op.checkpoint({"current": current})


connector = Connector(update=update, schema=schema)
