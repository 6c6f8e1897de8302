"""Events behind a cursor, from where the last sync ended."""

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op

URL = "https://events.example.net/v2/events"


def schema(configuration):
    return [{"table": "event", "primary_key": ["id"], "columns": {"id": "LONG", "at": "UTC_DATETIME"}}]


def update(configuration, state):
    since = state.get("since", configuration["first"])
    newest, cursor = since, None
    while True:
        params = {"since": since, "limit": configuration["limit"]}
        if cursor:
            params["cursor"] = cursor
        answer = requests.get(URL, params=params, auth=("reader", configuration["password"]), timeout=10)
        answer.raise_for_status()
        answer = answer.json()
        for event in answer["data"]:
            op.upsert("event", event)
            newest = max(newest, event["at"])
        op.checkpoint({"since": newest})
        cursor = answer["meta"].get("next_cursor")
        if not cursor:
            return


connector = Connector(update=update, schema=schema)
