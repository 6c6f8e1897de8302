"""Copies orders from a REST interface into the table `orders`.

The interface is paged by a cursor: GET <base_url>/orders?updated_after=<cursor> answers
{"orders": [...], "more": true}, oldest change first. Without a `base_url` in configuration.json the
connector reads SAMPLE below instead, so that it runs at once and without network.
"""

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

PAGE_SIZE = 2
TIMEOUT_SECONDS = 30

SAMPLE = [
    {"id": 1, "customer": "Ada", "total": 12.5, "updated_at": "2025-01-01T09:00:00Z"},
    {"id": 2, "customer": "Grace", "total": 80.0, "updated_at": "2025-01-01T10:30:00Z"},
    {"id": 3, "customer": "Alan", "total": 7.25, "updated_at": "2025-01-02T08:15:00Z"},
    {"id": 1, "customer": "Ada", "total": 14.0, "updated_at": "2025-01-03T17:45:00Z"},
]


def schema(configuration):
    """Declare the tables. Columns that are not named here get their type from the values."""
    return [{"table": "orders", "primary_key": ["id"], "columns": {"updated_at": "UTC_DATETIME"}}]


def update(configuration, state):
    """Send everything that changed since the last sync.

    `configuration` is configuration.json, `state` is what the last sync gave to op.checkpoint, {} at first.
    """
    cursor = state.get("updated_after", "")
    sent = 0
    while True:
        orders, more = fetch_page(configuration, cursor)
        for order in orders:
            op.upsert(table="orders", data=order)  # inserts, or replaces the row with the same id
            cursor = order["updated_at"]
        sent += len(orders)
        # Rows and state become durable together. If the next page fails, the next sync goes on from here.
        op.checkpoint(state={"updated_after": cursor})
        if not more:
            break
    log.info(f"sent {sent} orders")


def fetch_page(configuration, cursor):
    """The next orders after the cursor, and whether there are more."""
    base_url = configuration.get("base_url", "")
    if not base_url:
        changed = [order for order in SAMPLE if order["updated_at"] > cursor]
        return changed[:PAGE_SIZE], len(changed) > PAGE_SIZE

    # The host refuses this request unless connector.toml asks for the destination and the operator grants it.
    response = requests.get(
        f"{base_url}/orders",
        params={"updated_after": cursor, "limit": PAGE_SIZE},
        headers={"Authorization": f"Bearer {configuration.get('api_key', '')}"},
        timeout=TIMEOUT_SECONDS,
    )
    response.raise_for_status()
    page = response.json()
    return page["orders"], page["more"]


connector = Connector(update=update, schema=schema)

if __name__ == "__main__":
    # `python connector.py`: natively, for debuggers. `sluice` never comes here.
    connector.debug()
