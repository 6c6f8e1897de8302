"""A source of two tables that is read on from a cursor for each."""

import json

import requests
from fivetran_connector_sdk import Operations as op


def incremental(configuration, state):
    """``users`` and ``orders`` are lists of ids. After the row ``wait_after`` names, as in ``users:1``, it
    asks ``url`` and waits for the answer."""
    for table in ("users", "orders"):
        ids = json.loads(configuration[table])
        for place in range(state.get(table, 0), len(ids)):
            op.upsert(table, {"id": ids[place], "name": f"{table} {ids[place]}"})
            state[table] = place + 1
            op.checkpoint(state)
            if configuration.get("wait_after") == f"{table}:{ids[place]}":
                requests.get(configuration["url"], timeout=300)


MODES = {"incremental": incremental}
DECLARATIONS = {
    "incremental": [{"table": "users", "primary_key": ["id"]}, {"table": "orders", "primary_key": ["id"]}]
}
