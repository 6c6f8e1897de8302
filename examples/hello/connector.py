"""The smallest connector: one table, one row, one checkpoint."""

from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op


def schema(configuration):
    return [{"table": "greetings", "primary_key": ["id"]}]


def update(configuration, state):
    syncs = state.get("syncs", 0) + 1
    log.info(f"sync number {syncs}")
    op.upsert("greetings", {"id": 1, "message": "hello, world", "syncs": syncs})
    op.checkpoint({"syncs": syncs})


connector = Connector(update=update, schema=schema)

if __name__ == "__main__":
    connector.debug()
