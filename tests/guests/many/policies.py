"""Sends what the configuration says, so that a test can look for its values afterwards."""

import json

from fivetran_connector_sdk import Operations as op


def script(configuration, state):
    for name, table, *arguments in json.loads(configuration["script"])["operations"]:
        schema, _, table = table.rpartition("/")
        getattr(op, name)(table, *arguments, **({"schema": schema} if schema else {}))
    op.checkpoint(state)


MODES = {"script": script}

DECLARATIONS = {"script": lambda configuration: json.loads(configuration["script"])["tables"]}
