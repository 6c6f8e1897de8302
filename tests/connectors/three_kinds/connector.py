"""A change feed: rows come, change in part, go, and a table begins anew."""

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op


def schema(configuration):
    return [
        {"table": "part", "primary_key": ["number", "plant"]},
        {"table": "stock", "primary_key": ["number"]},
    ]


def update(configuration, state):
    changes = requests.get(
        "https://changes.example.com/feed", params={"after": state.get("at", 0)}, timeout=5
    ).json()
    for change in changes:
        kind, table, row = change["kind"], change["table"], change.get("row")
        if kind == "created":
            op.upsert(table, row)
        elif kind == "changed":
            op.update(table=table, modified=row)
        elif kind == "removed":
            op.delete(table=table, keys=row)
        elif kind == "cleared":
            op.truncate(table=table)
        state["at"] = change["at"]
    op.checkpoint(state)


connector = Connector(update=update, schema=schema)
