"""Orders with lines, flattened into two tables, by dataclasses and enums."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op


class Status(Enum):
    OPEN = "open"
    SENT = "sent"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> Status:
        return cls.UNKNOWN


@dataclass(frozen=True)
class Line:
    order_id: int
    position: int
    article: str
    price: Decimal
    tags: list[str] = field(default_factory=list)


def flatten(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if isinstance(inner, dict):
            yield from flatten(inner, name + "_")
        elif isinstance(inner, list):
            yield name, json.dumps(inner, default=str)
        else:
            yield name, inner


def schema(configuration: dict):
    return [
        {"table": "order", "primary_key": ["id"]},
        {
            "table": "order_line",
            "primary_key": ["order_id", "position"],
            "columns": {"price": {"type": "DECIMAL", "precision": 12, "scale": 2}, "tags": "JSON"},
        },
    ]


def update(configuration: dict, state: dict):
    orders = requests.get("https://orders.example.com/orders.json", timeout=10).json(parse_float=Decimal)
    for order in orders:
        lines = order.pop("lines", [])
        row = dict(flatten(order))
        row["status"] = Status(row["status"]).name
        op.upsert("order", row)
        for position, line in enumerate(lines, start=1):
            op.upsert("order_line", asdict(Line(order["id"], position, **line)))
    op.checkpoint(state)


connector = Connector(update=update, schema=schema)
