"""Every snippet of HTTP, here and natively: what came of each is one row."""

import json
from importlib import import_module

import snippets
from fivetran_connector_sdk import Operations as op

for module in (*snippets.NEUTRAL, "host", "libraries", "google"):
    import_module(f"snippets.{module}")


def same(configuration, state):
    for name, outcome in snippets.run(json.loads(configuration["env"])).items():
        op.upsert("snippets", {"name": name, "outcome": json.dumps(outcome)})


MODES = {"same": same}
