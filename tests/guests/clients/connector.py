"""Threads, asyncio, and HTTP libraries beside requests; one mode each, chosen by ``configuration["mode"]``."""

import cloud
import fetching
import threads
from fivetran_connector_sdk import Connector

MODES = {**cloud.MODES, **fetching.MODES, **threads.MODES}


def update(configuration, state):
    return MODES[configuration["mode"]](configuration, state)


connector = Connector(update=update)
