"""A shop's feed of changes, in Python.

``examples/javascript`` and ``examples/rust`` are the same connector in other languages: all three land the
same tables.
"""

import base64
from decimal import Decimal

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

PAGE_SIZE = 40


def schema(configuration):
    return [
        {
            "table": "orders",
            "primary_key": ["id"],
            "columns": {
                "id": "INT",
                "reference": "LONG",
                "customer": "STRING",
                "total": {"type": "DECIMAL", "precision": 12, "scale": 2},
                "weight": "DOUBLE",
                "paid": "BOOLEAN",
                "ordered_on": "NAIVE_DATE",
                "delivery": "NAIVE_DATETIME",
                "changed_at": "UTC_DATETIME",
                "receipt": "BINARY",
                "tags": "JSON",
                "note": "STRING",
            },
        },
        # The types of the other columns are inferred from the values.
        {"table": "order_lines", "primary_key": ["order_id", "line"]},
    ]


def update(configuration, state):
    position = state.get("position", 0)
    log.info(f"reading changes after {position}")
    session = requests.Session()
    session.headers["Authorization"] = "Bearer " + configuration["token"]
    more = True
    while more:
        query = {"after": position, "limit": PAGE_SIZE}
        response = session.get(configuration["base_url"] + "/changes", params=query, timeout=30)
        response.raise_for_status()
        page = response.json()
        for change in page["changes"]:
            send(change)
            position = change["position"]
        # Whatever the state says has been read has been sent before.
        op.checkpoint({"position": position})
        more = page["more"]
    log.info(f"read changes up to {position}")


def send(change):
    if change["kind"] == "order":
        order = change["order"]
        receipt = order["receipt"]
        lines = order.pop("lines")
        order["reference"] = int(order["reference"])
        order["total"] = Decimal(order["total"])
        order["receipt"] = None if receipt is None else base64.b64decode(receipt)
        op.upsert("orders", order)
        for line in lines:
            op.upsert("order_lines", {"order_id": order["id"], **line, "price": Decimal(line["price"])})
    elif change["kind"] == "paid":
        op.update("orders", {"id": change["id"], "paid": True, "changed_at": change["changed_at"]})
    elif change["kind"] == "removed":
        op.delete("orders", {"id": change["id"]})
        for line in change["lines"]:
            op.delete("order_lines", {"order_id": change["id"], "line": line})
    else:
        log.warning(f"a change of an unknown kind, {change['kind']!r}, was left out")


connector = Connector(update=update, schema=schema)

if __name__ == "__main__":
    connector.debug()
