"""Meter readings by day and offset: windows in the customer's time zone, sent in UTC."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import requests
from dateutil import parser
from dateutil.relativedelta import relativedelta
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op

PAGE = 2


def schema(configuration):
    return [
        {
            "table": "reading",
            "primary_key": ["meter", "taken"],
            "columns": {
                "meter": "STRING",
                "taken": "UTC_DATETIME",
                "local_day": "NAIVE_DATE",
                "kwh": "DOUBLE",
            },
        }
    ]


def windows(start, end):
    while start < end:
        stop = min(start + timedelta(days=1), end)
        yield start, stop
        start = stop


def update(configuration, state):
    zone = ZoneInfo(configuration["zone"])
    now = datetime.now(timezone.utc)
    first = parser.isoparse(state["until"]) if "until" in state else now - relativedelta(days=2)
    midnight = first.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    for start, stop in windows(midnight, now.astimezone(zone)):
        offset = 0
        while True:
            rows = requests.get(
                configuration["url"],
                params={
                    "from": start.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "to": stop.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "limit": PAGE,
                    "offset": offset,
                },
                timeout=10,
            ).json()["rows"]
            for row in rows:
                taken = parser.parse(row["taken"])
                day = taken.astimezone(zone).date().isoformat()
                op.upsert("reading", {**row, "taken": taken.isoformat(), "local_day": day})
            offset += len(rows)
            if len(rows) < PAGE:
                break
        op.checkpoint({"until": stop.astimezone(timezone.utc).isoformat()})


connector = Connector(update=update, schema=schema)
