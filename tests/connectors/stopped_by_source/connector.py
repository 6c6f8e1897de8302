"""A source that says by itself that it cannot go on: what was checkpointed stays, the rest does not."""

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op

API = "https://meters.example.com/v2/readings"


def update(configuration, state):
    day = state.get("day", 0)
    while True:
        answer = requests.get(API, params={"day": day}, timeout=30).json()
        for reading in answer["readings"]:
            op.upsert("reading", reading)
        if answer.get("suspended"):
            op.error(f"the account was suspended on day {day}; ask the operator of the meters")
        day += 1
        op.checkpoint({"day": day})
        if not answer["more"]:
            break


connector = Connector(
    update=update,
    schema=lambda c: [{"table": "reading", "primary_key": ["meter", "day"], "columns": {"kwh": "DOUBLE"}}],
)
