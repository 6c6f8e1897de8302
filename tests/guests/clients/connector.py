"""Threads, asyncio, and HTTP libraries beside requests; ``configuration["mode"]`` chooses one."""

import cloud
import databases
import fetching
import mongo
import rows
import same
import streams
import workers
from fivetran_connector_sdk import Connector

MODES = {
    **cloud.MODES,
    **databases.MODES,
    **fetching.MODES,
    **mongo.MODES,
    **rows.MODES,
    **same.MODES,
    **streams.MODES,
    **workers.MODES,
}


def update(configuration, state):
    return MODES[configuration["mode"]](configuration, state)


connector = Connector(update=update)
