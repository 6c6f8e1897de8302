"""The tables, and what a record of the service becomes in them; knows nothing of HTTP."""

TABLES = [
    {"table": "customers", "primary_key": ["id"], "columns": {"id": "LONG", "name": "STRING"}},
    {
        "table": "orders",
        "primary_key": ["id"],
        "columns": {
            "id": "LONG",
            "customer_id": "LONG",
            "total": {"type": "DECIMAL", "precision": 10, "scale": 2},
        },
    },
    {
        "table": "order_lines",
        "primary_key": ["order_id", "line"],
        "columns": {"order_id": "LONG", "line": "INT", "product": "STRING", "count": "INT"},
    },
]


def customer_rows(customer):
    """A customer is a row."""
    yield "customers", customer


def order_rows(order):
    """An order is a row, and each of its lines another one."""
    yield "orders", {"id": order["id"], "customer_id": order["customer"]["id"], "total": order["total"]}
    for number, line in enumerate(order["lines"], start=1):
        yield "order_lines", {"order_id": order["id"], "line": number, **line}
