"""Every snippet of HTTP, here and natively: what came of each is one row."""

import json

import http_snippets
import library_snippets  # noqa: F401 - adds its snippets
import more_snippets  # noqa: F401
from fivetran_connector_sdk import Operations as op


def same(configuration, state):
    for name, outcome in http_snippets.run(json.loads(configuration["env"])).items():
        op.upsert("snippets", {"name": name, "outcome": json.dumps(outcome)})


MODES = {"same": same}
